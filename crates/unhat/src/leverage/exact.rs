//! Exact leverage scores: a Gram matrix, its factor, and one more sweep for the scores.

use super::constant_column::{constant_value, projection_means};
use crate::error::{ErrorKind, Result};
use crate::gram::{
    Chunks, Factor, FactorMethod, OwnTransform, RowSpace, Transform, orthogonal_factor, prefers_pairs,
    require_square_fits, transformed_gram,
};
use crate::linalg;
use crate::rows::{
    Block, Extent, Pass, Portable, RowSource, Rows, ScaledRows, Unit, Writer, column_exponents, is_plain, packs_number,
    require_finite, require_vector, sweep,
};
use crate::run::Run;
use std::ops::Range;

/// How leverage scores are computed.
#[derive(Clone, Debug, Default)]
pub struct ScoreOptions {
    /// λ ≥ 0 of the ridge scores aᵢᵀ(M + λI)⁻¹aᵢ.
    pub ridge: f64,
    /// Whether the ridge leaves the first constant column (the intercept) free: M + λ(I − eeᵀ).
    pub free_intercept: bool,
    /// The factorisation to use; None: chosen from an estimate of the condition.
    pub factor: Option<FactorMethod>,
    /// Whether dependent columns are an error instead of a warning.
    pub strict: bool,
}

/// Leverage scores and what is known about them.
#[derive(Clone, Debug)]
pub struct Scores {
    /// σ, one a row.
    pub values: Vec<f64>,
    /// Rank of the rows; d unless columns are dependent.
    pub rank: usize,
    /// Σσ: the rank, or with a ridge the effective dimension.
    pub sum: f64,
    /// |Σσ − rank| / rank without a ridge: a free check of the computation. None with a ridge.
    pub sum_defect: Option<f64>,
    /// How the triangular factor was obtained.
    pub method: FactorMethod,
    /// Why that method.
    pub reason: String,
    /// Estimate of cond₂ of the rows, columns centred (where there is a constant column) and scaled.
    pub condition: f64,
    /// Decimal digits to expect of each score, taking the stored numbers as exact: 0 where the rank was decided by leaving
    /// out columns that depend on the others to rounding only.
    pub digits: f64,
    /// Whether a ridge left a constant column free.
    pub free_intercept: bool,
    /// Things the caller should know: the rank, when columns are dependent.
    pub warnings: Vec<String>,
}

/// Cholesky of the Gram matrix is kept up to this κ(M̃); there it is within a digit of the orthogonal methods
/// (bench/record/digits_by_method.json). Sparse rows keep it longer, because the next method writes them out densely.
pub(super) const CHOLESKY_LIMIT: f64 = 1e3;
pub(super) const CHOLESKY_LIMIT_SPARSE: f64 = 1e6;
/// Below this many dense flops a sparse matrix is small enough to be treated like a dense one.
pub(super) const SMALL_FLOPS: f64 = 1e9;
/// CholeskyQR2 is kept up to this κ(M̃): beyond it the first factor no longer whitens.
pub(super) const QR2_LIMIT: f64 = 1e12;

/// Leverage scores of the rows rᵢaᵢ: how much each matters for the whole.
///
/// σᵢ = rᵢ² aᵢᵀ (AᵀR²A + λI)⁻¹ aᵢ
///
/// With rᵢ = 1/sᵢ these are the scores σ(x) at x; without r they are the hat values of A. They lie in [0, 1] and sum to
/// the rank (with a ridge λ > 0, to the effective dimension). When columns are dependent, or n < d, they are the scores
/// of the space that the columns span, and a warning names the rank.
///
/// # Shapes
/// `source` n×d; `row_scale` n values or None.
/// # Cost
/// Dense rows: two sweeps and 2nd² flops; twice that when the condition asks for it. Sparse rows: two sweeps and
/// 2 Σ nnz(aᵢ)² flops, and d³. No n×d copy is made.
/// # Accuracy
/// Relative error about `10^-digits`; see [`Scores::digits`].
/// # Errors
/// [`ErrorKind::NotFinite`] naming row and column; [`ErrorKind::RankDeficient`] with `strict`;
/// [`ErrorKind::Option`] for a negative ridge; [`ErrorKind::TooLarge`] when d×d does not fit.
/// # Examples
/// ```
/// use unhat::{leverage::{leverage_scores, ScoreOptions}, rows::DenseRows, Run};
/// let a = [1.0, 0.0, 1.0, 1.0, 1.0, 2.0]; // a line through x = 0, 1, 2
/// let scores = leverage_scores(&DenseRows::new(&a, 2)?, None, &ScoreOptions::default(), &Run::default())?;
/// assert!((scores.values[0] - 5.0 / 6.0).abs() < 1e-14);
/// assert!((scores.sum - 2.0).abs() < 1e-14);
/// # Ok::<(), unhat::Error>(())
/// ```
/// # References
/// DrineasMahoneyMuthukrishnan2006; YamamotoNakatsukasaYanagisawaFukaya2015.
pub fn leverage_scores(
    source: &dyn RowSource,
    row_scale: Option<&[f64]>,
    options: &ScoreOptions,
    run: &Run<'_>,
) -> Result<Scores> {
    let shape = source.shape();
    require_ridge(options.ridge)?;
    if let Some(r) = row_scale {
        require_vector("row scale", r, shape.rows)?;
    }
    require_square_fits(shape.columns)?;
    let result = match Scaled::of(source, row_scale, options, run) {
        Ok(None) => Plan { source, row_scale, options, run, whole: true }.scores(),
        Ok(Some(scaled)) => {
            let Scaled { rows, row_scale, options, whole } = &scaled;
            Plan { source: rows, row_scale: row_scale.as_deref(), options, run, whole: *whole }.scores()
        }
        Err(error) => Err(error),
    };
    if !matches!(&result, Ok(scores) if scores.sum.is_finite()) {
        require_finite(source, "matrix")?;
    }
    result.and_then(checked)
}

