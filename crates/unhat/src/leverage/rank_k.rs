//! Scores of the best approximation of rank k: of its rows, and of its columns.

use super::constant_column::column_means;
use super::exact::digits_left;
use crate::error::{ErrorKind, Result};
use crate::gram::{Transform, orthogonal_factor, prefers_pairs, require_square_fits, transformed_gram};
use crate::linalg;
use crate::rows::{
    Block, Extent, Pass, RowSource, Rows, ScaledRows, Turned, is_plain, require_finite, require_vector, sweep,
    with_scratch,
};
use crate::run::Run;

/// Which approximation.
#[derive(Clone, Copy, Debug)]
pub struct RankKOptions {
    /// k, from 1 to the rank.
    pub rank: usize,
    /// Whether each column loses its mean first, as for principal components; with a row scale r the mean of weights r².
    pub centre: bool,
}

/// Scores of rank k and what is known about them.
#[derive(Clone, Debug)]
pub struct RankKScores {
    /// Σⱼ≤ₖ uᵢⱼ², one a row.
    pub values: Vec<f64>,
    /// Σⱼ≤ₖ vᵢⱼ², one a column.
    pub columns: Vec<f64>,
    /// k.
    pub rank: usize,
    /// s₁ ≥ s₂ ≥ …, all min(n, d) of them; small ones to the rounding of the largest.
    pub singular_values: Vec<f64>,
    /// sₖ/sₖ₊₁: how clearly the first k directions are told from the rest; infinite where nothing is left.
    pub gap: f64,
    /// Σⱼ≤ₖ sⱼ² / Σⱼ sⱼ².
    pub explained: f64,
    /// Σ of the row scores.
    pub sum: f64,
    /// |Σ − k| / k: a free check of the computation.
    pub sum_defect: f64,
    /// Decimal digits to expect of each score.
    pub digits: f64,
    /// How the directions were found.
    pub method: RankKMethod,
    /// Why so.
    pub reason: String,
}

/// What the directions come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RankKMethod {
    /// Eigenvectors of the Gram matrix: the error grows with s₁²/(sₖ² − sₖ₊₁²).
    Gram,
    /// Singular vectors of a triangular factor by Householder QR of the rows: with s₁/(sₖ − sₖ₊₁).
    Tsqr,
}

impl RankKMethod {
    /// The word used in results.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            RankKMethod::Gram => "gram",
            RankKMethod::Tsqr => "tsqr",
        }
    }
}

/// Digits that the Gram matrix must promise to be kept; sparse rows keep it longer, because QR writes them out densely.
const DIGITS: f64 = 10.0;
const DIGITS_SPARSE: f64 = 6.0;
/// With fewer digits than this two singular values are not told from each other.
const DIGITS_OF_A_TIE: f64 = 2.0;

