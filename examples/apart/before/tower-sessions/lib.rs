use axum::{
    Form, Json, Router,
    http::StatusCode,
    routing::{get, post},
};
use serde::Deserialize;
use time::Duration;
use tower_sessions::{Expiry, MemoryStore, Session, SessionManagerLayer, session::Error};

#[derive(Deserialize)]
struct Order {
    article: u32,
}

async fn cart(session: Session) -> Result<Json<Vec<u32>>, StatusCode> {
    let cart: Option<Vec<u32>> = session.get("cart").await.map_err(failed)?;
    Ok(Json(cart.unwrap_or_default()))
}

async fn order(session: Session, Form(order): Form<Order>) -> Result<StatusCode, StatusCode> {
    let cart: Option<Vec<u32>> = session.get("cart").await.map_err(failed)?;
    let mut cart = cart.unwrap_or_default();
    cart.push(order.article);
    session.insert("cart", cart).await.map_err(failed)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn empty(session: Session) -> Result<StatusCode, StatusCode> {
    let cart = session.remove::<Vec<u32>>("cart").await;
    cart.map_err(failed)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn forget(session: Session) -> Result<StatusCode, StatusCode> {
    session.flush().await.map_err(failed)?;
    Ok(StatusCode::NO_CONTENT)
}

fn failed(_: Error) -> StatusCode {
    StatusCode::INTERNAL_SERVER_ERROR
}

pub fn app() -> Router {
    let sessions = SessionManagerLayer::new(MemoryStore::default())
        .with_expiry(Expiry::OnInactivity(Duration::minutes(30)));
    Router::new()
        .route("/cart", get(cart).post(order).delete(empty))
        .route("/forget", post(forget))
        .layer(sessions)
}
