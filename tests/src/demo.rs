//! The demo as its tests see it: users, logins, and what must never be printed.

use std::{
    collections::BTreeSet,
    env, fs,
    net::SocketAddr,
    path::PathBuf,
    process::{self, Command},
    sync::{Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{Connection, Program, Request, Response, example, python};

/// The name of the session cookie of a demo on default flags.
pub const COOKIE: &str = "__Host-id";

/// What [`Demo::who`] says of a caller that nothing identified.
pub const NOBODY: &str = "nobody";

/// How many characters of a secret must not be printed: a log that cuts secrets is found, too.
const TAIL: usize = 16;

/// How long a demo may go on saying "try again".
const PATIENCE: Duration = Duration::from_secs(40);
/// Between two attempts.
const PAUSE: Duration = Duration::from_millis(20);

/// A running demo, with users `user-1` to `user-20` besides its own.
///
/// When it is dropped it must not have printed any of the tokens and cookies that the test got
/// through it.
#[derive(Debug)]
pub struct Demo {
    program: Program,
    secrets: Mutex<BTreeSet<String>>,
}

impl Demo {
    /// Starts it on a free port with these flags besides.
    pub fn start(flags: &[&str]) -> Self {
        Self::spawn(example("demo"), flags)
    }

    /// Like [`start`](Self::start), for a command with an environment of its own.
    pub fn spawn(mut command: Command, flags: &[&str]) -> Self {
        command.args(["--listen", "127.0.0.1:0", "--load-users", "20"]);
        Self {
            program: Program::spawn(command.args(flags)),
            secrets: Mutex::default(),
        }
    }

    /// The running program.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// Where it serves HTTP.
    pub fn http(&self) -> SocketAddr {
        self.program.http()
    }

    /// The address of a path, for clients that take URLs.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.http())
    }

    /// Sends a request on a connection of its own, and remembers the secrets in its answer.
    pub fn send(&self, request: &Request) -> Response {
        self.remember(request.send(self.http()))
    }

    /// Like [`send`](Self::send), to be answered within a time.
    pub fn send_within(&self, within: Duration, request: &Request) -> Response {
        let connection = Connection::open(self.http()).and_then(|it| it.patient(within));
        let response = connection.and_then(|mut connection| connection.send(request));
        let response = response.unwrap_or_else(|error| panic!("within {within:?}: {error}"));
        self.remember(response)
    }

    /// Sends a request until it is answered otherwise than by 503: "try again".
    pub fn send_again(&self, request: &Request) -> Response {
        let until = Instant::now() + PATIENCE;
        loop {
            let response = self.send(request);
            if response.status != 503 {
                return response;
            }
            assert!(Instant::now() < until, "not within {PATIENCE:?}");
            thread::sleep(PAUSE);
        }
    }

    fn remember(&self, response: Response) -> Response {
        if let Some(cookie) = SetCookie::of(&response) {
            self.keep_secret(cookie.value());
        }
        if let Ok(Value::Object(members)) = serde_json::from_slice(&response.body) {
            for name in ["access_token", "refresh_token"] {
                if let Some(Value::String(token)) = members.get(name) {
                    self.keep_secret(token);
                }
            }
        }
        response
    }

    /// Sends a request without a body as `who`.
    pub fn request(&self, method: &str, path: &str, who: &Credential) -> Response {
        self.send(&who.on(Request::new(method, path)))
    }

    /// Logs in with a cookie.
    pub fn session(&self, user: &str) -> Credential {
        let response = self.send_again(&login("/session/login", user));
        assert_eq!(response.status, 204, "{response:?}");
        let cookie = SetCookie::of(&response).expect("a login sets the cookie");
        Credential::Cookie(cookie.pair)
    }

    /// Logs in with tokens.
    pub fn tokens(&self, user: &str) -> Tokens {
        Tokens::of(&self.send_again(&login("/token/login", user)))
    }

    /// Asks for a refresh.
    pub fn refresh(&self, refresh_token: &str) -> Response {
        let body = format!("refresh_token={refresh_token}");
        self.send(&Request::post("/token/refresh").form(&body))
    }

    /// Whom the demo takes the caller for: a subject, or [`NOBODY`].
    pub fn who(&self, caller: &Credential) -> String {
        let response = self.request("GET", "/api/me", caller);
        match response.status {
            200 => response.json()["subject"]
                .as_str()
                .expect("a subject is text")
                .to_owned(),
            401 => NOBODY.to_owned(),
            _ => panic!("{response:?}"),
        }
    }

    /// What `/api/me` says to a caller that it knows.
    pub fn me(&self, caller: &Credential) -> Value {
        let response = self.request("GET", "/api/me", caller);
        assert_eq!(response.status, 200, "{response:?}");
        response.json()
    }

    /// The public id of the caller's login.
    pub fn login_of(&self, caller: &Credential) -> String {
        let login = &self.me(caller)["login"];
        login.as_str().expect("a login is text").to_owned()
    }

    /// What `/api/logins` says.
    pub fn logins(&self, caller: &Credential) -> Vec<Value> {
        let response = self.request("GET", "/api/logins", caller);
        assert_eq!(response.status, 200, "{response:?}");
        match response.json() {
            Value::Array(logins) => logins,
            other => panic!("not a list: {other}"),
        }
    }

    /// The realm in its challenges.
    pub fn realm(&self) -> String {
        let response = self.send(&Request::get("/api/me"));
        let challenge = response.header("www-authenticate").expect("a challenge");
        let realm = challenge.strip_prefix("Bearer realm=\"");
        let realm = realm.and_then(|rest| rest.strip_suffix('"'));
        realm.expect("a challenge with a realm only").to_owned()
    }

    /// From now on this must not be printed.
    pub fn keep_secret(&self, secret: &str) {
        if secret.len() >= TAIL {
            let mut secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
            secrets.insert(secret.to_owned());
        }
    }

    /// Every token and cookie that it has handed out.
    pub fn secrets(&self) -> Vec<String> {
        let secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        secrets.iter().cloned().collect()
    }

    /// The secrets of which a part is in the text.
    pub fn secrets_in(&self, text: &str) -> Vec<String> {
        let mut secrets = self.secrets();
        secrets.retain(|secret| text.contains(&secret[secret.len() - TAIL..]));
        secrets
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        if !thread::panicking() {
            let printed = self.program.output();
            let secrets = self.secrets_in(&printed);
            assert!(secrets.is_empty(), "printed {secrets:?}:\n{printed}");
        }
    }
}

/// Two keys that several demos on one store share: one signs, one derives refresh tokens.
#[derive(Debug)]
pub struct SharedKeys {
    folder: PathBuf,
}

impl SharedKeys {
    /// New files; the name is one that no other test of the process has.
    pub fn new(name: &str) -> Self {
        let folder = env::temp_dir().join(format!("auth-tests-{}-{name}", process::id()));
        fs::create_dir_all(&folder).expect("the folder for temporary files can be written");
        let secret = "a secret of thirty-two bytes, or more";
        fs::write(folder.join("key"), secret).expect("written");
        let ring = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=\n";
        fs::write(folder.join("ring"), ring).expect("written");
        Self { folder }
    }

    /// A demo with them, on the store at a URL.
    pub fn demo(&self, url: &str, more: &[&str]) -> Demo {
        let file = |name: &str| self.folder.join(name).display().to_string();
        let (key, ring) = (file("key"), file("ring"));
        let store = ["--redis", url, "--key", &key, "--refresh-keys", &ring];
        Demo::start(&[&store[..], more].concat())
    }
}

impl Drop for SharedKeys {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// By what a caller is known.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Credential {
    /// A cookie, as `name=value`.
    Cookie(String),
    /// An access token.
    Bearer(String),
    /// None at all.
    None,
}

impl Credential {
    /// Adds it to a request.
    pub fn on(&self, request: Request) -> Request {
        match self {
            Self::Cookie(pair) => request.header("cookie", pair),
            Self::Bearer(token) => request.bearer(token),
            Self::None => request,
        }
    }

    /// What it is, for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Cookie(_) => "cookie",
            Self::Bearer(_) => "bearer",
            Self::None => "nobody",
        }
    }

    /// The value of the cookie, or the token.
    pub fn secret(&self) -> &str {
        match self {
            Self::Cookie(pair) => pair.split_once('=').map_or("", |(_, value)| value),
            Self::Bearer(token) => token,
            Self::None => "",
        }
    }
}

