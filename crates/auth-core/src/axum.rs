//! Extractors for axum handlers.

use std::fmt;

use axum_core::{
    extract::{FromRef, FromRequestParts, OptionalFromRequestParts},
    response::{IntoResponse, Response},
};
use http::{StatusCode, request::Parts};

use crate::{
    Caller, Challenge, Event, Principal, Rejection, RejectionKind, Unavailable, UserError,
    UserLoader,
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
        principal.ok_or_else(|| unauthenticated(parts))
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
        let principal = caller.principal().await;
        principal.map_err(|why| unavailable(parts, why))
    }
}

/// The application's own user, found by a [`UserLoader`] that is, or is part of, the router's state.
///
/// Nobody is refused with 401, and so is a principal whose user there is not any more; as
/// `Option<CurrentUser<_>>` it is None. If the store can not tell, that is 503; an error of the
/// loader is answered as the application answers it.
///
/// ```
/// # use auth_core::{CurrentUser, Principal, UserLoader};
/// # #[derive(Clone)] struct App;
/// # #[derive(Clone)] struct User { name: String }
/// # impl UserLoader for App {
/// #     type User = User;
/// #     type Error = std::convert::Infallible;
/// #     async fn load_user(&self, _: &Principal) -> Result<Option<User>, Self::Error> { Ok(None) }
/// # }
/// async fn greet(CurrentUser(user): CurrentUser<App>) -> String {
///     format!("hello {}", user.name)
/// }
/// ```
pub struct CurrentUser<L: UserLoader>(pub L::User);

impl<L: UserLoader> Clone for CurrentUser<L> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<L: UserLoader<User: fmt::Debug>> fmt::Debug for CurrentUser<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CurrentUser").field(&self.0).finish()
    }
}

impl<S, L> FromRequestParts<S> for CurrentUser<L>
where
    S: Send + Sync,
    L: UserLoader<Error: IntoResponse> + FromRef<S>,
{
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let user = <Self as OptionalFromRequestParts<S>>::from_request_parts(parts, state).await?;
        user.ok_or_else(|| unauthenticated(parts))
    }
}

impl<S, L> OptionalFromRequestParts<S> for CurrentUser<L>
where
    S: Send + Sync,
    L: UserLoader<Error: IntoResponse> + FromRef<S>,
{
    type Rejection = Response;

    async fn from_request_parts(
        parts: &mut Parts,
        state: &S,
    ) -> Result<Option<Self>, Self::Rejection> {
        let caller = <Caller as FromRequestParts<S>>::from_request_parts(parts, state)
            .await
            .map_err(IntoResponse::into_response)?;
        match caller.user(&L::from_ref(state)).await {
            Ok(user) => Ok(user.map(Self)),
            Err(UserError::Unavailable(why)) => Err(unavailable(parts, why)),
            Err(UserError::Loader(error)) => Err(error.into_response()),
        }
    }
}

fn unauthenticated(parts: &Parts) -> Response {
    let caller = parts.extensions.get::<Caller>();
    let challenge = caller.map(Caller::challenge).unwrap_or_default();
    refusal(parts, RejectionKind::Unauthenticated, challenge)
}

fn unavailable(parts: &Parts, why: Unavailable) -> Response {
    refusal(parts, RejectionKind::Unavailable(why), Challenge::default())
}

fn refusal(parts: &Parts, kind: RejectionKind, challenge: Challenge) -> Response {
    if let Some(caller) = parts.extensions.get::<Caller>() {
        caller.tell(|| Event::refused(kind.clone(), None));
    }
    Rejection::new(kind, Protocol::of(&parts.method, &parts.headers), challenge).into_response()
}
