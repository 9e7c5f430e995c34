//! Extractors for axum handlers.

use auth_core::{
    Caller, InvalidToken, Rejection, RejectionKind, Unavailable,
    rejection::{DefaultRejections, Protocol, reject},
};
use axum_core::{
    extract::{FromRequestParts, OptionalFromRequestParts},
    response::{IntoResponse, Response},
};
use http::{StatusCode, request::Parts};
use serde::de::DeserializeOwned;

use crate::{Claims, NoClaims};

/// Refuses with 401 a caller whom no token proved, or whose claims are not of this type, and with 503 one whose token
/// can not be judged now.
impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Claims<T> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Self::from_extensions(&parts.extensions).map_err(|why| refusal(parts, why))
    }
}

/// None if no token proved the caller.
impl<S: Send + Sync, T: DeserializeOwned> OptionalFromRequestParts<S> for Claims<T> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Self::Rejection> {
        match Self::from_extensions(&parts.extensions) {
            Ok(claims) => Ok(Some(claims)),
            Err(NoClaims::NoToken) if unavailable(parts).is_none() => Ok(None),
            Err(why) => Err(refusal(parts, why)),
        }
    }
}

/// Whether there was a token that could not be judged: that is not nobody.
fn unavailable(parts: &Parts) -> Option<Unavailable> {
    let caller = parts.extensions.get::<Caller>()?;
    caller.principal_now()?.err()
}

fn refusal(parts: &Parts, why: NoClaims) -> Response {
    let challenge = parts.extensions.get::<Caller>().map(Caller::challenge);
    let kind = match why {
        NoClaims::MissingLayer => {
            return (StatusCode::INTERNAL_SERVER_ERROR, why.to_string()).into_response();
        }
        NoClaims::NoToken => match unavailable(parts) {
            Some(why) => RejectionKind::Unavailable(why),
            None => RejectionKind::Unauthenticated,
        },
        NoClaims::WrongType => RejectionKind::InvalidToken(InvalidToken::Claims),
    };
    let protocol = Protocol::of(&parts.method, &parts.headers);
    let challenge = challenge.unwrap_or_default();
    reject(
        &DefaultRejections,
        Rejection::new(kind, protocol, challenge),
        None,
    )
}
