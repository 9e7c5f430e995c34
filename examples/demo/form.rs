//! Bodies that may be a form or JSON.

use axum::{
    Form, Json,
    extract::{FromRequest, Request},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::de::DeserializeOwned;

use crate::problem::Problem;

/// The body, by its content type: `application/json`, or else a form.
#[derive(Debug)]
pub(crate) struct FormOrJson<T>(pub(crate) T);

impl<S, T> FromRequest<S> for FormOrJson<T>
where
    S: Send + Sync,
    T: DeserializeOwned,
{
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Self::Rejection> {
        let is_json = request
            .headers()
            .get(header::CONTENT_TYPE)
            .is_some_and(|value| value.as_bytes().starts_with(b"application/json"));
        let read = if is_json {
            let read = Json::from_request(request, state).await;
            read.map(|Json(body)| body).map_err(|error| error.status())
        } else {
            let read = Form::from_request(request, state).await;
            read.map(|Form(body)| body).map_err(|error| error.status())
        };
        read.map(Self).map_err(|status| {
            // A body that says something else than what was asked for is a bad request, too.
            let status = match status {
                StatusCode::PAYLOAD_TOO_LARGE | StatusCode::UNSUPPORTED_MEDIA_TYPE => status,
                _ => StatusCode::BAD_REQUEST,
            };
            Problem::new(status, "the body is not what this route takes").into_response()
        })
    }
}