/// Leverage scores of rank k of the rows rᵢaᵢ, and of their columns.
///
/// With the singular value decomposition RA = USVᵀ, s₁ ≥ s₂ ≥ …:
/// the score of row i is Σⱼ≤ₖ Uᵢⱼ², that of column i is Σⱼ≤ₖ Vᵢⱼ². Both lie in [0, 1] and sum to k.
///
/// They say which rows, and which columns, the best approximation of rank k leans on: for choosing columns (CUR), for cells or
/// genes in single-cell analysis, for ridge-free scores of matrices of many weak directions. At k = rank the row scores are
/// [`leverage_scores`](super::leverage_scores).
///
/// # Shapes
/// `source` n×d; `row_scale` n values or None.
/// # Cost
/// Two sweeps: the Gram matrix as of `leverage_scores`, then 2k flops an entry; 9d³ flops for the eigenvectors. Where the Gram
/// matrix promises too few digits, 2nd² flops of Householder QR more. Sparse rows stay sparse, centred too. The square of the
/// smaller side must fit; of a matrix with n < d a transposed copy is made, written out where it is centred.
/// # Accuracy
/// Relative to the largest score about `10^-digits`: ε√d times s₁²/(sₖ² − sₖ₊₁²), or times s₁/(sₖ − sₖ₊₁).
/// # Errors
/// [`ErrorKind::Option`] for k = 0, for k above the rank, and where sₖ and sₖ₊₁ are equal to rounding, so that no k directions
/// are the first; [`ErrorKind::NotFinite`] naming row and column; [`ErrorKind::TooLarge`].
/// # Examples
/// ```
/// use unhat::{Run, leverage::{RankKOptions, rank_k_scores}, rows::DenseRows};
/// // The first direction is (3, 4)/5, of the first two rows; the last row is orthogonal to it.
/// let a = [3.0, 4.0, 6.0, 8.0, -0.8, 0.6];
/// let options = RankKOptions { rank: 1, centre: false };
/// let scores = rank_k_scores(&DenseRows::new(&a, 2)?, None, &options, &Run::default())?;
/// let expected = [0.2, 0.8, 0.0];
/// assert!(scores.values.iter().zip(expected).all(|(s, e)| (s - e).abs() < 1e-14));
/// assert!((scores.columns[0] - 9.0 / 25.0).abs() < 1e-14);
/// # Ok::<(), unhat::Error>(())
/// ```
/// # References
/// MahoneyDrineas2009.
pub fn rank_k_scores(
    source: &dyn RowSource,
    row_scale: Option<&[f64]>,
    options: &RankKOptions,
    run: &Run<'_>,
) -> Result<RankKScores> {
    let shape = source.shape();
    let most = shape.rows.min(shape.columns);
    if options.rank == 0 || options.rank > most {
        let side = if shape.rows < shape.columns { "rows" } else { "columns" };
        return Err(unusable(format!(
            "found {}, expected a rank from 1 to {most}, the number of {side}",
            options.rank
        )));
    }
    if let Some(r) = row_scale {
        require_vector("row scale", r, shape.rows)?;
    }
    require_square_fits(most)?;
    let result = in_plain_units(source, row_scale, options, run);
    if !matches!(&result, Ok(scores) if scores.sum.is_finite()) {
        require_finite(source, "matrix")?;
    }
    let scores = result?;
    match scores.sum.is_finite() && scores.values.iter().chain(&scores.columns).all(|s| s.is_finite()) {
        true => Ok(scores),
        false => Err(overflow()),
    }
}

fn unusable(reason: String) -> crate::Error {
    ErrorKind::Option { name: "rank".into(), reason }.into()
}

fn overflow() -> crate::Error {
    ErrorKind::Numerical { reason: "the scores over- or underflow: rescale the matrix".into() }.into()
}

/// All entries times one power of two where their squares would not be numbers; scores do not change.
fn in_plain_units(
    source: &dyn RowSource,
    row_scale: Option<&[f64]>,
    options: &RankKOptions,
    run: &Run<'_>,
) -> Result<RankKScores> {
    let largest = Extent::of(source, row_scale, run)?.columns.into_iter().fold(0.0, f64::max);
    if largest == 0.0 || !largest.is_finite() {
        require_finite(source, "matrix")?;
        return match largest == 0.0 {
            true => Err(unusable(format!("found {}, but every entry is 0, so that the rank is 0", options.rank))),
            false => Err(overflow()),
        };
    }
    if is_plain(largest) {
        return by_smaller_side(source, row_scale, options, run);
    }
    let power = -libm::ilogb(largest);
    let scaled = ScaledRows::new(source, None, vec![power; source.shape().columns]);
    let mut scores = by_smaller_side(&scaled, row_scale, options, run)?;
    scores.singular_values.iter_mut().for_each(|s| *s = libm::ldexp(*s, -power));
    Ok(scores)
}

fn by_smaller_side(
    source: &dyn RowSource,
    row_scale: Option<&[f64]>,
    options: &RankKOptions,
    run: &Run<'_>,
) -> Result<RankKScores> {
    let shape = source.shape();
    let means = options.centre.then(|| column_means(source, row_scale, run)).transpose()?;
    let (means, rank) = (means.as_deref(), options.rank);
    if shape.rows >= shape.columns {
        return Problem { source, transform: Transform { row_scale, shift: means, lower: None }, rank, run }.scores();
    }
    let turned = Turned::of(source, row_scale, means, run)?;
    let mut scores =
        turned.with_rows(|source| Problem { source, transform: Transform::default(), rank, run }.scores())?;
    std::mem::swap(&mut scores.values, &mut scores.columns);
    Ok(scores)
}

struct Problem<'a> {
    source: &'a dyn RowSource,
    /// R and μ.
    transform: Transform<'a>,
    /// k.
    rank: usize,
    run: &'a Run<'a>,
}

