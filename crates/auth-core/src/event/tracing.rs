//! Events as log records.

use tracing::{Level, event, field::display};

use super::{Event, EventSink};

/// Writes events as records of the `tracing` crate, under the target `auth`.
///
/// | level | events |
/// |---|---|
/// | warn | what is wrong with refresh tokens, no answer of a store, sessions changed too late |
/// | info | logins, logouts, revocations, logins refused, streams that ended |
/// | debug | refusals, refreshes, new ids |
///
/// Fields, where they apply: `event`, `kind`, `reason`, `login`, `subject`, `displaced` (a number).
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct TracingEvents {
    subjects: bool,
}

impl TracingEvents {
    /// With the subjects, which are personal data.
    pub const fn new() -> Self {
        Self { subjects: true }
    }

    /// Leaves the subjects out. The ids of logins stay, by which a store knows whose they are.
    pub const fn without_subjects(mut self) -> Self {
        self.subjects = false;
        self
    }
}

impl Default for TracingEvents {
    fn default() -> Self {
        Self::new()
    }
}

/// One record.
#[derive(Default)]
struct Record {
    name: &'static str,
    kind: Option<&'static str>,
    reason: Option<&'static str>,
    displaced: Option<usize>,
    ended: Option<usize>,
}

impl Record {
    fn new(name: &'static str) -> Self {
        Self {
            name,
            ..Self::default()
        }
    }

    fn kind(mut self, kind: &'static str) -> Self {
        self.kind = Some(kind);
        self
    }

    fn reason(mut self, reason: &'static str) -> Self {
        self.reason = Some(reason);
        self
    }
}

impl EventSink for TracingEvents {
    fn event(&self, event: &Event) {
        let (level, record) = record(event);
        let subject = event.subject().filter(|_| self.subjects);
        let login = event.login().map(display);
        // The level is part of a record's call site.
        macro_rules! write_at {
            ($level:expr) => {
                event!(
                    target: "auth",
                    $level,
                    event = record.name,
                    kind = record.kind,
                    reason = record.reason,
                    login,
                    subject,
                    displaced = record.displaced,
                    ended = record.ended,
                )
            };
        }
        match level {
            Level::WARN => write_at!(Level::WARN),
            Level::INFO => write_at!(Level::INFO),
            _ => write_at!(Level::DEBUG),
        }
    }
}

fn record(event: &Event) -> (Level, Record) {
    match event {
        Event::LoggedIn {
            kind, displaced, ..
        } => {
            let record = Record {
                displaced: Some(displaced.len()),
                ..Record::new("logged_in").kind(kind.as_str())
            };
            (Level::INFO, record)
        }
        Event::LoginRefused { kind, reason, .. } => {
            let record = Record::new("login_refused").kind(kind.as_str());
            (Level::INFO, record.reason(reason.as_str()))
        }
        Event::LoggedOut { kind, .. } => {
            let record = Record::new("logged_out").kind(kind.as_str());
            (Level::INFO, record)
        }
        Event::ProviderLogout {
            is_session, ended, ..
        } => {
            let scope = if *is_session { "session" } else { "subject" };
            let record = Record {
                ended: Some(*ended),
                ..Record::new("provider_logout").kind(scope)
            };
            (Level::INFO, record)
        }
        Event::Rotated { .. } => (Level::DEBUG, Record::new("rotated")),
        Event::Refreshed { replayed, .. } => {
            let result = if *replayed { "replayed" } else { "advanced" };
            (Level::DEBUG, Record::new("refreshed").reason(result))
        }
        Event::RefreshReused { .. } => (Level::WARN, Record::new("refresh_reused")),
        Event::RefreshDataLost { .. } => (Level::WARN, Record::new("refresh_data_lost")),
        Event::RefreshAdopted { .. } => (Level::WARN, Record::new("refresh_adopted")),
        Event::RefreshAhead { .. } => (Level::WARN, Record::new("refresh_ahead")),
        Event::Refused { kind, .. } => (Level::DEBUG, Record::new("refused").reason(kind.reason())),
        Event::StreamEnded { end, .. } => (
            Level::INFO,
            Record::new("stream_ended").reason(end.as_str()),
        ),
        Event::Revoked { target, .. } => {
            (Level::INFO, Record::new("revoked").kind(target.as_str()))
        }
        Event::Unavailable { asked } => (
            Level::WARN,
            Record::new("unavailable").reason(asked.as_str()),
        ),
        Event::DataLost { .. } => (Level::WARN, Record::new("data_lost")),
        Event::LateSessionChange => (Level::WARN, Record::new("late_session_change")),
    }
}
