//! Refreshes at once, and refreshes that race a revocation.
#![cfg(any(feature = "jwt-aws-lc", feature = "jwt-rust-crypto"))]

mod issuer_support;

use std::{collections::HashSet, sync::Arc};

use auth_core::{Verdict, store::Revocations};
use auth_jwt_layer::RefreshError;
use issuer_support::{World, claims, login};
use tokio::{sync::Barrier, task::JoinSet};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_hundred_refreshes_at_once_get_one_successor() {
    const TABS: usize = 200;
    let world = World::new();
    let issuer = world.issuer();
    let first = login(&issuer).await;
    let barrier = Arc::new(Barrier::new(TABS));
    let mut tabs = JoinSet::new();
    for _ in 0..TABS {
        let (issuer, barrier) = (issuer.clone(), barrier.clone());
        let token = first.refresh_token().to_owned();
        tabs.spawn(async move {
            barrier.wait().await;
            issuer.refresh(token.as_bytes(), None).await.unwrap()
        });
    }
    let all = tabs.join_all().await;
    let successors: HashSet<_> = all.iter().map(|tokens| tokens.refresh_token()).collect();
    assert_eq!(successors.len(), 1);
    let jtis: HashSet<_> = all.iter().map(|t| claims(t)["jti"].to_string()).collect();
    assert_eq!(jtis.len(), TABS);
    assert!(all.iter().all(|tokens| claims(tokens)["gen"] == 2));
    let record = world.store.record(&first).await.unwrap();
    assert_eq!(record.rotation.generation, 2);
    assert_eq!(world.heard(), []);
    let token = all[0].refresh_token().as_bytes();
    issuer.refresh(token, None).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_refresh_outlives_a_revocation_it_races() {
    #[derive(Clone, Copy, Debug)]
    enum Revoke {
        Subject,
        Login,
        All,
    }
    let world = Arc::new(World::new());
    let issuer = world.issuer();
    let (mut won, mut lost) = (0, 0);
    for round in 0..300 {
        let revoke = [Revoke::Subject, Revoke::Login, Revoke::All][round % 3];
        let first = login(&issuer).await;
        let barrier = Arc::new(Barrier::new(2));
        let revoking = tokio::spawn({
            let (store, barrier, login) = (world.store.clone(), barrier.clone(), first.login());
            async move {
                barrier.wait().await;
                match revoke {
                    Revoke::Subject => store.revoke_subject("alice").await,
                    Revoke::Login => store.end_login("alice", login).await,
                    Revoke::All => store.revoke_all().await,
                }
            }
        });
        barrier.wait().await;
        let refreshed = issuer.refresh(first.refresh_token().as_bytes(), None).await;
        revoking.await.unwrap().unwrap();
        match refreshed {
            Ok(tokens) => {
                won += 1;
                let verdict = world.verdict(&issuer, &tokens).await;
                assert_eq!(verdict, Verdict::Revoked, "{revoke:?}");
                let token = tokens.refresh_token().as_bytes();
                let again = issuer.refresh(token, None).await;
                assert_eq!(again.unwrap_err(), RefreshError::InvalidGrant);
            }
            Err(error) => {
                lost += 1;
                assert_eq!(error, RefreshError::InvalidGrant);
            }
        }
    }
    assert_eq!(won + lost, 300);
    assert_eq!(world.heard(), [], "a revocation is no theft");
}
