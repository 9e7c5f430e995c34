//! `Caller::ended`: when a login ends, and when it does not.

use std::{
    future::Future,
    sync::{Arc, Mutex},
    task::Poll,
    time::Duration,
};

use auth_core::{
    Caller, LoginEnd, OutagePolicy, Principal, PrincipalKind, PrincipalParts, TokenOutcome,
    Unavailable, Verdict,
    revocation::{Lane, LoginKey, Place, Query, TokenKey},
    store::{NOTICE_BACKLOG, Notice},
    stream::{ASK_EVERY, KEEP_UNVOUCHED},
};
use http::Extensions;

use crate::{
    store::TestSession,
    support::{Task, World},
};

const SECOND: Duration = Duration::from_secs(1);

/// Has begun to wait.
fn waiting<'a>(world: &World, caller: &'a Caller) -> Task<impl Future<Output = LoginEnd> + 'a> {
    let mut task = Task::new(caller.ended(world.clock.clone()));
    assert_eq!(task.poll(), Poll::Pending);
    task
}

#[test]
fn a_notice_ends_it_if_the_store_says_so() {
    let world = World::new();
    let (place, login) = (world.place(), world.login_key());
    let lane = place.lane;
    let token = TokenKey::of("issuer", "jti");
    let rows = [
        ("its token", Notice::Token(lane, token)),
        ("its login", Notice::Login(lane, login)),
        ("its subject", Notice::Subject(lane, place.subject, None)),
        (
            "the other logins of its subject",
            Notice::Subject(lane, place.subject, Some(LoginKey::from_bytes([7; 16]))),
        ),
        ("everything", Notice::All),
        ("some that were missed", Notice::Lagged),
    ];
    for (row, notice) in rows {
        world.store.says(Verdict::Active);
        let caller = world.by_token();
        let mut task = waiting(&world, &caller);
        world.store.tells(notice);
        assert_eq!(task.run(), Poll::Pending, "{row}: the store decides");
        world.store.says(Verdict::Revoked);
        world.store.tells(notice);
        assert_eq!(task.run(), Poll::Ready(LoginEnd::Revoked), "{row}");
    }
}

#[test]
fn the_end_of_the_session_at_the_provider_ends_it() {
    let world = World::new();
    let at = auth_core::Timestamp::from_secs(1);
    let sessions = ["s1", "s2"].map(|sid| Query::provider_session("https://id.example", sid, at));
    let parts = PrincipalParts::new("alice")
        .query(Some(world.query()))
        .provider_session(Some(sessions[0]));
    let principal = Principal::insecure_for_tests(PrincipalKind::Token, parts);
    world.store.says(Verdict::Active);
    let caller = world.token(TokenOutcome::Proven(principal));
    let mut task = waiting(&world, &caller);
    world.store.says(Verdict::Revoked);
    let [its, another] = sessions.map(|session| {
        let token = session.token.expect("it is named as a token is");
        Notice::Token(session.place.lane, token)
    });
    world.store.tells(another);
    assert_eq!(task.run(), Poll::Pending);
    world.store.tells(its);
    assert_eq!(task.run(), Poll::Ready(LoginEnd::Revoked));
}

#[test]
fn what_others_lose_asks_nobody() {
    let world = World::new();
    let (place, login) = (world.place(), world.login_key());
    let bob = Place::of("test", "bob");
    let other_lane = Lane::new(place.lane.index() ^ 1).expect("a lane");
    let rows = [
        (
            "another token",
            Notice::Token(place.lane, TokenKey::of("issuer", "other")),
        ),
        (
            "another login",
            Notice::Login(place.lane, LoginKey::from_bytes([7; 16])),
        ),
        (
            "another subject",
            Notice::Subject(place.lane, bob.subject, None),
        ),
        ("another lane", Notice::Login(other_lane, login)),
        (
            "all but this one",
            Notice::Subject(place.lane, place.subject, Some(login)),
        ),
    ];
    let caller = world.by_token();
    let mut task = waiting(&world, &caller);
    assert_eq!(world.store.was_asked(), 1);
    for (row, notice) in rows {
        world.store.tells(notice);
        assert_eq!(task.run(), Poll::Pending, "{row}");
        assert_eq!(world.store.was_asked(), 0, "{row}");
    }
}

