//! What an RSA key must be like.

use crate::ConfigErrorKind;

/// RSA from 2048 bits (RFC 7518 section 3.3) to 4096, with an odd exponent above 2, and not of the vulnerable kind.
/// Numbers are big-endian; leading zeros do not count.
pub(super) fn checked(n: &[u8], e: &[u8]) -> Result<(), ConfigErrorKind> {
    let (n, e) = (trimmed(n), trimmed(e));
    let bits = n
        .first()
        .map_or(0, |top| n.len() * 8 - top.leading_zeros() as usize);
    let odd = |number: &[u8]| number.last().is_some_and(|last| last & 1 == 1);
    let sound = odd(n) && odd(e) && e != [1] && e.len() <= 4;
    if (2048..=4096).contains(&bits) && sound && !is_of_roca_kind(n) {
        Ok(())
    } else {
        Err(ConfigErrorKind::WeakKey)
    }
}

/// Without leading zeros, as backends want to have it; some encoders add one (RFC 7518 section 6.3.1.1).
pub(super) fn trimmed(mut number: &[u8]) -> &[u8] {
    while let [0, rest @ ..] = number {
        number = rest;
    }
    number
}

/// Whether the key comes from the generator whose keys can be factored (CVE-2017-15361): modulo every small prime, they
/// are a power of 65537. Of other keys one in a hundred million is.
fn is_of_roca_kind(n: &[u8]) -> bool {
    const PRIMES: [u32; 17] = [
        11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157,
    ];
    PRIMES.into_iter().all(|p| {
        let remainder = n.iter().fold(0, |r, byte| (r << 8 | u32::from(*byte)) % p);
        let powers = std::iter::successors(Some(1), |power| Some(power * 65_537 % p));
        // The powers come round after p - 1 steps at most.
        powers.take(p as usize).any(|power| power == remainder)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A number of that many bits, odd, of no particular kind.
    fn modulus(bits: usize) -> Vec<u8> {
        let mut n: Vec<u8> = (0..bits.div_ceil(8))
            .map(|i| (i * 7 + 3) as u8 | 1)
            .collect();
        n[0] = 1 << ((bits - 1) % 8);
        n
    }

    /// 65537 to the power of 128, 2,049 bits: what moduli of the vulnerable kind are modulo each of the primes.
    fn power_of_65537() -> Vec<u8> {
        let mut n = vec![0; 257];
        n[256] = 1;
        for _ in 0..128 {
            let mut carry = 0_u32;
            for byte in n.iter_mut().rev() {
                let product = u32::from(*byte) * 65_537 + carry;
                (*byte, carry) = (product as u8, product >> 8);
            }
        }
        n
    }

    #[test]
    fn keys_are_of_the_right_size_and_kind() {
        let good = modulus(2048);
        let with_zeros = [&[0, 0][..], &good].concat();
        let mut even = good.clone();
        even[255] &= 0xfe;
        let f4 = &[1, 0, 1][..];
        for (what, n, e, is_good) in [
            ("2048 bits", good.clone(), f4, true),
            ("leading zeros", with_zeros, &[0, 1, 0, 1], true),
            ("4096 bits", modulus(4096), f4, true),
            ("3071 bits", modulus(3071), f4, true),
            ("2047 bits", modulus(2047), f4, false),
            ("1024 bits", modulus(1024), f4, false),
            ("4097 bits", modulus(4097), f4, false),
            ("nothing", vec![], f4, false),
            ("zeros only", vec![0; 256], f4, false),
            ("an even modulus", even, f4, false),
            ("of the vulnerable kind", power_of_65537(), f4, false),
            ("exponent 3", good.clone(), &[3], true),
            ("exponent 2^32 - 1", good.clone(), &[255; 4], true),
            (
                "exponent of five bytes",
                good.clone(),
                &[1, 0, 0, 0, 1],
                false,
            ),
            ("exponent 1", good.clone(), &[1], false),
            (
                "exponent 1 with a leading zero",
                good.clone(),
                &[0, 1],
                false,
            ),
            ("exponent 2", good.clone(), &[2], false),
            ("exponent 0", good.clone(), &[0], false),
            ("no exponent", good.clone(), &[], false),
            ("an even exponent", good, &[1, 0, 0], false),
        ] {
            assert_eq!(checked(&n, e).is_ok(), is_good, "{what}");
        }
    }
}
