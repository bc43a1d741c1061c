//! What of a fit may leave the house: every known attack on regression outputs, run on the very fit that is to be released.
//!
//! [`Evidence`] is a fit as its checker holds it; [`check`] runs the attacks on what is to be released and returns a
//! [`Finding`] each, with the number that was reached and a verdict by the thresholds of an [`Appetite`].
//! The sources of the thresholds are with [`Appetite`].

mod acro;
mod appetite;
mod by_row;
mod changed;
mod coefficients;
mod evidence;
mod finding;
mod inverted;
mod isolated;
mod material;
mod neighbours;
mod numbers;
mod people;
mod plots;
mod remedies;
mod report;
mod request;
mod second;

pub use acro::{FINDINGS_FILE, acro_config, acro_findings, acro_results};
pub use appetite::{Appetite, Threshold};
pub use evidence::{Evidence, Refit, half_unit, printed};
pub use finding::{Attack, Finding, Intruder, Item, Verdict};
pub use material::{Changed, Material};
pub use remedies::{Move, Remedy, remedies};
pub use report::{CheckedItem, CheckedModel, CheckedTable, Detail, OutputsReport, SCHEMA};
pub use request::{FitRequest, Origin, OutputsRequest};
pub use second::Second;

use coefficients::Coefficients;
use unhat::{Result, Run};

/// What is to be released, and against what it is checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Release {
    /// The items.
    pub items: Vec<Item>,
    /// Significant digits that are printed; None: all.
    pub digits: Option<u32>,
    /// Columns of X whose values are secret.
    pub secrets: Vec<usize>,
    /// The thresholds.
    pub appetite: Appetite,
    /// Of the searches.
    pub seed: u64,
}

impl Default for Release {
    fn default() -> Self {
        Release {
            items: Item::DEFAULT.to_vec(),
            digits: None,
            secrets: Vec::new(),
            appetite: Appetite::default(),
            seed: 0,
        }
    }
}

/// Runs every attack on the release of a fit.
///
/// # Shapes
/// `rows`: the table's row of each row of the fit (n); `people`: whose each row is (n).
/// # Cost
/// A factor, and sweeps of n·p·(p + 64) flops for every 64 of at most 9p + 40 exposed rows, or of all rows of a fit of a thousand
/// or fewer; for generalised fits sixteen more fits; for hat values what inverting them costs.
/// # Errors
/// Those of factors and fits; interruption.
pub fn check(
    fit: &Evidence<'_>,
    rows: &[usize],
    people: Option<&[usize]>,
    second: Option<&Second<'_>>,
    release: &Release,
    run: &Run<'_>,
) -> Result<Vec<Finding>> {
    let (appetite, digits) = (&release.appetite, release.digits);
    let has = |item: Item| release.items.contains(&item);
    let lower = fit.factor(run)?;
    let mut found = Vec::new();
    let tells_fit = [Item::Coefficients, Item::Fitted, Item::Predictions].into_iter().find(|item| has(*item));
    if let Some(item) = tells_fit {
        let coefficients = Coefficients { evidence: fit, appetite, lower: &lower, digits, item };
        found.extend(coefficients.findings(run)?);
        if let Some(people) = people {
            found.extend(people::findings(fit, people, &lower, appetite, item));
        }
    }
    if has(Item::Coefficients) {
        found.extend(numbers::rational_mean(fit, digits, appetite));
        found.extend(second::all_but_one(fit, digits, run)?);
        if let Some(second) = second {
            found.push(second::differencing(fit, rows, second, digits, appetite));
            found.extend(second::stacked(fit, rows, second, appetite, run)?);
        }
    }
    if has(Item::StandardErrors) {
        found.extend(numbers::counts_from_standard_errors(fit, digits, appetite));
    }
    if has(Item::Covariance) {
        found.extend(numbers::counts_from_covariance(fit, digits, appetite));
    }
    found.extend(row_level(fit, release, run)?);
    Ok(found)
}

fn row_level(fit: &Evidence<'_>, release: &Release, run: &Run<'_>) -> Result<Vec<Finding>> {
    let (appetite, digits, seed) = (&release.appetite, release.digits, release.seed);
    let has = |item: Item| release.items.contains(&item);
    let mut found = Vec::new();
    if has(Item::Residuals) {
        found.push(by_row::residuals(fit, digits, appetite));
    }
    if has(Item::ResidualQuantiles) {
        found.extend(by_row::extreme_residuals(fit, appetite));
    }
    for item in [Item::Rstudent, Item::Dffits].into_iter().filter(|item| has(*item)) {
        found.extend(by_row::studentised(fit, item, digits, appetite));
    }
    if has(Item::Cooks) {
        found.extend(by_row::cooks(fit, digits, appetite));
    }
    for item in [Item::Fitted, Item::Predictions].into_iter().filter(|item| has(*item)) {
        for &k in &release.secrets {
            found.extend(by_row::secret_from_fitted(fit, item, k, digits, appetite));
        }
    }
    if has(Item::Hat) {
        for &k in &release.secrets {
            found.extend(by_row::secret_from_hat(fit, k, digits, appetite, run)?);
            found.extend(inverted::column_from_hat(fit, k, digits, seed, run)?);
        }
        // What is released anyway need not be told by hat values.
        if !has(Item::Coefficients) {
            found.extend(inverted::coefficients_from_hat(fit, digits, seed, run)?);
            if has(Item::Cooks) {
                found.extend(inverted::outcomes_from_hat(fit, digits, seed, run)?);
            }
        }
    }
    if has(Item::Plot) {
        found.push(plots::points(fit));
    }
    if has(Item::BinnedPlot) {
        found.push(plots::binned(appetite));
    }
    Ok(found)
}

/// The verdict on a whole release: the gravest of its findings.
#[must_use]
pub fn verdict(findings: &[Finding]) -> Verdict {
    findings.iter().map(|finding| finding.verdict).max().unwrap_or(Verdict::Pass).max(Verdict::Pass)
}
