//! The demo's page in a real browser: what a user sees, and what the browser makes of the cookie.

mod page;

use auth_tests::{Browser, Redis, demo::Demo};
use serde_json::{Value, json};

fn page(demo: &Demo) -> String {
    format!("http://localhost:{}", demo.http().port())
}

/// A browser on the demo's page.
fn visitor(demo: &Demo) -> Browser {
    let browser = Browser::start();
    browser.go(&page(demo));
    browser.wait_for("#status", "Not logged in.");
    browser
}

/// A browser in which alice has logged in through the form.
fn alice(demo: &Demo) -> Browser {
    let browser = visitor(demo);
    log_in(&browser);
    browser
}

fn log_in(browser: &Browser) {
    browser.fill("#session-user", "alice");
    browser.fill("#session-password", "wonderland");
    browser.click("#session-submit");
    browser.wait_for("#session-state", "alice");
    browser.wait_for("#me", "alice");
}

/// The cookie of the session, if the browser has it.
fn cookie(browser: &Browser) -> Option<Value> {
    let mut cookies = browser.cookies();
    cookies.retain(|cookie| cookie["name"] == "__Host-id");
    assert!(cookies.len() <= 1, "{cookies:?}");
    cookies.pop()
}

#[test]
fn a_login_is_a_cookie_that_no_script_sees_and_that_a_reload_keeps() {
    let demo = Demo::start(&[]);
    let browser = alice(&demo);
    let mut found = cookie(&browser).expect("a cookie");
    let value = found["value"].take();
    demo.keep_secret(value.as_str().expect("text"));
    assert_eq!(
        found,
        json!({
            "name": "__Host-id", "value": null, "domain": "localhost", "path": "/",
            "httpOnly": true, "secure": true, "sameSite": "Lax",
        })
    );
    assert_eq!(browser.run("return document.cookie", &[]), "");

    browser.reload();
    browser.wait_for("#status", "Welcome back, alice.");
    browser.wait_for("#logins", "this one");

    browser.click("#session-logout");
    browser.wait_for("#session-state", "anonymous");
    assert_eq!(cookie(&browser), None);
    browser.reload();
    browser.wait_for("#status", "Not logged in.");
}

#[test]
fn what_was_stored_before_the_login_is_there_after_it() {
    let demo = Demo::start(&[]);
    let browser = visitor(&demo);
    browser.fill("#data-value", "two apples");
    browser.click("#data-save");
    browser.wait_for("#data-list", "two apples");
    let anonymous = cookie(&browser).expect("a session")["value"].take();
    log_in(&browser);
    browser.wait_for("#data-list", "two apples");
    // Under another id: whoever planted the first one has nothing of it.
    let after = cookie(&browser).expect("a session")["value"].take();
    assert_ne!(anonymous, after);
    demo.keep_secret(after.as_str().expect("text"));
}

#[test]
fn two_tabs_that_refresh_at_once_both_stay_in() {
    let demo = Demo::start(&[]);
    let browser = visitor(&demo);
    let (one, two) = (browser.tab(), browser.open_tab());
    browser.go(&page(&demo));
    let login = "const form = new URLSearchParams({ user: 'alice', password: 'wonderland' });
        return fetch('/token/login', { method: 'POST', body: form })
            .then((answer) => answer.json()).then((tokens) => tokens.refresh_token)";
    let mut token = browser.run(login, &[]);
    for _ in 0..3 {
        // Begun in both before either is waited for.
        let begin = "const form = new URLSearchParams({ refresh_token: arguments[0] });
            window.refresh = fetch('/token/refresh', { method: 'POST', body: form })
                .then(async (answer) => [answer.status, (await answer.json()).refresh_token]);
            return null";
        for tab in [&one, &two] {
            browser.show(tab);
            browser.run(begin, &[token.clone()]);
        }
        let answers = [&one, &two].map(|tab| {
            browser.show(tab);
            browser.run("return window.refresh", &[])
        });
        assert_eq!(answers[0][0], 200, "{answers:?}");
        assert_eq!(answers[0], answers[1], "the same successor");
        assert_ne!(answers[0][1], token);
        token = answers[0][1].clone();
        demo.keep_secret(token.as_str().expect("text"));
    }
}

#[test]
fn another_browser_is_a_device_that_can_end_the_first() {
    let demo = Demo::start(&[]);
    let (first, second) = (alice(&demo), alice(&demo));
    second.wait("document.querySelectorAll('#logins > [data-login]').length === 2");
    second.click("#logins > [data-current='false'] button");
    second.wait("document.querySelectorAll('#logins > [data-login]').length === 1");
    // The first finds out at its next click.
    first.wait_for("#session-state", "alice");
    first.click("#me-reload");
    first.wait_for("#session-state", "anonymous");
    first.wait_for("#me", "Nobody");
    second.click("#me-reload");
    second.wait_for("#session-state", "alice");
}

#[test]
fn tokens_are_got_refreshed_and_revoked() {
    let demo = Demo::start(&[]);
    let browser = visitor(&demo);
    browser.click(".chip[data-user='admin']");
    browser.click("#token-submit");
    browser.wait_for("#token-state", "admin");
    browser.wait_for("#token-expiry", "expires in");
    browser.click("#admin-call");
    browser.wait_for("#admin-result", "200: allowed");
    browser.click("#token-refresh");
    browser.wait_for("#log", "/token/refresh");
    browser.click("#token-revoke");
    browser.wait_for("#status", "refused at once");
    browser.wait_for("#token-expiry", "Revoked");
    browser.wait_for("#token-state", "none");
    // Tokens are no business of the cookie jar.
    assert_eq!(cookie(&browser), None);
}

/// Does something until it is done: a machine that is busy may be too slow for the store's deadline,
/// which the page then says.
fn until(browser: &Browser, done: &str, act: impl Fn()) {
    for _ in 0..20 {
        browser.run("document.querySelector('#status').textContent = ''", &[]);
        act();
        let busy = "document.querySelector('#status').textContent.startsWith('503')";
        browser.wait(&format!("{done} || {busy}"));
        if browser.run(&format!("return Boolean({done})"), &[]) == true {
            return;
        }
    }
    panic!("{done} is not true however often it is tried");
}

#[test]
fn who_logged_in_long_ago_proves_it_again_and_may_then() {
    let redis = Redis::with_clock_that_stands();
    let demo = Demo::start(&["--redis", &redis.url()]);
    let now = redis.clock();
    redis.set_clock(now - 301_000);
    let browser = visitor(&demo);
    let log_in = || {
        browser.fill("#session-user", "alice");
        browser.fill("#session-password", "wonderland");
        browser.click("#session-submit");
    };
    let change = || {
        browser.fill("#password-new", "looking-glass");
        browser.click("#password-submit");
    };
    let is_in = "document.querySelector('#me').innerText.includes('alice')";
    let is_asked = "document.querySelector('#step-up').innerText.includes('older than 5 minutes')";
    until(&browser, is_in, log_in);
    until(&browser, is_asked, change);
    redis.set_clock(now);
    browser.click("#step-up-login");
    browser.wait("document.activeElement.id === 'session-password'");
    let is_fresh = "document.querySelector('#status').innerText.includes('Logged in as alice')";
    until(&browser, is_fresh, log_in);
    browser.wait("document.querySelector('#step-up').hidden");
    let is_allowed = "document.querySelector('#status').innerText.includes('Allowed')";
    until(&browser, is_allowed, change);
}
