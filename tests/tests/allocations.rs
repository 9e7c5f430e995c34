//! How often the hottest paths allocate: counted, as time can not be asserted.
//!
//! The numbers are those of the code as it is. A change that makes one smaller should lower it here; one that makes it
//! grow needs a reason. `benches/RESULTS.md` has the time that each path takes.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use allocation_counter::measure;
use auth_layers::{
    Principal, RequireAuth, RequireScope, Scopes,
    jwt::{Issuer, JwtLayer, SigningKeys, TokenLogin},
    memory::MemoryStore,
    session::{Login, Session, SessionLayer},
    store::CommitOutcome,
};
use auth_tests::logins;
use http::{HeaderValue, Request, Response, StatusCode, header};
use tokio::runtime::{Builder, Runtime};
use tower::{Layer, Service, ServiceExt as _, service_fn};

type Answer = Result<Response<()>, Infallible>;

/// One path through the layers: how to make its request, and how many allocations one may cost.
struct Row<S> {
    name: &'static str,
    service: S,
    credential: Option<(header::HeaderName, HeaderValue)>,
    allocations: u64,
}

impl<S> Row<S>
where
    S: Service<Request<()>, Response = Response<()>, Error = Infallible> + Clone,
{
    fn check(self, runtime: &Runtime) -> Option<String> {
        let mut counts = Vec::new();
        for _ in 0..10 {
            let mut request = Request::new(());
            // A framework has put something in before: the map itself is not ours.
            request.extensions_mut().insert(());
            if let Some((name, value)) = &self.credential {
                request.headers_mut().insert(name, value.clone());
            }
            let mut service = self.service.clone();
            let mut response = None;
            let counted = measure(|| {
                let answer = runtime.block_on(service.call(request));
                response = answer.ok();
            });
            let status = response.map(|response| response.status());
            assert_eq!(status, Some(StatusCode::OK), "{}", self.name);
            counts.push(counted.count_total);
        }
        // What is done once (a lazy static, a table that grows) is not what a request costs.
        let count = counts.into_iter().min().expect("ten were counted");
        (count != self.allocations)
            .then(|| format!("{}: {count}, not {}", self.name, self.allocations))
    }
}

/// A handler that reads one field of the session.
async fn read(request: Request<()>) -> Answer {
    let session = Session::from_extensions(request.extensions()).expect("the layer is there");
    let data = session.data().await.expect("loaded");
    assert_eq!(data.get::<u64>("count").expect("a number"), Some(42));
    Ok(Response::new(()))
}

/// A handler that sets a field, to another value each time.
async fn write(request: Request<()>) -> Answer {
    static NEXT: AtomicU64 = AtomicU64::new(1_000);
    let session = Session::from_extensions(request.extensions()).expect("the layer is there");
    let data = session.data().await.expect("loaded");
    let count = NEXT.fetch_add(1, Ordering::Relaxed);
    data.insert("written", &count).expect("it fits");
    Ok(Response::new(()))
}

async fn untouched(_: Request<()>) -> Answer {
    Ok(Response::new(()))
}

async fn log_in(request: Request<()>) -> Answer {
    let session = Session::from_extensions(request.extensions()).expect("the layer is there");
    session
        .login(Login::new("alice").scopes(["read"]))
        .expect("a valid login");
    let data = session.data().await.expect("loaded");
    data.insert("count", &42u64).expect("it fits");
    Ok(Response::new(()))
}

/// A handler behind guards, which have resolved the caller.
async fn who(request: Request<()>) -> Answer {
    let principal = request.extensions().get::<Principal>().expect("guarded");
    assert_eq!(principal.subject(), "alice");
    Ok(Response::new(()))
}

