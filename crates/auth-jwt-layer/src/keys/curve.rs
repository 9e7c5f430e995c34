//! Whether public keys are points of their curves.
//!
//! The backends find that out with the first signature, one of them only then. A key set says it when it is built, so
//! the curve's equation is evaluated here: over public values, once for each key, and so neither in constant time nor
//! fast.

use crate::{Algorithm, ConfigErrorKind};

/// Checks a key in the form that the backend takes: an uncompressed point (SEC 1 section 2.3.3) or, for Ed25519, its
/// encoding (RFC 8032 section 5.1.2).
pub(super) fn checked(algorithm: Algorithm, key: &[u8]) -> Result<(), ConfigErrorKind> {
    match algorithm {
        Algorithm::Es256 => weierstrass(&P256, key),
        Algorithm::Es384 => weierstrass(&P384, key),
        Algorithm::EdDsa => edwards(key),
        _ => Err(ConfigErrorKind::KeyMismatch),
    }
}

/// y² = x³ - 3x + b.
struct Curve {
    p: Number,
    length: usize,
    b: Number,
}

const P256: Curve = Curve {
    p: [
        u64::MAX,
        0x0000_0000_ffff_ffff,
        0,
        0xffff_ffff_0000_0001,
        0,
        0,
    ],
    length: 32,
    b: [
        0x3bce_3c3e_27d2_604b,
        0x651d_06b0_cc53_b0f6,
        0xb3eb_bd55_7698_86bc,
        0x5ac6_35d8_aa3a_93e7,
        0,
        0,
    ],
};

const P384: Curve = Curve {
    p: [
        0x0000_0000_ffff_ffff,
        0xffff_ffff_0000_0000,
        0xffff_ffff_ffff_fffe,
        u64::MAX,
        u64::MAX,
        u64::MAX,
    ],
    length: 48,
    b: [
        0x2a85_c8ed_d3ec_2aef,
        0xc656_398d_8a2e_d19d,
        0x0314_088f_5013_875a,
        0x181d_9c6e_fe81_4112,
        0x988e_056b_e3f8_2d19,
        0xb331_2fa7_e23e_e7e4,
    ],
};

fn weierstrass(curve: &Curve, key: &[u8]) -> Result<(), ConfigErrorKind> {
    let malformed = ConfigErrorKind::KeyFormat;
    let point = key.strip_prefix(&[4]).ok_or(malformed)?;
    if point.len() != 2 * curve.length {
        return Err(malformed);
    }
    let (x, y) = point.split_at(curve.length);
    let (x, y) = (number(x.iter().rev()), number(y.iter().rev()));
    let field = Field::new(curve.p);
    if !field.has(&x) || !field.has(&y) {
        return Err(malformed);
    }
    let three = [3, 0, 0, 0, 0, 0];
    let slope = field.sub(&field.mul(&x, &x), &three);
    let right = field.add(&field.mul(&slope, &x), &curve.b);
    if field.mul(&y, &y) == right {
        Ok(())
    } else {
        Err(malformed)
    }
}

const P25519: Number = [
    0xffff_ffff_ffff_ffed,
    u64::MAX,
    u64::MAX,
    0x7fff_ffff_ffff_ffff,
    0,
    0,
];

/// -x² + y² = 1 + d·x²·y².
const D: Number = [
    0x75eb_4dca_1359_78a3,
    0x0070_0a4d_4141_d8ab,
    0x8cc7_4079_7779_e898,
    0x5203_6cee_2b6f_fe73,
    0,
    0,
];

fn edwards(key: &[u8]) -> Result<(), ConfigErrorKind> {
    let malformed = ConfigErrorKind::KeyFormat;
    if key.len() != 32 {
        return Err(malformed);
    }
    let field = Field::new(P25519);
    let mut y = number(key.iter());
    y[3] &= u64::MAX >> 1; // The top bit is the sign of x.
    if !field.has(&y) {
        return Err(malformed);
    }
    let zero = [0; 6];
    let y2 = field.mul(&y, &y);
    let dy2 = field.mul(&D, &y2);
    // x² = (y² - 1) / (d·y² + 1): a square, as Euler's criterion tells without the division.
    let (above, below) = (field.sub(&y2, &ONE), field.add(&dy2, &ONE));
    let euler = field.pow_half(&field.mul(&above, &below));
    if euler != ONE && euler != zero {
        return Err(malformed);
    }
    // Points of order 1, 2, 4 and 8: under such a key signatures can be made without its secret.
    let order_8 = field.add(&field.add(&y2, &y2), &field.mul(&dy2, &y2)) == ONE;
    if y2 == ONE || y2 == zero || order_8 {
        return Err(ConfigErrorKind::WeakKey);
    }
    Ok(())
}