/// Singular values, falling, and the directions that belong to them.
struct Directions {
    values: Vec<f64>,
    /// V, d×d, column j that of value j.
    vectors: Vec<f64>,
    /// Digits that are left of the first k.
    digits: f64,
}

impl Problem<'_> {
    /// The scores of RA − Rμ1ᵀ.
    fn scores(&self) -> Result<RankKScores> {
        let shape = self.source.shape();
        let (d, k, means) = (shape.columns, self.rank, self.transform.shift);
        let pairs = prefers_pairs(&shape);
        let (gram, size) = self.gram(pairs)?;
        let found = self.of_gram(gram, size)?;
        let enough = if pairs { DIGITS_SPARSE } else { DIGITS };
        let promise = found.digits;
        let (found, method, reason) = match promise >= enough {
            true => (found, RankKMethod::Gram, format!("the Gram matrix leaves about {promise:.0} digits")),
            false => {
                let lower = orthogonal_factor(self.source, self.transform, 0.0, self.run)?;
                let reason = format!("the Gram matrix would leave {promise:.0} digits");
                (self.of_factor(&lower)?, RankKMethod::Tsqr, reason)
            }
        };
        self.require_decided(&found)?;
        let Directions { values: singular, vectors, digits } = found;
        // Row i of W = V_k S_k⁻¹ holds what column i of A gives to each direction.
        let whitening: Vec<f64> =
            (0..d).flat_map(|i| (0..k).map(move |j| (i, j))).map(|(i, j)| vectors[i + j * d] / singular[j]).collect();
        let shift: Option<Vec<f64>> = means.map(|means| {
            let mut shift = vec![0.0; k];
            add_row(&(0..d as u32).collect::<Vec<_>>(), means, &whitening, &mut shift);
            shift
        });
        let pass =
            Projected { whitening: &whitening, rank: k, shift: shift.as_deref(), row_scale: self.transform.row_scale };
        let mut values = vec![0.0; shape.rows];
        let sum = sweep(self.source, &pass, &mut values, self.run)?;
        let columns = (0..d).map(|i| (0..k).map(|j| vectors[i + j * d].powi(2)).sum()).collect();
        let total: f64 = singular.iter().map(|s| s * s).sum();
        let explained = singular[..k].iter().map(|s| s * s).sum::<f64>() / total;
        let gap = singular.get(k).map_or(f64::INFINITY, |next| singular[k - 1] / next);
        let sum_defect = (sum - k as f64).abs() / k as f64;
        let digits = digits.min(-sum_defect.log10()).max(0.0);
        let singular_values = singular.into_iter().take(shape.rows.min(d)).collect();
        Ok(RankKScores {
            values,
            columns,
            rank: k,
            singular_values,
            gap,
            explained,
            sum,
            sum_defect,
            digits,
            method,
            reason,
        })
    }

    /// The Gram matrix of the centred rows, and how large what it was computed from is.
    fn gram(&self, pairs: bool) -> Result<(Vec<f64>, f64)> {
        let (d, transform) = (self.source.shape().columns, self.transform);
        // Pairs of entries cannot be shifted without filling the rows in: what the means add up to is subtracted afterwards.
        let shift = transform.shift.filter(|_| !pairs);
        let mut gram = transformed_gram(self.source, Transform { shift, ..transform }, self.run)?;
        let mut subtracted = 0.0;
        if let Some(means) = transform.shift.filter(|_| pairs) {
            let weight: f64 = match transform.row_scale {
                Some(r) => r.iter().map(|r| r * r).sum(),
                None => self.source.shape().rows as f64,
            };
            for (j, column) in gram.chunks_exact_mut(d).enumerate() {
                (j..d).for_each(|i| column[i] -= weight * means[i] * means[j]);
            }
            subtracted = weight * linalg::dot(means, means);
        }
        if gram.iter().any(|v| !v.is_finite()) {
            return Err(overflow());
        }
        Ok((gram, subtracted))
    }

    fn of_gram(&self, gram: Vec<f64>, subtracted: f64) -> Result<Directions> {
        let (d, k) = (self.source.shape().columns, self.rank);
        let (values, vectors) = linalg::symmetric_eigen(&gram, d).ok_or_else(not_found)?;
        let falling: Vec<f64> = values.iter().rev().map(|v| v.max(0.0)).collect();
        let vectors = (0..d).rev().flat_map(|j| vectors[j * d..(j + 1) * d].iter().copied()).collect();
        let next = falling.get(k).copied().unwrap_or(0.0);
        let digits = digits_left((falling[0] + subtracted) / (falling[k - 1] - next), d);
        Ok(Directions { values: falling.into_iter().map(f64::sqrt).collect(), vectors, digits })
    }

    fn of_factor(&self, lower: &[f64]) -> Result<Directions> {
        let (d, k) = (self.source.shape().columns, self.rank);
        let (values, vectors) = linalg::left_singular(lower, d).ok_or_else(not_found)?;
        let next = values.get(k).copied().unwrap_or(0.0);
        let digits = digits_left(values[0] / (values[k - 1] - next), d);
        Ok(Directions { values, vectors, digits })
    }

    /// An error where k is above the rank, or in the middle of singular values that are equal to rounding.
    fn require_decided(&self, found: &Directions) -> Result<()> {
        let (shape, k) = (self.source.shape(), self.rank);
        let values = &found.values;
        let floor = values[0] * f64::EPSILON * shape.rows.max(shape.columns) as f64;
        let rank = values.iter().take_while(|s| **s > floor).count();
        if k > rank {
            return Err(unusable(format!("found {k}, but the rank is {rank}; expected a rank from 1 to {rank}")));
        }
        if found.digits > DIGITS_OF_A_TIE {
            return Ok(());
        }
        let next = values.get(k).copied().unwrap_or(0.0);
        let tied = |s: f64| digits_left(values[0] / (s - next).abs(), shape.columns) <= DIGITS_OF_A_TIE;
        let first = values.iter().take_while(|s| !tied(**s)).count();
        let last = first + values[first..].iter().take_while(|s| tied(**s)).count();
        let fewer = if first > 0 { format!("{first} or ") } else { String::new() };
        Err(unusable(format!(
            "found {k}, but the singular values {} to {last} are equal to rounding ({:.6e}), so that no {k} directions are the \
             first; choose {fewer}{last}",
            first + 1,
            values[k - 1],
        )))
    }
}

