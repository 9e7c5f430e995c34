//! Keys and tokens: one key for each algorithm, and tokens as our issuer makes them.

use std::{sync::Arc, time::Duration};

use auth_layers::{
    Scopes,
    jwt::{Algorithm, Issuer, KeySet, SigningKeys, TokenLogin, Verifier},
    memory::MemoryStore,
    store::RefreshLogins,
};
use aws_lc_rs::{
    hmac,
    signature::{
        self, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, ParsedPublicKey, RsaKeyPair,
        VerificationAlgorithm,
    },
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde_json::{Value, json};

use crate::apps::SUBJECT;

pub const ISSUER: &str = "https://issuer.example";
pub const AUDIENCE: &str = "api://orders";
const KEY_ID: &str = "2026-11";
const SECRET: &[u8] = b"a secret of exactly 32 bytes....";

/// Longer than any run.
const TTL: Duration = Duration::from_secs(6 * 3600);

/// The key of one algorithm.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Key {
    Hs256,
    EdDsa,
    Rs256,
    Es256,
}

impl Key {
    pub const ALL: [Self; 4] = [Self::Hs256, Self::EdDsa, Self::Rs256, Self::Es256];

    /// The `alg`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::EdDsa => "EdDSA",
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
        }
    }

    /// The private key in PEM; HS256 has none.
    fn pem(self) -> &'static str {
        match self {
            Self::Hs256 => "",
            Self::EdDsa => {
                include_str!("../../crates/auth-jwt-layer/tests/issuer_keys/ed25519.pem")
            }
            Self::Rs256 => {
                include_str!("../../crates/auth-jwt-layer/tests/issuer_keys/rsa2048.pem")
            }
            Self::Es256 => include_str!("../../crates/auth-jwt-layer/tests/issuer_keys/p256.pem"),
        }
    }

    fn pkcs8(self) -> Vec<u8> {
        let body: String = self
            .pem()
            .lines()
            .filter(|line| !line.starts_with('-'))
            .collect();
        STANDARD.decode(body).expect("a PEM file")
    }

    fn signing(self) -> SigningKeys {
        let keys = SigningKeys::builder();
        let keys = match self {
            Self::Hs256 => keys.secret(Algorithm::Hs256, KEY_ID, SECRET),
            _ => keys.private_pem(KEY_ID, self.pem()),
        };
        keys.build().expect("good keys")
    }

    /// An issuer of tokens signed with it, whose logins are in `store`.
    pub fn issuer<S: RefreshLogins>(self, store: Arc<S>) -> Issuer {
        let issuer = Issuer::builder(ISSUER, AUDIENCE, self.signing(), store);
        let issuer = issuer
            .access_ttl(TTL)
            .refresh_keys(auth_layers::jwt::RefreshKeys::generate());
        issuer.build().expect("sound settings")
    }

    /// A verifier of those tokens, that remembers them in `cache` bytes, or in as many as it does by default.
    pub fn verifier(self, cache: Option<usize>) -> Verifier {
        let keys = KeySet::builder();
        let keys = match self {
            Self::Hs256 => keys.secret(Algorithm::Hs256, KEY_ID, SECRET),
            _ => keys.jwks(&self.jwks()),
        };
        let keys = keys.build().expect("good keys");
        let mut verifier = Verifier::builder(ISSUER, AUDIENCE, keys).own();
        if let Some(bytes) = cache {
            verifier = verifier.cache(bytes);
        }
        verifier.build().expect("sound settings")
    }

    /// The key to verify with, as a JWK: for HS256 the secret.
    pub fn jwk(self) -> Value {
        if self == Self::Hs256 {
            let k = URL_SAFE_NO_PAD.encode(SECRET);
            return json!({ "kty": "oct", "use": "sig", "alg": "HS256", "kid": KEY_ID, "k": k });
        }
        let issuer = self.issuer(Arc::new(MemoryStore::new()));
        let mut set: Value = serde_json::from_str(&issuer.jwks()).expect("JSON");
        set["keys"][0].take()
    }

    /// A set of that key.
    pub fn jwks(self) -> String {
        json!({ "keys": [self.jwk()] }).to_string()
    }

    /// What checks a signature and nothing else: of message and signature.
    pub fn raw(self) -> Box<dyn Fn(&[u8], &[u8]) -> bool> {
        let pkcs8 = self.pkcs8();
        let (algorithm, public): (&'static dyn VerificationAlgorithm, Vec<u8>) = match self {
            Self::Hs256 => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET);
                return Box::new(move |message, tag| hmac::verify(&key, message, tag).is_ok());
            }
            Self::EdDsa => {
                let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&pkcs8).expect("a key");
                (&signature::ED25519, pair.public_key().as_ref().to_vec())
            }
            Self::Rs256 => {
                let pair = RsaKeyPair::from_pkcs8(&pkcs8).expect("a key");
                let algorithm = &signature::RSA_PKCS1_2048_8192_SHA256;
                (algorithm, pair.public_key().as_ref().to_vec())
            }
            Self::Es256 => {
                let signing = &signature::ECDSA_P256_SHA256_FIXED_SIGNING;
                let pair = EcdsaKeyPair::from_pkcs8(signing, &pkcs8).expect("a key");
                (
                    &signature::ECDSA_P256_SHA256_FIXED,
                    pair.public_key().as_ref().to_vec(),
                )
            }
        };
        let key = ParsedPublicKey::new(algorithm, public).expect("a key");
        Box::new(move |message, signature| key.verify_sig(message, signature).is_ok())
    }
}

/// So many tokens, each of a login of its own.
pub async fn tokens(issuer: &Issuer, count: usize) -> Vec<String> {
    let mut tokens = Vec::with_capacity(count);
    for _ in 0..count {
        let scopes: Scopes = "read".parse().expect("a scope");
        let login = issuer.login(TokenLogin::new(SUBJECT).scopes(scopes)).await;
        tokens.push(login.expect("a login").access_token().to_owned());
    }
    tokens
}

/// What a token's signature is over, and the signature.
pub fn signed_part(token: &str) -> (Vec<u8>, Vec<u8>) {
    let (message, signature) = token.rsplit_once('.').expect("a token");
    let signature = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
    (message.as_bytes().to_vec(), signature)
}
