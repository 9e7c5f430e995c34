//! Cases: what happens at the same time.

use std::{collections::HashSet, future::Future};

use super::{
    BoxFuture,
    admission::limited,
    commit::{done, expecting},
    family::{GRACE, successor_in},
    world::{LIMITS, LoggedIn, SECOND, World, admission, commit, field, put, renewed},
};
use crate::{
    Verdict,
    store::{Admitted, CommitOutcome, Established, Load, LoginKind, LoginLimit, Overflow, Rotated},
};

const ALICE: &str = "alice";

pub(super) async fn commits_of_different_fields_all_survive(w: World) {
    for _ in 0..w.times(5) {
        let key = w.anonymous().await;
        let tasks = (0..32).map(|n| {
            let node = if n % 2 == 0 {
                w.clone()
            } else {
                w.other_node()
            };
            let change = put(&n.to_string(), "1");
            async move { done(node.commit(&commit(key, vec![change])).await) }
        });
        let seen = w.in_parallel(tasks).await;
        let record = w.live(&key).await;
        assert_eq!(record.fields.len(), 32);
        // Each was shown its own change, and one of them all of them.
        for (n, seen) in seen.iter().enumerate() {
            assert_eq!(field(seen, &n.to_string()), Some("1"));
        }
        assert!(seen.iter().any(|seen| seen.fields == record.fields));
    }
}

pub(super) async fn of_commits_of_one_field_one_wins(w: World) {
    for _ in 0..w.times(5) {
        let key = w.anonymous().await;
        let tasks = (0..16).map(|n: u32| {
            let (w, text) = (w.clone(), n.to_string());
            async move { done(w.set(&key, &[("a", &text), ("b", &text)]).await) }
        });
        w.in_parallel(tasks).await;
        let record = w.live(&key).await;
        assert!(field(&record, "a").is_some());
        assert_eq!(field(&record, "a"), field(&record, "b"), "two were mixed");
    }
}

pub(super) async fn a_counter_that_expects_loses_no_step(w: World) {
    let (tasks, steps) = (8, w.times(5));
    let key = w.anonymous().await;
    let counting = (0..tasks).map(|_| {
        let w = w.clone();
        async move {
            for _ in 0..steps {
                loop {
                    let Load::Live(record) = w.load_meanwhile(&key).await else {
                        panic!("nobody has ended it");
                    };
                    let is = field(&record, "n");
                    let next = is.map_or(0, |n| n.parse().expect("a number")) + 1;
                    let change = expecting("n", is, &next.to_string());
                    match w.commit(&commit(key, vec![change])).await {
                        CommitOutcome::Done(_) => break,
                        CommitOutcome::Conflict(_) => {}
                        other => panic!("not committed: {other:?}"),
                    }
                }
            }
        }
    });
    w.in_parallel(counting).await;
    let record = w.live(&key).await;
    assert_eq!(
        field(&record, "n"),
        Some((tasks * steps).to_string().as_str())
    );
}

pub(super) async fn no_write_survives_the_end_of_its_session(w: World) {
    for n in 0..w.times(40) {
        let alice = w.log_in(ALICE).await;
        let key = alice.key;
        let mut tasks = writers(&w, &alice);
        let ending = w.clone();
        tasks.push(Box::pin(async move {
            match n % 3 {
                0 => ending.end(&key).await,
                1 => ending.end_login(ALICE, alice.login).await,
                _ => ending.revoke_subject(ALICE).await,
            }
        }));
        w.in_parallel(tasks).await;
        w.settle().await;
        for node in [w.clone(), w.other_node()] {
            assert_eq!(node.load(&key).await, Load::Ended);
            let late = node.set(&key, &[("late", "1")]).await;
            assert_eq!(late, CommitOutcome::Ended);
            node.touch(&key).await;
            assert_eq!(node.load(&key).await, Load::Ended);
        }
    }
}

pub(super) async fn no_write_survives_a_change_of_the_id(w: World) {
    for _ in 0..w.times(40) {
        let alice = w.log_in(ALICE).await;
        let renewal = renewed(alice.key);
        let new = renewal.new;
        let renewing = w.clone();
        let mut tasks = writers(&w, &alice);
        tasks.push(Box::pin(async move {
            renewing.establish(&renewal).await;
        }));
        w.in_parallel(tasks).await;
        w.settle().await;
        assert_eq!(w.load(&alice.key).await, Load::Gone);
        let before = w.live(&new).await;
        let late = w.set(&alice.key, &[("late", "1")]).await;
        assert_eq!(late, CommitOutcome::Ended);
        assert_eq!(w.live(&new).await, before);
    }
}

