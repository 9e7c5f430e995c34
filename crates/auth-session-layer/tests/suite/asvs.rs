//! OWASP ASVS 5.0 V7 (session management), requirement by requirement.

use std::{collections::HashSet, convert::Infallible};

use auth_core::{
    RequireFresh,
    policy::{Coverage, REQUIREMENTS},
    store::Revocations,
};
use auth_session_layer::{
    Lifetimes, Login, Overflow, Session, SessionLayerBuilder, SessionTransport,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{Request, Response};
use tower::{Layer, ServiceExt, service_fn};

use crate::support::{Browser, World, log_in, ok, our_cookie, put, secs};

/// What the report says of one requirement.
#[track_caller]
fn says(world: &World, requirement: &str) -> (Coverage, String) {
    let policy = world.layer.policy();
    let mut lines = policy.of(requirement);
    let line = lines.next().expect("it is in the report");
    assert_eq!(lines.next(), None);
    (line.coverage(), line.text().to_owned())
}

async fn log_out(session: Session) -> Response<String> {
    session.logout().await.expect("available");
    ok()
}

#[test]
fn asvs_7_the_report_speaks_of_every_requirement() {
    let world = World::new();
    let policy = world.layer.policy();
    for requirement in REQUIREMENTS {
        let expected = usize::from(requirement.number.starts_with("7."));
        assert_eq!(
            policy.of(requirement.number).count(),
            expected,
            "{requirement:?}"
        );
    }
    let report = policy.report();
    assert!(report.contains("7.2.3 (level 1)"), "{report}");
    assert!(
        report.contains("    enforced       session: 256 bits"),
        "{report}"
    );
    assert!(!report.contains("MemoryStore"), "{report}");
}

#[test]
fn asvs_7_1_1_the_limits_in_use_are_told_and_held_against_nist() {
    type Settings = fn(SessionLayerBuilder) -> SessionLayerBuilder;
    let rows: [(Settings, &str, &str); 6] = [
        (|b| b, "30 min without use, 12 h in all", "for AAL2"),
        (
            |b| b.lifetimes(Lifetimes::AAL1),
            "any time without use, 30 d in all",
            "for AAL1",
        ),
        (
            |b| b.lifetimes(Lifetimes::AAL2),
            "1 h without use, 1 d in all",
            "for AAL2",
        ),
        (
            |b| b.lifetimes(Lifetimes::AAL3),
            "15 min without use, 12 h in all",
            "for AAL3",
        ),
        (
            |b| b.idle(None),
            "any time without use, 12 h in all",
            "for AAL1",
        ),
        (
            |b| b.absolute(secs(86_400 * 400)),
            "400 d in all",
            "for any level",
        ),
    ];
    for (settings, limits, level) in rows {
        let (coverage, text) = says(&World::with(settings), "7.1.1");
        assert_eq!(coverage, Coverage::Application);
        assert!(text.contains(limits) && text.contains(level), "{text}");
    }
}

#[test]
fn asvs_7_1_2_the_limit_of_logins_is_told() {
    let (coverage, text) = says(&World::new(), "7.1.2");
    assert_eq!(coverage, Coverage::Application, "{text}");
    for (overflow, what) in [
        (Overflow::EndOldest, "the oldest is ended"),
        (Overflow::Refuse, "that one is refused"),
    ] {
        let world = World::with(|builder| builder.max_logins(3, overflow));
        let (coverage, text) = says(&world, "7.1.2");
        assert_eq!(coverage, Coverage::Configured);
        assert!(text.contains("at most 3") && text.contains(what), "{text}");
    }
}

#[tokio::test]
async fn asvs_7_2_1_an_id_is_good_only_if_the_store_knows_it() {
    let unknown = World::new().browser_of("alice").await;
    assert_eq!(unknown.subject(&World::new()).await, None);
}

#[tokio::test]
async fn asvs_7_2_2_and_7_2_3_every_session_has_an_id_of_256_random_bits() {
    let world = World::new();
    let (mut seen, mut ones, mut zeros) = (HashSet::new(), [0; 34], [0; 34]);
    for _ in 0..100 {
        let id = world.browser_of("alice").await.cookie.expect("logged in");
        let bytes = URL_SAFE_NO_PAD.decode(&id).expect("base64url");
        assert_eq!(bytes.len(), 34);
        for (at, byte) in bytes.iter().enumerate() {
            ones[at] |= byte;
            zeros[at] |= !byte;
        }
        assert!(seen.insert(id));
    }
    // But for the lane in front, every bit is now this, now that.
    assert_eq!(
        (&ones[2..], &zeros[2..]),
        ([0xff; 32].as_slice(), [0xff; 32].as_slice())
    );
}

#[tokio::test]
async fn asvs_7_2_4_logging_in_and_proving_it_again_make_a_new_id_and_end_the_old() {
    for again in [false, true] {
        let world = World::new();
        let mut browser = match again {
            true => world.browser_of("alice").await,
            false => world.browser_with_cart().await,
        };
        let before = browser.clone();
        browser
            .visit(&world, async |session| match again {
                true => {
                    session.reauthenticate().await.expect("logged in");
                    ok()
                }
                false => log_in(&session, Login::new("alice")),
            })
            .await;
        assert_ne!(browser.cookie, before.cookie);
        assert_eq!(before.subject(&world).await, None);
        assert_eq!(browser.subject(&world).await.as_deref(), Some("alice"));
    }
}

#[tokio::test]
async fn asvs_7_3_1_who_does_nothing_is_logged_out() {
    let world = World::with(|builder| builder.idle(Some(secs(600))));
    let (coverage, text) = says(&world, "7.3.1");
    assert_eq!(coverage, Coverage::Configured);
    assert!(
        text.starts_with("10 min") && text.contains("every 1 min"),
        "{text}"
    );
    let browser = world.browser_of("alice").await;
    world.advance(secs(660));
    assert_eq!(browser.subject(&world).await, None);

    let world = World::with(|builder| builder.idle(None));
    assert_eq!(says(&world, "7.3.1").0, Coverage::Off);
}

#[tokio::test]
async fn asvs_7_3_2_no_session_lasts_longer_than_its_absolute_limit() {
    let world = World::with(|builder| builder.idle(None).absolute(secs(3_600)));
    let (coverage, text) = says(&world, "7.3.2");
    assert_eq!(coverage, Coverage::Enforced);
    assert!(text.starts_with("1 h"), "{text}");
    let mut browser = world.browser_of("alice").await;
    for _ in 0..4 {
        assert!(browser.subject(&world).await.is_some());
        world.advance(secs(900));
        browser
            .visit(&world, async |session| {
                session.rotate().expect("open");
                ok()
            })
            .await;
    }
    assert_eq!(browser.subject(&world).await, None);
}

#[tokio::test]
async fn asvs_7_4_1_what_has_ended_can_not_be_resumed() {
    for means in ["logout", "expiry"] {
        let world = World::new();
        let browser = world.browser_of("alice").await;
        match means {
            "logout" => drop(browser.visit_without_taking(&world, log_out).await),
            _ => world.advance(secs(12 * 3_600)),
        }
        // With the back button, or from another program that kept the id.
        assert_eq!(browser.subject(&world).await, None, "{means}");
        browser
            .visit_without_taking(&world, async |session| put(&session, "cart", "tea").await)
            .await;
        assert_eq!(browser.subject(&world).await, None, "{means}");
    }
    let clears = World::with(|builder| builder.clear_site_data(true));
    assert!(says(&clears, "7.4.1").1.contains("clear the site's data"));
    assert!(
        says(&World::new(), "7.4.1")
            .1
            .contains("clear_site_data() is off")
    );
    let header = SessionTransport::header("x-session-id");
    let header = World::with(|builder| builder.transport(header));
    assert!(says(&header, "7.4.1").1.contains("told to forget"));
}

#[tokio::test]
async fn asvs_7_4_2_and_7_4_5_all_sessions_of_a_user_or_of_all_users_can_be_ended() {
    for of_all in [false, true] {
        let world = World::new();
        let alices = [
            world.browser_of("alice").await,
            world.browser_of("alice").await,
        ];
        let bob = world.browser_of("bob").await;
        world.advance(secs(1));
        let ended = match of_all {
            true => world.store.revoke_all().await,
            false => world.store.revoke_subject("alice").await,
        };
        ended.expect("ended");
        for alice in &alices {
            assert_eq!(alice.subject(&world).await, None);
        }
        assert_eq!(bob.subject(&world).await.is_none(), of_all);
    }
}

#[tokio::test]
async fn asvs_7_4_3_after_a_new_password_only_this_session_is_left() {
    let world = World::new();
    let (mut this, other) = (
        world.browser_of("alice").await,
        world.browser_of("alice").await,
    );
    this.visit(&world, async |session| {
        session.reauthenticate().await.expect("logged in");
        session.end_other_logins().await.expect("ended");
        ok()
    })
    .await;
    assert!(this.subject(&world).await.is_some());
    assert_eq!(other.subject(&world).await, None);
}

#[tokio::test]
async fn asvs_7_5_1_and_7_5_3_a_guard_asks_for_a_fresh_login() {
    let world = World::new();
    let browser = world.browser_of("alice").await;
    for (after, status) in [(300, 200), (1, 401)] {
        world.advance(secs(after));
        let inner = service_fn(|_: Request<String>| async { Ok::<_, Infallible>(ok()) });
        let guard = RequireFresh::within(secs(300)).clock(world.clock.clone());
        let service = world.layer.layer(guard.layer(inner));
        let Ok(response) = service.oneshot(browser.request()).await;
        assert_eq!(response.status(), status);
    }
}

#[tokio::test]
async fn asvs_7_5_2_users_see_their_sessions_and_end_any_of_them() {
    let world = World::new();
    let (this, other) = (
        world.browser_of("alice").await,
        world.browser_of("alice").await,
    );
    this.visit_without_taking(&world, async |session| {
        let listed = session.logins(None, 10).await.expect("available");
        assert_eq!(listed.logins.len(), 2);
        for one in listed.logins.iter().filter(|one| !one.is_current) {
            assert_eq!(session.end_login(one.info.login).await, Ok(true));
        }
        ok()
    })
    .await;
    assert_eq!(other.subject(&world).await, None);
    assert!(this.subject(&world).await.is_some());
}

#[tokio::test]
async fn asvs_7_6_2_no_session_begins_by_looking() {
    let world = World::new();
    let response = Browser::default()
        .visit(&world, async |session| {
            session.data().await.expect("empty");
            session.rotate().expect("open");
            ok()
        })
        .await;
    assert_eq!(our_cookie(response.headers()), None);
    assert_eq!(world.store.calls(), []);
}
