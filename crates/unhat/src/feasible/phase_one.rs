//! A point inside a cell by Newton on the largest margin t, with Ax − b ≥ t‖aᵢ‖; a linear program proves there is none.

use super::exact;
use super::linear_program::{LinearProgram, Optimum};
use crate::barrier::slack_at;
use crate::error::{ErrorKind, Result};
use crate::gram::{Factor, add_weighted_gram, gram_stretches, merged};
use crate::linalg;
use crate::rows::{
    Extent, Pass, RowSource, Rows, ScaledRows, Shape, column_exponents, is_plain, product, row_exponents, row_norms,
    sweep, with_scratch,
};
use crate::run::Run;
use num_bigint::{BigInt, Sign};

/// A point strictly inside the cell {ςᵢ(aᵢx − bᵢ) > 0}, and what it cost in evaluations.
///
/// Newton on −w·t − Σ log(ςᵢ(aᵢx − bᵢ) − t‖aᵢ‖) − log(1 − t) from x = 0, w growing eightfold whenever the decrement is
/// below 1; it ends as soon as t > 0. Five or six Gram matrices are the rule. Where t stays at or below 0, a linear
/// program decides between a point, an empty cell and one without interior; what it says of the latter two is checked in
/// exact arithmetic.
///
/// # Cost
/// Half an evaluation a step.
/// # Errors
/// [`ErrorKind::Empty`] with the rows of a Farkas certificate; [`ErrorKind::NoInterior`] with the implicit equalities;
/// [`ErrorKind::Undecided`] where neither a point nor a proof was found.
pub fn interior_point(
    source: &dyn RowSource,
    offset: &[f64],
    positive: &[bool],
    run: &Run<'_>,
) -> Result<(Vec<f64>, f64)> {
    let margin = Margin::new(source, offset, positive, run)?;
    let Some((rows, columns)) = margin.powers(run)? else { return margin.decide(&margin, None, run) };
    let scaled = ScaledRows::new(source, Some(rows.clone()), columns.clone());
    let offset: Vec<f64> = offset.iter().zip(&rows).map(|(b, e)| libm::ldexp(*b, *e)).collect();
    let inner = Margin::new(&scaled, &offset, positive, run)?;
    margin.decide(&inner, Some((&rows, &columns)), run)
}

/// Newton steps before the linear program takes over.
const MAX_STEPS: usize = 40;

/// eᵢ and cⱼ of the powers of two of rows and columns.
type Powers<'a> = (&'a [i32], &'a [i32]);

/// What a linear program says of a row: y for the row at unit length, and y = value·2^power for the row itself.
struct Multiplier {
    row: usize,
    unit: f64,
    value: f64,
    power: i32,
}

struct Margin<'a> {
    source: &'a dyn RowSource,
    offset: &'a [f64],
    positive: &'a [bool],
    norms: Vec<f64>,
}

/// Where the barrier of the margin leads.
enum Reached {
    /// A point inside, and what it took in units of one evaluation.
    Inside(Vec<f64>, f64),
    /// No point is inside; multipliers of the rows scaled to unit norm that may prove it.
    Hopeless(Vec<f64>),
    /// Newton cannot decide.
    Neither,
}

impl<'a> Margin<'a> {
    fn new(source: &'a dyn RowSource, offset: &'a [f64], positive: &'a [bool], run: &Run<'_>) -> Result<Self> {
        let norms = row_norms(source, run)?;
        if norms.iter().any(|v| !v.is_finite()) {
            crate::rows::require_finite(source, "matrix")?;
        }
        let margin = Margin { source, offset, positive, norms };
        // A row of zeros reads 0 > b: true or false whatever x is.
        let impossible = |i: &usize| margin.norms[*i] == 0.0 && -offset[*i] * margin.sign(*i) <= 0.0;
        match (0..offset.len()).find(impossible) {
            None => Ok(margin),
            Some(row) => {
                let gap = offset[row].abs();
                Err(ErrorKind::Empty { rows: vec![row], multipliers: vec![1.0], gap }.into())
            }
        }
    }

