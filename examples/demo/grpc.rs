//! The gRPC side: the same layers around a tonic service.

use std::{future::Future, sync::Arc, time::Duration};

use auth_examples::{
    identity,
    whoami::{
        GetRequest, Identity, WatchRequest,
        whoami_server::{Whoami, WhoamiServer},
    },
};
use auth_layers::{
    Clock, Principal, RequireAuth, SystemClock, Verdict,
    revocation::{LoginKey, Place},
    store::{Notice, Store, Subscription},
};
use tokio::{
    net::TcpListener,
    sync::mpsc::{self, error::TrySendError},
    time,
};
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tonic::{Request, Response, Status, transport::Server};

use crate::app::App;

pub(crate) async fn serve(
    app: App,
    listener: TcpListener,
    stopped: impl Future<Output = ()>,
) -> Result<(), tonic::transport::Error> {
    let service = Service {
        store: app.store.clone(),
    };
    Server::builder()
        .layer(app.grpc_tokens.clone())
        .layer(app.grpc_sessions.clone())
        .layer(RequireAuth::new())
        .add_service(WhoamiServer::new(service))
        .serve_with_incoming_shutdown(TcpListenerStream::new(listener), stopped)
        .await
}

const ENDED: &str = "the login ended";

struct Service {
    store: Arc<dyn Store>,
}

#[tonic::async_trait]
impl Whoami for Service {
    async fn get(&self, request: Request<GetRequest>) -> Result<Response<Identity>, Status> {
        Ok(Response::new(identity(principal(&request)?)))
    }

    type WatchStream = ReceiverStream<Result<Identity, Status>>;

    async fn watch(
        &self,
        request: Request<WatchRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let principal = principal(&request)?.clone();
        // Whoever was revoked between the guard's look and this one is not told of any more: so
        // first listen, then look again.
        let notices = self.store.subscribe();
        let verdict = match principal.query(&*self.store) {
            Some(query) => self.store.verdict(&query).await,
            None => Verdict::Active,
        };
        match verdict {
            Verdict::Active => {}
            Verdict::Revoked => return Err(Status::unauthenticated(ENDED)),
            Verdict::Unknown => return Err(Status::unavailable("try again later")),
        }
        let (sender, receiver) = mpsc::channel(1);
        tokio::spawn(send_until_ended(
            self.store.clone(),
            notices,
            principal,
            sender,
        ));
        Ok(Response::new(ReceiverStream::new(receiver)))
    }
}

/// The guard has put it there.
fn principal<T>(request: &Request<T>) -> Result<&Principal, Status> {
    let principal = request.extensions().get::<Principal>();
    principal.ok_or_else(|| Status::internal("no guard around this method"))
}

/// Sends the identity once a second, until the login ends, expires, or the client hangs up.
async fn send_until_ended(
    store: Arc<dyn Store>,
    mut notices: Subscription,
    principal: Principal,
    sender: mpsc::Sender<Result<Identity, Status>>,
) {
    let query = principal.query(&*store);
    let token = query.and_then(|query| query.token);
    let place = Place::of(store.realm(), principal.subject());
    let login = principal
        .login()
        .map(|login| LoginKey::of(store.realm(), principal.subject(), &login));
    let ends = |notice: Notice| match notice {
        Notice::Login(_, ended) => Some(ended) == login,
        Notice::Subject(lane, subject, keep) => {
            lane == place.lane && subject == place.subject && (keep.is_none() || keep != login)
        }
        Notice::Token(_, denied) => Some(denied) == token,
        // Everything, or something was missed.
        _ => true,
    };
    let left = principal
        .expires_at()
        .map_or(Duration::MAX, |end| end.since(SystemClock.now()));
    let expired = time::sleep(left.min(Duration::from_secs(86_400)));
    tokio::pin!(expired);
    let mut seconds = time::interval(Duration::from_secs(1));
    loop {
        tokio::select! {
            _ = seconds.tick() => {
                // A client that does not read misses seconds, and not the end.
                if let Err(TrySendError::Closed(_)) = sender.try_send(Ok(identity(&principal))) {
                    return;
                }
            }
            () = sender.closed() => return,
            notice = notices.next() => {
                if notice.is_none_or(ends) {
                    break;
                }
            }
            () = &mut expired => break,
        }
    }
    let _ = sender.send(Err(Status::unauthenticated(ENDED))).await;
}
