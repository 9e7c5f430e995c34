//! Cases: the rotation of refresh tokens.

use std::time::Duration;

use super::{
    family::{Family, GRACE, forged, rotation, start, successor_in},
    world::{LIMITS, SECOND, World, admission},
};
use crate::{
    LoginId, Verdict,
    revocation::Lane,
    store::{Admission, Lifetimes, LoginKind, Presented, Rotated, Rotation},
};

pub(super) async fn a_login_starts_as_it_was_granted(w: World) {
    let once = start(admission("alice", LoginKind::Token));
    let family = w.start_by(&once).await.expect("it is let in");
    let record = w.other_node().refresh_login(&family).await;
    let record = record.expect("it is alive");
    assert_eq!(
        (record.subject.as_str(), record.login),
        ("alice", family.login)
    );
    assert_eq!(record.grant.client_id, once.grant.client_id);
    assert_eq!(record.grant.scopes, once.grant.scopes);
    assert_eq!(record.grant.claims, once.grant.claims);
    assert_eq!(record.device, once.admission.device);
    assert_eq!(record.version, family.version);
    assert_eq!((record.rotation.generation, record.idle), (1, LIMITS.idle));
    let auth_time = record.grant.auth_time.expect("it is set");
    for time in [auth_time, record.created_at, record.last_seen_at] {
        w.assert_same_time(time, w.now());
    }
    w.assert_same_time(record.absolute_end, w.now().plus(LIMITS.absolute));
}

pub(super) async fn the_time_of_authentication_may_be_earlier(w: World) {
    let mut once = start(admission("alice", LoginKind::Token));
    let earlier = w.now().minus(Duration::from_secs(100));
    once.grant.auth_time = Some(earlier);
    let family = w.start_by(&once).await.expect("it is let in");
    let (_, record) = w.advance_token(&family, family.first).await;
    assert_eq!(record.grant.auth_time, Some(earlier));
}

pub(super) async fn each_token_is_rotated_into_the_next(w: World) {
    let family = w.start("alice").await;
    let mut token = family.first;
    for generation in 2..20 {
        w.advance(SECOND).await;
        let (next, record) = w.advance_token(&family, token).await;
        assert_eq!(next.generation, generation);
        w.assert_same_time(record.last_seen_at, w.now());
        w.assert_same_time(record.rotation.rotated_at, w.now());
        assert_eq!(w.refresh_login(&family).await, Some(record));
        token = next;
    }
}

pub(super) async fn a_token_presented_again_gets_the_same_successor(w: World) {
    let family = w.start("alice").await;
    let (second, record) = w.advance_token(&family, family.first).await;
    for node in [w.clone(), w.other_node(), w.clone()] {
        w.advance(SECOND).await;
        let again = node.rotate(&family, family.first).await;
        assert_eq!(again, replayed(&record));
        assert_eq!(successor_in(&record, family.first), second);
    }
    // The successor is good for whoever got it.
    w.advance_token(&family, second).await;
}

pub(super) async fn the_grace_ends_to_the_millisecond(w: World) {
    let family = w.start("alice").await;
    let (_, record) = w.advance_token(&family, family.first).await;
    let end = record.rotation.rotated_at.plus(GRACE);
    w.advance_to_just_before(end).await;
    let again = w.rotate(&family, family.first).await;
    assert_eq!(again, replayed(&record));
    w.advance_to(end).await;
    assert_reused(&w, &family, family.first).await;
}

pub(super) async fn a_replay_does_not_prolong_the_grace(w: World) {
    let family = w.start("alice").await;
    let (_, record) = w.advance_token(&family, family.first).await;
    w.advance(GRACE / 2).await;
    w.rotate(&family, family.first).await;
    w.advance_to(record.rotation.rotated_at.plus(GRACE)).await;
    assert_reused(&w, &family, family.first).await;
}

pub(super) async fn without_grace_every_replay_is_reuse(w: World) {
    let family = w.start("alice").await;
    w.advance_token(&family, family.first).await;
    let strict = Rotation {
        grace: Duration::ZERO,
        ..rotation(&family, family.first)
    };
    let rotated = w.store.rotate(&strict).await;
    let subject = family.subject.clone();
    assert_eq!(rotated, Ok(Rotated::Reused { subject }));
}

pub(super) async fn a_lost_response_is_retried_to_the_millisecond(w: World) {
    let family = w.start("alice").await;
    let (_, record) = w.advance_token(&family, family.first).await;
    let end = record.rotation.rotated_at.plus(RETRY);
    w.advance_to(record.rotation.rotated_at.plus(GRACE)).await;
    for _ in 0..2 {
        assert_eq!(retried(&w, &family, family.first).await, replayed(&record));
    }
    w.advance_to_just_before(end).await;
    let again = retried(&w.other_node(), &family, family.first).await;
    assert_eq!(again, replayed(&record));
    w.advance_to(end).await;
    let subject = family.subject.clone();
    let late = retried(&w, &family, family.first).await;
    assert_eq!(late, Rotated::Reused { subject });
    assert_over(&w, &family, family.first).await;
}

