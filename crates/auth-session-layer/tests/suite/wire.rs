//! Over a real connection: streams, upgrades, and responses without a body.

use std::{convert::Infallible, net::SocketAddr, sync::Arc};

use auth_core::{Caller, EndWithLogin, Event, LoginEnd, ManualClock};
use auth_session_layer::{Login, Session, SessionError, SessionErrorKind};
use axum::{
    Router,
    body::Body,
    extract::{Path, Request, State},
    response::{
        IntoResponse, Response,
        sse::{self, Sse},
    },
    routing::{any, get},
};
use http::{StatusCode, header};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{Mutex, mpsc},
    task::JoinHandle,
};
use tokio_stream::{StreamExt, wrappers::ReceiverStream};

use crate::{
    store::{Call, Fault},
    support::{Browser, World, ok},
};

type Fed = Arc<Mutex<Option<mpsc::Receiver<&'static str>>>>;

/// A server on a real socket, and a stream of messages that the test sends when it likes.
struct Server {
    world: World,
    address: SocketAddr,
    feed: Option<mpsc::Sender<&'static str>>,
    late: mpsc::Receiver<SessionErrorKind>,
    serving: JoinHandle<()>,
}

#[derive(Clone)]
struct App {
    fed: Fed,
    late: mpsc::Sender<SessionErrorKind>,
    clock: ManualClock,
}

impl App {
    /// The messages; with each the session is changed, too late.
    async fn messages(
        self,
        session: Session,
    ) -> impl tokio_stream::Stream<Item = Result<String, Infallible>> {
        let fed = self.fed.lock().await.take().expect("one stream a test");
        let data = session.data().await.expect("available");
        ReceiverStream::new(fed).map(move |message| {
            let error = data.insert("late", message).expect_err("it is late");
            let _ = self.late.try_send(error.kind());
            Ok(message.to_owned())
        })
    }
}

async fn body(State(app): State<App>, session: Session) -> Result<Response, SessionError> {
    session.data().await?.insert("cart", "tea")?;
    Ok(Body::from_stream(app.messages(session).await).into_response())
}

async fn events(State(app): State<App>, session: Session) -> Result<Response, SessionError> {
    session.data().await?.insert("cart", "tea")?;
    let messages = app.messages(session).await;
    let events = messages.map(|text| text.map(|text| sse::Event::default().data(text)));
    Ok(Sse::new(events).into_response())
}

/// Switches to a protocol that says everything twice.
async fn upgrade(
    State(app): State<App>,
    session: Session,
    mut request: Request,
) -> Result<Response, SessionError> {
    session.login(Login::new("alice"))?;
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let Ok(upgraded) = upgrade.await else {
            return;
        };
        let late = session.rotate().expect_err("the head has gone out");
        let _ = app.late.try_send(late.kind());
        let mut upgraded = TokioIo::new(upgraded);
        let mut heard = [0; 4];
        if upgraded.read_exact(&mut heard).await.is_ok() {
            let said = [heard, heard].concat();
            upgraded.write_all(&said).await.expect("it is read");
        }
    });
    let headers = [(header::CONNECTION, "upgrade"), (header::UPGRADE, "twice")];
    Ok((StatusCode::SWITCHING_PROTOCOLS, headers).into_response())
}

/// Switches to a protocol that says everything again, until the login has ended.
async fn upgrade_until_ended(
    State(app): State<App>,
    caller: Caller,
    mut request: Request,
) -> Response {
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let mut upgraded = TokioIo::new(upgrade.await.expect("it is upgraded"));
        let (mut heard, ended) = ([0; 4], caller.ended(app.clock));
        let mut ended = std::pin::pin!(ended);
        loop {
            let said = tokio::select! {
                end = &mut ended => break upgraded.write_all(end.message().as_bytes()).await,
                heard_all = upgraded.read_exact(&mut heard) => heard_all.map(|_| heard),
            };
            upgraded
                .write_all(&said.expect("four bytes"))
                .await
                .expect("it is read");
        }
    });
    let headers = [(header::CONNECTION, "upgrade"), (header::UPGRADE, "again")];
    (StatusCode::SWITCHING_PROTOCOLS, headers).into_response()
}

