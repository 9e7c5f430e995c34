//! Keys in PEM and DER.

use super::*;

#[test]
fn pem_files() {
    let labelled = |label: &str| P256.replace("PUBLIC KEY", label);
    check(vec![
        ("RSA for RS256", from_pem(Rs256, RSA_2048), Ok(())),
        ("RSA for PS512", from_pem(Ps512, RSA_2048), Ok(())),
        ("RSA in PKCS #1", from_pem(Rs256, RSA_2048_PKCS1), Ok(())),
        ("P-256", from_pem(Es256, P256), Ok(())),
        ("P-384", from_pem(Es384, P384), Ok(())),
        ("Ed25519", from_pem(EdDsa, ED25519), Ok(())),
        (
            "other line ends",
            from_pem(Es256, P256.replace('\n', "\r\n")),
            Ok(()),
        ),
        (
            "white space around",
            from_pem(Es256, format!("\n {P256} \n")),
            Ok(()),
        ),
        (
            "all on one line",
            from_pem(Es256, P256.replace('\n', "")),
            Ok(()),
        ),
        ("RSA of 1024 bits", from_pem(Rs256, RSA_1024), Err(WeakKey)),
        (
            "RSA of 1024 bits in PKCS #1",
            from_pem(Rs256, RSA_1024_PKCS1),
            Err(WeakKey),
        ),
        ("RSA for ES256", from_pem(Es256, RSA_2048), Err(KeyMismatch)),
        (
            "RSA in PKCS #1 for ES256",
            from_pem(Es256, RSA_2048_PKCS1),
            Err(KeyMismatch),
        ),
        ("RSA for EdDSA", from_pem(EdDsa, RSA_2048), Err(KeyMismatch)),
        ("RSA for HS256", from_pem(Hs256, RSA_2048), Err(KeyMismatch)),
        (
            "RSA in PKCS #1 for HS256",
            from_pem(Hs256, RSA_2048_PKCS1),
            Err(KeyMismatch),
        ),
        (
            "RSA that is for PSS only",
            from_pem(Rs256, RSA_PSS),
            Err(KeyMismatch),
        ),
        ("P-256 for ES384", from_pem(Es384, P256), Err(KeyMismatch)),
        ("P-384 for ES256", from_pem(Es256, P384), Err(KeyMismatch)),
        ("P-256 for RS256", from_pem(Rs256, P256), Err(KeyMismatch)),
        ("P-256 for HS256", from_pem(Hs256, P256), Err(KeyMismatch)),
        ("P-521", from_pem(Es384, P521), Err(KeyMismatch)),
        ("secp256k1", from_pem(Es256, K256), Err(KeyMismatch)),
        ("Ed448", from_pem(EdDsa, ED448), Err(KeyMismatch)),
        (
            "a compressed point",
            from_pem(Es256, P256_COMPRESSED),
            Err(KeyFormat),
        ),
        (
            "a certificate",
            from_pem(Es256, CERTIFICATE),
            Err(KeyFormat),
        ),
        (
            "a private key",
            from_pem(Es256, labelled("PRIVATE KEY")),
            Err(PrivateKey),
        ),
        (
            "a private EC key",
            from_pem(Es256, labelled("EC PRIVATE KEY")),
            Err(PrivateKey),
        ),
        (
            "an encrypted private key",
            from_pem(Es256, labelled("ENCRYPTED PRIVATE KEY")),
            Err(PrivateKey),
        ),
        (
            "SPKI labelled as PKCS #1",
            from_pem(Rs256, RSA_2048.replace("PUBLIC", "RSA PUBLIC")),
            Err(KeyFormat),
        ),
        (
            "PKCS #1 labelled as SPKI",
            from_pem(Rs256, RSA_2048_PKCS1.replace("RSA PUBLIC", "PUBLIC")),
            Err(KeyFormat),
        ),
        (
            "text before it",
            from_pem(Es256, format!("x\n{P256}")),
            Err(KeyFormat),
        ),
        (
            "text after it",
            from_pem(Es256, format!("{P256}x")),
            Err(KeyFormat),
        ),
        (
            "two of them",
            from_pem(Es256, format!("{P256}{P256}")),
            Err(KeyFormat),
        ),
        (
            "another END",
            from_pem(Es256, P256.replace("END PUBLIC", "END RSA PUBLIC")),
            Err(KeyFormat),
        ),
        (
            "no END",
            from_pem(Es256, &P256[..P256.len() - 10]),
            Err(KeyFormat),
        ),
        (
            "headers inside",
            from_pem(Es256, P256.replace("KEY-----\nM", "KEY-----\nA: b\n\nM")),
            Err(KeyFormat),
        ),
        (
            "not base64",
            from_pem(Es256, P256.replace("KEY-----\nM", "KEY-----\n!")),
            Err(KeyFormat),
        ),
        (
            "no body",
            from_pem(Es256, "-----BEGIN PUBLIC KEY----------END PUBLIC KEY-----"),
            Err(KeyFormat),
        ),
        (
            "only BEGIN",
            from_pem(Es256, "-----BEGIN PUBLIC KEY-----"),
            Err(KeyFormat),
        ),
        (
            "not UTF-8",
            from_pem(Es256, b"-----BEGIN \xff"),
            Err(KeyFormat),
        ),
        ("nothing", from_pem(Es256, ""), Err(KeyFormat)),
        ("no id", KeySet::builder().pem(Es256, "", P256), Err(KeyId)),
    ]);
}