/// The scores of the same rows in units in which no square over- or underflows: columns times powers of two, and the
/// powers of two of the row scale in the rows.
struct Scaled<'a> {
    rows: ScaledRows<'a>,
    row_scale: Option<Vec<f64>>,
    options: ScoreOptions,
    /// Whether every entry kept its digits.
    whole: bool,
}

impl<'a> Scaled<'a> {
    /// None where all squares fit as they are: the rule.
    fn of(
        source: &'a dyn RowSource,
        row_scale: Option<&[f64]>,
        options: &ScoreOptions,
        run: &Run<'_>,
    ) -> Result<Option<Self>> {
        let extent = Extent::of(source, row_scale, run)?;
        let scales_fit = row_scale.is_none_or(|r| r.iter().all(|r| is_plain(*r)));
        // With a row scale a column may seem to be zero because its products underflow.
        let vanished = row_scale.is_some() && extent.columns.contains(&0.0) && !is_plain(extent.least.min(1.0));
        if scales_fit && !vanished && extent.columns.iter().all(|most| is_plain(*most)) {
            return Ok(None);
        }
        let powers: Option<Vec<i32>> =
            row_scale.map(|r| r.iter().map(|r| if *r == 0.0 { 0 } else { libm::ilogb(*r) }).collect());
        let largest = column_exponents(source, powers.as_deref())?;
        let top = largest.iter().flatten().max().copied().unwrap_or(0);
        let mut options = options.clone();
        let columns: Vec<i32> = match options.ridge > 0.0 {
            false => largest.iter().map(|e| -e.unwrap_or(0)).collect(),
            // λI is λ times every column's own square: all columns take the same power.
            true => {
                let shift = -top.max(libm::ilogb(options.ridge).div_euclid(2));
                options.ridge = libm::ldexp(options.ridge, 2 * shift);
                let lost = |e: &i32| e + shift < LEAST_EXPONENT;
                if options.ridge < f64::MIN_POSITIVE && largest.iter().flatten().any(lost) {
                    let reason = "the columns differ so much in size that the squares of the smallest are lost beside \
                                  those of the largest, and with them the ridge: rescale the columns";
                    return Err(ErrorKind::Numerical { reason: reason.into() }.into());
                }
                vec![shift; largest.len()]
            }
        };
        let range = |bound: fn(i32, i32) -> i32, e: Option<&Vec<i32>>| e.and_then(|e| e.iter().copied().reduce(bound));
        let down = range(i32::min, powers.as_ref()).unwrap_or(0) + columns.iter().copied().min().unwrap_or(0);
        let whole = !extent.least.is_finite() || libm::ilogb(extent.least) + down > -1022;
        let row_scale = row_scale.zip(powers.as_ref());
        let row_scale = row_scale.map(|(r, e)| r.iter().zip(e).map(|(r, e)| libm::ldexp(*r, -e)).collect());
        Ok(Some(Scaled { rows: ScaledRows::new(source, powers, columns), row_scale, options, whole }))
    }
}

/// Entries below 2 to this have no square beside a largest entry of 1 that a ridge could be added to.
const LEAST_EXPONENT: i32 = -440;

