//! A service on a socket, and a client that keeps its cookies.

use std::{
    net::{SocketAddr, TcpListener as StdListener},
    thread,
};

use tokio::{net::TcpListener, runtime::Runtime};

use crate::http::{Request, Response};

/// Serves a router of either axum on a free port, for as long as the tests run.
macro_rules! serve {
    ($axum:ident, $app:expr) => {
        crate::support::on_a_thread(move |listener| async move {
            $axum::serve(listener, $app).await.expect("it serves on")
        })
    };
}
pub(crate) use serve;

pub(crate) fn on_a_thread<F>(serve: impl FnOnce(TcpListener) -> F + Send + 'static) -> SocketAddr
where
    F: Future<Output = ()>,
{
    let listener = StdListener::bind("127.0.0.1:0").expect("a free port");
    listener.set_nonblocking(true).expect("a socket can be");
    let address = listener.local_addr().expect("it is bound");
    thread::spawn(move || {
        Runtime::new().expect("a runtime").block_on(async {
            serve(TcpListener::from_std(listener).expect("a runtime")).await;
        });
    });
    address
}

/// A browser, as far as one cookie goes.
#[derive(Clone)]
pub(crate) struct Visitor {
    server: SocketAddr,
    pub(crate) cookie: Option<String>,
}

impl Visitor {
    pub(crate) fn new(server: SocketAddr) -> Self {
        Self {
            server,
            cookie: None,
        }
    }

    pub(crate) fn get(&mut self, path: &str) -> Response {
        self.send(Request::get(path))
    }

    pub(crate) fn post(&mut self, path: &str, form: &str) -> Response {
        self.send(Request::post(path).form(form))
    }

    pub(crate) fn send(&mut self, request: Request) -> Response {
        let request = match &self.cookie {
            Some(cookie) => request.header("cookie", cookie),
            None => request,
        };
        let response = request.send(self.server);
        if let Some(line) = response.header("set-cookie") {
            let pair = line.split(';').next().unwrap_or_default();
            let is_removal = line.contains("Max-Age=0");
            self.cookie = (!is_removal).then(|| pair.to_owned());
        }
        response
    }
}