/// 384 bits, the least significant first.
type Number = [u64; 6];

const ONE: Number = [1, 0, 0, 0, 0, 0];

/// From bytes, the least significant first.
fn number<'a>(bytes: impl Iterator<Item = &'a u8>) -> Number {
    let mut number = [0; 6];
    for (at, byte) in bytes.enumerate() {
        number[at / 8] |= u64::from(*byte) << (8 * (at % 8));
    }
    number
}

/// Arithmetic modulo an odd prime, products after Montgomery: the modulus, its negated inverse modulo 2^64, and the
/// square of 2^384.
struct Field {
    modulus: Number,
    inverse: u64,
    square: Number,
}

impl Field {
    fn new(modulus: Number) -> Self {
        // Each of Newton's steps doubles the number of right bits, of which an odd number has three.
        let inverse = (0..5).fold(modulus[0], |inverse, _| {
            let error = 2_u64.wrapping_sub(modulus[0].wrapping_mul(inverse));
            inverse.wrapping_mul(error)
        });
        let mut field = Self {
            modulus,
            inverse: inverse.wrapping_neg(),
            square: ONE,
        };
        for _ in 0..768 {
            field.square = field.add(&field.square, &field.square);
        }
        field
    }

    fn has(&self, number: &Number) -> bool {
        number.iter().rev().lt(self.modulus.iter().rev())
    }

    fn reduced(&self, number: &Number, carry: bool) -> Number {
        if carry || !self.has(number) {
            minus(number, &self.modulus)
        } else {
            *number
        }
    }

    fn add(&self, a: &Number, b: &Number) -> Number {
        let (mut sum, mut carry) = ([0; 6], 0);
        for at in 0..6 {
            (sum[at], carry) = wide(a[at], carry, 1, b[at]);
        }
        self.reduced(&sum, carry != 0)
    }

    fn sub(&self, a: &Number, b: &Number) -> Number {
        // b = 0 gives the modulus itself, which the addition reduces.
        self.add(a, &minus(&self.modulus, b))
    }

    fn mul(&self, a: &Number, b: &Number) -> Number {
        self.montgomery(&self.montgomery(a, b), &self.square)
    }

    /// a·b / 2^384.
    fn montgomery(&self, a: &Number, b: &Number) -> Number {
        let (mut product, mut top) = ([0; 6], 0);
        for factor in b {
            let mut carry = 0;
            for at in 0..6 {
                (product[at], carry) = wide(product[at], a[at], *factor, carry);
            }
            let (sixth, seventh) = wide(top, 0, 0, carry);
            // A multiple of the modulus makes the lowest digit zero, which is then dropped.
            let multiple = product[0].wrapping_mul(self.inverse);
            (_, carry) = wide(product[0], multiple, self.modulus[0], 0);
            for at in 1..6 {
                let digit = self.modulus[at];
                (product[at - 1], carry) = wide(product[at], multiple, digit, carry);
            }
            (product[5], top) = wide(sixth, 0, 0, carry);
            top += seventh;
        }
        self.reduced(&product, top != 0)
    }

    /// To the power of (p - 1) / 2.
    fn pow_half(&self, a: &Number) -> Number {
        // All bits of the odd p but the last.
        let bits = (1..384).rev();
        let bits = bits.map(|at| self.modulus[at / 64] >> (at % 64) & 1 == 1);
        bits.fold(ONE, |power, bit| {
            let square = self.mul(&power, &power);
            if bit { self.mul(&square, a) } else { square }
        })
    }
}

/// a + b·c + d, which always fits two digits: the lower and the upper one.
fn wide(a: u64, b: u64, c: u64, d: u64) -> (u64, u64) {
    let sum = u128::from(a) + u128::from(b) * u128::from(c) + u128::from(d);
    (sum as u64, (sum >> 64) as u64)
}

