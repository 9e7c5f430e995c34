//! The gRPC side: the same layers around a tonic service.

use std::{future::Future, pin::Pin, time::Duration};

use auth_examples::{
    identity,
    whoami::{
        GetRequest, Identity, WatchRequest,
        whoami_server::{Whoami, WhoamiServer},
    },
};
use auth_layers::{EndWithLogin, Principal, RequireAuth};
use tokio::{
    net::TcpListener,
    time::{self, MissedTickBehavior},
};
use tokio_stream::{
    Stream, StreamExt,
    wrappers::{IntervalStream, TcpListenerStream},
};
use tonic::{Request, Response, Status, transport::Server};

use crate::app::App;

pub(crate) async fn serve(
    app: App,
    listener: TcpListener,
    stopped: impl Future<Output = ()>,
) -> Result<(), tonic::transport::Error> {
    Server::builder()
        .layer(app.grpc_tokens.clone())
        .layer(app.grpc_sessions.clone())
        .layer(RequireAuth::new())
        .layer(EndWithLogin::new(time::sleep))
        .add_service(WhoamiServer::new(Service))
        .serve_with_incoming_shutdown(TcpListenerStream::new(listener), stopped)
        .await
}

struct Service;

#[tonic::async_trait]
impl Whoami for Service {
    async fn get(&self, request: Request<GetRequest>) -> Result<Response<Identity>, Status> {
        Ok(Response::new(identity(principal(&request)?)))
    }

    type WatchStream = Pin<Box<dyn Stream<Item = Result<Identity, Status>> + Send>>;

    /// Sends the identity once a second. That it ends with the login is for the layers to see to.
    async fn watch(
        &self,
        request: Request<WatchRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let principal = principal(&request)?.clone();
        let mut seconds = time::interval(Duration::from_secs(1));
        // A client that does not read misses seconds.
        seconds.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let identities = IntervalStream::new(seconds).map(move |_| Ok(identity(&principal)));
        Ok(Response::new(Box::pin(identities)))
    }
}

/// The guard has put it there.
fn principal<T>(request: &Request<T>) -> Result<&Principal, Status> {
    let principal = request.extensions().get::<Principal>();
    principal.ok_or_else(|| Status::internal("no guard around this method"))
}
