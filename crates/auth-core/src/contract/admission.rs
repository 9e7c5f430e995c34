//! Cases: who is let in, and how many.

use super::{
    family::start,
    world::{LIMITS, World, admission},
};
use crate::{
    LoginId,
    revocation::Op,
    store::{Admission, Admitted, LoginKind, LoginLimit, Overflow},
};

const END_OLDEST: LoginLimit = LoginLimit {
    max: 2,
    overflow: Overflow::EndOldest,
};
const REFUSE: LoginLimit = LoginLimit {
    max: 2,
    overflow: Overflow::Refuse,
};

pub(super) async fn one_login_too_many_ends_the_oldest(w: World) {
    let first = w.log_in("alice").await;
    w.advance(super::world::SECOND).await;
    let second = w.start("alice").await;
    w.advance(super::world::SECOND).await;
    let third = limited("alice", LoginKind::Session, END_OLDEST);
    let admitted = w.admit(&third).await;
    assert_eq!(ended(&admitted), [first.login]);
    assert!(!w.is_live(&first.key).await);
    assert!(w.refresh_login(&second).await.is_some());
    // A token login counts like a session.
    let fourth = start(limited("alice", LoginKind::Token, END_OLDEST));
    let admitted = w.store.start(&fourth).await.expect("the store answers");
    assert_eq!(ended(&admitted), [second.login]);
    assert!(w.refresh_login(&second).await.is_none());
    let access = second.query(&w, second.version, "a");
    assert_eq!(w.verdict(&access).await, crate::Verdict::Revoked);
}

pub(super) async fn a_lowered_limit_ends_as_many_as_it_takes(w: World) {
    let mut logins = Vec::new();
    for _ in 0..5 {
        logins.push(w.log_in("alice").await);
        w.advance(super::world::SECOND).await;
    }
    let admitted = w
        .admit(&limited("alice", LoginKind::Session, END_OLDEST))
        .await;
    let expected: Vec<LoginId> = logins[..4].iter().map(|login| login.login).collect();
    assert_eq!(ended(&admitted), expected);
    assert!(w.is_live(&logins[4].key).await);
}

pub(super) async fn one_login_too_many_is_refused(w: World) {
    let (first, second) = (w.log_in("alice").await, w.start("alice").await);
    for kind in [LoginKind::Session, LoginKind::Token] {
        let third = limited("alice", kind, REFUSE);
        let admitted = match kind {
            LoginKind::Session => w.admit(&third).await,
            LoginKind::Token => {
                let started = w.store.start(&start(third)).await;
                started.expect("the store answers")
            }
        };
        assert_eq!(admitted, Admitted::TooMany);
    }
    assert!(w.is_live(&first.key).await);
    assert!(w.refresh_login(&second).await.is_some());
    let page = w.store.logins("alice", None, 10).await;
    assert_eq!(page.map(|page| page.logins.len()), Ok(2));
    // Somebody else has a limit of their own.
    ended(&w.admit(&limited("bob", LoginKind::Session, REFUSE)).await);
}

pub(super) async fn logins_that_are_over_do_not_count(w: World) {
    let (ended_one, gone) = (w.log_in("alice").await, w.log_in("alice").await);
    w.end_login("alice", ended_one.login).await;
    w.end(&gone.key).await;
    let kept = w.log_in("alice").await;
    w.end_others("alice", kept.login).await;
    let (_, _) = (w.start("alice").await, w.log_in("alice").await);
    let admitted = w.admit(&limited("alice", LoginKind::Session, REFUSE)).await;
    assert_eq!(admitted, Admitted::TooMany);
    w.revoke_subject("alice").await;
    for _ in 0..2 {
        let again = limited("alice", LoginKind::Session, REFUSE);
        w.log_in_by(&again, None).await.expect("there is room");
    }
    let admitted = w.admit(&limited("alice", LoginKind::Session, REFUSE)).await;
    assert_eq!(admitted, Admitted::TooMany);
    // By now they have expired.
    w.advance(LIMITS.absolute).await;
    ended(&w.admit(&limited("alice", LoginKind::Session, REFUSE)).await);
}

pub(super) async fn an_admission_counts_before_its_session_is_there(w: World) {
    for _ in 0..2 {
        ended(&w.admit(&limited("alice", LoginKind::Session, REFUSE)).await);
    }
    let admitted = w.admit(&limited("alice", LoginKind::Session, REFUSE)).await;
    assert_eq!(admitted, Admitted::TooMany);
}

pub(super) async fn a_withdrawn_admission_counts_no_more(w: World) {
    let first = limited("alice", LoginKind::Session, REFUSE);
    ended(&w.admit(&first).await);
    ended(&w.admit(&limited("alice", LoginKind::Session, REFUSE)).await);
    w.store.withdraw("alice", first.login);
    w.settle().await;
    ended(&w.admit(&limited("alice", LoginKind::Session, REFUSE)).await);
    // Of a login that is not there nothing can be taken back.
    w.store.withdraw("alice", LoginId::random());
    w.store.withdraw("nobody", first.login);
    w.settle().await;
}

pub(super) async fn a_repeated_admission_happens_once(w: World) {
    let (first, second) = (w.log_in("alice").await, w.log_in("alice").await);
    let third = limited("alice", LoginKind::Session, END_OLDEST);
    let admitted = w.admit(&third).await;
    assert_eq!(ended(&admitted), [first.login]);
    assert_eq!(w.admit(&third).await, admitted);
    assert!(w.is_live(&second.key).await);
}

pub(super) async fn a_repeated_start_happens_once(w: World) {
    let once = start(admission("alice", LoginKind::Token));
    let family = w.start_by(&once).await.expect("it is let in");
    let (second, record) = w.advance_token(&family, family.first).await;
    // Late, after its first token was already used: nothing is set back.
    w.start_by(&once).await.expect("it was let in");
    assert_eq!(w.refresh_login(&family).await, Some(record));
    w.advance_token(&family, second).await;
    let page = w.store.logins("alice", None, 10).await;
    assert_eq!(page.map(|page| page.logins.len()), Ok(1));
}

pub(super) async fn a_repeated_start_does_not_bring_a_login_back(w: World) {
    let once = start(admission("alice", LoginKind::Token));
    let family = w.start_by(&once).await.expect("it is let in");
    w.end_login("alice", family.login).await;
    let _ = w.start_by(&once).await;
    assert!(w.refresh_login(&family).await.is_none());
    let rotated = w.rotate(&family, family.first).await;
    assert_eq!(rotated, crate::store::Rotated::Invalid);
}

pub(super) async fn the_version_is_the_epoch_that_is_in_force(w: World) {
    for _ in 0..3 {
        let epoch = w.store.epoch("alice").await.expect("the store answers");
        assert_eq!(w.log_in("alice").await.version, epoch.version());
        assert_eq!(w.start("alice").await.version, epoch.version());
        w.revoke_subject("alice").await;
        let later = w.store.epoch("alice").await.expect("the store answers");
        assert!(later.version() > epoch.version());
    }
}

/// Whom the admission ended, which must have let in.
#[track_caller]
fn ended(admitted: &Admitted) -> &[LoginId] {
    match admitted {
        Admitted::Yes { ended, .. } => ended,
        other => panic!("not let in: {other:?}"),
    }
}

pub(super) fn limited(subject: &str, kind: LoginKind, limit: LoginLimit) -> Admission {
    Admission {
        limit: Some(limit),
        op: Op::random(),
        ..admission(subject, kind)
    }
}
