//! `POST /token/refresh`.

use auth_core::Scopes;
use http::{Response, StatusCode};

use super::{
    Answer, Answering, Endpoint, EndpointBody, Params, bad_request, response::json, unavailable,
};
use crate::{Issuer, RefreshError};

impl Issuer {
    /// The endpoint that clients refresh their tokens at (RFC 6749 section 6), for clients without a
    /// secret of their own: whoever has the refresh token is the client.
    ///
    /// It is to stand outside of a [`JwtLayer`](crate::JwtLayer), because clients attach an expired
    /// access token to whatever they send.
    ///
    /// 1. `grant_type`, if it is there, is `refresh_token`.
    /// 2. `client_id`, if it is there, is the one of the login.
    /// 3. `scope`, if it is there, is what was granted, or less.
    /// 4. `refresh_token` is good for a [refresh](Self::refresh).
    ///
    /// | answer | |
    /// |---|---|
    /// | 200 | [`Tokens`](crate::Tokens) as JSON |
    /// | 400 | `invalid_request`, `unsupported_grant_type`, `invalid_scope` or `invalid_grant`, of which only the last is about the token |
    /// | 503 | with `Retry-After`: the store could not be asked; the same token is good for another try |
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(any(feature = "jwt-aws-lc", feature = "jwt-rust-crypto"))]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use std::sync::Arc;
    /// # use auth_jwt_layer::{Issuer, SigningKeys, TokenLogin};
    /// # use auth_revocation_memory::MemoryStore;
    /// use auth_core::RequireScope;
    /// use auth_jwt_layer::JwtLayer;
    /// use axum::{Router, body::Body};
    /// use http::Request;
    /// use tower::ServiceExt;
    ///
    /// # let store = Arc::new(MemoryStore::new());
    /// # let keys = SigningKeys::builder().generate_ed25519("2025-11").build()?;
    /// # let issuer = Issuer::builder("https://auth.example", "api", keys, store.clone()).build()?;
    /// let layer = JwtLayer::builder(issuer.verifier()?).store(store).build()?;
    /// let introspect = issuer.introspect_service(RequireScope::new("introspect"));
    /// let app: Router = Router::new()
    ///     .route_service("/token/introspect", introspect)
    ///     .layer(layer)
    ///     // What stands below the layer is outside of it.
    ///     .route_service("/token/refresh", issuer.refresh_service())
    ///     .route_service("/token/revoke", issuer.revoke_service())
    ///     .route_service("/.well-known/jwks.json", issuer.jwks_service());
    ///
    /// let post = |path: &str, form: String| {
    ///     Request::post(path)
    ///         .header("content-type", "application/x-www-form-urlencoded")
    ///         .body(Body::from(form))
    /// };
    /// let tokens = issuer.login(TokenLogin::new("alice")).await?;
    /// let form = format!("grant_type=refresh_token&refresh_token={}", tokens.refresh_token());
    /// let response = app.clone().oneshot(post("/token/refresh", form)?).await?;
    /// assert_eq!(response.status(), 200);
    ///
    /// let form = "grant_type=refresh_token&refresh_token=guessed".to_owned();
    /// let response = app.clone().oneshot(post("/token/refresh", form)?).await?;
    /// assert_eq!(response.status(), 400);
    ///
    /// // Nobody in particular may not introspect.
    /// let form = format!("token={}", tokens.access_token());
    /// let response = app.oneshot(post("/token/introspect", form)?).await?;
    /// assert_eq!(response.status(), 401);
    /// # Ok(())
    /// # }
    /// # #[cfg(not(any(feature = "jwt-aws-lc", feature = "jwt-rust-crypto")))]
    /// # fn main() {}
    /// ```
    pub fn refresh_service(&self) -> Endpoint {
        Endpoint::new(Refresh(self.clone()))
    }
}

struct Refresh(Issuer);

impl Answer for Refresh {
    fn answer(&self, params: Params) -> Answering<'_> {
        Box::pin(self.refresh(params))
    }
}

impl Refresh {
    async fn refresh(&self, params: Params) -> Response<EndpointBody> {
        if params.grant_type.is_some_and(|it| it != "refresh_token") {
            return bad_request("unsupported_grant_type");
        }
        let Some(token) = params.refresh_token else {
            return bad_request("invalid_request");
        };
        let scope = params.scope.as_deref().map(str::parse::<Scopes>);
        let Ok(scope) = scope.transpose() else {
            return bad_request("invalid_scope");
        };
        let client_id = params.client_id.as_deref();
        let refreshed = self
            .0
            .refresh_as(client_id, token.as_bytes(), scope.as_ref());
        match refreshed.await {
            Ok(tokens) => json(StatusCode::OK, &tokens),
            Err(RefreshError::InvalidGrant) => bad_request("invalid_grant"),
            Err(RefreshError::InvalidScope) => bad_request("invalid_scope"),
            Err(RefreshError::Unavailable(why)) => unavailable(why),
        }
    }
}
