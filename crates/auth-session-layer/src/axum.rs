//! Extractors for axum handlers.

use auth_core::{
    Challenge, Rejection,
    rejection::{DefaultRejections, Protocol, reject},
};
use axum_core::{
    extract::FromRequestParts,
    response::{IntoResponse, Response},
};
use http::{StatusCode, request::Parts};

use crate::{Session, SessionError};

/// No [`SessionLayer`](crate::SessionLayer) is stacked around the handler: a mistake in the
/// program, answered 500.
#[derive(Clone, Copy, Debug)]
pub struct MissingSessionLayer;

impl IntoResponse for MissingSessionLayer {
    fn into_response(self) -> Response {
        let text = "no session layer is stacked around this handler";
        (StatusCode::INTERNAL_SERVER_ERROR, text).into_response()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Session {
    type Rejection = MissingSessionLayer;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Self::from_extensions(&parts.extensions).ok_or(MissingSessionLayer)
    }
}

/// Answers with [`status`](SessionError::status), and by the response table where that has a row:
/// for handlers that pass an error on with `?`.
impl IntoResponse for SessionError {
    fn into_response(self) -> Response {
        let status = self.status();
        if matches!(
            status,
            StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE
        ) {
            return status.into_response();
        }
        // Only of use to the one who reads it: browsers know no such scheme.
        let challenge = Challenge::session("session".into());
        let rejection = Rejection::new(self.rejection(), Protocol::HTTP, challenge);
        reject(&DefaultRejections, rejection, None)
    }
}
