//! A login that a handler asks for.

use std::time::Duration;

use auth_core::{
    LoginId, ProviderLogin, Scopes,
    revocation::{MAX_LIFETIME, Op},
    store::{Epoch, Lifetimes},
};

use crate::{SessionError, SessionErrorKind};

/// What the list of devices calls a login has at most so many bytes.
const MAX_DEVICE_BYTES: usize = 255;

/// A subject has at most so many bytes, as in a token.
const MAX_SUBJECT_BYTES: usize = 1024;

/// A login, for [`Session::login`](crate::Session::login): who, with which rights, for how long.
#[derive(Clone, PartialEq, Debug)]
#[must_use]
pub struct Login {
    subject: String,
    scopes: Scopes,
    device: Option<String>,
    since: Option<Epoch>,
    persistent: bool,
    idle: Option<Option<Duration>>,
    absolute: Option<Duration>,
    drop_data: bool,
    provider: Option<ProviderLogin>,
}

impl Login {
    /// The login of `subject`: whatever the application names its users by. The application has
    /// checked that it is them.
    pub fn new(subject: impl Into<String>) -> Self {
        Self {
            subject: subject.into(),
            scopes: Scopes::default(),
            device: None,
            since: None,
            persistent: false,
            idle: None,
            absolute: None,
            drop_data: false,
            provider: None,
        }
    }

    /// What the session may do.
    pub fn scopes<I>(mut self, scopes: I) -> Self
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        self.scopes = Scopes::new(scopes);
        self
    }

    /// What the list of devices calls it, say from the user agent; cut off after 255 bytes.
    pub fn device(mut self, device: impl Into<String>) -> Self {
        let mut device = device.into();
        device.truncate(char_boundary(&device, MAX_DEVICE_BYTES));
        self.device = Some(device);
        self
    }

    /// Refuses the login if the subject's logins were revoked since `epoch`, read before the
    /// password was checked: so an old password does not survive its reset.
    pub fn since(mut self, epoch: Epoch) -> Self {
        self.since = Some(epoch);
        self
    }

    /// Whether the cookie outlives the browser: "remember me". It lasts as long as the login can,
    /// at most 400 days.
    pub fn persistent(mut self, persistent: bool) -> Self {
        self.persistent = persistent;
        self
    }

    /// Both limits at once, instead of the layer's: say [`Lifetimes::AAL1`] for "remember me".
    pub fn lifetimes(self, lifetimes: Lifetimes) -> Self {
        self.idle(lifetimes.idle).absolute(lifetimes.absolute)
    }

    /// Ends it when it was not used for so long, instead of the layer's limit; None: never.
    pub fn idle(mut self, idle: Option<Duration>) -> Self {
        self.idle = Some(idle);
        self
    }

    /// Ends it so long after it began, instead of the layer's limit. At most 400 days.
    pub fn absolute(mut self, absolute: Duration) -> Self {
        self.absolute = Some(absolute);
        self
    }

    /// Drops the session's data even where it would survive: that of an anonymous session, or of
    /// one of the same subject.
    pub fn drop_data(mut self, drop_data: bool) -> Self {
        self.drop_data = drop_data;
        self
    }

    /// It began with a login at somebody else's OpenID provider, by this ID token: the provider can
    /// end it by back-channel logout. The subject has at most 255 bytes then.
    ///
    /// A login whose session the provider has ended already is refused, as one that moved.
    pub fn provider(mut self, provider: ProviderLogin) -> Self {
        self.provider = Some(provider);
        self
    }

    /// The login with everything that the layer adds.
    pub(crate) fn start(self, defaults: &Lifetimes) -> Result<NewLogin, SessionError> {
        let absolute = self.absolute.unwrap_or(defaults.absolute);
        let idle = self.idle.unwrap_or(defaults.idle);
        let is_limit = |limit: Duration| !limit.is_zero();
        let provider = self.provider.as_ref();
        if self.subject.is_empty()
            || self.subject.len() > MAX_SUBJECT_BYTES
            || !is_limit(absolute)
            || absolute > MAX_LIFETIME
            || !idle.is_none_or(is_limit)
            || !provider.is_none_or(|provider| provider.is_sound_for(&self.subject))
        {
            return Err(SessionErrorKind::InvalidLogin.into());
        }
        Ok(NewLogin {
            subject: self.subject,
            login: LoginId::random(),
            scopes: self.scopes,
            device: self.device,
            since: self.since,
            persistent: self.persistent,
            lifetimes: Lifetimes {
                idle: idle.map(|idle| idle.min(absolute)),
                absolute,
            },
            drop_data: self.drop_data,
            provider: self.provider,
            admission: Op::random(),
        })
    }
}

