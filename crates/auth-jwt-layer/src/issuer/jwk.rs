//! The public half of a signing key, as a JWK (RFC 7517).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{crypto::KeyUtils, errors::Result, jwk::EllipticCurve};
use serde::Serialize;

use crate::Algorithm;

/// A public key to verify signatures with. There is no field for anything private.
#[derive(Clone, PartialEq, Serialize)]
pub(super) struct PublicJwk {
    kid: String,
    alg: &'static str,
    #[serde(rename = "use")]
    usage: &'static str,
    #[serde(flatten)]
    parts: Parts,
}

#[derive(Clone, PartialEq, Serialize)]
#[serde(tag = "kty")]
enum Parts {
    #[serde(rename = "RSA")]
    Rsa { n: String, e: String },
    #[serde(rename = "EC")]
    Ec {
        crv: &'static str,
        x: String,
        y: String,
    },
    #[serde(rename = "OKP")]
    Ed25519 { crv: &'static str, x: String },
}

impl PublicJwk {
    /// Of the private key `der`, in the form that the backend takes. None for a secret: it has no
    /// public half.
    pub(super) fn of(
        der: &[u8],
        algorithm: Algorithm,
        kid: &str,
        backend: &KeyUtils,
    ) -> Result<Option<Self>> {
        let parts = match algorithm {
            Algorithm::Hs256 | Algorithm::Hs384 | Algorithm::Hs512 => return Ok(None),
            Algorithm::EdDsa => {
                let curve = EllipticCurve::Ed25519;
                let x = (backend.ed_pub_components_from_private_key)(der, &curve)?;
                Parts::Ed25519 {
                    crv: "Ed25519",
                    x: encode(x),
                }
            }
            Algorithm::Es256 | Algorithm::Es384 => {
                let (_, x, y) =
                    (backend.ec_pub_components_from_private_key)(der, algorithm.in_backend())?;
                Parts::Ec {
                    crv: if algorithm == Algorithm::Es256 {
                        "P-256"
                    } else {
                        "P-384"
                    },
                    x: encode(x),
                    y: encode(y),
                }
            }
            _ => {
                let (n, e) = (backend.rsa_pub_components_from_private_key)(der)?;
                Parts::Rsa {
                    n: encode(n),
                    e: encode(e),
                }
            }
        };
        Ok(Some(Self {
            kid: kid.to_owned(),
            alg: algorithm.as_str(),
            usage: "sig",
            parts,
        }))
    }
}

fn encode(bytes: Vec<u8>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
