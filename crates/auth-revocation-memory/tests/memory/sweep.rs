//! The sweep takes what is over, and nothing else.

use std::{sync::Barrier, thread, time::Duration};

use auth_core::{
    LoginId, random_bytes,
    revocation::{Lane, MAX_LIFETIME},
    store::{
        CommitOutcome, Derivation, Establish, Established, Load, LoginChange, LoginKind, Logins,
        Presented, RefreshHash, RefreshLogins, Revocations, Rotated, Rotation, SessionKey,
        Sessions, Successor,
    },
};
use auth_revocation_memory::{MemoryStore, Usage};

use crate::common::*;

#[test]
fn the_sweep_leaves_what_is_alive_and_takes_what_is_over() {
    let (store, clock) = store();
    let sessions: Vec<_> = (0..2_000)
        .map(|n| log_in(&store, &n.to_string()).0)
        .collect();
    let tokens: Vec<_> = (0..500).map(|n| start(&store, &n.to_string())).collect();
    let renewed = session_key();
    now(store.establish(&establish(Some(sessions[0]), renewed))).expect("it is renewed");
    assert_eq!(store.sweep(), 0);
    clock.advance(UNTOUCHED - Duration::from_millis(1));
    // The gone id, and the refresh logins, which have no touch interval.
    store.sweep();
    let usage = store.usage();
    assert_eq!((usage.sessions, usage.refresh_logins), (2_000, 0));
    assert_eq!(usage.listed_logins, 2_000);
    assert!(is_live(&store, &renewed));
    assert!(sessions[1..].iter().all(|key| is_live(&store, key)));
    for (lane, login, _) in tokens {
        assert_eq!(now(store.refresh_login(lane, login)), Ok(None));
    }
    clock.advance(Duration::from_millis(1));
    assert_eq!(store.sweep(), 4_000);
    assert_eq!(store.usage(), Usage::default());
    assert_eq!(store.sweep(), 0);
}

#[test]
fn revoked_logins_are_swept_and_their_revocations_when_nothing_can_be_alive() {
    let (store, clock) = store();
    for _ in 0..10 {
        log_in(&store, "alice");
        start(&store, "alice");
        let (_, login) = log_in(&store, "bob");
        now(store.end_login("bob", login)).expect("it is revoked");
    }
    now(store.revoke_subject("alice")).expect("it is revoked");
    store.sweep();
    let usage = store.usage();
    assert_eq!((usage.refresh_logins, usage.listed_logins), (0, 0));
    // The sessions are known to have ended for another minute.
    assert_eq!((usage.sessions, usage.revocations), (20, 11));
    // Numbers of revocations run ahead of a clock that stands still.
    clock.advance(SECOND * 61);
    store.sweep();
    assert_eq!(store.usage().sessions, 0);
    clock.advance(LIMITS.absolute + SECOND * 60);
    store.sweep();
    assert_eq!(store.usage().revocations, 1);
    clock.advance(MAX_LIFETIME);
    store.sweep();
    assert_eq!(store.usage(), Usage::default());
}

#[test]
fn a_login_that_was_never_completed_leaves_the_list() {
    let (store, clock) = store();
    let pending = admission("alice", LoginKind::Session, Some(session_key()));
    now(store.admit(&pending)).expect("it is let in");
    let page = now(store.logins("alice", None, 10)).expect("it answers");
    assert!(page.logins.is_empty(), "there is nothing to show yet");
    store.sweep();
    assert_eq!(store.usage().listed_logins, 1);
    clock.advance(SECOND * 60);
    store.sweep();
    assert_eq!(store.usage().listed_logins, 0);
}

