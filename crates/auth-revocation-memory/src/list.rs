//! The lists of logins of a lane's subjects.

use std::{collections::hash_map::RandomState, fmt, hash::BuildHasher as _, mem, slice, sync::Arc};

use auth_core::{
    LoginId, Timestamp,
    revocation::{LoginKey, Op, SubjectKey},
    store::{LoginKind, MAX_LISTED_LOGINS, SessionKey},
};
use hashbrown::{HashTable, hash_table::Entry as Slot};

use crate::session_cell::SessionCell;

/// A list for each subject that has logins.
///
/// Most subjects have one, of a session: then there is no more here than a pointer to that.
#[derive(Default)]
pub(crate) struct Index {
    lists: HashTable<List>,
    /// Subjects choose their names, and so could choose where they come to lie.
    hasher: RandomState,
}

/// One subject's logins, never none, in the order of admission.
#[expect(
    clippy::box_collection,
    reason = "two words are what most subjects take, and a vector has three"
)]
enum List {
    One(Listed),
    Many(Box<Vec<Listed>>),
}

/// One login in its subject's list.
pub(crate) enum Listed {
    /// A session that was there when last looked for, with nothing to say that its record does not
    /// say. It may have moved on.
    Session(Arc<SessionCell>),
    /// The same, with a label of its device.
    Labelled(Box<Labelled>),
    Login(Box<Entry>),
}

pub(crate) struct Labelled {
    cell: Arc<SessionCell>,
    device: Box<str>,
}

/// A login that is not, or not only, what a session's record says.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) subject: SubjectKey,
    pub(crate) login: LoginId,
    pub(crate) key: LoginKey,
    pub(crate) kind: LoginKind,
    pub(crate) device: Option<Box<str>>,
    pub(crate) created_at: Timestamp,
    pub(crate) absolute_end: Timestamp,
    pub(crate) version: u64,
    /// The admission, and whom it ended: what its repetition is told.
    pub(crate) op: Op,
    pub(crate) ended: Box<[LoginId]>,
    pub(crate) place: EntryPlace,
}

/// Where the record of a listed login is.
#[derive(Debug)]
pub(crate) enum EntryPlace {
    /// Where refresh logins are, or nobody knows.
    Elsewhere,
    /// Admitted a moment ago, still to come: under this key, if it is a session.
    Awaited(Option<SessionKey>),
    /// A session, where it was when last looked for; it may have moved on.
    Session(Arc<SessionCell>),
}

impl Entry {
    pub(crate) fn is_awaited(&self) -> bool {
        matches!(self.place, EntryPlace::Awaited(_))
    }
}

impl Listed {
    /// Whether it stands for no login of its own: admitted as a session, with none to come. It stays
    /// until its end, or until it is withdrawn.
    pub(crate) fn is_note(&self) -> bool {
        let Self::Login(entry) = self else {
            return false;
        };
        entry.kind == LoginKind::Session && matches!(entry.place, EntryPlace::Awaited(None))
    }

    pub(crate) fn key(&self) -> Option<LoginKey> {
        match self.session() {
            Ok((cell, _)) => cell.login_key(),
            Err(entry) => Some(entry.key),
        }
    }

    fn subject(&self) -> Option<SubjectKey> {
        match self.session() {
            Ok((cell, _)) => cell.place().map(|place| place.subject),
            Err(entry) => Some(entry.subject),
        }
    }

    /// Where the session was when last looked for, and the label of its device; `Err` if it is not,
    /// or not only, what a session's record says.
    pub(crate) fn session(&self) -> Result<(&Arc<SessionCell>, Option<&str>), &Entry> {
        match self {
            Self::Session(cell) => Ok((cell, None)),
            Self::Labelled(labelled) => Ok((&labelled.cell, Some(&labelled.device))),
            Self::Login(entry) => Err(entry),
        }
    }
}

impl List {
    fn all(&self) -> &[Listed] {
        match self {
            Self::One(one) => slice::from_ref(one),
            Self::Many(many) => many,
        }
    }

    fn all_mut(&mut self) -> &mut [Listed] {
        match self {
            Self::One(one) => slice::from_mut(one),
            Self::Many(many) => many,
        }
    }

    fn into_all(self) -> Vec<Listed> {
        match self {
            Self::One(one) => vec![one],
            Self::Many(many) => *many,
        }
    }

    fn of(mut all: Vec<Listed>) -> Option<Self> {
        match all.len() {
            0 | 1 => all.pop().map(Self::One),
            _ => Some(Self::Many(Box::new(all))),
        }
    }

