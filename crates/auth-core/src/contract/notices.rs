//! Cases: subscribers are told.

use std::task::{Context, Poll, Waker};

use super::{
    family::{GRACE, ISSUER},
    world::{SECOND, World},
};
use crate::{
    revocation::{Lane, LoginKey, Op, Place, TokenKey},
    store::{LoginKind, LoginLimit, Notice, Overflow, Revocation, Subscription},
};

const ALICE: &str = "alice";

pub(super) async fn each_revocation_is_told_as_what_it_is(w: World) {
    let (session, tokens) = (w.log_in(ALICE).await, w.start(ALICE).await);
    let realm = w.store.realm().to_owned();
    let place = Place::of(&realm, ALICE);
    let key = |login| LoginKey::of(&realm, ALICE, login);
    let exp = w.now().plus(SECOND * 300);
    let rows = [
        (
            Revocation::token(&realm, ISSUER, "a", ALICE, exp),
            Notice::Token(place.lane, TokenKey::of(ISSUER, "a")),
        ),
        (
            Revocation::login(&realm, ALICE, session.login),
            Notice::Login(place.lane, key(&session.login)),
        ),
        (
            Revocation::other_logins(&realm, ALICE, tokens.login),
            Notice::Subject(place.lane, place.subject, Some(key(&tokens.login))),
        ),
        (
            Revocation::subject(&realm, ALICE),
            Notice::Subject(place.lane, place.subject, None),
        ),
        (Revocation::all(), Notice::All),
    ];
    let mut subscriptions = [w.store.subscribe(), w.store.subscribe()];
    for (revocation, notice) in rows {
        w.revoke(Op::random(), &revocation).await;
        for subscription in &mut subscriptions {
            assert_eq!(next(&w, subscription).await, notice, "{revocation:?}");
        }
    }
}

pub(super) async fn a_foreign_subject_is_told_by_its_own_place(w: World) {
    let mut subscription = w.store.subscribe();
    let place = Place::of("https://foreign.example", ALICE);
    let revocation = Revocation::subject("https://foreign.example", ALICE);
    w.revoke(Op::random(), &revocation).await;
    let expected = Notice::Subject(place.lane, place.subject, None);
    assert_eq!(next(&w, &mut subscription).await, expected);
}

pub(super) async fn logins_that_the_store_ends_are_told(w: World) {
    let (family, oldest) = (w.start(ALICE).await, w.log_in("bob").await);
    w.advance_token(&family, family.first).await;
    w.advance(GRACE).await;
    let realm = w.store.realm().to_owned();
    let mut subscription = w.store.subscribe();
    w.rotate(&family, family.first).await;
    let reused = LoginKey::of(&realm, ALICE, &family.login);
    let expected = Notice::Login(family.lane, reused);
    assert_eq!(next(&w, &mut subscription).await, expected, "reuse");
    let limit = LoginLimit {
        max: 1,
        overflow: Overflow::EndOldest,
    };
    let admission = super::admission::limited("bob", LoginKind::Session, limit);
    w.admit(&admission).await;
    let ended = LoginKey::of(&realm, "bob", &oldest.login);
    let expected = Notice::Login(Lane::of(&realm, "bob"), ended);
    assert_eq!(next(&w, &mut subscription).await, expected, "limit");
}

pub(super) async fn who_is_told_finds_it_in_force(w: World) {
    for _ in 0..w.times(20) {
        let session = w.log_in(ALICE).await;
        let mut subscription = w.store.subscribe();
        let (ending, listening) = (w.clone(), w.clone());
        let (login, query) = (session.login, session.query(&w));
        let ends = async move { ending.end_login(ALICE, login).await };
        let listens = async move {
            // Awaited, not polled: whoever waits is woken.
            subscription.next().await.expect("the store is there");
            let verdict = listening.verdict(&query).await;
            assert_eq!(verdict, crate::Verdict::Revoked);
        };
        w.in_parallel([
            Box::pin(ends) as super::BoxFuture,
            Box::pin(listens) as super::BoxFuture,
        ])
        .await;
    }
}

pub(super) async fn a_subscriber_that_left_is_no_trouble(w: World) {
    drop(w.store.subscribe());
    let mut subscription = w.store.subscribe();
    w.revoke_subject(ALICE).await;
    assert!(matches!(
        next(&w, &mut subscription).await,
        Notice::Subject(..)
    ));
}

pub(super) async fn a_subscriber_that_never_listens_is_told_that_it_lags(w: World) {
    let mut subscription = w.store.subscribe();
    // More than any store should keep waiting for one subscriber.
    for _ in 0..10_000 {
        w.end_login(ALICE, crate::LoginId::random()).await;
    }
    w.settle().await;
    let mut told = 0;
    let mut lagged = false;
    while let Poll::Ready(notice) = poll(&mut subscription) {
        lagged |= notice == Some(Notice::Lagged);
        told += 1;
    }
    assert!(told < 10_000 && lagged, "{told} notices, lagged: {lagged}");
}

/// The next notice, if it comes within a reasonable while.
async fn next(w: &World, subscription: &mut Subscription) -> Notice {
    for _ in 0..1_000 {
        match poll(subscription) {
            Poll::Ready(notice) => return notice.expect("the store is there"),
            Poll::Pending => w.settle().await,
        }
    }
    panic!("nothing was told");
}

fn poll(subscription: &mut Subscription) -> Poll<Option<Notice>> {
    subscription.poll_next(&mut Context::from_waker(Waker::noop()))
}
