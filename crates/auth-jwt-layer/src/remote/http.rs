//! The HTTP client that fetches keys unless there is another: one request at a time, seldom, and nothing kept open.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use http::{
    Request, Response, Uri,
    header::{ACCEPT, USER_AGENT},
    uri::Scheme,
};
use http_body_util::{BodyExt, Empty};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{
        Client,
        connect::{Connect, HttpConnector},
    },
    rt::TokioExecutor,
};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, pem::PemObject},
};
use tokio::{sync::OnceCell, task};

use super::{BoxError, FetchKeys, MAX_BYTES};

/// Certificates are checked against the roots that it was given, or else against the system's, which are read when they
/// are first needed.
#[derive(Default)]
pub(super) struct HttpClient {
    https: OnceCell<HttpsConnector<HttpConnector>>,
}

impl HttpClient {
    /// Trusts the certificates of `pem`, of which there has to be one, and no others.
    pub(super) fn trusting(pem: &[u8]) -> Result<Self, BoxError> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            roots.add(certificate?)?;
        }
        if roots.is_empty() {
            return Err("there is no root certificate to trust".into());
        }
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let https = HttpsConnectorBuilder::new().with_tls_config(config);
        let https = https.https_only().enable_http1().build();
        Ok(Self {
            https: OnceCell::new_with(Some(https)),
        })
    }
}

#[async_trait]
impl FetchKeys for HttpClient {
    async fn get(&self, url: &str) -> Result<Response<Bytes>, BoxError> {
        let url: Uri = url.parse()?;
        if url.scheme() != Some(&Scheme::HTTPS) {
            return get(HttpConnector::new(), url).await;
        }
        let https = self.https.get_or_try_init(|| async {
            // The roots are files.
            task::spawn_blocking(connector).await?
        });
        get(https.await?.clone(), url).await
    }
}

fn connector() -> Result<HttpsConnector<HttpConnector>, BoxError> {
    // Named, so that nothing depends on which provider the process has installed, or that it has.
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = HttpsConnectorBuilder::new().with_provider_and_native_roots(provider)?;
    Ok(builder.https_only().enable_http1().build())
}

/// Redirects are not followed: the client does not know how to.
async fn get<C>(connector: C, url: Uri) -> Result<Response<Bytes>, BoxError>
where
    C: Connect + Clone + Send + Sync + 'static,
{
    let client = Client::builder(TokioExecutor::new())
        .pool_max_idle_per_host(0)
        .build::<_, Empty<Bytes>>(connector);
    let request = Request::get(url)
        .header(ACCEPT, "application/json")
        .header(USER_AGENT, USER_AGENT_VALUE)
        .body(Empty::new())?;
    let (head, mut body) = client.request(request).await?.into_parts();
    let mut bytes = BytesMut::new();
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame?.into_data() {
            bytes.extend_from_slice(&data);
        }
        // However long the server says that it is. What is too long is refused by its length.
        if bytes.len() > MAX_BYTES {
            break;
        }
    }
    Ok(Response::from_parts(head, bytes.freeze()))
}

const USER_AGENT_VALUE: &str = concat!("auth-jwt-layer/", env!("CARGO_PKG_VERSION"));