pub(super) async fn what_has_arrived_is_not_retried(w: World) {
    let family = w.start("alice").await;
    let (second, record) = w.advance_token(&family, family.first).await;
    w.store.arrived(family.lane, family.login, 2);
    w.settle().await;
    let mut arrived = record.clone();
    arrived.rotation.is_known_to_have_arrived = true;
    assert_eq!(w.refresh_login(&family).await, Some(arrived.clone()));
    // Within the grace it makes no difference.
    let again = retried(&w, &family, family.first).await;
    assert_eq!(again, replayed(&arrived));
    w.advance_to(record.rotation.rotated_at.plus(GRACE)).await;
    // The next rotation begins anew.
    let (_, next) = w.advance_token(&family, second).await;
    assert!(!next.rotation.is_known_to_have_arrived);
    w.advance_to(next.rotation.rotated_at.plus(GRACE)).await;
    assert_eq!(retried(&w, &family, second).await, replayed(&next));
    w.other_node().store.arrived(family.lane, family.login, 3);
    w.settle().await;
    let subject = family.subject.clone();
    let rotated = retried(&w, &family, second).await;
    assert_eq!(rotated, Rotated::Reused { subject });
    assert_over(&w, &family, second).await;
}

pub(super) async fn what_arrived_of_another_generation_changes_nothing(w: World) {
    let family = w.start("alice").await;
    let (_, record) = w.advance_token(&family, family.first).await;
    for generation in [0, 1, 3, u64::MAX] {
        w.store.arrived(family.lane, family.login, generation);
    }
    w.settle().await;
    assert_eq!(w.refresh_login(&family).await, Some(record));
    // A login that is over is not brought back.
    w.end_login("alice", family.login).await;
    for login in [family.login, LoginId::random()] {
        w.store.arrived(family.lane, login, 2);
        w.settle().await;
        let found = w.store.refresh_login(family.lane, login).await;
        assert_eq!(found, Ok(None));
    }
}

pub(super) async fn a_token_before_the_previous_one_is_reuse_even_within_the_grace(w: World) {
    let family = w.start("alice").await;
    let (second, _) = w.advance_token(&family, family.first).await;
    w.advance_token(&family, second).await;
    assert_reused(&w, &family, family.first).await;
}

pub(super) async fn reuse_ends_that_login_and_only_that(w: World) {
    let (session, other, bob) = (
        w.log_in("alice").await,
        w.start("alice").await,
        w.start("bob").await,
    );
    let family = w.start("alice").await;
    let (second, record) = w.advance_token(&family, family.first).await;
    w.advance(GRACE).await;
    assert_reused(&w, &family, family.first).await;
    // The thief and the victim are both out, with every access token they had.
    for token in [family.first, second] {
        assert_eq!(w.rotate(&family, token).await, Rotated::Invalid);
    }
    for version in [family.version, record.version] {
        let access = family.query(&w, version, "a");
        assert_eq!(w.verdict(&access).await, Verdict::Revoked);
    }
    assert!(w.is_live(&session.key).await);
    w.advance_token(&other, other.first).await;
    w.advance_token(&bob, bob.first).await;
    let access = other.query(&w, other.version, "a");
    assert_eq!(w.verdict(&access).await, Verdict::Active);
}

pub(super) async fn the_right_generation_with_another_hash_is_data_loss(w: World) {
    for presented in [2, 1] {
        let (family, other) = (w.start("alice").await, w.start("alice").await);
        let (second, _) = w.advance_token(&family, family.first).await;
        let rotated = w.rotate(&family, forged(presented)).await;
        let subject = family.subject.clone();
        assert_eq!(rotated, Rotated::DataLost { subject });
        assert_over(&w, &family, second).await;
        w.advance_token(&other, other.first).await;
    }
}

pub(super) async fn one_lost_rotation_is_adopted(w: World) {
    let family = w.start("alice").await;
    // The store forgot the rotation that made generation 2.
    let lost = forged(2);
    let rotated = w.rotate(&family, lost).await;
    let Rotated::Advanced {
        record,
        adopted: true,
    } = rotated
    else {
        panic!("not adopted: {rotated:?}");
    };
    let third = successor_in(&record, lost);
    assert_eq!(third.generation, 3);
    w.assert_same_time(record.last_seen_at, w.now());
    assert_eq!(w.rotate(&family, lost).await, replayed(&record));
    w.advance_token(&family, third).await;
}

pub(super) async fn a_token_from_further_ahead_changes_nothing(w: World) {
    let family = w.start("alice").await;
    let before = w.refresh_login(&family).await;
    for generation in [3, 4, 1_000, u64::MAX] {
        let rotated = w.rotate(&family, forged(generation)).await;
        let subject = family.subject.clone();
        assert_eq!(rotated, Rotated::Ahead { subject }, "{generation}");
    }
    assert_eq!(w.refresh_login(&family).await, before);
    w.advance_token(&family, family.first).await;
}

