//! The data of a session.

use auth_core::store::{MAX_DATA_BYTES, MAX_FIELD_BYTES, MAX_FIELDS};
use auth_session_layer::{SessionData, SessionErrorKind};
use serde::{Deserialize, Serialize};

use crate::{
    store::Call,
    support::{Browser, World, failed, ok, put},
};

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Cart {
    articles: Vec<u32>,
    note: Option<String>,
}

/// Runs `handler` on the data of a new session.
async fn with_data(world: &World, browser: &mut Browser, handler: impl Fn(&SessionData)) {
    let response = browser
        .visit(world, async |session| {
            handler(&session.data().await.expect("available"));
            ok()
        })
        .await;
    assert_eq!(response.status(), 200);
}

#[tokio::test]
async fn fields_are_typed_and_seen_before_they_are_saved() {
    let world = World::new();
    let mut browser = Browser::default();
    let cart = || Cart {
        articles: vec![1, 2],
        note: None,
    };
    with_data(&world, &mut browser, |data| {
        assert_eq!(data.get::<Cart>("cart"), Ok(None));
        data.insert("cart", &cart()).expect("fits");
        data.insert("name", "alice").expect("fits");
        assert_eq!(data.get("cart"), Ok(Some(cart())));
        assert_eq!(data.names().as_slice(), ["cart".into(), "name".into()]);
    })
    .await;
    with_data(&world, &mut browser, |data| {
        assert_eq!(data.get("cart"), Ok(Some(cart())));
        let error = data.get::<u32>("cart").expect_err("another type");
        assert_eq!(error.kind(), SessionErrorKind::InvalidValue);
        assert_eq!(error.field(), Some("cart"));
        data.remove("cart").expect("open");
        assert_eq!(data.get::<Cart>("cart"), Ok(None));
    })
    .await;
    with_data(&world, &mut browser, |data| {
        assert_eq!(data.names().as_slice(), ["name".into()]);
        data.clear().expect("open");
    })
    .await;
    with_data(&world, &mut browser, |data| {
        assert!(data.names().is_empty())
    })
    .await;
}

#[tokio::test]
async fn a_change_sends_only_what_changed_and_keeps_the_id() {
    let world = World::new();
    let mut browser = world.browser_with_cart().await;
    let before = browser.clone();
    browser
        .visit(&world, async |session| put(&session, "seen", "it").await)
        .await;
    assert_eq!(world.store.calls(), [Call::Load, Call::Commit]);
    assert_eq!(browser, before);
    assert_eq!(browser.field(&world, "cart").await.as_deref(), Some("tea"));
}

#[tokio::test]
async fn updates_follow_each_other_and_plain_writes() {
    let world = World::new();
    let mut browser = Browser::default();
    let add = |n: Option<u32>| Some(n.unwrap_or(0) + 1);
    with_data(&world, &mut browser, |data| {
        data.update("n", add).expect("a number");
        data.update("n", add).expect("a number");
        assert_eq!(data.get("n"), Ok(Some(2)));
        data.insert("m", &10).expect("fits");
        data.update("m", add).expect("a number");
    })
    .await;
    with_data(&world, &mut browser, |data| {
        assert_eq!(data.get("n"), Ok(Some(2)));
        assert_eq!(data.get("m"), Ok(Some(11)));
        data.update("n", |_: Option<u32>| None).expect("a number");
    })
    .await;
    with_data(&world, &mut browser, |data| {
        assert_eq!(data.get::<u32>("n"), Ok(None))
    })
    .await;
}

#[tokio::test]
async fn an_update_may_look_at_the_session_itself() {
    let world = World::new();
    let mut browser = world.browser_with_cart().await;
    with_data(&world, &mut browser, |data| {
        let inner = data.clone();
        data.update("copy", move |_: Option<String>| {
            inner.get("cart").ok().flatten()
        })
        .expect("a string");
    })
    .await;
    assert_eq!(browser.field(&world, "copy").await.as_deref(), Some("tea"));
}