/// A login on its way to the store.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct NewLogin {
    pub(crate) subject: String,
    pub(crate) login: LoginId,
    pub(crate) scopes: Scopes,
    pub(crate) device: Option<String>,
    pub(crate) since: Option<Epoch>,
    pub(crate) persistent: bool,
    pub(crate) lifetimes: Lifetimes,
    pub(crate) drop_data: bool,
    pub(crate) provider: Option<ProviderLogin>,
    pub(crate) admission: Op,
}

impl NewLogin {
    /// Whether the data stays, of a session that `subject` was logged in to before.
    pub(crate) fn keeps_data_of(&self, subject: Option<&str>) -> bool {
        !self.drop_data && subject.is_none_or(|subject| subject == self.subject)
    }
}

/// The last boundary between characters that is not after `index`. (`str::floor_char_boundary` is
/// younger than our oldest compiler.)
fn char_boundary(text: &str, index: usize) -> usize {
    let index = index.min(text.len());
    (0..=index)
        .rev()
        .find(|&i| text.is_char_boundary(i))
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEFAULTS: Lifetimes = Lifetimes {
        idle: Some(Duration::from_secs(1800)),
        absolute: Duration::from_secs(43_200),
    };

    #[test]
    fn a_login_has_the_layers_limits_unless_it_has_its_own() {
        let started = Login::new("alice").start(&DEFAULTS).expect("valid");
        assert_eq!(started.lifetimes, DEFAULTS);
        let login = Login::new("alice").absolute(Duration::from_secs(600));
        let started = login.start(&DEFAULTS).expect("valid");
        assert_eq!(started.lifetimes.absolute, Duration::from_secs(600));
        assert_eq!(started.lifetimes.idle, Some(Duration::from_secs(600)));
        let started = Login::new("alice")
            .idle(None)
            .start(&DEFAULTS)
            .expect("valid");
        assert_eq!(started.lifetimes.idle, None);
    }

    #[test]
    fn what_is_no_login_is_refused() {
        let rows = [
            ("nobody", Login::new("")),
            (
                "a name without end",
                Login::new("a".repeat(MAX_SUBJECT_BYTES + 1)),
            ),
            ("no time", Login::new("a").absolute(Duration::ZERO)),
            ("no idle time", Login::new("a").idle(Some(Duration::ZERO))),
            (
                "longer than revocations are remembered",
                Login::new("a").absolute(MAX_LIFETIME + Duration::from_secs(1)),
            ),
            ("for ever", Login::new("a").absolute(Duration::MAX)),
            (
                "of a provider without a name",
                Login::new("a").provider(ProviderLogin::new("", "a")),
            ),
            (
                "longer than a provider's may be",
                Login::new("a".repeat(256)).provider(ProviderLogin::new("i", "a")),
            ),
        ];
        for (row, login) in rows {
            let error = login.start(&DEFAULTS).expect_err(row);
            assert_eq!(error.kind(), SessionErrorKind::InvalidLogin, "{row}");
        }
    }

    #[test]
    fn a_long_device_label_is_cut_off_between_characters() {
        let login = Login::new("a").device("\u{e4}".repeat(200));
        assert_eq!(login.device.as_deref(), Some("\u{e4}".repeat(127).as_str()));
    }
}
