//! Cases: sessions that go on under a new id.

use std::time::Duration;

use super::{
    commit::expecting,
    world::{LIMITS, MS, SECOND, World, admission, field, fresh, next_key, put, renewed},
};
use crate::store::{
    CommitOutcome, Establish, Established, Lifetimes, Load, LoginChange, LoginKind, SessionKey,
    TOMBSTONE,
};

pub(super) async fn the_old_id_is_dead_at_once(w: World) {
    let old = w.log_in("alice").await.key;
    w.set(&old, &[("a", "1")]).await;
    let renewal = renewed(old);
    let record = w.establish(&renewal).await;
    for node in [w.clone(), w.other_node()] {
        assert_eq!(node.load(&old).await, Load::Gone);
        assert_eq!(node.live(&renewal.new).await, record);
    }
    assert_eq!(field(&record, "a"), Some("1"));
}

pub(super) async fn a_gone_id_is_gone_for_a_minute_and_then_absent(w: World) {
    let old = w.anonymous().await;
    let renewal = renewed(old);
    let gone_until = w.now().plus(TOMBSTONE);
    w.establish(&renewal).await;
    w.advance_to_just_before(gone_until).await;
    assert_eq!(w.load(&old).await, Load::Gone);
    w.advance_to(gone_until).await;
    assert_eq!(w.load(&old).await, Load::Absent);
    assert!(w.is_live(&renewal.new).await);
}

pub(super) async fn nothing_done_with_a_gone_id_has_an_effect(w: World) {
    let old = w.log_in("alice").await.key;
    let renewal = renewed(old);
    let before = w.establish(&renewal).await;
    w.advance(SECOND).await;
    assert_eq!(w.set(&old, &[("a", "1")]).await, CommitOutcome::Ended);
    w.touch(&old).await;
    w.end(&old).await;
    for login in [LoginChange::Keep, LoginChange::Clear] {
        let late = Establish {
            login,
            ..renewed(old)
        };
        assert_eq!(w.try_establish(&late).await, Established::Ended);
        assert_eq!(w.load(&late.new).await, Load::Absent);
    }
    assert_eq!(w.live(&renewal.new).await, before);
    assert_eq!(w.load(&old).await, Load::Gone);
}

pub(super) async fn a_parallel_request_can_not_undo_a_login(w: World) {
    let anonymous = w.anonymous().await;
    let alice = log_in_over(&w, anonymous, true).await;
    w.set(&anonymous, &[("a", "1")]).await;
    w.end(&anonymous).await;
    let record = w.live(&alice).await;
    assert!(record.login.is_some());
    assert_eq!(field(&record, "a"), None);
}

pub(super) async fn a_login_keeps_the_data_if_it_is_to(w: World) {
    for keep_data in [true, false] {
        let anonymous = w.anonymous().await;
        w.set(&anonymous, &[("cart", "[1]")]).await;
        let alice = log_in_over(&w, anonymous, keep_data).await;
        let record = w.live(&alice).await;
        assert_eq!(field(&record, "cart").is_some(), keep_data);
        assert_eq!(field(&record, "fresh"), Some("1"));
    }
}

pub(super) async fn a_login_begins_new_limits(w: World) {
    let anonymous = w.anonymous().await;
    w.advance(Duration::from_secs(600)).await;
    let alice = log_in_over(&w, anonymous, true).await;
    let record = w.live(&alice).await;
    let login = record.login.as_ref().expect("somebody is logged in");
    for time in [record.created_at, record.last_seen_at, login.auth_time] {
        w.assert_same_time(time, w.now());
    }
    w.assert_same_time(record.absolute_end, w.now().plus(LIMITS.absolute));
    assert_eq!(record.idle, LIMITS.idle);
}

