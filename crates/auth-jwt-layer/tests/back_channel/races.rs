//! A login that is on its way when its session ends at the provider.

use std::sync::atomic::Ordering;

use auth_core::{
    LoginId, ProviderLogin,
    revocation::Op,
    store::{Admission, Admitted, Lifetimes, LoginKind, Logins, Revocations as _},
};
use auth_jwt_layer::{LoginError, TokenLogin};
use serde_json::json;

use crate::{
    issuer_support::{Double, World, secs},
    support::*,
};

fn admission() -> Admission {
    Admission {
        subject: "alice".to_owned(),
        login: LoginId::random(),
        kind: LoginKind::Session,
        device: None,
        lifetimes: Lifetimes {
            idle: None,
            absolute: secs(3_600),
        },
        since: None,
        limit: None,
        session: None,
        op: Op::random(),
    }
}

#[tokio::test]
async fn a_logout_between_the_link_and_the_login_wins() {
    for members in [
        json!({"sid": "s1"}),
        json!({"sub": "u1"}),
        json!({"sub": "u1", "sid": "s1"}),
    ] {
        let world = World::new();
        let receiver = receiver(&world);
        let provider = ProviderLogin::new(PROVIDER, "u1").session("s1");
        let mut admission = admission();
        assert!(provider.link(&*world.store, &mut admission).await.unwrap());
        end(&receiver, &members).await;
        let admitted = world.store.admit(&admission).await.unwrap();
        assert_eq!(admitted, Admitted::Moved, "{members}");
    }
}

#[tokio::test]
async fn a_login_by_a_session_that_has_ended_is_refused() {
    let world = World::new();
    let (issuer, receiver) = (world.issuer(), receiver(&world));
    end(&receiver, &json!({"sid": "s1"})).await;
    let by = |sid: &str| {
        let provider = ProviderLogin::new(PROVIDER, "u1").session(sid);
        TokenLogin::new("alice").provider(provider)
    };
    let refused = issuer.login(by("s1")).await.unwrap_err();
    assert_eq!(refused, LoginError::Moved);
    assert!(issuer.login(by("s2")).await.is_ok());
    world.store.fail(Some(Double::down()));
    assert!(issuer.login(by("s2")).await.unwrap_err().is_unavailable());
}

#[tokio::test]
async fn a_copy_that_has_not_heard_yet_lets_no_login_in() {
    let world = World::new();
    end(&receiver(&world), &json!({"sid": "s1"})).await;
    world.store.knows_nothing_yet.store(true, Ordering::SeqCst);
    let provider = ProviderLogin::new(PROVIDER, "u1").session("s1");
    let linked = provider.link(&*world.store, &mut admission()).await;
    assert!(!linked.unwrap());
}

#[tokio::test]
async fn no_login_of_a_session_is_forgotten_for_those_that_come_after_it() {
    let world = World::new();
    let (issuer, receiver) = (world.issuer(), receiver(&world));
    let provider = || ProviderLogin::new(PROVIDER, "u1").session("s1");
    let first = login(&issuer, "alice", provider()).await;
    let mut refused = 0;
    for _ in 0..1_000 {
        let by = TokenLogin::new("alice").provider(provider());
        match issuer.login(by).await {
            Ok(tokens) => {
                let ended = world.store.end_login("alice", tokens.login()).await;
                ended.unwrap();
            }
            Err(_) => refused += 1,
        }
    }
    assert_eq!(refused, 2);
    end(&receiver, &json!({"sid": "s1"})).await;
    assert!(!goes_on(&issuer, &first).await);
}
