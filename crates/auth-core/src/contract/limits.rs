//! Cases: idle and absolute limits of sessions, to the millisecond.

use std::time::Duration;

use super::world::{LIMITS, MS, SECOND, World, renewed};
use crate::store::{CommitOutcome, Established, Lifetimes, Load, SessionKey, touch_interval};

const IDLE: Duration = Duration::from_secs(600);
const ABSOLUTE: Duration = Duration::from_secs(3_600);
const BOTH: Lifetimes = Lifetimes {
    idle: Some(IDLE),
    absolute: ABSOLUTE,
};

pub(super) async fn an_idle_session_ends_after_its_limit_and_the_touch_interval(w: World) {
    let key = w.log_in_with("alice", BOTH).await.key;
    let seen = w.live(&key).await.last_seen_at;
    let end = seen.plus(IDLE).plus(touch_interval(IDLE));
    w.advance_to_just_before(end).await;
    assert!(w.is_live(&key).await);
    w.advance_to(end).await;
    assert_over(&w, &key).await;
    w.advance(MS).await;
    assert_over(&w, &key).await;
}

pub(super) async fn a_session_ends_at_its_absolute_limit_however_much_it_is_used(w: World) {
    let key = w.log_in_with("alice", BOTH).await.key;
    let end = w.live(&key).await.absolute_end;
    while w.now().plus(Duration::from_secs(300)) < end {
        w.advance(Duration::from_secs(200)).await;
        w.touch(&key).await;
        assert!(matches!(
            w.set(&key, &[("a", "1")]).await,
            CommitOutcome::Done(_)
        ));
    }
    w.advance_to_just_before(end).await;
    w.touch(&key).await;
    assert!(w.is_live(&key).await);
    w.advance_to(end).await;
    assert_over(&w, &key).await;
}

pub(super) async fn a_session_without_an_idle_limit_ends_only_at_its_absolute_one(w: World) {
    let limits = Lifetimes { idle: None, ..BOTH };
    let key = w.log_in_with("alice", limits).await.key;
    let end = w.live(&key).await.absolute_end;
    w.advance_to_just_before(end).await;
    assert!(w.is_live(&key).await);
    w.advance_to(end).await;
    assert_over(&w, &key).await;
}

pub(super) async fn every_edge_of_the_limits_is_where_it_should_be(w: World) {
    let short = Lifetimes {
        idle: Some(SECOND),
        absolute: SECOND * 2,
    };
    for limits in [Lifetimes::AAL1, Lifetimes::AAL2, Lifetimes::AAL3, short] {
        let unused = w.log_in_with("alice", limits).await.key;
        let began = w.live(&unused).await.created_at;
        if let Some(idle) = limits.idle {
            // A use that was not recorded still counts in full: nothing ends before that.
            let end = began.plus(idle).plus(touch_interval(idle));
            for alive in [began.plus(idle), began.plus(idle).plus(MS), end] {
                w.advance_to_just_before(alive).await;
                assert!(w.is_live(&unused).await, "{limits:?}");
            }
            w.advance_to(end).await;
            assert_over(&w, &unused).await;
        }
        let used = w.log_in_with("alice", limits).await.key;
        let absolute_end = w.live(&used).await.created_at.plus(limits.absolute);
        let step = limits.idle.unwrap_or(limits.absolute);
        while w.now().plus(step) < absolute_end {
            w.advance(step.saturating_sub(w.harness.tolerance())).await;
            w.touch(&used).await;
        }
        w.advance_to_just_before(absolute_end).await;
        assert!(w.is_live(&used).await, "{limits:?}");
        w.advance_to(absolute_end).await;
        assert_over(&w, &used).await;
    }
}

pub(super) async fn a_touch_at_the_last_moment_counts_in_full(w: World) {
    let key = w.log_in_with("alice", BOTH).await.key;
    let end = w.live(&key).await.expires_at();
    w.advance_to_just_before(end).await;
    w.touch(&key).await;
    let after = w.live(&key).await.expires_at();
    w.assert_same_time(after, w.now().plus(IDLE).plus(touch_interval(IDLE)));
    w.advance_to_just_before(after).await;
    assert!(w.is_live(&key).await);
    w.advance_to(after).await;
    assert_over(&w, &key).await;
}

