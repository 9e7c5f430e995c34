//! A world with a clock, a store and browsers.

use std::{convert::Infallible, sync::Arc, time::Duration};

use auth_core::{
    Caller, Event, ManualClock, Principal, Timestamp,
    store::{LoginInfo, Logins},
};
use auth_revocation_memory::MemoryStore;
use auth_session_layer::{Login, Session, SessionError, SessionLayer, SessionLayerBuilder};
use http::{HeaderMap, Request, Response, StatusCode, header};
use parking_lot::Mutex;
use tower::{Layer, ServiceExt, service_fn};

use crate::store::{Call, TestStore};

/// Some time after the store was made.
pub(crate) const START: Timestamp = Timestamp::from_secs(1_800_000_000);

pub(crate) struct World {
    pub(crate) clock: ManualClock,
    pub(crate) store: Arc<TestStore>,
    pub(crate) events: Arc<Mutex<Vec<Event>>>,
    pub(crate) layer: SessionLayer,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(|builder| builder)
    }

    pub(crate) fn with(settings: impl FnOnce(SessionLayerBuilder) -> SessionLayerBuilder) -> Self {
        let clock = ManualClock::new(START);
        let store = MemoryStore::builder().realm("test").clock(clock.clone());
        let store = Arc::new(TestStore::new(store.build().expect("a store")));
        let events: Arc<Mutex<Vec<Event>>> = Arc::default();
        let seen = Arc::clone(&events);
        let builder = SessionLayer::builder(Arc::clone(&store) as _)
            .clock(clock.clone())
            .on_event(move |event: &Event| seen.lock().push(event.clone()));
        let layer = settings(builder).build().expect("good settings");
        Self {
            clock,
            store,
            events,
            layer,
        }
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }

    /// Sends a request through the layer to `handler`.
    pub(crate) async fn send<H>(&self, request: Request<String>, handler: H) -> Response<String>
    where
        H: AsyncFn(Request<String>) -> Response<String>,
    {
        send_through(&self.layer, request, handler).await
    }

    /// The logins that the list of devices shows.
    pub(crate) async fn logins(&self, subject: &str) -> Vec<LoginInfo> {
        let page = self.store.logins(subject, None, 100).await;
        page.expect("available").logins
    }

    /// A browser in which `subject` is logged in.
    pub(crate) async fn browser_of(&self, subject: &str) -> Browser {
        let mut browser = Browser::default();
        browser.log_in(self, subject).await;
        self.store.calls();
        self.heard();
        browser
    }

    /// A browser with an anonymous session, in which `cart` is "tea".
    pub(crate) async fn browser_with_cart(&self) -> Browser {
        let mut browser = Browser::default();
        let response = browser
            .visit(self, async |session| put(&session, "cart", "tea").await)
            .await;
        assert_eq!(response.status(), StatusCode::OK);
        self.store.calls();
        self.heard();
        browser
    }

    /// What was told since the last time.
    pub(crate) fn heard(&self) -> Vec<Event> {
        std::mem::take(&mut *self.events.lock())
    }
}

pub(crate) async fn send_through<H>(
    layer: &SessionLayer,
    request: Request<String>,
    handler: H,
) -> Response<String>
where
    H: AsyncFn(Request<String>) -> Response<String>,
{
    let handler = Arc::new(handler);
    let service = service_fn(move |request| {
        let handler = Arc::clone(&handler);
        async move { Ok::<_, Infallible>(handler(request).await) }
    });
    let Ok(response) = layer.layer(service).oneshot(request).await;
    response
}

/// Keeps the cookie as browsers do.
#[derive(Clone, Default, Debug, PartialEq)]
pub(crate) struct Browser {
    pub(crate) cookie: Option<String>,
}

impl Browser {
    pub(crate) fn request(&self) -> Request<String> {
        let mut request = Request::new(String::new());
        if let Some(cookie) = &self.cookie {
            let cookie = format!("__Host-id={cookie}");
            let headers = request.headers_mut();
            headers.insert(header::COOKIE, cookie.parse().expect("a header value"));
        }
        request
    }

