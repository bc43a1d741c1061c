//! Leverage with absorbed factors: scores of a model with a constant for every level of one factor or more, without their columns.

mod cells;
mod exact;
mod graph;
mod probes;
mod within;

pub use cells::Factor;

use super::exact::{ScoreOptions, digits_left, leverage_scores};
use crate::error::{ErrorKind, Result};
use crate::rows::{RowSource, require_vector};
use crate::run::{Event, Run};
use cells::{Cells, NO_CELL};
use exact::Eliminated;
use graph::{Components, bridges};
use probes::Products;
use within::{Solver, Within};

/// How the scores of absorbed factors are computed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AbsorbMethod {
    /// Exact where the factor takes at most about a minute of one core and a quarter of the memory, else probes.
    #[default]
    Auto,
    /// A sparse factor and the entries of its inverse that rows meet.
    Exact,
    /// Random probes, with a standard error for every row.
    Probes,
}

impl AbsorbMethod {
    /// The word of options and reports.
    pub fn name(self) -> &'static str {
        match self {
            AbsorbMethod::Auto => "auto",
            AbsorbMethod::Exact => "exact",
            AbsorbMethod::Probes => "probes",
        }
    }
}

/// What may be chosen for absorbed factors.
#[derive(Clone, Debug)]
pub struct AbsorbOptions {
    /// How the scores are computed.
    pub method: AbsorbMethod,
    /// Number of probes: the relative standard error of the estimated part of a score is √(2/probes).
    pub probes: usize,
    /// Seed of the probes.
    pub seed: u64,
    /// Whether covariates that depend on the factors or on each other are an error instead of a warning.
    pub strict: bool,
}

impl Default for AbsorbOptions {
    fn default() -> Self {
        AbsorbOptions { method: AbsorbMethod::Auto, probes: 500, seed: 0, strict: false }
    }
}

/// Leverage scores with absorbed factors, and what is known about them.
#[derive(Clone, Debug)]
pub struct AbsorbedScores {
    /// h, one a row.
    pub values: Vec<f64>,
    /// The standard error of each, where they were estimated: 0 where a row is exact all the same.
    pub standard_errors: Option<Vec<f64>>,
    /// Rank of the factors' columns and the covariates together.
    pub rank: usize,
    /// Σh.
    pub sum: f64,
    /// |Σh − rank| / rank: rounding for exact scores, the noise of all probes together for estimated ones.
    pub sum_defect: f64,
    /// How they were computed: never `Auto`.
    pub method: AbsorbMethod,
    /// Why that way.
    pub reason: String,
    /// Decimal digits to expect of each exact score; of estimated ones the standard errors say it.
    pub digits: f64,
    /// Levels of each factor that rows of weight above 0 have.
    pub levels: Vec<usize>,
    /// Levels of each factor that a single row has.
    pub singletons: Vec<usize>,
    /// Sets of levels that no row connects.
    pub components: usize,
    /// Rows of the largest of them.
    pub largest_component: usize,
    /// Rows whose score is 1: without them a coefficient cannot be estimated, so that leave-one-out is not defined there.
    pub determined: Vec<usize>,
    /// Rows with a standard error that were solved for exactly, since their score may have been 1.
    pub solved: usize,
    /// Covariates, by column, that depend on the factors.
    pub dependent: Vec<usize>,
    /// Things the caller should know.
    pub warnings: Vec<String>,
}

/// A row with a score this near to 1 determines a coefficient alone, to rounding.
const DETERMINED: f64 = 1e-12;

