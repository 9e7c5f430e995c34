//! One field, to be filled in or changed in place.

use std::{fmt, marker::PhantomData, sync::Arc};

use serde::{Serialize, de::DeserializeOwned};

use crate::{SessionData, SessionError};

type Modify<T> = Arc<dyn Fn(&mut T) + Send + Sync>;

/// One field of a session's data: made by [`SessionData::entry`].
///
/// ```
/// use auth_session_layer::{SessionData, SessionError};
///
/// fn visit(data: &SessionData) -> Result<u32, SessionError> {
///     data.entry("visits").and_modify(|n: &mut u32| *n += 1).or_insert(1)
/// }
/// ```
#[must_use = "nothing happens before `or_insert`, `or_insert_with` or `or_default`"]
pub struct DataEntry<'a, T> {
    data: &'a SessionData,
    name: &'a str,
    modify: Option<Modify<T>>,
    value: PhantomData<fn() -> T>,
}

impl<'a, T> DataEntry<'a, T>
where
    T: Serialize + DeserializeOwned + 'static,
{
    pub(crate) fn new(data: &'a SessionData, name: &'a str) -> Self {
        Self {
            data,
            name,
            modify: None,
            value: PhantomData,
        }
    }

    /// Changes the value if there is one, as [`SessionData::update`] does.
    pub fn and_modify(mut self, modify: impl Fn(&mut T) + Send + Sync + 'static) -> Self {
        self.modify = Some(match self.modify.take() {
            None => Arc::new(modify),
            Some(first) => Arc::new(move |value| {
                first(value);
                modify(value);
            }),
        });
        self
    }

    /// The value, which is `value` if there was none.
    ///
    /// # Errors
    ///
    /// As [`SessionData::get`] and [`SessionData::insert`].
    pub fn or_insert(self, value: T) -> Result<T, SessionError>
    where
        T: Clone + Send + Sync,
    {
        self.or_insert_with(move || value.clone())
    }

    /// The value, which is the default if there was none.
    ///
    /// # Errors
    ///
    /// As [`SessionData::get`] and [`SessionData::insert`].
    pub fn or_default(self) -> Result<T, SessionError>
    where
        T: Default,
    {
        self.or_insert_with(T::default)
    }

    /// The value, which is what `make` makes if there was none. It may run again at the commit, as
    /// the function of an [update](SessionData::update).
    ///
    /// # Errors
    ///
    /// As [`SessionData::get`] and [`SessionData::insert`].
    pub fn or_insert_with(
        self,
        make: impl Fn() -> T + Send + Sync + 'static,
    ) -> Result<T, SessionError> {
        if self.modify.is_none()
            && let Some(value) = self.data.get(self.name)?
        {
            return Ok(value);
        }
        let modify = self.modify;
        self.data.update(self.name, move |value: Option<T>| {
            let mut value = match value {
                None => return Some(make()),
                Some(value) => value,
            };
            if let Some(modify) = &modify {
                modify(&mut value);
            }
            Some(value)
        })?;
        let value = self.data.get(self.name)?;
        // Another task of this request may have removed it at once.
        value.ok_or_else(|| crate::SessionErrorKind::Contended.into())
    }
}

impl<T> fmt::Debug for DataEntry<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataEntry")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
