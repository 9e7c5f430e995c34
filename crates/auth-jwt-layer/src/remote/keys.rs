//! Keys that their issuer publishes.

use std::{
    fmt,
    sync::{Arc, Weak},
    time::Duration,
};

use auth_core::{Clock, Timestamp, Unavailable};
use parking_lot::{Mutex, RwLock};
use tokio::{runtime::Handle, sync::watch, time};

use super::{
    FetchKeys, RemoteKeysBuilder, RemoteKeysError,
    document::{Document, Fetching, Origin},
    state::{Found, State, Times},
};
use crate::keys::Keys;

/// The keys that an issuer publishes, fetched when they are needed and kept up to date. Clones are the same keys.
///
/// 1. Keys are fetched by the first token, or by [`ready`](Self::ready) before it, and again every 15 minutes, or
///    sooner where `Cache-Control: max-age` says so, but not within 60 s. Nobody waits for that: the keys that are
///    there serve meanwhile.
/// 2. A token that names a key that is not there has it fetched, and waits for that: so a new key is taken at its first
///    use. That happens at most every 30 s, whether it succeeds or not; many tokens wait for one fetch.
/// 3. Without a new key the answer is 401 if the last fetch succeeded, and 503 if it failed.
/// 4. While the issuer does not answer, the keys that are there stay good, for 24 hours.
/// 5. A key that is not in the set any more is good for nothing from then on, and neither are tokens that were
///    verified by it before.
/// 6. Secrets and private keys in the set are not used, nor are keys of unknown kinds, broken and weak ones, or the
///    second one of an id. They never take the others along; a set with no other does not replace the one before.
/// 7. A response counts if its status is 200, it comes within 2 s and is not longer than 64 KiB. Redirects are not
///    followed.
///
/// Fetching needs a Tokio runtime: the one in which the service runs.
///
/// # Examples
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use auth_jwt_layer::{JwtLayer, RemoteKeys, Verifier};
///
/// let issuer = "https://login.example/realms/staff";
/// let keys = RemoteKeys::discover(issuer).build()?;
/// // Not needed, but then a wrong URL is found out now.
/// keys.ready().await?;
/// let verifier = Verifier::builder(issuer, "api", keys).build()?;
/// let layer = JwtLayer::builder(verifier).build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RemoteKeys(Arc<Shared>);

pub(super) struct Settings {
    pub(super) origin: Origin,
    pub(super) client: Arc<dyn FetchKeys>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) times: Times,
    pub(super) timeout: Duration,
    pub(super) allow_http: bool,
    pub(super) on_failure: Option<OnFailure>,
}

type OnFailure = Arc<dyn Fn(&RemoteKeysError) + Send + Sync>;

struct Shared {
    settings: Settings,
    state: RwLock<State>,
    /// Alive as long as somebody looks after the keys in the background.
    attendant: Mutex<Weak<()>>,
}

impl RemoteKeys {
    /// Begins with the URL of a JWK set (RFC 7517 section 5).
    pub fn jwks(url: impl Into<String>) -> RemoteKeysBuilder {
        RemoteKeysBuilder::new(Origin::Jwks(url.into()))
    }

    /// Begins with the issuer, an URL, whose discovery document says where its keys are (OpenID Connect Discovery 1.0
    /// section 4). The document must name exactly this issuer.
    pub fn discover(issuer: impl Into<String>) -> RemoteKeysBuilder {
        RemoteKeysBuilder::new(Origin::Discovery(issuer.into()))
    }

    pub(super) fn new(settings: Settings) -> Self {
        Self(Arc::new(Shared {
            settings,
            state: RwLock::default(),
            attendant: Mutex::default(),
        }))
    }

    /// Fetches the keys, unless they are there: for services that do not want to start without.
    ///
    /// # Errors
    ///
    /// [`RemoteKeysError`] when they could not be fetched.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: the fetch goes on by itself.
    pub async fn ready(&self) -> Result<(), RemoteKeysError> {
        let times = &self.0.settings.times;
        let now = || self.0.settings.clock.now();
        let (flight, underway) = {
            let mut state = self.0.state.write();
            if state.usable(times, now()).is_some() {
                return Ok(());
            }
            match state.underway() {
                Some(underway) => (None, underway),
                None => self.0.depart(&mut state, false),
            }
        };
        self.0.launch(flight);
        landing(underway).await;
        let state = self.0.state.read();
        match state.last_error() {
            Some(error) if state.usable(times, now()).is_none() => Err(error),
            _ => Ok(()),
        }
    }

