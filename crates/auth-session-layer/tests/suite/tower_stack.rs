//! How the layer behaves as a Tower layer.

use std::{
    convert::Infallible,
    fmt,
    task::{Context, Poll},
};

use auth_core::{Rejection, RejectionKind, RequireAuth, Unavailable};
use auth_session_layer::{Login, Session, SessionError, SessionErrorKind, SessionLayer};
use http::{HeaderValue, Request, Response, header, response};
use tower::{Layer, Service, ServiceBuilder, ServiceExt, limit::ConcurrencyLimitLayer, service_fn};

use crate::{
    store::{Call, Fault},
    support::{Browser, World, log_in, ok, our_cookie, put, session_of},
};

/// Panics where it is called without having been ready.
#[derive(Debug)]
struct Strict {
    ready: bool,
}

impl Clone for Strict {
    fn clone(&self) -> Self {
        Self { ready: false }
    }
}

impl Service<Request<String>> for Strict {
    type Response = Response<String>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<String>) -> Self::Future {
        assert!(self.ready, "called without having been ready");
        self.ready = false;
        std::future::ready(Ok(ok()))
    }
}

#[tokio::test]
async fn only_the_service_that_was_ready_is_called() {
    for eager in [false, true] {
        let world = World::with(|builder| builder.eager(eager));
        let browser = world.browser_of("alice").await;
        let mut service = ServiceBuilder::new()
            .layer(world.layer.clone())
            .layer(RequireAuth::new())
            .layer(ConcurrencyLimitLayer::new(1))
            .service(Strict { ready: false });
        for _ in 0..3 {
            let service = service.ready().await.expect("infallible");
            let response = service.call(browser.request()).await.expect("infallible");
            assert_eq!(response.status(), 200);
        }
    }
}

#[tokio::test]
async fn readiness_is_that_of_the_inner_service() {
    for eager in [false, true] {
        let world = World::with(|builder| builder.eager(eager));
        let browser = world.browser_of("alice").await;
        let (mut service, mut handle) = tower_test::mock::spawn_with(|inner| {
            let inner = tower::util::MapErr::new(inner, |error| error);
            world.layer.layer(inner)
        });
        handle.allow(0);
        assert!(service.poll_ready().is_pending());
        handle.allow(1);
        assert!(service.poll_ready().is_ready());
        let response = service.call(browser.request());
        let answer = async {
            let (request, send) = handle.next_request().await.expect("called");
            let request: Request<String> = request;
            assert!(Session::from_extensions(request.extensions()).is_some());
            send.send_response(ok());
        };
        let (response, ()) = tokio::join!(response, answer);
        assert_eq!(response.expect("answered").status(), 200);
        assert!(service.poll_ready().is_pending());
    }
}

#[derive(Clone, PartialEq, Debug)]
struct TheirError(u32);

#[tokio::test]
async fn the_inner_services_error_comes_through_as_it_is_and_nothing_is_saved() {
    let world = World::new();
    let browser = world.browser_with_cart().await;
    let inner = service_fn(|request: Request<String>| async move {
        put(&session_of(&request), "cart", "rum").await;
        Err::<Response<String>, _>(TheirError(7))
    });
    let result = world.layer.layer(inner).oneshot(browser.request()).await;
    assert_eq!(result.expect_err("theirs"), TheirError(7));
    assert_eq!(browser.field(&world, "cart").await.as_deref(), Some("tea"));
}

/// Bodies of which the layer knows nothing at all.
struct Opaque;

impl Default for Opaque {
    fn default() -> Self {
        Self
    }
}

impl fmt::Debug for Opaque {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Opaque")
    }
}

#[tokio::test]
async fn bodies_may_be_of_any_type_and_futures_need_not_be_send() {
    let world = World::new();
    let not_send = std::rc::Rc::new(());
    let inner = service_fn(move |_: Request<Opaque>| {
        let not_send = not_send.clone();
        async move {
            drop(not_send);
            Ok::<_, Infallible>(Response::new(Opaque))
        }
    });
    let Ok(response) = world.layer.layer(inner).oneshot(Request::new(Opaque)).await;
    assert_eq!(response.status(), 200);
}

fn grpc(browser: &Browser) -> Request<String> {
    let mut request = browser.request();
    let grpc = HeaderValue::from_static("application/grpc+proto");
    request.headers_mut().insert(header::CONTENT_TYPE, grpc);
    *request.method_mut() = http::Method::POST;
    request
}

#[tokio::test]
async fn refusals_speak_grpc_to_those_who_do() {
    for (call, fault_in_login, code) in [(Call::Establish, true, "14"), (Call::Commit, false, "13")]
    {
        let world = World::new();
        let browser = world.browser_with_cart().await;
        world.store.fail(call, Fault::NotMade);
        let handler = async |request: Request<String>| {
            let session = session_of(&request);
            put(&session, "cart", "rum").await;
            if fault_in_login {
                log_in(&session, Login::new("alice"));
            }
            ok()
        };
        let response = world.send(grpc(&browser), handler).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["grpc-status"], code);
        assert_eq!(response.headers()["content-type"], "application/grpc+proto");
        assert_eq!(response.body(), "");
        assert_eq!(our_cookie(response.headers()), None);
    }
}

