//! Keys that are fetched by HTTPS, from a real server whose certificate is good, or is not.

use std::{error::Error, sync::Arc};

use auth_jwt_layer::{
    ConfigErrorKind, Issuer, RemoteKeys, RemoteKeysError, SigningKeys, TokenLogin, Verifier,
};
use auth_revocation_memory::MemoryStore;
use auth_tests::{
    Certificates, TlsFiles,
    demo::{Credential, Demo},
    example,
};
use serde_json::json;

/// A server that publishes the keys of an issuer at `/keys`, and says so. Named by where it listens.
struct Party {
    _server: TlsFiles,
    issuer: Issuer,
}

impl Party {
    fn start(certificates: &Certificates, name: &str) -> Self {
        let server = TlsFiles::start(certificates, name);
        let url = format!("https://{}", server.address());
        let keys = SigningKeys::builder().generate_ed25519("k").build();
        let store = Arc::new(MemoryStore::new());
        let issuer = Issuer::builder(&url, "demo", keys.expect("keys"), store);
        let issuer = issuer.build().expect("an issuer");
        server.serve("keys", &issuer.jwks());
        let metadata = json!({ "issuer": url, "jwks_uri": format!("{url}/keys") });
        server.serve(".well-known/openid-configuration", &metadata.to_string());
        Self {
            _server: server,
            issuer,
        }
    }

    fn url(&self) -> &str {
        self.issuer.issuer()
    }

    async fn token(&self) -> String {
        let tokens = self.issuer.login(TokenLogin::new("alice")).await;
        tokens.expect("logged in").access_token().to_owned()
    }
}

/// What the client said, and what was behind that.
fn reasons(error: RemoteKeysError) -> String {
    let RemoteKeysError::Client(error) = error else {
        panic!("{error:?}");
    };
    let mut source: Option<&(dyn Error + 'static)> = Some(&*error);
    let mut said = String::new();
    while let Some(error) = source {
        said += &format!("{error}: ");
        source = error.source();
    }
    said
}

#[tokio::test]
async fn keys_come_from_a_server_whose_authority_is_trusted() {
    let made = Certificates::make();
    let party = Party::start(&made, "server");
    let jwks = format!("{}/keys", party.url());
    for keys in [RemoteKeys::discover(party.url()), RemoteKeys::jwks(jwks)] {
        let keys = keys.root_certificates(made.read("ca.pem")).build();
        let keys = keys.expect("keys");
        keys.ready().await.expect("fetched");
        let verifier = Verifier::builder(party.url(), "demo", keys).build();
        let token = party.token().await;
        let verified = verifier.expect("a verifier").verify(token.as_bytes());
        assert_eq!(verified.expect("good").subject(), "alice");
    }
}

#[tokio::test]
async fn keys_of_a_server_that_may_be_somebody_else_are_not_taken() {
    let made = Certificates::make();
    let rows = [
        ("the system's authorities", "server", None, "UnknownIssuer"),
        (
            "another authority",
            "server",
            Some("other-ca.pem"),
            "BadSignature",
        ),
        ("expired", "expired", Some("ca.pem"), "xpired"),
        (
            "another name",
            "elsewhere",
            Some("ca.pem"),
            "not valid for name",
        ),
    ];
    for (row, name, roots, expected) in rows {
        let party = Party::start(&made, name);
        let mut keys = RemoteKeys::discover(party.url());
        if let Some(roots) = roots {
            keys = keys.root_certificates(made.read(roots));
        }
        let fetched = keys.build().expect("keys").ready().await;
        let said = reasons(fetched.expect_err(row));
        assert!(said.contains(expected), "{row}: {said}");
    }
}

#[test]
fn root_certificates_that_can_not_be_meant_fail_to_build() {
    let keys = || RemoteKeys::jwks("https://issuer.example/keys");
    let made = Certificates::make();
    let client = |_: String| async { Err("no client".into()) };
    for (row, keys) in [
        ("none", keys().root_certificates("")),
        ("no PEM", keys().root_certificates("a certificate")),
        ("a key", keys().root_certificates(made.read("server.key"))),
        (
            "for a client that has its own",
            keys()
                .fetch_with(client)
                .root_certificates(made.read("ca.pem")),
        ),
    ] {
        let error = keys.build().expect_err(row);
        assert_eq!(error.kind(), ConfigErrorKind::RootCertificates, "{row}");
    }
}

/// As an operator does it, who can not change the program.
#[tokio::test]
async fn the_demo_trusts_whom_the_system_trusts() {
    let made = Certificates::make();
    let party = Party::start(&made, "server");
    let trust = format!("{0},demo,{0}/keys", party.url());
    let start = |roots: &str| {
        let mut command = example("demo");
        command.env("SSL_CERT_FILE", made.file(roots));
        Demo::spawn(command, &["--trust", &trust])
    };
    let token = Credential::Bearer(party.token().await);
    // The store in memory does not know what was revoked before it was there: only a token whose signature is good is
    // told so.
    let response = start("ca.pem").request("GET", "/api/me", &token);
    let challenge = response.header("www-authenticate").expect("a challenge");
    assert!(challenge.contains("the token was revoked"), "{response:?}");

    let demo = start("other-ca.pem");
    assert_eq!(demo.request("GET", "/api/me", &token).status, 503);
    demo.program().wait_for("the keys could not be fetched");
    demo.program().wait_for("BadSignature");
}
