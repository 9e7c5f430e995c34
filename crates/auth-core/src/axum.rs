//! Extractors for axum handlers.

use axum_core::{
    extract::{FromRequestParts, OptionalFromRequestParts},
    response::{IntoResponse, Response},
};
use http::{StatusCode, request::Parts};

use crate::{
    Caller, Challenge, Principal, Rejection, RejectionKind, Unavailable,
    rejection::{DefaultRejections, Protocol, reject},
};

impl IntoResponse for Rejection {
    /// Answers by the response table.
    fn into_response(self) -> Response {
        reject(&DefaultRejections, self, None)
    }
}

/// No auth layer is stacked around the handler: a mistake in the program, answered 500.
#[derive(Clone, Copy, Debug)]
pub struct MissingLayer;

impl IntoResponse for MissingLayer {
    fn into_response(self) -> Response {
        let text = "no session or token layer is stacked around this handler";
        (StatusCode::INTERNAL_SERVER_ERROR, text).into_response()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = MissingLayer;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        parts.extensions.get::<Self>().cloned().ok_or(MissingLayer)
    }
}

/// Resolves the caller; nobody is refused with 401, and 503 when the store can not tell.
impl<S: Send + Sync> FromRequestParts<S> for Principal {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let principal =
            <Self as OptionalFromRequestParts<S>>::from_request_parts(parts, state).await?;
        principal.ok_or_else(|| {
            let caller = parts.extensions.get::<Caller>();
            let challenge = caller.map(Caller::challenge).unwrap_or_default();
            refusal(parts, RejectionKind::Unauthenticated, challenge)
        })
    }
}

/// Resolves the caller; nobody is None, and 503 when the store can not tell.
impl<S: Send + Sync> OptionalFromRequestParts<S> for Principal {
    type Rejection = Response;

    async fn from_request_parts(
        parts: &mut Parts,
        state: &S,
    ) -> Result<Option<Self>, Self::Rejection> {
        let caller = <Caller as FromRequestParts<S>>::from_request_parts(parts, state)
            .await
            .map_err(IntoResponse::into_response)?;
        let unavailable = |why: Unavailable| {
            refusal(parts, RejectionKind::Unavailable(why), Challenge::default())
        };
        caller.principal().await.map_err(unavailable)
    }
}

fn refusal(parts: &Parts, kind: RejectionKind, challenge: Challenge) -> Response {
    Rejection::new(kind, Protocol::of(&parts.method, &parts.headers), challenge).into_response()
}
