//! Other issuers whose tokens are taken, too.

use std::{error::Error, fs, sync::Arc};

use auth_layers::{
    EventSink,
    jwt::{BackChannelLogout, BackChannelLogoutBuilder, KeySet, KeySource, RemoteKeys, Verifier},
    store::Store,
};

use crate::args::Trust;

/// A verifier for each.
pub(crate) async fn verifiers(trusted: &[Trust]) -> Result<Vec<Verifier>, Box<dyn Error>> {
    let mut verifiers = Vec::new();
    for trust in trusted {
        let of = |error: Box<dyn Error>| format!("--trust {}: {error}", trust.issuer);
        let keys = keys(trust).await.map_err(of)?;
        let verifier = Verifier::builder(&trust.issuer, &trust.audience, keys);
        // Their `sid` is what a logout token may name.
        let verifier = verifier.provider_sessions().build();
        verifiers.push(verifier.map_err(|error| of(error.into()))?);
    }
    Ok(verifiers)
}

/// Hears of logouts from all of them, if there are any.
pub(crate) fn logouts(
    trusted: &[Verifier],
    store: &Arc<dyn Store>,
    events: &Arc<dyn EventSink>,
) -> Result<Option<BackChannelLogout>, Box<dyn Error>> {
    let mut trusted = trusted.iter().cloned();
    let Some(first) = trusted.next() else {
        return Ok(None);
    };
    let first = BackChannelLogout::builder(first, store.clone()).on_event(events.clone());
    let all = trusted.fold(first, BackChannelLogoutBuilder::trust);
    Ok(Some(all.build()?))
}

async fn keys(trust: &Trust) -> Result<KeySource, Box<dyn Error>> {
    let Trust { issuer, keys, .. } = trust;
    if !keys.starts_with("https://") && !keys.starts_with("http://") {
        let jwks = fs::read_to_string(keys).map_err(|error| format!("{keys}: {error}"))?;
        return Ok(KeySet::builder().jwks(&jwks).build()?.into());
    }
    let issuer = issuer.clone();
    let keys = RemoteKeys::jwks(keys)
        .on_failure(move |error| eprintln!("keys of {issuer}: {}", with_reasons(error)))
        .build()?;
    // They are fetched now, so that the first token does not wait. If that fails it was just printed, and the next
    // token tries again.
    let _ = keys.ready().await;
    Ok(keys.into())
}

/// The error, and what it comes from: a certificate, say.
fn with_reasons(error: &dyn Error) -> String {
    let mut said = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        said += &format!(": {error}");
        source = error.source();
    }
    said
}
