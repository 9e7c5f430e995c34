//! The published keys.

use auth_jwt_layer::{Algorithm, Issuer, SigningKeys};
use http::Request;
use serde_json::json;

use crate::{
    issuer_support::World,
    support::{Answer, ask},
};

async fn get(issuer: &Issuer, method: &str, if_none_match: Option<&str>) -> Answer {
    let mut request = Request::builder().method(method);
    if let Some(tags) = if_none_match {
        request = request.header("if-none-match", tags);
    }
    ask(issuer.jwks_service(), request.body(()).unwrap()).await
}

#[tokio::test]
async fn it_may_be_kept_for_a_while_and_asked_for_by_its_tag() {
    let issuer = World::new().issuer();
    let answer = get(&issuer, "GET", None).await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.header("content-type"),
        Some("application/jwk-set+json")
    );
    assert_eq!(answer.header("cache-control"), Some("public, max-age=300"));
    assert_eq!(answer.json()["keys"][0]["kid"], "ed");
    let tag = answer.header("etag").unwrap();
    assert!(tag.starts_with('"') && tag.ends_with('"'), "{tag}");
    for (row, tags, status) in [
        ("it", tag.to_owned(), 304),
        ("weak", format!("W/{tag}"), 304),
        ("among others", format!("\"a\", {tag} ,\"b\""), 304),
        ("any", "*".to_owned(), 304),
        ("another", "\"a\"".to_owned(), 200),
        ("without quotes", tag.trim_matches('"').to_owned(), 200),
        ("nothing", String::new(), 200),
    ] {
        for method in ["GET", "HEAD"] {
            let again = get(&issuer, method, Some(&tags)).await;
            assert_eq!(again.status, status, "{row}");
            assert_eq!(again.header("etag"), Some(tag), "{row}");
            assert_eq!(again.header("cache-control"), Some("public, max-age=300"));
            assert_eq!(again.body.is_empty(), status == 304, "{row}");
        }
    }
    // Other keys, another tag.
    let other = get(&World::new().issuer(), "GET", Some(tag)).await;
    assert_eq!(other.status, 200);
}

#[tokio::test]
async fn it_is_only_read() {
    let issuer = World::new().issuer();
    for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
        let answer = get(&issuer, method, None).await;
        assert_eq!(answer.status, 405, "{method}");
        assert_eq!(answer.header("allow"), Some("GET, HEAD"));
    }
}

#[tokio::test]
async fn a_secret_is_not_in_it() {
    let world = World::new();
    let keys = SigningKeys::builder().secret(Algorithm::Hs256, "s", [7; 32]);
    let issuer = world.builder(keys.build().unwrap()).build().unwrap();
    let answer = get(&issuer, "GET", None).await;
    assert_eq!(answer.json(), json!({ "keys": [] }));
}
