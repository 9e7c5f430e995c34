//! What is particular to the store in memory.

mod common;
mod sweep;

use std::{
    sync::{Arc, Barrier},
    thread,
    time::Duration,
};

use auth_core::{
    Clock, LoginId, ManualClock, StoreError, Timestamp, Verdict,
    revocation::{MAX_LIFETIME, Query},
    store::{
        Admitted, Establish, Established, Lifetimes, Load, LoginKind, Logins, Revocations, Sessions,
    },
};
use auth_revocation_memory::{ConfigErrorKind, MemoryStore};

use common::*;

#[test]
fn tokens_from_before_the_start_are_refused() {
    let (store, clock) = store();
    let login = LoginId::random();
    let old = Query::own("default", "alice", &login, START.as_millis() - 1);
    assert_eq!(store.verdict_now(&old), Some(Verdict::Revoked));
    let epoch = now(store.epoch("alice")).expect("it is there");
    let new = Query::own("default", "alice", &login, epoch.version());
    assert_eq!(store.verdict_now(&new), Some(Verdict::Active));
    // Tokens of other issuers, too, as far as the clocks can be told apart.
    let foreign = |iat| Query::foreign("https://foreign.example", "alice", iat);
    clock.advance(SECOND * 10);
    for (seconds, expected) in [
        (0, Verdict::Revoked),
        (2, Verdict::Revoked),
        (3, Verdict::Active),
    ] {
        let query = foreign(START.plus(SECOND * seconds));
        assert_eq!(store.verdict_now(&query), Some(expected), "{seconds} s");
    }
}

#[test]
fn what_was_revoked_before_a_restart_stays_refused() {
    let (before, clock) = store();
    let version = now(before.epoch("alice")).expect("it is there").version();
    let login = LoginId::random();
    now(before.end_login("alice", login)).expect("it is revoked");
    drop(before);
    clock.advance(SECOND);
    let token = Query::own("default", "alice", &login, version);
    let after = MemoryStore::builder().clock(clock.clone());
    let trusting = after.clone().insecure_trust_before_start().build();
    let after = after.build().expect("the settings are good");
    assert_eq!(after.verdict_now(&token), Some(Verdict::Revoked));
    let (key, _) = log_in(&after, "alice");
    assert!(is_live(&after, &key));
    // Unless that was asked for.
    let trusting = trusting.expect("the settings are good");
    assert_eq!(trusting.verdict_now(&token), Some(Verdict::Active));
}

#[test]
fn the_denylist_refuses_at_its_limit_and_never_forgets() {
    let clock = ManualClock::new(START);
    let store = MemoryStore::builder().clock(clock.clone());
    let store = store.max_denied_tokens(100).build().expect("good settings");
    let exp = START.plus(SECOND * 300);
    let deny = |n: u32, exp| {
        let (jti, subject) = (n.to_string(), format!("subject {n}"));
        now(store.revoke_token("iss", &jti, &subject, exp))
    };
    for n in 0..100 {
        assert_eq!(deny(n, exp), Ok(()));
    }
    assert_eq!(deny(100, exp), Err(StoreError::Full));
    assert_eq!(deny(7, exp), Ok(()), "it is denied already");
    assert_eq!(deny(101, START), Err(StoreError::Full));
    assert_eq!(store.usage().denied_tokens, 100);
    for n in 0..100 {
        let query = Query::own(
            "default",
            &format!("subject {n}"),
            &LoginId::random(),
            u64::MAX,
        );
        let query = query.token("iss", &n.to_string());
        assert_eq!(store.verdict_now(&query), Some(Verdict::Revoked));
    }
    // Logins still end.
    let (key, login) = log_in(&store, "alice");
    now(store.end_login("alice", login)).expect("it is not limited");
    assert!(!is_live(&store, &key));
    // What has died makes room, in whichever lane it was.
    clock.advance(SECOND * 420);
    let later = exp.plus(SECOND * 500);
    for n in 200..300 {
        assert_eq!(deny(n, later), Ok(()));
    }
    assert_eq!(deny(300, later), Err(StoreError::Full));
}

#[test]
fn racing_denials_never_exceed_the_limit() {
    let store = MemoryStore::builder().max_denied_tokens(1_000);
    let store = store.build().expect("the settings are good");
    let exp = Timestamp::from_secs(Timestamp::MAX_SECS);
    let barrier = Barrier::new(4);
    let denied: usize = thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|t| {
                let (store, barrier) = (&store, &barrier);
                scope.spawn(move || {
                    barrier.wait();
                    let deny = |n: &u32| {
                        // Every token is denied by two threads.
                        let (jti, subject) = (format!("{} {n}", t / 2), n.to_string());
                        now(store.revoke_token("iss", &jti, &subject, exp)).is_ok()
                    };
                    (0..1_000).filter(deny).count()
                })
            })
            .collect();
        let counts = threads.into_iter().map(|t| t.join().expect("no panic"));
        counts.sum()
    });
    assert_eq!(store.usage().denied_tokens, 1_000);
    // At least one of the two was told so for each.
    assert!((1_000..=2_000).contains(&denied), "{denied}");
}

