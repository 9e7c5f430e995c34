//! The client that comes along, against a real endpoint.

use std::{convert::Infallible, net::SocketAddr, pin::Pin};

use auth_jwt_layer::RemoteKeysError;
use axum::{
    Router,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Redirect},
    routing::get,
};
use http_body::Frame;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::*;

/// What the endpoint has sent of an endless document, in bytes.
type Sent = Arc<AtomicUsize>;

async fn serve(keys: String, sent: Sent) -> SocketAddr {
    let endless = move |State(_): State<String>| {
        let sent = sent.clone();
        async move { Body::new(Endless(sent)) }
    };
    let routes = Router::new()
        .route("/keys", get(|State(keys): State<String>| async { keys }))
        .route("/asked", get(asked))
        .route("/redirect", get(|| async { Redirect::to("/keys") }))
        .route("/missing", get(|| async { StatusCode::NOT_FOUND }))
        .route("/endless", get(endless))
        .with_state(keys);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move { axum::serve(listener, routes).await });
    address
}

/// The keys, for a client that asks as it should.
async fn asked(State(keys): State<String>, headers: HeaderMap) -> impl IntoResponse {
    let as_it_should = headers
        .get(header::ACCEPT)
        .is_some_and(|accept| accept == "application/json")
        && headers.contains_key(header::USER_AGENT)
        && headers.contains_key(header::HOST);
    match as_it_should {
        true => keys.into_response(),
        false => StatusCode::BAD_REQUEST.into_response(),
    }
}

struct Endless(Sent);

impl http_body::Body for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.fetch_add(1024, Ordering::SeqCst);
        let spaces = Bytes::from_static(&[b' '; 1024]);
        std::task::Poll::Ready(Some(Ok(Frame::data(spaces))))
    }
}

async fn fetch(url: String) -> Result<(), RemoteKeysError> {
    let keys = RemoteKeys::jwks(url).build().expect("keys");
    keys.ready().await
}

#[tokio::test]
async fn keys_come_over_http_within_bounds() {
    let party = issuer("k1");
    let sent = Sent::default();
    let server = serve(party.jwks(), sent.clone()).await;
    let at = |path: &str| format!("http://{server}{path}");
    for path in ["/keys", "/asked"] {
        fetch(at(path)).await.expect(path);
    }
    for (path, expected) in [("/redirect", 303), ("/missing", 404), ("/elsewhere", 404)] {
        match fetch(at(path)).await {
            Err(RemoteKeysError::Status(status)) => assert_eq!(status, expected, "{path}"),
            other => panic!("{path}: {other:?}"),
        }
    }
    let endless = fetch(at("/endless")).await;
    assert!(
        matches!(endless, Err(RemoteKeysError::TooLarge)),
        "{endless:?}"
    );
    // No more than what lay in buffers on the way.
    assert!(sent.load(Ordering::SeqCst) < 16 << 20);
}

#[tokio::test]
async fn half_an_answer_and_none_are_no_answer() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}/keys", listener.local_addr().expect("bound"));
    let cut = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a client");
        let mut request = [0; 16];
        stream.read_exact(&mut request).await.expect("a request");
        let half = b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{\"keys\"";
        stream.write_all(half).await.expect("written");
    });
    for what in ["half", "nobody listens any more"] {
        let failed = fetch(url.clone()).await;
        let by_client = matches!(failed, Err(RemoteKeysError::Client(_)));
        assert!(by_client, "{what}: {failed:?}");
    }
    cut.await.expect("no panic");
}

#[tokio::test]
async fn an_endpoint_without_the_right_certificate_is_no_endpoint() {
    // It speaks plain HTTP, which is no TLS at all.
    let server = serve(issuer("k1").jwks(), Sent::default()).await;
    let error = fetch(format!("https://{server}/keys"))
        .await
        .expect_err("no TLS");
    assert!(matches!(error, RemoteKeysError::Client(_)), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_says_nothing_is_given_2_s() {
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = silent.local_addr().expect("bound");
    let error = fetch(format!("http://{address}/keys"))
        .await
        .expect_err("silence");
    assert!(matches!(error, RemoteKeysError::Timeout(_)), "{error:?}");
}

#[tokio::test]
async fn tokens_are_verified_by_keys_from_an_endpoint() {
    let party = issuer("k1");
    let server = serve(party.jwks(), Sent::default()).await;
    let keys = RemoteKeys::jwks(format!("http://{server}/keys")).build();
    let layer = layer(&keys.expect("keys"), &ManualClock::new(START));
    let answer = send(&layer, bearer(&token(&party).await)).await;
    assert_eq!(answer, passed("token alice"));
    let stranger = token(&issuer("k2")).await;
    let answer = send(&layer, bearer(&stranger)).await;
    assert_eq!(answer, invalid("the signature is invalid"));
}