/// The tokens of one login.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// The access token, to call with.
    pub access: Credential,
    /// The refresh token.
    pub refresh: String,
}

impl Tokens {
    /// The tokens in an answer that has to have them.
    pub fn of(response: &Response) -> Self {
        assert_eq!(response.status, 200, "{response:?}");
        let body = response.json();
        let text = |name: &str| match &body[name] {
            Value::String(text) => text.clone(),
            other => panic!("{name} is {other}"),
        };
        Self {
            access: Credential::Bearer(text("access_token")),
            refresh: text("refresh_token"),
        }
    }
}

/// A `Set-Cookie` for the session cookie.
#[derive(Clone, Debug)]
pub struct SetCookie {
    /// `name=value`.
    pub pair: String,
    /// The attributes, as they are spelled.
    pub attributes: BTreeSet<String>,
}

impl SetCookie {
    /// The only one of a response, if it has one.
    ///
    /// # Panics
    ///
    /// When there are two, or when a response that has one may be kept by a cache.
    pub fn of(response: &Response) -> Option<Self> {
        let header = response.header("set-cookie")?;
        assert_eq!(
            response.header("cache-control"),
            Some("no-store"),
            "{response:?}"
        );
        let mut parts = header.split("; ").map(str::to_owned);
        Some(Self {
            pair: parts.next().expect("split gives something"),
            attributes: parts.collect(),
        })
    }

