//! The application's own user, found once per request.

use std::{
    any::{Any, TypeId},
    collections::HashMap,
    error::Error,
    fmt,
    future::Future,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use crate::{Caller, Principal, Unavailable};

/// Finds the application's own user for a principal: a row of its database, say.
///
/// It is asked when a handler first wants the user, and at most once for each request and
/// principal: requests that want no user cost no query. The principal may be of either kind, of a
/// session or a token.
///
/// ```
/// use auth_core::{Caller, Principal, UserLoader};
///
/// # #[derive(Debug)] struct DbError;
/// # #[derive(Clone)] struct Db;
/// # impl Db { async fn user(&self, _: &str) -> Result<Option<User>, DbError> { Ok(None) } }
/// #[derive(Clone)]
/// struct User {
///     name: String,
/// }
///
/// impl UserLoader for Db {
///     type User = User;
///     type Error = DbError;
///
///     async fn load_user(&self, principal: &Principal) -> Result<Option<User>, DbError> {
///         self.user(principal.subject()).await
///     }
/// }
///
/// async fn greet(caller: &Caller, db: &Db) -> String {
///     match caller.user(db).await {
///         Ok(Some(user)) => format!("hello {}", user.name),
///         Ok(None) => "hello stranger".to_owned(),
///         Err(error) => format!("try again later: {error:?}"),
///     }
/// }
/// ```
///
/// With the feature `axum` a handler takes `CurrentUser<Db>`.
pub trait UserLoader: Send + Sync + 'static {
    /// The user. It is cloned for everybody who asks: put it in an [`Arc`] if that is much.
    type User: Clone + Send + Sync + 'static;

    /// What can go wrong: the application's own error.
    type Error;

    /// The user that `principal` names; None if there is no such user, or not any more.
    ///
    /// # Errors
    ///
    /// The application's. It is passed on, never taken for "nobody", and not kept: who asks next
    /// asks again.
    fn load_user(
        &self,
        principal: &Principal,
    ) -> impl Future<Output = Result<Option<Self::User>, Self::Error>> + Send;
}

/// Why it can not be told who the user is. Neither means that it is nobody.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum UserError<E> {
    /// The store can not tell who is calling: answer 503.
    Unavailable(Unavailable),
    /// The application's loader failed.
    Loader(E),
}

impl<E> fmt::Display for UserError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unavailable(_) => "it can not be told who is calling",
            Self::Loader(_) => "the user could not be loaded",
        })
    }
}

impl<E: Error + 'static> Error for UserError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Unavailable(unavailable) => Some(unavailable),
            Self::Loader(error) => Some(error),
        }
    }
}

impl Caller {
    /// The application's user; None if nobody was identified, or `loader` knows no such user.
    ///
    /// The loader is asked at most once, however many ask, until the handler itself logs somebody
    /// in or out. Loaders of different types have different users.
    ///
    /// # Errors
    ///
    /// [`UserError`].
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a load that was dropped is begun again by the next call.
    pub async fn user<L: UserLoader>(
        &self,
        loader: &L,
    ) -> Result<Option<L::User>, UserError<L::Error>> {
        let principal = self.principal().await.map_err(UserError::Unavailable)?;
        let Some(principal) = principal else {
            return Ok(None);
        };
        let slot = self.users().slot::<L>();
        // Held while it loads: whoever comes meanwhile waits for the same user.
        let mut known = slot.lock().await;
        if let Some((whose, user)) = &*known
            && *whose == principal
        {
            return Ok(user.clone());
        }
        let user = loader.load_user(&principal).await;
        let user = user.map_err(UserError::Loader)?;
        *known = Some((principal, user.clone()));
        Ok(user)
    }
}

/// What one loader found, and for whom.
type Slot<U> = Arc<async_lock::Mutex<Option<(Principal, Option<U>)>>>;

/// The users that were found for one request, by the type of their loader.
///
/// Most requests want none, and pay for none.
#[derive(Default)]
pub(crate) struct Users(OnceLock<Box<Mutex<Slots>>>);

