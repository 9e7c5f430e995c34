//! Fields that are filled in, changed or taken in one call.

use auth_session_layer::{Session, SessionData, SessionErrorKind};

use crate::{
    store::Call,
    support::{Browser, World, ok},
};

async fn with_data(world: &World, browser: &mut Browser, with: impl Fn(&SessionData)) {
    let handler = async |session: Session| {
        with(&session.data().await.expect("available"));
        ok()
    };
    assert_eq!(browser.visit(world, handler).await.status(), 200);
}

#[tokio::test]
async fn an_entry_fills_in_what_is_not_there_and_changes_what_is() {
    let world = World::new();
    let mut browser = Browser::default();
    let visit = |data: &SessionData| {
        let entry = data.entry("visits").and_modify(|n: &mut u32| *n += 1);
        entry.or_insert(1).expect("a number")
    };
    for expected in 1..4 {
        with_data(&world, &mut browser, |data| {
            assert_eq!(visit(data), expected)
        })
        .await;
    }
    with_data(&world, &mut browser, |data| {
        let twice = data
            .entry("visits")
            .and_modify(|n: &mut u32| *n *= 10)
            .and_modify(|n| *n += 1);
        assert_eq!(twice.or_default(), Ok(31));
        let cart = data.entry::<Vec<String>>("cart").or_default();
        assert_eq!(cart, Ok(Vec::new()));
        let made = data.entry("made").or_insert_with(|| "here".to_owned());
        assert_eq!(made.as_deref(), Ok("here"));
        // It is there by now.
        assert_eq!(data.entry("made").or_insert("there".to_owned()), made);
    })
    .await;
    with_data(&world, &mut browser, |data| {
        assert_eq!(data.get("visits"), Ok(Some(31)));
        assert_eq!(data.get("cart"), Ok(Some(Vec::<String>::new())));
    })
    .await;
}

#[tokio::test]
async fn an_entry_that_is_there_already_saves_nothing() {
    let world = World::new();
    let mut browser = world.browser_with_cart().await;
    with_data(&world, &mut browser, |data| {
        let cart = data.entry("cart").or_insert("rum".to_owned());
        assert_eq!(cart.as_deref(), Ok("tea"));
    })
    .await;
    assert_eq!(world.store.calls(), [Call::Load]);
}

#[tokio::test]
async fn of_two_requests_that_fill_in_one_entry_the_first_counts() {
    let world = World::new();
    let browser = world.browser_with_cart().await;
    let fill = async |session: &Session, value: &str| {
        let data = session.data().await.expect("available");
        let lang = data.entry("lang").or_insert(value.to_owned());
        lang.expect("a string");
        ok()
    };
    let response = browser
        .visit_without_taking(&world, async |session| {
            let response = fill(&session, "de").await;
            browser
                .visit_without_taking(&world, async |other| fill(&other, "fr").await)
                .await;
            response
        })
        .await;
    assert_eq!(response.status(), 200);
    assert_eq!(browser.field(&world, "lang").await.as_deref(), Some("fr"));
}

#[tokio::test]
async fn an_entry_of_another_type_is_an_error_and_stays() {
    let world = World::new();
    let mut browser = world.browser_with_cart().await;
    with_data(&world, &mut browser, |data| {
        let errors = [
            data.entry("cart").or_insert(1).map(drop),
            data.entry("cart")
                .and_modify(|n: &mut u32| *n += 1)
                .or_default()
                .map(drop),
            data.take::<u32>("cart").map(drop),
        ];
        for result in errors {
            let error = result.expect_err("it is a string");
            assert_eq!(error.kind(), SessionErrorKind::InvalidValue);
        }
    })
    .await;
    assert_eq!(browser.field(&world, "cart").await.as_deref(), Some("tea"));
}

#[tokio::test]
async fn what_was_taken_is_there_no_more() {
    let world = World::new();
    let mut browser = world.browser_with_cart().await;
    with_data(&world, &mut browser, |data| {
        assert_eq!(data.take::<String>("cart"), Ok(Some("tea".to_owned())));
        assert_eq!(data.take::<String>("cart"), Ok(None));
    })
    .await;
    assert_eq!(browser.field(&world, "cart").await, None);
    // Nothing to take is nothing to save.
    world.store.calls();
    with_data(&world, &mut browser, |data| {
        assert_eq!(data.take::<String>("cart"), Ok(None));
    })
    .await;
    assert_eq!(world.store.calls(), [Call::Load]);
}
