//! Trim the worst rows, train again, and compare with the baselines that cost nothing.

use super::study::{Study, StudyOptions, fit_rows, impact_value, sample};
use super::{ImpactKind, SampleGradients, accuracy, attacked_features};
use crate::models::{FitRows, Fitted, Frame, ModelKind, Network, Part, Parts, fit_model};
use unhat::random::uniform_rows_into;
use unhat::{ErrorKind, Event, Result, Run};

/// Models trained to find where an unfairness crosses 0: halving 2¹⁰ rows down to one.
const CROSSING_FITS: u32 = 10;
/// The share of the training rows that is removed where none is named.
pub const TRIMMED_SHARE: f64 = 0.05;

/// One way to change the training rows, and what came of it.
///
/// # Examples
/// ```
/// use unhat::Run;
/// use unhat_models::influence::{Method, Purpose, Request};
/// use unhat_models::models::{Column, Frame, ModelKind};
/// # let x: Vec<f64> = (0..60).map(f64::from).collect();
/// # let bad: Vec<f64> = (0..60).map(|i| f64::from(i % 20 == 5)).collect(); // rows 6, 26 and 46 have the wrong class
/// # let y = x.iter().zip(&bad).map(|(x, bad)| (f64::from(*x > 29.5) - bad).abs()).collect();
/// # let columns = [("x", x), ("bad", bad), ("y", y)].map(|(name, values)| (name.into(), Column::Numbers(values)));
/// # let table = Frame::new(columns.into())?;
/// # let (response, kind, truth) = (Some("y".into()), Some(ModelKind::Logistic), Some("bad".into()));
/// # let request = Request { response, kind, truth, method: Some(Method::Loss), ..Request::default() };
/// # let (prepared, run) = (request.prepare(table, Purpose::Trim)?, Run::default());
/// # let study = prepared.study(&run)?;
/// // A tenth of the rows, by their loss under a logistic model of them all.
/// let rows = prepared.trim(&study, 0.1, &run)?.rows;
/// assert_eq!((rows[0].trim.as_str(), rows[0].removed), ("none", 0));
/// assert_eq!((rows[1].trim.as_str(), rows[1].removed), ("loss", 5)); // of the 48 that are no test rows
/// assert_eq!(rows[0].attacked_accuracy, None); // that is for robustness
/// # Ok::<(), unhat::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct TrimRow {
    /// What was done: "none", the method, "random", "loss", "V added to training", "oracle", ….
    pub trim: String,
    /// How many rows were removed.
    pub removed: usize,
    /// Share of test rows whose class is predicted; None for numbers or without test rows.
    pub test_accuracy: Option<f64>,
    /// The value of f on the validation rows, signed. Trimming chose by these rows: read the next.
    pub value_validation: Option<f64>,
    /// The value of f on the test rows, signed.
    pub value_test: Option<f64>,
    /// For robustness: accuracy on test rows attacked once, through the model before trimming.
    pub attacked_accuracy: Option<f64>,
    /// For robustness: accuracy on test rows attacked anew, through this model: 1 − its clean accuracy for γ > 1.
    pub adaptive_accuracy: Option<f64>,
}

/// The table of a trimming, and what is left.
///
/// # Examples
/// ```
/// use unhat::Run;
/// use unhat_models::influence::{Method, Purpose, Request};
/// use unhat_models::models::{Column, Frame, ModelKind};
/// # let x: Vec<f64> = (0..60).map(f64::from).collect();
/// # let bad: Vec<f64> = (0..60).map(|i| f64::from(i % 20 == 5)).collect(); // rows 6, 26 and 46 have the wrong class
/// # let y = x.iter().zip(&bad).map(|(x, bad)| (f64::from(*x > 29.5) - bad).abs()).collect();
/// # let columns = [("x", x), ("bad", bad), ("y", y)].map(|(name, values)| (name.into(), Column::Numbers(values)));
/// # let table = Frame::new(columns.into())?;
/// # let (response, kind, truth) = (Some("y".into()), Some(ModelKind::Logistic), Some("bad".into()));
/// # let request = Request { response, kind, truth, method: Some(Method::Loss), ..Request::default() };
/// # let (prepared, run) = (request.prepare(table, Purpose::Trim)?, Run::default());
/// # let study = prepared.study(&run)?;
/// let found = prepared.trim(&study, 0.1, &run)?; // a tenth of the rows, by their loss
/// let removed: Vec<f64> = found.removed.iter().map(|&i| study.losses[i]).collect();
/// assert!(removed.is_sorted_by(|a, b| a >= b)); // the worst first
/// assert!(found.kept.iter().all(|&i| study.losses[i] <= removed[removed.len() - 1]));
/// assert_eq!(found.kept.len() + found.removed.len(), study.losses.len());
/// # Ok::<(), unhat::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Trimmed {
    /// One row a way, "none" first, the method second.
    pub rows: Vec<TrimRow>,
    /// Positions among the training rows that the method keeps, increasing.
    pub kept: Vec<usize>,
    /// Positions that it removes, worst first.
    pub removed: Vec<usize>,
    /// Whether the trimming stopped where the unfairness on V crossed 0.
    pub stopped_at_crossing: bool,
}

