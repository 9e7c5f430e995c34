//! Only the service that was ready is called, and none for a request that is refused.

use auth_core::Verdict;
use auth_jwt_layer::JwtLayer;
use http::{Request, Response};
use serde_json::json;
use tower::{Layer, Service, ServiceExt, limit::ConcurrencyLimit};
use tower_test::{
    assert_request_eq,
    mock::{self, Mock},
};

use crate::support::*;

type Limited = ConcurrencyLimit<Mock<String, Response<String>>>;

/// A handler that takes one request at a time, and panics if it is called without having been asked whether it is ready.
fn limited() -> (Limited, mock::Handle<String, Response<String>>) {
    let (mock, handle) = mock::pair();
    (ConcurrencyLimit::new(mock, 1), handle)
}

/// `layer` before it; requests arrive as the name of their caller.
fn behind(
    layer: &JwtLayer,
    inner: Limited,
) -> impl Service<Request<()>, Response = Response<String>, Error = tower::BoxError, Future: Send>
+ Clone
+ use<> {
    layer.layer(inner.map_request(|request: Request<()>| who(&request)))
}

fn good() -> Request<()> {
    bearer(&foreign_token(json!({})))
}

#[tokio::test]
async fn at_once() {
    let store = Told::new(Some(Verdict::Active), None, None);
    let (inner, mut handle) = limited();
    let layer = over(&store).build().expect("a layer");
    let mut service = behind(&layer, inner);
    for (request, expected) in [(good(), "token alice"), (request(), "nobody")] {
        let response = service.ready().await.expect("ready").call(request);
        let (response, ()) = tokio::join!(response, async {
            assert_request_eq!(handle, expected.to_owned()).send_response(Response::default());
        });
        assert_eq!(response.expect("a response").status(), 200);
    }
}

#[tokio::test]
async fn after_waiting_while_another_waits_for_its_turn() {
    let store = Told::new(None, None, None);
    let (inner, mut handle) = limited();
    let layer = over(&store).build().expect("a layer");
    let mut service = behind(&layer, inner);
    let first = service.ready().await.expect("ready").call(good());
    let first = tokio::spawn(first);
    // The first request has the only place, and its clone must wait.
    tokio::task::yield_now().await;
    let mut second = tokio::spawn(async move {
        let service = service.ready().await.expect("ready");
        service.call(request()).await
    });
    tokio::task::yield_now().await;
    assert!(!second.is_finished() && !first.is_finished());
    store.answer(Verdict::Active);
    assert_request_eq!(handle, "token alice".to_owned()).send_response(Response::default());
    assert_eq!(
        first.await.expect("no panic").expect("a response").status(),
        200
    );
    assert_request_eq!(handle, "nobody".to_owned()).send_response(Response::default());
    let second = (&mut second).await.expect("no panic");
    assert_eq!(second.expect("a response").status(), 200);
}

#[tokio::test]
async fn a_refusal_calls_nothing_and_gives_the_place_back() {
    for (verdict, status) in [(Verdict::Revoked, 401), (Verdict::Unknown, 503)] {
        for waits in [false, true] {
            let now = if waits { None } else { Some(verdict) };
            let store = Told::new(now, None, None);
            let (inner, mut handle) = limited();
            let layer = over(&store).build().expect("a layer");
            let mut service = behind(&layer, inner);
            for _ in 0..3 {
                let refused = service.ready().await.expect("ready").call(good());
                let refused = tokio::spawn(refused);
                tokio::task::yield_now().await;
                store.answer(verdict);
                let refused = refused.await.expect("no panic").expect("a response");
                assert_eq!(refused.status(), status);
            }
            let response = service.ready().await.expect("ready").call(request());
            let (response, ()) = tokio::join!(response, async {
                assert_request_eq!(handle, "nobody".to_owned()).send_response(Response::default());
            });
            assert_eq!(response.expect("a response").status(), 200);
            drop(service);
            assert!(handle.next_request().await.is_none(), "and that was all");
        }
    }
}

#[tokio::test]
async fn a_request_that_is_dropped_while_it_waits_gives_the_place_back() {
    let store = Told::new(None, None, None);
    let (inner, mut handle) = limited();
    let layer = over(&store).build().expect("a layer");
    let mut service = behind(&layer, inner);
    let dropped = service.ready().await.expect("ready").call(good());
    drop(dropped);
    let response = service.ready().await.expect("ready").call(request());
    let (response, ()) = tokio::join!(response, async {
        assert_request_eq!(handle, "nobody".to_owned()).send_response(Response::default());
    });
    assert_eq!(response.expect("a response").status(), 200);
}

#[tokio::test]
async fn the_inner_services_errors_are_its_own() {
    for now in [Some(Verdict::Active), None] {
        let store = Told::new(now, Some(Verdict::Active), None);
        let (inner, mut handle) = limited();
        let layer = over(&store).build().expect("a layer");
        let mut service = behind(&layer, inner);
        let response = service.ready().await.expect("ready").call(good());
        let (response, ()) = tokio::join!(response, async {
            let (_, send) = handle.next_request().await.expect("a request");
            send.send_error("out of order");
        });
        assert_eq!(response.expect_err("an error").to_string(), "out of order");
    }
}
