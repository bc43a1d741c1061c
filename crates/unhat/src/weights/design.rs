//! D-optimal designs: the weights whose ellipsoid is the smallest around ±rows, or around points, proven on all rows.

use super::forms::Forms;
use super::interior::{Counts, Interior, needed};
use super::lewis::{empty_rows, needs_whitening};
use super::lifted::Lifted;
use super::whitened::{Basis, Whitened};
use crate::error::{ErrorKind, Result, unless_interrupted};
use crate::leverage::{ScoreOptions, leverage_scores};
use crate::rows::{RowSource, require_plain_columns};
use crate::run::{Event, Run};
use crate::solve::{Status, Step};

/// How a D-optimal design is computed.
#[derive(Clone, Debug)]
pub struct DesignOptions {
    /// How far log det may be proven to lie below the best.
    pub gap: f64,
    /// Steps at most.
    pub max_iterations: u32,
    /// Whether the rows are points: the design is that of the rows (aᵢ, 1).
    pub lift: bool,
}

impl Default for DesignOptions {
    fn default() -> Self {
        DesignOptions { gap: 1e-8, max_iterations: 200, lift: false }
    }
}

/// A D-optimal design and what is known about it.
#[derive(Clone, Debug)]
pub struct Design {
    /// w ≥ 0, one a row, with Σw = 1.
    pub values: Vec<f64>,
    /// Whether the gap is as small as was asked for.
    pub status: Status,
    /// The certificate: log det Σ wᵢaᵢaᵢᵀ of the best design is larger by no more than r·log(maxᵢ gᵢ/r), over all rows.
    pub gap: f64,
    /// maxᵢ gᵢ, gᵢ = aᵢᵀ(Σ wⱼaⱼaⱼᵀ)⁻¹aᵢ over all rows: at the best design it is r.
    pub largest_form: f64,
    /// log det Σ wᵢaᵢaᵢᵀ; None where columns are dependent.
    pub log_det: Option<f64>,
    /// The rank r of the rows (of the lifted ones, where they are points).
    pub rank: usize,
    /// Rows of weight above 0.
    pub support: usize,
    /// Steps.
    pub iterations: u32,
    /// Evaluations of the forms of all rows or of those left.
    pub passes: u32,
    /// Products with the squared projection on the rows left.
    pub products: u32,
    /// Decimal digits to expect of the forms.
    pub digits: f64,
    /// Things the caller should know.
    pub warnings: Vec<String>,
}

/// Steps w ← wg/r before the interior-point method: beyond them few rows are left out that are not already.
const FIRST_STEPS: u32 = 20;
/// The interior-point method goes on to this share of the gap, so that the certificate holds it.
const SHARE: f64 = 0.5;