pub(super) async fn a_new_id_for_the_same_login_keeps_its_limits(w: World) {
    let limits = Lifetimes {
        idle: Some(Duration::from_secs(700)),
        absolute: Duration::from_secs(7_000),
    };
    let alice = w.log_in_with("alice", limits).await;
    w.set(&alice.key, &[("a", "1")]).await;
    let before = w.live(&alice.key).await;
    let mut key = alice.key;
    for _ in 0..3 {
        w.advance(Duration::from_secs(300)).await;
        // The limits it names are for sessions that begin.
        let renewal = renewed(key);
        let record = w.establish(&renewal).await;
        assert_eq!(record.absolute_end, before.absolute_end);
        assert_eq!(record.created_at, before.created_at);
        assert_eq!(record.idle, before.idle);
        assert_eq!(record.login, before.login);
        assert_eq!(record.fields, before.fields);
        w.assert_same_time(record.last_seen_at, w.now());
        key = renewal.new;
    }
}

pub(super) async fn a_login_that_is_confirmed_keeps_all_but_its_time(w: World) {
    let alice = w.log_in("alice").await;
    w.set(&alice.key, &[("a", "1")]).await;
    let before = w.live(&alice.key).await;
    w.advance(Duration::from_secs(300)).await;
    let confirmed = Establish {
        login: LoginChange::Confirm,
        // For sessions that begin.
        lifetimes: Lifetimes::AAL1,
        ..renewed(alice.key)
    };
    let after = w.establish(&confirmed).await;
    let login = after.login.as_ref().expect("she is logged in");
    w.assert_same_time(login.auth_time, w.now());
    let mut expected = before.login.clone().expect("she was logged in");
    expected.auth_time = login.auth_time;
    assert_eq!(*login, expected);
    assert_eq!(after.created_at, before.created_at);
    assert_eq!(after.absolute_end, before.absolute_end);
    assert_eq!(after.idle, before.idle);
    assert_eq!(after.fields, before.fields);
    assert_eq!(w.load(&alice.key).await, Load::Gone);
    assert_eq!(w.establish(&confirmed).await, after, "it happens once");
    w.settle().await;
    // Wherever it is now, it is listed, and ended by the same name.
    assert_eq!(super::list::list(&w, "alice").await.len(), 1);
    w.end_login("alice", alice.login).await;
    assert_eq!(w.load(&confirmed.new).await, Load::Ended);
    // Of nobody there is nothing to confirm.
    let nobody = Establish {
        login: LoginChange::Confirm,
        ..renewed(w.anonymous().await)
    };
    assert_eq!(w.establish(&nobody).await.login, None);
}

pub(super) async fn a_login_can_be_taken_off_a_session(w: World) {
    let alice = w.log_in("alice").await;
    w.set(&alice.key, &[("lang", "\"de\"")]).await;
    let cleared = Establish {
        login: LoginChange::Clear,
        ..renewed(alice.key)
    };
    let record = w.establish(&cleared).await;
    assert_eq!(record.login, None);
    assert_eq!(field(&record, "lang"), Some("\"de\""));
    assert_eq!(w.load(&alice.key).await, Load::Gone);
    w.revoke_subject("alice").await;
    assert!(w.is_live(&cleared.new).await, "it is nobody's session");
}

pub(super) async fn changes_go_on_top_of_what_was_there(w: World) {
    let old = w.anonymous().await;
    w.set(&old, &[("a", "1"), ("b", "1")]).await;
    let renewal = Establish {
        changes: vec![put("b", "2"), put("c", "3")],
        ..renewed(old)
    };
    let record = w.establish(&renewal).await;
    let fields = ["a", "b", "c"].map(|name| field(&record, name));
    assert_eq!(fields, [Some("1"), Some("2"), Some("3")]);
}

pub(super) async fn a_conflict_leaves_the_old_id_alive(w: World) {
    let old = w.anonymous().await;
    w.set(&old, &[("a", "1")]).await;
    let before = w.live(&old).await;
    let renewal = Establish {
        changes: vec![expecting("a", Some("0"), "2")],
        ..renewed(old)
    };
    let outcome = w.try_establish(&renewal).await;
    assert_eq!(outcome, Established::Conflict(before.clone()));
    assert_eq!(w.live(&old).await, before);
    assert_eq!(w.load(&renewal.new).await, Load::Absent);
}

