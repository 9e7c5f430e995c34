//! A session that nobody asks for costs nothing.

use auth_core::{Caller, Principal};
use http::{Request, header};

use crate::{
    store::Call,
    support::{Browser, World, ok, our_cookie, put, session_of, status},
};

#[tokio::test]
async fn a_request_that_never_touches_its_session_makes_no_store_call_and_sets_no_cookie() {
    let world = World::new();
    let browser = world.browser_of("alice").await;
    let response = browser.visit_without_taking(&world, async |_| ok()).await;
    assert_eq!(world.store.calls(), []);
    assert!(response.headers().is_empty());
}

#[tokio::test]
async fn a_hundred_thousand_requests_without_a_cookie_never_reach_the_store() {
    let world = World::new();
    for _ in 0..1_000 {
        let handler = async |request: Request<String>| {
            let caller = request.extensions().get::<Caller>().expect("a caller");
            // Known without waiting, and without asking.
            assert_eq!(caller.principal_now(), Some(Ok(None)));
            let data = session_of(&request).data().await.expect("empty");
            assert_eq!(data.get::<String>("cart"), Ok(None));
            ok()
        };
        let response = world.send(Browser::default().request(), handler).await;
        assert!(response.headers().is_empty());
    }
    assert_eq!(world.store.calls(), []);
}

#[tokio::test]
async fn a_session_is_loaded_once_however_often_it_is_asked_for() {
    let world = World::new();
    let browser = world.browser_of("alice").await;
    let handler = async |request: Request<String>| {
        let caller = request.extensions().get::<Caller>().expect("a caller");
        let session = session_of(&request);
        let (one, two, data) = tokio::join!(caller.principal(), caller.principal(), session.data());
        assert_eq!(one.as_ref().map(Option::is_some), Ok(true));
        assert_eq!(one, two);
        data.expect("available");
        assert!(caller.peek().expect("resolved").is_some());
        ok()
    };
    world.send(browser.request(), handler).await;
    assert_eq!(world.store.calls(), [Call::Load]);
}

#[tokio::test]
async fn a_load_that_was_dropped_is_begun_again() {
    let world = World::new();
    let browser = world.browser_of("alice").await;
    let gate = world.store.gate(Call::Load);
    let handler = async |request: Request<String>| {
        let caller = request.extensions().get::<Caller>().expect("a caller");
        tokio::select! {
            biased;
            _ = caller.principal() => unreachable!("it is held up"),
            () = gate.arrived() => {}
        }
        gate.let_one_through();
        assert!(caller.principal().await.expect("available").is_some());
        ok()
    };
    assert_eq!(world.send(browser.request(), handler).await.status(), 200);
}

#[tokio::test]
async fn reading_alone_commits_nothing() {
    let world = World::new();
    let browser = world.browser_with_cart().await;
    let response = browser
        .visit_without_taking(&world, async |session| {
            let data = session.data().await.expect("available");
            assert_eq!(data.get::<String>("cart"), Ok(Some("tea".to_owned())));
            ok()
        })
        .await;
    assert_eq!(world.store.calls(), [Call::Load]);
    assert!(response.headers().is_empty());
}

#[tokio::test]
async fn writing_what_is_there_already_commits_nothing() {
    let world = World::new();
    let browser = world.browser_with_cart().await;
    let handler = async |session: auth_session_layer::Session| {
        let response = put(&session, "cart", "tea").await;
        let data = session.data().await.expect("available");
        data.insert("x", &1).expect("fits");
        data.remove("x").expect("open");
        data.remove("never there").expect("open");
        data.update("cart", |cart: Option<String>| cart)
            .expect("a string");
        response
    };
    let response = browser.visit_without_taking(&world, handler).await;
    assert_eq!(response.status(), 200);
    assert_eq!(world.store.calls(), [Call::Load]);
}

#[tokio::test]
async fn an_eager_layer_puts_the_principal_into_the_extensions() {
    for local in [false, true] {
        let world = World::with(|builder| builder.eager(true));
        let browser = world.browser_of("alice").await;
        if local {
            world.store.answer_loads_locally();
        }
        let handler = async |request: Request<String>| {
            let principal = request.extensions().get::<Principal>().expect("resolved");
            assert_eq!(principal.subject(), "alice");
            status(201)
        };
        assert_eq!(world.send(browser.request(), handler).await.status(), 201);
        assert_eq!(world.store.calls(), [Call::Load]);

        let handler = async |request: Request<String>| {
            assert!(request.extensions().get::<Principal>().is_none());
            ok()
        };
        world.send(Browser::default().request(), handler).await;
        assert_eq!(world.store.calls(), []);
    }
}

#[tokio::test]
async fn a_caller_that_came_along_from_another_request_is_replaced() {
    let world = World::new();
    let alice = world.browser_of("alice").await;
    let mut request = Browser::default().request();
    let stolen = async |theirs: Request<String>| {
        let caller = theirs.extensions().get::<Caller>().expect("a caller");
        caller.principal().await.expect("available");
        let mut response = ok();
        response.extensions_mut().insert(caller.clone());
        response
    };
    let response = world.send(alice.request(), stolen).await;
    let caller = response.extensions().get::<Caller>().expect("alice's");
    request.extensions_mut().insert(caller.clone());
    let handler = async |request: Request<String>| {
        let caller = request.extensions().get::<Caller>().expect("a caller");
        assert_eq!(caller.principal().await, Ok(None));
        ok()
    };
    assert_eq!(world.send(request, handler).await.status(), 200);
}

#[tokio::test]
async fn the_first_write_begins_an_anonymous_session_with_a_cookie() {
    let world = World::new();
    let mut browser = Browser::default();
    let response = browser
        .visit(&world, async |session| put(&session, "cart", "tea").await)
        .await;
    assert_eq!(world.store.calls(), [Call::Establish]);
    assert!(our_cookie(response.headers()).is_some());
    assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
    assert_eq!(browser.field(&world, "cart").await.as_deref(), Some("tea"));
    assert_eq!(browser.subject(&world).await, None);
}
