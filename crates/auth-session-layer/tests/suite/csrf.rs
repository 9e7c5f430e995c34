//! Beside tower-http's protection against cross-site request forgery.

use std::convert::Infallible;

use http::{Method, Request, Response};
use tower::{ServiceBuilder, ServiceExt, service_fn};
use tower_http::csrf::CsrfLayer;

use crate::{
    store::Call,
    support::{World, put, session_of},
};

type Headers<'a> = &'a [(&'static str, &'a str)];

/// Sends a request of alice's browser that says where it comes from.
async fn send(world: &World, method: Method, headers: Headers<'_>) -> Response<String> {
    let inner = service_fn(|request: Request<String>| async move {
        Ok::<_, Infallible>(put(&session_of(&request), "seen", "it").await)
    });
    let service = ServiceBuilder::new()
        .layer(CsrfLayer::new())
        .layer(world.layer.clone())
        .service(inner);
    let mut request = world.browser_of("alice").await.request();
    *request.method_mut() = method;
    for (name, value) in headers {
        let value = value.parse().expect("a header value");
        request.headers_mut().insert(*name, value);
    }
    service.oneshot(request).await.expect("both layers answer")
}

#[tokio::test]
async fn a_forged_request_is_refused_before_its_session_is_loaded() {
    let rows: [(&str, Method, Headers<'_>); 4] = [
        (
            "cross-site",
            Method::POST,
            &[("sec-fetch-site", "cross-site")],
        ),
        (
            "from a subdomain",
            Method::PUT,
            &[("sec-fetch-site", "same-site")],
        ),
        (
            "cross-site DELETE",
            Method::DELETE,
            &[("sec-fetch-site", "cross-site")],
        ),
        (
            "an older browser",
            Method::POST,
            &[("origin", "https://evil.example"), ("host", "shop.example")],
        ),
    ];
    for (row, method, headers) in rows {
        let world = World::new();
        let response = send(&world, method, headers).await;
        assert_eq!(response.status(), 403, "{row}");
        assert_eq!(world.store.calls(), [], "{row}");
    }
}

#[tokio::test]
async fn ones_own_requests_and_those_that_only_read_pass() {
    let rows: [(&str, Method, Headers<'_>); 4] = [
        (
            "from this site",
            Method::POST,
            &[("sec-fetch-site", "same-origin")],
        ),
        ("typed in", Method::POST, &[("sec-fetch-site", "none")]),
        ("no browser", Method::POST, &[]),
        ("a link", Method::GET, &[("sec-fetch-site", "cross-site")]),
    ];
    for (row, method, headers) in rows {
        let world = World::new();
        let response = send(&world, method, headers).await;
        assert_eq!(response.status(), 200, "{row}");
        assert_eq!(world.store.calls(), [Call::Load, Call::Commit], "{row}");
    }
}