/// Leverage scores of the model with a constant for every level of every factor, and with covariates.
///
/// hᵢ = wᵢ zᵢᵀ(ZᵀWZ)⁺zᵢ,  Z = [D₁ D₂ … X],  D the 0/1 columns of the levels of a factor
///
/// They are computed without D: the factor with the most levels is eliminated, hᵢ = wᵢ(1/W + vᵢᵀS⁺vᵢ) + wᵢx̃ᵢᵀ(X̃ᵀWX̃)⁺x̃ᵢ, where
/// W is the weight of the row's level, v its columns of the other factors less their mean over the level, S = Σ wᵢvᵢvᵢᵀ, and
/// X̃ what the factors leave of X. The entries of v meet in a column of S, so that only the entries of S⁻¹ in the pattern
/// of its sparse factor are needed. Of two factors, rows that alone connect two parts of the graph of levels have score 1
/// exactly (shared among the rows of the same two levels by weight), and are found there.
///
/// # Shapes
/// All factors, `covariates` and `weights` have n rows. The factors span the constant.
/// # Cost
/// Sorting the rows by levels; for exact scores a factor and a selected inverse of S; for probes a solve by conjugate
/// gradients for every eight; for covariates six sweeps, two solves each, and dense leverage scores.
/// # Randomness
/// Probes only: signs keyed by (seed, probe, cell), the same bits for any number of threads.
/// # Accuracy
/// [`AbsorbedScores::digits`], [`AbsorbedScores::standard_errors`], and Σh against the rank.
/// # Errors
/// [`ErrorKind::Shape`] for lengths that differ; [`ErrorKind::NotFinite`]; [`ErrorKind::Option`] for no factor, no probe, a
/// factor or a method that does not fit; [`ErrorKind::Undecided`] for a rank that is not clear;
/// [`ErrorKind::RankDeficient`] with `strict`.
/// # Examples
/// ```
/// use unhat::leverage::{AbsorbOptions, Factor, absorbed_scores};
/// // Three workers; the second has moved from firm 0 to firm 1 and alone connects the two.
/// let worker = Factor::new("worker", &[0, 0, 1, 1, 2, 2], 3)?;
/// let firm = Factor::new("firm", &[0, 0, 0, 1, 1, 1], 2)?;
/// let scores = absorbed_scores(&[worker, firm], None, None, &AbsorbOptions::default(), &unhat::Run::default())?;
/// assert_eq!(scores.values, [0.5, 0.5, 1.0, 1.0, 0.5, 0.5]);
/// assert_eq!((scores.rank, scores.components), (4, 1));
/// # Ok::<(), unhat::Error>(())
/// ```
/// # References
/// KlineSaggioSolvsten2020; TakahashiFaganChen1973; SpielmanSrivastava2011.
pub fn absorbed_scores(
    factors: &[Factor<'_>],
    covariates: Option<&dyn RowSource>,
    weights: Option<&[f64]>,
    options: &AbsorbOptions,
    run: &Run<'_>,
) -> Result<AbsorbedScores> {
    require_inputs(factors, covariates, weights, options)?;
    run.install(|| Absorbed { factors, covariates, weights, options, run }.scores())
}

struct Absorbed<'a> {
    factors: &'a [Factor<'a>],
    covariates: Option<&'a dyn RowSource>,
    weights: Option<&'a [f64]>,
    options: &'a AbsorbOptions,
    run: &'a Run<'a>,
}

/// The part of the factors: for every cell the score of a row is its weight times `value`.
struct CellScores {
    values: Vec<f64>,
    errors: Option<Vec<f64>>,
    /// Cells whose rows have scores that sum to 1 exactly, of two factors.
    bridges: Vec<bool>,
    cancelled: f64,
    solved: usize,
}

