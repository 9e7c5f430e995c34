//! What a layer was built with.

use std::{fmt, sync::Arc};

use auth_core::{
    Authority, Clock,
    event::Events,
    store::{Lifetimes, LoginLimit, SessionRecord, Sessions},
};
use http::HeaderValue;

use crate::{SessionTransport, id::SessionId};

pub(crate) struct Config {
    pub(crate) store: Arc<dyn Sessions>,
    pub(crate) lifetimes: Lifetimes,
    pub(crate) transport: SessionTransport,
    pub(crate) eager: bool,
    pub(crate) realm: Arc<str>,
    /// What a request's caller is told of this layer; made of the other settings.
    pub(crate) authority: Arc<Authority>,
    pub(crate) events: Events,
    pub(crate) clear_site_data: bool,
    pub(crate) login_limit: Option<LoginLimit>,
    pub(crate) clock: Arc<dyn Clock>,
}

/// What a layer shares with its services.
pub(crate) struct Settings<H> {
    pub(crate) config: Arc<Config>,
    pub(crate) rejections: H,
}

impl Config {
    /// What tells the client of the session `record`, which is under `id`.
    pub(crate) fn set_cookie(&self, id: &SessionId, record: &SessionRecord) -> HeaderValue {
        self.transport.set(id, record, self.clock.now())
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionLayer")
            .field("store", &self.store)
            .field("lifetimes", &self.lifetimes)
            .field("transport", &self.transport)
            .field("eager", &self.eager)
            .finish_non_exhaustive()
    }
}
