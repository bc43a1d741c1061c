//! The lift: leverage scores are linear in (M⁻¹, xxᵀ, x) once squared slacks are multiplied out, so one linear solve
//! returns x with no start and no signs.

use super::lifted_system::{LiftedSolution, LiftedSystem, unknowns};
use super::release::Release;
use crate::error::{ErrorKind, Result};
use crate::gram::Factor;
use crate::leverage::{LeastSquares, least_squares};
use crate::linalg::{self, norm};
use crate::random::uniform_rows_into;
use crate::rows::RowSource;
use crate::run::{Event, Run};

/// What the lift did and how well its answer agrees with itself.
#[derive(Clone, Debug, PartialEq)]
pub struct LiftReport {
    /// x of the last solve, before any polish.
    pub x: Vec<f64>,
    /// Lifted equations: released rows drawn by leverage.
    pub rows: usize,
    /// d² + 2d.
    pub unknowns: usize,
    /// Linear solves: one, and six more with weights where the scores are noisy.
    pub solves: usize,
    /// "normal equations" or "orthogonal".
    pub solver: &'static str,
    /// ‖Cz − r‖/‖r‖ of the first, unweighted solve: rounding for exact scores.
    pub residual: f64,
    /// ‖X − yyᵀ‖/‖yyᵀ‖ in the coordinates of the lift (whitened rows, y = x minus the least-squares fit of b): a free
    /// check, because nothing in the equations ties X to y. None where X is not unique.
    pub product_defect: Option<f64>,
    /// Whether the equations determine x: no x far away can then have the same scores.
    pub determined: bool,
}

/// What a lift found.
pub(super) struct Lifted {
    /// One x a solve, the last one last.
    pub points: Vec<Vec<f64>>,
    pub report: LiftReport,
    /// A direction of x that the lifted equations leave free.
    pub free_direction: Option<Vec<f64>>,
}

/// Lifted equations for each unknown: exactly as many as unknowns lose two to three digits.
const ROWS_PER_UNKNOWN: f64 = 1.5;
/// With noise more rows average it: as many as these flops allow for all solves (a few seconds).
const NOISY_FLOPS: f64 = 1e11;
/// Weighted solves after the first, unweighted one.
const WEIGHTED_SOLVES: usize = 6;
/// The slack in the weights is floored at 0.3/2ᵏ of its median: no row may dominate before x is known that well.
const SLACK_FLOOR: f64 = 0.3;
/// A relative residual of the first solve above this is noise, not rounding.
const ROUNDING_RESIDUAL: f64 = 1e-11;
/// Memory for the Gram matrix of a lift: d = 100 takes 0.83 GB, d = 106 is the largest.
const GRAM_BYTES_LIMIT: u64 = 1 << 30;

/// Whether a lift of d columns fits in memory; the error says what it would take.
pub(super) fn require_lift_fits(d: usize) -> Result<()> {
    let bytes = 8 * (unknowns(d) as u64).pow(2);
    if bytes > GRAM_BYTES_LIMIT {
        let what = format!("the lifted system of {d} columns ({} unknowns)", unknowns(d));
        return Err(ErrorKind::TooLarge { what, bytes, limit: GRAM_BYTES_LIMIT }.into());
    }
    Ok(())
}

/// Coordinates in which rows are white and b is orthogonal to the columns: x = x₀ + β√n L⁻ᵀy, x₀ the least-squares fit.
///
/// Neither the equations' solution nor its conditioning then depends on the units of A and b, or on how large Ax is
/// beside the slack.
pub(super) struct Coordinates {
    /// L with AᵀA = LLᵀ.
    pub factor: Factor,
    /// x₀.
    pub fit: Vec<f64>,
    /// b − Ax₀.
    pub rest: Vec<f64>,
    /// β, the root mean square of the rest.
    pub unit: f64,
    /// Whether b − Ax₀ is rounding.
    pub offset_in_range: bool,
}

impl Coordinates {
    /// # Errors
    /// [`ErrorKind::RankDeficient`], [`ErrorKind::NotFinite`].
    pub fn of(source: &dyn RowSource, offset: &[f64], run: &Run<'_>) -> Result<Coordinates> {
        let LeastSquares { factor, x, residual, exact } = least_squares(source, offset, run)?;
        let unit = norm(&residual) / (offset.len() as f64).sqrt();
        Ok(Coordinates { factor, fit: x, rest: residual, unit, offset_in_range: exact })
    }

