//! TLS, by rustls: with the feature `tls-rustls`.

#[cfg(feature = "tls-rustls")]
pub(crate) use with_rustls::Tls;
#[cfg(not(feature = "tls-rustls"))]
pub(crate) use without::Tls;

#[cfg(feature = "tls-rustls")]
mod with_rustls {
    use std::{fmt, sync::Arc};

    use fred::{
        prelude::Config,
        types::config::{TlsConfig, TlsConnector},
    };
    use rustls::{
        ClientConfig, RootCertStore,
        crypto::aws_lc_rs,
        pki_types::{CertificateDer, pem::PemObject as _},
    };

    /// Whom the client trusts. Read once: not again for each connection.
    #[derive(Clone)]
    pub(crate) struct Tls(Arc<ClientConfig>);

    impl fmt::Debug for Tls {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("Tls(…)")
        }
    }

    impl Tls {
        /// Trusts those that `roots` (PEM) names, or the system's.
        pub(crate) fn new(roots: Option<&[u8]>) -> Result<Self, String> {
            let mut store = RootCertStore::empty();
            match roots {
                Some(pem) => {
                    for certificate in CertificateDer::pem_slice_iter(pem) {
                        let certificate = certificate.map_err(|error| error.to_string())?;
                        store.add(certificate).map_err(|error| error.to_string())?;
                    }
                }
                // Those that can not be read are no reason to trust nobody.
                None => {
                    store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
                }
            }
            if store.is_empty() {
                return Err("there is no root certificate to trust".to_owned());
            }
            // The provider is named: what else is linked into the process does not matter.
            let provider = Arc::new(aws_lc_rs::default_provider());
            let config = ClientConfig::builder_with_provider(provider)
                .with_safe_default_protocol_versions()
                .map_err(|error| error.to_string())?
                .with_root_certificates(store)
                .with_no_client_auth();
            Ok(Self(Arc::new(config)))
        }

        pub(crate) fn set(&self, config: &mut Config) {
            let connector = TlsConnector::from(ClientConfig::clone(&self.0));
            config.tls = Some(TlsConfig::from(connector));
        }
    }
}

#[cfg(not(feature = "tls-rustls"))]
mod without {
    use fred::prelude::Config;

    /// There is none.
    #[derive(Clone, Debug)]
    pub(crate) enum Tls {}

    impl Tls {
        pub(crate) fn new(_roots: Option<&[u8]>) -> Result<Self, String> {
            Err("it needs the feature `tls-rustls` (`redis-tls-rustls` of auth-layers)".to_owned())
        }

        pub(crate) fn set(&self, _config: &mut Config) {
            match *self {}
        }
    }
}