pub(super) async fn a_touch_is_a_use(w: World) {
    let key = w.log_in_with("alice", BOTH).await.key;
    let before = w.live(&key).await;
    w.advance(IDLE).await;
    w.touch(&key).await;
    let touched = w.live(&key).await;
    w.assert_same_time(touched.last_seen_at, w.now());
    assert_eq!(touched.absolute_end, before.absolute_end);
    assert_eq!(touched.created_at, before.created_at);
    assert_eq!(touched.login, before.login);
    w.advance(IDLE).await;
    assert!(w.is_live(&key).await);
}

pub(super) async fn a_commit_is_a_use(w: World) {
    let key = w.log_in_with("alice", BOTH).await.key;
    w.advance(IDLE).await;
    w.set(&key, &[("a", "1")]).await;
    w.assert_same_time(w.live(&key).await.last_seen_at, w.now());
    w.advance(IDLE).await;
    assert!(w.is_live(&key).await);
}

pub(super) async fn a_refused_commit_changes_nothing(w: World) {
    let key = w.log_in_with("alice", BOTH).await.key;
    let before = w.live(&key).await;
    w.advance(SECOND).await;
    let conflict = super::commit::expecting("a", Some("1"), "2");
    let outcome = w.commit(&super::world::commit(key, vec![conflict])).await;
    assert_eq!(outcome, CommitOutcome::Conflict(before));
}

pub(super) async fn a_load_is_no_use(w: World) {
    let key = w.log_in_with("alice", BOTH).await.key;
    let end = w.live(&key).await.expires_at();
    for _ in 0..10 {
        w.advance(Duration::from_secs(60)).await;
        w.load(&key).await;
    }
    w.advance_to(end).await;
    assert_over(&w, &key).await;
}

pub(super) async fn a_touch_never_brings_a_session_back(w: World) {
    let key = w.log_in_with("alice", BOTH).await.key;
    let end = w.live(&key).await.expires_at();
    w.advance_to(end).await;
    w.touch(&key).await;
    assert_over(&w, &key).await;
}

pub(super) async fn the_limits_of_a_login_survive_every_write(w: World) {
    for limits in [BOTH, Lifetimes { idle: None, ..BOTH }] {
        let mut key = w.log_in_with("alice", limits).await.key;
        let before = w.live(&key).await;
        w.set(&key, &[("a", "1")]).await;
        w.touch(&key).await;
        let renewal = renewed(key);
        w.establish(&renewal).await;
        key = renewal.new;
        w.set(&key, &[("a", "2")]).await;
        let after = w.live(&key).await;
        assert_eq!(after.idle, before.idle);
        assert_eq!(after.absolute_end, before.absolute_end);
    }
}

pub(super) async fn every_login_has_its_own_limits(w: World) {
    let short = w.log_in_with("alice", BOTH).await.key;
    let long = w.log_in_with("alice", LIMITS).await.key;
    let end = w.live(&short).await.expires_at();
    w.advance_to(end).await;
    assert_over(&w, &short).await;
    assert!(w.is_live(&long).await);
}

pub(super) async fn an_idle_limit_of_a_second_is_a_second(w: World) {
    let limits = Lifetimes {
        idle: Some(SECOND),
        absolute: ABSOLUTE,
    };
    let key = w.log_in_with("alice", limits).await.key;
    let end = w.live(&key).await.last_seen_at.plus(SECOND * 11 / 10);
    w.advance_to_just_before(end).await;
    assert!(w.is_live(&key).await);
    w.advance_to(end).await;
    assert_over(&w, &key).await;
}

async fn assert_over(w: &World, key: &SessionKey) {
    assert_eq!(w.load(key).await, Load::Absent);
    assert_eq!(w.set(key, &[("a", "1")]).await, CommitOutcome::Ended);
    let renewal = w.try_establish(&renewed(*key)).await;
    assert_eq!(renewal, Established::Ended);
}
