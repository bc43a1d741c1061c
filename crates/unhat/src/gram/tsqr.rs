//! Householder QR of the rows, stretch by stretch (TSQR), and what it says about their rank.

use super::number::Doubled;
use super::weighted::{Chunks, OwnTransform, Transform, gram_stretches, merged, require_square_fits};
use crate::error::Result;
use crate::linalg;
use crate::rows::{Pass, Portable, Reader, RowSource, Rows, Shape, Unit, Writer, other, packs_numbers, sweep};
use crate::run::Run;
use std::ops::Range;

/// L with LLᵀ = Σ a′ᵢa′ᵢᵀ + λI, from orthogonal transformations of the rows: cond(A) enters once, not squared.
///
/// # Cost
/// One sweep, 2nd² flops.
/// # References
/// DemmelGrigoriHoemmenLangou2012.
pub fn orthogonal_factor(
    source: &dyn RowSource,
    transform: Transform<'_>,
    ridge: f64,
    run: &Run<'_>,
) -> Result<Vec<f64>> {
    let d = source.shape().columns;
    require_square_fits(d)?;
    let pass = StretchQr { chunks: Chunks { transform, columns: d } };
    let mut stack = sweep(source, &pass, &mut [], run)?.rows;
    if ridge > 0.0 {
        let root = ridge.sqrt();
        stack.extend((0..d * d).map(|k| if k / d == k % d { root } else { 0.0 }));
    }
    Ok(linalg::triangular_factor(&stack, d))
}

struct StretchQr<'a> {
    chunks: Chunks<'a>,
}

/// A factor of a unit of rows, for another process.
pub(crate) fn answer_stretch_qr(mut unit: Unit<'_>) -> Result<Vec<u8>> {
    let transform = OwnTransform::read(&mut unit.from)?;
    let chunks = Chunks { transform: transform.lent(), columns: unit.columns };
    unit.answer(&StretchQr { chunks })
}

impl Portable<Stack> for StretchQr<'_> {
    fn name(&self) -> &'static str {
        "stretch qr"
    }
    fn write(&self, rows: Range<usize>, to: &mut Writer) {
        self.chunks.transform.write(rows, to);
    }
    fn pack(&self, acc: &Stack, to: &mut Writer) {
        to.numbers(&acc.rows);
    }
    fn unpack(&self, from: &mut Reader<'_>) -> Result<Stack> {
        let rows = from.numbers()?;
        match rows.len().is_multiple_of(self.chunks.columns) {
            true => Ok(Stack { rows }),
            false => Err(other(format!("found {} numbers for rows of {}", rows.len(), self.chunks.columns))),
        }
    }
}

/// Rows whose triangular factor is still to be taken: the last factor (as rows of R), then new rows.
struct Stack {
    rows: Vec<f64>,
}

impl StretchQr<'_> {
    /// Rows to gather before a factorisation pays: thrice d, one of them the last factor.
    fn limit(&self) -> usize {
        3 * self.chunks.columns * self.chunks.columns.max(64)
    }

    fn compress(&self, stack: &mut Stack) {
        let d = self.chunks.columns;
        stack.rows = linalg::triangular_factor(&stack.rows, d); // columns of L are rows of R = Lᵀ
    }
}

impl Pass for StretchQr<'_> {
    type Acc = Stack;
    fn zero(&self) -> Stack {
        Stack { rows: Vec::new() }
    }
    fn add(&self, stack: &mut Stack, rows: &Rows<'_>, _out: &mut [f64]) -> Result<()> {
        self.chunks.each(rows, |_, values| {
            stack.rows.extend_from_slice(values);
            if stack.rows.len() > self.limit() {
                self.compress(stack);
            }
        });
        Ok(())
    }
    fn merge(&self, mut left: Stack, right: Stack) -> Stack {
        left.rows.extend_from_slice(&right.rows);
        if left.rows.len() > self.limit() {
            self.compress(&mut left);
        }
        left
    }
    fn stretches(&self, shape: &Shape, blocks: usize) -> usize {
        blocks.min(16).min(shape.rows / (4 * shape.columns)).max(1)
    }
    fn portable(&self) -> Option<&dyn Portable<Stack>> {
        Some(self)
    }
}