async fn status(Path(code): Path<u16>, session: Session) -> Result<StatusCode, SessionError> {
    session.data().await?.insert("cart", "tea")?;
    Ok(StatusCode::from_u16(code).expect("a status"))
}

async fn nothing() {}

impl Server {
    async fn start() -> Self {
        let world = World::new();
        let (feed, fed) = mpsc::channel(1);
        let (late_in, late) = mpsc::channel(8);
        let app = App {
            fed: Arc::new(Mutex::new(Some(fed))),
            late: late_in,
            clock: world.clock.clone(),
        };
        let until_ended = EndWithLogin::new(world.clock.clone());
        let router = Router::new()
            .route("/body", get(body))
            .route("/events", get(events))
            .route("/events-until-ended", get(events).layer(until_ended))
            .route("/upgrade", get(upgrade))
            .route("/upgrade-until-ended", get(upgrade_until_ended))
            .route("/status/{code}", any(status))
            .route("/nothing", any(nothing))
            .layer(world.layer.clone())
            .with_state(app);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let serving = tokio::spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        Self {
            world,
            address,
            feed: Some(feed),
            late,
            serving,
        }
    }

    /// Sends a request, and reads the response's head.
    async fn open(&self, method: &str, path: &str, more: &str) -> Open {
        let mut stream = TcpStream::connect(self.address).await.expect("it listens");
        let request = format!("{method} {path} HTTP/1.1\r\nhost: a\r\n{more}\r\n");
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.expect("the head is not over"));
        }
        Open {
            head: String::from_utf8(head).expect("text"),
            stream,
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// A response whose head has been read.
struct Open {
    head: String,
    stream: TcpStream,
}

impl Open {
    fn status(&self) -> u16 {
        self.head[9..12].parse().expect("a status")
    }

    fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines();
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    /// The browser with the cookie that the head sets.
    fn browser(&self) -> Option<Browser> {
        let set = self.header("set-cookie")?.strip_prefix("__Host-id=")?;
        assert_eq!(self.header("cache-control"), Some("no-store"));
        let cookie = set.split(';').next().map(str::to_owned);
        Some(Browser { cookie })
    }
}

#[tokio::test]
async fn a_stream_is_committed_before_its_head_and_changes_after_that_are_told() {
    for (path, sent) in [("/body", "one"), ("/events", "data: one\n\n")] {
        let mut server = Server::start().await;
        let mut open = server.open("GET", path, "").await;
        // The head is here, nothing of the body is, and the session is saved.
        assert_eq!(open.status(), 200, "{path}");
        let browser = open.browser().expect("the cookie is in the head");
        let cart = browser.field(&server.world, "cart").await;
        assert_eq!(cart.as_deref(), Some("tea"), "{path}");

        let feed = server.feed.take().expect("taken once");
        feed.send("one").await.expect("it is read");
        assert_eq!(server.late.recv().await, Some(SessionErrorKind::Late));
        assert_eq!(*server.world.events.lock(), [Event::LateSessionChange]);
        drop(feed);
        let mut body = String::new();
        while !body.contains("0\r\n\r\n") {
            body.push(open.stream.read_u8().await.expect("it is not over").into());
        }
        assert!(body.contains(sent), "{path}: {body}");
        assert_eq!(browser.field(&server.world, "late").await, None);
    }
}

const UPGRADE: &str = "connection: upgrade\r\nupgrade: twice\r\n";

#[tokio::test]
async fn an_upgrade_carries_the_cookie_and_goes_on() {
    let mut server = Server::start().await;
    let mut open = server.open("GET", "/upgrade", UPGRADE).await;
    assert_eq!(open.status(), 101);
    assert_eq!(open.header("upgrade"), Some("twice"));
    let browser = open.browser().expect("the cookie is in the head");
    let subject = browser.subject(&server.world).await;
    assert_eq!(subject.as_deref(), Some("alice"));
    assert_eq!(server.late.recv().await, Some(SessionErrorKind::Late));
    open.stream.write_all(b"ping").await.expect("sent");
    let mut heard = [0; 8];
    open.stream.read_exact(&mut heard).await.expect("twice");
    assert_eq!(&heard, b"pingping");
}

#[tokio::test]
async fn an_upgrade_whose_session_can_not_be_saved_does_not_happen() {
    let server = Server::start().await;
    server.world.store.fail(Call::Admit, Fault::NotMade);
    let open = server.open("GET", "/upgrade", UPGRADE).await;
    assert_eq!(open.status(), 503);
    assert!(open.browser().is_none());
    assert!(server.world.logins("alice").await.is_empty());
}

#[tokio::test]
async fn responses_without_a_body_commit_and_carry_the_cookie() {
    let server = Server::start().await;
    let rows = [
        ("GET", "/status/200", 200),
        ("HEAD", "/status/200", 200),
        ("GET", "/status/204", 204),
        ("GET", "/status/205", 205),
        ("GET", "/status/303", 303),
        ("GET", "/status/304", 304),
        ("HEAD", "/status/304", 304),
        ("GET", "/status/404", 404),
        ("GET", "/status/500", 500),
        ("OPTIONS", "/status/204", 204),
    ];
    for (method, path, code) in rows {
        let open = server.open(method, path, "").await;
        assert_eq!(open.status(), code, "{method} {path}");
        let browser = open.browser();
        let browser = browser.unwrap_or_else(|| panic!("{method} {path}: {}", open.head));
        let cart = browser.field(&server.world, "cart").await;
        assert_eq!(cart.as_deref(), Some("tea"), "{method} {path}");
    }
}

#[tokio::test]
async fn a_request_that_does_not_touch_its_session_sets_no_cookie_whatever_its_method() {
    let server = Server::start().await;
    let browser = server.world.browser_of("alice").await;
    let id = browser.cookie.as_deref().expect("logged in");
    let cookie = format!("cookie: __Host-id={id}\r\n");
    for method in ["GET", "HEAD", "OPTIONS", "POST"] {
        for more in ["", &cookie] {
            let open = server.open(method, "/nothing", more).await;
            assert_eq!(open.status(), 200, "{method}");
            assert_eq!(open.header("set-cookie"), None, "{method}");
            assert_eq!(open.header("cache-control"), None, "{method}");
        }
    }
    assert_eq!(server.world.store.calls(), []);
}

#[tokio::test]
async fn events_and_an_upgraded_connection_end_with_the_login() {
    let mut server = Server::start().await;
    let browser = server.world.browser_of("alice").await;
    let id = browser.cookie.as_deref().expect("logged in");
    let cookie = format!("cookie: __Host-id={id}\r\n");
    let mut events = server.open("GET", "/events-until-ended", &cookie).await;
    let upgrade = UPGRADE.replace("twice", "again") + &cookie;
    let mut upgraded = server.open("GET", "/upgrade-until-ended", &upgrade).await;

    let feed = server.feed.take().expect("taken once");
    feed.send("one").await.expect("it is read");
    let mut heard = String::new();
    while !heard.ends_with("data: one\n\n\r\n") {
        heard.push(events.stream.read_u8().await.expect("it goes on").into());
    }
    upgraded.stream.write_all(b"ping").await.expect("sent");
    let mut again = [0; 4];
    upgraded
        .stream
        .read_exact(&mut again)
        .await
        .expect("it goes on");
    assert_eq!(&again, b"ping");

    // In another request of the same browser.
    let logged_out = browser
        .visit_without_taking(&server.world, async |session| {
            session.logout().await.expect("available");
            ok()
        })
        .await;
    assert_eq!(logged_out.status(), 200);
    // Broken off, without the last chunk: it is not all there is.
    let mut rest = Vec::new();
    let _ = events.stream.read_to_end(&mut rest).await;
    assert_eq!(String::from_utf8_lossy(&rest), "");
    let mut goodbye = String::new();
    let read = upgraded.stream.read_to_string(&mut goodbye).await;
    assert_eq!(
        (read.is_ok(), &*goodbye),
        (true, LoginEnd::Revoked.message())
    );
}
