//! Logins that somebody else's OpenID provider has made, and may end (OpenID Connect Back-Channel
//! Logout 1.0).

use std::{collections::BTreeSet, time::Duration};

use crate::{
    LoginId, StoreError, Timestamp, Verdict,
    revocation::{ENTRY_MARGIN, Op, Query, digest},
    store::{
        Admission, Admitted, Lifetimes, LoginKind, LoginLimit, Logins, MAX_LISTED_LOGINS, Overflow,
        Revocation,
    },
};

/// For how long it is remembered that a provider has ended a session: 24 hours. A token that lives
/// for longer is not taken where sessions are asked about.
pub const PROVIDER_SESSION_MEMORY: Duration = Duration::from_secs(24 * 60 * 60);

/// The longest name of a user where there is a provider, in bytes: what a list of logins has room for.
const MAX_SUBJECT: usize = 255;
/// The longest name that a provider may give, in bytes.
const MAX_NAME: usize = 1024;
/// How many logins of one session at the provider are remembered: lists drop the oldest of more.
const MAX_LINKS: u32 = MAX_LISTED_LOGINS as u32 - 1;
/// How many links are read at once.
const PAGE: usize = 100;

/// Who a user is to the OpenID provider that logged them in: what a login remembers of its ID token,
/// so that the provider can end it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProviderLogin {
    issuer: String,
    subject: String,
    session: Option<String>,
}

impl ProviderLogin {
    /// `iss` and `sub` of the ID token.
    pub fn new(issuer: impl Into<String>, subject: impl Into<String>) -> Self {
        Self {
            issuer: issuer.into(),
            subject: subject.into(),
            session: None,
        }
    }

    /// Its `sid`, if it has one: the session at the provider, which may end alone. At most 999 logins that
    /// began with it are remembered, each until its absolute end, and no more begin.
    #[must_use]
    pub fn session(mut self, sid: impl Into<String>) -> Self {
        self.session = Some(sid.into());
        self
    }

    /// Whether a login of `subject`, as we name them, can remember it: no name is empty or longer
    /// than 1,024 bytes, and `subject` is no longer than 255.
    pub fn is_sound_for(&self, subject: &str) -> bool {
        let names = [
            Some(&self.issuer),
            Some(&self.subject),
            self.session.as_ref(),
        ];
        let mut names = names.into_iter().flatten();
        subject.len() <= MAX_SUBJECT && names.all(|name| (1..=MAX_NAME).contains(&name.len()))
    }

    /// For layers that begin logins: remembers the login that is about to be admitted. Returns whether
    /// the provider's session goes on; if not, the login must not begin.
    ///
    /// It is remembered first. A logout that comes before the login is admitted then ends the login that
    /// is still to come, and the admission is refused; for logouts of the whole subject by `since`, which
    /// is set unless it was.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when it is not known to be remembered: the login must not begin.
    pub async fn link<S>(&self, store: &S, admission: &mut Admission) -> Result<bool, StoreError>
    where
        S: Logins + ?Sized,
    {
        if admission.since.is_none() {
            admission.since = Some(store.epoch(&admission.subject).await?);
        }
        let by_session = self.session.as_deref();
        let by_session = by_session.map(|sid| link(Link::Session, &self.issuer, sid));
        let by_subject = link(Link::Subject, &self.issuer, &self.subject);
        // Of a subject's logins any one leads to all; of a session's each has to be found.
        let all_of_them = LoginLimit {
            max: MAX_LINKS,
            overflow: Overflow::Refuse,
        };
        let by_session = by_session.map(|name| (name, Some(all_of_them)));
        for (name, limit) in by_session.into_iter().chain([(by_subject, None)]) {
            let lifetimes = Lifetimes {
                idle: None,
                ..admission.lifetimes
            };
            let mut entry = entry(name, admission.login, lifetimes);
            entry.device = Some(admission.subject.clone());
            entry.limit = limit;
            match store.admit(&entry).await? {
                Admitted::Yes { .. } => {}
                // It was logged out under this very id; or nobody would find it.
                _ => return Ok(false),
            }
        }
        let Some(sid) = &self.session else {
            return Ok(true);
        };
        let now = Timestamp::from_secs(Timestamp::MAX_SECS);
        // Not by what this process knows: a copy may not have heard of the logout yet.
        let query = Query::provider_session(&self.issuer, sid, now);
        match store.verdict(&query).await {
            Verdict::Active => Ok(true),
            Verdict::Revoked => Ok(false),
            Verdict::Unknown => Err(StoreError::Unavailable(Default::default())),
        }
    }
}

/// What a provider says has ended, in a logout token that was verified: for those who receive such.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProviderLogout {
    /// `iss`.
    pub issuer: String,
    /// The realm that the subjects of that issuer's tokens belong to.
    pub realm: String,
    /// `sub`.
    pub subject: Option<String>,
    /// `sid`: with it, that session alone has ended; without it, everything of the subject.
    pub session: Option<String>,
    /// `jti`: it is heard once.
    pub token_id: String,
    /// For how long the token could be accepted from now on.
    pub expires_in: Duration,
    /// The time, for what has to be remembered.
    pub now: Timestamp,
}

/// What became of a [`ProviderLogout`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ProviderLoggedOut {
    /// What it names has ended.
    Done {
        /// With `sid`, how many logins of ours that were; without it, how many of our subjects.
        ended: usize,
    },
    /// The token was heard before; nothing was done.
    Replayed,
}

