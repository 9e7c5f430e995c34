//! The body: what a reader gets, and how it ends.

use std::time::Duration;

use auth_core::{Verdict, store::Notice, stream::KEEP_UNVOUCHED};
use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};

use crate::support::{Read, Reader, Source, World, status};

const GRPC: Option<&str> = Some("application/grpc");

fn data(text: &str) -> Read {
    Read::Data(text.to_owned())
}

#[test]
fn a_revocation_ends_it_and_nothing_comes_after() {
    let rows = [
        (GRPC, status(16, "the login ended")),
        (
            Some("application/grpc+proto"),
            status(16, "the login ended"),
        ),
        (None, Read::Breaks("the login ended".to_owned())),
        // Its trailers are in the body, where only who writes it can put them.
        (
            Some("application/grpc-web+proto"),
            Read::Breaks("the login ended".to_owned()),
        ),
    ];
    for (content_type, last) in rows {
        let world = World::new();
        let (source, mut reader) = world.stream(world.by_token(), content_type);
        source.feed("second");
        assert_eq!(reader.run(), data("second"));
        world.store.says(Verdict::Revoked);
        source.feed("too late");
        world.store.tells(Notice::All);
        assert_eq!(reader.run(), last, "{content_type:?}");
        assert!(source.is_let_go(), "{content_type:?}");
        assert_eq!(world.store.listeners(), 0, "{content_type:?}");
        assert!(reader.body().is_end_stream());
        assert_eq!(reader.read(), Read::End, "{content_type:?}");
    }
}

#[test]
fn it_ends_when_the_token_expires_and_when_nobody_vouches_any_more() {
    let world = World::new();
    let (_source, mut reader) = world.stream(world.by_token(), GRPC);
    world.clock.advance(Duration::from_secs(300));
    assert_eq!(reader.run(), status(16, "the login expired"));

    let world = World::new();
    let (source, mut reader) = world.stream(world.by_token(), GRPC);
    world.store.says(Verdict::Unknown);
    world.clock.advance(Duration::from_secs(5));
    for _ in 0..KEEP_UNVOUCHED.as_secs() {
        source.feed("still");
        assert_eq!(reader.run(), data("still"));
        assert_eq!(reader.read(), Read::Waits);
        world.clock.advance(Duration::from_secs(1));
    }
    assert_eq!(reader.run(), status(14, "try again later"));
}

#[test]
fn dropped_it_listens_no_more() {
    let world = World::new();
    let (source, reader) = world.stream(world.by_token(), GRPC);
    assert_eq!(world.store.listeners(), 1);
    drop(reader);
    assert_eq!(world.store.listeners(), 0);
    assert!(source.is_let_go());
}

#[test]
fn a_unary_response_costs_nothing() {
    let world = World::new();
    let source = Source::default();
    source.feed("message");
    source.push(Some(Frame::trailers(ok())));
    source.push(None);
    let response = world.response(Some(world.by_token()), GRPC, source);
    let mut reader = Reader::new(response.into_body());
    assert_eq!(reader.read(), data("message"));
    let trailers = vec![("grpc-status".to_owned(), "0".to_owned())];
    assert_eq!(reader.read(), Read::Trailers(trailers));
    assert_eq!(reader.read(), Read::End);
    assert_eq!(world.store.was_asked(), 0);
    assert_eq!(world.store.listeners(), 0);
}

#[test]
fn a_stream_that_is_never_waited_for_is_watched_all_the_same() {
    let world = World::new();
    world.store.says(Verdict::Revoked);
    let source = Source::default();
    for _ in 0..10 {
        source.feed("more");
    }
    let response = world.response(Some(world.by_token()), GRPC, source);
    let mut reader = Reader::new(response.into_body());
    assert_eq!(reader.read(), data("more"));
    assert_eq!(reader.read(), data("more"));
    assert_eq!(reader.read(), status(16, "the login ended"));
}

#[test]
fn what_ends_by_itself_ends_as_it_did() {
    let own = |trailers: HeaderMap| Some(Frame::<Bytes>::trailers(trailers));
    let expected = Read::Trailers(vec![("grpc-status".to_owned(), "0".to_owned())]);
    let world = World::new();
    let (source, mut reader) = world.stream(world.by_token(), GRPC);
    source.push(own(ok()));
    source.push(None);
    assert_eq!(reader.run(), expected);
    // After its own trailers there is nothing left to end.
    assert_eq!(world.store.listeners(), 0);
    world.store.says(Verdict::Revoked);
    world.store.tells(Notice::All);
    assert_eq!(reader.read(), Read::End);
}

#[test]
fn a_watched_body_promises_no_length() {
    let mut hint = SizeHint::new();
    hint.set_lower(10);
    hint.set_upper(20);
    let world = World::new();
    let source = Source::with_hint(hint);
    let response = world.response(Some(world.by_token()), None, source);
    let hint = response.body().size_hint();
    assert_eq!((hint.lower(), hint.upper()), (0, Some(20)));
}

fn ok() -> HeaderMap {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", http::HeaderValue::from_static("0"));
    trailers
}