#[test]
fn what_was_revoked_before_it_listened_is_found() {
    let world = World::new();
    let caller = world.by_token();
    world.store.says(Verdict::Revoked);
    let mut task = Task::new(caller.ended(world.clock.clone()));
    assert_eq!(task.poll(), Poll::Ready(LoginEnd::Revoked));
}

#[test]
fn who_is_too_slow_for_the_notices_asks_once() {
    let world = World::new();
    let caller = world.by_token();
    let mut task = waiting(&world, &caller);
    let others = Notice::Login(world.place().lane, LoginKey::from_bytes([7; 16]));
    for _ in 0..=NOTICE_BACKLOG {
        world.store.tells(others);
    }
    world.store.was_asked();
    assert_eq!(task.run(), Poll::Pending);
    assert_eq!(world.store.was_asked(), 1);
}

#[test]
fn a_token_ends_when_it_expires() {
    let world = World::new();
    let caller = world.by_token();
    let mut task = waiting(&world, &caller);
    for _ in 0..299 {
        world.clock.advance(SECOND);
        assert_eq!(task.run(), Poll::Pending);
    }
    world.clock.advance(SECOND);
    assert_eq!(task.run(), Poll::Ready(LoginEnd::Expired));
}

#[test]
fn what_another_process_revoked_is_found_by_asking_now_and_then() {
    let world = World::new();
    let caller = world.by_token();
    let mut task = waiting(&world, &caller);
    world.clock.advance(ASK_EVERY);
    assert_eq!(task.run(), Poll::Pending);
    world.store.says(Verdict::Revoked);
    world.clock.advance(ASK_EVERY - Duration::from_millis(1));
    assert_eq!(task.run(), Poll::Pending);
    world.clock.advance(Duration::from_millis(1));
    assert_eq!(task.run(), Poll::Ready(LoginEnd::Revoked));
}

#[test]
fn a_store_that_tells_nothing_any_more_is_asked_all_the_same() {
    let world = World::new();
    let caller = world.by_token();
    let mut task = waiting(&world, &caller);
    world.store.falls_silent();
    assert_eq!(task.run(), Poll::Pending);
    world.store.says(Verdict::Revoked);
    world.clock.advance(ASK_EVERY);
    assert_eq!(task.run(), Poll::Ready(LoginEnd::Revoked));
}

#[test]
fn a_store_that_can_not_tell_ends_it_after_a_while_and_not_before() {
    let world = World::new();
    let caller = world.by_token();
    let mut task = waiting(&world, &caller);
    // It comes back in time, and later has a whole while again.
    for ends in [false, true] {
        world.store.says(Verdict::Unknown);
        world.clock.advance(ASK_EVERY);
        for _ in 0..KEEP_UNVOUCHED.as_secs() {
            assert_eq!(task.run(), Poll::Pending);
            world.clock.advance(SECOND);
        }
        if !ends {
            world.store.says(Verdict::Active);
            assert_eq!(task.run(), Poll::Pending);
        }
    }
    assert_eq!(task.run(), Poll::Ready(LoginEnd::Unavailable));
}

#[test]
fn a_revocation_is_found_while_the_store_is_asked_again() {
    let world = World::new();
    let caller = world.by_token();
    let mut task = waiting(&world, &caller);
    world.store.says(Verdict::Unknown);
    world.clock.advance(ASK_EVERY);
    assert_eq!(task.run(), Poll::Pending);
    world.store.says(Verdict::Revoked);
    world.clock.advance(SECOND);
    assert_eq!(task.run(), Poll::Ready(LoginEnd::Revoked));
}

#[test]
fn a_copy_that_is_fresh_enough_vouches_where_it_does_for_requests() {
    let at_most = Duration::from_secs(600);
    let world = World::with(OutagePolicy::Stale { at_most });
    let caller = world.by_token();
    let mut task = waiting(&world, &caller);
    world.store.says(Verdict::Unknown);
    *world.store.stale.lock().unwrap() = Some(Verdict::Active);
    for _ in 0..100 {
        world.clock.advance(SECOND);
        assert_eq!(task.run(), Poll::Pending);
    }
    *world.store.stale.lock().unwrap() = Some(Verdict::Revoked);
    world.clock.advance(ASK_EVERY);
    assert_eq!(task.run(), Poll::Ready(LoginEnd::Revoked));
}