    /// The keys for a token that names `kid`. `waited` says that it has waited for them once.
    pub(crate) fn keys(&self, kid: Option<&str>, waited: bool) -> Keys {
        let times = &self.0.settings.times;
        let now = self.0.settings.clock.now();
        let found = self.0.state.read().find(times, kid, now);
        let found = match found {
            Found::Keys(..) => {
                self.0.refresh(now);
                found
            }
            Found::Underway(_) | Found::Fetch if waited => {
                let mut state = self.0.state.write();
                state.in_vain();
                state.verdict(times, now)
            }
            Found::Fetch => self.0.fetch(kid, now),
            found => found,
        };
        match found {
            Found::Keys(keys, generation) => Keys::Known(keys, generation),
            Found::Underway(underway) => Keys::ToCome(Box::pin(landing(underway))),
            Found::Unavailable(why) => Keys::Unavailable(why),
            Found::Fetch => Keys::Unavailable(Unavailable::default()),
        }
    }

    /// Which keys there are, unless they are too old. Has them refreshed when it is time.
    pub(crate) fn generation(&self) -> Option<u64> {
        let times = &self.0.settings.times;
        let now = self.0.settings.clock.now();
        let usable = self.0.state.read().usable(times, now).map(|(_, of)| of);
        self.0.refresh(now);
        usable
    }
}

/// Waits until a fetch is over.
async fn landing(mut underway: watch::Receiver<()>) {
    // Nothing is ever sent: an error says that the sender is gone.
    while underway.changed().await.is_ok() {}
}

impl Shared {
    /// Fetches in the background if it is time.
    fn refresh(self: &Arc<Self>, now: Timestamp) {
        let times = &self.settings.times;
        if !self.state.read().is_due(times, now) {
            return;
        }
        let flight = {
            let mut state = self.state.write();
            match state.is_due(times, now) {
                true => self.depart(&mut state, false).0,
                false => None,
            }
        };
        self.launch(flight);
    }

    /// Fetches for a token whose key is not known, unless somebody else was quicker.
    fn fetch(self: &Arc<Self>, kid: Option<&str>, now: Timestamp) -> Found {
        let (flight, found) = {
            let mut state = self.state.write();
            match state.find(&self.settings.times, kid, now) {
                Found::Fetch => {
                    let (flight, underway) = self.depart(&mut state, true);
                    (flight, Found::Underway(underway))
                }
                found => (None, found),
            }
        };
        self.launch(flight);
        found
    }

    fn depart(
        self: &Arc<Self>,
        state: &mut State,
        for_a_key: bool,
    ) -> (Option<Flight>, watch::Receiver<()>) {
        let now = self.settings.clock.now();
        let (sender, receiver) = state.departed(now, for_a_key);
        let flight = Flight {
            shared: Arc::clone(self),
            fetched: Err(RemoteKeysError::Aborted),
            _sender: sender,
        };
        (Some(flight), receiver)
    }

    /// Fetches in a task of its own, so that it does not end with the request that asked for it. Not to be called under
    /// the lock: where there is no runtime, or one that shuts down, the flight ends here.
    fn launch(self: &Arc<Self>, flight: Option<Flight>) {
        if let (Some(flight), Ok(runtime)) = (flight, Handle::try_current()) {
            runtime.spawn(flight.fly());
            self.attend(&runtime);
        }
    }

    /// Has somebody look after the keys of a service that nobody calls.
    fn attend(self: &Arc<Self>, runtime: &Handle) {
        let alive = Arc::new(());
        {
            let mut attendant = self.attendant.lock();
            if attendant.strong_count() > 0 {
                return;
            }
            *attendant = Arc::downgrade(&alive);
        }
        let shared = Arc::downgrade(self);
        runtime.spawn(async move {
            let _alive = alive;
            loop {
                time::sleep(LOOK_EVERY).await;
                let Some(shared) = shared.upgrade() else {
                    return;
                };
                shared.refresh(shared.settings.clock.now());
            }
        });
    }
}

/// How often it is looked whether it is time to fetch: as often as that may be at most.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// A fetch that is underway. However it ends, it is over when this is dropped.
struct Flight {
    shared: Arc<Shared>,
    fetched: Result<Document, RemoteKeysError>,
    /// Dropped last, when the state is what it came to.
    _sender: watch::Sender<()>,
}

impl Flight {
    async fn fly(mut self) {
        let settings = &self.shared.settings;
        let fetching = Fetching {
            client: &*settings.client,
            timeout: settings.timeout,
            allow_http: settings.allow_http,
        };
        self.fetched = settings.origin.fetch(fetching).await;
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        let settings = &self.shared.settings;
        let fetched = std::mem::replace(&mut self.fetched, Err(RemoteKeysError::Aborted));
        let error = fetched.as_ref().err().cloned();
        let now = settings.clock.now();
        let mut state = self.shared.state.write();
        state.landed(&settings.times, now, fetched);
        drop(state);
        if let (Some(error), Some(on_failure)) = (error, &settings.on_failure) {
            on_failure(&error);
        }
    }
}

impl fmt::Debug for RemoteKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let settings = &self.0.settings;
        let state = self.0.state.read();
        f.debug_struct("RemoteKeys")
            .field("origin", &settings.origin)
            .field(
                "keys",
                &state
                    .usable(&settings.times, settings.clock.now())
                    .map(|(keys, _)| keys),
            )
            .finish_non_exhaustive()
    }
}