pub(super) async fn of_two_changes_of_an_id_one_happens(w: World) {
    for _ in 0..w.times(40) {
        let alice = w.log_in(ALICE).await;
        let renewals: Vec<_> = (0..6).map(|_| renewed(alice.key)).collect();
        let tasks = renewals.clone().into_iter().map(|renewal| {
            let w = w.clone();
            async move { w.try_establish(&renewal).await }
        });
        let outcomes = w.in_parallel(tasks).await;
        let mut alive = 0;
        for (renewal, outcome) in renewals.iter().zip(outcomes) {
            let is_done = matches!(outcome, Established::Done(_));
            assert!(is_done || outcome == Established::Ended, "{outcome:?}");
            assert_eq!(w.is_live(&renewal.new).await, is_done);
            alive += usize::from(is_done);
        }
        assert_eq!(alive, 1);
        // The list of logins has found its way, too.
        let listed = super::list::list(&w, ALICE).await;
        assert_eq!(listed.len(), 1);
        w.end_login(ALICE, alice.login).await;
    }
}

pub(super) async fn a_session_ended_while_its_id_changes_is_in_one_of_two_states(w: World) {
    for n in 0..w.times(40) {
        let alice = w.log_in(ALICE).await;
        let (key, login) = (alice.key, alice.login);
        let renewal = renewed(key);
        let new = renewal.new;
        let (renewing, ending) = (w.clone(), w.clone());
        let ends_login = n % 2 == 0;
        let tasks: [BoxFuture; 2] = [
            Box::pin(async move {
                renewing.try_establish(&renewal).await;
            }),
            Box::pin(async move {
                if ends_login {
                    ending.end_login(ALICE, login).await;
                } else {
                    ending.end(&key).await;
                }
            }),
        ];
        w.in_parallel(tasks).await;
        let (old, new) = (w.load(&key).await, w.load(&new).await);
        let is_live = matches!(new, Load::Live(_));
        assert!(matches!(old, Load::Ended | Load::Gone), "{old:?}");
        if ends_login {
            assert!(!is_live, "it is alive under its new id");
        } else {
            // Moved before its old id could be ended, or ended before it could move.
            assert_eq!(is_live, old == Load::Gone);
        }
        w.end_login(ALICE, login).await;
    }
}

pub(super) async fn racing_admissions_never_exceed_the_limit(w: World) {
    for overflow in [Overflow::Refuse, Overflow::EndOldest] {
        for n in 0..w.times(5) {
            let subject = format!("{ALICE} {n} {overflow:?}");
            let limit = LoginLimit { max: 3, overflow };
            let tasks = (0..16).map(|n| {
                let kind = [LoginKind::Session, LoginKind::Token][n % 2];
                let admission = limited(&subject, kind, limit);
                let w = w.clone();
                async move {
                    match kind {
                        LoginKind::Session => w.log_in_by(&admission, None).await.err(),
                        LoginKind::Token => {
                            w.start_by(&super::family::start(admission)).await.err()
                        }
                    }
                }
            });
            let refused = w.in_parallel(tasks).await.into_iter().flatten();
            let refused: Vec<Admitted> = refused.collect();
            let expected = if overflow == Overflow::Refuse { 13 } else { 0 };
            assert!(refused.iter().all(|one| *one == Admitted::TooMany));
            assert_eq!(refused.len(), expected, "{overflow:?}");
            assert_eq!(super::list::list(&w, &subject).await.len(), 3);
        }
    }
}

pub(super) async fn one_token_presented_by_many_gets_one_successor(w: World) {
    for _ in 0..w.times(2) {
        let family = w.start(ALICE).await;
        let mut token = family.first;
        for _ in 0..3 {
            let tasks = (0..200).map(|n| {
                let node = if n % 2 == 0 {
                    w.clone()
                } else {
                    w.other_node()
                };
                let family = family.clone();
                async move { node.rotate(&family, token).await }
            });
            let (mut advanced, mut successors) = (0, HashSet::new());
            for rotated in w.in_parallel(tasks).await {
                let record = match rotated {
                    Rotated::Advanced {
                        record,
                        adopted: false,
                    } => {
                        advanced += 1;
                        record
                    }
                    Rotated::Replayed { record } => record,
                    other => panic!("a false theft: {other:?}"),
                };
                successors.insert(*successor_in(&record, token).hash.as_bytes());
            }
            assert_eq!((advanced, successors.len()), (1, 1));
            let record = w.refresh_login(&family).await.expect("it is alive");
            token = successor_in(&record, token);
            w.advance(SECOND).await;
        }
    }
}

