//! A store of one's own, around another: every revocation is written to an audit log before anybody
//! is told that it happened.
//!
//! A `JwtLayer` asks the role `Revocations` only, so that is all there is to implement. A store that
//! keeps everything itself implements four such roles, and proves itself by the contract suite.
//!
//! ```sh
//! cargo run -p auth-examples --example custom_store
//! curl -H 'Authorization: Bearer …' http://127.0.0.1:3000/me
//! curl -X POST -H 'Authorization: Bearer …' http://127.0.0.1:3000/logout-everywhere
//! ```

use std::{env, error::Error, sync::Arc, time::Duration};

use async_trait::async_trait;
use auth_layers::{
    Principal, StoreError, Unavailable, Verdict,
    jwt::{Issuer, JwtLayer, SigningKeys, TokenLogin},
    memory::MemoryStore,
    revocation::{Op, Query},
    store::{Epoch, Revocation, Revocations, Subscription, Target},
};
use axum::{
    Router,
    extract::State,
    http::StatusCode,
    routing::{get, post},
};
use tokio::net::TcpListener;

/// Writes down what is revoked.
#[derive(Debug)]
struct Audited(Arc<dyn Revocations>);

#[async_trait]
impl Revocations for Audited {
    async fn revoke(&self, op: Op, revocation: &Revocation) -> Result<(), StoreError> {
        let done = self.0.revoke(op, revocation).await;
        let what = match revocation.target() {
            Target::Token { subject, jti, .. } => format!("the token {jti} of {subject}"),
            Target::Login { subject, login } => format!("the login {login} of {subject}"),
            Target::OtherLogins { subject, .. } => format!("the other logins of {subject}"),
            Target::Subject { subject } => format!("everything of {subject}"),
            _ => "everything".to_owned(),
        };
        // "failed" means that it is not known to have happened; it may have.
        let outcome = if done.is_ok() { "revoked" } else { "failed" };
        println!("audit: {outcome}: {what}");
        done
    }

    // All else is as in the store inside. What has a default is passed on, too: the one inside may
    // know better.

    fn realm(&self) -> &str {
        self.0.realm()
    }

    fn is_shared(&self) -> bool {
        self.0.is_shared()
    }

    fn verdict_now(&self, query: &Query) -> Option<Verdict> {
        self.0.verdict_now(query)
    }

    async fn verdict(&self, query: &Query) -> Verdict {
        self.0.verdict(query).await
    }

    fn verdict_stale(&self, query: &Query, at_most: Duration) -> Option<Verdict> {
        self.0.verdict_stale(query, at_most)
    }

    async fn epoch(&self, subject: &str) -> Result<Epoch, Unavailable> {
        self.0.epoch(subject).await
    }

    fn subscribe(&self) -> Subscription {
        self.0.subscribe()
    }
}

async fn me(principal: Principal) -> String {
    format!("{}\n", principal.subject())
}

async fn logout_everywhere(
    State(store): State<Arc<dyn Revocations>>,
    principal: Principal,
) -> StatusCode {
    // Goes through `revoke`, as all of these calls do.
    match store.revoke_subject(principal.subject()).await {
        Ok(()) => StatusCode::NO_CONTENT,
        Err(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let inside = Arc::new(MemoryStore::new());
    let keys = SigningKeys::builder().generate_ed25519("demo").build()?;
    let issuer = Issuer::builder("https://auth.example", "api", keys, inside.clone()).build()?;
    let tokens = issuer.login(TokenLogin::new("alice")).await?;
    println!("token for alice: {}", tokens.access_token());

    let store: Arc<dyn Revocations> = Arc::new(Audited(inside));
    let layer = JwtLayer::builder(issuer.verifier()?)
        .store(store.clone())
        .build()?;
    let app = Router::new()
        .route("/me", get(me))
        .route("/logout-everywhere", post(logout_everywhere))
        .with_state(store)
        .layer(layer);

    let address = env::args().nth(1).unwrap_or("127.0.0.1:3000".to_owned());
    let listener = TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}
