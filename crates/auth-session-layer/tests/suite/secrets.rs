//! No secret is shown.

use auth_session_layer::Login;
use parking_lot::Mutex;

use crate::support::{World, log_in, ok, put};

#[tokio::test]
async fn neither_the_id_nor_a_fields_value_is_in_any_debug_or_display() {
    let world = World::new();
    let mut browser = world.browser_of("alice").await;
    browser
        .visit(&world, async |session| {
            put(&session, "diary", "dear-diary").await
        })
        .await;
    let id = browser.cookie.clone().expect("set");
    let shown = Mutex::new(Vec::new());
    let response = browser
        .visit(&world, async |session| {
            shown.lock().push(format!("{session:?}"));
            let data = session.data().await.expect("available");
            shown
                .lock()
                .push(format!("{session:?} {session:#?} {data:?}"));
            let error = data.get::<u32>("diary").expect_err("a string");
            shown.lock().push(format!("{error} {error:?}"));
            data.insert("other", "dear-diary").expect("fits");
            let login = Login::new("alice").device("Firefox");
            shown.lock().push(format!("{login:?} {data:?}"));
            log_in(&session, login)
        })
        .await;
    shown.lock().push(format!("{response:?}"));
    shown
        .lock()
        .push(format!("{:?} {:?}", world.layer, world.store));
    let new_id = browser.cookie.clone().expect("set");
    assert_ne!(id, new_id);
    for text in shown.into_inner() {
        for secret in [&id, &new_id, "dear-diary"] {
            assert!(!text.contains(secret), "{text}");
        }
    }
}

#[tokio::test]
async fn a_future_that_waits_for_its_commit_shows_nothing() {
    let world = World::new();
    let response = world.browser_with_cart().await;
    let id = response.cookie.clone().expect("set");
    let builder = auth_session_layer::SessionLayer::builder(world.store.clone());
    assert!(!format!("{builder:?}").contains(&id));
    let response = response.visit_without_taking(&world, async |_| ok()).await;
    assert!(!format!("{response:?}").contains(&id));
}