#[test]
fn der_keys() {
    let built = |algorithm, bytes: &[u8]| KeySet::builder().der(algorithm, "k", bytes);
    let (p256, rsa, ed) = (der(P256), der(RSA_2048), der(ED25519));
    let mut off_curve = p256.clone();
    *off_curve.last_mut().expect("not empty") ^= 1;
    let mut unused_bits = p256.clone();
    let at = unused_bits.len() - 66;
    unused_bits[at] = 1;
    let mut rsa_without_null = rsa.clone();
    let null = rsa.windows(2).position(|w| w == [5, 0]).expect("a null");
    rsa_without_null[null] = 4;
    let mut negative = rsa.clone();
    let zero = rsa.windows(5).position(|w| w[..4] == [2, 0x82, 1, 1]);
    negative[zero.expect("the modulus") + 4] = 0x80;
    check(vec![
        ("RSA", built(Ps256, &rsa), Ok(())),
        ("P-256", built(Es256, &p256), Ok(())),
        ("P-384", built(Es384, &der(P384)), Ok(())),
        ("Ed25519", built(EdDsa, &ed), Ok(())),
        ("another algorithm's", built(Es384, &p256), Err(KeyMismatch)),
        ("for a secret", built(Hs256, &rsa), Err(KeyMismatch)),
        (
            "PKCS #1 alone",
            built(Rs256, &der(RSA_2048_PKCS1)),
            Err(KeyFormat),
        ),
        (
            "a certificate",
            built(Es256, &der(CERTIFICATE)),
            Err(KeyFormat),
        ),
        (
            "a point off the curve",
            built(Es256, &off_curve),
            Err(KeyFormat),
        ),
        ("unused bits", built(Es256, &unused_bits), Err(KeyFormat)),
        (
            "RSA with other parameters",
            built(Rs256, &rsa_without_null),
            Err(KeyMismatch),
        ),
        (
            "a negative modulus",
            built(Rs256, &negative),
            Err(KeyFormat),
        ),
        (
            "a byte after it",
            built(Es256, &[&p256[..], &[0]].concat()),
            Err(KeyFormat),
        ),
        ("PEM", built(Es256, P256.as_bytes()), Err(KeyFormat)),
        ("nothing", built(Es256, &[]), Err(KeyFormat)),
        (
            "a length that never ends",
            built(Es256, &[0x30, 0x84, 255, 255, 255, 255]),
            Err(KeyFormat),
        ),
    ]);
    // Cut off anywhere it is refused, and nothing panics.
    for key in [&p256, &rsa, &ed] {
        for length in 0..key.len() {
            for algorithm in [Rs256, Es256, EdDsa] {
                assert!(
                    built(algorithm, &key[..length]).build().is_err(),
                    "{length}"
                );
            }
        }
    }
}