/// Removes the lowest scores, trains again, and does the same for the baselines.
///
/// An unfairness is trimmed only until f on V crosses 0 (found by bisection): beyond, it turns around.
///
/// # Shapes
/// `fraction` of the training rows is removed at most; `truth`: for every training row whether it is bad, where known.
/// # Cost
/// One training a row of the table, ten more for an unfairness.
/// # Errors
/// [`ErrorKind::Option`] for a fraction that removes nothing or everything; those of training.
pub fn trim(
    study: &Study,
    parts: &Parts,
    options: &StudyOptions,
    fraction: f64,
    truth: Option<&[bool]>,
    run: &Run<'_>,
) -> Result<Trimmed> {
    let n = parts.train.rows.len();
    let most = (fraction * n as f64).round() as usize;
    if !(fraction > 0.0 && fraction < 1.0) || most == 0 || most >= n {
        let reason = format!("found {fraction}, expected a share that removes some of {n} training rows, and not all");
        return Err(ErrorKind::Option { name: "fraction".into(), reason }.into());
    }
    let trimming = Trimming { study, parts, options, run };
    let by_score = ascending(&study.scores);
    run.tell(Event::Phase("training without the worst rows"));
    let (count, stopped_at_crossing) = trimming.count(&by_score, most)?;
    let mut removed = by_score;
    removed.truncate(count);

    let mut rows = vec![trimming.row("none".into(), 0, &study.fitted.network)?];
    rows.push(trimming.without(study.method.to_string(), &removed)?);
    rows.push(trimming.without("random".into(), &random_rows(n, count, options.seed))?);
    let highest_loss: Vec<f64> = study.losses.iter().map(|l| -l).collect();
    rows.push(trimming.without("loss".into(), &ascending(&highest_loss)[..count])?);
    if let Some(validation) = &parts.validation {
        rows.push(trimming.with_added("V added to training".into(), validation)?);
    }
    if options.impact.is_unfairness() && !matches!(options.kind, ModelKind::Network(_)) {
        rows.push(trimming.reweighed()?);
    }
    if let (ImpactKind::Robustness(gamma), Some(validation)) = (&options.impact, &parts.validation) {
        let features = attacked_features(&study.fitted.network, &validation.features, *gamma)?;
        rows.push(
            trimming.with_added("attacked V added to training".into(), &Part { features, ..validation.clone() })?,
        );
        let fitted = trimming.fit(&parts.train, None, 10.0 * study.fitted.penalty)?;
        rows.push(trimming.row("penalty x 10, nothing trimmed".into(), 0, &fitted.network)?);
    }
    if let Some(truth) = truth {
        let bad: Vec<usize> = (0..n).filter(|&i| truth[i]).take(count).collect();
        rows.push(trimming.without("oracle".into(), &bad)?);
    }
    let mut gone = vec![false; n];
    removed.iter().for_each(|&i| gone[i] = true);
    Ok(Trimmed { rows, kept: (0..n).filter(|&i| !gone[i]).collect(), removed, stopped_at_crossing })
}

struct Trimming<'a> {
    study: &'a Study,
    parts: &'a Parts,
    options: &'a StudyOptions,
    run: &'a Run<'a>,
}

