//! The page itself: who can read it, on what, and what it is allowed to do.

use auth_tests::{Browser, demo::Demo, repository};
use serde_json::{Value, json};

use crate::{alice, log_in, page, visitor};

#[test]
fn the_page_asks_nobody_else_and_runs_only_its_own_script() {
    let demo = Demo::start(&[]);
    let browser = alice(&demo);
    let elsewhere = "return performance.getEntriesByType('resource')
        .map((entry) => new URL(entry.name).origin).filter((origin) => origin !== location.origin)";
    assert_eq!(browser.run(elsewhere, &[]), json!([]));
    // As somebody would who has found a way to put markup into the page.
    let injected = "return new Promise((done) => {
        document.addEventListener('securitypolicyviolation', (e) => done(e.effectiveDirective));
        const script = document.createElement('script');
        script.textContent = 'window.injected = true';
        document.body.append(script);
    })";
    assert_eq!(browser.run(injected, &[]), "script-src-elem");
    assert_eq!(
        browser.run("return window.injected ?? null", &[]),
        Value::Null
    );
}

/// Uses all that the page has, to the step-up.
fn use_everything(browser: &Browser) {
    browser.fill("#data-value", "two apples");
    browser.click("#data-save");
    browser.wait_for("#data-list", "two apples");
    log_in(browser);
    browser.wait_for("#data-list", "two apples");
    browser.wait_for("#session-expiry", "expires in");
    browser.click("#admin-call");
    browser.wait_for("#admin-result", "403");
    browser.fill("#password-new", "looking-glass");
    browser.click("#password-submit");
    browser.wait_for("#status", "Allowed");
    browser.click(".chip[data-user='alice']");
    browser.click("#token-submit");
    browser.wait_for("#token-state", "alice");
    browser.click("summary");
    browser.wait_for("#token-claims", "https://auth.demo");
    browser.wait("document.querySelectorAll('#logins > [data-login]').length === 2");
}

#[test]
fn nothing_is_reported_to_the_console_but_what_was_refused() {
    let demo = Demo::start(&[]);
    let browser = visitor(&demo);
    use_everything(&browser);
    browser.click("#logins > [data-kind='session'] button");
    browser.wait("document.querySelectorAll('#logins > [data-login]').length === 1");
    browser.run("scrollTo(0, 0)", &[]);
    browser.click("#token-revoke");
    browser.wait_for("#status", "refused at once");
    browser.wait("document.querySelectorAll('#tour [data-done=true]').length === 5");
    // The browser itself notes every response above 399: whom it takes for nobody, and may not.
    let refused = |entry: &Value| {
        let text = entry["message"].as_str().expect("text");
        entry["source"] == "network"
            && (text.contains("status of 401") || text.contains("status of 403"))
    };
    let mut reported = browser.console();
    assert!(
        reported.iter().any(&refused),
        "the console is read: {reported:?}"
    );
    reported.retain(|entry| !refused(entry));
    assert_eq!(reported, [] as [Value; 0]);
}

/// What is written can be told from what it is written on: WCAG 2.2, 1.4.3.
#[test]
fn all_text_has_the_contrast_that_it_needs() {
    let demo = Demo::start(&[]);
    let browser = visitor(&demo);
    let contrast = include_str!("contrast.js");
    let check = |state: &str| {
        for scheme in ["light", "dark"] {
            browser.prefer(scheme);
            let found = browser.run(contrast, &[]);
            let texts = found["texts"].as_u64().expect("a number");
            assert!(texts > 50, "{state}, {scheme}: {texts} texts");
            assert_eq!(found["faint"], json!([]), "{state}, {scheme}");
        }
    };
    check("nobody");
    use_everything(&browser);
    // What a login of long ago is shown, and a failure.
    browser.run("document.querySelector('#step-up').hidden = false", &[]);
    browser.run("scrollTo(0, 0)", &[]);
    browser.fill("#session-user", "alice");
    browser.fill("#session-password", "wrong");
    browser.click("#session-submit");
    browser.wait_for("#status", "401");
    check("somebody");
    browser.run("scrollTo(0, 0)", &[]);
    browser.click("#token-revoke");
    browser.wait_for("#token-expiry", "Revoked");
    check("revoked");
}