    /// Exponents eᵢ, cⱼ of powers of two that bring the rows, the columns and the distances to about 1; None where their
    /// squares fit as they are: the rule. A row and its offset take the same power.
    fn powers(&self, run: &Run<'_>) -> Result<Option<(Vec<i32>, Vec<i32>)>> {
        let distances = self.offset.iter().zip(&self.norms).filter(|(_, v)| **v > 0.0).map(|(b, v)| (b / v).abs());
        let extent = Extent::of(self.source, None, run)?;
        if is_plain(distances.fold(0.0, f64::max))
            && self.norms.iter().chain(&extent.columns).all(|v| is_plain(*v) || !v.is_finite())
        {
            return Ok(None);
        }
        let shape = self.source.shape();
        let minus = |e: Vec<Option<i32>>| -> Vec<i32> { e.into_iter().map(|e| -e.unwrap_or(0)).collect() };
        let rows = minus(row_exponents(self.source, &vec![0; shape.columns])?);
        let columns = minus(column_exponents(self.source, Some(&rows))?);
        let rows = minus(row_exponents(self.source, &columns)?);
        // x in units of the largest distance.
        let far = self.offset.iter().zip(&rows).filter(|(b, _)| **b != 0.0).map(|(b, e)| libm::ilogb(*b) + e).max();
        let unit = far.unwrap_or(0);
        Ok(Some((rows.iter().map(|e| e - unit).collect(), columns.iter().map(|c| c + unit).collect())))
    }

    /// A point in the cell, or a proof that there is none, from the computations on `work`: the same rows and columns
    /// times `powers` of two. Points and proofs are checked on the rows themselves.
    fn decide(&self, work: &Margin<'_>, powers: Option<Powers<'_>>, run: &Run<'_>) -> Result<(Vec<f64>, f64)> {
        let d = self.source.shape().columns;
        let outward = |x: &[f64]| -> Vec<f64> {
            let power = |j: usize| powers.map_or(0, |(_, columns)| columns[j]);
            x.iter().enumerate().map(|(j, x)| libm::ldexp(*x, power(j))).collect()
        };
        let inside = |x: &[f64]| -> Result<bool> {
            Ok(x.iter().all(|x| x.is_finite()) && self.signed_slack(x, run)?.iter().all(|s| *s > 0.0))
        };
        let reached = work.newton(run)?;
        if let Reached::Inside(x, passes) = &reached {
            let x = outward(x);
            if inside(&x)? {
                return Ok((x, *passes));
            }
        }
        let undecided = |reason: String| ErrorKind::Undecided { reason }.into();
        let optimum = match work.linear_program(run) {
            Err(error) if matches!(error.kind(), ErrorKind::Numerical { .. }) => {
                return Err(undecided(error.to_string()));
            }
            other => other?,
        };
        let x = outward(&optimum.z[..d]);
        if inside(&x)? {
            return Ok((x, MAX_STEPS as f64 / 2.0));
        }
        let multiplier = |(i, y): (usize, f64)| Multiplier {
            row: i,
            unit: y,
            value: y / work.norms[i],
            power: powers.map_or(0, |(rows, _)| rows[i]),
        };
        let positive = optimum.multipliers.iter().copied().filter(|(i, y)| *y > 0.0 && work.norms[*i] > 0.0);
        if let Some(proof) = self.farkas(&positive.map(multiplier).collect::<Vec<_>>(), run)? {
            return Err(proof.into()); // by few rows, as a rule
        }
        if let Reached::Hopeless(units) = reached {
            let all = units.into_iter().enumerate().filter(|(_, y)| *y > 0.0).map(multiplier);
            if let Some(proof) = self.farkas(&all.collect::<Vec<_>>(), run)? {
                return Err(proof.into());
            }
        }
        Err(undecided(format!(
            "the largest margin of a point is {:.1e} of the distances, which is within the rounding of a linear program",
            optimum.z[d]
        )))
    }

    fn sign(&self, row: usize) -> f64 {
        if self.positive[row] { 1.0 } else { -1.0 }
    }

    fn signed_slack(&self, x: &[f64], run: &Run<'_>) -> Result<Vec<f64>> {
        let mut slack = slack_at(self.source, self.offset, x, run)?;
        slack.iter_mut().enumerate().for_each(|(i, s)| *s *= self.sign(i));
        Ok(slack)
    }

