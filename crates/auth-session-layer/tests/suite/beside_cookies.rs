//! Beside tower-cookies' layer, outside of ours or inside.

use std::convert::Infallible;

use http::{HeaderValue, Request, Response, header};
use tower::{Service, ServiceBuilder, ServiceExt, service_fn};
use tower_cookies::{Cookie, CookieManagerLayer, Cookies};

use crate::support::{Browser, World, ok, our_cookie, put, session_of};

/// Sends the request through both layers, in either order.
async fn both_ways<S>(
    world: &World,
    request: impl Fn() -> Request<String>,
    inner: S,
) -> [Response<String>; 2]
where
    S: Service<Request<String>, Response = Response<String>, Error = Infallible> + Clone,
{
    let outside = ServiceBuilder::new()
        .layer(CookieManagerLayer::new())
        .layer(world.layer.clone())
        .service(inner.clone());
    let inside = ServiceBuilder::new()
        .layer(world.layer.clone())
        .layer(CookieManagerLayer::new())
        .service(inner);
    let Ok(outside) = outside.oneshot(request()).await;
    let Ok(inside) = inside.oneshot(request()).await;
    [outside, inside]
}

fn set(response: &Response<String>) -> Vec<&HeaderValue> {
    response
        .headers()
        .get_all(header::SET_COOKIE)
        .iter()
        .collect()
}

#[tokio::test]
async fn what_both_set_arrives() {
    let world = World::new();
    let inner = service_fn(|request: Request<String>| async move {
        let cookies = request.extensions().get::<Cookies>().expect("their layer");
        cookies.add(Cookie::new("theme", "dark"));
        Ok(put(&session_of(&request), "cart", "tea").await)
    });
    for response in both_ways(&world, || Browser::default().request(), inner).await {
        assert_eq!(set(&response).len(), 2);
        assert!(our_cookie(response.headers()).is_some());
        assert!(set(&response).iter().any(|value| *value == "theme=dark"));
    }
}

#[tokio::test]
async fn what_the_request_came_with_is_read_by_both() {
    let world = World::new();
    let browser = world.browser_with_cart().await;
    let request = || {
        let ours = browser.cookie.as_deref().expect("a cookie");
        let cookies = format!("theme=dark; __Host-id={ours}; odd=%f0%9f");
        Request::builder()
            .header(header::COOKIE, cookies)
            .body(String::new())
            .expect("a request")
    };
    let inner = service_fn(|request: Request<String>| async move {
        let cookies = request.extensions().get::<Cookies>().expect("their layer");
        let theme = cookies.get("theme").expect("it was sent");
        assert_eq!(theme.value(), "dark");
        let data = session_of(&request).data().await.expect("available");
        assert_eq!(data.get("cart"), Ok(Some("tea".to_owned())));
        Ok(ok())
    });
    for response in both_ways(&world, request, inner).await {
        assert_eq!(set(&response).len(), 0);
    }
}

#[tokio::test]
async fn what_both_remove_is_removed() {
    let world = World::new();
    for _ in 0..2 {
        let browser = world.browser_of("alice").await;
        let request = || {
            let mut request = browser.request();
            let theirs = HeaderValue::from_static("theme=dark");
            request.headers_mut().append(header::COOKIE, theirs);
            request
        };
        let inner = service_fn(|request: Request<String>| async move {
            let cookies = request.extensions().get::<Cookies>().expect("their layer");
            cookies.remove(Cookie::new("theme", ""));
            session_of(&request).logout().await.expect("available");
            Ok(ok())
        });
        for response in both_ways(&world, request, inner).await {
            let ours = our_cookie(response.headers()).expect("it is removed");
            assert!(ours.starts_with("__Host-id=;"), "{ours}");
            let theirs = |value: &&&HeaderValue| value.as_bytes().starts_with(b"theme=;");
            assert_eq!(set(&response).iter().filter(theirs).count(), 1);
        }
    }
}
