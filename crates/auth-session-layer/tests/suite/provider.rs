//! Sessions that began with a login at somebody else's OpenID provider, and end with it.

use auth_core::{
    Clock, Event, ProviderLogin,
    event::LoginRefusal,
    provider::{ProviderLoggedOut, ProviderLogout},
    store::LoginKind,
};
use auth_session_layer::Login;

use crate::{
    store::{Call, Fault},
    support::{Browser, World, log_in, our_cookie, secs},
};

const PROVIDER: &str = "https://id.example";

fn by(sid: &str) -> Login {
    let provider = ProviderLogin::new(PROVIDER, "u1").session(sid);
    Login::new("alice").provider(provider)
}

/// Of a logout token that named these.
fn logout(world: &World, subject: Option<&str>, session: Option<&str>) -> ProviderLogout {
    ProviderLogout {
        issuer: PROVIDER.to_owned(),
        realm: PROVIDER.to_owned(),
        subject: subject.map(str::to_owned),
        session: session.map(str::to_owned),
        token_id: "l1".to_owned(),
        expires_in: secs(120),
        now: world.clock.now(),
    }
}

async fn end(world: &World, subject: Option<&str>, session: Option<&str>) -> usize {
    let logout = logout(world, subject, session);
    match logout.end(&*world.store).await.expect("ended") {
        ProviderLoggedOut::Done { ended } => ended,
        ProviderLoggedOut::Replayed => panic!("replayed"),
    }
}

async fn browser(world: &World, login: Login) -> Browser {
    let mut browser = Browser::default();
    let response = browser
        .visit(world, async |session| log_in(&session, login.clone()))
        .await;
    assert_eq!(response.status(), 200);
    browser
}

/// Alice by two sessions at the provider, of which one moved on to another id, and by password.
async fn browsers(world: &World) -> [Browser; 4] {
    let mut moved = browser(world, by("s1")).await;
    moved
        .visit(world, async |session| {
            session.rotate().expect("open");
            crate::support::ok()
        })
        .await;
    [
        browser(world, by("s1")).await,
        moved,
        browser(world, by("s2")).await,
        browser(world, Login::new("alice")).await,
    ]
}

#[tokio::test]
async fn they_end_with_the_session_or_with_everything_of_the_user() {
    for (row, subject, session, ended, goes_on) in [
        ("a session", None, Some("s1"), 2, [false, false, true, true]),
        (
            "a session of a user",
            Some("u1"),
            Some("s2"),
            1,
            [true, true, false, true],
        ),
        ("a user", Some("u1"), None, 1, [false; 4]),
        ("another session", Some("u1"), Some("s3"), 0, [true; 4]),
        ("our name for the user", Some("alice"), None, 0, [true; 4]),
    ] {
        let world = World::new();
        let browsers = browsers(&world).await;
        assert_eq!(end(&world, subject, session).await, ended, "{row}");
        for (browser, goes_on) in browsers.iter().zip(goes_on) {
            let subject = browser.subject(&world).await;
            assert_eq!(subject.is_some(), goes_on, "{row}");
        }
        let listed = world.logins("alice").await.len();
        assert_eq!(listed, goes_on.iter().filter(|it| **it).count(), "{row}");
    }
}

#[tokio::test]
async fn one_that_the_provider_has_ended_does_not_begin() {
    let world = World::new();
    end(&world, None, Some("s1")).await;
    world.heard();
    let mut browser = Browser::default();
    let response = browser
        .visit(&world, async |session| log_in(&session, by("s1")))
        .await;
    assert_eq!(response.status(), 409);
    assert_eq!(our_cookie(response.headers()), None);
    let refused = Event::LoginRefused {
        kind: LoginKind::Session,
        subject: "alice".to_owned(),
        reason: LoginRefusal::Moved,
    };
    assert!(world.heard().contains(&refused));
    assert!(world.logins("alice").await.is_empty());
}

/// The steps of a login: the two links, the admission, the session's record.
#[tokio::test]
async fn a_logout_at_any_step_of_the_login_wins() {
    for (subject, session) in [
        (None, Some("s1")),
        (Some("u1"), Some("s1")),
        (Some("u1"), None),
    ] {
        for steps in 0..=3 {
            // A user that ends before the provider's link to them is there ends nothing yet.
            if session.is_none() && steps < 2 {
                continue;
            }
            let world = World::new();
            let call = if steps == 3 {
                Call::Establish
            } else {
                Call::Admit
            };
            let gate = world.store.gate(call);
            let mut browser = Browser::default();
            let logging_in = async {
                browser
                    .visit(&world, async |session| log_in(&session, by("s1")))
                    .await
            };
            let logging_out = async {
                for _ in 0..steps % 3 {
                    gate.arrived().await;
                    gate.let_one_through();
                }
                gate.arrived().await;
                world.store.remove_gate(call);
                end(&world, subject, session).await;
                gate.let_one_through();
            };
            let (response, ()) = tokio::join!(logging_in, logging_out);
            let row = format!("{subject:?} {session:?} after {steps} steps");
            assert!([200, 409].contains(&response.status().as_u16()), "{row}");
            assert_eq!(browser.subject(&world).await, None, "{row}");
        }
    }
}

#[tokio::test]
async fn without_a_store_they_do_not_begin() {
    for fault in [Fault::NotMade, Fault::AnswerLost] {
        let world = World::new();
        world.store.fail(Call::Admit, fault);
        let mut browser = Browser::default();
        let response = browser
            .visit(&world, async |session| log_in(&session, by("s1")))
            .await;
        assert_eq!(response.status(), 503);
        assert_eq!(our_cookie(response.headers()), None);
        world.store.repair();
        assert_eq!(browser.subject(&world).await, None);
    }
}
