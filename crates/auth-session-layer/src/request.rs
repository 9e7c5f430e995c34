//! What a request needs besides its handler.

use std::sync::Arc;

use auth_core::{
    Challenge, Event, Principal, Rejection, RejectionHandler, RejectionKind, Unavailable,
    rejection::{Protocol, reject},
};
use http::{
    HeaderMap, HeaderName, HeaderValue, Request, Response, header::CACHE_CONTROL, response,
};

use crate::{SessionError, SessionErrorKind, config::Settings, shared::Shared, state::Told};

const CLEAR_SITE_DATA: HeaderName = HeaderName::from_static("clear-site-data");

/// The session of a request that has not been answered yet. Dropped, it can not be changed any
/// more: its handler is over, however it ended.
pub(crate) struct OpenSession<H> {
    shared: Arc<Shared>,
    protocol: Protocol,
    settings: Arc<Settings<H>>,
    is_closed: bool,
}

impl<H> OpenSession<H> {
    pub(crate) fn new(shared: Arc<Shared>, protocol: Protocol, settings: Arc<Settings<H>>) -> Self {
        Self {
            shared,
            protocol,
            settings,
            is_closed: false,
        }
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Answers, if there is nothing to save.
    pub(crate) fn answer_if_idle<B>(
        &mut self,
        response: Response<B>,
    ) -> Result<Response<B>, Response<B>> {
        match self.shared.close_if_idle() {
            Some(told) => Ok(self.answer(told, response)),
            None => Err(response),
        }
    }

    /// The response of a handler whose changes were saved: nothing can be changed any more.
    pub(crate) fn answer<B>(&mut self, told: Told, mut response: Response<B>) -> Response<B> {
        self.is_closed = true;
        self.write_headers(told, response.headers_mut());
        response
    }

    /// The response instead of that of a handler whose changes were not saved.
    pub(crate) fn answer_failed<B>(&self, error: &SessionError, handled: Response<B>) -> Response<B>
    where
        H: RejectionHandler<B>,
    {
        let kind = error.rejection();
        let (handled, _body) = handled.into_parts();
        let mut response = self.refuse(kind, Some(&handled));
        // A step that was made before the one that failed still counts: without its cookie the
        // browser would lose the session that it has by now.
        if error.kind() != SessionErrorKind::Ended {
            let told = self.shared.state().tell();
            self.write_headers(told, response.headers_mut());
        }
        response
    }

    pub(crate) fn refuse<B>(
        &self,
        kind: RejectionKind,
        handled: Option<&response::Parts>,
    ) -> Response<B>
    where
        H: RejectionHandler<B>,
    {
        let events = &self.shared.config.events;
        events.tell(|| {
            let principal = self.shared.state().principal();
            Event::refused(
                kind.clone(),
                principal.and_then(Result::ok).flatten().as_ref(),
            )
        });
        // No row that a session is refused with has a challenge.
        let rejection = Rejection::new(kind, self.protocol.clone(), Challenge::default());
        reject(&self.settings.rejections, rejection, handled)
    }

    fn write_headers(&self, told: Told, headers: &mut HeaderMap) {
        if let Some(cookie) = told.cookie {
            let transport = &self.shared.config.transport;
            transport.write(headers, cookie);
            for removal in &self.shared.stale {
                transport.write(headers, removal.clone());
            }
            if !forbids_storing(headers) {
                headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
            }
        }
        if told.logged_out && self.shared.config.clear_site_data {
            let value = HeaderValue::from_static("\"cookies\", \"storage\"");
            headers.insert(CLEAR_SITE_DATA, value);
        }
    }
}

impl<H> Drop for OpenSession<H> {
    fn drop(&mut self) {
        if !self.is_closed {
            self.shared.close();
        }
    }
}

/// Whether no cache may keep the response (RFC 9111 section 5.2.2.5).
fn forbids_storing(headers: &HeaderMap) -> bool {
    headers.get_all(CACHE_CONTROL).iter().any(|value| {
        value
            .as_bytes()
            .split(|b| *b == b',')
            .any(|directive| directive.trim_ascii().eq_ignore_ascii_case(b"no-store"))
    })
}

/// Puts the principal into the request's extensions, if there is one.
pub(crate) fn resolve<B>(
    request: &mut Request<B>,
    resolved: Result<Option<Principal>, Unavailable>,
) -> Result<(), RejectionKind> {
    if let Some(principal) = resolved.map_err(RejectionKind::Unavailable)? {
        request.extensions_mut().insert(principal);
    }
    Ok(())
}
