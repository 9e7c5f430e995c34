//! The service that the layer makes.

use std::{
    fmt, mem,
    sync::Arc,
    task::{Context, Poll},
};

use auth_core::{
    Caller, Challenge, Event, Principal, Rejection, RejectionHandler, RejectionKind, TokenOutcome,
    Unavailable,
    rejection::{Protocol, reject},
};
use http::{Request, Response};
use tower_service::Service;

use super::{
    OnInvalid, ResponseFuture,
    builder::Settings,
    examine::Examined,
    future::{Answer, Question},
};

/// The service that a [`JwtLayer`](super::JwtLayer) makes.
pub struct Jwt<S, H> {
    inner: S,
    settings: Arc<Settings<H>>,
}

impl<S, H> Jwt<S, H> {
    pub(super) fn new(inner: S, settings: Arc<Settings<H>>) -> Self {
        Self { inner, settings }
    }
}

impl<S: Clone, H> Clone for Jwt<S, H> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            settings: Arc::clone(&self.settings),
        }
    }
}

impl<S: fmt::Debug, H> fmt::Debug for Jwt<S, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jwt")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}

impl<S, H, ReqBody, ResBody> Service<Request<ReqBody>> for Jwt<S, H>
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
        let examined = self.settings.examiner.examine(request.headers(), false);
        match self.settings.proceed(&mut request, examined) {
            Next::Inner => ResponseFuture::inner(self.inner.call(request)),
            Next::Refuse(response) => ResponseFuture::refused(response),
            Next::Wait(question) => {
                // The service that was ready goes into the future; a clone waits its turn.
                let clone = self.inner.clone();
                let ready = mem::replace(&mut self.inner, clone);
                let settings = Arc::clone(&self.settings);
                ResponseFuture::waiting(question, ready, request, settings)
            }
        }
    }
}

/// What happens to a request next.
pub(super) enum Next<ResBody> {
    Inner,
    Refuse(Response<ResBody>),
    Wait(Question),
}

impl<H> Settings<H> {
    /// Goes on with what is known of the request's token.
    pub(super) fn proceed<ReqBody, ResBody>(
        &self,
        request: &mut Request<ReqBody>,
        examined: Examined,
    ) -> Next<ResBody>
    where
        H: RejectionHandler<ResBody>,
    {
        let mut details = None;
        let outcome = match examined {
            Examined::Proven(proof) => {
                self.examiner.presented(&proof.token);
                details = Some(proof.token.into_details());
                TokenOutcome::Proven(proof.principal)
            }
            Examined::Absent => TokenOutcome::Absent,
            Examined::Refused(kind) if self.on_invalid == OnInvalid::Refuse => {
                return Next::Refuse(self.refuse(request, kind));
            }
            // Whoever needs to know who it is refuses the request then, and tells.
            Examined::Refused(RejectionKind::Unavailable(why)) => TokenOutcome::Unavailable(why),
            Examined::Refused(kind) => {
                self.tell_refused(kind);
                TokenOutcome::Refused
            }
            Examined::AwaitKeys(keys) => {
                return Next::Wait(Box::pin(async move {
                    keys.await;
                    Answer::Keys
                }));
            }
            Examined::Ask(query, proof) => {
                let verdict = self.examiner.ask(query, &proof.principal);
                return Next::Wait(Box::pin(async move {
                    Answer::Verdict(verdict.await, query, proof)
                }));
            }
        };
        let extensions = request.extensions_mut();
        let authority = &self.authority;
        let caller = Caller::join_token_with(extensions, outcome, details, authority);
        if !self.required {
            return Next::Inner;
        }
        match caller.principal_now().ok_or_else(|| caller.clone()) {
            Ok(found) => self.require(request, found),
            Err(caller) => Next::Wait(Box::pin(
                async move { Answer::Caller(caller.principal().await) },
            )),
        }
    }

    /// Goes on with what was waited for.
    pub(super) fn resume<ReqBody, ResBody>(
        &self,
        request: &mut Request<ReqBody>,
        answer: Answer,
    ) -> Next<ResBody>
    where
        H: RejectionHandler<ResBody>,
    {
        match answer {
            Answer::Keys => {
                let examined = self.examiner.examine(request.headers(), true);
                self.proceed(request, examined)
            }
            Answer::Verdict(verdict, query, proof) => {
                let settled = self.examiner.settle(verdict, &query, proof);
                self.proceed(request, settled)
            }
            Answer::Caller(found) => self.require(request, found),
        }
    }

    fn require<ReqBody, ResBody>(
        &self,
        request: &Request<ReqBody>,
        found: Result<Option<Principal>, Unavailable>,
    ) -> Next<ResBody>
    where
        H: RejectionHandler<ResBody>,
    {
        let kind = match found {
            Ok(Some(_)) => return Next::Inner,
            Ok(None) => RejectionKind::Unauthenticated,
            Err(why) => RejectionKind::Unavailable(why),
        };
        Next::Refuse(self.refuse(request, kind))
    }

    fn refuse<ReqBody, ResBody>(
        &self,
        request: &Request<ReqBody>,
        kind: RejectionKind,
    ) -> Response<ResBody>
    where
        H: RejectionHandler<ResBody>,
    {
        self.tell_refused(kind.clone());
        let challenge = Challenge::bearer(Arc::clone(&self.challenge_realm));
        let rejection = Rejection::new(
            kind,
            Protocol::of(request.method(), request.headers()),
            challenge,
        );
        reject(&self.rejections, rejection, None)
    }

    fn tell_refused(&self, kind: RejectionKind) {
        let events = self.examiner.events();
        events.tell(|| Event::refused(kind, None));
    }
}
