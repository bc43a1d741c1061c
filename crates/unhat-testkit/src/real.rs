//! The arithmetic a reference needs, so that one formula serves plain and double-double numbers.

use std::ops::{Add, AddAssign, Div, Mul, Neg, Sub, SubAssign};

/// A real number: [`f64`] or [`Dd`](crate::Dd).
pub trait Real:
    Copy
    + PartialOrd
    + From<f64>
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + SubAssign
{
    /// Relative rounding error of one operation.
    const ROUNDING: f64;
    /// √x.
    fn sqrt(self) -> Self;
    /// The nearest f64.
    fn to_f64(self) -> f64;
    /// 0.
    fn zero() -> Self {
        Self::from(0.0)
    }
}

impl Real for f64 {
    const ROUNDING: f64 = f64::EPSILON;

    fn sqrt(self) -> Self {
        f64::sqrt(self)
    }

    fn to_f64(self) -> f64 {
        self
    }
}

/// uᵀv.
pub(crate) fn dot<T: Real>(u: &[T], v: &[T]) -> T {
    u.iter().zip(v).fold(T::zero(), |sum, (&x, &y)| sum + x * y)
}

/// y += t·x.
pub(crate) fn add_scaled<T: Real>(y: &mut [T], t: T, x: &[T]) {
    for (y, &x) in y.iter_mut().zip(x) {
        *y += t * x;
    }
}