    /// Sends a request, and takes the cookie that the response sets.
    pub(crate) async fn visit<H>(&mut self, world: &World, handler: H) -> Response<String>
    where
        H: AsyncFn(Session) -> Response<String>,
    {
        let response = self.visit_without_taking(world, handler).await;
        self.take(&response);
        response
    }

    pub(crate) async fn visit_without_taking<H>(
        &self,
        world: &World,
        handler: H,
    ) -> Response<String>
    where
        H: AsyncFn(Session) -> Response<String>,
    {
        let handler = async |request: Request<String>| handler(session_of(&request)).await;
        world.send(self.request(), handler).await
    }

    pub(crate) fn take(&mut self, response: &Response<String>) {
        if let Some(set) = our_cookie(response.headers()) {
            let value = set["__Host-id=".len()..].split(';').next();
            self.cookie = value.filter(|v| !v.is_empty()).map(str::to_owned);
        }
    }

    pub(crate) async fn log_in(&mut self, world: &World, subject: &str) {
        let login = Login::new(subject).device("Firefox");
        let response = self
            .visit(world, async |session| log_in(&session, login.clone()))
            .await;
        assert_eq!(response.status(), StatusCode::OK);
    }

    /// Whom the server takes this browser for.
    pub(crate) async fn principal(&self, world: &World) -> Option<Principal> {
        let found = Mutex::new(None);
        let handler = async |request: Request<String>| {
            let caller = request.extensions().get::<Caller>().expect("a caller");
            *found.lock() = caller.principal().await.expect("available");
            ok()
        };
        world.send(self.request(), handler).await;
        world.store.calls();
        found.into_inner()
    }

    pub(crate) async fn subject(&self, world: &World) -> Option<String> {
        let principal = self.principal(world).await?;
        Some(principal.subject().to_owned())
    }

    /// A field of the session's data.
    pub(crate) async fn field(&self, world: &World, name: &str) -> Option<String> {
        let found = Mutex::new(None);
        self.visit_without_taking(world, async |session| {
            let data = session.data().await.expect("available");
            *found.lock() = data.get(name).expect("a string");
            ok()
        })
        .await;
        world.store.calls();
        found.into_inner()
    }
}

pub(crate) fn session_of(request: &Request<String>) -> Session {
    Session::from_extensions(request.extensions()).expect("the layer is there")
}

pub(crate) fn ok() -> Response<String> {
    Response::new("done".to_owned())
}

pub(crate) fn status(status: u16) -> Response<String> {
    let mut response = ok();
    *response.status_mut() = StatusCode::from_u16(status).expect("a status");
    response
}

/// What a handler answers to an error that it passes on.
pub(crate) fn failed(error: &SessionError) -> Response<String> {
    let mut response = status(418);
    *response.body_mut() = format!("{:?}", error.kind());
    response
}

pub(crate) fn log_in(session: &Session, login: Login) -> Response<String> {
    match session.login(login) {
        Ok(_) => ok(),
        Err(error) => failed(&error),
    }
}

pub(crate) async fn put(session: &Session, name: &str, value: &str) -> Response<String> {
    let put = async { session.data().await?.insert(name, value) };
    match put.await {
        Ok(()) => ok(),
        Err(error) => failed(&error),
    }
}

/// The `Set-Cookie` for our cookie; there must not be two.
pub(crate) fn our_cookie(headers: &HeaderMap) -> Option<String> {
    let mut ours = headers
        .get_all(header::SET_COOKIE)
        .iter()
        .map(|value| value.to_str().expect("ASCII").to_owned())
        .filter(|value| value.starts_with("__Host-id="));
    let first = ours.next();
    assert_eq!(ours.next(), None, "one response sets our cookie once");
    first
}

pub(crate) fn count(calls: &[Call], call: Call) -> usize {
    calls.iter().filter(|one| **one == call).count()
}

pub(crate) const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}