    /// A strictly interior point, or multipliers that may prove that there is none.
    ///
    /// At a centre of the barrier Σᵢ ςᵢaᵢ/rᵢ = 0, r the slacks less the margin: 1/r are multipliers of a proof, none of them
    /// small. The linear program's lie at a corner, where rounding can take a small one below 0.
    fn newton(&self, run: &Run<'_>) -> Result<Reached> {
        /// Decrement at which a centre is near enough; rounding keeps it above about 1e-8.
        const CENTRED: f64 = 1e-6;
        let d = self.source.shape().columns;
        let n = self.offset.len() as f64;
        let mut x = vec![0.0; d];
        let mut slack = self.signed_slack(&x, run)?;
        let distances = || slack.iter().zip(&self.norms).filter(|(_, v)| **v > 0.0).map(|(s, v)| s / v);
        let lowest = distances().fold(f64::INFINITY, f64::min);
        let size = distances().map(f64::abs).fold(0.0, f64::max);
        let mut t = lowest - if size > 0.0 { 0.5 * size } else { 1.0 };
        let mut weight = n / t.abs();
        let mut hopeless = false;
        for step in 0..2 * MAX_STEPS {
            if step >= MAX_STEPS && !hopeless {
                break;
            }
            let r: Vec<f64> = slack.iter().zip(&self.norms).map(|(s, v)| s - t * v).collect();
            let Some(direction) = self.newton_direction(&r, t, weight, run)? else { return Ok(Reached::Neither) };
            let (dx, dt) = direction.split_at(d);
            let dt = dt[0];
            let mut change = product(self.source, dx, run)?;
            change.iter_mut().enumerate().for_each(|(i, q)| *q *= self.sign(i));
            let q: Vec<f64> = change.iter().zip(&self.norms).map(|(q, v)| q - dt * v).collect();
            let length = exact_line_search(&r, &q, 1.0 - t, -dt, weight * dt);
            let decrement = newton_decrement(&r, &q, 1.0 - t, -dt);
            x.iter_mut().zip(dx).for_each(|(x, h)| *x += length * h);
            t += length * dt;
            slack = self.signed_slack(&x, run)?;
            if slack.iter().all(|s| *s > 0.0) {
                return Ok(Reached::Inside(x, 0.5 * (step + 1) as f64));
            }
            if !t.is_finite() || t > 0.0 {
                return Ok(Reached::Neither);
            }
            if hopeless && decrement < CENTRED {
                let units = slack.iter().zip(&self.norms).map(|(s, v)| if *v > 0.0 { v / (s - t * v) } else { 0.0 });
                return Ok(Reached::Hopeless(units.collect()));
            }
            // The margin cannot become positive any more: what is left is to come to the centre.
            hopeless |= decrement < 1.0 && t + 2.0 * (n + 1.0) / weight < 0.0;
            if decrement < 1.0 && !hopeless {
                weight *= 8.0;
            }
        }
        Ok(Reached::Neither)
    }

    /// −H⁻¹∇ in (x, t), by the Schur complement of t.
    fn newton_direction(&self, r: &[f64], t: f64, weight: f64, run: &Run<'_>) -> Result<Option<Vec<f64>>> {
        let d = self.source.shape().columns;
        let signs = self.positive;
        let acc = sweep(self.source, &MarginPass { r, norms: &self.norms, positive: signs, columns: d }, &mut [], run)?;
        let Some(factor) = Factor::of_gram(acc.gram, d) else { return Ok(None) };
        let to_one = 1.0 - t;
        let curvature_t = acc.norm_square + 1.0 / (to_one * to_one);
        let gradient_t = -weight + acc.norm_sum + 1.0 / to_one;
        // H = [M, −m; −mᵀ, τ],  ∇ = (−e, γ).
        let along = factor.solve(&acc.mixed);
        let schur = curvature_t - linalg::dot(&acc.mixed, &along);
        let plain = factor.solve(&acc.slack_sum);
        let dt = (-gradient_t + linalg::dot(&acc.mixed, &plain)) / schur;
        if !(schur > 0.0 && dt.is_finite()) {
            return Ok(None);
        }
        Ok(Some(plain.iter().zip(&along).map(|(p, a)| p + dt * a).chain([dt]).collect()))
    }

    /// The linear program of the margin, rows scaled to unit norm: max t ≤ 1 with ςᵢ(aᵢx − bᵢ) ≥ t‖aᵢ‖.
    fn linear_program(&self, run: &Run<'_>) -> Result<Optimum> {
        let d = self.source.shape().columns;
        let mut objective = vec![0.0; d + 1];
        objective[d] = 1.0;
        let program = LinearProgram { objective: &objective, fixed: vec![(objective.clone(), 1.0)] };
        let constraint = |row: &[f64], i: usize| {
            let scale = if self.norms[i] > 0.0 { self.sign(i) / self.norms[i] } else { 0.0 };
            let coefficients = row.iter().map(|a| -a * scale).chain([f64::from(scale != 0.0)]).collect();
            (coefficients, -self.offset[i] * scale)
        };
        let violations = |z: &[f64]| {
            let slack = self.signed_slack(&z[..d], run)?;
            Ok(slack.iter().zip(&self.norms).map(|(s, v)| if *v > 0.0 { z[d] - s / v } else { 0.0 }).collect())
        };
        program.solve(self.source, &constraint, &violations, run)
    }

