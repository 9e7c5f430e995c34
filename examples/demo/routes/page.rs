//! The page in the browser.

use axum::{
    Router,
    http::header::{
        CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY,
        X_CONTENT_TYPE_OPTIONS,
    },
    response::IntoResponse,
    routing::get,
};

use crate::app::App;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

pub(super) fn routes() -> Router<App> {
    let file = |content_type: &'static str, body: &'static str| {
        get(move || async move { serve(content_type, body) })
    };
    let script = |body| file("text/javascript; charset=utf-8", body);
    Router::new()
        .route(
            "/",
            file(
                "text/html; charset=utf-8",
                include_str!("../page/index.html"),
            ),
        )
        .route(
            "/icon.svg",
            file("image/svg+xml", include_str!("../page/icon.svg")),
        )
        .route("/app.js", script(include_str!("../page/app.js")))
        .route("/data.js", script(include_str!("../page/data.js")))
        .route("/dom.js", script(include_str!("../page/dom.js")))
        .route("/requests.js", script(include_str!("../page/requests.js")))
        .route("/tour.js", script(include_str!("../page/tour.js")))
        .route(
            "/style.css",
            file("text/css; charset=utf-8", include_str!("../page/style.css")),
        )
}

fn serve(content_type: &'static str, body: &'static str) -> impl IntoResponse {
    let headers = [
        (CONTENT_TYPE, content_type),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-cache"),
    ];
    (headers, body)
}
