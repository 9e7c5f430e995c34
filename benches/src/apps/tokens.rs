//! The application on the token crates of others. None of them knows what was revoked. Those that are extractors stand
//! behind a layer that does nothing, as the floor does.

use std::{
    convert::Infallible,
    sync::Arc,
    task::{Context, Poll},
};

use axum::{Extension, Router, body::Body, extract::FromRef, routing::get};
use axum_jwt_auth::{Decoder, LocalDecoder};
use futures_util::{FutureExt as _, future::Map};
use http::{Request, Response};
use jwt_authorizer::{IntoLayer as _, JwtAuthorizer, JwtClaims};
use serde::Deserialize;
use tower::Service;
use tower_oauth2_resource_server::{server::OAuth2ResourceServer, tenant::TenantConfiguration};

use super::{HELLO, NoOpLayer, SUBJECT};
use crate::{
    keys::{AUDIENCE, ISSUER, Key},
    request::App,
};

/// What they read of a token. `iss` and `aud` are checked as well.
#[derive(Clone, Debug, Deserialize)]
pub struct TokenClaims {
    pub sub: String,
    pub exp: u64,
    pub jti: String,
}

#[derive(Clone, FromRef)]
struct DecoderState {
    decoder: Decoder<TokenClaims>,
}

fn axum_jwt_auth_state(key: &Key) -> DecoderState {
    use jsonwebtoken_10 as jsonwebtoken;
    let algorithm = key.name().parse().expect("an algorithm");
    let mut validation = jsonwebtoken::Validation::new(algorithm);
    validation.set_audience(&[AUDIENCE]);
    validation.set_issuer(&[ISSUER]);
    let jwk = serde_json::from_value(key.jwk()).expect("a JWK");
    let decoding = jsonwebtoken::DecodingKey::from_jwk(&jwk).expect("a key");
    let decoder = LocalDecoder::builder()
        .keys(vec![decoding])
        .validation(validation);
    DecoderState {
        decoder: Arc::new(decoder.build().expect("sound settings")),
    }
}

/// axum-jwt-auth 0.7.
pub fn axum_jwt_auth(key: &Key) -> Router {
    type Claims = axum_jwt_auth::Claims<TokenClaims>;
    Router::new()
        .route("/", get(|claims: Claims| async move { claims.claims.sub }))
        .with_state(axum_jwt_auth_state(key))
        .layer(NoOpLayer)
}

/// The same for requests without a token.
pub fn axum_jwt_auth_anonymous(key: &Key) -> Router {
    type Claims = Result<axum_jwt_auth::Claims<TokenClaims>, axum_jwt_auth::AuthError>;
    Router::new()
        .route(
            "/",
            get(|claims: Claims| async move {
                assert!(claims.is_err());
                HELLO
            }),
        )
        .with_state(axum_jwt_auth_state(key))
        .layer(NoOpLayer)
}

/// tower-oauth2-resource-server 0.12, with aws-lc.
pub async fn resource_server(key: &Key) -> Router {
    let algorithm = key.name().parse().expect("an algorithm");
    let tenant = TenantConfiguration::static_builder(key.jwks())
        .identifier(ISSUER)
        .audiences(&[AUDIENCE])
        .allowed_algorithms(&[algorithm])
        .build()
        .expect("sound settings");
    let server = OAuth2ResourceServer::<TokenClaims>::builder();
    let server = server
        .add_tenant(tenant)
        .build()
        .await
        .expect("sound settings");
    Router::new()
        .route(
            "/",
            get(|Extension(claims): Extension<TokenClaims>| async { claims.sub }),
        )
        .layer(server.into_layer())
}

/// jwt-authorizer 0.15, which is of axum 0.7: to be compared with [`floor_07`].
pub async fn jwt_authorizer(key: &Key) -> Axum07 {
    use jwt_authorizer::Validation;
    let validation = Validation::new().iss(&[ISSUER]).aud(&[AUDIENCE]);
    let authorizer = JwtAuthorizer::<TokenClaims>::from_jwks_text(&key.jwks());
    let authorizer = authorizer.validation(validation).build().await;
    let layer = authorizer.expect("sound settings").into_layer();
    let who = |JwtClaims(claims): JwtClaims<TokenClaims>| async { claims.sub };
    let router = axum_07::Router::new().route("/", axum_07::routing::get(who));
    Axum07(router.layer(layer))
}

/// The floor of axum 0.7.
pub fn floor_07() -> Axum07 {
    let who = || async { SUBJECT.to_owned() };
    let router = axum_07::Router::new().route("/", axum_07::routing::get(who));
    Axum07(router.layer(tower::layer::util::Identity::new()))
}

/// A router of axum 0.7 that is called like one of 0.8.
#[derive(Clone, Debug)]
pub struct Axum07(axum_07::Router);

impl App for Axum07 {
    fn as_served(self) -> Self {
        Self(self.0.with_state(()))
    }
}

type Answer<B> = Result<Response<B>, Infallible>;

impl Service<Request<Body>> for Axum07 {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Map<
        axum_07::routing::future::RouteFuture<Infallible>,
        fn(Answer<axum_07::body::Body>) -> Answer<Body>,
    >;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let request = request.map(|_| axum_07::body::Body::empty());
        self.0
            .call(request)
            .map(|answer| answer.map(|response| response.map(Body::new)))
    }
}