#[test]
fn hot_paths_allocate_as_often_as_they_did() {
    let runtime = Builder::new_current_thread().build().expect("a runtime");
    let store = Arc::new(MemoryStore::new());
    let sessions = SessionLayer::builder(store.clone())
        .build()
        .expect("sound settings");
    let keys = SigningKeys::builder()
        .generate_ed25519("key")
        .build()
        .expect("a key");
    let issuer = Issuer::builder("https://issuer.example", "api", keys, store.clone())
        .access_ttl(Duration::from_secs(3600))
        .build()
        .expect("sound settings");
    let verifier = issuer.verifier().expect("sound settings");
    let tokens = JwtLayer::builder(verifier)
        .store(store)
        .build()
        .expect("sound settings");

    let set = runtime.block_on(sessions.layer(service_fn(log_in)).oneshot(Request::new(())));
    let set = set.expect("infallible").headers()[header::SET_COOKIE].clone();
    let pair = set
        .as_bytes()
        .split(|b| *b == b';')
        .next()
        .expect("name and value");
    let cookie = (
        header::COOKIE,
        HeaderValue::from_bytes(pair).expect("a value"),
    );
    let scopes: Scopes = "read".parse().expect("a scope");
    let login = runtime.block_on(issuer.login(TokenLogin::new("alice").scopes(scopes)));
    let bearer = format!("Bearer {}", login.expect("a login").access_token());
    let bearer = (
        header::AUTHORIZATION,
        HeaderValue::try_from(bearer).expect("a value"),
    );

    let guarded = RequireAuth::new().layer(RequireScope::new("read").layer(service_fn(who)));
    let both = tokens.layer(sessions.layer(guarded));
    macro_rules! rows {
        ($($name:literal: $service:expr, $credential:expr, $allocations:expr;)*) => {
            [$(Row {
                name: $name,
                service: $service,
                credential: $credential,
                allocations: $allocations,
            }.check(&runtime)),*]
        };
    }
    let wrong = rows! {
        "no layer": service_fn(untouched), None, 0;
        "session hit, one value read": sessions.layer(service_fn(read)), Some(cookie.clone()), 3;
        "session layer, untouched": sessions.layer(service_fn(untouched)), Some(cookie.clone()), 2;
        "session, one field written": sessions.layer(service_fn(write)), Some(cookie.clone()), 17;
        "session layer, no cookie": sessions.layer(service_fn(untouched)), None, 2;
        "token seen before": tokens.layer(service_fn(untouched)), Some(bearer.clone()), 1;
        "token layer, no token": tokens.layer(service_fn(untouched)), None, 1;
        "both layers and two guards, token": both.clone(), Some(bearer), 3;
        "both layers and two guards, session": both, Some(cookie), 6;
    };
    let wrong: Vec<String> = wrong.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "allocations: {wrong:#?}");
}

/// What an idle session takes in memory beyond its data: with the label of its device, which is 24 bytes more than
/// without one. A record of 60 bytes without one has a budget of 300.
#[test]
fn an_idle_session_takes_no_more_memory_than_it_did() {
    const COUNT: i64 = 50_000;
    const LIMIT: f64 = 330.0;
    const FIELD: (&str, &str) = (
        "count",
        "\"an article, another one, and one more: 60 with name!!\"",
    );
    let runtime = Builder::new_current_thread().build().expect("a runtime");
    let store = MemoryStore::new();
    let counted = measure(|| {
        runtime.block_on(async {
            for number in 0..COUNT {
                let subject = format!("user-{number:08}");
                let session = logins::Session::log_in(&store, &subject).await;
                let session = session.expect("in memory");
                let set = session.set(&store, FIELD.0, FIELD.1).await;
                assert!(matches!(set, Ok(CommitOutcome::Done(_))), "{set:?}");
            }
        });
    });
    let data = FIELD.0.len() + FIELD.1.len() + "read".len() + "a phone".len();
    let beyond = counted.bytes_current as f64 / COUNT as f64 - data as f64;
    assert!(beyond <= LIMIT, "{beyond:.1} bytes");
}