impl Absorbed<'_> {
    fn scores(&self) -> Result<AbsorbedScores> {
        let run = self.run;
        run.tell(Event::Phase("sorting rows by levels"));
        let cells = Cells::of(self.factors, self.weights);
        if cells.len() == 0 {
            return Err(
                ErrorKind::Option { name: "case-weights".into(), reason: "no row has weight above 0".into() }.into()
            );
        }
        run.check()?;
        let (eliminated, reason) = self.eliminated(&cells)?;
        let bridges = if cells.others() == 1 { bridges(&cells) } else { vec![false; cells.len()] };
        let products =
            if eliminated.is_none() && self.covariates.is_some() { Some(Products::of(&cells)) } else { None };
        let part = match &eliminated {
            Some(eliminated) => exact_cells(&cells, bridges, eliminated, run)?,
            None => self.estimated_cells(&cells, bridges)?,
        };
        let solver = match (&eliminated, &products) {
            (Some(eliminated), _) => Some(Solver::Exact(eliminated)),
            (None, Some(products)) => Some(Solver::Conjugate(products)),
            (None, None) => None,
        };
        let mut scores = self.of_rows(&cells, &part);
        scores.method = if eliminated.is_some() { AbsorbMethod::Exact } else { AbsorbMethod::Probes };
        scores.reason = reason;
        scores.rank = rank_of_factors(&cells) - eliminated.as_ref().map_or(0, |eliminated| eliminated.dependent);
        if let (Some(source), Some(solver)) = (self.covariates, solver) {
            self.add_covariates(source, &cells, &solver, &mut scores)?;
        }
        self.conclude(&cells, &mut scores);
        Ok(scores)
    }

    /// The exact factor where it is asked for or worth its work, and why or why not.
    fn eliminated(&self, cells: &Cells) -> Result<(Option<Eliminated>, String)> {
        if self.options.method == AbsorbMethod::Probes {
            return if cells.others() > 1 { Err(only_exact()) } else { Ok((None, "as asked".into())) };
        }
        let insists = self.options.method == AbsorbMethod::Exact || cells.others() == 0;
        self.run.tell(Event::Phase("ordering and factoring the levels"));
        Ok(match Eliminated::of(cells, insists, self.run)? {
            Some(eliminated) => {
                let reason = format!("a factor of {} entries on {} levels", eliminated.slots, cells.width());
                (Some(eliminated), reason)
            }
            None if cells.others() > 1 => return Err(only_exact()),
            None => (None, "an exact factor would take more than a minute, or a quarter of the memory".into()),
        })
    }

    /// Probes where cells are no bridges: those carry no current, and leaving them out changes no other score.
    fn estimated_cells(&self, cells: &Cells, bridges: Vec<bool>) -> Result<CellScores> {
        let (core, originals) = cells.kept(|cell| !bridges[cell]);
        let mut values: Vec<f64> = cells.weight.iter().map(|w| 1.0 / w).collect();
        let mut errors = vec![0.0; cells.len()];
        let mut solved = 0;
        if core.len() > 0 {
            let estimate = Products::of(&core).estimate(self.options.probes, self.options.seed, self.run)?;
            for (k, &cell) in originals.iter().enumerate() {
                values[cell as usize] = estimate.values[k];
                errors[cell as usize] = estimate.errors[k];
            }
            solved = estimate.exact;
        }
        Ok(CellScores { values, errors: Some(errors), bridges, cancelled: 0.0, solved })
    }

    /// The part of the factors of every row.
    fn of_rows(&self, cells: &Cells, part: &CellScores) -> AbsorbedScores {
        let weight = |row: usize| self.weights.map_or(1.0, |w| w[row]);
        let of = |values: &[f64], row: usize| match cells.of_row[row] {
            NO_CELL => 0.0,
            cell => weight(row) * values[cell as usize],
        };
        let mut values: Vec<f64> = (0..cells.of_row.len()).map(|row| of(&part.values, row)).collect();
        for (value, &cell) in values.iter_mut().zip(&cells.of_row).filter(|(_, cell)| **cell != NO_CELL) {
            if part.bridges[cell as usize] && cells.rows[cell as usize] == 1 {
                *value = 1.0;
            }
        }
        let standard_errors =
            part.errors.as_ref().map(|errors| (0..values.len()).map(|row| of(errors, row)).collect::<Vec<f64>>());
        AbsorbedScores {
            values,
            standard_errors,
            rank: 0,
            sum: 0.0,
            sum_defect: 0.0,
            method: AbsorbMethod::Exact,
            reason: String::new(),
            digits: digits_of(part.cancelled),
            levels: Vec::new(),
            singletons: Vec::new(),
            components: 0,
            largest_component: 0,
            determined: Vec::new(),
            solved: part.solved,
            dependent: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// h += wx̃ᵀ(X̃ᵀWX̃)⁺x̃.
    fn add_covariates(
        &self,
        source: &dyn RowSource,
        cells: &Cells,
        solver: &Solver<'_>,
        scores: &mut AbsorbedScores,
    ) -> Result<()> {
        self.run.tell(Event::Phase("covariates without the factors"));
        let (within, dependent, lost) = Within::of(source, self.weights, cells, solver, self.run)?;
        let total = scores.rank + source.shape().columns;
        if within.shape().columns > 0 {
            let roots = self.weights.map(|w| w.iter().map(|w| w.sqrt()).collect::<Vec<f64>>());
            let more = leverage_scores(&within, roots.as_deref(), &ScoreOptions::default(), self.run)?;
            scores.values.iter_mut().zip(&more.values).for_each(|(h, more)| *h += more);
            scores.rank += more.rank;
            scores.digits = scores.digits.min(more.digits).min(digits_left(10f64.powf(lost), 1));
            scores.warnings.extend(more.warnings);
        }
        if self.options.strict && scores.rank < total {
            return Err(ErrorKind::RankDeficient { rank: scores.rank, columns: total }.into());
        }
        scores.dependent = dependent;
        Ok(())
    }

    /// Sums, counts and words.
    fn conclude(&self, cells: &Cells, scores: &mut AbsorbedScores) {
        scores.values.iter_mut().for_each(|h| *h = h.min(1.0));
        // By blocks, so that the rounding of the sum does not hide that of the scores.
        scores.sum = scores.values.chunks(1024).map(|block| block.iter().sum::<f64>()).sum();
        scores.sum_defect = (scores.sum - scores.rank as f64).abs() / scores.rank as f64;
        if scores.method == AbsorbMethod::Exact {
            // The sum checks all scores at once, covariates included.
            scores.digits = scores.digits.min(digits_of(scores.sum_defect));
        }
        let exact = |row: usize| scores.standard_errors.as_ref().is_none_or(|errors| errors[row] == 0.0);
        scores.determined =
            (0..scores.values.len()).filter(|&row| scores.values[row] >= 1.0 - DETERMINED && exact(row)).collect();
        for factor in self.factors {
            let mut rows = vec![0u8; factor.codes().iter().max().map_or(0, |most| *most as usize + 1)];
            for (&code, _) in factor.codes().iter().zip(&cells.of_row).filter(|(_, cell)| **cell != NO_CELL) {
                rows[code as usize] = rows[code as usize].saturating_add(1);
            }
            scores.levels.push(rows.iter().filter(|&&rows| rows > 0).count());
            scores.singletons.push(rows.iter().filter(|&&rows| rows == 1).count());
        }
        let components = Components::of(cells, 0..cells.others());
        let mut rows = vec![0usize; components.count];
        for w in 0..cells.levels() {
            let here: u32 = cells.rows[cells.starts[w]..cells.starts[w + 1]].iter().sum();
            rows[components.label[w] as usize] += here as usize;
        }
        scores.components = components.count;
        scores.largest_component = rows.into_iter().max().unwrap_or(0);
    }
}

/// Exact scores of the cells; bridges are 1 without a computation.
fn exact_cells(cells: &Cells, bridges: Vec<bool>, eliminated: &Eliminated, run: &Run<'_>) -> Result<CellScores> {
    let (mut totals, cancelled) = eliminated.scores(cells, run)?;
    totals.iter_mut().zip(&bridges).filter(|(_, bridge)| **bridge).for_each(|(total, _)| *total = 1.0);
    let values = totals.iter().zip(&cells.weight).map(|(total, w)| total / w).collect();
    Ok(CellScores { values, errors: None, bridges, cancelled, solved: 0 })
}

/// Levels less the constants that the columns of two factors have in common; of three and more others may depend too.
fn rank_of_factors(cells: &Cells) -> usize {
    let alone = |o: usize| cells.width() - (cells.offsets[o + 1] - cells.offsets[o]); // nodes of the factors left out
    let common: usize = (0..cells.others()).map(|o| Components::of(cells, o..o + 1).count - alone(o)).sum();
    cells.levels() + cells.width() - common
}

fn only_exact() -> crate::Error {
    let reason = "probes are for two factors, whose rank is known from their components; three or more are computed exactly or \
                  not at all, and their exact factor does not fit here";
    ErrorKind::Option { name: "absorb".into(), reason: reason.into() }.into()
}

fn digits_of(relative: f64) -> f64 {
    (-relative.max(f64::EPSILON).log10()).clamp(0.0, 16.0).floor()
}

fn require_inputs(
    factors: &[Factor<'_>],
    covariates: Option<&dyn RowSource>,
    weights: Option<&[f64]>,
    options: &AbsorbOptions,
) -> Result<()> {
    let refuse = |name: &str, reason: String| Err(ErrorKind::Option { name: name.into(), reason }.into());
    let Some(first) = factors.first() else {
        return refuse("absorb", "found no factor, expected one or more".into());
    };
    let n = first.codes().len();
    if n == 0 || n >= NO_CELL as usize {
        return refuse("absorb", format!("found {n} rows, expected 1 to {}", NO_CELL - 1));
    }
    for factor in &factors[1..] {
        if factor.codes().len() != n {
            return Err(ErrorKind::Shape {
                what: format!("factor {}", factor.name()),
                expected: format!("{n} rows as factor {}", first.name()),
                found: factor.codes().len().to_string(),
            }
            .into());
        }
    }
    if let Some(source) = covariates
        && source.shape().rows != n
    {
        return Err(ErrorKind::Shape {
            what: "covariates".into(),
            expected: format!("{n} rows as factor {}", first.name()),
            found: source.shape().rows.to_string(),
        }
        .into());
    }
    if let Some(w) = weights {
        require_vector("weights", w, n)?;
        if let Some(row) = w.iter().position(|w| *w < 0.0) {
            return refuse(
                "case-weights",
                format!("row {}: found {}, expected a weight of at least 0", row + 1, w[row]),
            );
        }
    }
    if options.probes < 2 {
        return refuse("probes", format!("found {}, expected 2 or more", options.probes));
    }
    Ok(())
}