type Slots = HashMap<TypeId, Box<dyn Any + Send + Sync>>;

impl Users {
    fn slot<L: UserLoader>(&self) -> Slot<L::User> {
        let slots = self.0.get_or_init(Box::default);
        let mut slots = slots.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = slots
            .entry(TypeId::of::<L>())
            .or_insert_with(|| Box::new(Slot::<L::User>::default()));
        let slot = slot.downcast_ref::<Slot<L::User>>();
        Arc::clone(slot.expect("each type of loader has users of one type"))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use http::Extensions;

    use super::*;
    use crate::{Authority, PrincipalKind, PrincipalParts, TokenOutcome};

    #[derive(Default)]
    struct Db {
        loads: AtomicUsize,
        is_down: bool,
    }

    impl UserLoader for Db {
        type User = String;
        type Error = &'static str;

        async fn load_user(&self, principal: &Principal) -> Result<Option<String>, Self::Error> {
            self.loads.fetch_add(1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            if self.is_down {
                return Err("down");
            }
            let is_known = principal.subject() != "deleted";
            Ok(is_known.then(|| format!("user {}", principal.subject())))
        }
    }

    /// Another loader, of users of another type.
    struct Ages;

    impl UserLoader for Ages {
        type User = u32;
        type Error = ();

        async fn load_user(&self, _: &Principal) -> Result<Option<u32>, ()> {
            Ok(Some(42))
        }
    }

    fn caller_of(kind: PrincipalKind, subject: &str) -> Caller {
        let principal = Principal::insecure_for_tests(kind, PrincipalParts::new(subject));
        Caller::vouch(&mut Extensions::new(), principal).clone()
    }

    #[tokio::test]
    async fn a_user_is_loaded_once_however_many_ask_and_for_either_kind() {
        for kind in [PrincipalKind::Session, PrincipalKind::Token] {
            let (caller, db) = (caller_of(kind, "alice"), Db::default());
            let (one, two) = tokio::join!(caller.user(&db), caller.user(&db));
            assert_eq!(one, Ok(Some("user alice".to_owned())));
            assert_eq!(one, two);
            assert_eq!(caller.clone().user(&db).await, one);
            assert_eq!(db.loads.load(Ordering::SeqCst), 1);
            assert_eq!(caller.user(&Ages).await, Ok(Some(42)));
        }
    }

    #[tokio::test]
    async fn that_there_is_no_such_user_is_loaded_once_too() {
        let (caller, db) = (caller_of(PrincipalKind::Session, "deleted"), Db::default());
        for _ in 0..3 {
            assert_eq!(caller.user(&db).await, Ok(None));
        }
        assert_eq!(db.loads.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn for_nobody_nothing_is_loaded() {
        let db = Db::default();
        let mut extensions = Extensions::new();
        let caller = Caller::join_token(
            &mut extensions,
            TokenOutcome::Absent,
            &Arc::new(Authority::new("r")),
        );
        assert_eq!(caller.user(&db).await, Ok(None));
        assert_eq!(db.loads.load(Ordering::SeqCst), 0);
    }

    #[tokio::test]
    async fn an_error_is_the_applications_and_is_not_kept() {
        let caller = caller_of(PrincipalKind::Token, "alice");
        let db = Db {
            is_down: true,
            ..Db::default()
        };
        assert_eq!(caller.user(&db).await, Err(UserError::Loader("down")));
        let db = Db::default();
        assert!(caller.user(&db).await.is_ok_and(|user| user.is_some()));
    }

    #[tokio::test]
    async fn that_the_store_can_not_tell_is_no_absence_of_a_user() {
        let unavailable = Unavailable::default();
        let outcome = TokenOutcome::Unavailable(unavailable);
        let mut extensions = Extensions::new();
        let caller = Caller::join_token(&mut extensions, outcome, &Arc::new(Authority::new("r")));
        let user = caller.user(&Db::default()).await;
        assert_eq!(user, Err(UserError::Unavailable(unavailable)));
    }
}