#[test]
fn writes_that_race_the_sweep_are_neither_lost_nor_brought_back() {
    for round in 0..30 {
        let (store, clock) = store();
        let keys: Vec<_> = (0..200).map(|n| log_in(&store, &n.to_string()).0).collect();
        let end = START.plus(UNTOUCHED);
        clock.set(end.minus(Duration::from_millis(1)));
        let barrier = Barrier::new(2);
        let outcomes: Vec<_> = thread::scope(|scope| {
            let sweeping = scope.spawn(|| {
                barrier.wait();
                clock.set(end);
                store.sweep();
            });
            barrier.wait();
            let write = |key: &SessionKey| match round % 2 {
                0 => matches!(now(store.commit(&commit(*key))), Ok(CommitOutcome::Done(_))),
                _ => {
                    let renewal = establish(Some(*key), *key);
                    let renewal = Establish {
                        new: session_key(),
                        ..renewal
                    };
                    let made = now(store.establish(&renewal));
                    let is_made = matches!(made, Ok(Established::Done(_)));
                    assert_eq!(is_live(&store, &renewal.new), is_made);
                    is_made
                }
            };
            let outcomes = keys.iter().map(write).collect();
            sweeping.join().expect("no panic");
            outcomes
        });
        store.sweep();
        for (key, was_written) in keys.iter().zip(outcomes) {
            match now(store.load(key)) {
                Ok(Load::Live(record)) => {
                    assert!(was_written && round % 2 == 0);
                    assert_eq!(record.fields.len(), 1);
                }
                Ok(Load::Gone) => assert!(was_written && round % 2 == 1),
                _ => assert!(!was_written, "an acknowledged write was lost"),
            }
            if !was_written {
                store.touch(key);
                assert_eq!(now(store.commit(&commit(*key))), Ok(CommitOutcome::Ended));
            }
        }
    }
}

#[test]
fn refreshes_that_race_the_sweep_are_neither_lost_nor_brought_back() {
    for _ in 0..30 {
        let (store, clock) = store();
        let logins: Vec<_> = (0..200).map(|n| start(&store, &n.to_string())).collect();
        let end = START.plus(IDLE);
        clock.set(end.minus(Duration::from_millis(1)));
        let barrier = Barrier::new(2);
        let rotate = |&(lane, login, presented): &(Lane, LoginId, Presented)| {
            let successor = Successor {
                hash: RefreshHash::from_bytes(random_bytes()),
                derivation: Derivation {
                    nonce: random_bytes(),
                    key_id: 1,
                },
            };
            now(store.rotate(&Rotation {
                lane,
                login,
                presented,
                successor,
                grace: SECOND,
                retry: Duration::ZERO,
            }))
        };
        let outcomes: Vec<_> = thread::scope(|scope| {
            let sweeping = scope.spawn(|| {
                barrier.wait();
                clock.set(end);
                store.sweep();
            });
            barrier.wait();
            let outcomes = logins.iter().map(rotate).collect();
            sweeping.join().expect("no panic");
            outcomes
        });
        store.sweep();
        for ((lane, login, _), outcome) in logins.into_iter().zip(outcomes) {
            let is_there = now(store.refresh_login(lane, login)) != Ok(None);
            assert_eq!(is_there, matches!(outcome, Ok(Rotated::Advanced { .. })));
        }
    }
}

#[test]
fn a_login_whose_session_went_on_without_it_is_remembered_no_longer_than_it_could_live() {
    type Leave = fn(&MemoryStore, SessionKey);
    let ways: [(&str, Leave); 2] = [
        ("taken off its session", |store, key| {
            let left = Establish {
                login: LoginChange::Clear,
                ..establish(Some(key), session_key())
            };
            let left = now(store.establish(&left));
            assert!(matches!(left, Ok(Established::Done(_))));
        }),
        ("revoked, and seen so", |store, key| {
            now(store.revoke_subject("alice")).expect("revoked");
            assert!(!is_live(store, &key));
        }),
    ];
    for (way, leave) in ways {
        let (store, clock) = store();
        let (key, login) = log_in(&store, "alice");
        leave(&store, key);
        now(store.end_login("alice", login)).expect("ended");
        clock.advance(LIMITS.absolute + SECOND * 121);
        store.sweep();
        let left = store.usage().revocations;
        // That of the subject is remembered for as long as any of its logins could live.
        assert_eq!(left, usize::from(way.starts_with("revoked")), "{way}");
    }
}