pub(super) async fn a_session_that_has_ended_does_not_go_on(w: World) {
    let ended = w.anonymous().await;
    w.end(&ended).await;
    let expired = w.anonymous().await;
    let until = w.live(&expired).await.expires_at();
    w.advance_to(until).await;
    let revoked = w.log_in("alice").await.key;
    w.revoke_subject("alice").await;
    let never = super::world::session_key();
    for old in [ended, expired, revoked, never] {
        for login in [LoginChange::Keep, LoginChange::Clear] {
            let late = Establish {
                login,
                ..renewed(old)
            };
            assert_eq!(w.try_establish(&late).await, Established::Ended);
            assert_eq!(w.load(&late.new).await, Load::Absent);
            w.assert_over(&old).await;
        }
    }
}

pub(super) async fn a_repeated_establish_happens_once(w: World) {
    let begun = fresh(super::world::session_key());
    let first = w.establish(&begun).await;
    assert_eq!(w.establish(&begun).await, first);

    let renewal = Establish {
        changes: vec![put("a", "1")],
        ..renewed(begun.new)
    };
    let second = w.establish(&renewal).await;
    assert_eq!(w.establish(&renewal).await, second);
    assert_eq!(w.live(&renewal.new).await, second);

    // What happened since then is not undone.
    w.set(&renewal.new, &[("a", "2")]).await;
    let third = w.establish(&renewal).await;
    assert_eq!(field(&third, "a"), Some("2"));
    w.end(&renewal.new).await;
    assert_eq!(w.try_establish(&renewal).await, Established::Ended);
    assert_eq!(w.load(&renewal.new).await, Load::Ended);
}

pub(super) async fn an_id_that_is_taken_is_not_taken_over(w: World) {
    let alice = w.log_in("alice").await;
    let before = w.live(&alice.key).await;
    // In the same lane: a session never leaves its own, and a store may count on that.
    let other = next_key(&alice.key);
    w.establish(&fresh(other)).await;
    for old in [None, Some(other)] {
        let thief = Establish {
            old,
            ..fresh(alice.key)
        };
        let outcome = w.try_establish(&thief).await;
        assert!(!matches!(outcome, Established::Done(_)), "{outcome:?}");
        assert_eq!(w.live(&alice.key).await, before);
    }
}

pub(super) async fn many_ids_one_after_the_other(w: World) {
    let alice = w.log_in("alice").await;
    let mut key = alice.key;
    for n in 0..20 {
        w.advance(MS).await;
        let renewal = Establish {
            changes: vec![put(&n.to_string(), "1")],
            new: next_key(&key),
            ..renewed(key)
        };
        w.establish(&renewal).await;
        assert_eq!(w.load(&key).await, Load::Gone);
        key = renewal.new;
    }
    assert_eq!(w.live(&key).await.fields.len(), 20);
    // Wherever it is now, it is still the login's.
    w.end_login("alice", alice.login).await;
    assert_eq!(w.load(&key).await, Load::Ended);
}

/// Alice logs in to a session that is there.
async fn log_in_over(w: &World, old: SessionKey, keep_data: bool) -> SessionKey {
    let mut admission = admission("alice", LoginKind::Session);
    let new = next_key(&old);
    admission.session = Some(new);
    let admitted = w.admit(&admission).await;
    let crate::store::Admitted::Yes { version, .. } = admitted else {
        panic!("not let in: {admitted:?}");
    };
    let login = super::world::LoggedIn {
        subject: admission.subject,
        login: admission.login,
        key: new,
        version,
    };
    w.establish(&Establish {
        new,
        login: LoginChange::Set(login.session_login()),
        keep_data,
        changes: vec![put("fresh", "1")],
        ..renewed(old)
    })
    .await;
    new
}
