//! What a request needs besides its handler.

use std::sync::Arc;

use auth_core::{
    Challenge, Event, Principal, Rejection, RejectionHandler, RejectionKind, Unavailable,
    rejection::{Protocol, reject},
};
use http::{
    HeaderMap, HeaderName, HeaderValue, Request, Response, header::CACHE_CONTROL, response,
};

use crate::{SessionError, SessionErrorKind, shared::Shared};

const CLEAR_SITE_DATA: HeaderName = HeaderName::from_static("clear-site-data");

/// The session of a request that has not been answered yet. Dropped, it can not be changed any
/// more: its handler is over, however it ended.
pub(crate) struct OpenSession<H> {
    shared: Arc<Shared>,
    protocol: Protocol,
    rejections: Arc<H>,
}

impl<H> OpenSession<H> {
    pub(crate) fn new(shared: Arc<Shared>, protocol: Protocol, rejections: Arc<H>) -> Self {
        Self {
            shared,
            protocol,
            rejections,
        }
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// The response of a handler whose changes were saved.
    pub(crate) fn answer<B>(&self, mut response: Response<B>) -> Response<B> {
        self.write_headers(response.headers_mut());
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
            self.write_headers(response.headers_mut());
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
        reject(&*self.rejections, rejection, handled)
    }

    fn write_headers(&self, headers: &mut HeaderMap) {
        let (cookie, logged_out) = {
            let mut state = self.shared.state();
            // Clearing would take the cookie of a session that has begun since the logout.
            (
                state.cookie.take(),
                state.logged_out && state.live().is_none(),
            )
        };
        if let Some(cookie) = cookie {
            let transport = &self.shared.config.transport;
            transport.write(headers, cookie);
            for removal in &self.shared.stale {
                transport.write(headers, removal.clone());
            }
            if !forbids_storing(headers) {
                headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
            }
        }
        if logged_out && self.shared.config.clear_site_data {
            let value = HeaderValue::from_static("\"cookies\", \"storage\"");
            headers.insert(CLEAR_SITE_DATA, value);
        }
    }
}

impl<H> Drop for OpenSession<H> {
    fn drop(&mut self) {
        self.shared.close();
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
