//! The one service behind all guards.

use std::{
    fmt, mem,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use http::{Request, Response};
use tower_service::Service;

use super::{ResponseFuture, login_page::LoginPage};
use crate::{
    Caller, Challenge, Event, Principal, Rejection, RejectionHandler, RejectionKind, Timestamp,
    Unavailable,
    rejection::{Protocol, reject},
};

/// How far ahead of us the clock may be by which somebody logged in.
const MAX_SKEW: Duration = Duration::from_secs(60);

/// What a guard asks of a principal.
#[derive(Clone)]
pub(super) enum Policy {
    /// To be one.
    Anybody,
    /// All of these scopes.
    Scopes(crate::Scopes),
    /// To have proven who they are within `max_age`.
    Fresh {
        max_age: Duration,
        clock: Arc<dyn crate::Clock>,
    },
}

impl Policy {
    fn check(&self, principal: &Principal) -> Result<(), RejectionKind> {
        match self {
            Self::Anybody => Ok(()),
            Self::Scopes(scopes) if principal.scopes().is_superset(scopes) => Ok(()),
            Self::Scopes(scopes) => Err(RejectionKind::InsufficientScope(scopes.clone())),
            Self::Fresh { max_age, clock } => {
                let now = clock.now();
                let is_fresh =
                    |at: Timestamp| at <= now.plus(MAX_SKEW) && now.since(at) <= *max_age;
                if principal.auth_time().is_some_and(is_fresh) {
                    Ok(())
                } else {
                    Err(RejectionKind::InsufficientAuthentication(*max_age))
                }
            }
        }
    }
}

/// What guards of all kinds share.
pub(super) struct Settings<H> {
    pub(super) policy: Policy,
    pub(super) login_page: Option<LoginPage>,
    /// Guards only requests for this path.
    pub(super) only_path: Option<String>,
    pub(super) handler: H,
}

/// The service that the layers [`RequireAuth`](super::RequireAuth),
/// [`RequireScope`](super::RequireScope) and [`RequireFresh`](super::RequireFresh) make.
pub struct Guard<S, H> {
    inner: S,
    settings: Arc<Settings<H>>,
}

impl<S, H> Guard<S, H> {
    pub(super) fn new(inner: S, settings: Arc<Settings<H>>) -> Self {
        Self { inner, settings }
    }
}

impl<S: Clone, H> Clone for Guard<S, H> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            settings: Arc::clone(&self.settings),
        }
    }
}

impl<S: fmt::Debug, H> fmt::Debug for Guard<S, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}

impl<S, H, ReqBody, ResBody> Service<Request<ReqBody>> for Guard<S, H>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>> + Clone,
    H: RejectionHandler<ResBody>,
{
    type Response = Response<ResBody>;
    type Error = S::Error;
    type Future = ResponseFuture<S, H, ReqBody, ResBody>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        if !self.settings.concerns(&request) {
            return ResponseFuture::inner(self.inner.call(request));
        }
        let resolved = match request.extensions().get::<Caller>() {
            None => Ok(None),
            Some(caller) => match caller.principal_now() {
                Some(resolved) => resolved,
                None => {
                    let caller = caller.clone();
                    // The service that was ready goes into the future; a clone waits its turn.
                    let clone = self.inner.clone();
                    let ready = mem::replace(&mut self.inner, clone);
                    let settings = Arc::clone(&self.settings);
                    return ResponseFuture::resolving(caller, ready, request, settings);
                }
            },
        };
        match self.settings.decide(&mut request, resolved) {
            Ok(()) => ResponseFuture::inner(self.inner.call(request)),
            Err(refusal) => ResponseFuture::refused(refusal),
        }
    }
}

impl<H> Settings<H> {
    fn concerns<ReqBody>(&self, request: &Request<ReqBody>) -> bool {
        let path = request.uri().path();
        self.only_path.as_ref().is_none_or(|only| only == path)
    }

    /// Lets the request through, with its principal in its extensions, or gives the refusal.
    pub(super) fn decide<ReqBody, ResBody>(
        &self,
        request: &mut Request<ReqBody>,
        resolved: Result<Option<Principal>, Unavailable>,
    ) -> Result<(), Response<ResBody>>
    where
        H: RejectionHandler<ResBody>,
    {
        let caller = request.extensions().get::<Caller>();
        let mut principal = None;
        let (kind, challenge) = match resolved {
            Err(unavailable) => (
                RejectionKind::Unavailable(unavailable),
                Challenge::default(),
            ),
            Ok(None) => {
                let challenge = caller.map(Caller::challenge).unwrap_or_default();
                (RejectionKind::Unauthenticated, challenge)
            }
            Ok(Some(found)) => match self.policy.check(&found) {
                Ok(()) => {
                    // A guard further out has put it there, mostly.
                    let there = request.extensions().get::<Principal>();
                    if !there.is_some_and(|there| there.is(&found)) {
                        request.extensions_mut().insert(found);
                    }
                    return Ok(());
                }
                Err(kind) => {
                    let challenge = caller.map(|c| c.challenge_for(&found));
                    principal = Some(found);
                    (kind, challenge.unwrap_or_default())
                }
            },
        };
        if let Some(caller) = caller {
            caller.tell(|| Event::refused(kind.clone(), principal.as_ref()));
        }
        let asks_for_session = challenge.is_session();
        let unauthenticated = kind == RejectionKind::Unauthenticated;
        let protocol = Protocol::of(request.method(), request.headers());
        let mut response = reject(
            &self.handler,
            Rejection::new(kind, protocol, challenge),
            None,
        );
        if let Some(page) = &self.login_page
            && unauthenticated
            && asks_for_session
        {
            page.redirect(request, &mut response);
        }
        Err(response)
    }
}
