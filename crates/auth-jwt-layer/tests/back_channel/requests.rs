//! What is no request of a provider's.

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::Full;
use serde_json::json;
use tower::ServiceExt;

use crate::{issuer_support::World, support::*};

const FORM: &str = "application/x-www-form-urlencoded";

#[tokio::test]
async fn only_a_posted_form_with_one_token_is_looked_at() {
    let world = World::new();
    let receiver = receiver(&world);
    let token = logout_token(&json!({"sub": "u1"}));
    let good = format!("logout_token={token}");
    let twice = format!("{good}&{good}");
    let huge = format!("logout_token={}", "x".repeat(16 * 1024));
    let query = format!("/?{good}");
    for (row, method, target, content_type, body, status) in [
        ("a GET", Method::GET, "/", FORM, &*good, 405),
        ("a GET with a query", Method::GET, &*query, FORM, "", 405),
        ("a PUT", Method::PUT, "/", FORM, &*good, 405),
        ("in the query", Method::POST, &*query, FORM, "", 400),
        ("nothing", Method::POST, "/", FORM, "", 400),
        (
            "an empty token",
            Method::POST,
            "/",
            FORM,
            "logout_token=",
            400,
        ),
        ("another name", Method::POST, "/", FORM, "token=x", 400),
        ("twice", Method::POST, "/", FORM, &*twice, 400),
        ("a huge one", Method::POST, "/", FORM, &*huge, 413),
        ("text", Method::POST, "/", "text/plain", &*good, 415),
        (
            "a token by itself",
            Method::POST,
            "/",
            "application/logout+jwt",
            &*token,
            415,
        ),
        ("no type", Method::POST, "/", "", &*good, 415),
        (
            "and it was good all along",
            Method::POST,
            "/",
            FORM,
            &*good,
            200,
        ),
    ] {
        let request = Request::builder().method(method).uri(target);
        let request = request.header("content-type", content_type);
        let body = Full::new(Bytes::copy_from_slice(body.as_bytes()));
        let response = receiver.service().oneshot(request.body(body).unwrap());
        let response = response.await.unwrap();
        assert_eq!(response.status(), status, "{row}");
        assert_eq!(response.headers()["cache-control"], "no-store", "{row}");
    }
}
