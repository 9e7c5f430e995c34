use std::{error::Error, sync::Arc, time::Duration};

use auth_layers::{
    memory::MemoryStore,
    session::{Session, SessionError, SessionLayer},
};
use axum::{
    Form, Json, Router,
    http::StatusCode,
    routing::{get, post},
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Order {
    article: u32,
}

async fn cart(session: Session) -> Result<Json<Vec<u32>>, SessionError> {
    let cart = session.data().await?.get("cart")?;
    Ok(Json(cart.unwrap_or_default()))
}

async fn order(session: Session, Form(order): Form<Order>) -> Result<StatusCode, SessionError> {
    // Not `get` and `insert`: of two orders at once both are counted.
    let add = move |cart: Option<Vec<u32>>| {
        let mut cart = cart.unwrap_or_default();
        cart.push(order.article);
        Some(cart)
    };
    session.data().await?.update("cart", add)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn empty(session: Session) -> Result<StatusCode, SessionError> {
    session.data().await?.remove("cart")?;
    Ok(StatusCode::NO_CONTENT)
}

async fn forget(session: Session) -> Result<StatusCode, SessionError> {
    session.logout().await?;
    Ok(StatusCode::NO_CONTENT)
}

pub fn app() -> Result<Router, Box<dyn Error>> {
    let sessions = SessionLayer::builder(Arc::new(MemoryStore::new()))
        .idle(Some(Duration::from_secs(30 * 60)))
        .build()?;
    Ok(Router::new()
        .route("/cart", get(cart).post(order).delete(empty))
        .route("/forget", post(forget))
        .layer(sessions))
}
