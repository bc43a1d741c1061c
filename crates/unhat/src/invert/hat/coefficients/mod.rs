//! From the weights to the coefficients of a generalised linear model, and from there to the scores themselves.

mod model;
mod polish;
mod small;
mod starts;

pub use model::HatModel;

use super::answer::{HatInversion, HatStatus};
use super::inversion::{HatCheckpoint, invert_hat};
use super::options::HatOptions;
use super::point::Field;
use super::release::HatRelease;
use super::ridged::RidgedRows;
use crate::error::{ErrorKind, Result};
use crate::families::Shape;
use crate::linalg;
use crate::rows::RowSource;
use crate::run::{Event, Run};
use polish::ScoreMisfit;
use small::{Linearised, Problem, levenberg_marquardt};
use starts::{Sample, first_coefficients};

/// The recovered coefficients and everything known about them.
#[derive(Clone, Debug)]
pub struct HatCoefficients {
    /// How it ended: stalled where the misfit is above what the errors of the scores allow, as in a wrong well.
    pub status: HatStatus,
    /// β, one a column; None where the scores leave it open. Up to one sign for even laws (one of the two is given), up to one
    /// positive factor for powers (that of norm 1 is given).
    pub values: Vec<Option<f64>>,
    /// What is open, in words.
    pub open: Vec<String>,
    /// For scores with errors.
    pub standard_errors: Option<Vec<Option<f64>>>,
    /// Σ((σ − h)/ν)²/(n − p), p the number of directions that are determined; for exact scores ν is their rounding.
    pub misfit: f64,
    /// max |σ − h|.
    pub residual: f64,
    /// Fits that were polished.
    pub starts: usize,
    /// Things the caller should know.
    pub warnings: Vec<String>,
}

/// Rows that first coefficients are looked for from, at most.
const MOST_SAMPLED: usize = 3000;
/// Random directions of a search.
const DIRECTIONS: usize = 48;
/// Fits that are polished, the best first, until one is as good as the errors allow.
const MOST_POLISHED: usize = 8;
const POLISH_STEPS: u32 = 150;
const POLISH_TOLERANCE: f64 = 1e-13;
/// Exact scores are met to this by their coefficients; those of programs that stop iterating early are worse than rounding.
const EXACT_RESIDUAL: f64 = 1e-6;
/// Squares of normal errors add up to so many standard deviations above their mean.
const DEVIATIONS: f64 = 5.0;
/// A direction whose share of what it would do alone is below this is open.
const OPEN_SHARE: f64 = 1e-7;

/// Recovers weights and the coefficients of a generalised linear model from its hat values.
///
/// hᵢ = wᵢ aᵢᵀ(AᵀWA + λI)⁻¹aᵢ,  wᵢ = mᵢ·w(oᵢ + aᵢᵀβ)
///
/// The weights come first and without the model ([`invert_hat`]); then β from log w, which is linear, a power, or searched
/// for from many directions; then β by least squares on the scores. What the form of w leaves open is said:
/// a constant of the predictor where log w is linear, a positive factor where it is a power, a sign where it is even. With a
/// ridge λ of all columns, the intercept's too, the weights have no open factor: then only the sign is open.
///
/// # Shapes
/// `source` n×d of full rank; `target` n scores; trials and offsets of `model` n values.
/// # Cost
/// That of [`invert_hat`]; a search of a hundred fits of at most 3000 rows; then a few tens of sweeps of 2nd³ flops.
/// # Randomness
/// Directions of the search are keyed by the seed.
/// # Errors
/// Those of [`invert_hat`]; [`ErrorKind::RankDeficient`], [`ErrorKind::Option`] for trials and offsets.
/// # References
/// McCullaghNelder1989; BalanCasazzaEdidin2006.
pub fn invert_hat_of_model(
    source: &dyn RowSource,
    target: &[f64],
    model: &HatModel,
    (options, seed): (&HatOptions, u64),
    checkpoint: Option<HatCheckpoint<'_>>,
    run: &Run<'_>,
) -> Result<(HatInversion, Option<HatCoefficients>)> {
    let shape = source.shape();
    model.check(shape.rows)?;
    if options.ridge > 0.0 && model.theta_is_open() {
        let reason = "missing; beside a ridge it is needed";
        return Err(ErrorKind::Option { name: "theta".into(), reason: reason.into() }.into());
    }
    let weights = invert_hat(source, target, options, checkpoint, run)?;
    if weights.rank < shape.columns {
        return Err(ErrorKind::RankDeficient { rank: weights.rank, columns: shape.columns }.into());
    }
    // Scores that no weights have are no model's; what only did not converge is start enough.
    if matches!(weights.status, HatStatus::Impossible | HatStatus::Interrupted) {
        return Ok((weights, None));
    }
    run.tell(Event::Phase("looking for coefficients"));
    let release = HatRelease::of(source, target, &options.precision, run)?;
    let ridged = RidgedRows::new(source, options.ridge);
    let scored: &dyn RowSource = if options.ridge > 0.0 { &ridged } else { source };
    match coefficients((source, scored), &weights, &release, model, seed, run) {
        Ok(found) => Ok((weights, Some(found))),
        Err(error) if error.is_interrupted() => Ok((HatInversion { status: HatStatus::Interrupted, ..weights }, None)),
        Err(error) => Err(error),
    }
}

