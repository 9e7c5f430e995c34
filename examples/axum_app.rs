//! An existing axum router behind cookie sessions.
//!
//! ```sh
//! cargo run -p auth-examples --example axum_app
//! curl -i -c jar -d user=alice http://127.0.0.1:3000/login
//! curl -b jar http://127.0.0.1:3000/me
//! curl -b jar -N http://127.0.0.1:3000/clock
//! ```

use std::{convert::Infallible, env, error::Error, sync::Arc, time::Duration};

use auth_layers::{
    EndWithLogin, Principal, RequireAuth,
    memory::MemoryStore,
    session::{Login, Session, SessionError, SessionLayer},
};
use axum::{
    Form, Router,
    http::StatusCode,
    response::sse::{Event, Sse},
    routing::{get, post},
};
use serde::Deserialize;
use tokio::{net::TcpListener, time};
use tokio_stream::{Stream, StreamExt, wrappers::IntervalStream};
use tower_http::csrf::CsrfLayer;

#[derive(Deserialize)]
struct LoginForm {
    user: String,
}

/// A real application checks a password here.
async fn login(session: Session, Form(form): Form<LoginForm>) -> Result<StatusCode, SessionError> {
    session.login(Login::new(form.user))?;
    Ok(StatusCode::NO_CONTENT)
}

async fn logout(session: Session) -> Result<StatusCode, SessionError> {
    session.logout().await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn me(principal: Principal) -> String {
    principal.subject().to_owned()
}

/// An event a second, for as long as the login lasts: the layer around this route sees to that.
async fn clock() -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let seconds = IntervalStream::new(time::interval(Duration::from_secs(1)));
    let mut count = 0_u64;
    Sse::new(seconds.map(move |_| {
        count += 1;
        Ok(Event::default().data(count.to_string()))
    }))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let streams = Router::new()
        .route("/clock", get(clock))
        .layer(EndWithLogin::new(time::sleep))
        .layer(RequireAuth::new());
    let app = streams
        .route("/login", post(login))
        .route("/logout", post(logout))
        .route("/me", get(me));

    let store = Arc::new(MemoryStore::new());
    let app = app
        .layer(SessionLayer::builder(store).build()?)
        .layer(CsrfLayer::new());

    let address = env::args().nth(1).unwrap_or("127.0.0.1:3000".to_owned());
    let listener = TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}
