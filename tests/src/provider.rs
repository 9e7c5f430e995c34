use std::process::Command;

use serde_json::Value;

use crate::{Program, Request, clients::interpreter};

/// An OpenID provider by Authlib, `tests/python/oidc_provider.py`.
#[derive(Debug)]
pub struct Provider(Program);

impl Provider {
    /// Starts it on a free port.
    pub fn start() -> Self {
        let mut command = Command::new(interpreter());
        command
            .arg("tests/python/oidc_provider.py")
            .current_dir(crate::repository());
        Self(Program::spawn(&mut command))
    }

    /// Its `iss`, an URL.
    pub fn issuer(&self) -> String {
        format!("http://{}", self.0.http())
    }

    /// The audience of its tokens.
    pub fn audience(&self) -> &'static str {
        "demo"
    }

    /// An access token for a client, who is its subject.
    pub fn token(&self, client: &str) -> String {
        self.token_with(client, "")
    }

    /// An access token that belongs to a session.
    pub fn token_of(&self, client: &str, sid: &str) -> String {
        self.token_with(client, &format!("&sid={sid}"))
    }

    fn token_with(&self, client: &str, more: &str) -> String {
        let form = format!(
            "grant_type=client_credentials&client_id={client}&client_secret=secret&scope=read{more}"
        );
        let response = Request::post("/token").form(&form).send(self.0.http());
        assert_eq!(response.status, 200, "{response:?}");
        let token = &response.json()["access_token"];
        token.as_str().expect("a token is text").to_owned()
    }

    /// An ID token for somebody, of a session.
    pub fn id_token(&self, sub: &str, sid: &str) -> String {
        let form = format!("sub={sub}&sid={sid}");
        let response = Request::post("/id_token").form(&form).send(self.0.http());
        assert_eq!(response.status, 200, "{response:?}");
        response.text().to_owned()
    }

    /// Sends a logout token, of what the form names, to a service; what it sent, and the status that
    /// it was answered with.
    pub fn log_out(&self, what: &str, uri: &str) -> (String, u64) {
        let form = format!("{what}&uri={uri}");
        let response = Request::post("/logout").form(&form).send(self.0.http());
        assert_eq!(response.status, 200, "{response:?}");
        let sent = response.json();
        let token = sent["token"].as_str().expect("a token is text");
        (token.to_owned(), sent["status"].as_u64().expect("a status"))
    }

    /// Signs by a new key from now on. The one before stays published.
    pub fn rotate(&self) {
        let response = Request::post("/rotate").send(self.0.http());
        assert_eq!(response.status, 204, "{response:?}");
    }

    /// How often a document was fetched: `discovery` or `keys`.
    pub fn fetched(&self, document: &str) -> u64 {
        let counts: Value = Request::get("/counts").send(self.0.http()).json();
        counts[document].as_u64().expect("a number")
    }
}