/// The defect of the sum against the digits that the condition promises: the smaller number of digits is the promise.
fn checked(mut scores: Scores) -> Result<Scores> {
    if !(scores.sum.is_finite() && scores.values.iter().all(|s| s.is_finite())) {
        let reason = "the scores over- or underflow: rescale the columns of the matrix".into();
        return Err(ErrorKind::Numerical { reason }.into());
    }
    if let Some(defect) = scores.sum_defect {
        let shown = -defect.log10();
        if shown < scores.digits - 1.0 {
            scores.warnings.push(format!(
                "the scores sum to {:e}, but the rank is {}: they have {:.0} digits at most, where the condition promised {:.0}",
                scores.sum,
                scores.rank,
                shown.max(0.0),
                scores.digits
            ));
        }
        scores.digits = scores.digits.min(shown.max(0.0));
    }
    if !scores.condition.is_finite() {
        scores.warnings.push("the condition is beyond the range of numbers".into());
    }
    Ok(scores)
}

/// λ is a finite number ≥ 0.
pub(super) fn require_ridge(ridge: f64) -> Result<()> {
    if ridge >= 0.0 && ridge.is_finite() {
        return Ok(());
    }
    let reason = format!("found {ridge}, expected a finite number ≥ 0");
    Err(ErrorKind::Option { name: "ridge".into(), reason }.into())
}

struct Plan<'a> {
    source: &'a dyn RowSource,
    row_scale: Option<&'a [f64]>,
    options: &'a ScoreOptions,
    run: &'a Run<'a>,
    /// Whether no entry lost digits before it came here.
    whole: bool,
}

