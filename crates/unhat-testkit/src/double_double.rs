//! Numbers of about 31 digits: the unevaluated sum of two f64.

use crate::Real;
use std::ops::{Add, AddAssign, Div, Mul, Neg, Sub, SubAssign};

/// high + low with |low| at most half a unit in the last place of high.
///
/// # Accuracy
/// Every operation has a relative error below 2⁻¹⁰⁰ while no intermediate result overflows or becomes subnormal.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Dd {
    high: f64,
    low: f64,
}

impl Dd {
    /// |x|.
    pub fn abs(self) -> Dd {
        if self.high < 0.0 { -self } else { self }
    }

    /// Reads a decimal such as `-12.3456`, correct to the last few bits.
    pub fn parse(decimal: &str) -> Option<Dd> {
        let (negative, digits) = match decimal.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, decimal),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let mut value = Dd::from(0.0);
        let mut unit = Dd::from(1.0);
        for digit in whole.chars() {
            value = value * Dd::from(10.0) + Dd::from(f64::from(digit.to_digit(10)?));
        }
        for digit in fraction.chars() {
            value = value * Dd::from(10.0) + Dd::from(f64::from(digit.to_digit(10)?));
            unit = unit * Dd::from(10.0);
        }
        let value = value / unit;
        Some(if negative { -value } else { value })
    }
}

/// The rounded sum and what rounding took away from it.
fn exact_sum(x: f64, y: f64) -> (f64, f64) {
    let sum = x + y;
    let part_of_y = sum - x;
    (sum, (x - (sum - part_of_y)) + (y - part_of_y))
}

/// The same for |large| ≥ |small|.
fn normalised(large: f64, small: f64) -> Dd {
    let high = large + small;
    Dd { high, low: small - (high - large) }
}

impl From<f64> for Dd {
    fn from(high: f64) -> Dd {
        Dd { high, low: 0.0 }
    }
}

impl Add for Dd {
    type Output = Dd;

    fn add(self, other: Dd) -> Dd {
        let (high, lost_high) = exact_sum(self.high, other.high);
        let (low, lost_low) = exact_sum(self.low, other.low);
        let partial = normalised(high, lost_high + low);
        normalised(partial.high, partial.low + lost_low)
    }
}

impl Neg for Dd {
    type Output = Dd;

    fn neg(self) -> Dd {
        Dd { high: -self.high, low: -self.low }
    }
}

impl Sub for Dd {
    type Output = Dd;

    fn sub(self, other: Dd) -> Dd {
        self + -other
    }
}

impl Mul for Dd {
    type Output = Dd;

    fn mul(self, other: Dd) -> Dd {
        let high = self.high * other.high;
        let lost = self.high.mul_add(other.high, -high);
        normalised(high, lost + (self.high * other.low + self.low * other.high))
    }
}

impl Div for Dd {
    type Output = Dd;

    /// Long division in base 2⁵³: three digits, each from the remainder of the one before.
    fn div(self, other: Dd) -> Dd {
        let first = self.high / other.high;
        let remainder = self - other * Dd::from(first);
        let second = remainder.high / other.high;
        let third = (remainder - other * Dd::from(second)).high / other.high;
        normalised(first, second) + Dd::from(third)
    }
}

impl AddAssign for Dd {
    fn add_assign(&mut self, other: Dd) {
        *self = *self + other;
    }
}

impl SubAssign for Dd {
    fn sub_assign(&mut self, other: Dd) {
        *self = *self - other;
    }
}

impl Real for Dd {
    const ROUNDING: f64 = 1.0 / (1u128 << 100) as f64;

    /// One Newton step from the square root in f64 doubles its digits.
    fn sqrt(self) -> Dd {
        if self.high <= 0.0 {
            return Dd::from(self.high.sqrt()); // 0, or NaN as for f64
        }
        let root = self.high.sqrt();
        let remainder = self - Dd::from(root) * Dd::from(root);
        normalised(root, (remainder.high + remainder.low) / (2.0 * root))
    }

    fn to_f64(self) -> f64 {
        self.high + self.low
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::Stream;

    fn samples() -> Vec<Dd> {
        let mut stream = Stream::new(3, "double-double");
        let scale = |t: f64| 10f64.powf(20.0 * t - 10.0);
        (0..2_000)
            .map(|_| {
                let high = stream.normal() * scale(stream.uniform());
                normalised(high, high * f64::EPSILON * 0.5 * (stream.uniform() - 0.5))
            })
            .collect()
    }

    fn assert_same(found: Dd, expected: Dd) {
        let error = ((found - expected) / expected).abs().to_f64();
        assert!(error <= 4.0 * Dd::ROUNDING, "{found:?} is not {expected:?}: relative error {error:e}");
    }

    #[test]
    fn division_undoes_multiplication_and_the_square_root_undoes_the_square() {
        let samples = samples();
        for pair in samples.windows(2) {
            assert_same(pair[0] * pair[1] / pair[1], pair[0]);
            assert_same(pair[0] / pair[1] * pair[1], pair[0]);
            assert_same((pair[0] * pair[0]).sqrt(), pair[0].abs());
            assert_same((pair[0] + pair[1]) * (pair[0] - pair[1]), pair[0] * pair[0] - pair[1] * pair[1]);
        }
    }

    /// Digits of √2 and 1/7, as any table gives them.
    #[test]
    fn known_digits() {
        assert_same(Dd::from(2.0).sqrt(), Dd::parse("1.41421356237309504880168872420969807856967187537694").unwrap());
        assert_same(
            Dd::from(-1.0) / Dd::from(7.0),
            Dd::parse("-0.142857142857142857142857142857142857142857").unwrap(),
        );
        assert!(Dd::parse("1e5").is_none());
    }

    #[test]
    fn a_sum_that_cancels_keeps_the_low_part() {
        let tiny = 1e-25;
        assert_eq!((Dd::from(1.0) + Dd::from(tiny) - Dd::from(1.0)).to_f64(), tiny);
    }
}