/// Standard deviations for the fit: those declared, or the rounding of exact scores.
fn deviations(release: &HatRelease) -> Vec<f64> {
    let rounding = |h: f64| 1e-15 + 4e-16 * h;
    release
        .given
        .iter()
        .zip(&release.deviation)
        .map(|(h, s)| if release.exact { rounding(*h) } else { s.max(rounding(*h)) })
        .collect()
}

/// `scored` are the rows whose scores were released: those of `source`, with a ridge its own rows after them.
fn coefficients(
    (source, scored): (&dyn RowSource, &dyn RowSource),
    weights: &HatInversion,
    release: &HatRelease,
    model: &HatModel,
    seed: u64,
    run: &Run<'_>,
) -> Result<HatCoefficients> {
    let ridge = scored.shape().rows > source.shape().rows;
    let on = |values: &[f64]| -> Vec<f64> {
        let more = scored.shape().rows - values.len();
        values.iter().copied().chain(std::iter::repeat_n(0.0, more)).collect()
    };
    let deviation = deviations(release);
    let open_everything = |why: &str| HatCoefficients {
        status: HatStatus::Stalled,
        values: vec![None; source.shape().columns],
        open: vec![why.to_string()],
        standard_errors: None,
        misfit: f64::NAN,
        residual: f64::NAN,
        starts: 0,
        warnings: Vec::new(),
    };
    if weights.components.is_empty() {
        return Ok(open_everything("every coefficient: all rows have score 1 or 0 whatever their weight"));
    }
    let sample = sample(source, weights, model, (&deviation, ridge))?;
    let constant = match model.theta_is_open() {
        true => Some(constant_of(&sample).ok_or_else(|| ErrorKind::Option {
            name: "theta".into(),
            reason: "missing; where the columns span no constant, it is needed".into(),
        })?),
        false => None,
    };
    let starts = first_coefficients(&sample, model, (seed, DIRECTIONS), run)?;
    run.tell(Event::Phase("fitting the scores"));
    let mut field = Field::new(scored, vec![true; scored.shape().rows], run)?;
    let freedom = (release.different - source.shape().columns as f64).max(1.0);
    let enough = if release.exact {
        f64::INFINITY // judged by the residual
    } else {
        1.0 + DEVIATIONS * (2.0 / freedom).sqrt()
    };
    let (given, deviation) = (on(&release.given), on(&deviation));
    let mut problem = ScoreMisfit::new(&mut field, model, (&given, &deviation), source.shape().rows);
    let mut best: Option<(Vec<f64>, f64)> = None;
    let mut tried = 0;
    for start in distinct(&starts).into_iter().take(MOST_POLISHED) {
        let Some(fit) = levenberg_marquardt(&mut problem, start.clone(), (POLISH_STEPS, POLISH_TOLERANCE))? else {
            continue;
        };
        tried += 1;
        if best.as_ref().is_none_or(|(_, square)| fit.square < *square) {
            best = Some((fit.x, fit.square));
        }
        if let Some((x, square)) = &best
            && square / freedom <= enough
            && (!release.exact || problem.largest(x)? <= EXACT_RESIDUAL)
        {
            break;
        }
    }
    let Some((mut beta, square)) = best else {
        return Ok(open_everything("every coefficient: no fit of the weights has predictors in the range of the link"));
    };
    let residual = problem.largest(&beta)?;
    let misfit = square / freedom;
    let good = if release.exact { residual <= EXACT_RESIDUAL } else { misfit <= enough };
    normalise(&mut beta, model, ridge);
    let Some(linear) = problem.linearised(&beta)? else {
        return Ok(open_everything("every coefficient: the fit ended out of the range of the link"));
    };
    let sizes = problem.direct_sizes(&beta)?;
    let openness = Openness::of(&linear, &sizes);
    let (mut values, mut open) = openness.told(&beta, model, ridge);
    if let Some(constant) = &constant {
        // Fitted with θ = 1: the constant of the predictor is known less log θ.
        let largest = constant.iter().fold(0.0, |a: f64, v| a.max(v.abs()));
        let size: f64 = constant.iter().map(|v| v * v).sum();
        let along = beta.iter().zip(constant).map(|(b, c)| b * c).sum::<f64>() / size;
        values.iter_mut().zip(constant).filter(|(_, c)| c.abs() > 1e-9 * largest).for_each(|(value, _)| *value = None);
        open.push(format!("theta and the constant of the predictor: constant - log(theta) = {along:.9}"));
    }
    let standard_errors = (!release.exact).then(|| {
        let errors = openness.errors.iter().zip(&values);
        errors.map(|(e, value)| value.map(|_| *e)).collect()
    });
    let mut warnings = Vec::new();
    if !good {
        warnings.push(match release.exact {
            true => format!("no coefficients have these hat values: the best fit misses one by {residual:.1e}"),
            false => format!(
                "the misfit is {misfit:.1} times what the errors of the hat values explain: another family, link or design, \
                 or a local minimum"
            ),
        });
    }
    Ok(HatCoefficients {
        status: if good { HatStatus::Solved } else { HatStatus::Stalled },
        values,
        open,
        standard_errors,
        misfit,
        residual,
        starts: tried,
        warnings,
    })
}

