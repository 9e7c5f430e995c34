//! Guards, driven as services.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use auth_core::{
    Authority, Caller, ManualClock, Principal, PrincipalKind, PrincipalParts, RequireAuth,
    RequireFresh, RequireScope, Scopes, SessionSource, Timestamp, TokenOutcome, Unavailable,
    rejection::{ProblemJson, Rejection, RejectionKind},
};
use http::{Request, Response, StatusCode};
use tower::{Layer, Service, ServiceExt, limit::ConcurrencyLimitLayer, service_fn};

const NOW: Timestamp = Timestamp::from_secs(1_000_000);

fn parts() -> PrincipalParts {
    PrincipalParts::new("alice")
        .scopes(Scopes::parse("read write"))
        .auth_time(Some(NOW))
}

/// A session that is loaded by waiting once.
#[derive(Debug)]
struct Waits(Result<Option<Principal>, Unavailable>);

#[async_trait]
impl SessionSource for Waits {
    fn principal_now(&self) -> Option<Result<Option<Principal>, Unavailable>> {
        None
    }

    async fn principal(&self) -> Result<Option<Principal>, Unavailable> {
        tokio::task::yield_now().await;
        self.0.clone()
    }

    fn peek(&self) -> Option<Result<Option<Principal>, Unavailable>> {
        None
    }

    fn as_any(self: Arc<Self>) -> Arc<dyn std::any::Any + Send + Sync> {
        self
    }
}

enum Who {
    NoLayer,
    NobodyByToken,
    Token,
    Session,
    NobodyBySession,
    StoreDown,
}

fn request(who: &Who) -> Request<()> {
    let mut request = Request::new(());
    let extensions = request.extensions_mut();
    let authority = Arc::new(Authority::new("shop"));
    let somebody = |kind| Principal::insecure_for_tests(kind, parts());
    let session = |found| Arc::new(Waits(found));
    match who {
        Who::NoLayer => {}
        Who::NobodyByToken => {
            Caller::join_token(extensions, TokenOutcome::Absent, &authority);
        }
        Who::Token => {
            let proven = TokenOutcome::Proven(somebody(PrincipalKind::Token));
            Caller::join_token(extensions, proven, &authority);
        }
        Who::Session => {
            let found = session(Ok(Some(somebody(PrincipalKind::Session))));
            Caller::join_session(extensions, found, &authority);
        }
        Who::NobodyBySession => {
            Caller::join_session(extensions, session(Ok(None)), &authority);
        }
        Who::StoreDown => {
            let found = session(Err(Unavailable::retry_after(Duration::from_secs(7))));
            Caller::join_session(extensions, found, &authority);
        }
    }
    request
}

/// Sends `request` through `guard` to a handler that counts its calls and shows the principal that
/// it finds in the extensions.
async fn send<L>(guard: L, request: Request<()>) -> (Response<String>, usize)
where
    L: Layer<Handler>,
    L::Service: Service<Request<()>, Response = Response<String>, Error = Infallible>,
{
    let calls = Arc::new(AtomicUsize::new(0));
    let response = guard
        .layer(handler(Arc::clone(&calls)))
        .oneshot(request)
        .await
        .expect("infallible");
    (response, calls.load(Ordering::SeqCst))
}

type Handler = tower::util::BoxCloneService<Request<()>, Response<String>, Infallible>;

fn handler(calls: Arc<AtomicUsize>) -> Handler {
    tower::util::BoxCloneService::new(service_fn(move |request: Request<()>| {
        calls.fetch_add(1, Ordering::SeqCst);
        let principal = request.extensions().get::<Principal>();
        let subject = principal.map_or("nobody", |p| p.subject()).to_owned();
        async { Ok(Response::new(subject)) }
    }))
}

fn header<'a>(response: &'a Response<String>, name: &str) -> Option<&'a str> {
    response
        .headers()
        .get(name)
        .map(|v| v.to_str().expect("ASCII"))
}

#[tokio::test]
async fn who_is_identified_gets_in_and_the_handler_sees_the_principal() {
    for who in [Who::Token, Who::Session] {
        let (response, calls) = send(RequireAuth::new(), request(&who)).await;
        assert_eq!((response.status(), calls), (StatusCode::OK, 1));
        assert_eq!(response.body(), "alice");
    }
}