    /// x of y.
    pub fn point(&self, y: &[f64]) -> Vec<f64> {
        self.fit.iter().zip(self.direction(y)).map(|(x, h)| x + h).collect()
    }

    /// x − x₀ of y.
    pub fn direction(&self, y: &[f64]) -> Vec<f64> {
        let scale = self.scale();
        self.factor.half_solve_transposed(y).iter().map(|h| scale * h).collect()
    }

    fn scale(&self) -> f64 {
        (self.rest.len() as f64).sqrt() * if self.offset_in_range { 1.0 } else { self.unit }
    }

    /// √n L⁻¹aᵢ of the gathered rows.
    pub fn whiten(&self, rows: &mut [f64]) {
        linalg::solve_lower_rows(self.factor.lower(), self.factor.dim(), rows);
        let root = (self.rest.len() as f64).sqrt();
        rows.iter_mut().for_each(|a| *a *= root);
    }

    /// ‖L⁻¹aᵢ‖² of the named rows: hat values of A.
    fn hat_values(&self, source: &dyn RowSource, rows: &[usize]) -> Result<Vec<f64>> {
        const BATCH: usize = 4096;
        let d = self.factor.dim();
        let mut hat = vec![0.0; rows.len()];
        for (rows, hat) in rows.chunks(BATCH).zip(hat.chunks_mut(BATCH)) {
            let mut values = source.gather(rows)?;
            linalg::solve_lower_rows(self.factor.lower(), d, &mut values);
            linalg::row_norms_squared(&values, d, hat);
        }
        Ok(hat)
    }
}

/// Solves the lifted equations for x.
///
/// aᵢᵀN aᵢ − σᵢ aᵢᵀX aᵢ + 2σᵢbᵢ aᵢᵀx = σᵢbᵢ²,  N = M⁻¹, X = xxᵀ
///
/// Noisy scores (a known ν, or a residual above rounding) are solved again with rows weighted by 1/sᵢ², the inverse of
/// their error; on exact scores the weights would only ruin the conditioning.
///
/// # Cost
/// m·D² + D³/3 flops a solve and 8D² bytes, D = d² + 2d, m = 1.5 D.
/// # Randomness
/// Rows are drawn without replacement, by hat value, keyed by (seed, row) (EfraimidisSpirakis2006).
/// # Errors
/// [`ErrorKind::TooLarge`] beyond d = 106; [`ErrorKind::Option`] for fewer than D released rows.
pub(super) fn lift(
    source: &dyn RowSource,
    release: &Release,
    coordinates: &Coordinates,
    seed: u64,
    run: &Run<'_>,
) -> Result<Lifted> {
    let d = source.shape().columns;
    require_lift_fits(d)?;
    let needed = unknowns(d);
    if release.rows.len() < needed {
        return Err(super::release::option(
            "method",
            format!("the lift needs d² + 2d = {needed} released rows, found {}", release.rows.len()),
        ));
    }
    run.tell(Event::Phase("lifting"));
    let wanted = rows_wanted(needed, release.noise > 0.0);
    let mut equations = Equations::draw(source, release, coordinates, wanted, seed)?;
    let first = equations.system().solve(run)?;
    let mut report = LiftReport {
        x: Vec::new(),
        rows: equations.offset.len(),
        unknowns: needed,
        solves: 1,
        solver: first.solver,
        residual: first.residual,
        product_defect: None,
        determined: false,
    };
    let noisy = release.noise > 0.0 || first.residual > ROUNDING_RESIDUAL;
    let mut y = equations.point(&first);
    let mut points = vec![coordinates.point(&y)];
    let mut last = first;
    if noisy && !coordinates.offset_in_range {
        if release.noise == 0.0 {
            equations = Equations::draw(source, release, coordinates, rows_wanted(needed, true), seed)?;
            report.rows = equations.offset.len();
        }
        for k in 1..=WEIGHTED_SOLVES {
            equations.reweight(&y, SLACK_FLOOR / 2f64.powi(k as i32));
            last = equations.system().solve(run)?;
            y = equations.point(&last);
            points.push(coordinates.point(&y));
            report.solves += 1;
        }
    }
    let x_is_unique = last.solver == "normal equations" || last.free.is_empty();
    report.product_defect =
        (x_is_unique && last.solver == "normal equations").then(|| equations.product_defect(&last, &y));
    report.determined = x_is_unique && !coordinates.offset_in_range;
    report.x = coordinates.point(&y);
    let free_direction = last.free.first().map(|y| coordinates.direction(y));
    Ok(Lifted { points, report, free_direction })
}