#[tokio::test]
async fn a_conflict_speaks_grpc_too() {
    let world = World::new();
    let browser = world.browser_of("alice").await;
    let handler = async |request: Request<String>| {
        let response = put(&session_of(&request), "cart", "rum").await;
        let logout = async |session: Session| {
            session.logout().await.expect("available");
            ok()
        };
        browser.visit_without_taking(&world, logout).await;
        response
    };
    let response = world.send(grpc(&browser), handler).await;
    assert_eq!(response.headers()["grpc-status"], "10");
}

#[tokio::test]
async fn a_handler_of_rejections_is_shown_the_head_of_the_response_it_replaces() {
    let world = World::new();
    let browser = world.browser_with_cart().await;
    let custom = |rejection: &Rejection, handled: Option<&response::Parts>| {
        let handled = handled.expect("there was a response");
        let mut response = Response::new(format!("instead of {}", handled.status));
        *response.status_mut() = rejection.status();
        response
    };
    let layer = SessionLayer::builder(world.store.clone())
        .rejections(custom)
        .build()
        .expect("good");
    world.store.fail(Call::Commit, Fault::NotMade);
    let inner = service_fn(|request: Request<String>| async move {
        put(&session_of(&request), "cart", "rum").await;
        let mut response = Response::new(String::new());
        *response.status_mut() = http::StatusCode::CREATED;
        Ok::<_, Infallible>(response)
    });
    let Ok(response) = layer.layer(inner).oneshot(browser.request()).await;
    assert_eq!(response.status(), 500);
    assert_eq!(response.body(), "instead of 201 Created");
    let reason = response
        .extensions()
        .get::<Rejection>()
        .expect("the reason");
    assert_eq!(reason.kind(), &RejectionKind::CommitFailed);
}

#[tokio::test]
async fn a_guard_challenges_with_the_realm_that_was_set() {
    let world = World::with(|builder| builder.challenge_realm("shop"));
    let inner = service_fn(|_: Request<String>| async { Ok::<_, Infallible>(ok()) });
    let stack = world.layer.layer(RequireAuth::new().layer(inner));
    let Ok(response) = stack.oneshot(Browser::default().request()).await;
    assert_eq!(response.status(), 401);
    assert_eq!(
        response.headers()["www-authenticate"],
        "Session realm=\"shop\""
    );
}

#[test]
fn what_the_client_got_wrong_is_not_the_servers_fault() {
    let rows = [
        (SessionErrorKind::TooLarge, 413),
        (SessionErrorKind::InvalidName, 400),
        (SessionErrorKind::InvalidLogin, 400),
        (SessionErrorKind::BearerPresent, 400),
        (SessionErrorKind::NotLoggedIn, 401),
        (SessionErrorKind::Ended, 409),
        (SessionErrorKind::TooManyLogins, 403),
        (SessionErrorKind::Unavailable(Unavailable::default()), 503),
        (SessionErrorKind::CommitFailed, 500),
    ];
    for (kind, status) in rows {
        assert_eq!(
            SessionError::from(kind).status().as_u16(),
            status,
            "{kind:?}"
        );
    }
}

#[cfg(feature = "axum")]
mod with_axum {
    use auth_session_layer::SessionError;
    use axum::{Router, body::Body, routing::get};
    use http::StatusCode;

    use super::*;

    async fn visits(session: Session) -> Result<String, SessionError> {
        let data = session.data().await?;
        data.update("visits", |n: Option<u32>| Some(n.unwrap_or(0) + 1))?;
        Ok(data.get::<u32>("visits")?.unwrap_or(0).to_string())
    }

    fn request(cookie: Option<&HeaderValue>) -> Request<Body> {
        let mut request = Request::new(Body::empty());
        if let Some(cookie) = cookie {
            request.headers_mut().insert(header::COOKIE, cookie.clone());
        }
        request
    }

    #[tokio::test]
    async fn a_handler_takes_the_session_and_passes_its_errors_on() {
        let world = World::new();
        let app = Router::new()
            .route("/", get(visits))
            .layer(world.layer.clone());
        let Ok(response) = app.clone().oneshot(request(None)).await;
        let cookie = response.headers()[header::SET_COOKIE].clone();
        let Ok(response) = app.clone().oneshot(request(Some(&cookie))).await;
        assert_eq!(response.status(), StatusCode::OK);
        let body = axum::body::to_bytes(response.into_body(), 16).await;
        assert_eq!(body.expect("short"), "2");

        world.store.fail(Call::Load, Fault::NotMade);
        let Ok(response) = app.oneshot(request(Some(&cookie))).await;
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers()["retry-after"], "3");
    }

    #[tokio::test]
    async fn a_stack_without_the_layer_is_500_and_says_why() {
        let app = Router::new().route("/", get(visits));
        let Ok(response) = app.oneshot(request(None)).await;
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let body = axum::body::to_bytes(response.into_body(), 100).await;
        assert!(body.expect("short").starts_with(b"no session layer"));
    }
}
