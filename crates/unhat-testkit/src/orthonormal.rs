//! An orthonormal basis of the columns of a matrix, and the leverage scores it gives: Gram–Schmidt, done twice.

use crate::Real;
use crate::real::{add_scaled, dot};

/// Orthonormal columns that span the columns of a matrix.
pub struct Basis<T> {
    /// The basis vectors, n values each; as many as the rank.
    pub vectors: Vec<Vec<T>>,
    /// ½ log det AᵀA, the log-volume of the columns (of those kept, where the rank is less than d).
    pub log_volume: f64,
}

/// Basis of the columns of a row-major matrix with d columns.
///
/// Columns are scaled to unit length, the longest remainder is taken next, every vector is made orthogonal to the
/// earlier ones twice, and what is left shorter than max(n, d) roundings counts as dependent.
///
/// # Accuracy
/// The vectors are orthonormal to rounding whatever the condition; their span errs by condition × rounding, the
/// condition being that of the matrix with unit columns.
/// # Cost
/// About 5nd² flops.
pub fn basis<T: Real>(a: &[T], d: usize) -> Basis<T> {
    let n = a.len() / d;
    let dependent = T::ROUNDING * n.max(d) as f64;
    let mut log_volume = 0.0;
    let mut remaining: Vec<Vec<T>> = (0..d).map(|j| (0..n).map(|i| a[i * d + j]).collect()).collect();
    remaining.retain_mut(|column| {
        let length = normalise(column);
        let kept = length > 0.0;
        log_volume += if kept { length.ln() } else { 0.0 };
        kept
    });
    let mut vectors: Vec<Vec<T>> = Vec::new();
    while let Some(mut next) = take_longest(&mut remaining) {
        let length = normalise(&mut next);
        if length <= dependent {
            break;
        }
        for earlier in &vectors {
            let t = dot(earlier, &next);
            add_scaled(&mut next, -t, earlier);
        }
        normalise(&mut next);
        for column in &mut remaining {
            let t = dot(&next, column);
            add_scaled(column, -t, &next);
        }
        log_volume += length.ln();
        vectors.push(next);
    }
    Basis { vectors, log_volume }
}

/// Scales a vector to unit length (unless it is zero) and returns the length it had.
fn normalise<T: Real>(v: &mut [T]) -> f64 {
    let length = dot(v, v).sqrt();
    if length > T::zero() {
        v.iter_mut().for_each(|x| *x = *x / length);
    }
    length.to_f64()
}

fn take_longest<T: Real>(columns: &mut Vec<Vec<T>>) -> Option<Vec<T>> {
    let squared: Vec<f64> = columns.iter().map(|c| dot(c, c).to_f64()).collect();
    let longest = (0..columns.len()).max_by(|&i, &j| squared[i].total_cmp(&squared[j]))?;
    Some(columns.swap_remove(longest))
}

/// Leverage scores of the rows of A (hat values): σᵢ = aᵢᵀ(AᵀA)⁺aᵢ, the squared row lengths of an orthonormal basis.
///
/// With [`Dd`](crate::Dd) the scores of a matrix of condition 10¹⁴ still have about 15 correct digits.
///
/// # Shapes
/// `a`: n×d row-major; n scores. The rank may be less than d.
pub fn leverage_scores<T: Real>(a: &[f64], d: usize) -> Vec<T> {
    let wide: Vec<T> = a.iter().map(|&value| T::from(value)).collect();
    row_lengths_squared(&basis(&wide, d).vectors, a.len() / d)
}

/// Ridge leverage scores σᵢ = aᵢᵀ(AᵀA + λI)⁻¹aᵢ: the first n scores of A stacked on √λ·I.
pub fn ridge_leverage_scores<T: Real>(a: &[f64], d: usize, ridge: f64) -> Vec<T> {
    let n = a.len() / d;
    let root = T::from(ridge).sqrt();
    let mut stacked: Vec<T> = a.iter().map(|&value| T::from(value)).collect();
    stacked.extend((0..d * d).map(|k| if k / d == k % d { root } else { T::zero() }));
    row_lengths_squared(&basis(&stacked, d).vectors, n)
}

/// Leverage scores of the rows √wᵢ·aᵢ of a weighted regression.
pub fn weighted_leverage_scores<T: Real>(a: &[f64], d: usize, weights: &[f64]) -> Vec<T> {
    let scaled: Vec<T> = (0..a.len()).map(|k| T::from(weights[k / d]).sqrt() * T::from(a[k])).collect();
    row_lengths_squared(&basis(&scaled, d).vectors, weights.len())
}

fn row_lengths_squared<T: Real>(vectors: &[Vec<T>], n: usize) -> Vec<T> {
    (0..n).map(|i| vectors.iter().fold(T::zero(), |sum, v| sum + v[i] * v[i])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Dd;
    use crate::close::{assert_close, assert_within};
    use crate::generate::{Stream, matrix_with_condition};

    #[test]
    fn vectors_are_orthonormal_at_any_condition() {
        for condition in [1.0, 1e8, 1e14] {
            let a = matrix_with_condition(40, 6, condition, 1);
            let q = basis(&a, 6).vectors;
            assert_eq!(q.len(), 6);
            for i in 0..6 {
                for j in 0..6 {
                    assert_within(dot(&q[i], &q[j]), f64::from(i == j), 1e-14);
                }
            }
        }
    }

    #[test]
    fn a_dependent_column_changes_nothing() {
        let mut stream = Stream::new(5, "dependent");
        let three = stream.normals(20 * 3);
        let four: Vec<f64> = three.chunks(3).flat_map(|r| [r[0], r[1], r[2], 2.0 * r[0] - 3.0 * r[2]]).collect();
        assert_eq!(basis(&four, 4).vectors.len(), 3);
        let (with, without) = (leverage_scores::<f64>(&four, 4), leverage_scores::<f64>(&three, 3));
        for i in 0..20 {
            assert_within(with[i], without[i], 1e-14);
        }
    }

    /// One column: σᵢ = aᵢ²/(Σa² + λ); two orthogonal columns of lengths 3 and 5: the volume is 15.
    #[test]
    fn by_hand() {
        let ridge: Vec<f64> = ridge_leverage_scores(&[1.0, 2.0, 2.0], 1, 3.0);
        assert_close(ridge[1], 4.0 / 12.0, 1e-15);
        let weighted: Vec<f64> = weighted_leverage_scores(&[1.0, 1.0], 1, &[3.0, 1.0]);
        assert_close(weighted[0], 0.75, 1e-15);
        assert_close(basis(&[3.0, 0.0, 0.0, 5.0], 2).log_volume, 15f64.ln(), 1e-15);
    }

    /// The sum of the scores is d to 30 digits, and the f64 scores of a benign matrix agree to rounding.
    #[test]
    fn double_double_scores_sum_to_the_rank() {
        let a = matrix_with_condition(60, 5, 1e14, 2);
        let sum = leverage_scores::<Dd>(&a, 5).iter().fold(Dd::zero(), |sum, &score| sum + score);
        assert!((sum - Dd::from(5.0)).abs().to_f64() < 1e-27, "{sum:?}");
        let a = matrix_with_condition(60, 5, 10.0, 2);
        for (plain, wide) in leverage_scores::<f64>(&a, 5).iter().zip(leverage_scores::<Dd>(&a, 5)) {
            assert_within(*plain, wide.to_f64(), 1e-14);
        }
    }
}