/// The D-optimal design of the rows aᵢ: the weights w ≥ 0 with Σw = 1 that make log det Σ wᵢaᵢaᵢᵀ largest.
///
/// {x : xᵀ(Σ wᵢaᵢaᵢᵀ)⁻¹x ≤ d} is then the ellipsoid of least volume around all ±aᵢ, and its polar the largest within
/// {x : |aᵢᵀx| ≤ 1} (John's). With `lift` the rows are points, and it is the smallest ellipsoid around them, with a centre.
///
/// At any w, log det of the best design is larger by r·log(maxᵢ gᵢ/r) at most, gᵢ = aᵢᵀ(Σ wⱼaⱼaⱼᵀ)⁻¹aᵢ: that is computed at the
/// end, over all rows. On the way: twenty steps w ← wg/r, rows that no best design can use left out as soon as that is
/// proven; then Newton steps of an interior-point method on the rows left.
///
/// # Shapes
/// `source` n×d.
/// # Cost
/// About 25 evaluations (two sweeps, 2nd²) over all rows, and hundreds of products (4md² flops) over the m rows left. These are
/// gathered where they are less than half of the matrix.
/// # Errors
/// [`ErrorKind::Option`] for a gap that is not above 0; [`ErrorKind::RankDeficient`] where all rows are 0;
/// [`ErrorKind::NotFinite`]; [`ErrorKind::Numerical`] where weights leave the range of numbers. Not converging is a [`Status`].
/// # Examples
/// ```
/// use unhat::{rows::DenseRows, weights::{DesignOptions, d_optimal_design}, Run};
/// let times = [1.0, -1.0, 1.0, -0.5, 1.0, 0.5, 1.0, 1.0]; // where to measure a line on [−1, 1]
/// let found = d_optimal_design(&DenseRows::new(&times, 2)?, &DesignOptions::default(), &Run::default())?;
/// assert!(found.gap <= 1e-8);
/// for (w, exact) in found.values.iter().zip([0.5, 0.0, 0.0, 0.5]) {
///     assert!((w - exact).abs() < 1e-4); // at its two ends
/// }
/// # Ok::<(), unhat::Error>(())
/// ```
/// # References
/// KieferWolfowitz1960; HarmanPronzato2007; Todd2016.
pub fn d_optimal_design(source: &dyn RowSource, options: &DesignOptions, run: &Run<'_>) -> Result<Design> {
    require(options)?;
    run.tell(Event::Phase("D-optimal design"));
    let lifted = Lifted(source);
    let source = if options.lift { &lifted as &dyn RowSource } else { source };
    require_plain_columns(source, run)?;
    let plain = leverage_scores(source, None, &ScoreOptions::default(), run)?;
    if plain.rank == 0 {
        return Err(ErrorKind::RankDeficient { rank: 0, columns: source.shape().columns }.into());
    }
    let empty = empty_rows(source, &plain, run)?;
    let basis = needs_whitening(source, &plain).then(|| Basis::of(source, run)).transpose()?;
    let whitened = basis.as_ref().map(|basis| Whitened { source, basis });
    let rows = whitened.as_ref().map_or(source, |rows| rows as &dyn RowSource);
    let mut search = Search::of(rows, &empty);
    search.counts.passes += 1;
    let interrupted = unless_interrupted(search.solve(options, run))?.is_none();
    let Some((values, forms)) = search.best.take() else { return Err(ErrorKind::Interrupted.into()) };
    let rank = plain.rank;
    let largest_form = forms.largest();
    let gap = gap(&forms, rank);
    let mut warnings = plain.warnings;
    let digits = plain.digits.min(forms.digits());
    let rounding = rank as f64 * 10f64.powf(-digits);
    if rounding > options.gap {
        warnings.push(format!(
            "the forms have about {digits:.0} digits, so that rounding can change the gap by {rounding:.0e}"
        ));
    }
    let status = match (gap <= options.gap, interrupted) {
        (true, _) => Status::Solved,
        (_, true) => Status::Interrupted,
        _ if search.counts.iterations >= options.max_iterations => Status::IterationLimit,
        _ => Status::Stalled,
    };
    let turned = basis.as_ref().map_or(Some(0.0), Basis::log_det);
    Ok(Design {
        status,
        gap,
        largest_form,
        log_det: turned.map(|log_det| log_det + forms.factor.log_det()),
        rank,
        support: values.iter().filter(|w| **w > 0.0).count(),
        iterations: search.counts.iterations,
        passes: search.counts.passes,
        products: search.counts.products,
        digits,
        warnings,
        values,
    })
}

fn require(options: &DesignOptions) -> Result<()> {
    if !(options.gap > 0.0 && options.gap.is_finite()) {
        let reason = format!("found {}, expected a finite number above 0", options.gap);
        return Err(ErrorKind::Option { name: "gap".into(), reason }.into());
    }
    Ok(())
}

/// r·log(max g/r), at weights of sum 1; what rounding makes less than 0 is 0.
fn gap(forms: &Forms, rank: usize) -> f64 {
    (rank as f64 * (forms.largest() / rank as f64).ln()).max(0.0)
}

struct Search<'a> {
    rows: &'a dyn RowSource,
    weights: Vec<f64>,
    /// Rows that a best design may use.
    possible: Vec<bool>,
    /// The weights of the least gap over all rows so far, and the forms there.
    best: Option<(Vec<f64>, Forms)>,
    counts: Counts,
}