pub(super) async fn an_unknown_login_is_invalid(w: World) {
    let family = w.start("alice").await;
    let unknown = Family {
        login: LoginId::random(),
        ..family.clone()
    };
    let elsewhere = Family {
        lane: Lane::new((family.lane.index() + 1) % 1_024).expect("it is a lane"),
        ..family.clone()
    };
    for stranger in [unknown, elsewhere] {
        assert!(w.refresh_login(&stranger).await.is_none());
        for token in [family.first, forged(1), forged(2), forged(9)] {
            assert_eq!(w.rotate(&stranger, token).await, Rotated::Invalid);
        }
    }
    w.advance_token(&family, family.first).await;
}

pub(super) async fn whatever_is_presented_of_an_ended_login_is_invalid(w: World) {
    let family = w.start("alice").await;
    let (second, _) = w.advance_token(&family, family.first).await;
    w.end_login("alice", family.login).await;
    for token in [second, family.first, forged(2), forged(3), forged(9)] {
        assert_eq!(w.rotate(&family, token).await, Rotated::Invalid);
    }
}

pub(super) async fn an_idle_login_ends_to_the_millisecond(w: World) {
    let limits = Lifetimes {
        idle: Some(Duration::from_secs(1_000)),
        ..LIMITS
    };
    let family = start_with(&w, limits).await;
    w.advance(SECOND * 500).await;
    let (second, record) = w.advance_token(&family, family.first).await;
    let end = record.last_seen_at.plus(SECOND * 1_000);
    w.advance_to_just_before(end).await;
    assert!(w.refresh_login(&family).await.is_some());
    w.advance_to(end).await;
    assert_expired(&w, &family, second).await;
}

pub(super) async fn a_replay_is_no_use(w: World) {
    let limits = Lifetimes {
        idle: Some(GRACE),
        ..LIMITS
    };
    let family = start_with(&w, limits).await;
    let (second, record) = w.advance_token(&family, family.first).await;
    w.advance_to_just_before(record.last_seen_at.plus(GRACE))
        .await;
    let again = w.rotate(&family, family.first).await;
    assert_eq!(again, replayed(&record));
    w.advance_to(record.last_seen_at.plus(GRACE)).await;
    assert_expired(&w, &family, second).await;
}

pub(super) async fn a_login_ends_at_its_absolute_limit(w: World) {
    for idle in [None, Some(Duration::from_secs(1_000))] {
        let limits = Lifetimes {
            idle,
            absolute: Duration::from_secs(3_000),
        };
        let family = start_with(&w, limits).await;
        let end = w.now().plus(limits.absolute);
        let mut token = family.first;
        for _ in 0..4 {
            w.advance(SECOND * 700).await;
            let (next, record) = w.advance_token(&family, token).await;
            w.assert_same_time(record.absolute_end, end);
            token = next;
        }
        w.advance_to_just_before(end).await;
        (token, _) = w.advance_token(&family, token).await;
        w.advance_to(end).await;
        assert_expired(&w, &family, token).await;
    }
}

pub(super) async fn the_version_becomes_current_when_it_advances(w: World) {
    let family = w.start("alice").await;
    w.end_others("alice", family.login).await;
    let epoch = w.store.epoch("alice").await.expect("the store answers");
    assert!(family.version < epoch.version());
    let (second, record) = w.advance_token(&family, family.first).await;
    assert_eq!(record.version, epoch.version());
    // A replay hands out what the login has, and no more.
    w.end_others("alice", family.login).await;
    let again = w.rotate(&family, family.first).await;
    assert_eq!(again, replayed(&record));
    w.advance_token(&family, second).await;
}

pub(super) async fn a_refresh_login_is_not_read_by_rotating_it(w: World) {
    let family = w.start("alice").await;
    let first = w.refresh_login(&family).await;
    w.advance(SECOND).await;
    assert_eq!(w.refresh_login(&family).await, first);
}

async fn start_with(w: &World, lifetimes: Lifetimes) -> Family {
    let once = start(Admission {
        lifetimes,
        ..admission("alice", LoginKind::Token)
    });
    w.start_by(&once).await.expect("it is let in")
}

const RETRY: Duration = Duration::from_secs(300);

/// Presents a token as an issuer does that retries lost responses.
async fn retried(w: &World, family: &Family, token: Presented) -> Rotated {
    let rotation = Rotation {
        retry: RETRY,
        ..rotation(family, token)
    };
    let rotated = w.store.rotate(&rotation).await;
    rotated.expect("the store rotates")
}

fn replayed(record: &crate::store::RefreshRecord) -> Rotated {
    Rotated::Replayed {
        record: record.clone(),
    }
}

async fn assert_reused(w: &World, family: &Family, token: Presented) {
    let rotated = w.rotate(family, token).await;
    let subject = family.subject.clone();
    assert_eq!(rotated, Rotated::Reused { subject });
    assert_over(w, family, token).await;
}

/// Ended, so that its access tokens are dead, too.
async fn assert_over(w: &World, family: &Family, token: Presented) {
    assert_expired(w, family, token).await;
    let access = family.query(w, family.version, "a");
    assert_eq!(w.verdict(&access).await, Verdict::Revoked);
}

async fn assert_expired(w: &World, family: &Family, token: Presented) {
    assert_eq!(w.refresh_login(family).await, None);
    assert_eq!(w.rotate(family, token).await, Rotated::Invalid);
}