/// The space spanned by the rows, when the columns are dependent: r of the columns, and the factor of those.
pub(crate) struct RowSpace {
    columns: Vec<usize>,
    scale: Vec<f64>,
    /// Columns that were left out, each with the inverse of its norm; those that are zero are not among them.
    dropped: Vec<(usize, f64)>,
    l: Vec<f64>,
    condition: f64,
}

impl RowSpace {
    /// From L with LLᵀ = AᵀA (by [`orthogonal_factor`]): columns scaled to unit norm, then column-pivoted QR; the rank is
    /// the number of pivots above 2dε of the first. A column whose remainder is smaller is rounding.
    pub fn of_factor(l: &[f64], d: usize) -> RowSpace {
        let mut scaled = l.to_vec();
        let mut scale = vec![0.0; d];
        for i in 0..d {
            let norm = (0..d).map(|j| l[i + j * d] * l[i + j * d]).sum::<f64>().sqrt();
            scale[i] = if norm > 0.0 { 1.0 / norm } else { 0.0 };
            (0..d).for_each(|j| scaled[i + j * d] *= scale[i]);
        }
        let (pivoted, order) = linalg::pivoted_triangular_factor(&scaled, d);
        let tolerance = rank_tolerance(d) * pivoted[0];
        let rank = (0..d).take_while(|&k| pivoted[k + k * d] > tolerance).count();
        let leading = (0..rank * rank).map(|k| pivoted[k % rank + (k / rank) * d]).collect::<Vec<_>>();
        let columns = order[..rank].to_vec();
        let dropped = order[rank..].iter().map(|&j| (j, scale[j])).filter(|(_, s)| *s > 0.0).collect();
        let scale = columns.iter().map(|&j| scale[j]).collect();
        let condition = if rank > 0 { pivoted[0] / pivoted[(rank - 1) * (d + 1)] } else { 1.0 };
        RowSpace { columns, scale, dropped, l: leading, condition }
    }

    pub fn rank(&self) -> usize {
        self.columns.len()
    }

    /// What another process needs to project rows.
    pub fn write(&self, to: &mut Writer) {
        to.words(&self.columns);
        [&self.scale, &self.l].into_iter().for_each(|values| to.numbers(values));
        to.numbers(&[self.condition]);
    }

    /// What was written, without the columns that were left out.
    pub fn read(from: &mut Reader<'_>) -> Result<RowSpace> {
        let (columns, scale, l, condition) = (from.words()?, from.numbers()?, from.numbers()?, from.numbers()?);
        match (scale.len() == columns.len() && l.len() == columns.len().pow(2), condition.as_slice()) {
            (true, &[condition]) => Ok(RowSpace { columns, scale, dropped: Vec::new(), l, condition }),
            _ => Err(other("found no space of rows".into())),
        }
    }

    /// |R₁₁| / |R_rr|: a lower estimate of the condition within the row space.
    pub fn condition(&self) -> f64 {
        self.condition
    }

    /// The r×d matrix K, column-major, with which Ka of the rows a has orthonormal columns, and log |det K| on the chosen
    /// columns.
    pub fn whitening(&self, d: usize) -> (Vec<f64>, f64) {
        let r = self.rank();
        let inverse = linalg::invert_lower(&self.l, r);
        let mut k = vec![0.0; r * d];
        for (p, (&j, s)) in self.columns.iter().zip(&self.scale).enumerate() {
            let column = &inverse[p * r..(p + 1) * r];
            k[j * r..(j + 1) * r].iter_mut().zip(column).for_each(|(k, c)| *k = s * c);
        }
        let log_det = (0..r).map(|p| self.scale[p].ln() - self.l[p + p * r].ln()).sum();
        (k, log_det)
    }

    /// ‖L₁₁⁻¹ aᵢ‖² on the chosen columns, for row-major rows.
    pub fn scores_into(&self, rows: &[f64], d: usize, out: &mut [f64]) {
        match self.rank() {
            0 => out.fill(0.0),
            r => linalg::row_norms_squared(&self.whitened(rows, d), r, out),
        }
    }

