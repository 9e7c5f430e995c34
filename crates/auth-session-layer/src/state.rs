//! What a request knows of its session, and wants of it.

use std::sync::{Arc, OnceLock};

use auth_core::{
    Principal, PrincipalKind, PrincipalParts, Unavailable,
    store::{FieldValue, MAX_DATA_BYTES, MAX_FIELDS, SessionKey, SessionRecord},
};
use http::HeaderValue;

use crate::{
    SessionError, SessionErrorKind,
    changes::{Changes, UpdateFn},
    error::SizeLimit,
    id::SessionId,
    login::NewLogin,
    plan::Plan,
};

/// The longest name of a field, in bytes.
const MAX_NAME_BYTES: usize = 255;

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) current: Current,
    /// What is to be done at the next commit.
    pub(crate) pending: Pending,
    /// What a commit is doing, or was doing when it was dropped: it is taken up again as it is,
    /// so that the store makes it once.
    pub(crate) in_flight: Option<Arc<Plan>>,
    /// The id, if it came under an old name and is to get the new one.
    pub(crate) renamed: Option<SessionId>,
    /// The `Set-Cookie` that the response has to carry.
    pub(crate) cookie: Option<HeaderValue>,
    pub(crate) logged_out: bool,
    /// Whether the head of the response has gone out.
    pub(crate) closed: bool,
}

/// The session as far as it is known.
#[derive(Clone, Debug)]
pub(crate) enum Current {
    /// The request came with an id that nobody has looked up yet.
    Unloaded(SessionId),
    /// It was looked up, and the store could not tell.
    Unavailable(SessionId, Unavailable),
    Live(Live),
    /// There is none; what is written begins one.
    Nobody,
    /// There was one, and it has ended: what is written is refused, but a login begins anew. The
    /// browser may have one by now that this request does not know of.
    Ended,
    /// There was one, but it ended while this request was at it, or got another id: whatever is
    /// written is refused.
    Over,
}

#[derive(Clone, Debug)]
pub(crate) struct Live {
    pub(crate) key: SessionKey,
    pub(crate) record: Arc<SessionRecord>,
    /// Made when somebody first asks: whoever wants the data only is not interested.
    principal: OnceLock<Option<Principal>>,
}

/// What a response tells the client of its session.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) cookie: Option<HeaderValue>,
    pub(crate) logged_out: bool,
}

#[derive(Default, Debug)]
pub(crate) struct Pending {
    /// Boxed, as it is rare and large.
    pub(crate) login: Option<Box<NewLogin>>,
    pub(crate) rotate: bool,
    /// Whether whoever is logged in has just proven it.
    pub(crate) confirm: bool,
    pub(crate) changes: Changes,
}

impl Current {
    /// Whether there was a session under the id that the request came with.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self, Self::Ended | Self::Over)
    }
}

impl Live {
    pub(crate) fn new(key: SessionKey, record: Arc<SessionRecord>) -> Self {
        Self {
            key,
            record,
            principal: OnceLock::new(),
        }
    }

    pub(crate) fn principal(&self) -> Option<&Principal> {
        let principal = self.principal.get_or_init(|| principal_of(&self.record));
        principal.as_ref()
    }
}

/// The one place where a session becomes a principal.
fn principal_of(record: &SessionRecord) -> Option<Principal> {
    let login = record.login.as_ref()?;
    let parts = PrincipalParts::new(&*login.subject)
        .login(Some(login.login))
        .version(Some(login.version))
        .scopes(login.scopes.clone())
        .auth_time(Some(login.auth_time))
        .expires_at(Some(record.expires_at()));
    Some(Principal::proven(PrincipalKind::Session, parts))
}

impl Pending {
    pub(crate) fn is_empty(&self) -> bool {
        self.login.is_none() && !self.rotate && !self.confirm && self.changes.is_empty()
    }
}

impl State {
    pub(crate) fn new(id: Option<SessionId>, is_renamed: bool) -> Self {
        Self {
            renamed: id.clone().filter(|_| is_renamed),
            current: id.map_or(Current::Nobody, Current::Unloaded),
            pending: Pending::default(),
            in_flight: None,
            cookie: None,
            logged_out: false,
            closed: false,
        }
    }

    /// What the response has to tell the client: once.
    pub(crate) fn tell(&mut self) -> Told {
        Told {
            cookie: self.cookie.take(),
            // Clearing would take the cookie of a session that has begun since the logout.
            logged_out: self.logged_out && self.live().is_none(),
        }
    }

    /// Whether there is nothing to commit.
    pub(crate) fn is_idle(&self) -> bool {
        self.in_flight.is_none() && self.pending.is_empty() && self.to_rename().is_none()
    }