/// At most [`MOST_SAMPLED`] rows whose weight is known, spread over all.
/// With a ridge the constant of log w is known.
fn sample(
    source: &dyn RowSource,
    weights: &HatInversion,
    model: &HatModel,
    (deviation, ridge): (&[f64], bool),
) -> Result<Sample> {
    const LEAST_DEVIATION: f64 = 1e-9;
    let mut rows: Vec<(usize, usize)> = Vec::new();
    for (c, part) in weights.components.iter().enumerate() {
        rows.extend(part.rows.iter().map(|&i| (i, c)));
    }
    rows.sort_unstable();
    rows.retain(|(i, _)| weights.log_weights[*i].is_finite());
    let step = rows.len().div_ceil(MOST_SAMPLED).max(1);
    let rows: Vec<(usize, usize)> = rows.into_iter().step_by(step).collect();
    let own: Vec<f64> = rows
        .iter()
        .map(|&(i, _)| {
            let h = weights.target[i].clamp(1e-300, 1.0);
            (deviation[i] / (h * (1.0 - h)).max(1e-12)).max(LEAST_DEVIATION)
        })
        .collect();
    let mut sorted = own.clone();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.get(sorted.len() / 2).copied().unwrap_or(1.0);
    Ok(Sample {
        rows: source.gather(&rows.iter().map(|(i, _)| *i).collect::<Vec<_>>())?,
        d: source.shape().columns,
        log_weight: rows.iter().map(|&(i, _)| weights.log_weights[i] - model.log_constant(i)).collect(),
        deviation: own.iter().map(|s| s.hypot(middle)).collect(),
        offset: rows.iter().map(|&(i, _)| model.offset_of(i)).collect(),
        component: rows.iter().map(|(_, c)| *c).collect(),
        components: if ridge { 0 } else { weights.components.len() },
    })
}

/// v with Av = 1 on the sampled rows; None where there is none.
fn constant_of(sample: &Sample) -> Option<Vec<f64>> {
    let d = sample.d;
    let rows: Vec<f64> = sample.rows.chunks_exact(d).flat_map(|row| row.iter().copied().chain([1.0])).collect();
    let (lower, right) = linalg::least_squares_factor(&rows, d);
    let v = linalg::solve_lower_transposed(&lower, &right);
    let off = |row: &[f64]| (linalg::dot(row, &v) - 1.0).abs();
    sample.rows.chunks_exact(d).all(|row| off(row) < 1e-9).then_some(v)
}