    /// The rows' chosen columns, whitened: orthonormal columns up to the backward error of the factor.
    fn whitened(&self, rows: &[f64], d: usize) -> Vec<f64> {
        let r = self.rank();
        let mut chosen = Vec::with_capacity(rows.len() / d * r);
        for row in rows.chunks_exact(d) {
            chosen.extend(self.columns.iter().zip(&self.scale).map(|(&j, s)| row[j] * s));
        }
        linalg::solve_lower_rows(&self.l, r, &mut chosen);
        chosen
    }

    /// Whether the columns that were left out depend on the others exactly, as far as doubled precision tells: each row of
    /// a combination of them is one of the others, to the rounding of that row.
    ///
    /// # Cost
    /// A few sweeps of products of A with a vector, in doubled precision.
    pub fn holds_dropped(&self, source: &dyn RowSource, transform: Transform<'_>, run: &Run<'_>) -> Result<bool> {
        /// Rounding of doubled numbers, with room for the length of sums.
        const ROUNDING: f64 = 1e-27;
        const MOST_SWEEPS: usize = 12;
        if self.dropped.is_empty() {
            return Ok(true);
        }
        // If a combination with coefficients that nobody chose is dependent, then each column is.
        let given = |k: usize| 0.5 + (0.618_033_988_749_895 * (k + 1) as f64).fract();
        let given = self.dropped.iter().enumerate().map(|(k, (j, s))| (*j, given(k) * s)).collect();
        let mut coefficients = vec![Doubled::default(); self.rank()];
        let columns = source.shape().columns;
        let mut before = f64::INFINITY;
        for _ in 0..MOST_SWEEPS {
            let pass = Remainder { space: self, given: &given, coefficients: &coefficients, transform, columns };
            let found = sweep(source, &pass, &mut [], run)?;
            if found.largest <= ROUNDING {
                return Ok(true);
            }
            if !found.largest.is_finite() || found.largest > 0.5 * before {
                return Ok(false);
            }
            before = found.largest;
            let scaled: Vec<f64> = found.projected.iter().zip(&self.scale).map(|(p, s)| p * s).collect();
            let step = linalg::cholesky_solve(&self.l, &scaled);
            for ((c, h), s) in coefficients.iter_mut().zip(&step).zip(&self.scale) {
                *c += Doubled::from(h * s);
            }
        }
        Ok(false)
    }

    /// The same space with L₁₁·L₂, L₂ the factor of the Gram matrix of the whitened rows: takes out the backward error of
    /// the orthogonal factor (on mbeacxc, errors of 4·10⁻¹¹ become 5·10⁻¹³).
    ///
    /// # Cost
    /// One sweep, 2nr² flops.
    pub fn corrected(mut self, source: &dyn RowSource, transform: Transform<'_>, run: &Run<'_>) -> Result<RowSpace> {
        let r = self.rank();
        if r == 0 {
            return Ok(self);
        }
        let chunks = Chunks { transform, columns: source.shape().columns };
        let mut gram = sweep(source, &SpaceGram { chunks, space: &self }, &mut [], run)?;
        if linalg::cholesky_in_place(&mut gram, r) {
            let mut product = vec![0.0; r * r];
            linalg::add_product(&self.l, &gram, r, r, r, &mut product);
            self.l = product;
        }
        Ok(self)
    }
}

/// Pivots below this share of the first are rounding. Seen: up to 0.15·dε (mbeacxc, d = 490).
pub(super) fn rank_tolerance(d: usize) -> f64 {
    2.0 * d as f64 * f64::EPSILON
}

/// What a combination of dropped columns leaves when one of the chosen columns is taken away: by rows relative to their own
/// terms, and projected on the chosen columns.
struct Remainder<'a> {
    space: &'a RowSpace,
    /// Dropped columns and their coefficients.
    given: &'a Vec<(usize, f64)>,
    /// Those of the chosen columns.
    coefficients: &'a [Doubled],
    transform: Transform<'a>,
    /// The number d of columns.
    columns: usize,
}

