//! Cases: the list of a subject's logins.

use super::world::{LIMITS, SECOND, World, admission, commit, renewed};
use crate::{
    LoginId,
    revocation::Op,
    store::{Admission, Admitted, LoginInfo, LoginKind, LoginLimit, Overflow},
};

pub(super) async fn both_kinds_are_listed_the_newest_first(w: World) {
    let mut expected = Vec::new();
    for n in 0..6 {
        let login = if n % 2 == 0 {
            (w.log_in("alice").await.login, LoginKind::Session)
        } else {
            (w.start("alice").await.login, LoginKind::Token)
        };
        expected.insert(0, login);
        w.advance(SECOND).await;
    }
    w.log_in("bob").await;
    let listed = list(&w, "alice").await;
    let listed: Vec<_> = listed.iter().map(|info| (info.login, info.kind)).collect();
    assert_eq!(listed, expected);
    assert_eq!(list(&w, "bob").await.len(), 1);
    assert!(list(&w, "nobody").await.is_empty());
}

pub(super) async fn pages_follow_each_other(w: World) {
    let mut expected = Vec::new();
    for _ in 0..5 {
        expected.insert(0, w.start("alice").await.login);
        w.advance(SECOND).await;
    }
    for size in 1..=6 {
        let (mut listed, mut after, mut pages) = (Vec::new(), None, 0);
        loop {
            let page = w.store.logins("alice", after, size).await;
            let page = page.expect("the store answers");
            listed.extend(page.logins.iter().map(|info| info.login));
            pages += 1;
            match page.next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        assert_eq!(listed, expected, "pages of {size}");
        assert_eq!(pages, expected.len().div_ceil(size), "pages of {size}");
    }
}

pub(super) async fn an_entry_tells_what_its_login_is(w: World) {
    let began = w.now();
    let (session, tokens) = (w.log_in("alice").await, w.start("alice").await);
    w.advance(SECOND * 600).await;
    w.touch(&session.key).await;
    w.advance_token(&tokens, tokens.first).await;
    let listed = list(&w, "alice").await;
    assert_eq!(listed.len(), 2);
    for info in listed {
        assert_eq!(info.device.as_deref(), Some("device of alice"));
        w.assert_same_time(info.created_at, began);
        w.assert_same_time(info.last_seen_at, w.now());
        w.assert_same_time(info.expires_at, began.plus(LIMITS.absolute));
        let expected = match info.kind {
            LoginKind::Session => session.login,
            LoginKind::Token => tokens.login,
        };
        assert_eq!(info.login, expected);
    }
}

pub(super) async fn a_login_that_has_ended_is_not_listed(w: World) {
    let (one, two) = (w.log_in("alice").await, w.start("alice").await);
    let (three, four) = (w.log_in("alice").await, w.start("alice").await);
    w.end_login("alice", one.login).await;
    assert_eq!(
        sorted(&w).await,
        order([two.login, three.login, four.login])
    );
    w.end_login("alice", two.login).await;
    assert_eq!(sorted(&w).await, order([three.login, four.login]));
    w.end(&three.key).await;
    assert_eq!(sorted(&w).await, [four.login]);
    let reused = super::family::forged(1);
    w.rotate(&four, reused).await;
    assert!(sorted(&w).await.is_empty());
    let (five, six) = (w.log_in("alice").await, w.start("alice").await);
    w.end_others("alice", six.login).await;
    assert_eq!(sorted(&w).await, [six.login]);
    assert!(!w.is_live(&five.key).await);
    w.revoke_subject("alice").await;
    assert!(sorted(&w).await.is_empty());
    w.log_in("alice").await;
    w.store.revoke_all().await.expect("the store revokes all");
    assert!(sorted(&w).await.is_empty());
}

pub(super) async fn a_login_that_has_expired_is_not_listed(w: World) {
    let (session, tokens) = (w.log_in("alice").await, w.start("alice").await);
    let end = w.live(&session.key).await.expires_at();
    w.advance(SECOND * 600).await;
    w.advance_token(&tokens, tokens.first).await;
    assert_eq!(list(&w, "alice").await.len(), 2);
    w.advance_to(end).await;
    assert_eq!(sorted(&w).await, [tokens.login]);
    let record = w.refresh_login(&tokens).await.expect("it is alive");
    w.advance_to(record.expires_at()).await;
    assert!(sorted(&w).await.is_empty());
}

pub(super) async fn a_session_stays_listed_when_its_id_changes(w: World) {
    let alice = w.log_in("alice").await;
    let mut key = alice.key;
    for _ in 0..3 {
        let renewal = renewed(key);
        w.establish(&renewal).await;
        key = renewal.new;
        assert_eq!(sorted(&w).await, [alice.login]);
        // The old id is not even known to be gone any more.
        w.advance(SECOND * 100).await;
        w.commit(&commit(key, Vec::new())).await;
        let listed = list(&w, "alice").await;
        assert_eq!(listed.len(), 1);
        w.assert_same_time(listed[0].last_seen_at, w.now());
    }
    w.end(&key).await;
    assert!(sorted(&w).await.is_empty());
}

pub(super) async fn a_second_login_over_the_same_session_takes_its_place(w: World) {
    let first = w.log_in("alice").await;
    let mut again = admission("alice", LoginKind::Session);
    again.session = Some(super::world::next_key(&first.key));
    let second = w.log_in_by(&again, Some(first.key)).await;
    let second = second.expect("it is let in");
    assert_eq!(sorted(&w).await, [second.login]);
}

pub(super) async fn a_withdrawn_admission_is_not_listed(w: World) {
    let admission = admission("alice", LoginKind::Session);
    w.admit(&admission).await;
    w.store.withdraw("alice", admission.login);
    w.settle().await;
    assert!(sorted(&w).await.is_empty());
}

pub(super) async fn what_has_no_session_to_come_is_a_note_that_no_revocation_hides(w: World) {
    let note = Admission {
        session: None,
        limit: Some(LoginLimit {
            max: 1,
            overflow: Overflow::Refuse,
        }),
        ..admission("alice", LoginKind::Session)
    };
    let admitted = w.store.admit(&note).await;
    assert!(matches!(admitted, Ok(Admitted::Yes { .. })));
    w.store.revoke_subject("alice").await.expect("revoked");
    w.store.revoke_all().await.expect("revoked");
    assert_eq!(sorted(&w).await, [note.login]);
    let another = Admission {
        login: LoginId::random(),
        op: Op::random(),
        ..note.clone()
    };
    assert_eq!(w.store.admit(&another).await, Ok(Admitted::TooMany));
    w.advance(LIMITS.absolute).await;
    assert!(sorted(&w).await.is_empty());
}

pub(super) async fn the_oldest_of_very_many_leave_the_list_and_live_on(w: World) {
    let oldest = w.start("alice").await;
    w.advance(SECOND).await;
    for _ in 0..1_000 {
        w.start("alice").await;
    }
    let listed = list(&w, "alice").await;
    assert_eq!(listed.len(), 1_000);
    assert!(listed.iter().all(|info| info.login != oldest.login));
    let (second, _) = w.advance_token(&oldest, oldest.first).await;
    // Ended all the same, by name or with all the others.
    let newest = w.start("alice").await;
    w.end_others("alice", newest.login).await;
    let rotated = w.rotate(&oldest, second).await;
    assert_eq!(rotated, crate::store::Rotated::Invalid);
    assert_eq!(sorted(&w).await, [newest.login]);
}

pub(super) async fn list(w: &World, subject: &str) -> Vec<LoginInfo> {
    let page = w.store.logins(subject, None, 2_000).await;
    let page = page.expect("the store answers");
    assert_eq!(page.next, None);
    page.logins
}

/// Alice's logins, in the order of their names.
async fn sorted(w: &World) -> Vec<LoginId> {
    let listed = list(w, "alice").await;
    let mut logins: Vec<_> = listed.iter().map(|info| info.login).collect();
    logins.sort_unstable();
    logins
}

fn order<const N: usize>(mut logins: [LoginId; N]) -> [LoginId; N] {
    logins.sort_unstable();
    logins
}
