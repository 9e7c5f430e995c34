//! `POST /token/revoke`.

use http::StatusCode;

use super::{Answer, Answering, Endpoint, Params, bad_request, no_store, unavailable};
use crate::Issuer;

impl Issuer {
    /// The endpoint that clients revoke their tokens at (RFC 7009): an access token dies alone, a
    /// refresh token takes its login along. Whoever has a token may revoke it. It is to stand outside
    /// of a [`JwtLayer`](crate::JwtLayer).
    ///
    /// | answer | |
    /// |---|---|
    /// | 200 | the `token` is good for nothing, or never was |
    /// | 400 | `invalid_request`: there is no `token` |
    /// | 503 | with `Retry-After`: it is not known to have happened, ask again |
    ///
    /// `token_type_hint` is not needed, and so is not looked at.
    pub fn revoke_service(&self) -> Endpoint {
        Endpoint::new(Revoke(self.clone()))
    }
}

struct Revoke(Issuer);

impl Answer for Revoke {
    fn answer(&self, params: Params) -> Answering<'_> {
        Box::pin(async move {
            let Some(token) = params.token else {
                return bad_request("invalid_request");
            };
            match self.0.revoke(token.as_bytes()).await {
                Ok(()) => no_store(StatusCode::OK),
                Err(error) => unavailable(error.into()),
            }
        })
    }
}
