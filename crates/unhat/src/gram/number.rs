//! The numbers in which the sparse recursions run: f64, dual numbers for derivatives, doubled precision for checks.

use std::ops::{AddAssign, Div, Mul, Neg, SubAssign};

/// What a factorisation needs of its entries: f64, or [`Dual`] to have the derivative along with the value, or [`Doubled`].
pub(crate) trait Number:
    Copy + Default + AddAssign + SubAssign + Neg<Output = Self> + Mul<Output = Self> + Div<Output = Self>
{
    /// The constant 1.
    const ONE: Self;
    /// The number without its derivative.
    fn value(self) -> f64;
}

impl Number for f64 {
    const ONE: f64 = 1.0;
    #[inline(always)]
    fn value(self) -> f64 {
        self
    }
}

/// a + tȧ, to first order in t.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Dual {
    pub value: f64,
    pub slope: f64,
}

impl Number for Dual {
    const ONE: Dual = Dual { value: 1.0, slope: 0.0 };
    #[inline(always)]
    fn value(self) -> f64 {
        self.value
    }
}

impl AddAssign for Dual {
    #[inline(always)]
    fn add_assign(&mut self, b: Dual) {
        self.value += b.value;
        self.slope += b.slope;
    }
}

impl SubAssign for Dual {
    #[inline(always)]
    fn sub_assign(&mut self, b: Dual) {
        self.value -= b.value;
        self.slope -= b.slope;
    }
}

impl Neg for Dual {
    type Output = Dual;
    #[inline(always)]
    fn neg(self) -> Dual {
        Dual { value: -self.value, slope: -self.slope }
    }
}

impl Mul for Dual {
    type Output = Dual;
    #[inline(always)]
    fn mul(self, b: Dual) -> Dual {
        Dual { value: self.value * b.value, slope: self.slope * b.value + self.value * b.slope }
    }
}

impl Div for Dual {
    type Output = Dual;
    #[inline(always)]
    fn div(self, b: Dual) -> Dual {
        let value = self.value / b.value;
        Dual { value, slope: (self.slope - value * b.slope) / b.value }
    }
}

/// high + low, the unevaluated sum of two f64: about 31 digits.
///
/// # References
/// Dekker1971.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Doubled {
    pub high: f64,
    pub low: f64,
}

impl Doubled {
    /// The relative rounding of one operation, within a factor of a few.
    pub const EPSILON: f64 = f64::EPSILON * f64::EPSILON;

    /// a + b for |a| ≥ |b|.
    #[inline(always)]
    fn normalised(a: f64, b: f64) -> Doubled {
        let high = a + b;
        Doubled { high, low: b - (high - a) }
    }

    /// a·b for a plain b.
    #[inline(always)]
    pub fn times(self, b: f64) -> Doubled {
        let product = self.high * b;
        let error = self.high.mul_add(b, -product);
        Doubled::normalised(product, error + self.low * b)
    }

    #[inline(always)]
    fn plus(self, b: Doubled) -> Doubled {
        let sum = self.high + b.high;
        let part = sum - self.high;
        let error = (self.high - (sum - part)) + (b.high - part);
        Doubled::normalised(sum, error + self.low + b.low)
    }
}

impl From<f64> for Doubled {
    fn from(high: f64) -> Doubled {
        Doubled { high, low: 0.0 }
    }
}

impl Number for Doubled {
    const ONE: Doubled = Doubled { high: 1.0, low: 0.0 };
    #[inline(always)]
    fn value(self) -> f64 {
        self.high
    }
}

impl AddAssign for Doubled {
    #[inline(always)]
    fn add_assign(&mut self, b: Doubled) {
        *self = self.plus(b);
    }
}

impl SubAssign for Doubled {
    #[inline(always)]
    fn sub_assign(&mut self, b: Doubled) {
        *self = self.plus(-b);
    }
}

impl Neg for Doubled {
    type Output = Doubled;
    #[inline(always)]
    fn neg(self) -> Doubled {
        Doubled { high: -self.high, low: -self.low }
    }
}

impl Mul for Doubled {
    type Output = Doubled;
    #[inline(always)]
    fn mul(self, b: Doubled) -> Doubled {
        let product = self.high * b.high;
        let error = self.high.mul_add(b.high, -product);
        Doubled::normalised(product, error + self.high * b.low + self.low * b.high)
    }
}

impl Div for Doubled {
    type Output = Doubled;
    #[inline(always)]
    fn div(self, b: Doubled) -> Doubled {
        let first = self.high / b.high;
        let rest = self.plus(-(b * Doubled::from(first)));
        Doubled::normalised(first, rest.high / b.high)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubled_numbers_keep_what_a_float_drops() {
        let tiny = Doubled::from(1e-20);
        let mut sum = Doubled::ONE;
        sum += tiny;
        sum -= Doubled::ONE;
        assert_eq!(sum.high, 1e-20);
        // (1/3)·3 − 1, where f64 has 5·10⁻¹⁷ in the quotient.
        let mut third = Doubled::ONE / Doubled::from(3.0);
        assert!((third.low / 1.850371707708594e-17 - 1.0).abs() < 1e-12);
        third = third * Doubled::from(3.0);
        third -= Doubled::ONE;
        assert!(third.high.abs() < 1e-31, "{:e}", third.high);
    }

    #[test]
    fn dual_numbers_differentiate() {
        // (x² + 1)/x at 2: value 2.5, slope 1 − 1/x².
        let x = Dual { value: 2.0, slope: 1.0 };
        let mut y = x * x;
        y += Dual::ONE;
        let y = y / x;
        assert_eq!((y.value, y.slope), (2.5, 0.75));
    }
}
