//! Proofs in whole numbers: a null vector of a few rows near a computed one, and the signs of its products.
//!
//! A linear program ends within a tolerance, and what holds within a tolerance proves nothing. Every f64 is a whole number
//! times a power of two; so what the program found is moved to where it holds exactly, and its signs are looked at there.

use crate::error::Result;
use crate::run::Run;
use num_bigint::{BigInt, Sign};

/// Products of whole numbers that a proof may take, and bits they may grow to: beyond, there is no proof.
const MOST_PRODUCTS: f64 = 2e7;
const MOST_BITS: u64 = 40_000;

/// v = m·2^e with an odd m, or m = 0.
fn parts(v: f64) -> (i64, i32) {
    let bits = v.to_bits();
    let biased = ((bits >> 52) & 0x7ff) as i32;
    let fraction = (bits & ((1 << 52) - 1)) as i64;
    let (m, e) = if biased == 0 { (fraction, -1074) } else { (fraction | (1 << 52), biased - 1075) };
    if m == 0 {
        return (0, 0);
    }
    let even = m.trailing_zeros();
    (if v < 0.0 { -(m >> even) } else { m >> even }, e + even as i32)
}

/// v·2^e, for any e.
pub(super) fn times_power(v: f64, e: i64) -> f64 {
    libm::ldexp(v, e.clamp(-5000, 5000) as i32)
}

/// Whole numbers z with v = z·2^e, and e.
pub(super) fn whole(v: &[f64]) -> (Vec<BigInt>, i32) {
    let parts: Vec<(i64, i32)> = v.iter().map(|v| parts(*v)).collect();
    let e = parts.iter().filter(|(m, _)| *m != 0).map(|(_, e)| *e).min().unwrap_or(0);
    (parts.iter().map(|(m, own)| if *m == 0 { BigInt::ZERO } else { BigInt::from(*m) << (own - e) }).collect(), e)
}

/// The number as m·2^e with 1 ≤ |m| ≤ 2 to the rounding of m; (0, 0) for zero.
pub(super) fn rounded(z: &BigInt) -> (f64, i64) {
    if z.sign() == Sign::NoSign {
        return (0.0, 0);
    }
    let bits = z.bits() as i64;
    let drop = (bits - 62).max(0);
    let top = i64::try_from(&(z >> drop)).unwrap_or(0);
    (times_power(top as f64, -(bits - 1 - drop)), bits - 1)
}

/// Σ uⱼzⱼ.
pub(super) fn product(u: &[BigInt], z: &[BigInt]) -> BigInt {
    u.iter().zip(z).filter(|(u, _)| u.sign() != Sign::NoSign).map(|(u, z)| u * z).sum()
}

