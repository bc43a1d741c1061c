//! Numbers of about 115 digits with exponents of any size: what adversarial answers are compared with.

use crate::Real;
use std::cmp::Ordering;
use std::ops::{Add, AddAssign, Div, Mul, Neg, Sub, SubAssign};

const LIMBS: usize = 6;
const BITS: i64 = 64 * LIMBS as i64;

/// sign·m·2^exponent, the 384 bits of m beginning with a one; or zero. Results are cut off.
///
/// Of a fixed size, so that it can be copied like the other numbers of the references.
#[derive(Clone, Copy, Debug)]
pub struct Big {
    /// −1, 0 or 1.
    sign: i8,
    exponent: i64,
    /// Least significant first.
    limbs: [u64; LIMBS],
}

const ZERO: Big = Big { sign: 0, exponent: 0, limbs: [0; LIMBS] };

/// Wide numbers on their way: twice the limbs, least significant first.
type Wide = [u64; 2 * LIMBS];

impl Big {
    /// |x|.
    pub fn abs(self) -> Big {
        Big { sign: self.sign.abs(), ..self }
    }

    /// The leading bits of sign·wide·2^exponent.
    fn leading(sign: i8, wide: &Wide, exponent: i64) -> Big {
        let Some(top) = wide.iter().rposition(|limb| *limb != 0) else { return ZERO };
        let high = 64 * top as i64 + 64 - i64::from(wide[top].leading_zeros()); // bits in use
        let shift = high - BITS;
        let bit = |k: i64| -> u64 {
            // 64 bits from bit k on
            let (limb, offset) = (k.div_euclid(64), k.rem_euclid(64));
            let at = |i: i64| if i < 0 || i >= 2 * LIMBS as i64 { 0 } else { wide[i as usize] };
            match offset {
                0 => at(limb),
                _ => (at(limb) >> offset) | (at(limb + 1) << (64 - offset)),
            }
        };
        let mut limbs = [0; LIMBS];
        limbs.iter_mut().enumerate().for_each(|(i, limb)| *limb = bit(shift + 64 * i as i64));
        Big { sign, exponent: exponent + shift, limbs }
    }

    /// |self| against |other|.
    fn compare_size(&self, other: &Big) -> Ordering {
        match (self.sign, other.sign) {
            (0, 0) => Ordering::Equal,
            (0, _) => Ordering::Less,
            (_, 0) => Ordering::Greater,
            _ => self.exponent.cmp(&other.exponent).then_with(|| self.limbs.iter().rev().cmp(other.limbs.iter().rev())),
        }
    }

    /// x·2^e.
    fn shifted(self, e: i64) -> Big {
        Big { exponent: self.exponent + e, ..self }
    }
}

/// The limbs in the upper half, moved down by `shift` bits.
fn lowered(limbs: &[u64; LIMBS], shift: i64) -> Wide {
    let mut wide = [0; 2 * LIMBS];
    let (words, bits) = ((shift / 64) as usize, shift % 64);
    for (i, &limb) in limbs.iter().enumerate() {
        let place = LIMBS + i;
        if place >= words {
            wide[place - words] |= limb >> bits;
        }
        if bits > 0 && place > words {
            wide[place - words - 1] |= limb << (64 - bits);
        }
    }
    wide
}

impl From<f64> for Big {
    fn from(v: f64) -> Big {
        assert!(v.is_finite(), "{v} is no number");
        let bits = v.to_bits();
        let (biased, fraction) = (((bits >> 52) & 0x7ff) as i64, bits & ((1 << 52) - 1));
        let (m, e) = if biased == 0 { (fraction, -1074) } else { (fraction | (1 << 52), biased - 1075) };
        let mut wide = [0; 2 * LIMBS];
        wide[0] = m;
        Big::leading(if v < 0.0 { -1 } else { 1 }, &wide, e)
    }
}

impl Neg for Big {
    type Output = Big;
    fn neg(self) -> Big {
        Big { sign: -self.sign, ..self }
    }
}

impl Add for Big {
    type Output = Big;
    fn add(self, other: Big) -> Big {
        let (large, small) = if self.compare_size(&other) == Ordering::Less { (other, self) } else { (self, other) };
        let apart = large.exponent - small.exponent;
        if small.sign == 0 || apart >= 2 * BITS {
            return large;
        }
        // One bit of room for the carry.
        let (mut sum, small_wide) = (lowered(&large.limbs, 1), lowered(&small.limbs, (apart + 1).min(2 * BITS)));
        let subtract = large.sign != small.sign;
        let mut carry = false;
        for (a, b) in sum.iter_mut().zip(small_wide) {
            let (first, over) = if subtract { a.overflowing_sub(b) } else { a.overflowing_add(b) };
            let (second, again) = match subtract {
                true => first.overflowing_sub(u64::from(carry)),
                false => first.overflowing_add(u64::from(carry)),
            };
            (*a, carry) = (second, over || again);
        }
        Big::leading(large.sign, &sum, large.exponent + 1 - BITS)
    }
}

impl Sub for Big {
    type Output = Big;
    fn sub(self, other: Big) -> Big {
        self + -other
    }
}

