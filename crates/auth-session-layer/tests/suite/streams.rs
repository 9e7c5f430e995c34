//! What goes on in a session's name after its request was answered.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, Waker},
};

use auth_core::{Caller, LoginEnd, store::Revocations};
use http::Request;
use parking_lot::Mutex;

use crate::support::{Browser, World, ok, secs};

const IDLE: u64 = 600;

fn world() -> World {
    World::with(|builder| builder.idle(Some(secs(IDLE))))
}

/// The end of the login of a request that was answered.
struct Stream(Pin<Box<dyn Future<Output = LoginEnd> + Send>>);

impl Stream {
    async fn of(browser: &Browser, world: &World) -> Self {
        let found = Mutex::new(None);
        let handler = async |request: Request<String>| {
            *found.lock() = request.extensions().get::<Caller>().cloned();
            ok()
        };
        world.send(browser.request(), handler).await;
        let caller = found.into_inner().expect("a caller");
        let clock = world.clock.clone();
        let mut stream = Self(Box::pin(async move { caller.ended(clock).await }));
        assert_eq!(stream.end(), None);
        stream
    }

    fn end(&mut self) -> Option<LoginEnd> {
        let cx = &mut Context::from_waker(Waker::noop());
        match self.0.as_mut().poll(cx) {
            Poll::Ready(end) => Some(end),
            Poll::Pending => None,
        }
    }
}

#[tokio::test]
async fn it_lasts_as_long_as_other_requests_use_the_session() {
    let world = world();
    let browser = world.browser_of("alice").await;
    let mut stream = Stream::of(&browser, &world).await;
    for _ in 0..5 {
        world.advance(secs(IDLE - 100));
        assert!(browser.subject(&world).await.is_some());
        assert_eq!(stream.end(), None);
    }
    // The limit and one touch interval, for a use that was not recorded.
    world.advance(secs(IDLE + 60));
    assert_eq!(stream.end(), Some(LoginEnd::Expired));
}

#[tokio::test]
async fn to_read_it_is_no_use_of_the_session() {
    let world = world();
    let browser = world.browser_of("alice").await;
    let mut stream = Stream::of(&browser, &world).await;
    for _ in 0..(IDLE / 5) {
        assert_eq!(stream.end(), None);
        world.advance(secs(5));
    }
    world.advance(secs(60));
    assert_eq!(stream.end(), Some(LoginEnd::Expired));
    assert_eq!(browser.subject(&world).await, None);
}

#[tokio::test]
async fn a_logout_ends_it_at_once_and_that_of_another_browser_does_not() {
    let world = world();
    let (browser, mut other) = (
        world.browser_of("alice").await,
        world.browser_of("alice").await,
    );
    let mut mine = Stream::of(&browser, &world).await;
    let mut theirs = Stream::of(&other, &world).await;
    other
        .visit(&world, async |session| {
            session.logout().await.expect("available");
            ok()
        })
        .await;
    assert_eq!(theirs.end(), Some(LoginEnd::Revoked));
    assert_eq!(mine.end(), None);
    let revoked = world.store.revoke_subject("alice").await;
    assert_eq!(revoked, Ok(()));
    assert_eq!(mine.end(), Some(LoginEnd::Revoked));
}

#[tokio::test]
async fn a_session_under_a_new_id_is_another_when_the_old_one_would_have_ended() {
    let world = world();
    let mut browser = world.browser_of("alice").await;
    let mut stream = Stream::of(&browser, &world).await;
    world.advance(secs(IDLE - 100));
    browser
        .visit(&world, async |session| {
            session.rotate().expect("open");
            ok()
        })
        .await;
    assert_eq!(stream.end(), None);
    world.advance(secs(200));
    assert!(browser.subject(&world).await.is_some());
    assert_eq!(stream.end(), Some(LoginEnd::Expired));
}
