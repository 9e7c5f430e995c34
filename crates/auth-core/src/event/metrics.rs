//! Events as counters.

use metrics::{counter, describe_counter};

use super::{Event, EventSink};

/// Counts events, by the recorder that is installed when they happen: see the
/// [table](crate::event#metrics).
#[derive(Clone, Copy, Default, Debug)]
#[must_use]
pub struct MetricsEvents(());

impl MetricsEvents {
    /// Describes the counters to the recorder that is installed now.
    pub fn new() -> Self {
        for (name, text) in [
            ("auth_logins_total", "logins that began"),
            ("auth_logins_refused_total", "logins that were refused"),
            ("auth_logouts_total", "logouts by clients"),
            ("auth_rotations_total", "sessions that got a new id"),
            ("auth_refreshes_total", "refresh tokens that were good"),
            (
                "auth_refresh_alarms_total",
                "refresh tokens that point at a theft or a loss of data",
            ),
            (
                "auth_provider_logouts_total",
                "logouts that an OpenID provider told of",
            ),
            ("auth_refusals_total", "requests and tokens refused"),
            (
                "auth_streams_ended_total",
                "streams that ended with their login",
            ),
            ("auth_revocations_total", "revocations that were made"),
            (
                "auth_unavailable_total",
                "questions that a store or a key set had no answer to",
            ),
            (
                "auth_data_losses_total",
                "lanes of which a server had lost data",
            ),
            (
                "auth_late_changes_total",
                "changes to a session after its response",
            ),
        ] {
            describe_counter!(name, text);
        }
        Self(())
    }
}

impl EventSink for MetricsEvents {
    fn event(&self, event: &Event) {
        let counter = match event {
            Event::LoggedIn { kind, .. } => counter!("auth_logins_total", "kind" => kind.as_str()),
            Event::LoginRefused { kind, reason, .. } => counter!(
                "auth_logins_refused_total", "kind" => kind.as_str(), "reason" => reason.as_str()
            ),
            Event::LoggedOut { kind, .. } => {
                counter!("auth_logouts_total", "kind" => kind.as_str())
            }
            Event::ProviderLogout { is_session, .. } => {
                let scope = if *is_session { "session" } else { "subject" };
                counter!("auth_provider_logouts_total", "scope" => scope)
            }
            Event::Rotated { .. } => counter!("auth_rotations_total"),
            Event::Refreshed { replayed, .. } => {
                let result = if *replayed { "replayed" } else { "advanced" };
                counter!("auth_refreshes_total", "result" => result)
            }
            Event::RefreshReused { .. } => alarm("reused"),
            Event::RefreshDataLost { .. } => alarm("data-lost"),
            Event::RefreshAdopted { .. } => alarm("adopted"),
            Event::RefreshAhead { .. } => alarm("ahead"),
            Event::Refused { kind, .. } => {
                counter!("auth_refusals_total", "reason" => kind.reason())
            }
            Event::StreamEnded { end, .. } => {
                counter!("auth_streams_ended_total", "reason" => end.as_str())
            }
            Event::Revoked { target, .. } => {
                counter!("auth_revocations_total", "target" => target.as_str())
            }
            Event::Unavailable { asked } => {
                counter!("auth_unavailable_total", "asked" => asked.as_str())
            }
            Event::DataLost { .. } => counter!("auth_data_losses_total"),
            Event::LateSessionChange => counter!("auth_late_changes_total"),
        };
        counter.increment(1);
    }
}

fn alarm(reason: &'static str) -> metrics::Counter {
    counter!("auth_refresh_alarms_total", "reason" => reason)
}