impl Mul for Big {
    type Output = Big;
    fn mul(self, other: Big) -> Big {
        if self.sign == 0 || other.sign == 0 {
            return ZERO;
        }
        let mut product = [0u64; 2 * LIMBS];
        for (i, &a) in self.limbs.iter().enumerate() {
            let mut carry = 0u128;
            for (j, &b) in other.limbs.iter().enumerate() {
                let t = u128::from(a) * u128::from(b) + u128::from(product[i + j]) + carry;
                product[i + j] = t as u64;
                carry = t >> 64;
            }
            product[i + LIMBS] = carry as u64;
        }
        Big::leading(self.sign * other.sign, &product, self.exponent + other.exponent)
    }
}

/// Iterations that double 50 bits to more than 384.
const DOUBLINGS: usize = 3;

impl Div for Big {
    type Output = Big;
    fn div(self, other: Big) -> Big {
        assert!(other.sign != 0, "a division by zero");
        // b in [1, 2); y ← y(2 − by) to 1/b.
        let b = Big { sign: 1, exponent: 1 - BITS, ..other };
        let mut y = Big::from(1.0 / b.to_f64());
        for _ in 0..DOUBLINGS {
            y = y + y * (Big::from(1.0) - b * y);
        }
        let inverse = y.shifted(1 - BITS - other.exponent);
        self * Big { sign: other.sign, ..inverse }
    }
}

impl AddAssign for Big {
    fn add_assign(&mut self, other: Big) {
        *self = *self + other;
    }
}

impl SubAssign for Big {
    fn sub_assign(&mut self, other: Big) {
        *self = *self - other;
    }
}

impl PartialEq for Big {
    fn eq(&self, other: &Big) -> bool {
        self.partial_cmp(other) == Some(Ordering::Equal)
    }
}

impl PartialOrd for Big {
    fn partial_cmp(&self, other: &Big) -> Option<Ordering> {
        Some(match (self.sign, other.sign) {
            (a, b) if a != b => a.cmp(&b),
            (1, _) => self.compare_size(other),
            (-1, _) => other.compare_size(self),
            _ => Ordering::Equal,
        })
    }
}

impl Real for Big {
    const ROUNDING: f64 = 1e-110;

    /// √a = a·y with y ← y(3 − ay²)/2 to 1/√a.
    fn sqrt(self) -> Big {
        if self.sign <= 0 {
            return ZERO; // negative by rounding only
        }
        let even = (self.exponent + BITS).div_euclid(2) * 2;
        let a = self.shifted(-even); // in [1/2, 2)
        let mut y = Big::from(1.0 / a.to_f64().sqrt());
        for _ in 0..DOUBLINGS {
            y = y + y * (Big::from(1.0) - a * y * y) * Big::from(0.5);
        }
        (a * y).shifted(even / 2)
    }

    fn to_f64(self) -> f64 {
        if self.sign == 0 {
            return 0.0;
        }
        // 64 bits of the number, in three steps that neither overflow nor underflow before the result does.
        let mut e = (self.exponent + BITS - 64).clamp(-4000, 4000);
        let mut v = f64::from(self.sign) * self.limbs[LIMBS - 1] as f64;
        while e != 0 {
            let step = e.clamp(-900, 900);
            v *= 2f64.powi(step as i32);
            e -= step;
        }
        v
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::Stream;

    fn near(found: Big, expected: Big) {
        let error = ((found - expected) / expected).abs();
        assert!(error < Big::from(1e-112), "{found:?} is not {expected:?}: {:e}", error.to_f64());
    }

    #[test]
    fn arithmetic_undoes_itself_at_any_size() {
        let mut stream = Stream::new(1, "big");
        let draw = |stream: &mut Stream| {
            let (m, e) = (stream.normal(), (2000.0 * stream.uniform() - 1000.0) as i64);
            Big::from(m).shifted(e) + Big::from(stream.normal()).shifted(e - 150)
        };
        for _ in 0..500 {
            let (a, b) = (draw(&mut stream), draw(&mut stream));
            near(a / b * b, a);
            near(a * b / b, a);
            near((a * a).sqrt(), a.abs());
            near(a + b - b + b, a + b);
            assert_eq!((a + b) - a - b + (a - a), (a + b) - a - b);
        }
    }

    #[test]
    fn floats_go_in_and_out_unchanged_and_small_terms_are_kept() {
        for v in [0.0, 1.0, -0.1, 1e300, 5e-324, 3e-310, -1.7e308] {
            assert_eq!(Big::from(v).to_f64(), v);
        }
        let sum = Big::from(1.0) + Big::from(1e-100) - Big::from(1.0);
        assert!((sum.to_f64() - 1e-100).abs() < 1e-112);
        assert!(
            Big::from(-2.0) < Big::from(-1.0) && Big::from(-1.0) < Big::from(0.0) && Big::from(0.0) < Big::from(1e-300)
        );
        assert_eq!((Big::from(1.0) / Big::from(3.0)).to_f64(), 1.0 / 3.0);
        assert_eq!(Big::from(2.0).sqrt().to_f64(), 2f64.sqrt());
        // 1e-200² does not fit a float, its root does.
        assert_eq!((Big::from(1e-200) * Big::from(1e-200)).sqrt().to_f64(), 1e-200);
    }
}
