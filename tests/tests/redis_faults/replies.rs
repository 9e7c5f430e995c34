//! A command is executed, and its reply is lost, or broken, on the way.

use auth_core::{
    Verdict,
    store::{Load, Revocations as _, Sessions as _},
};
use auth_tests::{Broken, Proxy, Redis};

use crate::model::{Model, READ, eventually, in_time, node};

const ALL: [Broken; 4] = [Broken::Lost, Broken::Half, Broken::Garbage, Broken::Huge];

struct Scene {
    proxy: Proxy,
    model: Model,
    _redis: Redis,
}

impl Scene {
    /// One node behind the line, and one that is not.
    async fn start() -> Self {
        let redis = Redis::start(&[]);
        let proxy = Proxy::to(redis.address());
        let nodes = vec![node(&proxy.url()).await, node(&redis.url()).await];
        let model = Box::pin(Model::new(nodes)).await;
        Self {
            proxy,
            model,
            _redis: redis,
        }
    }

    /// All is well again.
    async fn settle(&self, how: Broken, broken: usize) {
        assert_eq!(self.proxy.broken(), broken, "{how:?}: it took place");
        Box::pin(self.model.settle()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_refresh_it_is_no_theft() {
    let mut scene = Scene::start().await;
    for (n, how) in ALL.into_iter().enumerate() {
        scene.proxy.break_reply_to("EVALSHA", how);
        let done = scene.model.refresh(0, 0).await;
        assert!(!done, "{how:?}: nobody knows");
        // The client comes again, here or elsewhere, and gets the same successor.
        let again = n % 2;
        eventually("it is refreshed", async || {
            scene.model.refresh(again, 0).await
        })
        .await;
        scene.settle(how, n + 1).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_revocation_it_is_in_force_and_not_acknowledged() {
    let mut scene = Scene::start().await;
    for (n, how) in ALL.into_iter().enumerate() {
        let held = scene.model.sessions.remove(0);
        scene.proxy.break_reply_to("EVALSHA", how);
        let done = scene.model.end(0, &held.session).await;
        assert!(!done, "{how:?}: nobody knows");
        scene.model.bury("it happened, though", &held.session);
        scene.settle(how, n + 1).await;
        eventually("it is done again", async || {
            scene.model.end(0, &held.session).await
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_commit_the_session_is_as_it_was_or_as_it_should_be() {
    let mut scene = Scene::start().await;
    for (n, how) in ALL.into_iter().enumerate() {
        scene.proxy.break_reply_to("EVALSHA", how);
        let done = scene.model.write(0, n).await;
        assert!(!done, "{how:?}: nobody knows");
        scene.settle(how, n + 1).await;
        eventually("it is written to", async || scene.model.write(0, n).await).await;
        scene.settle(how, n + 1).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_login_nobody_is_logged_in_and_nobody_is_locked_out() {
    let mut scene = Scene::start().await;
    for (n, how) in ALL.into_iter().enumerate() {
        scene.proxy.break_reply_to("EVALSHA", how);
        let failed = scene.model.log_in(0, "alice").await.is_err();
        assert!(failed, "{how:?}: nobody knows");
        eventually("a login works", async || {
            scene.model.log_in(0, "alice").await.is_ok()
        })
        .await;
        scene.settle(how, n + 1).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_verdict_it_is_unknown() {
    let scene = Scene::start().await;
    let (store, held) = (&scene.model.nodes[0], &scene.model.sessions[0]);
    let query = held.session.query(&**store);
    for (n, how) in ALL.into_iter().enumerate() {
        // Which command it meets first may be one that looks at the lanes by itself.
        scene.proxy.break_reply_to("HMGET", how);
        for _ in 0..3 {
            let verdict = in_time("a verdict", READ, store.verdict(&query)).await;
            assert_ne!(verdict, Verdict::Revoked, "{how:?}");
            let load = in_time("a load", READ, store.load(&held.session.key)).await;
            assert!(
                matches!(load, Ok(Load::Live(_)) | Err(_)),
                "{how:?}: {load:?}"
            );
        }
        scene.settle(how, n + 1).await;
    }
}
