//! The settings.

use std::{fmt, time::Duration};

use auth_core::{RequireAuth, guard::Guard, rejection::DefaultRejections};
use http::{HeaderName, header::AUTHORIZATION};
use tower_layer::Layer;

use super::{AssertService, ForwardAuthService};
use crate::{AssertionError, Issuer};

impl Issuer {
    /// The endpoint that a gateway asks before it lets a request through: nginx's `auth_request`,
    /// Envoy's `ext_authz` over HTTP, Traefik's and Caddy's forward auth. In with the request's own
    /// headers, out with an [assertion](Self::assertion) for `audience`, the services behind.
    pub fn forward_auth(&self, audience: impl Into<String>) -> ForwardAuth {
        ForwardAuth {
            issuer: self.clone(),
            audience: audience.into(),
            ttl: Duration::from_secs(60),
            header: HeaderName::from_static("x-auth-assertion"),
            rejections: DefaultRejections,
        }
    }
}

/// Settings of the endpoint that gateways ask: from [`Issuer::forward_auth`].
///
/// Gateways know few answers, so there are no others, whatever the layers around it say:
///
/// | answer | |
/// |---|---|
/// | 200 | the assertion in `X-Auth-Assertion`, and no body |
/// | 401 | nobody was identified, or not by what can be read; with the challenge |
/// | 403 | a guard among the layers refuses, or it is somebody of another issuer's |
/// | 503 | with `Retry-After`: it can not be told, or anything else went wrong |
///
/// - A request that is gRPC is answered like any other: a gateway would take gRPC's refusals, whose
///   status is 200, for a yes. So it would an answer of another layer's, to an `OPTIONS` for one:
///   200 is only what has an assertion.
/// - It takes every method, looks at no body, and changes nothing. Protection against cross-site
///   request forgery belongs to the services behind, or to the gateway.
/// - An assertion of the client's own is no credential here; that the gateway drops it from what it
///   hands on is for its configuration to say.
///
/// # Examples
///
/// ```
/// # #[cfg(any(feature = "jwt-aws-lc", feature = "jwt-rust-crypto"))]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use std::sync::Arc;
/// # use auth_jwt_layer::{Issuer, JwtLayer, KeySet, SigningKeys, TokenLogin, Verifier};
/// # use auth_revocation_memory::MemoryStore;
/// use http::Request;
/// use tower::ServiceExt;
///
/// # let store = Arc::new(MemoryStore::new());
/// # let keys = SigningKeys::builder().generate_ed25519("2025-11").build()?;
/// # let issuer = Issuer::builder("https://auth.example", "api", keys, store.clone()).build()?;
/// let tokens = JwtLayer::builder(issuer.verifier()?).store(store).build()?;
/// // Several layers, a session layer for one, go into a `ServiceBuilder`.
/// let verify = issuer.forward_auth("upstream").behind(tokens)?;
///
/// let token = issuer.login(TokenLogin::new("alice")).await?;
/// let bearer = format!("Bearer {}", token.access_token());
/// let request = Request::get("/verify").header("authorization", bearer).body(String::new())?;
/// let response = verify.clone().oneshot(request).await?;
/// assert_eq!(response.status(), 200);
///
/// // The service behind has the public keys, and nothing else.
/// let keys = KeySet::builder().jwks(&issuer.jwks()).build()?;
/// let behind = Verifier::builder("https://auth.example", "upstream", keys).build()?;
/// let assertion = behind.verify(response.headers()["x-auth-assertion"].as_bytes())?;
/// assert_eq!(assertion.subject(), "alice");
///
/// let nobody = Request::get("/verify").body(String::new())?;
/// assert_eq!(verify.oneshot(nobody).await?.status(), 401);
/// # Ok(())
/// # }
/// # #[cfg(not(any(feature = "jwt-aws-lc", feature = "jwt-rust-crypto")))]
/// # fn main() {}
/// ```
#[derive(Clone)]
#[must_use]
pub struct ForwardAuth<H = DefaultRejections> {
    issuer: Issuer,
    audience: String,
    ttl: Duration,
    header: HeaderName,
    rejections: H,
}

impl<H> ForwardAuth<H> {
    /// How long assertions live, from 1 s to 5 minutes. Default: 60 s. Nothing takes one back, so let
    /// it be no longer than a request may be on its way.
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = ttl;
        self
    }

    /// The header of the answer that the assertion is in. Default: `X-Auth-Assertion`.
    ///
    /// In `Authorization` it is written as a bearer token: for gateways that copy headers of the answer
    /// into the request under the same name (Envoy, Traefik, Caddy). There it also takes the place of
    /// what the client sent.
    pub fn header(mut self, header: HeaderName) -> Self {
        self.header = header;
        self
    }

    /// Refuses whom nothing identified with responses of `handler`'s.
    pub fn rejections<H2>(self, handler: H2) -> ForwardAuth<H2> {
        ForwardAuth {
            issuer: self.issuer,
            audience: self.audience,
            ttl: self.ttl,
            header: self.header,
            rejections: handler,
        }
    }

    /// The endpoint, behind the layers that identify callers, and any guards inside of those.
    ///
    /// # Errors
    ///
    /// [`AssertionError`], as [`Issuer::assertion`] has it, for the audience or the lifetime.
    pub fn behind<L>(self, layers: L) -> Result<ForwardAuthService<L::Service>, AssertionError>
    where
        L: Layer<Guard<AssertService, H>>,
    {
        self.issuer.check_assertion(&self.audience, self.ttl)?;
        let bearer = self.header == AUTHORIZATION;
        let assert = AssertService {
            issuer: self.issuer,
            audience: self.audience.into(),
            ttl: self.ttl,
            header: self.header.clone(),
            scheme: if bearer { "Bearer " } else { "" },
        };
        let guarded = RequireAuth::with_rejections(self.rejections).layer(assert);
        Ok(ForwardAuthService {
            inner: layers.layer(guarded),
            header: self.header,
        })
    }
}

impl<H> fmt::Debug for ForwardAuth<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ForwardAuth")
            .field("audience", &self.audience)
            .field("ttl", &self.ttl)
            .field("header", &self.header)
            .finish_non_exhaustive()
    }
}
