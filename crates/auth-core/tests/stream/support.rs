//! A world with a clock, a body that gives what it is fed, and a reader.

use std::{
    collections::VecDeque,
    convert::Infallible,
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use auth_core::{
    Authority, Caller, EndWithLogin, LoginId, ManualClock, OutagePolicy, Principal, PrincipalKind,
    PrincipalParts, SessionSource, Timestamp, TokenOutcome,
    revocation::{LoginKey, Place, Query},
    stream::EndingBody,
};
use bytes::Bytes;
use http::{Extensions, Request, Response};
use http_body::{Body, Frame, SizeHint};
use tower::{Layer, Service, service_fn};

use crate::store::TestStore;

pub(crate) const START: Timestamp = Timestamp::from_secs(1_000_000);

pub(crate) struct World {
    pub(crate) clock: ManualClock,
    pub(crate) store: Arc<TestStore>,
    pub(crate) login: LoginId,
    authority: Arc<Authority>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(OutagePolicy::Closed)
    }

    pub(crate) fn with(outage: OutagePolicy) -> Self {
        let clock = ManualClock::new(START);
        let store = Arc::new(TestStore::new());
        let authority = Authority::new("test")
            .store(Some(Arc::clone(&store) as _))
            .outage(outage)
            .clock(Arc::new(clock.clone()));
        Self {
            clock,
            store,
            login: LoginId::random(),
            authority: Arc::new(authority),
        }
    }

    /// Alice, for so many seconds from the start.
    pub(crate) fn alice(&self, kind: PrincipalKind, lasts: Option<u64>) -> Principal {
        let query = self.query().token("issuer", "jti");
        let parts = PrincipalParts::new("alice")
            .login(Some(self.login))
            .query((kind == PrincipalKind::Token).then_some(query))
            .version(Some(1))
            .expires_at(lasts.map(|secs| START.plus(Duration::from_secs(secs))));
        Principal::insecure_for_tests(kind, parts)
    }

    pub(crate) fn query(&self) -> Query {
        Query::own("test", "alice", &self.login, 1)
    }

    pub(crate) fn place(&self) -> Place {
        Place::of("test", "alice")
    }

    pub(crate) fn login_key(&self) -> LoginKey {
        LoginKey::of("test", "alice", &self.login)
    }

    /// A request by token, good for 300 s.
    pub(crate) fn by_token(&self) -> Caller {
        let alice = self.alice(PrincipalKind::Token, Some(300));
        self.token(TokenOutcome::Proven(alice))
    }

    pub(crate) fn token(&self, outcome: TokenOutcome) -> Caller {
        Caller::join_token(&mut Extensions::new(), outcome, &self.authority).clone()
    }

    pub(crate) fn by_session<S: SessionSource>(&self, session: &Arc<S>) -> Caller {
        let source = Arc::clone(session);
        Caller::join_session(&mut Extensions::new(), source, &self.authority).clone()
    }

    /// The response of a service that answers `caller` with `body`, behind the layer.
    pub(crate) fn response(
        &self,
        caller: Option<Caller>,
        grpc: Option<&str>,
        body: Source,
    ) -> Response<EndingBody<Source>> {
        let layer = EndWithLogin::new(self.clock.clone());
        let mut request = Request::post("/").body(()).unwrap();
        if let Some(content_type) = grpc {
            let content_type = content_type.parse().unwrap();
            request.headers_mut().insert("content-type", content_type);
        }
        if let Some(caller) = caller {
            request.extensions_mut().insert(caller);
        }
        let mut service = layer.layer(service_fn(move |_| {
            let body = body.clone();
            async move { Ok::<_, Infallible>(Response::new(body)) }
        }));
        let mut calling = Task::new(service.call(request));
        match calling.poll() {
            Poll::Ready(Ok(response)) => response,
            Poll::Pending => panic!("the service answers at once"),
        }
    }

    /// A stream that has begun to wait for its second message.
    pub(crate) fn stream(&self, caller: Caller, grpc: Option<&str>) -> (Source, Reader) {
        let source = Source::default();
        source.feed("first");
        let response = self.response(Some(caller), grpc, source.clone());
        let mut reader = Reader::new(response.into_body());
        assert_eq!(reader.read(), Read::Data("first".to_owned()));
        assert_eq!(reader.read(), Read::Waits);
        (source, reader)
    }
}

