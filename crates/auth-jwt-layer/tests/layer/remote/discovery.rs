//! Keys by way of a discovery document.

use std::collections::BTreeMap;

use auth_jwt_layer::RemoteKeysError;

use super::*;

const ISSUER: &str = "https://login.example/realms/staff";

/// Answers each URL with its document.
fn documents(
    documents: &[(&str, String)],
) -> impl Fn(String) -> std::future::Ready<Result<Response<Bytes>, BoxError>> + Send + Sync + use<>
{
    let documents: BTreeMap<String, String> = documents
        .iter()
        .map(|(url, document)| ((*url).to_owned(), document.clone()))
        .collect();
    move |url| {
        std::future::ready(match documents.get(&url) {
            Some(document) => Ok(Response::new(document.clone().into())),
            None => Err(format!("{url} is not there").into()),
        })
    }
}

async fn discovered(issuer_url: &str, document_url: &str, metadata: Value) -> Result<(), String> {
    let keys = issuer("k1").jwks();
    let fetch = documents(&[
        (document_url, metadata.to_string()),
        ("https://keys.example/all", keys.clone()),
        ("http://keys.example/all", keys.clone()),
        ("http://127.0.0.1:8080/all", keys),
    ]);
    let keys = RemoteKeys::discover(issuer_url).fetch_with(fetch);
    let keys = keys.build().expect("keys");
    keys.ready().await.map_err(|error| match error {
        RemoteKeysError::Client(error) => error.to_string(),
        error => error.to_string(),
    })
}

#[tokio::test]
async fn the_document_says_where_the_keys_are() {
    let at = "https://login.example/realms/staff/.well-known/openid-configuration";
    let with_slash = format!("{ISSUER}/");
    let local = "http://127.0.0.1:9000";
    let local_at = "http://127.0.0.1:9000/.well-known/openid-configuration";
    let metadata = |issuer: &str, jwks_uri: &str| json!({"issuer": issuer, "jwks_uri": jwks_uri});
    let keys = "https://keys.example/all";
    let not_safe = Err("the discovery document names no safe URL for the keys");
    let another = Err("the discovery document is another issuer's");
    let unreadable = Err("the discovery document can not be read");
    for (what, issuer, at, metadata, expected) in [
        (
            "as it should be",
            ISSUER,
            at,
            metadata(ISSUER, keys),
            Ok(()),
        ),
        (
            "an issuer with a slash",
            &*with_slash,
            at,
            metadata(&with_slash, keys),
            Ok(()),
        ),
        (
            "a slash more",
            ISSUER,
            at,
            metadata(&with_slash, keys),
            another,
        ),
        (
            "a slash less",
            &*with_slash,
            at,
            metadata(ISSUER, keys),
            another,
        ),
        (
            "another issuer",
            ISSUER,
            at,
            metadata("https://evil.example", keys),
            another,
        ),
        (
            "in capitals",
            ISSUER,
            at,
            metadata(&ISSUER.to_uppercase(), keys),
            another,
        ),
        (
            "no issuer",
            ISSUER,
            at,
            json!({"jwks_uri": keys}),
            unreadable,
        ),
        ("no keys", ISSUER, at, json!({"issuer": ISSUER}), unreadable),
        (
            "no text",
            ISSUER,
            at,
            json!({"issuer": ISSUER, "jwks_uri": [keys]}),
            unreadable,
        ),
        (
            "by http",
            ISSUER,
            at,
            metadata(ISSUER, "http://keys.example/all"),
            not_safe,
        ),
        (
            "from this machine",
            ISSUER,
            at,
            metadata(ISSUER, "http://127.0.0.1:8080/all"),
            not_safe,
        ),
        (
            "a file",
            ISSUER,
            at,
            metadata(ISSUER, "file:///all"),
            not_safe,
        ),
        (
            "all from this machine",
            local,
            local_at,
            metadata(local, "http://127.0.0.1:8080/all"),
            Ok(()),
        ),
        (
            "not all from this machine",
            local,
            local_at,
            metadata(local, "http://keys.example/all"),
            not_safe,
        ),
        (
            "elsewhere",
            ISSUER,
            "https://login.example/.well-known/openid-configuration",
            metadata(ISSUER, keys),
            Err("https://login.example/realms/staff/.well-known/openid-configuration is not there"),
        ),
    ] {
        let found = discovered(issuer, at, metadata).await;
        assert_eq!(
            found.as_ref().map(|&()| ()).map_err(|error| &**error),
            expected,
            "{what}"
        );
    }
}

#[tokio::test]
async fn tokens_are_verified_by_the_keys_that_were_found() {
    let party = issuer("k1");
    let well_known = format!("{FOREIGN}/.well-known/openid-configuration");
    let metadata = json!({"issuer": FOREIGN, "jwks_uri": URL}).to_string();
    let fetch = documents(&[(&*well_known, metadata), (URL, party.jwks())]);
    let keys = RemoteKeys::discover(FOREIGN).fetch_with(fetch);
    let keys = keys.build().expect("keys");
    let layer = layer(&keys, &ManualClock::new(START));
    let answer = send(&layer, bearer(&token(&party).await)).await;
    assert_eq!(answer, passed("token alice"));
}