fn not_found() -> crate::Error {
    ErrorKind::Numerical { reason: "the eigenvalues of the Gram matrix were not found".into() }.into()
}

/// out += Σ valueⱼ · row indexⱼ of W.
fn add_row(indices: &[u32], values: &[f64], whitening: &[f64], out: &mut [f64]) {
    let k = out.len();
    for (&j, a) in indices.iter().zip(values) {
        let row = &whitening[j as usize * k..][..k];
        out.iter_mut().zip(row).for_each(|(out, w)| *out += a * w);
    }
}

/// ‖Wᵀ(aᵢ − μ)rᵢ‖², and their sum.
struct Projected<'a> {
    /// W, d×k by rows.
    whitening: &'a [f64],
    rank: usize,
    /// Wᵀμ.
    shift: Option<&'a [f64]>,
    row_scale: Option<&'a [f64]>,
}

impl Pass for Projected<'_> {
    type Acc = f64;
    fn zero(&self) -> f64 {
        0.0
    }
    fn add(&self, sum: &mut f64, rows: &Rows<'_>, out: &mut [f64]) -> Result<()> {
        let (count, k) = (rows.block.rows(), self.rank);
        with_scratch(count * k, |y| {
            match rows.block {
                // Rows of a row-major block are the columns of a column-major one.
                Block::Dense(block) => linalg::product_into(self.whitening, block.values, k, block.columns, count, y),
                Block::Csr(block) => {
                    y.fill(0.0);
                    linalg::vectorised(|| {
                        for (i, y) in y.chunks_exact_mut(k).enumerate() {
                            let (indices, values) = block.row(i);
                            add_row(indices, values, self.whitening, y);
                        }
                    });
                }
            }
            if let Some(shift) = self.shift {
                y.chunks_exact_mut(k).for_each(|y| y.iter_mut().zip(shift).for_each(|(y, s)| *y -= s));
            }
            linalg::row_norms_squared(y, k, out);
        });
        if let Some(r) = self.row_scale {
            out.iter_mut().zip(&r[rows.range()]).for_each(|(out, r)| *out *= r * r);
        }
        *sum += out.iter().sum::<f64>();
        Ok(())
    }
    fn merge(&self, left: f64, right: f64) -> f64 {
        left + right
    }
    fn width(&self) -> usize {
        1
    }
}
