//! The same small application on each candidate: `/` does the work that is measured, `/login` logs in.

pub mod hand;
pub mod ours;
pub mod sessions;
pub mod tokens;

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    task::{Context, Poll},
};

use axum::{Router, body::Body, response::Response, routing::get};
use http::Request;
use tower::{Layer, Service};

/// What is in a session's field `count` after a login, and what is answered when it is read.
pub const COUNT: u64 = 42;
pub const COUNT_TEXT: &str = "42";
/// What is answered where the session is not looked at.
pub const HELLO: &str = "hello";
/// Who is logged in.
pub const SUBJECT: &str = "user-8d1f2a";

/// What `/` does with its session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Work {
    /// Reads the field `count`.
    Read,
    /// Nothing.
    Untouched,
    /// Sets the field `count`, to another value each time.
    Write,
}

impl Work {
    /// What is answered.
    pub fn body(self) -> &'static str {
        match self {
            Self::Read => COUNT_TEXT,
            Self::Untouched | Self::Write => HELLO,
        }
    }
}

/// Another value each time.
pub fn next_count() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1_000);
    NEXT.fetch_add(1, Relaxed)
}

/// The floor: a layer that does nothing around a handler that answers the same.
pub fn floor(work: Work) -> Router {
    let router = match work {
        Work::Read => Router::new().route("/", get(|| async { COUNT.to_string() })),
        Work::Untouched => Router::new().route("/", get(|| async { HELLO })),
        Work::Write => Router::new().route(
            "/",
            get(|| async {
                std::hint::black_box(next_count());
                HELLO
            }),
        ),
    };
    router.layer(NoOpLayer)
}

/// The floor of token layers: answers who would be logged in.
pub fn floor_who() -> Router {
    let router = Router::new().route("/", get(|| async { SUBJECT.to_owned() }));
    router.layer(NoOpLayer)
}

/// The same without any layer.
pub fn bare() -> Router {
    Router::new().route("/", get(|| async { SUBJECT.to_owned() }))
}

/// Does nothing.
#[derive(Clone, Copy, Debug)]
pub struct NoOpLayer;

impl<S> Layer<S> for NoOpLayer {
    type Service = NoOp<S>;

    fn layer(&self, inner: S) -> NoOp<S> {
        NoOp(inner)
    }
}

/// Does nothing.
#[derive(Clone, Debug)]
pub struct NoOp<S>(S);

impl<S> Service<Request<Body>> for NoOp<S>
where
    S: Service<Request<Body>, Response = Response>,
{
    type Response = Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> S::Future {
        self.0.call(request)
    }
}