#[tokio::test]
async fn what_does_not_fit_is_an_error_where_it_is_set() {
    let world = World::new();
    let mut browser = Browser::default();
    // The quotes count, too.
    let largest = "x".repeat(MAX_FIELD_BYTES - 2);
    with_data(&world, &mut browser, |data| {
        let kind = |result: Result<(), auth_session_layer::SessionError>| {
            result.map_err(|error| error.kind())
        };
        assert_eq!(
            kind(data.insert("", &1)),
            Err(SessionErrorKind::InvalidName)
        );
        assert_eq!(
            kind(data.insert(&"x".repeat(256), &1)),
            Err(SessionErrorKind::InvalidName)
        );
        assert_eq!(kind(data.insert(&"x".repeat(255), &1)), Ok(()));
        data.clear().expect("open");

        let larger = format!("{largest}x");
        assert_eq!(
            kind(data.insert("a", &larger)),
            Err(SessionErrorKind::TooLarge)
        );
        for name in ["a", "b", "c"] {
            assert_eq!(kind(data.insert(name, &largest)), Ok(()));
        }
        // Four names take four bytes: one field of the largest size is too much.
        assert_eq!(4 * MAX_FIELD_BYTES, MAX_DATA_BYTES);
        assert_eq!(
            kind(data.insert("d", &largest)),
            Err(SessionErrorKind::TooLarge)
        );
        assert_eq!(kind(data.insert("d", &largest[4..])), Ok(()));
        assert_eq!(kind(data.insert("e", &1)), Err(SessionErrorKind::TooLarge));
        // What is replaced or removed makes room.
        assert_eq!(kind(data.insert("a", &1)), Ok(()));
        assert_eq!(kind(data.insert("e", &1)), Ok(()));
        data.clear().expect("open");

        for n in 0..MAX_FIELDS {
            assert_eq!(kind(data.insert(&n.to_string(), &n)), Ok(()));
        }
        assert_eq!(
            kind(data.insert("more", &1)),
            Err(SessionErrorKind::TooLarge)
        );
        assert_eq!(kind(data.insert("0", &1)), Ok(()));
    })
    .await;
    with_data(&world, &mut browser, |data| {
        assert_eq!(data.names().len(), MAX_FIELDS)
    })
    .await;
}

#[tokio::test]
async fn an_error_of_size_says_which_limit_it_is() {
    let (world, mut browser) = (World::new(), Browser::default());
    with_data(&world, &mut browser, |data| {
        let text = |name: &str, bytes: usize| {
            let error = data
                .insert(name, &"x".repeat(bytes))
                .expect_err("too large");
            (error.field().map(str::to_owned), error.to_string())
        };
        let expected = |name: &str, text: &str| {
            let text = format!("session field {name:?}: {text}");
            (Some(name.to_owned()), text)
        };
        assert_eq!(
            text("a", MAX_FIELD_BYTES),
            expected("a", "larger than 16 KiB of JSON")
        );
        for name in ["a", "b", "c"] {
            data.insert(name, &"x".repeat(MAX_FIELD_BYTES - 2))
                .expect("fits");
        }
        let all = "names and values of all fields would be larger than 64 KiB";
        assert_eq!(text("d", MAX_FIELD_BYTES - 2), expected("d", all));
        data.clear().expect("open");
        for n in 0..MAX_FIELDS {
            data.insert(&n.to_string(), &n).expect("fits");
        }
        assert_eq!(
            text("one more", 1),
            expected("one more", "a session has at most 64 fields")
        );
    })
    .await;
}

#[tokio::test]
async fn what_can_not_be_written_as_json_is_an_error_and_changes_nothing() {
    let world = World::new();
    let mut browser = Browser::default();
    with_data(&world, &mut browser, |data| {
        let keys_are_no_strings = std::collections::HashMap::from([((1, 2), 3)]);
        let error = data.insert("x", &keys_are_no_strings).expect_err("no JSON");
        assert_eq!(error.kind(), SessionErrorKind::InvalidValue);
    })
    .await;
    assert_eq!(world.store.calls(), []);
}

#[tokio::test]
async fn data_that_grew_too_large_together_with_another_request_is_not_saved() {
    let world = World::new();
    let browser = world.browser_with_cart().await;
    let large = "x".repeat(MAX_FIELD_BYTES - 100);
    let response = browser
        .visit_without_taking(&world, async |session| {
            let data = session.data().await.expect("available");
            for name in ["a", "b"] {
                data.insert(name, &large).expect("fits");
            }
            for name in ["c", "d"] {
                let parallel = browser.clone();
                let large = large.clone();
                parallel
                    .visit_without_taking(&world, async |other| put(&other, name, &large).await)
                    .await;
            }
            let parallel = browser.clone();
            parallel
                .visit_without_taking(&world, async |other| {
                    put(&other, "e", &"x".repeat(400)).await
                })
                .await;
            match session.save().await {
                Ok(()) => ok(),
                Err(error) => failed(&error),
            }
        })
        .await;
    assert_eq!(response.body(), "TooLarge");
    assert_eq!(browser.field(&world, "a").await, None);
    assert!(browser.field(&world, "c").await.is_some());
}
