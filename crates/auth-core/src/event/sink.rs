//! Where events go.

use std::{fmt, sync::Arc};

use super::{Asked, Event};
use crate::{Principal, RejectionKind, StoreError, store::Revocation};

/// Where events go. A closure is one, too; so is an `Arc` of one, and a pair of two.
///
/// Called in the request's path: must not block.
pub trait EventSink: Send + Sync + 'static {
    /// Takes one event.
    fn event(&self, event: &Event);
}

impl<F: Fn(&Event) + Send + Sync + 'static> EventSink for F {
    fn event(&self, event: &Event) {
        self(event);
    }
}

impl<E: EventSink + ?Sized> EventSink for Arc<E> {
    fn event(&self, event: &Event) {
        (**self).event(event);
    }
}

impl<A: EventSink, B: EventSink> EventSink for (A, B) {
    fn event(&self, event: &Event) {
        self.0.event(event);
        self.1.event(event);
    }
}

impl fmt::Debug for dyn EventSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EventSink")
    }
}

/// The sink of a layer, an issuer or a store, if it was given one. Cheap to clone. For authors of
/// such.
#[derive(Clone, Default, Debug)]
pub struct Events(Option<Arc<dyn EventSink>>);

impl Events {
    /// Tells everything to `sink`.
    pub fn to(sink: impl EventSink) -> Self {
        Self(Some(Arc::new(sink)))
    }

    /// Tells the event, which is only made if somebody listens.
    pub fn tell(&self, event: impl FnOnce() -> Event) {
        if let Some(sink) = &self.0 {
            sink.event(&event());
        }
    }

    /// For stores: tells of a revocation that was made, or is not known to have been.
    pub fn tell_revocation(&self, revocation: &Revocation, made: &Result<(), StoreError>) {
        self.tell(|| match made {
            Ok(()) => Event::revoked(revocation),
            Err(_) => Event::Unavailable {
                asked: Asked::Revocation,
            },
        });
    }

    /// Whether somebody listens.
    pub(crate) fn is_heard(&self) -> bool {
        self.0.is_some()
    }
}

impl Event {
    /// For layers: that a request was refused, of this principal if that was proven.
    pub fn refused(kind: RejectionKind, principal: Option<&Principal>) -> Self {
        let principal = Self::of(principal);
        Self::Refused { kind, principal }
    }

    /// What an event carries of a principal.
    pub(crate) fn of(principal: Option<&Principal>) -> Option<(String, Option<crate::LoginId>)> {
        principal.map(|principal| (principal.subject().to_owned(), principal.login()))
    }
}
