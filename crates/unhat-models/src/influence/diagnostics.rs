//! How far scores may be trusted: what v is made of, certain signs, agreement with more curvature, leverage, fit.

use super::{LARGEST_SPECTRUM, Method, SampleGradients, Target, certified_signs, damping, few_steps, spearman};
use crate::models::evaluate;
use unhat::random::uniform_rows_into;
use unhat::{Result, Run};

/// Rows on which scores are compared with more curvature: the rank correlation of 200 rows is known to ±.07.
const AGREEMENT_ROWS: usize = 200;
/// Conjugate-gradient steps on the damped Fisher matrix to compare with.
const AGREEMENT_STEPS: usize = 8;
/// Damping there, in units of mean‖g‖².
const AGREEMENT_DAMPING: f64 = 10.0;
/// Eigenpairs of the sign certificate: at α = 10 its intervals are then mostly clear of 0 on dense tables.
const EIGENPAIRS: usize = 64;
/// Fewer validation rows than this make v noisy: the mean AUC of plain inner products falls by .09 with 50.
pub const FEW_VALIDATION_ROWS: usize = 100;
/// Agreement below this goes with an AUC of inner products of .6 to .7.
pub const LOW_AGREEMENT: f64 = 0.5;
/// A residual of conjugate gradients above this is no solution.
pub const LARGE_RESIDUAL: f64 = 0.1;
/// A leverage above this: the row has most of its own prediction.
pub const LARGE_LEVERAGE: f64 = 0.5;
/// A training accuracy above this: the model memorises, and residuals no longer tell rows apart.
pub const MEMORISED: f64 = 0.995;

/// The numbers printed beside scores; None where one does not apply or would cost too much.
///
/// # Examples
/// ```
/// use unhat_models::influence::StudyDiagnostics;
/// let few = StudyDiagnostics { validation_rows: Some(10), agreement: Some(0.9), ..StudyDiagnostics::default() };
/// let warnings = few.warnings(); // methods agree, but on what ten rows say
/// assert_eq!(warnings.len(), 1);
/// assert!(warnings[0].starts_with("10 validation rows"));
/// assert!(StudyDiagnostics { validation_rows: Some(1000), ..few }.warnings().is_empty());
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StudyDiagnostics {
    /// The number m of validation rows.
    pub validation_rows: Option<usize>,
    /// Effective share of the validation rows in v.
    pub effective_share: Option<f64>,
    /// Cosine of v from two halves of the validation rows.
    pub half_cosine: Option<f64>,
    /// Share of rows whose sign of the damped Fisher score (α = 10) is certain.
    pub certified_share: Option<f64>,
    /// Rank correlation with eight conjugate-gradient steps on the damped Fisher matrix, on 200 rows.
    pub agreement: Option<f64>,
    /// Relative residual of the method's own conjugate gradients.
    pub residual: Option<f64>,
    /// The largest leverage.
    pub largest_leverage: Option<f64>,
    /// Whether the gradient of f vanishes: then nothing that is linear in it is told.
    pub vanished: bool,
    /// Share of training rows whose class is predicted; None for numbers.
    pub training_accuracy: Option<f64>,
}

/// Share of rows whose predicted class is theirs; None where the response is a number.
pub fn accuracy(rows: &SampleGradients<'_>, run: &Run<'_>) -> Result<Option<f64>> {
    Ok(evaluate(rows.network, rows.features(), rows.responses(), run)?.accuracy)
}

impl StudyDiagnostics {
    /// Measures what applies to `scores` of `method`.
    ///
    /// # Cost
    /// About twenty sweeps, and the spectrum where min(n, p) is at most 2000.
    pub fn of(
        method: Method,
        training: &SampleGradients<'_>,
        target: Target<'_>,
        temperature: f64,
        scores: &[f64],
        seed: u64,
        run: &Run<'_>,
    ) -> Result<StudyDiagnostics> {
        let mut found = StudyDiagnostics { training_accuracy: accuracy(training, run)?, ..StudyDiagnostics::default() };
        if let Target::Impact { impact, .. } = target {
            let parts = impact.parts(temperature, run)?;
            found.validation_rows = Some(impact.rows().rows());
            found.effective_share = parts.effective_share;
            found.half_cosine = parts.half_cosine;
        }
        if !method.needs_v() {
            return Ok(found);
        }
        let v = match target {
            Target::Impact { .. } | Target::Given(_) => {
                target.direction(method, temperature, training.parameters(), run)?
            }
            _ => return Ok(found),
        };
        let Some(v) = v else {
            found.vanished = true; // nothing first-order is compared or certified
            return Ok(found);
        };
        let m = damping(training, AGREEMENT_DAMPING, run)?;
        let product = |u: &[f64]| {
            let mut image = training.normal_times(u, run)?;
            image.iter_mut().zip(u).for_each(|(i, u)| *i += m * u);
            Ok(image)
        };
        let deep = training.times(&few_steps(&v, AGREEMENT_STEPS, product, <[f64]>::to_vec)?.x, run)?;
        let sample = drawn_rows(training.rows(), AGREEMENT_ROWS, seed);
        let of = |all: &[f64]| sample.iter().map(|&i| all[i]).collect::<Vec<f64>>();
        found.agreement = spearman(&of(scores), &of(&deep));
        if training.rows().min(training.parameters()) <= LARGEST_SPECTRUM {
            found.certified_share = Some(certified_signs(training, &v, m, EIGENPAIRS, run)?.share());
        }
        Ok(found)
    }

    /// What a person should be warned of, each with its threshold.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        let mut say = |text: String| warnings.push(text);
        if let Some(rows) = self.validation_rows.filter(|rows| *rows < FEW_VALIDATION_ROWS) {
            say(format!(
                "{rows} validation rows, fewer than {FEW_VALIDATION_ROWS}: scores depend on which rows they are"
            ));
        }
        if self.vanished {
            say("the gradient of f vanishes at the fit: no agreement and no certified signs, which are linear in it"
                .into());
        }
        if let Some(agreement) = self.agreement.filter(|a| *a < LOW_AGREEMENT) {
            say(format!(
                "agreement with eight curvature steps {agreement:.2}, below {LOW_AGREEMENT}: the order of the scores is doubtful"
            ));
        }
        if let Some(residual) = self.residual.filter(|r| *r > LARGE_RESIDUAL) {
            say(format!(
                "conjugate gradients left a residual of {residual:.2}, above {LARGE_RESIDUAL}: take more steps, pcg:8"
            ));
        }
        if let Some(h) = self.largest_leverage.filter(|h| *h > LARGE_LEVERAGE) {
            say(format!(
                "the largest leverage is {h:.2}, above {LARGE_LEVERAGE}: that row has most of its own prediction"
            ));
        }
        if let Some(accuracy) = self.training_accuracy.filter(|a| *a > MEMORISED) {
            say(format!(
                "training accuracy {accuracy:.4}, above {MEMORISED}: the model fits nearly every row; prefer rank-sum and \
                 checkpoints to plain loss"
            ));
        }
        warnings
    }
}

/// At most `count` different rows, drawn by seed.
fn drawn_rows(rows: usize, count: usize, seed: u64) -> Vec<usize> {
    const STREAM: u64 = 0x61_67_72_65_65; // of its own: the rows must not be those of a split
    let mut keys = vec![0.0; rows];
    uniform_rows_into(seed, STREAM, 0, &mut keys);
    let mut order: Vec<usize> = (0..rows).collect();
    order.sort_by(|&a, &b| keys[a].total_cmp(&keys[b]));
    order.truncate(count);
    order
}
