//! Why keys could not be fetched.

use std::{error::Error, fmt, sync::Arc, time::Duration};

use http::StatusCode;

use super::BoxError;

/// Why keys could not be fetched. Those that were there before stay in use.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum RemoteKeysError {
    /// The client had no response.
    Client(Arc<dyn Error + Send + Sync>),
    /// There was no response in time.
    Timeout(Duration),
    /// The response was none with a document: a redirect, which is not followed, or an error.
    Status(StatusCode),
    /// The document is longer than 64 KiB.
    TooLarge,
    /// The document is not what OpenID Connect Discovery 1.0 section 3 says it should be.
    Discovery,
    /// The discovery document is another issuer's (section 4.3).
    Issuer,
    /// The discovery document names a URL that keys can not be fetched from safely.
    Url,
    /// The document is no JWK set, or has no key that can be used.
    NoKeys,
    /// There is no Tokio runtime here, or the client panicked.
    Aborted,
}

impl From<BoxError> for RemoteKeysError {
    fn from(error: BoxError) -> Self {
        Self::Client(error.into())
    }
}

impl fmt::Display for RemoteKeysError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Client(_) => f.write_str("the keys could not be fetched"),
            Self::Timeout(after) => write!(f, "the keys were not there within {after:?}"),
            Self::Status(status) => write!(f, "the keys were answered with {status}"),
            Self::TooLarge => f.write_str("the document is longer than 64 KiB"),
            Self::Discovery => f.write_str("the discovery document can not be read"),
            Self::Issuer => f.write_str("the discovery document is another issuer's"),
            Self::Url => f.write_str("the discovery document names no safe URL for the keys"),
            Self::NoKeys => f.write_str("the document has no usable key"),
            Self::Aborted => f.write_str("the keys can not be fetched from here"),
        }
    }
}

impl Error for RemoteKeysError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Client(error) => Some(&**error),
            _ => None,
        }
    }
}
