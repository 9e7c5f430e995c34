//! What the routes share, and how it is made from the command line.

use std::{error::Error, fs, path::Path, sync::Arc};

use auth_layers::{
    Event, EventSink, MetricsEvents, Principal,
    jwt::{
        Algorithm, BackChannelLogout, Issuer, JwtLayer, JwtLayerBuilder, RefreshKeys, SigningKeys,
        Verifier,
    },
    memory::MemoryStore,
    redis::{Freshness, RedisStore},
    rejection::{DefaultRejections, Rejection},
    session::{CookieConfig, SessionLayer},
    store::Store,
};
use axum::{body::Body, http::response};

use crate::{args::Args, problem, trust, users::Users};

/// How the layers build a refusal here.
pub(crate) type Refuse = fn(&Rejection, Option<&response::Parts>) -> response::Response<Body>;

/// What the routes share.
#[derive(Clone)]
pub(crate) struct App(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) users: Users,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) issuer: Issuer,
    pub(crate) assertion_audience: String,
    pub(crate) sessions: SessionLayer<Refuse>,
    pub(crate) tokens: JwtLayer<Refuse>,
    pub(crate) grpc_tokens: JwtLayer,
    pub(crate) grpc_sessions: SessionLayer,
    /// Logouts at other issuers, where some are trusted.
    pub(crate) logouts: Option<BackChannelLogout>,
}

impl std::ops::Deref for App {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl App {
    /// Whether somebody is of another issuer's: then what we keep of a subject of that name is not theirs.
    pub(crate) fn is_foreign(&self, principal: &Principal) -> bool {
        let realm = principal.realm();
        realm.is_some_and(|realm| realm != self.store.realm())
    }

    pub(crate) async fn new(args: &Args) -> Result<Self, Box<dyn Error>> {
        if args.assertion_audience == args.audience {
            return Err(
                "--assertion-audience must not be --audience: an assertion is no token".into(),
            );
        }
        // Everything tells the same sink, so that every event is told once.
        let events: Arc<dyn EventSink> = Arc::new((MetricsEvents::new(), print_alarms));
        let store: Arc<dyn Store> = match &args.redis {
            Some(url) => {
                let freshness = args.freshness.map(|within| Freshness::Within(within.0));
                let store = RedisStore::builder(url)
                    .freshness(freshness.unwrap_or_default())
                    .on_event(events.clone());
                Arc::new(store.build().await?)
            }
            None => Arc::new(MemoryStore::builder().on_event(events.clone()).build()?),
        };

        let mut issuer = Issuer::builder(
            &args.issuer,
            &args.audience,
            signing_keys(&args.key)?,
            store.clone(),
        )
        .access_ttl(args.access_ttl.0)
        .refresh_idle(args.refresh_idle.0)
        .refresh_absolute(args.refresh_absolute.0)
        .grace(args.grace.0)
        .on_event(events.clone());
        if let Some(file) = &args.refresh_keys {
            let lines = read(file).and_then(|bytes| Ok(String::from_utf8(bytes)?))?;
            issuer = issuer.refresh_keys(RefreshKeys::from_base64_lines(&lines)?);
        } else if store.is_shared() {
            eprintln!(
                "warning: without --refresh-keys, refresh tokens are good in this process only"
            );
            issuer = issuer.refresh_keys(RefreshKeys::generate());
        }
        let issuer = issuer.build()?;
        let layers = Layers {
            args,
            store: &store,
            verifier: issuer.verifier()?,
            trusted: trust::verifiers(&args.trust).await?,
            events: &events,
        };
        let refuse = problem::refusal as Refuse;

        Ok(Self(Arc::new(Inner {
            users: Users::new(args.load_users),
            store: store.clone(),
            issuer,
            assertion_audience: args.assertion_audience.clone(),
            tokens: layers.tokens(refuse)?,
            sessions: layers.sessions(refuse)?,
            grpc_tokens: layers.tokens(DefaultRejections)?,
            grpc_sessions: layers.sessions(DefaultRejections)?,
            logouts: trust::logouts(&layers.trusted, &store, &events)?,
        })))
    }
}

/// Makes the layers, which differ only in how they refuse.
struct Layers<'a> {
    args: &'a Args,
    store: &'a Arc<dyn Store>,
    verifier: Verifier,
    trusted: Vec<Verifier>,
    events: &'a Arc<dyn EventSink>,
}

impl Layers<'_> {
    fn tokens<H>(&self, rejections: H) -> Result<JwtLayer<H>, Box<dyn Error>> {
        let layer = JwtLayer::builder(self.verifier.clone());
        let layer = self
            .trusted
            .iter()
            .cloned()
            .fold(layer, JwtLayerBuilder::trust);
        Ok(layer
            .store(self.store.clone())
            .outage(self.args.outage)
            .on_event(self.events.clone())
            .challenge_realm("demo")
            .rejections(rejections)
            .build()?)
    }

    fn sessions<H>(&self, rejections: H) -> Result<SessionLayer<H>, Box<dyn Error>> {
        let mut cookie = CookieConfig::default();
        if self.args.insecure_cookie {
            cookie = cookie.name("id").insecure_without_secure();
        }
        Ok(SessionLayer::builder(self.store.clone())
            .cookie(cookie)
            .idle(Some(self.args.session_idle.0))
            .absolute(self.args.session_absolute.0)
            .on_event(self.events.clone())
            .challenge_realm("demo")
            .rejections(rejections)
            .build()?)
    }
}

/// Prints what an operator should look at.
fn print_alarms(event: &Event) {
    match event {
        Event::RefreshReused { .. }
        | Event::RefreshDataLost { .. }
        | Event::RefreshAdopted { .. }
        | Event::RefreshAhead { .. }
        | Event::DataLost { .. } => eprintln!("event: {event:?}"),
        _ => {}
    }
}

/// The keys of the files: the first signs. A file that is no PEM is a secret.
fn signing_keys(files: &[impl AsRef<Path>]) -> Result<SigningKeys, Box<dyn Error>> {
    let mut keys = SigningKeys::builder();
    if files.is_empty() {
        return Ok(keys.generate_ed25519("demo").build()?);
    }
    for (number, file) in files.iter().enumerate() {
        let bytes = read(file.as_ref())?;
        let id = format!("key-{number}");
        keys = if bytes.starts_with(b"-----BEGIN") {
            keys.private_pem(&id, &bytes)
        } else {
            keys.secret(Algorithm::Hs256, &id, bytes.trim_ascii())
        };
    }
    Ok(keys.build()?)
}

fn read(file: &Path) -> Result<Vec<u8>, Box<dyn Error>> {
    fs::read(file).map_err(|error| format!("{}: {error}", file.display()).into())
}