    /// The value of the cookie.
    pub fn value(&self) -> &str {
        self.pair.split_once('=').map_or("", |(_, value)| value)
    }

    /// The attributes, sorted.
    pub fn attributes(&self) -> Vec<&str> {
        self.attributes.iter().map(String::as_str).collect()
    }
}

/// The password of a user of the demo.
pub fn password(user: &str) -> &str {
    match user {
        "alice" => "wonderland",
        "admin" => "root-of-trust",
        load_user => load_user,
    }
}

/// A login by form, to `/session/login` or `/token/login`.
pub fn login(path: &str, user: &str) -> Request {
    Request::post(path).form(&format!("user={user}&password={}", password(user)))
}

/// Header and claims of a token that PyJWT verified against a key set.
///
/// # Panics
///
/// When PyJWT refuses it.
pub fn verified(token: &str, jwks: &Value, issuer: &str, audience: &str) -> (Value, Value) {
    let jwks = jwks.to_string();
    parts(&["verify", token, &jwks, issuer, audience])
}

/// Header and claims of a token, unverified.
pub fn unverified(token: &str) -> (Value, Value) {
    parts(&["read", token])
}

fn parts(args: &[&str]) -> (Value, Value) {
    let line = python("tests/python/tokens.py", args);
    let mut read: Value = serde_json::from_str(&line).expect("the script prints JSON");
    (read["header"].take(), read["claims"].take())
}

/// A token signed as its header says, whatever it says; the key is a secret or PEM.
pub fn signed(header: &Value, claims: &Value, key: &str) -> String {
    let parts = json!({ "header": header, "claims": claims }).to_string();
    let token = python("tests/python/tokens.py", ["sign", &parts, key]);
    token.trim_end().to_owned()
}

/// A new private key for an algorithm, in PEM.
pub fn private_key(algorithm: &str) -> String {
    python("tests/python/tokens.py", ["key", algorithm])
}
