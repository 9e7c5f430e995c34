//! Requests to a router, in process.

use std::{convert::Infallible, rc::Rc, sync::Arc};

use axum::{Router, body::Body};
use http::{HeaderName, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::BodyExt as _;
use tokio::runtime::Runtime;
use tower::{Service, ServiceExt as _};

use crate::runner::{Candidate, measured};

/// The headers of one request.
pub type Headers = Vec<(HeaderName, HeaderValue)>;

/// A bearer token.
pub fn bearer(token: &str) -> Headers {
    let value = HeaderValue::try_from(format!("Bearer {token}")).expect("a token is ASCII");
    vec![(header::AUTHORIZATION, value)]
}

/// Cookies, as they are sent.
pub fn cookie(cookies: &str) -> Headers {
    let value = HeaderValue::try_from(cookies).expect("cookies are ASCII");
    vec![(header::COOKIE, value)]
}

fn request(path: &'static str, headers: &Headers) -> Request<Body> {
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = http::Uri::from_static(path);
    for (name, value) in headers {
        request.headers_mut().append(name, value.clone());
    }
    request
}

/// Asks once, and gives status and body.
pub async fn ask<S>(mut router: S, path: &'static str, headers: &Headers) -> (Response<()>, String)
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
{
    let ready = router.ready().await.expect("infallible");
    let response = ready
        .call(request(path, headers))
        .await
        .expect("infallible");
    let (parts, body) = response.into_parts();
    let body = body.collect().await.expect("a body in memory").to_bytes();
    let body = String::from_utf8(body.to_vec()).expect("text");
    (Response::from_parts(parts, ()), body)
}

/// The cookies that a login sets.
pub async fn log_in(router: Router) -> Headers {
    let (response, body) = ask(router, "/login", &Vec::new()).await;
    assert_eq!(response.status(), StatusCode::OK, "the login: {body}");
    let set = response.headers().get_all(header::SET_COOKIE);
    let cookies: Vec<_> = set
        .iter()
        .filter_map(|value| value.to_str().ok()?.split(';').next())
        .collect();
    assert!(!cookies.is_empty(), "a login sets a cookie");
    cookie(&cookies.join("; "))
}

/// A router.
pub trait App:
    Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + 'static
{
    /// As a server has it. A router that is called without being served puts its layers around its
    /// handlers again for every request; `axum::serve` has it do that once, by this very call.
    fn as_served(self) -> Self;
}

impl App for Router {
    fn as_served(self) -> Self {
        self.with_state(())
    }
}

/// A candidate that calls a router, with one of `requests` after the other. `make` makes the router before each round
/// where it is not to remember the rounds before.
pub struct Requests {
    pub runtime: Rc<Runtime>,
    pub requests: Arc<[Headers]>,
    pub body: &'static str,
}

impl Requests {
    pub fn new(
        runtime: &Rc<Runtime>,
        requests: impl Into<Arc<[Headers]>>,
        body: &'static str,
    ) -> Self {
        Self {
            runtime: Rc::clone(runtime),
            requests: requests.into(),
            body,
        }
    }

    /// Of a router that stays.
    pub fn candidate<S: App>(&self, name: &str, router: S) -> Candidate {
        let served = {
            let _runtime = self.runtime.enter();
            router.as_served()
        };
        self.fresh(name, move || served.clone())
    }

    /// Of a router that is made anew for each round.
    pub fn fresh<S: App>(&self, name: &str, mut make: impl FnMut() -> S + 'static) -> Candidate {
        let mut make = move || make().as_served();
        // What answers anything else is not worth measuring.
        let expected = (StatusCode::OK, self.body.to_owned());
        let first = {
            let _runtime = self.runtime.enter();
            make()
        };
        let (answer, body) = self.runtime.block_on(ask(first, "/", &self.requests[0]));
        assert_eq!((answer.status(), body), expected, "{name}");

        let (runtime, requests) = (Rc::clone(&self.runtime), Arc::clone(&self.requests));
        let mut next = 0;
        Candidate::new(name, move |what, times| {
            let mut router = {
                let _runtime = runtime.enter();
                make()
            };
            measured(what, || {
                runtime.block_on(async {
                    for _ in 0..times {
                        let request = request("/", &requests[next % requests.len()]);
                        next += 1;
                        let response = router.call(request).await.expect("infallible");
                        assert_eq!(response.status(), StatusCode::OK);
                    }
                });
            })
        })
    }
}
