//! The innermost part: from a principal to an assertion.

use std::{
    convert::Infallible,
    fmt,
    future::{Ready, ready},
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use auth_core::{Principal, Unavailable};
use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use tower_service::Service;

use crate::{
    AssertionError, EndpointBody, Issuer,
    endpoint::{no_store, unavailable},
};

/// Answers with an assertion of who the caller is. Made by
/// [`ForwardAuth::behind`](super::ForwardAuth::behind), inside of a guard.
#[derive(Clone)]
pub struct AssertService {
    pub(super) issuer: Issuer,
    pub(super) audience: Arc<str>,
    pub(super) ttl: Duration,
    pub(super) header: HeaderName,
    pub(super) scheme: &'static str,
}

impl AssertService {
    fn answer(&self, principal: Option<&Principal>) -> Response<EndpointBody> {
        // The guard has put one there; a layer inside of it may have taken it away.
        let Some(principal) = principal else {
            return no_store(StatusCode::UNAUTHORIZED);
        };
        let assertion = match self.issuer.assertion(principal, &self.audience, self.ttl) {
            Ok(assertion) => format!("{}{assertion}", self.scheme),
            Err(AssertionError::Foreign) => return no_store(StatusCode::FORBIDDEN),
            Err(_) => return unavailable(Unavailable::default()),
        };
        let Ok(mut assertion) = HeaderValue::try_from(assertion) else {
            return unavailable(Unavailable::default());
        };
        assertion.set_sensitive(true);
        let mut response = no_store(StatusCode::OK);
        let headers = response.headers_mut();
        headers.insert(self.header.clone(), assertion);
        response
    }
}

impl<B> Service<Request<B>> for AssertService {
    type Response = Response<EndpointBody>;
    type Error = Infallible;
    type Future = Ready<Result<Response<EndpointBody>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        ready(Ok(self.answer(request.extensions().get())))
    }
}

impl fmt::Debug for AssertService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AssertService")
    }
}
