//! The service that the layer makes.

use std::{
    fmt, mem,
    sync::Arc,
    task::{Context, Poll},
};

use auth_core::{
    Caller, RejectionHandler,
    rejection::{DefaultRejections, Protocol},
};
use http::{Request, Response};
use tower_service::Service;

use crate::{
    ResponseFuture,
    config::Settings,
    request::{OpenSession, resolve},
    shared::Shared,
};

/// The service that [`SessionLayer`](crate::SessionLayer) makes.
pub struct SessionManager<S, H = DefaultRejections> {
    inner: S,
    settings: Arc<Settings<H>>,
}

impl<S, H> SessionManager<S, H> {
    pub(crate) fn new(inner: S, settings: Arc<Settings<H>>) -> Self {
        Self { inner, settings }
    }
}

impl<S: Clone, H> Clone for SessionManager<S, H> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            settings: Arc::clone(&self.settings),
        }
    }
}

impl<S: fmt::Debug, H> fmt::Debug for SessionManager<S, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionManager")
            .field("inner", &self.inner)
            .field("config", &self.settings.config)
            .finish_non_exhaustive()
    }
}

impl<S, H, ReqBody, ResBody> Service<Request<ReqBody>> for SessionManager<S, H>
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
        let config = &self.settings.config;
        let shared = Arc::new(Shared::new(config, request.headers()));
        let protocol = Protocol::of(request.method(), request.headers());
        let session = OpenSession::new(Arc::clone(&shared), protocol, Arc::clone(&self.settings));
        let caller = Caller::join_session(request.extensions_mut(), shared, &config.authority);
        if !config.eager {
            return ResponseFuture::handling(self.inner.call(request), session);
        }
        match caller.principal_now().ok_or_else(|| caller.clone()) {
            Ok(resolved) => match resolve(&mut request, resolved) {
                Ok(()) => ResponseFuture::handling(self.inner.call(request), session),
                Err(unavailable) => ResponseFuture::refused(session.refuse(unavailable, None)),
            },
            Err(caller) => {
                // The service that was ready goes into the future; a clone waits its turn.
                let clone = self.inner.clone();
                let ready = mem::replace(&mut self.inner, clone);
                ResponseFuture::resolving(caller, ready, request, session)
            }
        }
    }
}
