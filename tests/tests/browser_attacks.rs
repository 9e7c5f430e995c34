//! Other sites against the demo, in a real browser: what they send, and the cookies they plant.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, TcpListener},
    thread,
};

use auth_tests::{
    Browser, Request,
    demo::{Credential, Demo, SetCookie, login},
};
use serde_json::json;

/// The demo, and beside it another site of the same company, that does not mean well.
const APP: &str = "app.demo.localhost";
const SIBLING: &str = "evil.demo.localhost";

/// A page of somebody else's: always the same HTML. Its port; it serves until the test is over.
fn other_site(html: String) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let port = listener.local_addr().expect("bound").port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, html) = (stream.expect("a connection"), html.clone());
            // Browsers also open connections that they then send nothing on.
            thread::spawn(move || {
                let mut request = [0; 4096];
                let _ = stream.read(&mut request);
                let head = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nconnection: close";
                let length = html.len();
                let _ = write!(stream, "{head}\r\ncontent-length: {length}\r\n\r\n{html}");
            });
        }
    });
    port
}

/// A browser in which alice has logged in, on `host`.
fn alice(demo: &Demo, host: &str) -> Browser {
    let browser = Browser::start();
    browser.go(&format!("http://{host}:{}", demo.http().port()));
    browser.fill("#session-user", "alice");
    browser.fill("#session-password", "wonderland");
    browser.click("#session-submit");
    browser.wait_for("#session-state", "alice");
    browser
}

fn logins(demo: &Demo) -> usize {
    demo.logins(&demo.tokens("alice").access).len()
}

#[test]
fn a_form_of_another_site_or_of_a_sibling_does_nothing() {
    let demo = Demo::start(&[]);
    let port = demo.http().port();
    let browser = alice(&demo, APP);
    let form = format!(
        "<form method=post action=http://{APP}:{port}/api/logout-everywhere></form>
         <script>document.forms[0].submit()</script>"
    );
    let evil = other_site(form);
    // To the sibling's form the browser adds the cookie, as it is the same site; to the other one
    // it does not. Both say where they come from.
    for host in [SIBLING, "127.0.0.1"] {
        browser.go(&format!("http://{host}:{evil}"));
        browser.wait(&format!("location.host === '{APP}:{port}'"));
        browser.wait("document.contentType !== 'text/html' || document.body.innerText.length > 0");
        let status = "return performance.getEntriesByType('navigation')[0].responseStatus";
        assert_eq!(browser.run(status, &[]), 403, "{host}");
        browser.go(&format!("http://{APP}:{port}"));
        browser.wait_for("#session-state", "alice");
    }
    assert_eq!(logins(&demo), 2, "hers, and the one that asks");
}

/// Everything that a script on a sibling site, or in another path of the same host, may try.
const PLANTS: [&str; 4] = [
    "__Host-id=PLANTED; Domain=demo.localhost; Path=/; Secure",
    "__Host-id=PLANTED; Domain=demo.localhost; Path=/api; Secure",
    "__Host-id=PLANTED; Path=/api; Secure",
    "__Host-id=PLANTED; Path=/",
];

#[test]
fn a_cookie_that_a_sibling_plants_does_not_take_over() {
    let demo = Demo::start(&[]);
    let port = demo.http().port();
    let mallory = demo.session("admin");
    let browser = alice(&demo, APP);
    let evil = other_site("<title>nothing to see</title>".to_owned());
    for (host, port) in [(SIBLING, evil), (APP, evil), (APP, port)] {
        browser.go(&format!("http://{host}:{port}"));
        for plant in PLANTS {
            let plant = plant.replace("PLANTED", mallory.secret());
            browser.run("document.cookie = arguments[0]", &[json!(plant)]);
        }
    }
    browser.go(&format!("http://{APP}:{port}"));
    browser.wait_for("#session-state", "alice");
    browser.click("#me-reload");
    browser.wait_for("#me", "alice");
}

/// Without the prefix the browser takes what a sibling plants: then nobody is logged in, and never
/// somebody else.
#[test]
fn without_the_prefix_a_planted_cookie_locks_out_but_does_not_take_over() {
    let demo = Demo::start(&["--insecure-cookie"]);
    let port = demo.http().port();
    let planted = demo.send(&login("/session/login", "admin"));
    let planted = SetCookie::of(&planted).expect("a cookie");
    demo.keep_secret(planted.value());
    let mallory = Credential::Cookie(planted.pair.clone());
    assert_eq!(demo.request("GET", "/api/me", &mallory).status, 200);
    let browser = alice(&demo, APP);
    let evil = other_site("<title>nothing to see</title>".to_owned());
    browser.go(&format!("http://{SIBLING}:{evil}"));
    let plant = format!("{}; Domain=demo.localhost; Path=/api", planted.pair);
    browser.run("document.cookie = arguments[0]", &[json!(plant)]);
    browser.go(&format!("http://{APP}:{port}"));
    browser.wait_for("#status", "Not logged in.");
    let me = "return fetch('/api/me').then((answer) => answer.status)";
    assert_eq!(browser.run(me, &[]), 401);
    assert_eq!(demo.send(&Request::get("/healthz")).status, 200);
}
