//! What a handler reads of the claims.

use auth_core::{Caller, ManualClock, Principal, PrincipalParts, Verdict};
use auth_jwt_layer::{Claims, JwtLayer, NoClaims, OnInvalid, Verified};
use http::{Extensions, Request};
use serde::Deserialize;
use serde_json::{Value, json};
use tower::{ServiceExt, layer::util::Identity};

use crate::support::*;

#[derive(Deserialize, PartialEq, Debug)]
struct Ours {
    sub: String,
    tenant: Tenant,
    #[serde(default)]
    groups: Vec<String>,
}

#[derive(Deserialize, PartialEq, Debug)]
#[serde(rename_all = "lowercase")]
enum Tenant {
    Acme,
    Umbrella,
}

/// The extensions that a handler behind `layer` gets, if the request gets there.
async fn extensions(layer: &JwtLayer, request: Request<()>) -> Extensions {
    let (sender, receiver) = std::sync::mpsc::channel();
    let service = before(
        Handler::default().behind(&Identity::new()),
        move |request| {
            let _ = sender.send(std::mem::take(request.extensions_mut()));
        },
    );
    let service = tower::Layer::layer(layer, service);
    service.oneshot(request).await.expect("no error");
    receiver.try_recv().expect("the handler was called")
}

fn layer() -> auth_jwt_layer::JwtLayerBuilder {
    let verifier = foreign_verifier(&ManualClock::new(START)).build();
    JwtLayer::builder(verifier.expect("a verifier"))
}

fn read(extensions: &Extensions) -> Result<Ours, NoClaims> {
    Claims::from_extensions(extensions).map(|Claims(ours)| ours)
}

#[tokio::test]
async fn claims_are_of_the_type_asked_for_or_said_not_to_be() {
    let layer = layer().build().expect("a layer");
    let alice = |groups: &[&str]| {
        Ok(Ours {
            sub: "alice".to_owned(),
            tenant: Tenant::Acme,
            groups: groups.iter().map(|&group| group.to_owned()).collect(),
        })
    };
    for (what, members, expected) in [
        (
            "all there",
            json!({"tenant": "acme", "groups": ["a"]}),
            alice(&["a"]),
        ),
        (
            "one left out that may be",
            json!({"tenant": "acme"}),
            alice(&[]),
        ),
        ("one missing", json!({}), Err(NoClaims::WrongType)),
        (
            "one of another type",
            json!({"tenant": 1}),
            Err(NoClaims::WrongType),
        ),
        (
            "one of no such value",
            json!({"tenant": "evil"}),
            Err(NoClaims::WrongType),
        ),
    ] {
        let extensions = extensions(&layer, bearer(&foreign_token(members))).await;
        assert_eq!(read(&extensions), expected, "{what}");
        // Whatever its type is, the token was good.
        let all = Claims::<Value>::from_extensions(&extensions).expect("claims");
        assert_eq!(all.0["sub"], "alice", "{what}");
        let token = Verified::from_extensions(&extensions).expect("a token");
        assert_eq!(token.token_id(), Some("t1"), "{what}");
    }
}

#[tokio::test]
async fn there_are_no_claims_of_what_is_not_proven() {
    let good = foreign_token(json!({"tenant": "acme"}));
    let expired = foreign_token(json!({"tenant": "acme", "exp": START.as_secs() - 60}));
    let forged = format!("{}x", &good[..good.len() - 1]);
    let anonymous = || layer().on_invalid(OnInvalid::Anonymous);
    let said = |verdict| anonymous().store(Told::new(Some(verdict), None, None));
    for (what, layer, request) in [
        ("no token", anonymous(), request()),
        ("an expired one", anonymous(), bearer(&expired)),
        ("a forged one", anonymous(), bearer(&forged)),
        ("a revoked one", said(Verdict::Revoked), bearer(&good)),
        (
            "one that can not be judged",
            said(Verdict::Unknown),
            bearer(&good),
        ),
    ] {
        let layer = layer.build().expect("a layer");
        let extensions = extensions(&layer, request).await;
        assert_eq!(read(&extensions), Err(NoClaims::NoToken), "{what}");
        assert!(Verified::from_extensions(&extensions).is_none(), "{what}");
    }
    assert_eq!(read(&Extensions::new()), Err(NoClaims::MissingLayer));
}

#[tokio::test]
async fn a_token_is_not_the_callers_where_the_application_vouches_for_another() {
    let layer = layer().build().expect("a layer");
    let mut request = bearer(&foreign_token(json!({"tenant": "acme"})));
    let machine = Principal::vouched(PrincipalParts::new("a machine"));
    Caller::vouch(request.extensions_mut(), machine);
    let extensions = extensions(&layer, request).await;
    assert_eq!(read(&extensions), Err(NoClaims::NoToken));
}

#[tokio::test]
async fn claims_wait_for_the_stores_verdict() {
    let store = Told::new(None, Some(Verdict::Active), None);
    let layer = layer().store(store).build().expect("a layer");
    let token = foreign_token(json!({"tenant": "umbrella"}));
    let extensions = extensions(&layer, bearer(&token)).await;
    assert_eq!(read(&extensions).expect("claims").tenant, Tenant::Umbrella);
}

#[cfg(feature = "axum")]
#[tokio::test]
async fn an_axum_handler_takes_them_as_an_argument() {
    use axum::{Router, body::Body, routing::get};

    async fn must(Claims(ours): Claims<Ours>) -> String {
        format!("{:?}", ours.tenant)
    }
    async fn may(ours: Option<Claims<Ours>>) -> String {
        format!("{}", ours.is_some())
    }
    let routes = Router::new()
        .route("/must", get(must))
        .route("/may", get(may));
    let anonymous = |verdict| {
        let store = Told::new(Some(verdict), None, None);
        let layer = layer().store(store).on_invalid(OnInvalid::Anonymous);
        routes.clone().layer(layer.build().expect("a layer"))
    };
    let challenge = |rest: &str| Some(format!(r#"Bearer realm="auth"{rest}"#));
    let wrong = r#", error="invalid_token", error_description="the claims are invalid""#;
    let good = foreign_token(json!({"tenant": "acme"}));
    let poor = foreign_token(json!({}));
    let active = || anonymous(Verdict::Active);
    for (what, app, path, token, status, expected) in [
        ("of the type", active(), "/must", Some(&good), 200, None),
        (
            "of another",
            active(),
            "/must",
            Some(&poor),
            401,
            challenge(wrong),
        ),
        (
            "of another, though optional",
            active(),
            "/may",
            Some(&poor),
            401,
            challenge(wrong),
        ),
        ("no token", active(), "/must", None, 401, challenge("")),
        ("no token, optional", active(), "/may", None, 200, None),
        (
            "revoked",
            anonymous(Verdict::Revoked),
            "/must",
            Some(&good),
            401,
            challenge(""),
        ),
        (
            "not known",
            anonymous(Verdict::Unknown),
            "/must",
            Some(&good),
            503,
            None,
        ),
        (
            "not known, optional",
            anonymous(Verdict::Unknown),
            "/may",
            Some(&good),
            503,
            None,
        ),
        ("no layer", routes.clone(), "/must", Some(&good), 500, None),
    ] {
        let mut request = Request::builder().uri(path);
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let request = request.body(Body::empty()).expect("a request");
        let response = app.oneshot(request).await.expect("no error");
        assert_eq!(response.status(), status, "{what}");
        let header = response.headers().get("www-authenticate");
        let header = header.map(|value| value.to_str().expect("ASCII").to_owned());
        assert_eq!(header, expected, "{what}");
    }
}
