//! A token is heard once, on whatever node.

use auth_core::{StoreError, store::Revocations as _};
use serde_json::json;

use auth_core::ProviderLogin;

use crate::{
    issuer_support::{Double, World, secs},
    support::*,
};

const USED: &str = "the token was used before";

#[tokio::test]
async fn a_token_is_good_once_on_all_nodes_as_long_as_it_lives() {
    let world = World::new();
    let (here, there) = (receiver(&world), receiver(&world));
    let issuer = world.issuer();
    let token = logout_token(&json!({"sub": "u1"}));
    assert_eq!(post(&here, &token).await.status(), 200);
    // Alice has come back since: whoever has a copy of the token must not end that.
    let again = login(&issuer, "alice", ProviderLogin::new(PROVIDER, "u1")).await;
    for seconds in [0, 1, 118, 30] {
        world.clock.advance(secs(seconds));
        for receiver in [&here, &there] {
            assert_refused(post(receiver, &token).await, USED, "again");
        }
    }
    world.clock.advance(secs(1));
    let response = post(&there, &token).await;
    assert_refused(response, "the token expired", "long after");
    assert!(goes_on(&issuer, &again).await);
    // Of another provider it is another token.
    let at = 1_800_000_150;
    let other = json!({"sub": "u1", "iss": OTHER, "iat": at, "exp": at + 120});
    end(&here, &other).await;
}

#[tokio::test]
async fn a_revocation_of_everything_makes_no_token_good_again() {
    let world = World::new();
    let (issuer, receiver) = (world.issuer(), receiver(&world));
    let token = logout_token(&json!({"sub": "u1"}));
    assert_eq!(post(&receiver, &token).await.status(), 200);
    world.store.revoke_all().await.unwrap();
    let again = login(&issuer, "alice", ProviderLogin::new(PROVIDER, "u1")).await;
    assert_refused(post(&receiver, &token).await, USED, "again");
    assert!(goes_on(&issuer, &again).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_at_once_one_is_the_first() {
    let world = World::new();
    for round in 0..20 {
        let token = logout_token(&json!({"sid": "s1", "jti": round.to_string()}));
        let tasks: Vec<_> = (0..8)
            .map(|_| {
                let (receiver, token) = (receiver(&world), token.clone());
                tokio::spawn(async move { post(&receiver, &token).await.status().as_u16() })
            })
            .collect();
        let mut statuses = Vec::new();
        for task in tasks {
            statuses.push(task.await.unwrap());
        }
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 400, 400, 400, 400, 400, 400, 400]);
    }
}

#[tokio::test]
async fn while_the_store_is_away_the_token_stays_good() {
    let world = World::new();
    let (issuer, receiver) = (world.issuer(), receiver(&world));
    let provider = ProviderLogin::new(PROVIDER, "u1").session("s1");
    for (number, members) in [json!({"sid": "s1"}), json!({"sub": "u1"})]
        .iter()
        .enumerate()
    {
        let mut members = members.clone();
        members["jti"] = json!(number.to_string());
        let tokens = match number {
            0 => login(&issuer, "alice", provider.clone()).await,
            _ => login(&issuer, "alice", ProviderLogin::new(PROVIDER, "u1")).await,
        };
        let token = logout_token(&members);
        for fault in [Double::down(), StoreError::Full, StoreError::Unreadable] {
            world.store.fail(Some(fault));
            let response = post(&receiver, &token).await;
            assert_eq!(response.status(), 503, "{members}");
            assert_eq!(response.headers()["retry-after"], "1");
            assert_eq!(response.headers()["cache-control"], "no-store");
        }
        world.store.fail(None);
        assert!(goes_on(&issuer, &tokens).await);
        let tokens = match number {
            0 => login(&issuer, "alice", provider.clone()).await,
            _ => login(&issuer, "alice", ProviderLogin::new(PROVIDER, "u1")).await,
        };
        assert_eq!(post(&receiver, &token).await.status(), 200, "{members}");
        assert!(!goes_on(&issuer, &tokens).await);
    }
}