fn rows_wanted(unknowns: usize, noisy: bool) -> usize {
    let least = (ROWS_PER_UNKNOWN * unknowns as f64).ceil();
    let affordable = NOISY_FLOPS / ((WEIGHTED_SOLVES + 1) as f64 * (unknowns as f64).powi(2));
    if noisy { least.max(affordable) as usize } else { least as usize }
}

/// The drawn rows in the coordinates of the lift.
struct Equations {
    rows: Vec<f64>,
    offset: Vec<f64>,
    scores: Vec<f64>,
    weight: Vec<f64>,
    dim: usize,
    homogeneous: bool,
}

impl Equations {
    fn draw(
        source: &dyn RowSource,
        release: &Release,
        coordinates: &Coordinates,
        wanted: usize,
        seed: u64,
    ) -> Result<Equations> {
        let chosen = if release.rows.len() <= wanted {
            release.rows.clone()
        } else {
            let hat = coordinates.hat_values(source, &release.rows)?;
            draw_by_weight(&release.rows, &hat, wanted, release.target.len(), seed)
        };
        let mut rows = source.gather(&chosen)?;
        coordinates.whiten(&mut rows);
        let homogeneous = coordinates.offset_in_range;
        let offset = |&i: &usize| if homogeneous { 0.0 } else { coordinates.rest[i] / coordinates.unit };
        Ok(Equations {
            rows,
            offset: chosen.iter().map(offset).collect(),
            scores: chosen.iter().map(|&i| release.target[i]).collect(),
            weight: vec![1.0; chosen.len()],
            dim: source.shape().columns,
            homogeneous,
        })
    }

    fn system(&self) -> LiftedSystem<'_> {
        LiftedSystem {
            rows: &self.rows,
            offset: &self.offset,
            scores: &self.scores,
            weight: &self.weight,
            dim: self.dim,
            homogeneous: self.homogeneous,
        }
    }

    /// y: read off, or for homogeneous equations the leading eigenvector of X.
    fn point(&self, solution: &LiftedSolution) -> Vec<f64> {
        let d = self.dim;
        if !self.homogeneous {
            return solution.unknowns[d * (d + 1)..].to_vec();
        }
        let x = self.system().product_matrix(&solution.unknowns);
        match linalg::symmetric_eigen(&x, d) {
            Some((values, vectors)) => {
                let length = values[d - 1].abs().sqrt();
                vectors[(d - 1) * d..].iter().map(|v| length * v).collect()
            }
            None => vec![1.0; d],
        }
    }

    /// ω = 1/s², the slack floored at a share of its median.
    fn reweight(&mut self, y: &[f64], floor: f64) {
        let mut slack = vec![0.0; self.offset.len()];
        linalg::rows_times_vector(&self.rows, self.dim, y, &mut slack);
        slack.iter_mut().zip(&self.offset).for_each(|(s, b)| *s = (*s - b).abs());
        let mut sorted = slack.clone();
        sorted.sort_by(f64::total_cmp);
        let least = floor * sorted[sorted.len() / 2];
        self.weight.iter_mut().zip(&slack).for_each(|(w, s)| *w = 1.0 / s.max(least).powi(2));
    }

    /// ‖X − yyᵀ‖/‖yyᵀ‖ in the Frobenius norm.
    fn product_defect(&self, solution: &LiftedSolution, y: &[f64]) -> f64 {
        let mut x = self.system().product_matrix(&solution.unknowns);
        let d = self.dim;
        (0..d * d).for_each(|k| x[k] -= y[k % d] * y[k / d]);
        norm(&x) / linalg::dot(y, y)
    }
}

/// `wanted` rows without replacement, more likely the larger their weight: the smallest of the exponential times
/// −ln(1 − uᵢ)/wᵢ.
fn draw_by_weight(rows: &[usize], weight: &[f64], wanted: usize, n: usize, seed: u64) -> Vec<usize> {
    const STREAM: u64 = 0x11F7; // apart from the streams of other draws under one seed
    let mut uniform = vec![0.0; n];
    uniform_rows_into(seed, STREAM, 0, &mut uniform);
    let time = |k: usize| -(-uniform[rows[k]]).ln_1p() / weight[k];
    let mut order: Vec<(f64, usize)> = (0..rows.len()).map(|k| (time(k), rows[k])).collect();
    order.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let mut chosen: Vec<usize> = order[..wanted].iter().map(|(_, row)| *row).collect();
    chosen.sort_unstable();
    chosen
}
