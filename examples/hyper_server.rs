//! Plain hyper, no framework: tokens, a guard, and log out everywhere.
//!
//! ```sh
//! cargo run -p auth-examples --example hyper_server
//! curl -H 'Authorization: Bearer …' http://127.0.0.1:3000/me
//! ```

use std::{convert::Infallible, env, error::Error, sync::Arc};

use auth_layers::{
    Principal, RequireAuth,
    jwt::{Issuer, JwtLayer, SigningKeys, TokenLogin},
    memory::MemoryStore,
    store::Revocations,
};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
    service::TowerToHyperService,
};
use tokio::net::TcpListener;
use tower::{ServiceBuilder, service_fn};

async fn handle(
    store: Arc<MemoryStore>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    // The guard has put it there.
    let principal = request.extensions().get::<Principal>().cloned();
    let subject = principal.as_ref().map_or("", Principal::subject);
    let (status, body) = match (request.method(), request.uri().path()) {
        (&Method::GET, "/me") => (StatusCode::OK, subject.to_owned()),
        (&Method::POST, "/logout-everywhere") => match store.revoke_subject(subject).await {
            Ok(()) => (StatusCode::NO_CONTENT, String::new()),
            Err(error) => (StatusCode::SERVICE_UNAVAILABLE, error.to_string()),
        },
        _ => (StatusCode::NOT_FOUND, String::new()),
    };
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    Ok(response)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let store = Arc::new(MemoryStore::new());
    let keys = SigningKeys::builder().generate_ed25519("demo").build()?;
    let issuer = Issuer::builder("https://auth.example", "hyper", keys, store.clone()).build()?;
    let login = issuer.login(TokenLogin::new("alice")).await?;
    println!("token for alice: {}", login.access_token());

    let handler_store = store.clone();
    let service = ServiceBuilder::new()
        .layer(JwtLayer::builder(issuer.verifier()?).store(store).build()?)
        .layer(RequireAuth::new())
        .service(service_fn(move |request| {
            handle(handler_store.clone(), request)
        }));

    let address = env::args().nth(1).unwrap_or("127.0.0.1:3000".to_owned());
    let listener = TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        let service = TowerToHyperService::new(service.clone());
        tokio::spawn(async move {
            let connection = auto::Builder::new(TokioExecutor::new());
            // A client that hangs up is no news.
            let _ = connection
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}