pub(super) async fn a_refresh_that_races_a_revocation_does_not_outlive_it(w: World) {
    for n in 0..w.times(40) {
        let family = w.start(ALICE).await;
        let (second, _) = w.advance_token(&family, family.first).await;
        w.advance(GRACE).await;
        let refreshing = (0..4).map(|_| {
            let (w, family) = (w.clone(), family.clone());
            Box::pin(async move {
                let (mut token, mut versions) = (second, Vec::new());
                // As fast as it can, until it is out.
                for _ in 0..100 {
                    match w.rotate(&family, token).await {
                        Rotated::Advanced { record, .. } | Rotated::Replayed { record } => {
                            versions.push(record.version);
                            token = successor_in(&record, token);
                        }
                        // Another of the four is further than the grace reaches back.
                        _ => break,
                    }
                }
                versions
            }) as Versions
        });
        let (ending, ended) = (w.clone(), family.clone());
        let ending = Box::pin(async move {
            match n % 4 {
                0 => ending.end_login(ALICE, ended.login).await,
                1 => ending.revoke_subject(ALICE).await,
                2 => ending.end_others(ALICE, crate::LoginId::random()).await,
                // The thief presents the stolen token.
                _ => drop(ending.rotate(&ended, ended.first).await),
            }
            Vec::new()
        }) as Versions;
        let versions = w.in_parallel(refreshing.chain([ending])).await;
        assert_eq!(w.refresh_login(&family).await, None);
        assert_eq!(w.rotate(&family, second).await, Rotated::Invalid);
        for version in versions.into_iter().flatten().chain([family.version]) {
            let access = family.query(&w, version, "a");
            assert_eq!(w.verdict(&access).await, Verdict::Revoked);
        }
    }
}

pub(super) async fn a_login_that_races_a_revocation_is_before_or_after_it(w: World) {
    for _ in 0..w.times(40) {
        let epoch = w.store.epoch(ALICE).await.expect("the store answers");
        let since = |kind| crate::store::Admission {
            since: Some(epoch),
            lifetimes: LIMITS,
            ..admission(ALICE, kind)
        };
        let (session, tokens) = (since(LoginKind::Session), since(LoginKind::Token));
        let (one, two, revoking) = (w.clone(), w.clone(), w.clone());
        let key = session.session.expect("it is a session's");
        let (lane, login) = (
            crate::revocation::Lane::of(w.store.realm(), ALICE),
            tokens.login,
        );
        let tasks: [BoxFuture; 3] = [
            Box::pin(async move { drop(one.log_in_by(&session, None).await) }),
            Box::pin(async move {
                drop(two.start_by(&super::family::start(tokens)).await);
            }),
            Box::pin(async move { revoking.revoke_subject(ALICE).await }),
        ];
        w.in_parallel(tasks).await;
        // Either it came first and was revoked, or second and was refused.
        w.assert_over(&key).await;
        assert_eq!(w.store.refresh_login(lane, login).await, Ok(None));
    }
}

pub(super) async fn a_repeated_command_races_itself(w: World) {
    for _ in 0..w.times(20) {
        let alice = w.log_in(ALICE).await;
        let renewal = renewed(alice.key);
        let start = super::family::start(admission(ALICE, LoginKind::Token));
        let once = commit(alice.key, vec![expecting("a", None, "1")]);
        let committed = (0..6).map(|_| {
            let (w, once) = (w.clone(), once.clone());
            async move { w.commit(&once).await }
        });
        for outcome in w.in_parallel(committed).await {
            done(outcome);
        }
        let established = (0..6).map(|_| {
            let (w, renewal) = (w.clone(), renewal.clone());
            async move { w.establish(&renewal).await }
        });
        let records = w.in_parallel(established).await;
        assert!(records.iter().all(|record| *record == records[0]));
        let started = (0..6).map(|_| {
            let (w, start) = (w.clone(), start.clone());
            async move { w.start_by(&start).await.expect("it is let in") }
        });
        let families = w.in_parallel(started).await;
        w.advance_token(&families[0], families[0].first).await;
        assert_eq!(super::list::list(&w, ALICE).await.len(), 2);
        w.revoke_subject(ALICE).await;
    }
}

type Versions = std::pin::Pin<Box<dyn Future<Output = Vec<u64>> + Send>>;

/// Requests that were under way.
fn writers(w: &World, session: &LoggedIn) -> Vec<BoxFuture> {
    let key = session.key;
    let writers = (0..3).flat_map(|n: u32| {
        let (committing, touching) = (w.clone(), w.other_node());
        [
            Box::pin(async move {
                for _ in 0..5 {
                    committing.set(&key, &[(&n.to_string(), "1")]).await;
                }
            }) as BoxFuture,
            Box::pin(async move {
                for _ in 0..5 {
                    touching.store.touch(&key);
                    touching.load_meanwhile(&key).await;
                }
            }) as BoxFuture,
        ]
    });
    writers.collect()
}