impl ProviderLogout {
    /// Ends what it names: our logins that were [linked](ProviderLogin::link) to it, and the issuer's own
    /// tokens, which are refused from then on.
    ///
    /// The token counts as heard when all is done, so that one that could not be followed is good for
    /// another try.
    ///
    /// # Errors
    ///
    /// [`StoreError`]: some or all of it may have ended.
    ///
    /// # Cancel safety
    ///
    /// Dropped, some or all of it may have ended; made again, all of it does.
    pub async fn end<S>(&self, store: &S) -> Result<ProviderLoggedOut, StoreError>
    where
        S: Logins + ?Sized,
    {
        let heard = link(Link::Token, &self.issuer, &self.token_id);
        if !store.logins(&heard, None, 1).await?.logins.is_empty() {
            return Ok(ProviderLoggedOut::Replayed);
        }
        let ended = match (&self.session, &self.subject) {
            (Some(sid), _) => self.end_session(store, sid).await?,
            (None, Some(subject)) => self.end_subject(store, subject).await?,
            (None, None) => 0,
        };
        let lifetimes = Lifetimes {
            idle: None,
            absolute: self.expires_in + ENTRY_MARGIN,
        };
        let mut entry = entry(heard, LoginId::random(), lifetimes);
        // Of several that come at once, on any node, one is the first.
        entry.limit = Some(LoginLimit {
            max: 1,
            overflow: Overflow::Refuse,
        });
        Ok(match store.admit(&entry).await? {
            Admitted::Yes { .. } => ProviderLoggedOut::Done { ended },
            _ => ProviderLoggedOut::Replayed,
        })
    }

    async fn end_session<S>(&self, store: &S, sid: &str) -> Result<usize, StoreError>
    where
        S: Logins + ?Sized,
    {
        // Before the links are read: a login that is not among them yet finds this.
        let until = self.now.plus(PROVIDER_SESSION_MEMORY);
        let over = Revocation::provider_session(&self.issuer, sid, until);
        let mut made = store.revoke(Op::random(), &over).await;
        let name = link(Link::Session, &self.issuer, sid);
        let linked = linked(store, &name).await?;
        let mut ended = 0;
        for (subject, login) in linked {
            match store.end_login(&subject, login).await {
                Ok(()) => {
                    ended += 1;
                    store.withdraw(&name, login);
                }
                Err(error) => made = Err(error),
            }
        }
        made.map(|()| ended)
    }

    async fn end_subject<S>(&self, store: &S, subject: &str) -> Result<usize, StoreError>
    where
        S: Logins + ?Sized,
    {
        let theirs = Revocation::subject(&self.realm, subject);
        let mut made = store.revoke(Op::random(), &theirs).await;
        let name = link(Link::Subject, &self.issuer, subject);
        let linked = linked(store, &name).await?;
        let ours: BTreeSet<&str> = linked.iter().map(|(subject, _)| &**subject).collect();
        for &subject in &ours {
            if let Err(error) = store.revoke_subject(subject).await {
                made = Err(error);
            }
        }
        made?;
        for (_, login) in &linked {
            store.withdraw(&name, *login);
        }
        Ok(ours.len())
    }
}

/// What the store keeps a link by.
#[derive(Clone, Copy)]
enum Link {
    Session,
    Subject,
    Token,
}

/// Links are kept in the lists of subjects that are nobody: longer than any name may be, so that no
/// user can come to be called so.
fn link(kind: Link, issuer: &str, name: &str) -> String {
    let kind = match kind {
        Link::Session => "sid",
        Link::Subject => "sub",
        Link::Token => "jti",
    };
    let hash = digest(&[kind.as_bytes(), issuer.as_bytes(), name.as_bytes()]);
    let hash: String = hash.iter().map(|b| format!("{b:02x}")).collect();
    let width = MAX_NAME + 1;
    format!("{kind}:{hash:*<width$}")
}

/// An entry of such a list: without a session's record to follow, it stays until its end.
fn entry(name: String, login: LoginId, lifetimes: Lifetimes) -> Admission {
    Admission {
        subject: name,
        login,
        kind: LoginKind::Session,
        device: None,
        lifetimes,
        since: None,
        limit: None,
        session: None,
        op: Op::random(),
    }
}

/// The logins under a link, and whose they are.
async fn linked<S>(store: &S, name: &str) -> Result<Vec<(String, LoginId)>, StoreError>
where
    S: Logins + ?Sized,
{
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = store.logins(name, after, PAGE).await?;
        let its = page.logins.into_iter();
        all.extend(its.filter_map(|info| Some((info.device?, info.login))));
        after = page.next;
        if after.is_none() {
            return Ok(all);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_no_name_that_somebody_may_have() {
        let mut names = BTreeSet::new();
        for kind in [Link::Session, Link::Subject, Link::Token] {
            for (issuer, name) in [("a", "bc"), ("ab", "c"), ("", "abc")] {
                let link = link(kind, issuer, name);
                assert!(link.len() > MAX_NAME, "{link}");
                assert!(names.insert(link));
            }
        }
    }

    #[test]
    fn names_are_bounded() {
        let long = "x".repeat(MAX_NAME + 1);
        for (row, login, subject, is_sound) in [
            (
                "all",
                ProviderLogin::new("i", "s").session("sid"),
                "alice",
                true,
            ),
            (
                "the longest",
                ProviderLogin::new("i", &long[1..]),
                &long[..255],
                true,
            ),
            (
                "a longer subject of ours",
                ProviderLogin::new("i", "s"),
                &long[..256],
                false,
            ),
            (
                "a longer subject of theirs",
                ProviderLogin::new("i", &*long),
                "alice",
                false,
            ),
            ("no issuer", ProviderLogin::new("", "s"), "alice", false),
            ("no subject", ProviderLogin::new("i", ""), "alice", false),
            (
                "an empty session",
                ProviderLogin::new("i", "s").session(""),
                "alice",
                false,
            ),
        ] {
            assert_eq!(login.is_sound_for(subject), is_sound, "{row}");
        }
    }
}
