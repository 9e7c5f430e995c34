//! The application's own user in axum handlers.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use auth_core::{
    Caller, CurrentUser, Principal, PrincipalKind, PrincipalParts, TokenOutcome, UserLoader,
};
use auth_session_layer::{Login, Session};
use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{FromRef, State},
    response::{IntoResponse, Response},
    routing::get,
};
use http::{Request, StatusCode, header};
use tower::ServiceExt;

use crate::{
    store::{Call, Fault},
    support::{Browser, World},
};

#[derive(Clone, Default)]
struct Users {
    loads: Arc<AtomicUsize>,
}

struct Broken;

impl IntoResponse for Broken {
    fn into_response(self) -> Response {
        (StatusCode::BAD_GATEWAY, "the database is down").into_response()
    }
}

impl UserLoader for Users {
    type User = String;
    type Error = Broken;

    async fn load_user(&self, principal: &Principal) -> Result<Option<String>, Broken> {
        self.loads.fetch_add(1, Ordering::SeqCst);
        match principal.subject() {
            "deleted" => Ok(None),
            "unlucky" => Err(Broken),
            subject => Ok(Some(format!("{} {subject}", principal.kind().as_str()))),
        }
    }
}

/// The loader is part of the state, as it is in an application.
#[derive(Clone)]
struct App {
    users: Users,
}

impl FromRef<App> for Users {
    fn from_ref(app: &App) -> Self {
        app.users.clone()
    }
}

async fn required(
    CurrentUser(one): CurrentUser<Users>,
    two: Option<CurrentUser<Users>>,
    caller: Caller,
    State(app): State<App>,
) -> Result<String, Broken> {
    let three = caller.user(&app.users).await.map_err(|_| Broken)?;
    assert_eq!(two.map(|CurrentUser(user)| user).as_ref(), Some(&one));
    assert_eq!(three.as_ref(), Some(&one));
    Ok(one)
}

async fn optional(user: Option<CurrentUser<Users>>) -> String {
    user.map_or("stranger".to_owned(), |CurrentUser(user)| user)
}

async fn switch(
    session: Session,
    caller: Caller,
    State(app): State<App>,
) -> Result<String, Broken> {
    let before = caller.user(&app.users).await.map_err(|_| Broken)?;
    session.login(Login::new("bob")).map_err(|_| Broken)?;
    session.save().await.map_err(|_| Broken)?;
    let after = caller.user(&app.users).await.map_err(|_| Broken)?;
    Ok(format!("{before:?} {after:?}"))
}

async fn public() -> &'static str {
    "public"
}

struct Service {
    world: World,
    app: App,
    router: Router,
}

impl Service {
    fn new() -> Self {
        let (world, users) = (World::new(), Users::default());
        let app = App { users };
        let router = Router::new()
            .route("/required", get(required))
            .route("/optional", get(optional))
            .route("/switch", get(switch))
            .route("/public", get(public))
            .layer(world.layer.clone())
            .with_state(app.clone());
        Self { world, app, router }
    }

    async fn get(&self, path: &str, browser: &Browser) -> (StatusCode, String) {
        self.send(path, browser.request().map(Body::from)).await
    }

    async fn send(&self, path: &str, mut request: Request<Body>) -> (StatusCode, String) {
        *request.uri_mut() = path.parse().expect("a path");
        let Ok(response) = self.router.clone().oneshot(request).await;
        let status = response.status();
        assert_eq!(
            response.headers().contains_key(header::WWW_AUTHENTICATE),
            status == StatusCode::UNAUTHORIZED
        );
        let body = to_bytes(response.into_body(), 1_000).await.expect("short");
        (status, String::from_utf8_lossy(&body).into_owned())
    }

    fn loads(&self) -> usize {
        self.app.users.loads.swap(0, Ordering::SeqCst)
    }
}

#[tokio::test]
async fn a_handler_gets_its_user_by_one_extractor_and_the_loader_runs_once() {
    let service = Service::new();
    let alice = service.world.browser_of("alice").await;
    let (status, body) = service.get("/required", &alice).await;
    assert_eq!((status, body.as_str()), (StatusCode::OK, "session alice"));
    assert_eq!(service.loads(), 1);
    assert_eq!(service.get("/optional", &alice).await.1, "session alice");
    service.loads();
    // Who wants no user costs no query, and no store call either.
    service.world.store.calls();
    service.get("/public", &alice).await;
    assert_eq!((service.loads(), service.world.store.calls().len()), (0, 0));
}

#[tokio::test]
async fn a_token_has_a_user_just_as_a_session_has() {
    let service = Service::new();
    let parts = PrincipalParts::new("alice");
    let token = Principal::insecure_for_tests(PrincipalKind::Token, parts);
    let mut request = Request::new(Body::empty());
    let outcome = TokenOutcome::Proven(token);
    Caller::join_token(
        request.extensions_mut(),
        outcome,
        &std::sync::Arc::new(auth_core::Authority::new("api")),
    );
    let (status, body) = service.send("/required", request).await;
    assert_eq!((status, body.as_str()), (StatusCode::OK, "token alice"));
}

#[tokio::test]
async fn nobody_and_whose_user_is_gone_are_401_and_optionally_none() {
    let service = Service::new();
    let deleted = service.world.browser_of("deleted").await;
    for browser in [Browser::default(), deleted] {
        let (status, _) = service.get("/required", &browser).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED);
        let (status, body) = service.get("/optional", &browser).await;
        assert_eq!((status, body.as_str()), (StatusCode::OK, "stranger"));
    }
}

#[tokio::test]
async fn an_error_of_the_loader_is_answered_as_the_application_answers_it() {
    let service = Service::new();
    let unlucky = service.world.browser_of("unlucky").await;
    for path in ["/required", "/optional"] {
        let (status, body) = service.get(path, &unlucky).await;
        assert_eq!(status, StatusCode::BAD_GATEWAY, "{path}");
        assert_eq!(body, "the database is down", "{path}");
    }
}

#[tokio::test]
async fn a_store_that_can_not_tell_is_503_and_the_loader_is_not_asked() {
    let service = Service::new();
    let alice = service.world.browser_of("alice").await;
    service.world.store.fail(Call::Load, Fault::NotMade);
    for path in ["/required", "/optional"] {
        let (status, _) = service.get(path, &alice).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
    }
    assert_eq!(service.loads(), 0);
}

#[tokio::test]
async fn after_a_login_in_the_handler_it_is_the_other_user() {
    let service = Service::new();
    let alice = service.world.browser_of("alice").await;
    let (_, body) = service.get("/switch", &alice).await;
    assert_eq!(body, "Some(\"session alice\") Some(\"session bob\")");
    assert_eq!(service.loads(), 2);
}
