//! Cases: sessions, and that what has ended stays ended.

use super::world::{LIMITS, SECOND, World, fresh, put, renewed, session_key};
use crate::store::{CommitOutcome, Establish, Established, Load, LoginChange, TOMBSTONE};

pub(super) async fn an_unknown_id_is_absent_and_never_adopted(w: World) {
    let key = session_key();
    assert_eq!(w.load(&key).await, Load::Absent);
    assert_eq!(w.set(&key, &[("a", "1")]).await, CommitOutcome::Ended);
    w.touch(&key).await;
    let established = w.try_establish(&renewed(key)).await;
    assert_eq!(established, Established::Ended);
    w.end(&key).await;
    assert_eq!(w.load(&key).await, Load::Absent);
}

pub(super) async fn an_anonymous_session_holds_its_data(w: World) {
    let key = session_key();
    let made = w
        .establish(&Establish {
            changes: vec![put("cart", "[1]")],
            ..fresh(key)
        })
        .await;
    assert_eq!(made.login, None);
    w.assert_same_time(made.created_at, w.now());
    w.assert_same_time(made.last_seen_at, w.now());
    w.assert_same_time(made.absolute_end, w.now().plus(LIMITS.absolute));
    assert_eq!(made.idle, LIMITS.idle);
    assert_eq!(super::world::field(&made, "cart"), Some("[1]"));
    assert_eq!(w.live(&key).await, made);
    assert_eq!(w.other_node().live(&key).await, made);
}

pub(super) async fn a_session_says_who_is_logged_in(w: World) {
    let alice = w.log_in("alice").await;
    let record = w.live(&alice.key).await;
    let login = record.login.as_ref().expect("somebody is logged in");
    w.assert_same_time(login.auth_time, w.now());
    let mut expected = alice.session_login();
    expected.auth_time = login.auth_time;
    assert_eq!(*login, expected);
}

pub(super) async fn an_ended_session_is_not_brought_back(w: World) {
    for session in [w.log_in("alice").await.key, w.anonymous().await] {
        w.live(&session).await;
        w.end(&session).await;
        assert_eq!(w.load(&session).await, Load::Ended);
        assert_eq!(w.set(&session, &[("a", "1")]).await, CommitOutcome::Ended);
        assert_eq!(w.load(&session).await, Load::Ended);
        w.touch(&session).await;
        assert_eq!(w.load(&session).await, Load::Ended);
        let renewal = renewed(session);
        assert_eq!(w.try_establish(&renewal).await, Established::Ended);
        assert_eq!(w.load(&renewal.new).await, Load::Absent);
        assert_eq!(w.load(&session).await, Load::Ended);
        // Once more is no error.
        w.end(&session).await;
    }
}

pub(super) async fn a_session_of_an_ended_login_is_not_brought_back(w: World) {
    let alice = w.log_in("alice").await;
    w.end_login("alice", alice.login).await;
    w.touch(&alice.key).await;
    let outcome = w.set(&alice.key, &[("a", "1")]).await;
    assert_eq!(outcome, CommitOutcome::Ended);
    for login in [
        LoginChange::Keep,
        LoginChange::Clear,
        LoginChange::Set(w.log_in("alice").await.session_login()),
    ] {
        let renewal = Establish {
            login,
            ..renewed(alice.key)
        };
        assert_eq!(w.try_establish(&renewal).await, Established::Ended);
        assert_eq!(w.load(&renewal.new).await, Load::Absent);
    }
    assert_eq!(w.load(&alice.key).await, Load::Ended);
}

pub(super) async fn a_login_revoked_while_it_was_admitted_never_works(w: World) {
    let admission = super::world::admission("alice", crate::store::LoginKind::Session);
    let admitted = w.admit(&admission).await;
    let crate::store::Admitted::Yes { version, .. } = admitted else {
        panic!("not let in: {admitted:?}");
    };
    w.revoke_subject("alice").await;
    let key = admission.session.expect("it is a session's");
    let login = super::world::LoggedIn {
        subject: admission.subject,
        login: admission.login,
        key,
        version,
    };
    let late = Establish {
        login: LoginChange::Set(login.session_login()),
        ..fresh(key)
    };
    let _ = w.try_establish(&late).await;
    w.assert_over(&key).await;
}

pub(super) async fn ending_one_session_leaves_the_others(w: World) {
    let (first, second) = (w.log_in("alice").await, w.log_in("alice").await);
    w.end(&first.key).await;
    assert!(!w.is_live(&first.key).await);
    assert!(w.is_live(&second.key).await);
}

pub(super) async fn the_two_nodes_see_each_others_changes_at_once(w: World) {
    let (here, there) = (w.clone(), w.other_node());
    let alice = here.log_in("alice").await;
    let outcome = there.set(&alice.key, &[("a", "1")]).await;
    let CommitOutcome::Done(record) = outcome else {
        panic!("not committed: {outcome:?}");
    };
    assert_eq!(here.live(&alice.key).await, record);
    there.end(&alice.key).await;
    assert_eq!(here.load(&alice.key).await, Load::Ended);
}

pub(super) async fn debug_shows_no_data(w: World) {
    let key = session_key();
    let made = w
        .establish(&Establish {
            changes: vec![put("note", "\"hush\"")],
            ..fresh(key)
        })
        .await;
    for shown in [format!("{made:?}"), format!("{:?}", w.store)] {
        assert!(!shown.contains("hush"), "{shown}");
    }
}

/// Ended by whatever means, it is known to have ended for a minute: whoever comes late with its id
/// is not taken for somebody without one.
pub(super) async fn an_ended_session_is_known_to_have_ended_for_a_minute(w: World) {
    for means in [
        "end",
        "end_login",
        "end_others",
        "revoke_subject",
        "revoke_all",
    ] {
        let alice = w.log_in("alice").await;
        let moved = renewed(alice.key);
        w.establish(&moved).await;
        // Numbers of revocations run ahead of a clock that stands still.
        w.advance(SECOND).await;
        let until = w.now().plus(TOMBSTONE);
        match means {
            "end" => w.end(&moved.new).await,
            "end_login" => w.end_login("alice", alice.login).await,
            "end_others" => w.end_others("alice", crate::LoginId::random()).await,
            "revoke_subject" => w.revoke_subject("alice").await,
            _ => w.store.revoke_all().await.expect("the store revokes all"),
        }
        for node in [w.clone(), w.other_node()] {
            assert_eq!(node.load(&moved.new).await, Load::Ended, "{means}");
        }
        w.settle().await;
        w.advance_to_just_before(until).await;
        // Asking does not make it longer.
        for node in [w.clone(), w.other_node()] {
            assert_eq!(node.load(&moved.new).await, Load::Ended, "{means}");
        }
        w.settle().await;
        w.advance_to(until).await;
        for node in [w.clone(), w.other_node()] {
            assert_eq!(node.load(&moved.new).await, Load::Absent, "{means}");
        }
    }
}

pub(super) async fn what_has_expired_has_not_ended(w: World) {
    for revoke in [false, true] {
        let alice = w.log_in("alice").await;
        let until = w.live(&alice.key).await.expires_at();
        w.advance_to(until).await;
        if revoke {
            w.revoke_subject("alice").await;
        }
        assert_eq!(w.load(&alice.key).await, Load::Absent);
    }
}
