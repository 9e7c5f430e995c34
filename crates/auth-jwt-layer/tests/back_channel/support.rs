//! A provider, its tokens, and who is logged in.

use std::sync::{Arc, Mutex};

use auth_core::{Event, ProviderLogin, store::Logins};
use auth_jwt_layer::{
    Algorithm, BackChannelLogout, BackChannelLogoutBuilder, EndpointBody, Issuer, JwtLayer, KeySet,
    TokenLogin, Tokens, Verifier, VerifierBuilder,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http::{Request, Response};
use http_body_util::Full;
use serde_json::{Value, json};
use sha2::Sha256;
use tower::{Layer, ServiceExt, service_fn};

use crate::issuer_support::{START, World};

pub(crate) const PROVIDER: &str = "https://id.example";
pub(crate) const OTHER: &str = "https://other.example";
pub(crate) const CLIENT: &str = "shop-web";
pub(crate) const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
const SECRET: &[u8] = b"a test secret of thirty-two bytes";

/// A verifier of `issuer`'s tokens for `audience`.
pub(crate) fn verifier(world: &World, issuer: &str, audience: &str) -> VerifierBuilder {
    let keys = KeySet::builder().secret(Algorithm::Hs256, "k", SECRET);
    Verifier::builder(issuer, audience, keys.build().unwrap()).clock(world.clock.clone())
}

/// The receiver for both providers.
pub(crate) fn builder(world: &World) -> BackChannelLogoutBuilder {
    let of = |issuer| verifier(world, issuer, CLIENT).build().unwrap();
    let store: Arc<dyn Logins> = world.store.clone();
    BackChannelLogout::builder(of(PROVIDER), store).trust(of(OTHER))
}

pub(crate) fn receiver(world: &World) -> BackChannelLogout {
    let events = world.events.clone();
    let heard: Arc<Mutex<Vec<Event>>> = events;
    let sink = move |event: &Event| heard.lock().unwrap().push(event.clone());
    builder(world).on_event(sink).build().unwrap()
}

pub(crate) fn sign(header: &Value, claims: &str) -> String {
    sign_with(SECRET, header, claims)
}

pub(crate) fn sign_with(secret: &[u8], header: &Value, claims: &str) -> String {
    let text = |json: &str| URL_SAFE_NO_PAD.encode(json);
    let signed = format!("{}.{}", text(&header.to_string()), text(claims));
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).unwrap();
    mac.update(signed.as_bytes());
    let mac = mac.finalize().into_bytes();
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac))
}

pub(crate) fn header(typ: Value) -> Value {
    let mut header = json!({"alg": "HS256", "kid": "k"});
    if !typ.is_null() {
        header["typ"] = typ;
    }
    header
}

fn with(mut claims: Value, members: &Value) -> Value {
    let all = claims.as_object_mut().unwrap();
    for (name, value) in members.as_object().unwrap() {
        match value {
            Value::Null => drop(all.remove(name)),
            value => drop(all.insert(name.clone(), value.clone())),
        }
    }
    claims
}

/// The claims of a good logout token but for `sub` and `sid`, issued at the start, unless the members
/// say otherwise; null removes one.
pub(crate) fn claims(members: &Value) -> Value {
    let start = START.as_secs();
    let claims = json!({
        "iss": PROVIDER, "aud": CLIENT, "jti": "l1", "iat": start, "exp": start + 120,
        "events": {EVENT: {}},
    });
    with(claims, members)
}

pub(crate) fn logout_token(members: &Value) -> String {
    sign(&header(json!("logout+jwt")), &claims(members).to_string())
}

/// An access token of the provider's, issued 10 s after the start.
pub(crate) fn access_token(members: &Value) -> String {
    let at = START.as_secs() + 10;
    let claims = json!({
        "iss": PROVIDER, "aud": "shop-api", "sub": "u1", "jti": "t1", "iat": at, "exp": at + 300,
    });
    sign(&header(json!("at+jwt")), &with(claims, members).to_string())
}

/// Posts a logout token: status, headers, body.
pub(crate) async fn post(receiver: &BackChannelLogout, token: &str) -> Response<EndpointBody> {
    let request = Request::post("/backchannel-logout")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Full::new(Bytes::from(format!("logout_token={token}"))))
        .unwrap();
    receiver.service().oneshot(request).await.unwrap()
}

#[track_caller]
pub(crate) fn assert_refused(response: Response<EndpointBody>, description: &str, row: &str) {
    assert_eq!(response.status(), 400, "{row}");
    assert_eq!(response.headers()["cache-control"], "no-store", "{row}");
    let body = response.into_body().into_bytes();
    let body: Value = serde_json::from_slice(&body).unwrap();
    let expected = json!({"error": "invalid_request", "error_description": description});
    assert_eq!(body, expected, "{row}");
}

/// The provider ends something here.
pub(crate) async fn end(receiver: &BackChannelLogout, members: &Value) {
    let response = post(receiver, &logout_token(members)).await;
    assert_eq!(response.status(), 200, "{members}");
    assert_eq!(response.headers()["cache-control"], "no-store");
    assert!(response.into_body().into_bytes().is_empty());
}

/// A token login of our own, by way of a provider.
pub(crate) async fn login(issuer: &Issuer, subject: &str, provider: ProviderLogin) -> Tokens {
    let login = TokenLogin::new(subject).provider(provider);
    issuer.login(login).await.unwrap()
}

/// Whether the login goes on.
pub(crate) async fn goes_on(issuer: &Issuer, tokens: &Tokens) -> bool {
    let refreshed = issuer.refresh(tokens.refresh_token().as_bytes(), None);
    refreshed.await.is_ok()
}

/// How a layer that knows of the providers' sessions answers to an access token.
pub(crate) async fn status(world: &World, token: &str) -> u16 {
    let of = |issuer| {
        let verifier = verifier(world, issuer, "shop-api").provider_sessions();
        verifier.build().unwrap()
    };
    let layer = JwtLayer::builder(of(PROVIDER)).trust(of(OTHER));
    let layer = layer.store(world.store.clone()).build().unwrap();
    let service = layer.layer(service_fn(|_: Request<()>| async {
        Ok::<_, std::convert::Infallible>(Response::new(String::new()))
    }));
    let bearer = format!("Bearer {token}");
    let request = Request::get("/").header("authorization", bearer);
    let response = service.oneshot(request.body(()).unwrap()).await.unwrap();
    response.status().as_u16()
}
