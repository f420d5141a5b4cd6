//! The fingerprint of RSA keys made by the broken generator of CVE-2017-15361, "Return of Coppersmith's attack".
//!
//! It made primes of the form `k*M + (65537^a mod M)` with `M` a product of small primes. So modulo every small
//! prime such a modulus is a power of 65537, which for other keys holds with a chance of less than 2^-27.

/// Small odd primes; those of which 65537 generates every remainder tell nothing and do no harm.
const PRIMES: [u32; 38] = [
    3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103,
    107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
];

/// Tells whether a modulus, big-endian, has the fingerprint.
pub(super) fn is_weak(modulus: &[u8]) -> bool {
    PRIMES.iter().all(|prime| is_power_of_65537(remainder(modulus, *prime), *prime))
}

fn remainder(number: &[u8], prime: u32) -> u32 {
    number.iter().fold(0, |rest, byte| ((rest << 8) | u32::from(*byte)) % prime)
}

fn is_power_of_65537(value: u32, prime: u32) -> bool {
    let base = 65_537 % prime;
    // There are fewer than `prime` different powers, so this ends and has seen all of them.
    (0..prime)
        .scan(1, |power, _| Some(std::mem::replace(power, *power * base % prime)))
        .any(|power| power == value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remainders_are_right() {
        assert_eq!(remainder(&[0x01, 0x00, 0x01], 167), 65_537 % 167);
        assert_eq!(remainder(&[0xff; 300], 3), 0);
    }

    #[test]
    fn a_power_of_65537_has_the_fingerprint_and_its_neighbour_does_not() {
        assert!(is_weak(&[0x01, 0x00, 0x01]));
        assert!(is_weak(&[1]));
        assert!(!is_weak(&[0x01, 0x00, 0x03]));
    }
}