/// Starts that are not the same to four digits, or the same but for the sign, as one before.
fn distinct(starts: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let near = |a: &[f64], b: &[f64], sign: f64| {
        let size = linalg::norm(a).max(linalg::norm(b));
        a.iter().zip(b).all(|(a, b)| (a - sign * b).abs() <= 1e-4 * size)
    };
    let mut kept: Vec<Vec<f64>> = Vec::new();
    for start in starts {
        if !kept.iter().any(|other| near(start, other, 1.0)) {
            kept.push(start.clone());
        }
    }
    kept
}

/// One of the answers that cannot be told apart: the largest coefficient positive, or norm 1.
fn normalise(beta: &mut [f64], model: &HatModel, ridge: bool) {
    let by = match model.law.shape() {
        Shape::Even if !model.has_offset() => {
            let largest = beta.iter().fold(0.0, |a: f64, b| if b.abs() > a.abs() { *b } else { a });
            if largest < 0.0 { -1.0 } else { 1.0 }
        }
        Shape::Power(_) if !ridge && !model.has_offset() => 1.0 / linalg::norm(beta).max(f64::MIN_POSITIVE),
        _ => 1.0,
    };
    beta.iter_mut().for_each(|b| *b *= by);
}

/// Directions of β that no score tells of, and the standard errors of the rest.
struct Openness {
    /// Orthonormal in units of what a coefficient does alone; each a direction of β.
    directions: Vec<Vec<f64>>,
    errors: Vec<f64>,
}

impl Openness {
    fn of(linear: &Linearised, sizes: &[f64]) -> Openness {
        let d = sizes.len();
        let size = |j: usize| if sizes[j] > 0.0 { sizes[j] } else { 1.0 };
        // S⁻¹RᵀRS⁻¹
        let mut scaled = linear.lower.clone();
        for column in scaled.chunks_exact_mut(d) {
            column.iter_mut().enumerate().for_each(|(j, l)| *l /= size(j));
        }
        let mut moment = vec![0.0; d * d];
        linalg::add_outer_product(&scaled, &scaled, d, 1.0, &mut moment);
        let Some((values, vectors)) = linalg::symmetric_eigen(&moment, d) else {
            return Openness { directions: Vec::new(), errors: vec![f64::INFINITY; d] };
        };
        let (mut directions, mut variance) = (Vec::new(), vec![0.0; d]);
        for (value, vector) in values.iter().zip(vectors.chunks_exact(d)) {
            if value.max(0.0).sqrt() < OPEN_SHARE {
                directions.push(vector.iter().enumerate().map(|(j, v)| v / size(j)).collect());
            } else {
                variance.iter_mut().zip(vector).for_each(|(s, v)| *s += v * v / value);
            }
        }
        let errors = variance.iter().enumerate().map(|(j, s)| s.sqrt() / size(j)).collect();
        Openness { directions, errors }
    }

    /// β with None where it is open, and what is open in words.
    fn told(&self, beta: &[f64], model: &HatModel, ridge: bool) -> (Vec<Option<f64>>, Vec<String>) {
        let mut open = Vec::new();
        let factor = matches!(model.law.shape(), Shape::Power(_)) && !ridge && !model.has_offset();
        if factor {
            open.push("one positive factor of all coefficients (those of norm 1 are given)".to_string());
        }
        if model.law.shape() == Shape::Even && !model.has_offset() {
            open.push("one sign of all coefficients (one of the two is given)".to_string());
        }
        // Of a power, β itself is one of the directions.
        let expected = usize::from(factor);
        let is_open = |j: usize| {
            let touched = |v: &Vec<f64>| v[j].abs() > 1e-6 * v.iter().fold(0.0, |a: f64, v| a.max(v.abs()));
            self.directions.len() > expected && self.directions.iter().any(touched)
        };
        let values: Vec<Option<f64>> = beta.iter().enumerate().map(|(j, b)| (!is_open(j)).then_some(*b)).collect();
        match self.directions.len().saturating_sub(expected) {
            0 => {}
            1 if matches!(model.law.shape(), Shape::Linear(_)) => {
                open.push("a constant of the predictor: the intercept".to_string());
            }
            1 => open.push("one direction of the coefficients".to_string()),
            many => open.push(format!("{many} directions of the coefficients")),
        }
        (values, open)
    }
}

impl HatStatus {
    /// The status of weights and coefficients together: the fit of a model decides where there is one.
    #[must_use]
    pub fn of_both(weights: &HatInversion, fit: Option<&HatCoefficients>) -> HatStatus {
        fit.map_or(weights.status, |fit| fit.status)
    }
}