    /// What the multipliers of a linear program prove, once they are moved to where Σ yᵢςᵢaᵢ = 0 holds exactly.
    ///
    /// y ≥ 0, Σ yᵢςᵢaᵢ = 0: summed up, ςᵢ(aᵢx − bᵢ) > 0 says 0 > Σ yᵢςᵢbᵢ. A positive sum contradicts it for every x; a sum
    /// of zero leaves aᵢx = bᵢ alone, where yᵢ > 0.
    fn farkas(&self, multipliers: &[Multiplier], run: &Run<'_>) -> Result<Option<ErrorKind>> {
        /// Multipliers below this share are the program's rounding; where one of them matters, another share proves it.
        const SHARES: [f64; 5] = [1e-7, 1e-5, 1e-9, 1e-3, 1e-11];
        let d = self.source.shape().columns;
        let largest = multipliers.iter().fold(0.0, |most: f64, y| most.max(y.unit));
        let mut tried = Vec::new();
        for share in SHARES {
            let used: Vec<&Multiplier> = multipliers.iter().filter(|y| y.unit > share * largest).collect();
            if used.is_empty() || tried.contains(&used.len()) {
                continue;
            }
            tried.push(used.len());
            if used.len() > MOST_PROOF_ROWS {
                continue;
            }
            let rows: Vec<usize> = used.iter().map(|y| y.row).collect();
            let values = self.source.gather(&rows)?;
            // Row by row (aᵢ, bᵢ) = (whole numbers)·2^e; the multiplier of the whole numbers is yᵢ2^e.
            let (mut whole_rows, mut powers, mut near) = (Vec::new(), Vec::new(), Vec::new());
            for (y, values) in used.iter().zip(values.chunks_exact(d)) {
                let (sign, offset) = (self.sign(y.row), &self.offset[y.row]);
                let signed: Vec<f64> = values.iter().chain([offset]).map(|v| v * sign).collect();
                let (row, e) = exact::whole(&signed);
                whole_rows.push(row);
                powers.push(i64::from(e));
                near.push(exact::times_power(y.value, i64::from(e) + i64::from(y.power)));
            }
            let equation = |j: usize| whole_rows.iter().map(|row| row[j].clone()).collect();
            // A multiplier that was solved for may end below 0: then it keeps its value, and others are solved for.
            let mut kept = vec![false; near.len()];
            let mut positive = None;
            for _ in 0..PROOF_TRIES {
                let equations = (0..d).map(equation).collect();
                let Some(y) = exact::null_vector(equations, &near, &kept, run)? else { break };
                let negative: Vec<usize> = (0..y.len()).filter(|&k| y[k].sign() == Sign::Minus).collect();
                if negative.is_empty() {
                    positive = Some(y);
                    break;
                }
                negative.into_iter().for_each(|k| kept[k] = true);
            }
            let Some(y) = positive else { continue };
            let bounds: Vec<BigInt> = whole_rows.iter().map(|row| row[d].clone()).collect();
            let gap = exact::product(&bounds, &y);
            let kept = || (0..y.len()).filter(|&k| y[k].sign() == Sign::Plus);
            let proven = kept().map(|k| rows[k]).collect();
            match gap.sign() {
                Sign::Minus => continue,
                Sign::NoSign => return Ok(Some(ErrorKind::NoInterior { rows: proven })),
                Sign::Plus => {}
            }
            // As floats, scaled to Σ yᵢ‖aᵢ‖ = 1.
            let length = |k: usize| {
                let ((m, e), (norm, own)) = (exact::rounded(&y[k]), exact::split(self.norms[rows[k]]));
                (m * norm, e - powers[k] + own)
            };
            let top = kept().map(|k| length(k).1).max().unwrap_or(0);
            let total: f64 = kept().map(|k| exact::times_power(length(k).0, length(k).1 - top)).sum();
            let scaled = |(m, e): (f64, i64)| exact::times_power(m / total, e - top);
            let multipliers = kept().map(|k| (exact::rounded(&y[k]), powers[k])).map(|((m, e), p)| scaled((m, e - p)));
            let multipliers = multipliers.collect();
            return Ok(Some(ErrorKind::Empty { rows: proven, multipliers, gap: scaled(exact::rounded(&gap)) }));
        }
        Ok(None)
    }
}

