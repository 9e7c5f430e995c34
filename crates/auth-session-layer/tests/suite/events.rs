//! What is told of sessions: each thing once, when it has happened.

use auth_core::{
    Event, LoginId, RejectionKind, RequireAuth,
    event::{Asked, LoginRefusal},
    store::{LoginKind, Overflow, Revocations},
};
use auth_session_layer::Login;
use http::Request;
use tower::{Layer, ServiceExt, service_fn};

use crate::{
    store::{Call, Fault},
    support::{Browser, World, log_in, ok, put},
};

fn alice() -> String {
    "alice".to_owned()
}

async fn login_of(browser: &Browser, world: &World) -> LoginId {
    let principal = browser.principal(world).await.expect("logged in");
    principal.login().expect("a session has one")
}

fn logged_out(login: LoginId) -> Event {
    Event::LoggedOut {
        kind: LoginKind::Session,
        subject: alice(),
        login,
    }
}

fn logged_in(login: LoginId, displaced: Vec<LoginId>) -> Event {
    Event::LoggedIn {
        kind: LoginKind::Session,
        subject: alice(),
        login,
        displaced,
    }
}

#[tokio::test]
async fn a_login_a_new_id_and_a_logout() {
    let world = World::new();
    let mut browser = Browser::default();
    // An anonymous session, and reading, are nobody's concern.
    browser
        .visit(&world, async |session| put(&session, "cart", "tea").await)
        .await;
    assert_eq!(browser.subject(&world).await, None);
    assert_eq!(world.heard(), []);

    browser
        .visit(&world, async |session| {
            let asked = log_in(&session, Login::new("alice"));
            assert_eq!(world.heard(), [], "nothing has happened yet");
            asked
        })
        .await;
    let login = login_of(&browser, &world).await;
    assert_eq!(world.heard(), [logged_in(login, vec![])]);

    browser
        .visit(&world, async |session| {
            session.rotate().expect("open");
            put(&session, "cart", "rum").await
        })
        .await;
    let rotated = Event::Rotated {
        login: Some((alice(), login)),
    };
    assert_eq!(world.heard(), [rotated]);

    browser
        .visit(&world, async |session| {
            session.logout().await.expect("available");
            assert_eq!(world.heard(), [logged_out(login)], "at once");
            session.logout().await.expect("available");
            ok()
        })
        .await;
    assert_eq!(world.heard(), []);
}

#[tokio::test]
async fn a_logout_that_keeps_the_data_is_one_too() {
    let world = World::new();
    let mut browser = world.browser_of("alice").await;
    let login = login_of(&browser, &world).await;
    browser
        .visit(&world, async |session| {
            session.logout_keeping_data().await.expect("available");
            ok()
        })
        .await;
    assert_eq!(world.heard(), [logged_out(login)]);
}

#[tokio::test]
async fn logins_that_make_room_and_those_that_find_none() {
    for overflow in [Overflow::EndOldest, Overflow::Refuse] {
        let world = World::with(|builder| builder.max_logins(1, overflow));
        let first = world.browser_of("alice").await;
        let displaced = login_of(&first, &world).await;
        let mut second = Browser::default();
        second
            .visit(&world, async |session| {
                log_in(&session, Login::new("alice"))
            })
            .await;
        match overflow {
            Overflow::Refuse => {
                let refused = Event::LoginRefused {
                    kind: LoginKind::Session,
                    subject: alice(),
                    reason: LoginRefusal::TooMany,
                };
                let answer = Event::refused(RejectionKind::TooManyLogins, None);
                assert_eq!(world.heard(), [refused, answer]);
            }
            _ => {
                let login = login_of(&second, &world).await;
                assert_eq!(world.heard(), [logged_in(login, vec![displaced])]);
            }
        }
    }
}

#[tokio::test]
async fn a_login_that_a_revocation_overtook() {
    let world = World::new();
    let epoch = world.store.epoch("alice").await.expect("available");
    world.store.revoke_subject("alice").await.expect("revoked");
    Browser::default()
        .visit(&world, async |session| {
            log_in(&session, Login::new("alice").since(epoch))
        })
        .await;
    let refused = Event::LoginRefused {
        kind: LoginKind::Session,
        subject: alice(),
        reason: LoginRefusal::Moved,
    };
    let answer = Event::refused(RejectionKind::SessionEnded, None);
    assert_eq!(world.heard(), [refused, answer]);
}

#[tokio::test]
async fn a_commit_that_failed_says_whose_it_was() {
    let world = World::new();
    let browser = world.browser_of("alice").await;
    let principal = browser.principal(&world).await;
    world.store.fail(Call::Commit, Fault::NotMade);
    browser
        .visit_without_taking(&world, async |session| put(&session, "cart", "tea").await)
        .await;
    let asked = Asked::Commit;
    let refused = Event::refused(RejectionKind::CommitFailed, principal.as_ref());
    assert_eq!(world.heard(), [Event::Unavailable { asked }, refused]);
}

#[tokio::test]
async fn guards_further_in_tell_the_layers_sink() {
    let world = World::new();
    let handler =
        service_fn(|_: Request<String>| async { Ok::<_, std::convert::Infallible>(ok()) });
    let service = world.layer.layer(RequireAuth::new().layer(handler));
    let request = Browser::default().request();
    let Ok(response) = service.oneshot(request).await;
    assert_eq!(response.status(), 401);
    let nobody = Event::refused(RejectionKind::Unauthenticated, None);
    assert_eq!(world.heard(), [nobody]);
}

#[tokio::test]
async fn no_event_shows_a_secret() {
    let world = World::new();
    let mut browser = Browser::default();
    let mut ids = Vec::new();
    let mut told = String::new();
    for step in 0..3 {
        browser
            .visit(&world, async |session| match step {
                0 => log_in(&session, Login::new("alice")),
                1 => {
                    session.rotate().expect("open");
                    ok()
                }
                _ => {
                    session.logout().await.expect("available");
                    ok()
                }
            })
            .await;
        ids.extend(browser.cookie.clone());
        told += &format!("{:?}", world.heard());
    }
    assert_eq!(ids.len(), 2);
    for id in ids {
        // Neither the id nor a part of it that would do.
        assert!(
            !told.contains(&id[..12]) && !told.contains(&id[id.len() - 12..]),
            "{told}"
        );
    }
}
