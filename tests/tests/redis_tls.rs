//! The Redis store over TLS, to a real server with a certificate of its own authority.

use auth_core::store::Revocations as _;
use auth_revocation_redis::{ConfigErrorKind, RedisStore};
use auth_tests::{Certificates, Redis};

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_trusted_by_its_certificate_and_by_nothing_else() {
    let made = Certificates::make();
    let redis = Redis::start(&[
        "--tls-cert-file",
        &made.file("server.pem"),
        "--tls-key-file",
        &made.file("server.key"),
        "--tls-ca-cert-file",
        &made.file("ca.pem"),
        "--tls-auth-clients",
        "no",
        "--requirepass",
        "a:b/c@d",
    ]);
    // The port of a cluster's bus is its own, too.
    let port = redis.port() + 10_000;
    redis.cli(&[
        "-a",
        "a:b/c@d",
        "--no-auth-warning",
        "CONFIG",
        "SET",
        "tls-port",
        &port.to_string(),
    ]);
    let url = |host: &str| format!("rediss://:a%3Ab%2Fc%40d@{host}:{port}/3");
    let roots = made.read("ca.pem");

    let store = RedisStore::builder(url("127.0.0.1")).root_certificates(roots.clone());
    let store = store.build().await.expect("the server is good");
    store.revoke_subject("alice").await.expect("it is there");
    store.health().await.expect("it is there");

    let in_clear = format!("redis://:a%3Ab%2Fc%40d@127.0.0.1:{port}");
    let rows = [
        (
            "the system does not know it",
            RedisStore::builder(url("127.0.0.1")),
            ConfigErrorKind::Unreachable,
        ),
        (
            "it has another name",
            RedisStore::builder(url("localhost")).root_certificates(roots.clone()),
            ConfigErrorKind::Unreachable,
        ),
        (
            "in clear",
            RedisStore::builder(in_clear),
            ConfigErrorKind::Unreachable,
        ),
        (
            "nobody is trusted",
            RedisStore::builder(url("127.0.0.1")).root_certificates("no certificate"),
            ConfigErrorKind::Tls,
        ),
    ];
    for (row, builder, kind) in rows {
        let error = builder.build().await.expect_err(row);
        let line = error.to_string();
        assert_eq!(error.kind(), kind, "{row}: {line}");
        assert!(!line.contains('\n') && !line.contains("c@d"), "{line}");
    }
}
