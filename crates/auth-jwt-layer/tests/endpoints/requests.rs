//! What is wrong with a request before anybody looks at its token.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body::{Body, Frame};
use http_body_util::Full;

use crate::{
    issuer_support::{World, login},
    support::{FORM, ask, form, post},
};

/// A body that comes in pieces and does not say how long it is.
struct Pieces(Vec<Result<Frame<Bytes>, ()>>);

impl Pieces {
    fn of(pieces: impl IntoIterator<Item = impl Into<Bytes>>) -> Self {
        let data = pieces.into_iter().map(|it| Ok(Frame::data(it.into())));
        let mut pieces: Vec<_> = data.collect();
        pieces.reverse();
        Self(pieces)
    }
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = ();

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ()>>> {
        Poll::Ready(self.0.pop())
    }
}

fn form_of(body: Pieces) -> Request<Pieces> {
    let request = Request::post("/").header("content-type", FORM);
    request.body(body).unwrap()
}

#[tokio::test]
async fn what_can_not_be_read_is_the_clients_fault() {
    let world = World::new();
    let service = world.issuer().revoke_service();
    let json = "application/json";
    for (row, content_type, body, status) in [
        ("no token", FORM, "", 400),
        ("an empty one", FORM, "token=", 400),
        ("two", FORM, "token=a&token=b", 400),
        ("not UTF-8", FORM, "token=%ff", 400),
        ("no object", json, "[]", 400),
        ("a number", json, r#"{"token":1}"#, 400),
        ("text", "text/plain", "token=a", 415),
        ("a file", "multipart/form-data; boundary=x", "token=a", 415),
        ("gRPC", "application/grpc", "token=a", 415),
    ] {
        let answer = ask(service.clone(), post(content_type, body)).await;
        println!("{row}");
        answer.assert_error(status, "invalid_request");
    }
    let untyped = Request::post("/")
        .body(Full::new(Bytes::from("token=a")))
        .unwrap();
    let answer = ask(service, untyped).await;
    answer.assert_error(415, "invalid_request");
    assert_eq!(world.store.calls(), 0);
}

#[tokio::test]
async fn another_method_is_not_allowed() {
    let issuer = World::new().issuer();
    for method in ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"] {
        for service in [issuer.refresh_service(), issuer.revoke_service()] {
            let mut request = form("token=a");
            *request.method_mut() = method.parse().unwrap();
            let answer = ask(service, request).await;
            assert_eq!(answer.status, 405, "{method}");
            assert_eq!(answer.header("allow"), Some("POST"));
        }
    }
}

#[tokio::test]
async fn a_body_is_read_up_to_16_kib_however_it_comes() {
    const LIMIT: usize = 16 * 1024;
    let world = World::new();
    let service = world.issuer().revoke_service();
    let of_length = |length: usize| format!("token=a&x={}", "x".repeat(length - 10));
    for (length, status) in [(LIMIT, 200), (LIMIT + 1, 413), (1 << 24, 413)] {
        let whole = ask(service.clone(), form(of_length(length))).await;
        assert_eq!(whole.status, status, "{length}");
        let body = Bytes::from(of_length(length));
        let pieces = Pieces::of(body.chunks(1_000).map(Bytes::copy_from_slice));
        let answer = ask(service.clone(), form_of(pieces)).await;
        assert_eq!(answer.status, status, "{length} in pieces");
        if status != 200 {
            answer.assert_error(413, "invalid_request");
        }
    }
}

#[tokio::test]
async fn the_limit_can_be_another() {
    let service = World::new().issuer().revoke_service().max_body(7);
    for (body, status) in [("token=a", 200), ("token=ab", 413)] {
        let pieces = Pieces::of([body.as_bytes()]);
        let answer = ask(service.clone(), form_of(pieces)).await;
        assert_eq!(answer.status, status, "{body}");
    }
}

#[tokio::test]
async fn a_request_in_pieces_is_the_same_request() {
    let world = World::new();
    let issuer = world.issuer();
    let tokens = login(&issuer).await;
    let body = Bytes::from(format!("refresh_token={}", tokens.refresh_token()));
    let mut pieces = Pieces::of(body.chunks(1).map(Bytes::copy_from_slice));
    pieces.0.insert(0, Ok(Frame::trailers(HeaderMap::new())));
    let answer = ask(issuer.refresh_service(), form_of(pieces)).await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn a_request_that_breaks_off_uses_no_token_up() {
    let world = World::new();
    let issuer = world.issuer();
    let tokens = login(&issuer).await;
    let before = world.store.record(&tokens).await;
    let body = format!("refresh_token={}", tokens.refresh_token());
    let mut pieces = Pieces::of([body]);
    pieces.0.insert(0, Err(()));
    let answer = ask(issuer.refresh_service(), form_of(pieces)).await;
    answer.assert_error(400, "invalid_request");
    assert_eq!(world.store.record(&tokens).await, before);
}