#[test]
fn it_has_landmarks_headings_in_order_and_a_voice() {
    let demo = Demo::start(&[]);
    let browser = alice(&demo);
    let found = "const all = (selector) => [...document.querySelectorAll(selector)];
        const named = (node) => node.ariaLabel || document.getElementById(node.getAttribute('aria-labelledby'))?.innerText;
        const levels = all('h1, h2, h3').map((heading) => Number(heading.tagName[1]));
        return {
            language: document.documentElement.lang,
            title: document.title !== '',
            landmarks: ['header', 'nav', 'main', 'aside', 'footer'].map((name) => all(`body ${name}`).length),
            nameless: all('nav, aside, section, article').filter((node) => !named(node)).length,
            firsts: levels.filter((level) => level === 1).length,
            skips: levels.some((level, at) => level > 1 && level > levels[at - 1] + 1),
            twice: all('[id]').length - new Set(all('[id]').map((node) => node.id)).size,
            live: all('[role=status], output').length,
            small: all('button').filter((button) => button.checkVisibility() && button.getBoundingClientRect().height < 24).length,
            styled: all('[style], style, script:not([src])').length,
        }";
    assert_eq!(
        browser.run(found, &[]),
        json!({
            "language": "en", "title": true, "landmarks": [1, 1, 1, 1, 1], "nameless": 0,
            "firsts": 1, "skips": false, "twice": 0, "live": 2, "small": 0, "styled": 0,
        })
    );
    // The first stop of the keyboard leads past the head, and every stop can be seen.
    browser.reload();
    browser.wait_for("#status", "Welcome back, alice.");
    let stops = browser.tab_through(20);
    assert_eq!(
        stops[0],
        json!({ "text": "Skip to the content", "outlined": true })
    );
    assert!(
        stops.iter().all(|stop| stop["outlined"] == true),
        "{stops:?}"
    );
}

/// Pictures of the page, to be looked at: `target/page/*.png`.
#[test]
fn the_page_fits_phones_and_desks_in_light_and_dark() {
    let demo = Demo::start(&[]);
    demo.tokens("alice");
    let folder = repository().join("target/page");
    std::fs::create_dir_all(&folder).expect("the folder can be written");
    for (name, width, height) in [("desk", 1440, 2140), ("phone", 390, 4480)] {
        let browser = Browser::start();
        browser.resize(width, height);
        browser.go(&page(&demo));
        browser.wait_for("#status", "Not logged in.");
        browser.fill("#data-value", "two apples");
        browser.click("#data-save");
        browser.wait_for("#data-list", "two apples");
        log_in(&browser);
        browser.click(".chip[data-user='alice']");
        browser.click("#token-submit");
        browser.wait_for("#token-state", "alice");
        for scheme in ["light", "dark"] {
            browser.prefer(scheme);
            // Nothing has to be scrolled sideways for.
            let wide = "return document.documentElement.scrollWidth <= innerWidth";
            assert_eq!(browser.run(wide, &[]), true, "{name}");
            browser.screenshot(&folder.join(format!("{name}-{scheme}.png")));
        }
    }
}

/// Every control has a name that a screen reader can say.
#[test]
fn every_control_has_a_name() {
    let demo = Demo::start(&[]);
    let browser = alice(&demo);
    let nameless =
        "return [...document.querySelectorAll('input, button, select, textarea, summary, a')]
        .filter((control) => !control.ariaHidden && !control.ariaLabel && !control.innerText?.trim()
            && ![...control.labels ?? []].some((label) => label.innerText.trim()))
        .map((control) => control.outerHTML)";
    assert_eq!(browser.run(nameless, &[]), json!([]));
}