    /// The session whose cookie has to get its new name.
    pub(crate) fn to_rename(&self) -> Option<SessionKey> {
        let (id, live) = (self.renamed.as_ref()?, self.live()?);
        (self.cookie.is_none() && id.key() == live.key).then_some(live.key)
    }

    /// Who the caller is; None if the session has to be loaded first.
    pub(crate) fn principal(&self) -> Option<Result<Option<Principal>, Unavailable>> {
        Some(match &self.current {
            Current::Unloaded(_) => return None,
            Current::Unavailable(_, unavailable) => Err(*unavailable),
            Current::Live(live) => Ok(live.principal().cloned()),
            Current::Nobody | Current::Ended | Current::Over => Ok(None),
        })
    }

    pub(crate) fn live(&self) -> Option<&Live> {
        match &self.current {
            Current::Live(live) => Some(live),
            _ => None,
        }
    }

    /// Whether a session is there or about to be, whatever the request came with.
    pub(crate) fn has_own(&self) -> bool {
        self.live().is_some() || self.in_flight.is_some() || self.pending.login.is_some()
    }

    /// Asks for a login at the next commit.
    pub(crate) fn log_in(&mut self, mut login: NewLogin) {
        if let Some(before) = &self.pending.login {
            // What the login before would have dropped stays dropped.
            login.drop_data |= !before.keeps_data_of(self.subject_below());
            login.drop_data |= before.subject != login.subject;
        }
        if !login.keeps_data_of(self.subject_below()) {
            self.pending.changes = Changes::default();
        }
        self.pending.login = Some(Box::new(login));
    }

    /// Who is logged in before the pending login.
    fn subject_below(&self) -> Option<&str> {
        match &self.in_flight {
            Some(plan) => plan.subject(),
            None => subject_of(self.live()?),
        }
    }

    /// Whether the pending login leaves nothing of the data below it.
    fn is_dropping(&self) -> bool {
        let login = self.pending.login.as_ref();
        login.is_some_and(|login| !login.keeps_data_of(self.subject_below()))
    }

    /// A field as it is with everything that is not saved yet.
    pub(crate) fn field(&self, name: &str) -> Option<FieldValue> {
        if let Some(value) = self.pending.changes.get(name) {
            return value.cloned();
        }
        if self.is_dropping() {
            return None;
        }
        if let Some(plan) = &self.in_flight {
            if let Some(value) = plan.changes.get(name) {
                return value.cloned();
            }
            if !plan.keep_data {
                return None;
            }
        }
        let saved = self.live()?.record.fields.get(name);
        saved.map(FieldValue::from_json)
    }

    /// All fields as they are with everything that is not saved yet, in no order.
    fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        let below = !self.is_dropping();
        let plan = self.in_flight.as_deref().filter(|_| below);
        let keeps = below && plan.is_none_or(|plan| plan.keep_data);
        let saved = self.live().filter(|_| keeps);
        let (pending, in_flight) = (&self.pending.changes, plan.map(|plan| &plan.changes));
        let saved = saved.into_iter().flat_map(|live| &live.record.fields);
        let saved =
            saved.filter(move |(name, _)| in_flight.is_none_or(|it| it.get(name).is_none()));
        let in_flight = in_flight.into_iter().flat_map(Changes::values);
        let below = saved.chain(in_flight);
        below
            .filter(|(name, _)| pending.get(name).is_none())
            .chain(pending.values())
    }

    /// The names of all fields, in order.
    pub(crate) fn names(&self) -> Vec<Arc<str>> {
        let names = self.fields().map(|(name, _)| name.into());
        let mut names: Vec<_> = names.collect();
        names.sort_unstable();
        names
    }

    /// How many fields there are besides this one, and how many bytes of names and values.
    fn size_without(&self, name: &str) -> (usize, usize) {
        let others = self.fields().filter(|(other, _)| *other != name);
        others.fold((0, 0), |(count, bytes), (name, json)| {
            (count + 1, bytes + name.len() + json.len())
        })
    }

    /// Changes a field, if it fits.
    pub(crate) fn put(
        &mut self,
        name: &str,
        value: Option<FieldValue>,
        update: Option<UpdateFn>,
    ) -> Result<(), SessionError> {
        if !(1..=MAX_NAME_BYTES).contains(&name.len()) {
            return Err(SessionErrorKind::InvalidName.into());
        }
        if let Some(value) = &value {
            let (others, bytes) = self.size_without(name);
            if others + 1 > MAX_FIELDS {
                return Err(SessionError::too_large(SizeLimit::Fields, name));
            }
            if bytes + name.len() + value.as_json().len() > MAX_DATA_BYTES {
                return Err(SessionError::too_large(SizeLimit::DataBytes, name));
            }
        }
        self.pending.changes.put(name, value, update);
        Ok(())
    }
}

pub(crate) fn subject_of(live: &Live) -> Option<&str> {
    live.record.login.as_ref().map(|login| &*login.subject)
}