struct Left {
    projected: Vec<f64>,
    largest: f64,
}

impl Pass for Remainder<'_> {
    type Acc = Left;
    fn zero(&self) -> Left {
        Left { projected: vec![0.0; self.space.rank()], largest: 0.0 }
    }
    fn add(&self, acc: &mut Left, rows: &Rows<'_>, _out: &mut [f64]) -> Result<()> {
        let d = self.columns;
        let entry = |row: &[f64], j: usize| {
            let mut value = Doubled::from(row[j]);
            value -= Doubled::from(self.transform.shift.map_or(0.0, |shift| shift[j]));
            value
        };
        // Coefficients of columns of unit norm are of one size: a small one may be the rounding of the others.
        let scaled = self.coefficients.iter().zip(&self.space.scale).map(|(c, s)| (c.high / s).abs());
        let most = scaled.fold(1.0, f64::max);
        let mut row = vec![0.0; d];
        for i in 0..rows.block.rows() {
            rows.block.densify_into(i..i + 1, &mut row);
            let (mut left, mut size) = (Doubled::default(), 0.0);
            for (j, g) in self.given {
                let term = entry(&row, *j) * Doubled::from(*g);
                left += term;
                size += term.high.abs();
            }
            for ((j, c), s) in self.space.columns.iter().zip(self.coefficients).zip(&self.space.scale) {
                let value = entry(&row, *j);
                left -= value * *c;
                size += (value.high * most * s).abs();
            }
            if left.high != 0.0 {
                acc.largest = acc.largest.max(if size > 0.0 { left.high.abs() / size } else { f64::INFINITY });
            }
            let r = self.transform.row_scale.map_or(1.0, |r| r[rows.start + i]);
            let weight = r * r * left.high;
            for (p, j) in acc.projected.iter_mut().zip(&self.space.columns) {
                *p += weight * entry(&row, *j).high;
            }
        }
        Ok(())
    }
    fn merge(&self, left: Left, right: Left) -> Left {
        Left { projected: merged(left.projected, right.projected), largest: left.largest.max(right.largest) }
    }
}

struct SpaceGram<'a> {
    chunks: Chunks<'a>,
    space: &'a RowSpace,
}

/// Its Gram matrix of a unit of rows, for another process.
pub(crate) fn answer_space_gram(mut unit: Unit<'_>) -> Result<Vec<u8>> {
    let (transform, space) = (OwnTransform::read(&mut unit.from)?, RowSpace::read(&mut unit.from)?);
    let chunks = Chunks { transform: transform.lent(), columns: unit.columns };
    unit.answer(&SpaceGram { chunks, space: &space })
}

impl Portable<Vec<f64>> for SpaceGram<'_> {
    fn name(&self) -> &'static str {
        "space gram"
    }
    fn write(&self, rows: Range<usize>, to: &mut Writer) {
        self.chunks.transform.write(rows, to);
        self.space.write(to);
    }
    packs_numbers!();
}

impl Pass for SpaceGram<'_> {
    type Acc = Vec<f64>;
    fn zero(&self) -> Vec<f64> {
        vec![0.0; self.space.rank() * self.space.rank()]
    }
    fn add(&self, gram: &mut Vec<f64>, rows: &Rows<'_>, _out: &mut [f64]) -> Result<()> {
        self.chunks.each(rows, |_, values| {
            let u = self.space.whitened(values, self.chunks.columns);
            linalg::add_gram(&u, &u, self.space.rank(), gram);
        });
        Ok(())
    }
    fn merge(&self, left: Vec<f64>, right: Vec<f64>) -> Vec<f64> {
        merged(left, right)
    }
    fn stretches(&self, shape: &Shape, blocks: usize) -> usize {
        gram_stretches(&Shape { stored: shape.rows * shape.columns, ..*shape }, blocks)
    }
    fn portable(&self) -> Option<&dyn Portable<Vec<f64>>> {
        Some(self)
    }
}
