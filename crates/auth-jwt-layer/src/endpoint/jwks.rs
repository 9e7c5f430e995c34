//! `GET /.well-known/jwks.json`.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    task::{Context, Poll},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{
    HeaderMap, HeaderValue, Method, Request, Response, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH},
};
use sha2::{Digest, Sha256};
use tower_service::Service;

use super::{EndpointBody, service::not_allowed};
use crate::Issuer;

/// For how long others may keep the key set: 5 minutes, well below the time that a new key is
/// published before it signs.
const CACHE: &str = "public, max-age=300";

impl Issuer {
    /// The endpoint that others fetch the public keys from (RFC 7517), which may keep them for 5
    /// minutes: 200, or 304 to those who have them (`If-None-Match`).
    pub fn jwks_service(&self) -> JwksService {
        JwksService(self.clone())
    }
}

/// Serves the public keys of an [`Issuer`], as it has them at each request.
#[derive(Clone, Debug)]
pub struct JwksService(Issuer);

impl<B> Service<Request<B>> for JwksService {
    type Response = Response<EndpointBody>;
    type Error = Infallible;
    type Future = Ready<Result<Response<EndpointBody>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // A server leaves the body out of its answer to HEAD.
        ready(Ok(match *request.method() {
            Method::GET | Method::HEAD => answer(request.headers(), self.0.jwks()),
            _ => not_allowed("GET, HEAD"),
        }))
    }
}

fn answer(headers: &HeaderMap, jwks: String) -> Response<EndpointBody> {
    let digest = Sha256::digest(&jwks);
    let tag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(&digest[..16]));
    let is_known = is_among(headers, &tag);
    let mut response = Response::new(EndpointBody::default());
    let head = response.headers_mut();
    let tag = HeaderValue::try_from(tag).expect("base64url in quotes");
    head.insert(ETAG, tag);
    head.insert(CACHE_CONTROL, HeaderValue::from_static(CACHE));
    if is_known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return response;
    }
    let json = HeaderValue::from_static("application/jwk-set+json");
    head.insert(CONTENT_TYPE, json);
    *response.body_mut() = jwks.into();
    response
}

/// Whether `tag` is one that the client has (RFC 9110 section 13.1.2, compared weakly).
fn is_among(headers: &HeaderMap, tag: &str) -> bool {
    let values = headers.get_all(IF_NONE_MATCH).into_iter();
    let mut tags = values.flat_map(|value| value.as_bytes().split(|b| *b == b','));
    tags.any(|one| {
        let one = one.trim_ascii();
        one == b"*" || one.strip_prefix(b"W/").unwrap_or(one) == tag.as_bytes()
    })
}