impl Plan<'_> {
    fn scores(&self) -> Result<Scores> {
        let shape = self.source.shape();
        let (n, d) = (shape.rows, shape.columns);
        let ridge = self.options.ridge;
        let pairs = prefers_pairs(&shape);
        let small = n as f64 * (d * d) as f64 <= SMALL_FLOPS;
        let free = ridge > 0.0 && self.options.free_intercept;
        let means = match free || ridge == 0.0 && (!pairs || small) {
            true => projection_means(self.source, self.row_scale, self.run)?,
            false => None,
        };
        if free && means.is_none() {
            let reason = "the matrix has no constant column to leave free, expected an intercept".to_string();
            return Err(ErrorKind::Option { name: "free-intercept".into(), reason }.into());
        }
        // Pairs of entries cannot be shifted without filling the rows in.
        let pairs = pairs && means.is_none();
        let transform = Transform { row_scale: self.row_scale, shift: means.as_deref(), lower: None };
        if n < d && ridge == 0.0 {
            return self.row_space(transform, format!("{n} rows cannot have full rank {d}"));
        }
        let factor = match self.options.factor {
            Some(FactorMethod::Tsqr) => None,
            _ => self.gram_factor(transform, pairs)?,
        };
        let limit = if pairs && !small { CHOLESKY_LIMIT_SPARSE } else { CHOLESKY_LIMIT };
        let (wanted, reason) = match (&factor, self.options.factor) {
            (_, Some(method)) => (method, "asked for".to_string()),
            (None, _) => (FactorMethod::Tsqr, "the Gram matrix is not positive definite to rounding".to_string()),
            (Some(f), None) => {
                let condition = f.condition();
                let (method, side) = match f.gram_condition() {
                    k if k <= limit => (FactorMethod::Cholesky, "low enough for Cholesky of the Gram matrix"),
                    k if k <= QR2_LIMIT => {
                        (FactorMethod::CholeskyQr2, "high enough for a second, whitened Gram matrix")
                    }
                    _ => (FactorMethod::Tsqr, "too high for Gram matrices"),
                };
                (method, format!("condition {condition:.1e} is {side}"))
            }
        };
        let factor = match (factor, wanted) {
            (Some(f), FactorMethod::Cholesky) => Some(f),
            (Some(f), method) => f.refined(method, self.source, transform, ridge, self.run)?,
            (None, FactorMethod::Cholesky | FactorMethod::CholeskyQr2) if self.options.factor.is_some() => {
                return Err(ErrorKind::Numerical {
                    reason: "the Gram matrix is not positive definite to rounding; choose another factorisation".into(),
                }
                .into());
            }
            (None, _) => Factor::orthogonal(self.source, transform, ridge, self.run)?,
        };
        match factor {
            Some(factor) => self.full_rank(transform, &factor, pairs, reason),
            None => self.row_space(transform, reason),
        }
    }

    /// The factor of M, if M is positive definite to rounding.
    fn gram_factor(&self, transform: Transform<'_>, pairs: bool) -> Result<Option<Factor>> {
        let d = self.source.shape().columns;
        debug_assert!(!pairs || transform.shift.is_none());
        let mut gram = transformed_gram(self.source, transform, self.run)?;
        (0..d).for_each(|i| gram[i + i * d] += self.options.ridge);
        if gram.iter().any(|v| !v.is_finite()) {
            require_finite(self.source, "matrix")?;
            return Err(ErrorKind::Numerical {
                reason: "the Gram matrix overflows: rescale the columns of the matrix".into(),
            }
            .into());
        }
        Ok(Factor::of_gram(gram, d))
    }

    fn full_rank(&self, transform: Transform<'_>, factor: &Factor, pairs: bool, reason: String) -> Result<Scores> {
        let shape = self.source.shape();
        let inverse = (pairs && factor.method() == FactorMethod::Cholesky).then(|| factor.inverse());
        let transform = Transform { lower: Some(factor.lower()), ..transform };
        let pass = ScorePass { chunks: Chunks { transform, columns: shape.columns }, inverse };
        let mut values = vec![0.0; shape.rows];
        let mut sum = sweep(self.source, &pass, &mut values, self.run)?;
        let free_intercept = self.options.ridge > 0.0 && self.options.free_intercept;
        if free_intercept {
            sum += self.free_constant_column(&mut values)?;
        }
        let error = match factor.method() {
            FactorMethod::Cholesky => factor.gram_condition(),
            _ => factor.condition(),
        };
        Ok(Scores {
            rank: shape.columns,
            sum_defect: (self.options.ridge == 0.0).then(|| (sum - shape.columns as f64).abs() / shape.columns as f64),
            sum,
            method: factor.method(),
            reason,
            condition: factor.condition(),
            digits: digits_left(error, shape.columns),
            free_intercept,
            warnings: Vec::new(),
            values,
        })
    }

    /// Adds what the constant column c has without λ and had not with it, and returns the sum of that.
    ///
    /// The other columns are centred, so that M + λI falls into their block and the entry c²Σr² + λ: the scores change by
    /// r²/Σr² − r²c²/(c²Σr² + λ) = r²λ/(Σr²(c²Σr² + λ)).
    fn free_constant_column(&self, values: &mut [f64]) -> Result<f64> {
        let ridge = self.options.ridge;
        let square = |i: usize| self.row_scale.map_or(1.0, |r| r[i] * r[i]);
        let total: f64 = (0..values.len()).map(square).sum();
        let constant = constant_value(self.source, self.run)?;
        let share = ridge / (total * (constant * constant * total + ridge));
        let mut sum = 0.0;
        for (i, value) in values.iter_mut().enumerate() {
            let added = square(i) * share;
            *value += added;
            sum += added;
        }
        Ok(sum)
    }

    fn row_space(&self, transform: Transform<'_>, reason: String) -> Result<Scores> {
        let (n, d) = (self.source.shape().rows, self.source.shape().columns);
        let space = RowSpace::of_factor(&orthogonal_factor(self.source, transform, 0.0, self.run)?, d).corrected(
            self.source,
            transform,
            self.run,
        )?;
        let rank = space.rank();
        if self.options.strict && rank < d {
            require_finite(self.source, "matrix")?;
            return Err(ErrorKind::RankDeficient { rank, columns: d }.into());
        }
        let mut values = vec![0.0; n];
        let sum = sweep(
            self.source,
            &RowSpacePass { chunks: Chunks { transform, columns: d }, space: &space },
            &mut values,
            self.run,
        )?;
        let mut digits = digits_left(space.condition(), d);
        let mut warnings = Vec::new();
        if rank < d {
            let mut warning = format!(
                "the matrix has rank {rank}, but {d} columns; these are the scores of the space its columns span (they sum to {rank})"
            );
            // n independent columns span everything there is.
            let exact = rank == n || (self.whole && space.holds_dropped(self.source, transform, self.run)?);
            if !exact {
                warning += &format!(
                    "; the columns left out depend on the others to the rounding of the numbers, not exactly: taken as exact, \
                     the numbers have a higher rank and other scores; as rank {rank} these have about {digits:.0} digits"
                );
                digits = 0.0;
            }
            warnings.push(warning);
        }
        Ok(Scores {
            values,
            rank,
            sum,
            sum_defect: Some((sum - rank as f64).abs() / (rank.max(1)) as f64),
            method: FactorMethod::Tsqr,
            reason: format!("{reason}; pivoted QR decides the rank"),
            condition: space.condition(),
            digits,
            free_intercept: false,
            warnings,
        })
    }
}

