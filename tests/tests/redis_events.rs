//! What the Redis store tells: revocations, those that could not be made, and lost data.

use std::sync::{Arc, Mutex};

use auth_core::{
    Event, LoginId, StoreError, Timestamp,
    event::{Asked, Revoked},
    revocation::Lane,
    store::Revocations,
};
use auth_revocation_redis::RedisStore;
use auth_tests::Redis;

type Heard = Arc<Mutex<Vec<Event>>>;

async fn store(redis: &Redis) -> (RedisStore, Heard) {
    let heard = Heard::default();
    let sink = Arc::clone(&heard);
    let store = RedisStore::builder(redis.url())
        .realm("test")
        .on_event(move |event: &Event| sink.lock().expect("whole").push(event.clone()));
    (store.build().await.expect("the server is good"), heard)
}

fn take(heard: &Heard) -> Vec<Event> {
    std::mem::take(&mut *heard.lock().expect("whole"))
}

fn revoked(target: Revoked) -> Event {
    let subject = (target != Revoked::All).then(|| "alice".to_owned());
    Event::Revoked { target, subject }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_revocation_is_told_once() {
    let redis = Redis::start(&[]);
    let (store, heard) = store(&redis).await;
    assert_eq!(take(&heard), [], "a new server has lost nothing");
    let login = LoginId::random();
    let exp = Timestamp::from_secs(Timestamp::MAX_SECS);
    let done = store.revoke_token("issuer", "jti", "alice", exp).await;
    assert_eq!(
        (done, take(&heard)),
        (Ok(()), vec![revoked(Revoked::Token)])
    );
    let done = store.end_login("alice", login).await;
    assert_eq!(
        (done, take(&heard)),
        (Ok(()), vec![revoked(Revoked::Login(login))])
    );
    let done = store.end_other_logins("alice", login).await;
    let others = vec![revoked(Revoked::OtherLogins(login))];
    assert_eq!((done, take(&heard)), (Ok(()), others));
    let done = store.revoke_subject("alice").await;
    assert_eq!(
        (done, take(&heard)),
        (Ok(()), vec![revoked(Revoked::Subject)])
    );
    let done = store.revoke_all().await;
    assert_eq!((done, take(&heard)), (Ok(()), vec![revoked(Revoked::All)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loss_of_data_is_told_when_it_is_found() {
    let redis = Redis::start(&[]);
    let (store, heard) = store(&redis).await;
    store.revoke_subject("alice").await.expect("revoked");
    take(&heard);
    redis.cli(&["FLUSHALL"]);
    store.epoch("alice").await.expect("the server is good");
    let lane = Lane::of("test", "alice");
    assert_eq!(take(&heard), [Event::DataLost { lane }]);
    store.epoch("alice").await.expect("the server is good");
    assert_eq!(take(&heard), [], "once is enough");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_that_is_not_known_to_be_made_is_told_as_that() {
    let redis = Redis::start(&[]);
    let (store, heard) = store(&redis).await;
    drop(redis);
    let done = store.revoke_subject("alice").await;
    assert!(matches!(done, Err(StoreError::Unavailable(_))), "{done:?}");
    let asked = Asked::Revocation;
    assert_eq!(take(&heard), [Event::Unavailable { asked }]);
}