/// A write that was acknowledged is not lost to the janitor, and one that was refused is not kept.
#[test]
fn nothing_outlives_what_revocations_are_remembered_for() {
    let (store, _clock) = store();
    let new = session_key();
    let for_ever = Establish {
        lifetimes: Lifetimes {
            idle: None,
            absolute: Duration::MAX,
        },
        ..establish(None, new)
    };
    let Ok(Established::Done(record)) = now(store.establish(&for_ever)) else {
        panic!("not established");
    };
    assert_eq!(record.absolute_end, START.plus(MAX_LIFETIME));
}

/// A login is ended when the list knows when it will end, and when it does not yet.
#[test]
fn a_session_that_comes_late_is_revoked_for_all_its_life() {
    let (store, clock) = store();
    let pending = admission("alice", LoginKind::Session, Some(session_key()));
    let Ok(Admitted::Yes { version, .. }) = now(store.admit(&pending)) else {
        panic!("not let in");
    };
    now(store.end_login("alice", pending.login)).expect("it is revoked");
    clock.advance(LIMITS.absolute);
    clock.advance(SECOND * 1_000);
    store.sweep();
    let query = Query::own("default", "alice", &pending.login, version);
    assert_eq!(store.verdict_now(&query), Some(Verdict::Revoked));
}

#[test]
fn a_page_after_a_login_that_has_ended_begins_anew() {
    let (store, _clock) = store();
    let logins: Vec<_> = (0..3).map(|_| log_in(&store, "alice").1).collect();
    now(store.end_login("alice", logins[2])).expect("it is revoked");
    let page = now(store.logins("alice", Some(logins[2]), 10)).expect("it answers");
    let listed: Vec<_> = page.logins.iter().map(|info| info.login).collect();
    assert_eq!(listed, [logins[1], logins[0]]);
}

#[test]
fn a_load_does_not_copy_the_record() {
    let (store, clock) = store();
    let (key, _) = log_in(&store, "alice");
    let load = || match now(store.load(&key)) {
        Ok(Load::Live(record)) => record,
        other => panic!("not alive: {other:?}"),
    };
    let (first, second) = (load(), load());
    assert!(Arc::ptr_eq(&first, &second));
    // What a request looks at does not change under it.
    clock.advance(SECOND);
    store.touch(&key);
    now(store.commit(&commit(key))).expect("it answers");
    assert_eq!(first.last_seen_at, START);
    assert!(first.fields.is_empty());
    assert_eq!(load().last_seen_at, clock.now());
}

#[test]
fn a_realm_must_have_a_name() {
    let error = MemoryStore::builder().realm("").build();
    let error = error.expect_err("it is refused");
    assert_eq!(error.kind(), ConfigErrorKind::EmptyRealm);
    assert_eq!(error.to_string(), "the realm is empty");
}

#[test]
fn debug_shows_the_realm_and_nothing_of_what_it_holds() {
    let (store, _clock) = store();
    log_in(&store, "alice");
    start(&store, "alice");
    let shown = format!("{store:?}");
    assert!(
        shown.contains("default") && !shown.contains("alice"),
        "{shown}"
    );
    assert!(!store.is_shared());
}

#[test]
fn a_repeated_establish_does_not_bring_back_what_was_ended_meanwhile() {
    let (store, clock) = store();
    let begun = establish(None, session_key());
    let established = now(store.establish(&begun));
    assert!(matches!(established, Ok(Established::Done(_))));
    now(store.end(&begun.new)).expect("it is ended");
    for _ in 0..2 {
        assert_eq!(now(store.establish(&begun)), Ok(Established::Ended));
        assert_eq!(now(store.load(&begun.new)), Ok(Load::Ended));
        clock.advance(SECOND * 59);
        store.sweep();
    }
}

/// Between the two steps of a change of the id, the list follows the session.
#[test]
fn a_session_is_always_listed_while_its_id_changes() {
    let (store, _clock) = store();
    let (mut key, login) = log_in(&store, "alice");
    let barrier = Barrier::new(2);
    thread::scope(|scope| {
        let renewing = scope.spawn(|| {
            barrier.wait();
            for _ in 0..20_000 {
                let renewal = establish(Some(key), session_key());
                now(store.establish(&renewal)).expect("it answers");
                key = renewal.new;
            }
        });
        barrier.wait();
        while !renewing.is_finished() {
            let page = now(store.logins("alice", None, 10)).expect("it answers");
            let listed: Vec<_> = page.logins.iter().map(|info| info.login).collect();
            assert_eq!(listed, [login]);
        }
        renewing.join().expect("no panic");
    });
}
