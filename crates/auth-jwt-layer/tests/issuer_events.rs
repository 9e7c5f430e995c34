//! What an issuer tells: logins, refreshes, logouts, each once, when it has happened.
#![allow(clippy::unwrap_used)] // In helpers, too.
#![cfg(any(feature = "jwt-aws-lc", feature = "jwt-rust-crypto"))]

mod issuer_support;

use auth_core::{
    Event,
    event::{Asked, LoginRefusal},
    store::{LoginKind, Overflow, Revocations},
};
use auth_jwt_layer::TokenLogin;
use issuer_support::{Double, World, ed25519, login, secs};

fn alice() -> String {
    "alice".to_owned()
}

#[tokio::test]
async fn a_login_its_refreshes_and_its_logout() {
    let world = World::new();
    let issuer = world.issuer();
    let first = login(&issuer).await;
    let (kind, login) = (LoginKind::Token, first.login());
    let logged_in = Event::LoggedIn {
        kind,
        subject: alice(),
        login,
        displaced: vec![],
    };
    assert_eq!(world.heard_all(), [logged_in]);

    for replayed in [false, true] {
        let token = first.refresh_token().as_bytes();
        issuer.refresh(token, None).await.unwrap();
        let refreshed = Event::Refreshed {
            subject: alice(),
            login,
            replayed,
        };
        assert_eq!(world.heard_all(), [refreshed]);
    }

    // A second time there is nothing left to end.
    for expected in [Some(LoginKind::Token), None] {
        let token = first.refresh_token().as_bytes();
        issuer.revoke_refresh_token(token).await.unwrap();
        let logged_out = expected.map(|kind| Event::LoggedOut {
            kind,
            subject: alice(),
            login,
        });
        assert_eq!(world.heard_all(), Vec::from_iter(logged_out));
    }
    // Nor does a token that is over say anything, or one that nobody wrote.
    for token in [first.refresh_token(), "art_junk"] {
        issuer.refresh(token.as_bytes(), None).await.unwrap_err();
        assert_eq!(world.heard_all(), []);
    }
}

#[tokio::test]
async fn logins_that_make_room_those_that_find_none_and_those_overtaken() {
    let world = World::new();
    let builder = |overflow| world.builder(ed25519()).max_logins(1, overflow);
    let first = login(&builder(Overflow::Refuse).build().unwrap()).await;
    world.heard_all();
    let refused = |reason| Event::LoginRefused {
        kind: LoginKind::Token,
        subject: alice(),
        reason,
    };

    let full = builder(Overflow::Refuse).build().unwrap();
    full.login(TokenLogin::new("alice")).await.unwrap_err();
    assert_eq!(world.heard_all(), [refused(LoginRefusal::TooMany)]);

    let roomy = builder(Overflow::EndOldest).build().unwrap();
    let second = roomy.login(TokenLogin::new("alice")).await.unwrap();
    let logged_in = Event::LoggedIn {
        kind: LoginKind::Token,
        subject: alice(),
        login: second.login(),
        displaced: vec![first.login()],
    };
    assert_eq!(world.heard_all(), [logged_in]);

    let since = world.store.epoch("alice").await.unwrap();
    world.clock.advance(secs(1));
    world.store.revoke_subject("alice").await.unwrap();
    let overtaken = TokenLogin::new("alice").since(since);
    roomy.login(overtaken).await.unwrap_err();
    assert_eq!(world.heard_all(), [refused(LoginRefusal::Moved)]);
}

#[tokio::test]
async fn what_the_store_could_not_be_asked() {
    let world = World::new();
    let issuer = world.issuer();
    let tokens = login(&issuer).await;
    let token = tokens.refresh_token().as_bytes();
    world.heard_all();
    world.store.fail(Some(Double::down()));
    issuer.login(TokenLogin::new("alice")).await.unwrap_err();
    issuer.refresh(token, None).await.unwrap_err();
    issuer.revoke_refresh_token(token).await.unwrap_err();
    let asked = [Asked::Login, Asked::Refresh, Asked::Revocation];
    assert_eq!(
        world.heard_all(),
        asked.map(|asked| Event::Unavailable { asked })
    );
}

#[tokio::test]
async fn no_event_shows_a_token() {
    let world = World::new();
    let issuer = world.issuer();
    let first = login(&issuer).await;
    let second = issuer.refresh(first.refresh_token().as_bytes(), None).await;
    let second = second.unwrap();
    // Reused after the grace: an alarm.
    world.clock.advance(secs(31));
    let reused = issuer.refresh(first.refresh_token().as_bytes(), None).await;
    reused.unwrap_err();
    let told = format!("{:?}", world.heard_all());
    assert!(told.contains("RefreshReused"), "{told}");
    for tokens in [&first, &second] {
        for secret in [tokens.refresh_token(), tokens.access_token()] {
            let end = &secret[secret.len() - 12..];
            assert!(!told.contains(end), "{told}");
        }
    }
}
