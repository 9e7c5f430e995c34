//! A login that is on its way when its session ends at the provider.

use auth_core::{
    LoginId, ProviderLogin,
    revocation::Op,
    store::{Admission, Admitted, Lifetimes, LoginKind, Logins},
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
