//! How keys are fetched: by HTTP, unless the application has a way of its own.

use std::future::Future;

use async_trait::async_trait;
use bytes::Bytes;
use http::Response;

/// What went wrong in a client.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Fetches documents by their URL. A closure is one, too:
///
/// ```
/// use auth_jwt_layer::{BoxError, RemoteKeys};
/// use bytes::Bytes;
/// use http::Response;
///
/// # fn main() -> Result<(), auth_jwt_layer::ConfigError> {
/// let keys = RemoteKeys::jwks("https://issuer.example/keys")
///     .fetch_with(|url: String| async move {
///         // By a client that knows the proxy, say.
///         let _ = url;
///         Ok::<_, BoxError>(Response::new(Bytes::from_static(br#"{"keys":[]}"#)))
///     })
///     .build()?;
/// # Ok(())
/// # }
/// ```
#[async_trait]
pub trait FetchKeys: Send + Sync + 'static {
    /// Gets `url` and returns the response, whatever its status. Redirects must not be followed.
    ///
    /// It is given up after [2 seconds](super::RemoteKeysBuilder::timeout), by dropping the future; and what is longer
    /// than 64 KiB is refused, so that there is no use in reading more.
    ///
    /// # Errors
    ///
    /// Whatever kept it from getting a response.
    async fn get(&self, url: &str) -> Result<Response<Bytes>, BoxError>;
}

#[async_trait]
impl<F, Fut> FetchKeys for F
where
    F: Fn(String) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Response<Bytes>, BoxError>> + Send,
{
    async fn get(&self, url: &str) -> Result<Response<Bytes>, BoxError> {
        self(url.to_owned()).await
    }
}