/// Choices of what is solved for in one proof: klein1, whose proof is degenerate, takes a few.
const PROOF_TRIES: usize = 8;
/// Rows of one proof; a proof by more of them would take too long to check.
const MOST_PROOF_ROWS: usize = 2000;

/// The length in (0, 1] that minimises −slope·α − Σ log(rᵢ + αqᵢ) − log(u + αp): a scalar Newton iteration on slopes.
fn exact_line_search(r: &[f64], q: &[f64], u: f64, p: f64, slope: f64) -> f64 {
    let pairs = || r.iter().zip(q).map(|(r, q)| (*r, *q)).chain([(u, p)]);
    let cap = pairs().filter(|(_, q)| *q < 0.0).map(|(r, q)| -r / q).fold(f64::INFINITY, f64::min);
    let (mut low, mut high) = (0.0, (0.99 * cap).min(1e6));
    let mut alpha = 1f64.min(high);
    for _ in 0..60 {
        let (mut first, mut second) = (-slope, 0.0);
        for (r, q) in pairs() {
            let ratio = q / (r + alpha * q);
            first -= ratio;
            second += ratio * ratio;
        }
        if first > 0.0 {
            high = alpha
        } else {
            low = alpha
        }
        let next = alpha - first / second;
        let next = if next > low && next < high { next } else { 0.5 * (low + high) };
        if (next - alpha).abs() < 1e-3 * alpha {
            return next;
        }
        alpha = next;
    }
    alpha
}

/// √(dᵀHd) from the ratios along the step.
fn newton_decrement(r: &[f64], q: &[f64], u: f64, p: f64) -> f64 {
    (r.iter().zip(q).map(|(r, q)| (q / r) * (q / r)).sum::<f64>() + (p / u) * (p / u)).sqrt()
}

/// One Gram pass of phase I: M = Σ aaᵀ/r², m = Σ ς‖a‖a/r², e = Σ ςa/r, Σ‖a‖²/r², Σ‖a‖/r.
struct MarginPass<'a> {
    r: &'a [f64],
    norms: &'a [f64],
    positive: &'a [bool],
    columns: usize,
}

struct MarginAcc {
    gram: Vec<f64>,
    mixed: Vec<f64>,
    slack_sum: Vec<f64>,
    norm_square: f64,
    norm_sum: f64,
}

impl Pass for MarginPass<'_> {
    type Acc = MarginAcc;
    fn zero(&self) -> MarginAcc {
        let d = self.columns;
        MarginAcc {
            gram: vec![0.0; d * d],
            mixed: vec![0.0; d],
            slack_sum: vec![0.0; d],
            norm_square: 0.0,
            norm_sum: 0.0,
        }
    }
    fn add(&self, acc: &mut MarginAcc, rows: &Rows<'_>, _out: &mut [f64]) -> Result<()> {
        let range = rows.range();
        let (r, norms, positive) = (&self.r[range.clone()], &self.norms[range.clone()], &self.positive[range]);
        add_weighted_gram(&rows.block, self.columns, |i| 1.0 / (r[i] * r[i]), &mut acc.gram);
        with_scratch(r.len(), |u| {
            let sign = |i: usize| if positive[i] { 1.0 } else { -1.0 };
            (0..r.len()).for_each(|i| u[i] = sign(i) * norms[i] / (r[i] * r[i]));
            rows.block.apply_transpose_add(u, &mut acc.mixed);
            (0..r.len()).for_each(|i| u[i] = sign(i) / r[i]);
            rows.block.apply_transpose_add(u, &mut acc.slack_sum);
        });
        for (v, r) in norms.iter().zip(r) {
            acc.norm_square += (v / r) * (v / r);
            acc.norm_sum += v / r;
        }
        Ok(())
    }
    fn merge(&self, left: MarginAcc, right: MarginAcc) -> MarginAcc {
        MarginAcc {
            gram: merged(left.gram, right.gram),
            mixed: merged(left.mixed, right.mixed),
            slack_sum: merged(left.slack_sum, right.slack_sum),
            norm_square: left.norm_square + right.norm_square,
            norm_sum: left.norm_sum + right.norm_sum,
        }
    }
    fn stretches(&self, shape: &Shape, blocks: usize) -> usize {
        gram_stretches(shape, blocks)
    }
}