/// A future and whether it was woken.
pub(crate) struct Task<F> {
    future: Pin<Box<F>>,
    woken: Arc<Woken>,
}

#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl<F: Future> Task<F> {
    pub(crate) fn new(future: F) -> Self {
        Self {
            future: Box::pin(future),
            woken: Arc::default(),
        }
    }

    pub(crate) fn poll(&mut self) -> Poll<F::Output> {
        let waker = Waker::from(Arc::clone(&self.woken));
        self.future.as_mut().poll(&mut Context::from_waker(&waker))
    }

    /// As a runtime would: polls it only if it was woken.
    pub(crate) fn run(&mut self) -> Poll<F::Output> {
        match self.woken.0.swap(false, Ordering::SeqCst) {
            true => self.poll(),
            false => Poll::Pending,
        }
    }
}

/// A body that gives what it is fed. Clones are the same.
#[derive(Clone, Default)]
pub(crate) struct Source(Arc<Mutex<Fed>>);

#[derive(Default)]
struct Fed {
    frames: VecDeque<Option<Frame<Bytes>>>,
    waker: Option<Waker>,
    hint: SizeHint,
}

impl Source {
    pub(crate) fn feed(&self, data: &'static str) {
        self.push(Some(Frame::data(Bytes::from_static(data.as_bytes()))));
    }

    pub(crate) fn push(&self, frame: Option<Frame<Bytes>>) {
        let mut fed = self.0.lock().unwrap();
        fed.frames.push_back(frame);
        if let Some(waker) = fed.waker.take() {
            waker.wake();
        }
    }

    pub(crate) fn with_hint(hint: SizeHint) -> Self {
        let source = Self::default();
        source.0.lock().unwrap().hint = hint;
        source
    }

    /// Whether nobody else holds it any more.
    pub(crate) fn is_let_go(&self) -> bool {
        Arc::strong_count(&self.0) == 1
    }
}

impl Body for Source {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let mut fed = self.0.lock().unwrap();
        match fed.frames.pop_front() {
            Some(frame) => Poll::Ready(frame.map(Ok)),
            None => {
                fed.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        self.0.lock().unwrap().hint
    }
}

/// What a reader gets.
#[derive(Debug, PartialEq)]
pub(crate) enum Read {
    Data(String),
    Trailers(Vec<(String, String)>),
    Breaks(String),
    End,
    Waits,
}

/// Reads a body as a server does: when it was woken.
pub(crate) struct Reader {
    body: Pin<Box<EndingBody<Source>>>,
    woken: Arc<Woken>,
}

impl Reader {
    pub(crate) fn new(body: EndingBody<Source>) -> Self {
        Self {
            body: Box::pin(body),
            woken: Arc::default(),
        }
    }

    /// Reads if it was woken.
    pub(crate) fn run(&mut self) -> Read {
        match self.woken.0.swap(false, Ordering::SeqCst) {
            true => self.read(),
            false => Read::Waits,
        }
    }

    pub(crate) fn read(&mut self) -> Read {
        let waker = Waker::from(Arc::clone(&self.woken));
        let cx = &mut Context::from_waker(&waker);
        match self.body.as_mut().poll_frame(cx) {
            Poll::Pending => Read::Waits,
            Poll::Ready(None) => Read::End,
            Poll::Ready(Some(Err(error))) => Read::Breaks(error.to_string()),
            Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                Ok(data) => Read::Data(String::from_utf8(data.into()).unwrap()),
                Err(frame) => {
                    let text = |value: &http::HeaderValue| value.to_str().unwrap().to_owned();
                    let trailers = frame.into_trailers().ok().unwrap();
                    let all = trailers.iter().map(|(n, v)| (n.to_string(), text(v)));
                    Read::Trailers(all.collect())
                }
            },
        }
    }

    pub(crate) fn body(&self) -> &EndingBody<Source> {
        &self.body
    }
}

/// The trailers that end a gRPC stream.
pub(crate) fn status(code: u8, message: &str) -> Read {
    Read::Trailers(vec![
        ("grpc-status".to_owned(), code.to_string()),
        ("grpc-message".to_owned(), message.to_owned()),
    ])
}
