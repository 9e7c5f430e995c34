//! What requests do, and what has to be true of their session afterwards.

use std::sync::Arc;

use auth_core::{
    LoginId,
    store::{SessionKey, SessionRecord},
};
use auth_session_layer::{Login, Session, SessionError};

/// What a request does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Act {
    Read,
    Write,
    Count,
    Login,
    Confirm,
    Rotate,
    Logout,
    LogoutKeepingData,
    EndAll,
}

pub(super) const ACTS: [Act; 9] = [
    Act::Read,
    Act::Write,
    Act::Count,
    Act::Login,
    Act::Confirm,
    Act::Rotate,
    Act::Logout,
    Act::LogoutKeepingData,
    Act::EndAll,
];

impl Act {
    pub(super) async fn run(
        self,
        session: &Session,
        name: &str,
        subject: &str,
    ) -> Result<(), SessionError> {
        match self {
            Self::Read => session.data().await.map(drop),
            Self::Write => session.data().await?.insert(name, "written"),
            Self::Count => {
                let more = |n: Option<u32>| Some(n.unwrap_or(0) + 1);
                session.data().await?.update("n", more)
            }
            Self::Login => session.login(Login::new(subject)).map(drop),
            Self::Confirm => session.reauthenticate().await,
            Self::Rotate => session.data().await.and_then(|_| session.rotate()),
            Self::Logout => session.logout().await,
            Self::LogoutKeepingData => session.logout_keeping_data().await,
            Self::EndAll => session.end_all_logins().await,
        }
    }

    /// Whether it is the end of the session's data.
    fn drops_data(self) -> bool {
        matches!(self, Self::Logout | Self::EndAll)
    }

    /// Whether the id that the session had is dead after it, if somebody was logged in or not.
    fn changes_id(self, logged_in: bool) -> bool {
        match self {
            Self::Read | Self::Write | Self::Count => false,
            Self::Login | Self::Rotate | Self::Logout => true,
            Self::Confirm | Self::LogoutKeepingData | Self::EndAll => logged_in,
        }
    }

    /// Whether it is the end of the login that the session had.
    fn ends_login(self) -> bool {
        self.drops_data() || matches!(self, Self::LogoutKeepingData | Self::Login)
    }
}

/// What came of a few requests.
pub(super) struct Outcome {
    pub(super) at: String,
    pub(super) acts: Vec<(Act, Option<u16>)>,
    /// For which of them a transition failed, whatever it was answered.
    pub(super) failed: Option<usize>,
    /// The sessions that are alive.
    pub(super) live: Vec<(SessionKey, Arc<SessionRecord>)>,
    pub(super) first: SessionKey,
    pub(super) first_login: Option<LoginId>,
    /// The logins that are listed.
    pub(super) listed: Vec<LoginId>,
    /// Whether the browser finds its cart, with the cookie that it has in the end.
    pub(super) has_cart: bool,
}

impl Outcome {
    fn done(&self, is: impl Fn(Act) -> bool) -> usize {
        let done = |(act, status): &&(Act, Option<u16>)| is(*act) && *status == Some(200);
        self.acts.iter().filter(done).count()
    }

    fn any(&self, is: impl Fn(Act) -> bool) -> bool {
        self.acts.iter().any(|(act, _)| is(*act))
    }

    fn is_cut(&self) -> bool {
        self.acts.iter().any(|(_, status)| status.is_none())
    }

    pub(super) fn check(&self) {
        let at = &self.at;
        for (act, status) in &self.acts {
            // Nothing is wrong with the store: what is refused was overtaken, and is told so.
            assert!(
                matches!(status, Some(200 | 409 | 418) | None),
                "{at}: {act:?}"
            );
        }
        let carts: Vec<_> = self
            .live
            .iter()
            .filter(|(_, record)| record.fields.get("cart").is_some())
            .collect();
        assert!(carts.len() <= 1, "{at}: the data is there twice");
        // Whether the session has moved on is not known where that could not be asked.
        let failed = self.failed.map(|at| self.acts[at]);
        let may_have_moved = failed.is_some_and(|(act, _)| act.drops_data());
        // A login whose answer was lost is taken back: the id of its session reached nobody.
        let may_be_lost = failed == Some((Act::Login, None));
        if self.done(Act::drops_data) > usize::from(may_have_moved) {
            assert!(carts.is_empty(), "{at}: it is back from the dead");
        } else if !self.any(Act::drops_data) && !may_be_lost {
            assert_eq!(carts.len(), 1, "{at}: the data is lost");
            assert!(self.has_cart || self.is_cut(), "{at}: its browser lost it");
            self.check_fields(&carts[0].1);
        }
        let has_first_login = |(_, record): &&(SessionKey, Arc<SessionRecord>)| {
            let login = record.login.as_ref().map(|login| login.login);
            login.is_some() && login == self.first_login
        };
        if self.done(Act::ends_login) > 0 {
            assert_eq!(
                self.live.iter().find(has_first_login),
                None,
                "{at}: it lives on"
            );
        }
        if self.done(|act| act.changes_id(self.first_login.is_some())) > 0 {
            assert!(
                self.live.iter().all(|(key, _)| *key != self.first),
                "{at}: the old id is good"
            );
        }
        if !may_be_lost {
            self.check_list();
        }
    }

    /// What was acknowledged is there, and what was cut off is there at most.
    fn check_fields(&self, record: &SessionRecord) {
        let at = &self.at;
        let is_cut = |act| self.acts.contains(&(act, None));
        let count = record
            .fields
            .get("n")
            .map_or(0, |n| n.parse().expect("a number"));
        let counted = self.done(|act| act == Act::Count);
        assert!(count >= counted, "{at}: an update is lost");
        assert!(
            count <= counted + usize::from(is_cut(Act::Count)),
            "{at}: counted twice"
        );
        for (name, (act, status)) in self.acts.iter().enumerate() {
            let is_there = record.fields.get(&name.to_string()).is_some();
            if *act == Act::Write && status.is_some() {
                assert_eq!(is_there, *status == Some(200), "{at}: write {name}");
            }
        }
    }

    /// The list of devices shows the logins that are good, and no others.
    fn check_list(&self) {
        let mut good: Vec<_> = self
            .live
            .iter()
            .filter_map(|(_, record)| Some(record.login.as_ref()?.login))
            .collect();
        let mut listed = self.listed.clone();
        // One that was cut off may be listed as long as it might still come.
        if self.is_cut() {
            listed.retain(|login| good.contains(login));
        }
        good.sort_by_key(ToString::to_string);
        listed.sort_by_key(ToString::to_string);
        assert_eq!(listed, good, "{}", self.at);
    }
}