#[tokio::test]
async fn who_is_not_is_refused_and_the_handler_is_never_called() {
    let bearer = Some(r#"Bearer realm="shop""#);
    let rows = [
        (
            "no layer at all",
            Who::NoLayer,
            401,
            Some(r#"Bearer realm="auth""#),
        ),
        ("no token", Who::NobodyByToken, 401, bearer),
        (
            "no session",
            Who::NobodyBySession,
            401,
            Some(r#"Session realm="shop""#),
        ),
        ("the store is down", Who::StoreDown, 503, None),
    ];
    for (row, who, status, challenge) in rows {
        let (response, calls) = send(RequireAuth::new(), request(&who)).await;
        assert_eq!((response.status().as_u16(), calls), (status, 0), "{row}");
        assert_eq!(header(&response, "www-authenticate"), challenge, "{row}");
        let retry = (status == 503).then_some("7");
        assert_eq!(header(&response, "retry-after"), retry, "{row}");
    }
}

#[tokio::test]
async fn every_scope_is_required_and_the_challenge_names_them() {
    let (response, calls) = send(RequireScope::new("write read"), request(&Who::Session)).await;
    assert_eq!((response.status(), calls), (StatusCode::OK, 1));

    let (response, calls) = send(RequireScope::new("read admin"), request(&Who::Token)).await;
    assert_eq!((response.status(), calls), (StatusCode::FORBIDDEN, 0));
    assert_eq!(
        header(&response, "www-authenticate"),
        Some(r#"Bearer realm="shop", error="insufficient_scope", scope="read admin""#)
    );
    let (response, _) = send(RequireScope::new("read"), request(&Who::NobodyByToken)).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_guard_of_one_grpc_method_lets_others_pass() {
    for (path, status) in [("/a.B/Admin", 403), ("/a.B/Get", 200), ("/a.B/Admin/", 200)] {
        let mut request = request(&Who::Token);
        *request.uri_mut() = path.parse().expect("a path");
        let guard = RequireScope::new("admin").grpc_method("/a.B/Admin");
        let (response, _) = send(guard, request).await;
        assert_eq!(response.status().as_u16(), status, "{path}");
    }
}

#[test]
#[should_panic(expected = "at least one")]
fn a_guard_that_asks_for_no_scope_is_a_mistake() {
    let _ = RequireScope::new("");
}

#[tokio::test]
async fn an_old_login_has_to_log_in_again() {
    let max_age = Duration::from_secs(300);
    let rows = [
        (Duration::ZERO, 200),
        (max_age, 200),
        (max_age + Duration::from_millis(1), 401),
    ];
    for (age, status) in rows {
        let guard = RequireFresh::within(max_age).clock(ManualClock::new(NOW.plus(age)));
        let (response, calls) = send(guard, request(&Who::Session)).await;
        assert_eq!(response.status().as_u16(), status, "{age:?}");
        assert_eq!(calls, usize::from(status == 200));
        if status == 401 {
            assert_eq!(
                header(&response, "www-authenticate"),
                Some(
                    r#"Session realm="shop", error="insufficient_user_authentication", max_age="300""#
                )
            );
        }
    }
}

#[tokio::test]
async fn a_login_that_is_still_to_come_is_not_fresh() {
    for (behind, status) in [(60, 200), (61, 401)] {
        let clock = ManualClock::new(NOW.minus(Duration::from_secs(behind)));
        let guard = RequireFresh::within(Duration::from_secs(300)).clock(clock);
        let (response, _) = send(guard, request(&Who::Session)).await;
        assert_eq!(response.status().as_u16(), status, "{behind}");
    }
}

#[tokio::test]
async fn a_login_of_unknown_age_is_not_fresh() {
    let mut request = Request::new(());
    let nobody_knows = Principal::vouched(PrincipalParts::new("machine"));
    Caller::vouch(request.extensions_mut(), nobody_knows);
    let (response, calls) = send(RequireFresh::within(Duration::MAX), request).await;
    assert_eq!((response.status(), calls), (StatusCode::UNAUTHORIZED, 0));
}

#[tokio::test]
async fn grpc_is_refused_in_its_own_shape() {
    let mut request = request(&Who::StoreDown);
    *request.method_mut() = http::Method::POST;
    let content_type = "application/grpc+proto".parse().expect("a header value");
    request.headers_mut().insert("content-type", content_type);
    let (response, calls) = send(RequireAuth::new(), request).await;
    assert_eq!((response.status(), calls), (StatusCode::OK, 0));
    assert_eq!(header(&response, "grpc-status"), Some("14"));
    assert_eq!(
        header(&response, "content-type"),
        Some("application/grpc+proto")
    );
    assert_eq!(header(&response, "www-authenticate"), None);
}

#[tokio::test]
async fn the_reason_is_in_the_extensions_of_the_response() {
    let guard = RequireAuth::with_rejections(ProblemJson);
    let (response, _) = send(guard, request(&Who::NobodyByToken)).await;
    let rejection = response.extensions().get::<Rejection>().expect("a reason");
    assert_eq!(rejection.kind(), &RejectionKind::Unauthenticated);
    assert_eq!(
        header(&response, "content-type"),
        Some("application/problem+json")
    );
}

#[tokio::test]
async fn browsers_go_to_the_login_page_and_can_only_come_back_to_this_site() {
    let rows = [
        (
            "/account?tab=1&x=%2F",
            "/login?next=/account%3Ftab%3D1%26x%3D%252F",
        ),
        ("//evil.example/", "/login?next=/"),
        ("/", "/login?next=/"),
    ];
    for (target, location) in rows {
        let mut request = request(&Who::NobodyBySession);
        *request.uri_mut() = target.parse().expect("a target");
        request
            .headers_mut()
            .insert("accept", "text/html".parse().expect("a value"));
        let (response, calls) = send(RequireAuth::new().login_page("/login"), request).await;
        assert_eq!((response.status(), calls), (StatusCode::SEE_OTHER, 0));
        assert_eq!(header(&response, "location"), Some(location));
        assert_eq!(header(&response, "www-authenticate"), None);
    }
}

#[tokio::test]
async fn only_navigations_of_cookie_callers_are_sent_to_the_login_page() {
    let rows = [
        (
            "a POST",
            Who::NobodyBySession,
            "POST",
            "text/html",
            None,
            401,
        ),
        (
            "an API client",
            Who::NobodyBySession,
            "GET",
            "application/json",
            None,
            401,
        ),
        (
            "fetch from a page",
            Who::NobodyBySession,
            "GET",
            "text/html",
            Some("cors"),
            401,
        ),
        (
            "a browser",
            Who::NobodyBySession,
            "GET",
            "*/*",
            Some("navigate"),
            303,
        ),
        (
            "where tokens serve",
            Who::NobodyByToken,
            "GET",
            "text/html",
            None,
            401,
        ),
        (
            "the store is down",
            Who::StoreDown,
            "GET",
            "text/html",
            None,
            503,
        ),
    ];
    for (row, who, method, accept, mode, status) in rows {
        let mut request = request(&who);
        *request.method_mut() = method.parse().expect("a method");
        request
            .headers_mut()
            .insert("accept", accept.parse().expect("a value"));
        if let Some(mode) = mode {
            request
                .headers_mut()
                .insert("sec-fetch-mode", mode.parse().expect("a value"));
        }
        let (response, _) = send(RequireAuth::new().login_page("/login"), request).await;
        assert_eq!(response.status().as_u16(), status, "{row}");
    }
}

/// `ConcurrencyLimit` panics when a service is called that was not ready.
#[tokio::test]
async fn only_the_service_that_was_ready_is_called() {
    for who in [Who::Token, Who::Session] {
        let (inner, mut handle) = tower_test::mock::pair::<Request<()>, Response<String>>();
        let limited = ConcurrencyLimitLayer::new(1).layer(inner);
        let mut guarded = RequireAuth::new().layer(limited);
        for _ in 0..3 {
            let ready = guarded.ready().await.expect("ready");
            let response = ready.call(request(&who));
            let serve = async {
                let (_, send) = handle.next_request().await.expect("a request");
                send.send_response(Response::new("served".to_owned()));
            };
            let (response, ()) = tokio::join!(response, serve);
            assert_eq!(response.expect("served").body(), "served");
        }
    }
}

#[tokio::test]
async fn the_mock_is_never_called_on_a_refusal() {
    let (inner, mut handle) = tower_test::mock::pair::<Request<()>, Response<String>>();
    let limited = ConcurrencyLimitLayer::new(1).layer(inner);
    let mut guarded = RequireAuth::new().layer(limited);
    handle.allow(2);
    for who in [Who::NobodyByToken, Who::NobodyBySession, Who::StoreDown] {
        let ready = guarded.ready().await.expect("ready");
        let response = ready.call(request(&who)).await.expect("a refusal");
        assert_ne!(response.status(), StatusCode::OK);
    }
    drop(guarded);
    assert!(handle.next_request().await.is_none());
}