impl<'a> Search<'a> {
    fn of(rows: &'a dyn RowSource, empty: &[bool]) -> Self {
        let possible: Vec<bool> = empty.iter().map(|empty| !empty).collect();
        let count = possible.iter().filter(|possible| **possible).count() as f64;
        let weights = possible.iter().map(|possible| if *possible { 1.0 / count } else { 0.0 }).collect();
        Search { rows, weights, possible, best: None, counts: Counts::default() }
    }

    fn rank(&self) -> usize {
        self.rows.shape().columns
    }

    fn solve(&mut self, options: &DesignOptions, run: &Run<'_>) -> Result<()> {
        let rank = self.rank() as f64;
        for _ in 0..FIRST_STEPS.min(options.max_iterations) {
            let tau = self.evaluate(options, run)?;
            if self.is_solved(options) {
                return Ok(());
            }
            self.leave_out(&tau);
            self.weights.iter_mut().zip(&tau).for_each(|(w, g)| *w *= g / rank);
            self.normalise();
            self.counts.iterations += 1;
        }
        if self.counts.iterations < options.max_iterations {
            let tau = self.evaluate(options, run)?;
            self.leave_out(&tau);
            self.interior(options, run)?;
        }
        self.normalise();
        let tau = self.evaluate(options, run)?;
        // What has a little weight and cannot have any in a best design: the answer is simpler without.
        self.leave_out(&tau);
        self.normalise();
        self.evaluate(options, run)?;
        Ok(())
    }

    /// The forms of all rows at the weights; they are kept where their gap is the least so far, or as wanted.
    fn evaluate(&mut self, options: &DesignOptions, run: &Run<'_>) -> Result<Vec<f64>> {
        run.check()?;
        let root: Vec<f64> = self.weights.iter().map(|w| w.sqrt()).collect();
        let forms = Forms::at(self.rows, &root, run)?;
        self.counts.passes += 1;
        let (tau, new) = (forms.tau.clone(), gap(&forms, self.rank()));
        run.tell(Event::Step(&Step {
            iteration: self.counts.iterations,
            passes: self.counts.passes,
            work: f64::from(self.counts.passes),
            decrement: new,
            residual: new / self.rank() as f64,
            step_length: 1.0,
            certificate: None,
        }));
        if self.best.as_ref().is_none_or(|(_, old)| new <= gap(old, self.rank()).max(options.gap)) {
            self.best = Some((self.weights.clone(), forms));
        }
        Ok(tau)
    }

    fn is_solved(&self, options: &DesignOptions) -> bool {
        self.best.as_ref().is_some_and(|(_, forms)| gap(forms, self.rank()) <= options.gap)
    }

    /// Rows whose forms prove that no best design uses them.
    fn leave_out(&mut self, tau: &[f64]) {
        let rank = self.rank() as f64;
        let most = tau.iter().copied().fold(0.0, f64::max);
        let bound = needed(most, rank);
        for ((possible, w), g) in self.possible.iter_mut().zip(&mut self.weights).zip(tau) {
            if *g < bound {
                (*possible, *w) = (false, 0.0);
            }
        }
    }

    fn normalise(&mut self) {
        let sum: f64 = self.weights.iter().sum();
        self.weights.iter_mut().for_each(|w| *w /= sum);
    }

    /// The interior-point method over the rows that are possible.
    fn interior(&mut self, options: &DesignOptions, run: &Run<'_>) -> Result<()> {
        let left: Vec<usize> =
            (0..self.possible.len()).filter(|&i| self.possible[i] && self.weights[i] > 0.0).collect();
        let start = left.iter().map(|&i| self.weights[i]).collect();
        let mut interior = Interior::start(self.rows, left, start, self.counts, run)?;
        interior.solve(SHARE * options.gap, options.max_iterations, run)?;
        self.counts = interior.counts;
        self.weights.fill(0.0);
        interior.rows().iter().zip(&interior.u).for_each(|(&i, u)| self.weights[i] = *u);
        Ok(())
    }
}