/// −log₁₀ of the expected relative error: ε·condition times a factor that grows like √d in practice.
#[must_use]
pub fn digits_left(condition: f64, d: usize) -> f64 {
    (-(f64::EPSILON * condition * (d as f64).sqrt()).log10()).clamp(0.0, 16.0)
}

/// σᵢ = ‖L⁻¹ rᵢaᵢ‖², or for sparse rows rᵢ² aᵢᵀM⁻¹aᵢ over pairs of entries when M⁻¹ is given. Adds up Σσ.
pub(crate) struct ScorePass<'a> {
    pub chunks: Chunks<'a>,
    pub inverse: Option<&'a [f64]>,
}

impl Pass for ScorePass<'_> {
    type Acc = f64;
    fn zero(&self) -> f64 {
        0.0
    }
    fn add(&self, sum: &mut f64, rows: &Rows<'_>, out: &mut [f64]) -> Result<()> {
        match (self.inverse, rows.block) {
            (Some(inverse), Block::Csr(block)) => {
                let scale = self.chunks.transform.row_scale;
                for (i, out) in out.iter_mut().enumerate() {
                    let r = scale.map_or(1.0, |r| r[rows.start + i]);
                    let (indices, values) = block.row(i);
                    *out = r * r * pair_form(indices, values, inverse, self.chunks.columns);
                }
            }
            _ => {
                let d = self.chunks.columns;
                self.chunks.each(rows, |range, u| linalg::row_norms_squared(u, d, &mut out[range]));
            }
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
    fn portable(&self) -> Option<&dyn Portable<f64>> {
        Some(self)
    }
}

/// aᵀSa for a sparse a and a full symmetric S: nnz(a)² products.
pub(crate) fn pair_form(indices: &[u32], values: &[f64], s: &[f64], d: usize) -> f64 {
    let mut total = 0.0;
    for (p, (&j, a)) in indices.iter().zip(values).enumerate() {
        let column = &s[j as usize * d..(j as usize + 1) * d];
        let off: f64 = indices[p + 1..].iter().zip(&values[p + 1..]).map(|(&k, b)| column[k as usize] * b).sum();
        total += a * (a * column[j as usize] + 2.0 * off);
    }
    total
}

/// The same within the space that the rows span, where columns are dependent.
pub(super) struct RowSpacePass<'a> {
    pub chunks: Chunks<'a>,
    pub space: &'a RowSpace,
}

impl Pass for RowSpacePass<'_> {
    type Acc = f64;
    fn zero(&self) -> f64 {
        0.0
    }
    fn add(&self, sum: &mut f64, rows: &Rows<'_>, out: &mut [f64]) -> Result<()> {
        self.chunks.each(rows, |range, values| self.space.scores_into(values, self.chunks.columns, &mut out[range]));
        *sum += out.iter().sum::<f64>();
        Ok(())
    }
    fn merge(&self, left: f64, right: f64) -> f64 {
        left + right
    }
    fn width(&self) -> usize {
        1
    }
    fn portable(&self) -> Option<&dyn Portable<f64>> {
        Some(self)
    }
}

impl Portable<f64> for ScorePass<'_> {
    fn name(&self) -> &'static str {
        "scores"
    }
    fn write(&self, rows: Range<usize>, to: &mut Writer) {
        self.chunks.transform.write(rows, to);
        to.optional(self.inverse);
    }
    packs_number!();
}

impl Portable<f64> for RowSpacePass<'_> {
    fn name(&self) -> &'static str {
        "scores in the row space"
    }
    fn write(&self, rows: Range<usize>, to: &mut Writer) {
        self.chunks.transform.write(rows, to);
        self.space.write(to);
    }
    packs_number!();
}

/// Scores of a unit of rows, for another process.
pub(crate) fn answer_scores(mut unit: Unit<'_>) -> Result<Vec<u8>> {
    let (transform, inverse) = (OwnTransform::read(&mut unit.from)?, unit.from.optional()?);
    let chunks = Chunks { transform: transform.lent(), columns: unit.columns };
    unit.answer(&ScorePass { chunks, inverse: inverse.as_deref() })
}

pub(crate) fn answer_row_space(mut unit: Unit<'_>) -> Result<Vec<u8>> {
    let (transform, space) = (OwnTransform::read(&mut unit.from)?, RowSpace::read(&mut unit.from)?);
    let chunks = Chunks { transform: transform.lent(), columns: unit.columns };
    unit.answer(&RowSpacePass { chunks, space: &space })
}
