//! `POST /token/introspect`.

use auth_core::{RequireScope, guard::Guard};
use http::StatusCode;
use tower_layer::Layer;

use super::{Answer, Answering, Endpoint, Params, bad_request, response::json, unavailable};
use crate::Issuer;

/// The endpoint behind its guard.
pub type IntrospectService<H> = Guard<Endpoint, H>;

impl Issuer {
    /// The endpoint that other services ask about tokens at (RFC 7662), for callers with the scopes
    /// that `guard` requires. It can not be had without one: whoever may ask learns about everybody.
    ///
    /// It is to stand inside of the layers that identify callers; without one it refuses everybody.
    ///
    /// | answer | |
    /// |---|---|
    /// | 200 | [`Introspection`](crate::Introspection) as JSON; of what is no good token, `{"active":false}` |
    /// | 400 | `invalid_request`: there is no `token` |
    /// | 401, 403 | the guard's |
    /// | 503 | with `Retry-After`: the store can not tell |
    pub fn introspect_service<H>(&self, guard: RequireScope<H>) -> IntrospectService<H> {
        guard.layer(Endpoint::new(Introspect(self.clone())))
    }
}

struct Introspect(Issuer);

impl Answer for Introspect {
    fn answer(&self, params: Params) -> Answering<'_> {
        Box::pin(async move {
            let Some(token) = params.token else {
                return bad_request("invalid_request");
            };
            match self.0.introspect(token.as_bytes()).await {
                Ok(answer) => json(StatusCode::OK, &answer),
                Err(why) => unavailable(why),
            }
        })
    }
}