/// a - b, modulo 2^384.
fn minus(a: &Number, b: &Number) -> Number {
    let (mut difference, mut borrow) = ([0; 6], false);
    for at in 0..6 {
        let (once, under) = a[at].overflowing_sub(b[at]);
        let (twice, under_again) = once.overflowing_sub(u64::from(borrow));
        (difference[at], borrow) = (twice, under || under_again);
    }
    difference
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        let digits: Vec<u8> = text
            .bytes()
            .map(|c| char::from(c).to_digit(16).expect("a hex digit") as u8)
            .collect();
        digits
            .chunks(2)
            .map(|pair| pair[0] << 4 | pair[1])
            .collect()
    }

    /// The generators of SEC 2 sections 2.4.2 and 2.5.1.
    const P256_X: &str = "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296";
    const P256_Y: &str = "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5";
    const P384_X: &str = "aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7";
    const P384_Y: &str = "3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5f";

    #[test]
    fn only_points_of_the_curve_are_keys() {
        use Algorithm::{EdDsa, Es256, Es384, Rs256};
        use ConfigErrorKind::{KeyFormat, KeyMismatch, WeakKey};
        let p256_p = "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff";
        let minus_g_y = "b01cbd1c01e58065711814b583f061e9d431cca994cea1313449bf97c840ae0a";
        let rows = [
            (
                "P-256: the generator",
                Es256,
                format!("04{P256_X}{P256_Y}"),
                Ok(()),
            ),
            (
                "P-256: its negative",
                Es256,
                format!("04{P256_X}{minus_g_y}"),
                Ok(()),
            ),
            (
                "P-256: another y",
                Es256,
                format!("04{P256_X}{P256_X}"),
                Err(KeyFormat),
            ),
            (
                "P-256: nothing but zeros",
                Es256,
                format!("04{}", "00".repeat(64)),
                Err(KeyFormat),
            ),
            (
                "P-256: x is p",
                Es256,
                format!("04{p256_p}{P256_Y}"),
                Err(KeyFormat),
            ),
            (
                "P-256: all ones",
                Es256,
                format!("04{}", "ff".repeat(64)),
                Err(KeyFormat),
            ),
            (
                "P-256: compressed",
                Es256,
                format!("03{P256_X}"),
                Err(KeyFormat),
            ),
            (
                "P-256: hybrid",
                Es256,
                format!("07{P256_X}{P256_Y}"),
                Err(KeyFormat),
            ),
            ("P-256: infinity", Es256, "00".to_owned(), Err(KeyFormat)),
            (
                "P-256: one byte short",
                Es256,
                format!("04{P256_X}{}", &P256_Y[2..]),
                Err(KeyFormat),
            ),
            ("P-256: nothing", Es256, String::new(), Err(KeyFormat)),
            (
                "P-384: the generator",
                Es384,
                format!("04{P384_X}{P384_Y}"),
                Ok(()),
            ),
            (
                "P-384: another y",
                Es384,
                format!("04{P384_X}{P384_X}"),
                Err(KeyFormat),
            ),
            (
                "P-384: a point of P-256",
                Es384,
                format!("04{P256_X}{P256_Y}"),
                Err(KeyFormat),
            ),
            (
                "Ed25519: RFC 8032 section 7.1, test 1",
                EdDsa,
                "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a".to_owned(),
                Ok(()),
            ),
            (
                "Ed25519: the base point",
                EdDsa,
                format!("58{}", "66".repeat(31)),
                Ok(()),
            ),
            (
                "Ed25519: the base point, x negated",
                EdDsa,
                format!("58{}e6", "66".repeat(30)),
                Ok(()),
            ),
            (
                "Ed25519: no such x",
                EdDsa,
                format!("02{}", "00".repeat(31)),
                Err(KeyFormat),
            ),
            (
                "Ed25519: y is p",
                EdDsa,
                format!("ed{}7f", "ff".repeat(30)),
                Err(KeyFormat),
            ),
            (
                "Ed25519: y is p + 1",
                EdDsa,
                format!("ee{}7f", "ff".repeat(30)),
                Err(KeyFormat),
            ),
            (
                "Ed25519: the neutral point",
                EdDsa,
                format!("01{}", "00".repeat(31)),
                Err(WeakKey),
            ),
            (
                "Ed25519: order 2",
                EdDsa,
                format!("ec{}7f", "ff".repeat(30)),
                Err(WeakKey),
            ),
            ("Ed25519: order 4", EdDsa, "00".repeat(32), Err(WeakKey)),
            (
                "Ed25519: order 4, x negated",
                EdDsa,
                format!("{}80", "00".repeat(31)),
                Err(WeakKey),
            ),
            (
                "Ed25519: order 8",
                EdDsa,
                "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05".to_owned(),
                Err(WeakKey),
            ),
            (
                "Ed25519: order 8, the other y",
                EdDsa,
                "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa".to_owned(),
                Err(WeakKey),
            ),
            ("Ed25519: 31 bytes", EdDsa, "58".repeat(31), Err(KeyFormat)),
            (
                "not an algorithm of a curve",
                Rs256,
                format!("04{P256_X}{P256_Y}"),
                Err(KeyMismatch),
            ),
        ];
        for (what, algorithm, key, expected) in rows {
            assert_eq!(checked(algorithm, &hex(&key)), expected, "{what}");
        }
    }
}
