//! How revocations reach the copies of other nodes, and what that costs.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_on_one_node_reaches_the_copy_of_another() {
    let redis = Redis::start(&[]);
    let (one, other) = (
        node(&redis.url(), Freshness::Within(LONG)).await,
        node(&redis.url(), Freshness::Within(LONG)).await,
    );
    for round in 0..20 {
        let [a, b] = [format!("a{round}"), format!("b{round}")];
        let (a_query, b_query) = (token(&one, &a).await, token(&one, &b).await);
        answers(&other, &a_query, Verdict::Active).await;
        deny(&one, &a).await;
        assert_eq!(one.verdict_now(&a_query), Some(Verdict::Revoked), "at once");
        answers(&other, &a_query, Verdict::Revoked).await;
        answers(&other, &b_query, Verdict::Active).await;
        // Everything of the subject, and everything.
        if round % 2 == 0 {
            one.revoke_subject("alice").await.expect("it is");
        } else {
            one.revoke_all().await.expect("it is");
        }
        assert_eq!(one.verdict_now(&b_query), Some(Verdict::Revoked), "at once");
        answers(&other, &b_query, Verdict::Revoked).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verified_request_costs_the_server_nothing() {
    let redis = Redis::start(&[]);
    let store = node(&redis.url(), Freshness::Within(LONG)).await;
    let query = token(&store, "a").await;
    answers(&store, &query, Verdict::Active).await;
    // Of its own accord it asks for one lane in each beat: every 15 s, and here not even that.
    let before = calls(&redis, "hmget");
    for _ in 0..10_000 {
        assert_eq!(store.verdict_now(&query), Some(Verdict::Active));
    }
    let beats = calls(&redis, "hmget") - before;
    assert!(beats < 100, "{beats} commands for 10,000 verdicts");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_after_a_revocation_elsewhere_is_asked_about_and_not_refused() {
    let redis = Redis::start(&[]);
    let (one, other) = (
        node(&redis.url(), Freshness::Always).await,
        node(&redis.url(), Freshness::Within(LONG)).await,
    );
    for _ in 0..100 {
        one.revoke_subject("alice").await.expect("it is");
        let query = token(&one, "a").await;
        let now = other.verdict_now(&query);
        assert_ne!(now, Some(Verdict::Revoked), "at most it is not known yet");
        assert_eq!(other.verdict(&query).await, Verdict::Active);
        answers(&other, &query, Verdict::Active).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn other_nodes_are_told_each_revocation_once() {
    let redis = Redis::start(&[]);
    let (one, other) = (
        node(&redis.url(), Freshness::Within(LONG)).await,
        node(&redis.url(), Freshness::Within(LONG)).await,
    );
    let query = token(&one, "a").await;
    for store in [&one, &other] {
        for lane in Lane::all() {
            let any = young(Place {
                lane,
                ..query.place
            });
            eventually("every lane is loaded", || store.verdict_now(&any).is_some()).await;
        }
    }
    let mut subscriptions = [one.subscribe(), other.subscribe()];
    let (place, login) = (query.place, LoginId::random());
    deny(&one, "a").await;
    one.end_login("alice", login).await.expect("it is");
    one.end_other_logins("alice", login).await.expect("it is");
    one.revoke_subject("alice").await.expect("it is");
    let key = LoginKey::of(REALM, "alice", &login);
    let expected = [
        Notice::Token(place.lane, TokenKey::of(ISSUER, "a")),
        Notice::Login(place.lane, key),
        Notice::Subject(place.lane, place.subject, Some(key)),
        Notice::Subject(place.lane, place.subject, None),
    ];
    // Here one after the other. There two of one subject may be told as one.
    let [here, there] = &mut subscriptions;
    for notice in expected {
        assert_eq!(told(here).await, notice);
    }
    loop {
        let notice = told(there).await;
        assert!(expected.contains(&notice), "{notice:?}");
        if notice == expected[3] {
            break;
        }
    }
    one.revoke_all().await.expect("it is");
    assert_eq!(told(here).await, Notice::All);
    assert_eq!(told(there).await, Notice::All);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_of_revocations_reaches_the_copy() {
    let redis = Redis::start(&[]);
    let (one, other) = (
        node(&redis.url(), Freshness::Always).await,
        node(&redis.url(), Freshness::Within(LONG)).await,
    );
    let query = token(&one, "0").await;
    answers(&other, &query, Verdict::Active).await;
    // More of one lane than its ring holds, and lanes of many subjects.
    let exp = SystemClock.now().plus(Duration::from_secs(3_600));
    let rows: Vec<(String, String)> = (0..200)
        .map(|n| ("alice".to_owned(), n.to_string()))
        .chain((0..200).map(|n| (format!("user-{n}"), "x".to_owned())))
        .collect();
    let denying = rows.iter().map(|(subject, jti)| {
        let (one, subject, jti) = (Arc::clone(&one), subject.clone(), jti.clone());
        tokio::spawn(async move { one.revoke_token(ISSUER, &jti, &subject, exp).await })
    });
    for denied in denying.collect::<Vec<_>>() {
        denied.await.expect("no panic").expect("the server is good");
    }
    for (subject, jti) in &rows {
        let query = young(Place::of(REALM, subject)).token(ISSUER, jti);
        answers(&other, &query, Verdict::Revoked).await;
    }
}
