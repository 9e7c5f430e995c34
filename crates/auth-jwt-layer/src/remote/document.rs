//! From where the keys are to what they are.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode, Uri, header::CACHE_CONTROL, uri::Scheme};
use serde::Deserialize;
use tokio::time;

use super::{FetchKeys, MAX_BYTES, RemoteKeysError};
use crate::KeySet;

/// Where an issuer publishes its keys.
#[derive(Clone, Debug)]
pub(super) enum Origin {
    /// At this URL.
    Jwks(String),
    /// Where the discovery document of this issuer says.
    Discovery(String),
}

/// A JWK set as it was fetched.
pub(super) struct Document {
    pub(super) body: Bytes,
    pub(super) keys: KeySet,
    /// How long it says that it stays good.
    pub(super) max_age: Option<Duration>,
}

/// What is read of a discovery document (OpenID Connect Discovery 1.0 section 3).
#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    jwks_uri: String,
}

/// How to fetch.
pub(super) struct Fetching<'a> {
    pub(super) client: &'a dyn FetchKeys,
    pub(super) timeout: Duration,
    pub(super) allow_http: bool,
}

impl Origin {
    /// Whether keys may be fetched from there.
    pub(super) fn is_safe(&self, allow_http: bool) -> bool {
        is_safe(self.url(), allow_http || is_loopback(self.url()))
    }

    pub(super) fn url(&self) -> &str {
        match self {
            Self::Jwks(url) | Self::Discovery(url) => url,
        }
    }

    pub(super) async fn fetch(&self, by: Fetching<'_>) -> Result<Document, RemoteKeysError> {
        let issuer = match self {
            Self::Jwks(url) => return by.jwks(url).await,
            Self::Discovery(issuer) => issuer,
        };
        let base = issuer.strip_suffix('/').unwrap_or(issuer);
        let url = format!("{base}/.well-known/openid-configuration");
        let (_, body) = by.get(&url).await?;
        let metadata: Metadata =
            serde_json::from_slice(&body).map_err(|_| RemoteKeysError::Discovery)?;
        // Exactly, or one issuer could speak for another (section 4.3).
        if metadata.issuer != *issuer {
            return Err(RemoteKeysError::Issuer);
        }
        // Someone else's document does not send us to this machine: only one from here does.
        let local = is_loopback(issuer) && is_loopback(&metadata.jwks_uri);
        if !is_safe(&metadata.jwks_uri, by.allow_http || local) {
            return Err(RemoteKeysError::Url);
        }
        by.jwks(&metadata.jwks_uri).await
    }
}

impl Fetching<'_> {
    async fn jwks(&self, url: &str) -> Result<Document, RemoteKeysError> {
        let (headers, body) = self.get(url).await?;
        let keys = KeySet::builder().published_jwks(&body).build();
        let keys = keys.map_err(|_| RemoteKeysError::NoKeys)?;
        let max_age = max_age(&headers);
        Ok(Document {
            body,
            keys,
            max_age,
        })
    }

    async fn get(&self, url: &str) -> Result<(HeaderMap, Bytes), RemoteKeysError> {
        let response = time::timeout(self.timeout, self.client.get(url)).await;
        let response = response.map_err(|_| RemoteKeysError::Timeout(self.timeout))??;
        if response.status() != StatusCode::OK {
            return Err(RemoteKeysError::Status(response.status()));
        }
        let (head, body) = response.into_parts();
        if body.len() > MAX_BYTES {
            return Err(RemoteKeysError::TooLarge);
        }
        Ok((head.headers, body))
    }
}

/// HTTPS, or HTTP where that is fine; with a host, and without a password in it.
fn is_safe(url: &str, http_is_fine: bool) -> bool {
    let Ok(uri) = url.parse::<Uri>() else {
        return false;
    };
    let scheme = match uri.scheme() {
        Some(scheme) if *scheme == Scheme::HTTPS => true,
        Some(scheme) if *scheme == Scheme::HTTP => http_is_fine,
        _ => false,
    };
    let host = uri
        .authority()
        .is_some_and(|authority| !authority.host().is_empty() && !authority.as_str().contains('@'));
    scheme && host
}

/// Whether the URL is one of this machine.
fn is_loopback(url: &str) -> bool {
    let Ok(uri) = url.parse::<Uri>() else {
        return false;
    };
    let host = uri.host().unwrap_or_default();
    let ip = host.trim_start_matches('[').trim_end_matches(']');
    let ip = ip.parse::<std::net::IpAddr>();
    host == "localhost" || ip.is_ok_and(|ip| ip.is_loopback())
}

/// `max-age` of `Cache-Control` (RFC 9111 section 5.2.2.1); nothing that may not be stored at all is old at once.
fn max_age(headers: &HeaderMap) -> Option<Duration> {
    let values = headers.get_all(CACHE_CONTROL).iter();
    let mut directives = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    directives.find_map(|directive| {
        let directive = directive.trim();
        if directive.eq_ignore_ascii_case("no-store") || directive.eq_ignore_ascii_case("no-cache")
        {
            return Some(Duration::ZERO);
        }
        let (name, seconds) = directive.split_once('=')?;
        let seconds = seconds.trim_matches('"').parse().ok()?;
        let is_max_age = name.eq_ignore_ascii_case("max-age");
        is_max_age.then_some(Duration::from_secs(seconds))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_keys_may_come_from() {
        for (url, safe, safe_with_http) in [
            ("https://issuer.example/keys", true, true),
            ("https://issuer.example:8443", true, true),
            ("http://issuer.example/keys", false, true),
            ("http://127.0.0.1:8080/keys", true, true),
            ("http://127.8.9.1/keys", true, true),
            ("http://[::1]:8080/keys", true, true),
            ("http://localhost/keys", true, true),
            ("http://localhost.evil.example/keys", false, true),
            ("http://127.0.0.1.evil.example/keys", false, true),
            ("http://user@127.0.0.1/keys", false, false),
            ("https://user:password@issuer.example/keys", false, false),
            ("file:///etc/keys", false, false),
            ("ftp://issuer.example/keys", false, false),
            ("issuer.example/keys", false, false),
            ("/keys", false, false),
            ("https://", false, false),
            ("", false, false),
        ] {
            let origin = Origin::Jwks(url.to_owned());
            assert_eq!(origin.is_safe(false), safe, "{url}");
            assert_eq!(origin.is_safe(true), safe_with_http, "{url}");
        }
    }

    #[test]
    fn how_long_a_document_says_that_it_is_good() {
        for (header, seconds) in [
            ("max-age=600", Some(600)),
            ("public, MAX-AGE=\"600\", must-revalidate", Some(600)),
            ("no-store", Some(0)),
            ("no-cache, max-age=600", Some(0)),
            ("s-maxage=600", None),
            ("max-age=soon", None),
            ("max-age=-1", None),
            ("public", None),
            ("", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(CACHE_CONTROL, header.parse().expect("a value"));
            assert_eq!(
                max_age(&headers),
                seconds.map(Duration::from_secs),
                "{header}"
            );
        }
    }
}
