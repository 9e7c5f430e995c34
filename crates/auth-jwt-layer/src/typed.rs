//! Claims as a type of the application's own.

use std::fmt;

use auth_core::Caller;
use http::Extensions;
use serde::de::DeserializeOwned;

use crate::Verified;

/// The claims of the token that proved the caller, read as a type of your own.
///
/// An extractor for axum handlers with the feature `axum`; elsewhere use
/// [`from_extensions`](Self::from_extensions). Claims are read when they are asked for, and only ever from a token
/// that was verified and, where the layer has a store, is not revoked.
///
/// `T` reads whatever members it names: those of the token that it does not name are ignored, as serde does. Several
/// handlers may have several types.
///
/// # Examples
///
/// ```
/// # #[cfg(any(feature = "jwt-aws-lc", feature = "jwt-rust-crypto"))]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use std::sync::Arc;
/// # use auth_revocation_memory::MemoryStore;
/// # use http::{Request, Response};
/// # use serde::Deserialize;
/// # use serde_json::json;
/// # use tower::{Layer, ServiceExt, service_fn};
/// use auth_jwt_layer::{Claims, Issuer, JwtLayer, SigningKeys, TokenLogin};
///
/// #[derive(Deserialize)]
/// struct Ours {
///     tenant: String,
/// }
///
/// # let keys = SigningKeys::builder().generate_ed25519("2025-11").build()?;
/// # let store = Arc::new(MemoryStore::new());
/// # let issuer = Issuer::builder("https://auth.example", "api", keys, store).build()?;
/// # let login = TokenLogin::new("alice").claims(&json!({"tenant": "acme"}));
/// # let tokens = issuer.login(login).await?;
/// let layer = JwtLayer::builder(issuer.verifier()?).build()?;
/// let service = layer.layer(service_fn(|request: Request<()>| async move {
///     let tenant = match Claims::<Ours>::from_extensions(request.extensions()) {
///         Ok(Claims(ours)) => ours.tenant,
///         Err(_) => "nobody\u{2019}s".to_owned(),
///     };
///     Ok::<_, std::convert::Infallible>(Response::new(tenant))
/// }));
///
/// let bearer = format!("Bearer {}", tokens.access_token());
/// let request = Request::builder().header("authorization", bearer).body(())?;
/// assert_eq!(service.clone().oneshot(request).await?.body(), "acme");
///
/// // Without a token there are no claims.
/// let request = Request::builder().body(())?;
/// assert_eq!(service.oneshot(request).await?.body(), "nobody\u{2019}s");
/// # Ok(())
/// # }
/// # #[cfg(not(any(feature = "jwt-aws-lc", feature = "jwt-rust-crypto")))]
/// # fn main() {}
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Claims<T>(pub T);

impl<T: DeserializeOwned> Claims<T> {
    /// The claims of the token that proved the caller of the request with these extensions.
    ///
    /// # Errors
    ///
    /// [`NoClaims`]. With the feature `axum` it is a response, too.
    pub fn from_extensions(extensions: &Extensions) -> Result<Self, NoClaims> {
        if extensions.get::<Caller>().is_none() {
            return Err(NoClaims::MissingLayer);
        }
        let token = Verified::from_extensions(extensions).ok_or(NoClaims::NoToken)?;
        token.claims().map(Self).map_err(|_| NoClaims::WrongType)
    }
}

/// Why there are no claims of the type asked for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum NoClaims {
    /// No layer is stacked around the handler: a mistake in the program. 500.
    MissingLayer,
    /// No token proved the caller: it is nobody, or came with a session. 401 with a challenge.
    NoToken,
    /// The token is good, but its claims are not of that type: one is missing, or of another type. 401, as a token
    /// that is not good here.
    WrongType,
}

impl fmt::Display for NoClaims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MissingLayer => "no token layer is stacked around this handler",
            Self::NoToken => "no token proved the caller",
            Self::WrongType => "the claims are not of the type asked for",
        })
    }
}

impl std::error::Error for NoClaims {}
