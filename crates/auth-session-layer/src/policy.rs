//! What a layer does for OWASP ASVS 5.0 V7.

use std::{fmt, time::Duration};

use auth_core::{
    policy::{
        Coverage::{Application, Configured, Enforced, Off},
        Policy,
    },
    store::{Lifetimes, Overflow, touch_interval},
};

use crate::{SessionTransport, config::Config};

impl Config {
    pub(crate) fn policy(&self) -> Policy {
        let Lifetimes { idle, absolute } = self.lifetimes;
        let limits = format!(
            "{} without use, {} in all, {}; logins may be given other limits",
            idle.map_or("any time".to_owned(), |idle| For(idle).to_string()),
            For(absolute),
            assurance(&self.lifetimes)
        );
        let policy = Policy::new("session").says("7.1.1", Application, limits);
        let policy = match self.login_limit {
            Some(limit) => policy.says(
                "7.1.2",
                Configured,
                format!(
                    "at most {} logins of a subject, of sessions and tokens; with one more, {}",
                    limit.max,
                    match limit.overflow {
                        Overflow::EndOldest => "the oldest is ended",
                        _ => "that one is refused",
                    }
                ),
            ),
            None => policy.says("7.1.2", Application, "no limit; max_logins() sets one"),
        };
        let policy = policy
            .says("7.1.3", Application, "this layer knows of no federation")
            .says("7.2.1", Enforced, "ids are looked up in the store")
            .says("7.2.2", Enforced, "each session has an id of its own")
            .says(
                "7.2.3",
                Enforced,
                "256 bits from the operating system; the store has only their SHA-256",
            )
            .says(
                "7.2.4",
                Enforced,
                "login() and reauthenticate() make a new id, and the old one is dead at once",
            );
        let policy = match idle {
            Some(idle) => policy.says(
                "7.3.1",
                Configured,
                format!(
                    "{}, enforced by the store; as a use is recorded every {}, a session may last \
                     that much longer",
                    For(idle),
                    For(touch_interval(idle))
                ),
            ),
            None => policy.says(
                "7.3.1",
                Off,
                "no limit unless a login has one; idle() sets it",
            ),
        };
        policy
            .says(
                "7.3.2",
                Enforced,
                format!(
                    "{}, enforced by the store; it can not be off",
                    For(absolute)
                ),
            )
            .says("7.4.1", Enforced, self.logout())
            .says("7.4.2", Application, "by revoke_subject()")
            .says("7.4.3", Application, "by end_other_logins()")
            .says("7.4.4", Application, "by logout()")
            .says("7.4.5", Application, "by revoke_subject() and revoke_all()")
            .says("7.5.1", Application, "by RequireFresh and reauthenticate()")
            .says(
                "7.5.2",
                Application,
                "by logins(), end_login() and end_all_logins(), behind RequireFresh",
            )
            .says("7.5.3", Application, "by RequireFresh and reauthenticate()")
            .says(
                "7.6.1",
                Application,
                "by limits of their own for logins, and end_login()",
            )
            .says(
                "7.6.2",
                Application,
                "nobody is logged in but by login(); protect its route against forged requests",
            )
    }

    fn logout(&self) -> String {
        let clears = match (&self.transport, self.clear_site_data) {
            (SessionTransport::Header(_), _) => "clients are told to forget the id",
            (_, true) => "the cookie is removed, and the browser told to clear the site's data",
            (_, false) => "the cookie is removed; clear_site_data() is off",
        };
        format!(
            "the record is ended in the store, and nothing brings it back; {clears}. Pages that are \
             not to be shown again need a Cache-Control of the application's"
        )
    }
}

/// Which level of NIST SP 800-63B-4 the limits are within.
fn assurance(limits: &Lifetimes) -> &'static str {
    let is_within = |level: &Lifetimes| {
        let idle = match (limits.idle, level.idle) {
            (_, None) => true,
            (None, Some(_)) => false,
            (Some(ours), Some(theirs)) => ours <= theirs,
        };
        idle && limits.absolute <= level.absolute
    };
    let levels = [
        (
            Lifetimes::AAL3,
            "within those of NIST SP 800-63B-4 for AAL3",
        ),
        (
            Lifetimes::AAL2,
            "within those of NIST SP 800-63B-4 for AAL2",
        ),
        (
            Lifetimes::AAL1,
            "within those of NIST SP 800-63B-4 for AAL1",
        ),
    ];
    let within = levels.into_iter().find(|(level, _)| is_within(level));
    within.map_or(
        "more than NIST SP 800-63B-4 has for any level",
        |(_, text)| text,
    )
}

/// A time span in the largest unit that is whole.
struct For(Duration);

impl fmt::Display for For {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0.as_millis();
        let units = [
            (86_400_000, "d"),
            (3_600_000, "h"),
            (60_000, "min"),
            (1_000, "s"),
        ];
        let whole = units
            .into_iter()
            .find(|(unit, _)| millis.is_multiple_of(*unit));
        let (unit, name) = whole.unwrap_or((1, "ms"));
        write!(f, "{} {name}", millis / unit)
    }
}
