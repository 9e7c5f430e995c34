//! A tonic server that takes tokens, with a scope for each method.
//!
//! `Get` needs the scope `read`, `Watch` the scope `admin`. Prints a token for alice, who may only
//! read, and one for admin.
//!
//! ```sh
//! cargo run -p auth-examples --example tonic_server
//! ```

use std::{env, error::Error, pin::Pin, sync::Arc, time::Duration};

use auth_examples::{
    identity,
    whoami::{
        GetRequest, Identity, WatchRequest,
        whoami_server::{Whoami, WhoamiServer},
    },
};
use auth_layers::{
    EndWithLogin, Principal, RequireScope, Scopes,
    jwt::{Issuer, JwtLayer, SigningKeys, TokenLogin},
    memory::MemoryStore,
};
use tokio::net::TcpListener;
use tokio_stream::{
    Stream, StreamExt,
    wrappers::{IntervalStream, TcpListenerStream},
};
use tonic::{Request, Response, Status, transport::Server};

struct Service;

#[tonic::async_trait]
impl Whoami for Service {
    async fn get(&self, request: Request<GetRequest>) -> Result<Response<Identity>, Status> {
        Ok(Response::new(identity(principal(&request)?)))
    }

    type WatchStream = Pin<Box<dyn Stream<Item = Result<Identity, Status>> + Send>>;

    async fn watch(
        &self,
        request: Request<WatchRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let identity = identity(principal(&request)?);
        let seconds = IntervalStream::new(tokio::time::interval(Duration::from_secs(1)));
        Ok(Response::new(Box::pin(
            seconds.map(move |_| Ok(identity.clone())),
        )))
    }
}

/// The guard has put it there.
fn principal<T>(request: &Request<T>) -> Result<&Principal, Status> {
    let principal = request.extensions().get::<Principal>();
    principal.ok_or_else(|| Status::internal("no guard around this method"))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let store = Arc::new(MemoryStore::new());
    let keys = SigningKeys::builder().generate_ed25519("demo").build()?;
    let issuer = Issuer::builder("https://auth.example", "whoami", keys, store.clone()).build()?;
    for (user, scopes) in [("alice", "read"), ("admin", "read admin")] {
        let login = TokenLogin::new(user).scopes(Scopes::parse(scopes));
        println!(
            "token for {user}: {}",
            issuer.login(login).await?.access_token()
        );
    }

    let tokens = JwtLayer::builder(issuer.verifier()?).store(store).build()?;
    let watch = RequireScope::new("admin").grpc_method("/auth.demo.v1.Whoami/Watch");

    let address = env::args().nth(1).unwrap_or("127.0.0.1:50051".to_owned());
    let listener = TcpListener::bind(address).await?;
    println!("listening on grpc://{}", listener.local_addr()?);
    Server::builder()
        .layer(tokens)
        .layer(RequireScope::new("read"))
        .layer(watch)
        .layer(EndWithLogin::new(tokio::time::sleep))
        .add_service(WhoamiServer::new(Service))
        .serve_with_incoming(TcpListenerStream::new(listener))
        .await?;
    Ok(())
}
