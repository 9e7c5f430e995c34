use std::{
    env, fs,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::{Program, Request, http::Connection};

/// One command, such as starting Chromium on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long a page may take to become what a test waits for, in ms.
const PAGE_PATIENCE_MS: u64 = 20_000;

/// The member by which WebDriver names an element (W3C WebDriver, section 12).
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// Chromium without a window, with a profile of its own, driven by chromedriver: W3C WebDriver, as
/// far as the tests need it. Ended on drop.
///
/// A name that ends in `localhost` is this machine, and trusted with Secure cookies as if by TLS.
#[derive(Debug)]
pub struct Browser {
    driver: SocketAddr,
    session: String,
    profile: PathBuf,
    // Dropped last: it ends the browser if that did not end.
    _program: Program,
}

impl Browser {
    /// Starts one.
    ///
    /// # Panics
    ///
    /// When there is no Chromium or no chromedriver: `tests/run` installs them.
    pub fn start() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let profile = env::temp_dir().join(format!(
            "auth-tests-{}-browser-{number}",
            std::process::id()
        ));
        let program = Program::begin(Command::new("chromedriver").arg("--port=0"));
        let port = program.wait_for("started successfully on port ");
        let port = port.trim_end_matches('.').parse().expect("a port");
        let mut args: Vec<String> = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--no-first-run",
            "--no-proxy-server",
        ]
        .map(str::to_owned)
        .into();
        args.push("--window-size=1280,1000".to_owned());
        args.push(format!("--user-data-dir={}", profile.display()));
        let mut browser = Self {
            driver: (Ipv4Addr::LOCALHOST, port).into(),
            session: String::new(),
            profile,
            _program: program,
        };
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "timeouts": { "script": PAGE_PATIENCE_MS + 5_000 },
            "goog:loggingPrefs": { "browser": "ALL" },
            "goog:chromeOptions": { "binary": "/usr/bin/chromium", "args": args },
        }}});
        let started = browser.send(Request::post("/session").json(&wanted));
        let session = started["sessionId"].as_str().expect("a session");
        browser.session = format!("/session/{session}");
        browser
    }

    fn send(&self, request: Request) -> Value {
        let mut connection = Connection::open(self.driver)
            .and_then(|connection| connection.patient(PATIENCE))
            .expect("chromedriver listens");
        let answer = connection.send(&request).expect("chromedriver answers");
        let mut body = answer.json();
        assert_eq!(
            answer.status, 200,
            "{}: {}",
            body["value"]["error"], body["value"]["message"]
        );
        body["value"].take()
    }

    fn post(&self, command: &str, body: &Value) -> Value {
        self.send(Request::post(&format!("{}{command}", self.session)).json(body))
    }

    fn get(&self, command: &str) -> Value {
        self.send(Request::get(&format!("{}{command}", self.session)))
    }

    /// Goes to a page and waits until it is loaded.
    pub fn go(&self, url: &str) {
        self.post("/url", &json!({ "url": url }));
    }

    /// Loads the page again.
    pub fn reload(&self) {
        self.post("/refresh", &json!({}));
    }

    /// Clicks on what a selector names.
    pub fn click(&self, selector: &str) {
        let element = self.element(selector);
        self.post(&format!("/element/{element}/click"), &json!({}));
    }

    /// Types into the field that a selector names, in place of what is in it.
    pub fn fill(&self, selector: &str, text: &str) {
        let element = self.element(selector);
        self.post(&format!("/element/{element}/clear"), &json!({}));
        self.post(
            &format!("/element/{element}/value"),
            &json!({ "text": text }),
        );
    }

    fn element(&self, selector: &str) -> String {
        let by = json!({ "using": "css selector", "value": selector });
        let element = self.post("/element", &by);
        element[ELEMENT].as_str().expect("an element").to_owned()
    }

    /// Runs the body of a function in the page, with `args` as its `arguments`; a promise is waited
    /// for.
    pub fn run(&self, script: &str, args: &[Value]) -> Value {
        self.post("/execute/sync", &json!({ "script": script, "args": args }))
    }

    /// Waits until an expression in the page is true.
    ///
    /// # Panics
    ///
    /// When it is not within 20 seconds, with the text of the page.
    pub fn wait(&self, expression: &str) {
        let script = format!(
            "const end = Date.now() + {PAGE_PATIENCE_MS};
             const look = (done) => {{
               if ({expression}) done(true);
               else if (Date.now() > end) done(false);
               else setTimeout(() => look(done), 20);
             }};
             return new Promise(look);"
        );
        if self.run(&script, &[]) != true {
            let text = self.run("return document.body.innerText", &[]);
            panic!("{expression} is not true of {text}");
        }
    }

    /// Waits until the text of what a selector names contains `text`.
    pub fn wait_for(&self, selector: &str, text: &str) {
        let (selector, text) = (json!(selector), json!(text));
        self.wait(&format!(
            "document.querySelector({selector})?.innerText.includes({text})"
        ));
    }

    /// The cookies that the page's requests carry, HttpOnly ones too, in WebDriver's form.
    pub fn cookies(&self) -> Vec<Value> {
        let cookies = self.get("/cookie");
        cookies.as_array().expect("a list").clone()
    }

    /// The tab that is shown.
    pub fn tab(&self) -> String {
        let handle = self.get("/window");
        handle.as_str().expect("a handle").to_owned()
    }

    /// Opens one more tab, and shows it.
    pub fn open_tab(&self) -> String {
        let opened = self.post("/window/new", &json!({ "type": "tab" }));
        let handle = opened["handle"].as_str().expect("a handle").to_owned();
        self.show(&handle);
        handle
    }

    /// Shows another tab.
    pub fn show(&self, tab: &str) {
        self.post("/window", &json!({ "handle": tab }));
    }

    /// Asks pages to be `light` or `dark`.
    pub fn prefer(&self, scheme: &str) {
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.emulate("setEmulatedMedia", json!({ "features": features }));
        // Colors change over time; what they change to is what counts.
        self.run("document.getAnimations().forEach((a) => a.finish())", &[]);
    }

    /// Gives the page so many pixels, as on a screen of that size: windows can not be so narrow.
    pub fn resize(&self, width: u32, height: u32) {
        let size = json!({
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false,
        });
        self.emulate("setDeviceMetricsOverride", size);
    }

    /// A command of the domain `Emulation` of Chromium's own protocol.
    fn emulate(&self, command: &str, params: Value) {
        let command = format!("Emulation.{command}");
        self.post(
            "/goog/cdp/execute",
            &json!({ "cmd": command, "params": params }),
        );
    }

    /// What was reported to the console since the last time, by pages or by the browser.
    pub fn console(&self) -> Vec<Value> {
        let log = self.post("/se/log", &json!({ "type": "browser" }));
        log.as_array().expect("a list").clone()
    }

    /// Presses the tab key so many times: the text of what it stopped at, and whether that is
    /// outlined.
    pub fn tab_through(&self, stops: usize) -> Vec<Value> {
        let press = json!({ "actions": [{ "type": "key", "id": "keys", "actions": [
            { "type": "keyDown", "value": "\u{e004}" },
            { "type": "keyUp", "value": "\u{e004}" },
        ]}]});
        let stop = "const at = document.activeElement;
            const shown = at.matches('[type=radio]') ? at.nextElementSibling : at;
            const { outlineStyle, outlineWidth } = getComputedStyle(shown);
            const outlined = outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2;
            return { text: at.innerText, outlined }";
        let next = |_| {
            self.post("/actions", &press);
            self.run(stop, &[])
        };
        (0..stops).map(next).collect()
    }

    /// Writes what is shown to a PNG.
    pub fn screenshot(&self, file: &Path) {
        let png = self.get("/screenshot");
        let png = STANDARD.decode(png.as_str().expect("base64"));
        fs::write(file, png.expect("base64")).expect("the file can be written");
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Whatever fails here, what is left is a process that ends with its driver.
        if let Ok(connection) = Connection::open(self.driver) {
            let quit = Request::new("DELETE", &self.session);
            let _ = connection
                .patient(PATIENCE)
                .and_then(|mut connection| connection.send(&quit));
        }
        let _ = fs::remove_dir_all(&self.profile);
    }
}