impl Trimming<'_> {
    /// How many of the worst rows go: all that may, or as many as bring an unfairness on V to 0.
    fn count(&self, order: &[usize], most: usize) -> Result<(usize, bool)> {
        let (Some(validation), true) = (&self.parts.validation, self.options.impact.is_unfairness()) else {
            return Ok((most, false));
        };
        let value = |count: usize| -> Result<f64> {
            let network =
                self.fit(&self.parts.train.without(&order[..count], self.width()), None, self.penalty())?.network;
            impact_value(&network, validation, self.options, self.run)
        };
        let before = impact_value(&self.study.fitted.network, validation, self.options, self.run)?;
        let crossed = |after: f64| before * after <= 0.0;
        if !crossed(value(most)?) {
            return Ok((most, false));
        }
        let (mut kept_side, mut crossed_side) = (0, most);
        for _ in 0..CROSSING_FITS {
            if crossed_side - kept_side <= 1 {
                break;
            }
            let middle = kept_side + (crossed_side - kept_side) / 2;
            if crossed(value(middle)?) { crossed_side = middle } else { kept_side = middle }
        }
        Ok((kept_side.max(1), true))
    }

    fn without(&self, trim: String, rows: &[usize]) -> Result<TrimRow> {
        let network = self.fit(&self.parts.train.without(rows, self.width()), None, self.penalty())?.network;
        self.row(trim, rows.len(), &network)
    }

    fn with_added(&self, trim: String, more: &Part) -> Result<TrimRow> {
        let network = self.fit(&self.parts.train.joined(more), None, self.penalty())?.network;
        self.row(trim, 0, &network)
    }

    /// Kamiran and Calders's weights P(s)P(y)/P(s, y): group and class become independent.
    fn reweighed(&self) -> Result<TrimRow> {
        let train = &self.parts.train;
        let n = train.rows.len() as f64;
        let share = |chosen: &dyn Fn(usize) -> bool| (0..train.rows.len()).filter(|&i| chosen(i)).count() as f64 / n;
        let weight = |i: usize| {
            let (s, y) = (train.group[i], train.responses[i]);
            let both = share(&|k| train.group[k] == s && train.responses[k] == y);
            share(&|k| train.group[k] == s) * share(&|k| train.responses[k] == y) / both
        };
        // four cells: every row has the weight of the first of its cell
        let mut cells: Vec<((bool, u64), f64)> = Vec::new();
        let weights: Vec<f64> = (0..train.rows.len())
            .map(|i| {
                let cell = (train.group[i], train.responses[i].to_bits());
                match cells.iter().find(|(c, _)| *c == cell) {
                    Some((_, w)) => *w,
                    None => {
                        let w = weight(i);
                        cells.push((cell, w));
                        w
                    }
                }
            })
            .collect();
        let network = self.fit(train, Some(&weights), self.penalty())?.network;
        self.row("reweighing".into(), 0, &network)
    }

    fn fit(&self, part: &Part, weights: Option<&[f64]>, penalty: f64) -> Result<Fitted> {
        let rows = FitRows { weights, ..fit_rows(part, self.parts) };
        fit_model(&self.options.kind, self.parts.family, &rows, Some(penalty), self.options.seed, self.run)
    }

    fn penalty(&self) -> f64 {
        self.study.fitted.penalty
    }

    fn width(&self) -> usize {
        self.parts.encoding.width()
    }

    fn row(&self, trim: String, removed: usize, network: &Network) -> Result<TrimRow> {
        let value = |part: &Option<Part>| {
            part.as_ref().map(|part| impact_value(network, part, self.options, self.run)).transpose()
        };
        let mut row = TrimRow {
            trim,
            removed,
            test_accuracy: None,
            value_validation: value(&self.parts.validation)?,
            value_test: value(&self.parts.test)?,
            attacked_accuracy: None,
            adaptive_accuracy: None,
        };
        let Some(test) = &self.parts.test else { return Ok(row) };
        row.test_accuracy = accuracy(&sample(network, test)?, self.run)?;
        if let ImpactKind::Robustness(gamma) = self.options.impact {
            let on = |attacker: &Network| -> Result<Option<f64>> {
                let features = attacked_features(attacker, &test.features, gamma)?;
                accuracy(&SampleGradients::new(network, &features, &test.responses)?, self.run)
            };
            row.attacked_accuracy = on(&self.study.fitted.network)?;
            row.adaptive_accuracy = on(network)?;
        }
        Ok(row)
    }
}

impl Part {
    /// The rows but those at `positions`.
    fn without(&self, positions: &[usize], width: usize) -> Part {
        let mut gone = vec![false; self.rows.len()];
        positions.iter().for_each(|&i| gone[i] = true);
        let kept = || (0..gone.len()).filter(|&i| !gone[i]);
        Part {
            rows: kept().map(|i| self.rows[i]).collect(),
            features: kept().flat_map(|i| &self.features[i * width..(i + 1) * width]).copied().collect(),
            responses: kept().map(|i| self.responses[i]).collect(),
            group: if self.group.is_empty() { Vec::new() } else { kept().map(|i| self.group[i]).collect() },
        }
    }

    /// These rows and those of `more`.
    fn joined(&self, more: &Part) -> Part {
        Part {
            rows: [&self.rows[..], &more.rows].concat(),
            features: [&self.features[..], &more.features].concat(),
            responses: [&self.responses[..], &more.responses].concat(),
            group: [&self.group[..], &more.group].concat(),
        }
    }
}

/// Positions by value, the lowest first; equal ones in row order.
pub fn ascending(values: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    order
}

/// `count` of n rows, drawn by seed.
fn random_rows(n: usize, count: usize, seed: u64) -> Vec<usize> {
    const STREAM: u64 = 0x74_72_69_6d; // of its own
    let mut keys = vec![0.0; n];
    uniform_rows_into(seed, STREAM, 0, &mut keys);
    let mut order = ascending(&keys);
    order.truncate(count);
    order
}

/// Which training rows a 0/1 column of the table marks as bad.
///
/// # Errors
/// [`ErrorKind::Option`] for a column that is not there or holds anything but 0 and 1.
pub fn truth_of(table: &Frame, column: &str, part: &Part) -> Result<Vec<bool>> {
    let at = table.position("truth", column)?;
    let bad = |reason: String| ErrorKind::Option { name: "truth".into(), reason };
    let crate::models::Column::Numbers(values) = &table.columns()[at] else {
        return Err(bad(format!("column \"{column}\" holds text, expected 0 and 1")).into());
    };
    part.rows
        .iter()
        .map(|&row| match values[row] {
            0.0 => Ok(false),
            1.0 => Ok(true),
            other => Err(bad(format!("column \"{column}\", row {}: found {other}, expected 0 or 1", row + 1)).into()),
        })
        .collect()
}
