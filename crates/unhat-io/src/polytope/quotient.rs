//! The double nearest to a quotient of two whole numbers of any length.

use num_bigint::BigUint;

/// Digits from which on a whole number is refused: to read them takes the square of their number.
pub(super) const MOST_DIGITS: usize = 20_000;
/// Whole numbers of so many digits are doubles.
const EXACT_DIGITS: usize = 15;
/// Bits of a double.
const BITS: i64 = 53;
/// The exponent of the smallest double above 0.
const LEAST: i64 = -1074;

/// p/q of two words of digits, q not 0, rounded once, to the nearest double and halves to even; infinite beyond the doubles.
/// None for what is no digits, more than [`MOST_DIGITS`], or q = 0.
pub(super) fn nearest_quotient(p: &str, q: &str) -> Option<f64> {
    if p.len() <= EXACT_DIGITS && q.len() <= EXACT_DIGITS {
        let (p, q): (f64, f64) = (p.parse().ok()?, q.parse().ok()?);
        return (q != 0.0).then(|| p / q);
    }
    if p.len().max(q.len()) > MOST_DIGITS {
        return None;
    }
    let (p, q) = (BigUint::parse_bytes(p.as_bytes(), 10)?, BigUint::parse_bytes(q.as_bytes(), 10)?);
    let zero = BigUint::ZERO;
    match (p == zero, q == zero) {
        (_, true) => None,
        (true, false) => Some(0.0),
        _ => Some(rounded(&p, &q)),
    }
}

/// p/q = m·2ᵉ with a whole m of 53 bits at most: m is found by a division with remainder, and rounded by the remainder.
fn rounded(p: &BigUint, q: &BigUint) -> f64 {
    // 2^(size − 1) < p/q < 2^(size + 1).
    let size = p.bits() as i64 - q.bits() as i64;
    let mut exponent = (size + 1 - BITS).max(LEAST);
    let divided = |exponent: i64| {
        let (p, q) = if exponent < 0 { (p << -exponent, q.clone()) } else { (p.clone(), q << exponent) };
        (&p / &q, &p % &q, q)
    };
    let mut parts = divided(exponent);
    // One bit less than there is room for: the quotient was below 2^size.
    if parts.0.bits() < BITS as u64 && exponent > LEAST {
        exponent -= 1;
        parts = divided(exponent);
    }
    let (mut mantissa, remainder, q) = parts;
    let twice: BigUint = remainder << 1;
    let is_odd = mantissa.bit(0);
    if twice > q || twice == q && is_odd {
        mantissa += 1u8;
    }
    let mantissa = mantissa.iter_u64_digits().next().unwrap_or(0) as f64; // at most 2⁵³: exact
    // In two steps, since 2^exponent alone may be no double; the first is exact, and so is the second where the result is one.
    let half = exponent / 2;
    mantissa * 2f64.powi(half as i32) * 2f64.powi((exponent - half) as i32)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Expected values by Python's fractions, whose quotients are rounded correctly.
    #[test]
    fn quotients_are_rounded_once() {
        let nines = "9".repeat(400);
        let one = format!("1{}", "0".repeat(400));
        for (p, q, expected) in [
            ("1", "3", 1.0 / 3.0),
            ("0", "12345678901234567890", 0.0),
            (nines.as_str(), one.as_str(), 1.0),
            (one.as_str(), "3", f64::INFINITY),
            // 2⁵³ + 1 lies between two doubles, and goes to the even one; a little more goes up.
            ("9007199254740993", "1", 9_007_199_254_740_992.0),
            ("90071992547409930000000001", "10000000000", 9_007_199_254_740_994.0),
            ("9007199254740995", "1", 9_007_199_254_740_996.0),
            ("123456789012345678901234567890", "987654321098765432109876543210", 0.124_999_998_860_937_5),
        ] {
            assert_eq!(nearest_quotient(p, q), Some(expected), "{p}/{q}");
        }
        // The smallest double, its half (to even: 0) and a little more than that.
        let power = |n: u32| BigUint::from(2u8).pow(n).to_string();
        assert_eq!(nearest_quotient("1", &power(1074)), Some(f64::from_bits(1)));
        assert_eq!(nearest_quotient("1", &power(1075)), Some(0.0));
        assert_eq!(
            nearest_quotient("100000000000000000001", &(power(1075) + &"0".repeat(20))),
            Some(f64::from_bits(1))
        );
        assert_eq!(nearest_quotient("1", &power(1022)), Some(f64::MIN_POSITIVE));
        assert_eq!(nearest_quotient(&power(1023), "1"), Some(2f64.powi(1023)));
        for (p, q) in [("1", "0"), ("x", "1"), ("1", ""), (nines.as_str(), "0")] {
            assert_eq!(nearest_quotient(p, q), None, "{p}/{q}");
        }
        assert_eq!(nearest_quotient(&"9".repeat(MOST_DIGITS + 1), "7"), None);
    }

    /// The standard library parses decimals with correct rounding: p/10ᵏ must agree with it.
    #[test]
    fn decimal_fractions_agree_with_the_parser_of_decimals() {
        let mut seed = 1u64;
        for k in 0..2_000usize {
            let mut digits = String::new();
            while digits.len() < 16 + k % 25 {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                digits += &(seed >> 40).to_string();
            }
            let power = k % 340;
            let expected: f64 = format!("{digits}e-{power}").parse().unwrap();
            assert_eq!(
                nearest_quotient(&digits, &format!("1{}", "0".repeat(power))),
                Some(expected),
                "{digits}e-{power}"
            );
        }
    }
}
