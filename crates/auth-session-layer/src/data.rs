//! The data of a session.

use std::{fmt, sync::Arc};

use auth_core::store::FieldValue;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    DataEntry, SessionError,
    changes::{UpdateFn, read, write},
    shared::Shared,
};

/// The data of a session: named fields, each a JSON value of its own.
///
/// At most 64 fields, 16 KiB a field, 64 KiB in all; a name has 1 to 255 bytes. All of it is
/// synchronous: what is read was loaded before, and what is changed is saved by the commit.
///
/// Only fields that changed are saved. So two requests that change different fields at once both
/// keep their changes. If they change the same field, the later commit wins; with
/// [`update`](Self::update) both count.
#[derive(Clone)]
pub struct SessionData(Arc<Shared>);

impl SessionData {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self(shared)
    }

    /// The value of a field; None if it is not there.
    ///
    /// # Errors
    ///
    /// `InvalidValue`, if it is not of the type `T`.
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, SessionError> {
        let value = self.0.state().field(name);
        value.map(|value| read(name, &value)).transpose()
    }

    /// Sets a field.
    ///
    /// # Errors
    ///
    /// `TooLarge`, `InvalidName`, `InvalidValue`; `BearerPresent`, as for
    /// [`data`](crate::Session::data); `Late` after the head of the response.
    pub fn insert<T>(&self, name: &str, value: &T) -> Result<(), SessionError>
    where
        T: Serialize + ?Sized,
    {
        self.put(name, Some(write(name, value)?))
    }

    /// Removes a field.
    ///
    /// # Errors
    ///
    /// `InvalidName`; `BearerPresent`, as for [`data`](crate::Session::data); `Late` after the head of
    /// the response.
    pub fn remove(&self, name: &str) -> Result<(), SessionError> {
        self.put(name, None)
    }

    /// Removes all fields.
    ///
    /// # Errors
    ///
    /// As [`remove`](Self::remove).
    pub fn clear(&self) -> Result<(), SessionError> {
        self.names().iter().try_for_each(|name| self.remove(name))
    }

    /// Changes a field by a function of its value, where None is no value.
    ///
    /// The function runs now, and again at the commit if another request has changed the field
    /// meanwhile, so that no update is lost: it should do nothing but compute.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get) and [`insert`](Self::insert).
    pub fn update<T, F>(&self, name: &str, update: F) -> Result<(), SessionError>
    where
        T: Serialize + DeserializeOwned,
        F: Fn(Option<T>) -> Option<T> + Send + Sync + 'static,
    {
        let owned: Arc<str> = name.into();
        let update: UpdateFn = Arc::new(move |now: Option<&FieldValue>| {
            let now = now.map(|now| read(&owned, now)).transpose()?;
            let then = update(now);
            then.map(|then| write(&owned, &then)).transpose()
        });
        loop {
            let before = self.0.state().field(name);
            // The application's code: not to be run under our lock.
            let after = update(before.as_ref())?;
            let mut state = self.0.open()?;
            self.0.check_bearer(&state)?;
            if state.field(name) == before {
                return state.put(name, after, Some(update));
            }
        }
    }

    /// One field, to be filled in if it is not there, or changed if it is.
    pub fn entry<'a, T>(&'a self, name: &'a str) -> DataEntry<'a, T>
    where
        T: Serialize + DeserializeOwned + 'static,
    {
        DataEntry::new(self, name)
    }

    /// Removes a field, and gives the value that it had: a message for this page, say.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get), and then the field stays, and [`remove`](Self::remove).
    pub fn take<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, SessionError> {
        let value = self.get(name)?;
        if value.is_some() {
            self.remove(name)?;
        }
        Ok(value)
    }

    /// The names of the fields that are there, in order.
    pub fn names(&self) -> Vec<Arc<str>> {
        self.0.state().names()
    }

    fn put(&self, name: &str, value: Option<FieldValue>) -> Result<(), SessionError> {
        let mut state = self.0.open()?;
        self.0.check_bearer(&state)?;
        state.put(name, value, None)
    }
}

impl fmt::Debug for SessionData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionData")
            .field("fields", &self.names())
            .finish()
    }
}
