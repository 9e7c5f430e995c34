//! A revocation that was not acknowledged can be asked for again, also where it is refused already by
//! the node that tried: nothing that only this node knows is taken for done.

use auth_core::{
    StoreError, Verdict,
    store::{Load, Logins as _, RefreshLogins as _, Revocations as _, Sessions as _},
};
use auth_tests::{
    Redis,
    logins::{Session, Tokens},
};

use crate::model::{READ, eventually, in_time, node};

#[tokio::test(flavor = "multi_thread")]
async fn it_is_made_when_it_is_asked_for_again() {
    let redis = Redis::start(&[]);
    let (one, other) = (node(&redis.url()).await, node(&redis.url()).await);
    let good = "the server is good";
    let session = Session::log_in(&*one, "alice").await.expect(good);
    let tokens = Tokens::log_in(&*one, "alice").await.expect(good);
    let (of_session, of_tokens) = (session.query(&*one), tokens.query(&*one, "jti"));

    redis.cli(&["CONFIG", "SET", "maxmemory", "1"]);
    for (login, query) in [(session.login, &of_session), (tokens.login, &of_tokens)] {
        assert!(one.end_login("alice", login).await.is_err(), "it is full");
        assert_eq!(one.verdict(query).await, Verdict::Revoked, "here");
        assert_eq!(other.verdict(query).await, Verdict::Active, "not there");
    }
    // It does not say that the session has ended: who logs out would take that for done.
    for _ in 0..3 {
        let load = in_time("a load", READ, one.load(&session.key)).await;
        assert!(
            matches!(load, Err(StoreError::Unavailable(_) | StoreError::Full)),
            "{load:?}"
        );
    }
    let found = one.refresh_login(tokens.lane, tokens.login).await;
    assert!(
        matches!(found, Ok(Some(_))),
        "it is there to be ended: {found:?}"
    );
    let listed = one.logins("alice", None, 10).await.expect("it can be read");
    assert_eq!(listed.logins.len(), 2);

    redis.cli(&["CONFIG", "SET", "maxmemory", "0"]);
    // What is tried again with the session is made then, before it is said to have ended.
    eventually("it has ended", async || {
        let load = one.load(&session.key).await;
        assert!(!matches!(load, Ok(Load::Live(_))), "{load:?}");
        load.is_ok()
    })
    .await;
    assert_eq!(other.verdict(&of_session).await, Verdict::Revoked);
    let ended = one.end_login("alice", tokens.login).await;
    ended.expect("the server is good again");
    assert_eq!(other.verdict(&of_tokens).await, Verdict::Revoked);
    let listed = one.logins("alice", None, 10).await.expect("it can be read");
    assert_eq!(listed.logins, []);
}
