//! Revoking.

use auth_core::{StoreError, Verdict};

use crate::{
    issuer_support::{Double, World, login},
    support::{ask, form},
};

#[tokio::test]
async fn an_access_token_dies_alone_and_a_refresh_token_takes_its_login_along() {
    let world = World::new();
    let issuer = world.issuer();
    let (one, other) = (login(&issuer).await, login(&issuer).await);
    let sibling = issuer.refresh(one.refresh_token().as_bytes(), None);
    let sibling = sibling.await.unwrap();
    let revoke = async |token: &str| {
        let hint = "token_type_hint=whatever";
        let answer = ask(
            issuer.revoke_service(),
            form(format!("token={token}&{hint}")),
        )
        .await;
        assert_eq!(answer.status, 200);
        assert!(answer.body.is_empty());
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    };
    for _again in 0..2 {
        revoke(one.access_token()).await;
        assert_eq!(world.verdict(&issuer, &one).await, Verdict::Revoked);
        assert_eq!(world.verdict(&issuer, &sibling).await, Verdict::Active);
    }
    // Of an older generation, too.
    for _again in 0..2 {
        revoke(one.refresh_token()).await;
        assert_eq!(world.verdict(&issuer, &sibling).await, Verdict::Revoked);
        assert_eq!(world.verdict(&issuer, &other).await, Verdict::Active);
    }
    let refreshed = issuer.refresh(sibling.refresh_token().as_bytes(), None);
    assert!(refreshed.await.is_err());
    issuer
        .refresh(other.refresh_token().as_bytes(), None)
        .await
        .unwrap();
    assert_eq!(world.heard(), []);
}

#[tokio::test]
async fn what_is_no_token_of_ours_is_a_success_without_a_store() {
    let world = World::new();
    let issuer = world.issuer();
    let foreign = login(&World::new().issuer()).await;
    let expired = login(&issuer).await;
    world.clock.advance(std::time::Duration::from_secs(400));
    let calls = world.store.calls();
    for token in [
        "x",
        "art_",
        "a.b.c",
        foreign.access_token(),
        foreign.refresh_token(),
        expired.access_token(),
    ] {
        let answer = ask(issuer.revoke_service(), form(format!("token={token}"))).await;
        assert_eq!(answer.status, 200, "{token}");
    }
    assert_eq!(world.store.calls(), calls);
}

#[tokio::test]
async fn what_was_not_done_is_503_and_no_success() {
    let world = World::new();
    let issuer = world.issuer();
    let tokens = login(&issuer).await;
    for fault in [Double::down(), StoreError::Full, StoreError::Unreadable] {
        world.store.fail(Some(fault));
        for token in [tokens.access_token(), tokens.refresh_token()] {
            let answer = ask(issuer.revoke_service(), form(format!("token={token}"))).await;
            answer.assert_error(503, "temporarily_unavailable");
        }
    }
    world.store.fail(None);
    assert_eq!(world.verdict(&issuer, &tokens).await, Verdict::Active);
}