    fn is_of(&self, subject: &SubjectKey) -> bool {
        self.all()[0].subject().as_ref() == Some(subject)
    }
}

impl Index {
    fn hash(&self, subject: &SubjectKey) -> u64 {
        self.hasher.hash_one(subject)
    }

    /// A subject's logins, in the order of admission.
    pub(crate) fn of(&self, subject: &SubjectKey) -> &[Listed] {
        let list = self
            .lists
            .find(self.hash(subject), |list| list.is_of(subject));
        list.map(List::all).unwrap_or_default()
    }

    pub(crate) fn find(&self, subject: &SubjectKey, login: LoginKey) -> Option<&Listed> {
        let mut all = self.of(subject).iter();
        all.find(|listed| listed.key() == Some(login))
    }

    fn find_mut(&mut self, subject: &SubjectKey, login: LoginKey) -> Option<&mut Listed> {
        let hash = self.hash(subject);
        let list = self.lists.find_mut(hash, |list| list.is_of(subject))?;
        let mut all = list.all_mut().iter_mut();
        all.find(|listed| listed.key() == Some(login))
    }

    /// All subjects that have logins.
    pub(crate) fn subjects(&self) -> Vec<SubjectKey> {
        let lists = self.lists.iter();
        lists.filter_map(|list| list.all()[0].subject()).collect()
    }

    /// How many logins are listed.
    pub(crate) fn len(&self) -> usize {
        self.lists.iter().map(|list| list.all().len()).sum()
    }

    /// Takes a subject's logins out.
    pub(crate) fn take(&mut self, subject: &SubjectKey) -> Vec<Listed> {
        let hash = self.hash(subject);
        match self.lists.find_entry(hash, |list| list.is_of(subject)) {
            Ok(list) => list.remove().0.into_all(),
            Err(_) => Vec::new(),
        }
    }

    /// Puts a subject's logins in, which has none.
    pub(crate) fn put(&mut self, subject: &SubjectKey, all: Vec<Listed>) {
        let (hash, hasher) = (self.hash(subject), &self.hasher);
        let rehash = |list: &List| hasher.hash_one(list.all()[0].subject().unwrap_or(*subject));
        if let Some(list) = List::of(all)
            && let Slot::Vacant(place) = self.lists.entry(hash, |list| list.is_of(subject), rehash)
        {
            place.insert(list);
        }
    }

    /// Puts a login at the end of its subject's list.
    pub(crate) fn enter(&mut self, entry: Entry) {
        let subject = entry.subject;
        let mut all = self.take(&subject);
        all.retain(|other| other.key() != Some(entry.key));
        if all.len() >= MAX_LISTED_LOGINS {
            all.remove(0);
        }
        // Most subjects have one login or two: no room for four.
        if all.len() < 4 {
            all.reserve_exact(1);
        }
        all.push(Listed::Login(Box::new(entry)));
        self.put(&subject, all);
    }

    /// Takes a login out of its subject's list.
    pub(crate) fn leave(&mut self, subject: &SubjectKey, login: LoginKey) -> Option<Listed> {
        self.find(subject, login)?;
        let mut all = self.take(subject);
        let at = all.iter().position(|listed| listed.key() == Some(login));
        let left = at.map(|at| all.remove(at));
        self.put(subject, all);
        left
    }

    /// Notes that a listed login's record is there by now.
    pub(crate) fn arrived(&mut self, subject: &SubjectKey, login: LoginKey) {
        if let Some(Listed::Login(entry)) = self.find_mut(subject, login) {
            entry.place = EntryPlace::Elsewhere;
        }
    }

    /// Notes where a listed session is.
    pub(crate) fn set_session(
        &mut self,
        subject: &SubjectKey,
        login: LoginKey,
        cell: Arc<SessionCell>,
        absolute_end: Timestamp,
    ) {
        let Some(listed) = self.find_mut(subject, login) else {
            return;
        };
        let device = match listed {
            Listed::Login(entry) if !entry.ended.is_empty() => {
                entry.absolute_end = absolute_end;
                entry.place = EntryPlace::Session(cell);
                return;
            }
            Listed::Login(entry) => entry.device.take(),
            Listed::Labelled(labelled) => Some(mem::take(&mut labelled.device)),
            Listed::Session(_) => None,
        };
        *listed = match device {
            Some(device) => Listed::Labelled(Box::new(Labelled { cell, device })),
            None => Listed::Session(cell),
        };
    }
}

impl fmt::Debug for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Index")
    }
}