/// z ≠ 0 with E·z = 0 exactly and z near a positive multiple of `near`; None where that would be too much work, or where
/// z = 0 alone is left.
///
/// Elimination by whole numbers (Bareiss) up to a diagonal; the unknowns that are free keep the values of `near`. Those in
/// `kept` are solved for only where nothing else can be.
/// # Cost
/// rows·rank·columns products of whole numbers.
/// # References
/// Bareiss1968.
pub(super) fn null_vector(
    mut equations: Vec<Vec<BigInt>>,
    near: &[f64],
    kept: &[bool],
    run: &Run<'_>,
) -> Result<Option<Vec<BigInt>>> {
    let columns = near.len();
    equations.retain(|row| row.iter().any(|v| v.sign() != Sign::NoSign));
    let count = equations.len();
    if (count as f64) * (count.min(columns) as f64) * (columns as f64) > MOST_PRODUCTS {
        return Ok(None);
    }
    let size: Vec<i64> =
        near.iter().map(|v| if *v == 0.0 { i64::MIN / 4 } else { i64::from(libm::ilogb(*v)) }).collect();
    let mut pivots: Vec<(usize, usize)> = Vec::new();
    let mut free = vec![true; columns];
    let mut last = BigInt::from(1);
    for r in 0..count {
        run.check()?;
        // The largest term of the equation: what is solved for is large, and keeps its sign.
        let candidates = (0..columns).filter(|&c| free[c] && equations[r][c].sign() != Sign::NoSign);
        let Some(p) = candidates.max_by_key(|&c| (!kept[c], equations[r][c].bits() as i64 + size[c])) else { continue };
        let row = std::mem::take(&mut equations[r]);
        let pivot = row[p].clone();
        if pivot.bits() > MOST_BITS {
            return Ok(None);
        }
        for other in equations.iter_mut().filter(|other| !other.is_empty()) {
            let factor = other[p].clone();
            for (value, here) in other.iter_mut().zip(&row) {
                *value = (&*value * &pivot - here * &factor) / &last;
            }
        }
        equations[r] = row;
        pivots.push((r, p));
        free[p] = false;
        last = pivot;
    }
    let (given, _) = whole(near);
    let scale = if last.sign() == Sign::Minus { -&last } else { last.clone() };
    let mut z: Vec<BigInt> = (0..columns).map(|c| if free[c] { &scale * &given[c] } else { BigInt::ZERO }).collect();
    for (r, p) in pivots {
        let sum: BigInt = (0..columns).filter(|&c| free[c]).map(|c| &equations[r][c] * &given[c]).sum();
        z[p] = if last.sign() == Sign::Minus { sum } else { -sum };
    }
    Ok(z.iter().any(|v| v.sign() != Sign::NoSign).then_some(z))
}

/// v = m·2^e with 1 ≤ |m| < 2, for v ≠ 0.
pub(super) fn split(v: f64) -> (f64, i64) {
    let e = libm::ilogb(v);
    (libm::ldexp(v, -e), i64::from(e))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is how a test fails
    use super::*;

    #[test]
    fn every_float_is_a_whole_number_times_a_power_of_two() {
        for v in [0.0, 1.0, -0.1, 1e-320, 5e-324, 1.7e308, -3.0e-170, 2f64.powi(-1022)] {
            let (z, e) = whole(&[v]);
            let (m, own) = rounded(&z[0]);
            assert_eq!(times_power(m, own + i64::from(e)), v);
        }
        let (z, e) = whole(&[1.5, -4.0, 0.0]);
        assert_eq!((z, e), (vec![BigInt::from(3), BigInt::from(-8), BigInt::ZERO], -1));
    }

    #[test]
    fn null_vectors_are_exact_and_near_what_was_given() {
        // 0.1 y₁ = 0.3 y₂ has no solution in floats; the whole numbers know one.
        let rows: Vec<Vec<BigInt>> = vec![whole(&[0.1, -0.3, 0.0]).0, whole(&[0.0, 0.0, 0.0]).0];
        let z = null_vector(rows.clone(), &[3.0, 1.0, 2.0], &[false; 3], &Run::default()).unwrap().unwrap();
        assert_eq!(product(&rows[0], &z), BigInt::ZERO);
        let float: Vec<f64> = z
            .iter()
            .map(|z| {
                let (m, e) = rounded(z);
                times_power(m, e - rounded(&z.clone()).1)
            })
            .collect();
        assert!(float.iter().all(|v| *v >= 1.0));
        let ratio = |i: usize, k: usize| {
            let ((a, e), (b, f)) = (rounded(&z[i]), rounded(&z[k]));
            times_power(a / b, e - f)
        };
        assert!((ratio(0, 1) - 3.0).abs() < 1e-15 && (ratio(2, 1) - 2.0).abs() < 1e-15);
        // Three independent equations in three unknowns leave nothing.
        let full = vec![whole(&[1.0, 2.0, 0.1]).0, whole(&[0.0, 1.0, 3.0]).0, whole(&[1.0, 0.0, 1.0]).0];
        assert!(null_vector(full, &[1.0, 1.0, 1.0], &[false; 3], &Run::default()).unwrap().is_none());
    }
}