#[test]
fn a_session_at_its_end_asks_its_store() {
    type Again = fn(&World) -> Result<Option<Principal>, Unavailable>;
    let rows: [(&str, Again, Option<LoginEnd>); 5] = [
        (
            "it was used since",
            |world| Ok(Some(world.alice(PrincipalKind::Session, Some(200)))),
            None,
        ),
        ("it is over", |_| Ok(None), Some(LoginEnd::Expired)),
        (
            "another login has its place",
            |_| Ok(Some(World::new().alice(PrincipalKind::Session, Some(200)))),
            Some(LoginEnd::Expired),
        ),
        (
            "the store can not tell",
            |_| Err(Unavailable::default()),
            None,
        ),
        (
            "the store's clock is behind ours",
            |world| Ok(Some(world.alice(PrincipalKind::Session, Some(100)))),
            None,
        ),
    ];
    for (row, again, expected) in rows {
        let world = World::new();
        let session = Arc::new(TestSession {
            loaded: Ok(Some(world.alice(PrincipalKind::Session, Some(100)))),
            again: Mutex::new(again(&world)),
        });
        let caller = world.by_session(&session);
        let mut task = waiting(&world, &caller);
        world.clock.advance(Duration::from_secs(100));
        match expected {
            Some(end) => assert_eq!(task.run(), Poll::Ready(end), "{row}"),
            None => {
                assert_eq!(task.run(), Poll::Pending, "{row}");
                // Whatever it was waiting for, this is the end.
                *session.again.lock().unwrap() = Ok(None);
                world.clock.advance(Duration::from_secs(100));
                assert_eq!(task.run(), Poll::Ready(LoginEnd::Expired), "{row}");
            }
        }
    }
}

#[test]
fn nobody_has_no_login_that_could_end() {
    let world = World::new();
    let vouched = |parts| Caller::vouch(&mut Extensions::new(), Principal::vouched(parts)).clone();
    let rows = [
        ("no token", world.token(TokenOutcome::Absent)),
        ("a refused token", world.token(TokenOutcome::Refused)),
        ("vouched for", vouched(PrincipalParts::new("a machine"))),
    ];
    for (row, caller) in rows {
        let mut task = waiting(&world, &caller);
        world.clock.advance(Duration::from_secs(1_000_000));
        world.store.tells(Notice::All);
        assert_eq!(task.run(), Poll::Pending, "{row}");
    }
}

#[test]
fn dropped_it_listens_no_more() {
    let world = World::new();
    let caller = world.by_token();
    let task = waiting(&world, &caller);
    assert_eq!(world.store.listeners(), 1);
    drop(task);
    assert_eq!(world.store.listeners(), 0);
}

#[test]
fn a_caller_that_could_not_be_resolved_ends_after_a_while() {
    let world = World::new();
    let session = Arc::new(TestSession {
        loaded: Err(Unavailable::default()),
        again: Mutex::new(Ok(None)),
    });
    let caller = world.by_session(&session);
    let mut task = waiting(&world, &caller);
    for _ in 0..KEEP_UNVOUCHED.as_secs() {
        assert_eq!(task.run(), Poll::Pending);
        world.clock.advance(SECOND);
    }
    assert_eq!(task.run(), Poll::Ready(LoginEnd::Unavailable));
}

/// A session layer that can not look again.
#[derive(Debug)]
struct Once(Principal);

#[async_trait::async_trait]
impl auth_core::SessionSource for Once {
    fn principal_now(&self) -> Option<Result<Option<Principal>, Unavailable>> {
        Some(Ok(Some(self.0.clone())))
    }

    async fn principal(&self) -> Result<Option<Principal>, Unavailable> {
        Ok(Some(self.0.clone()))
    }

    fn peek(&self) -> Option<Result<Option<Principal>, Unavailable>> {
        self.principal_now()
    }

    fn as_any(self: Arc<Self>) -> Arc<dyn std::any::Any + Send + Sync> {
        self
    }
}

#[test]
fn a_session_that_can_not_be_looked_at_again_ends_when_it_was_to() {
    let world = World::new();
    let alice = world.alice(PrincipalKind::Session, Some(100));
    let caller = world.by_session(&Arc::new(Once(alice)));
    let mut task = waiting(&world, &caller);
    world.clock.advance(Duration::from_secs(100));
    assert_eq!(task.run(), Poll::Ready(LoginEnd::Expired));
}
