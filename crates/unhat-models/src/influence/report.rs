//! What a study, a check or a trimming found, as data: the objects that the command line prints, the Python package returns
//! and the report draws.
//!
//! A number that does not apply is `None` (JSON null), never NaN.

use super::check::auc_of_one;
use super::diagnostics_report::{DiagnosticsReport, EnsembleReport};
use super::membership::{MembershipReport, membership};
use super::model_report::ModelReport;
use super::{Direction, Phases, PlantedFlips, Prepared, RowName, Study, TrimRow, Trimmed, area_under_curve, ascending};
use serde::{Deserialize, Serialize};
use unhat::{Result, Run};

/// How many of the worst and of the best rows are listed where nothing is said: two screens.
pub const LISTED_ROWS: usize = 50;

/// f, signed.
///
/// # Examples
/// ```
/// use unhat_models::Influence;
/// use unhat_models::influence::Method;
/// use unhat_models::models::{Column, Frame, HeldOutRows, ModelKind};
/// # // 2x + 1 fits (x, y) best, and leaves 2, −3, 0 and 1 over: they sum to 0, and so do their products with x.
/// # let (x, y) = (vec![0.0, 1.0, 2.0, 3.0], vec![3.0, 0.0, 5.0, 8.0]);
/// # let table = Frame::new(vec![("x".into(), Column::Numbers(x)), ("y".into(), Column::Numbers(y))])?;
/// let (x, y) = (vec![1.5], vec![6.0]);
/// let held_out = Frame::new(vec![("x".into(), Column::Numbers(x)), ("y".into(), Column::Numbers(y))])?;
/// let asked = Influence::new(&table, "y", ModelKind::Linear).method(Method::Loss);
/// let found = asked.validation(HeldOutRows::Table(held_out)).score()?.impact; // the fit is 2x + 1
/// assert_eq!(found.name, "utility");
/// assert!((found.value_validation.unwrap() - 2.0).abs() < 1e-12 && found.value_test.is_none()); // ½(4 − 6)²
/// # Ok::<(), unhat::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ImpactReport {
    /// What f or v is: utility, parity, opportunity, robustness, training-margin or given.
    pub name: String,
    /// The value of f on the validation rows.
    pub value_validation: Option<f64>,
    /// The value of f on the test rows.
    pub value_test: Option<f64>,
}

/// A row of the worst or the best.
///
/// # Examples
/// ```
/// use unhat_models::Influence;
/// use unhat_models::influence::Method;
/// use unhat_models::models::{Column, Frame, ModelKind};
/// # // 2x + 1 fits (x, y) best, and leaves 2, −3, 0 and 1 over: they sum to 0, and so do their products with x.
/// # let (x, y) = (vec![0.0, 1.0, 2.0, 3.0], vec![3.0, 0.0, 5.0, 8.0]);
/// # let table = Frame::new(vec![("x".into(), Column::Numbers(x)), ("y".into(), Column::Numbers(y))])?;
/// // Of the points (0, 3), (1, 0), (2, 5) and (3, 8) the line 2x + 1 misses the second most, by 3.
/// let found = Influence::new(&table, "y", ModelKind::Linear).method(Method::Loss).score()?;
/// let worst = &found.top[0];
/// assert_eq!(worst.row.to_string(), "2");
/// assert!((worst.loss - 4.5).abs() < 1e-12 && (worst.score + 4.5).abs() < 1e-12);
/// assert!((worst.hat.unwrap() - 0.3).abs() < 1e-12); // 1/4 + (1 − 1.5)²/5
/// # Ok::<(), unhat::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScoredRow {
    /// Its name or number.
    pub row: RowName,
    /// The score of the row; larger = better.
    pub score: f64,
    /// The loss ℓᵢ of the row.
    pub loss: f64,
    /// Ridge leverage of its gradient among all gradients, which vanishes with its residual; None where not computed.
    #[serde(default)]
    pub gradient_leverage: Option<f64>,
    /// Its hat value in the fit; None where the model has none.
    #[serde(default)]
    pub hat: Option<f64>,
}

/// A scored table.
///
/// # Examples
/// ```
/// use unhat_models::Influence;
/// use unhat_models::influence::Method;
/// use unhat_models::models::{Column, Frame, ModelKind};
/// # // 2x + 1 fits (x, y) best, and leaves 2, −3, 0 and 1 over: they sum to 0, and so do their products with x.
/// # let (x, y) = (vec![0.0, 1.0, 2.0, 3.0], vec![3.0, 0.0, 5.0, 8.0]);
/// # let table = Frame::new(vec![("x".into(), Column::Numbers(x)), ("y".into(), Column::Numbers(y))])?;
/// // Of the points (0, 3), (1, 0), (2, 5) and (3, 8) the line 2x + 1 misses the second most and the third not at all.
/// let found = Influence::new(&table, "y", ModelKind::Linear).method(Method::Loss).score()?;
/// assert_eq!((found.task.as_str(), found.method.as_str()), ("noise", "loss"));
/// assert_eq!((found.top[0].row.to_string(), found.best[0].row.to_string()), ("2".into(), "3".into()));
/// # Ok::<(), unhat::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StudyReport {
    /// The model whose rows were scored.
    pub model: ModelReport,
    /// What the scores are for.
    pub task: String,
    /// The function f that influence is on.
    pub impact: ImpactReport,
    /// How rows were scored.
    pub method: String,
    /// What the scores may be called.
    pub claim: String,
    /// How far they may be trusted.
    pub diagnostics: DiagnosticsReport,
    /// The lowest scores, worst first.
    pub top: Vec<ScoredRow>,
    /// The highest, best first.
    pub best: Vec<ScoredRow>,
    /// Whose membership shows; None unless the model is linear or ridge.
    pub membership: Option<MembershipReport>,
    /// Where the seconds went.
    pub phase_seconds: Phases,
}

/// How the methods find planted flips.
///
/// # Examples
/// ```
/// use unhat::Run;
/// use unhat_models::influence::{Purpose, Request};
/// use unhat_models::models::{Column, Frame, ModelKind};
/// # let x: Vec<f64> = (0..60).map(f64::from).collect();
/// # let bad: Vec<f64> = (0..60).map(|i| f64::from(i % 20 == 5)).collect(); // rows 6, 26 and 46 have the wrong class
/// # let y = x.iter().zip(&bad).map(|(x, bad)| (f64::from(*x > 29.5) - bad).abs()).collect();
/// # let columns = [("x", x), ("bad", bad), ("y", y)].map(|(name, values)| (name.into(), Column::Numbers(values)));
/// # let table = Frame::new(columns.into())?;
/// # let (response, kind) = (Some("y".into()), Some(ModelKind::Logistic));
/// # let request = Request { response, kind, without: vec!["bad".into()], ..Request::default() };
/// # let (prepared, run) = (request.prepare(table, Purpose::Check)?, Run::default());
/// let found = prepared.check_report(&prepared.check(&run)?);
/// assert_eq!((found.flipped, found.ensemble), (2, 1)); // 5 % of the 48 rows that are not held out
/// assert_eq!((found.model.name.as_str(), found.model.training_rows), ("logistic", 48));
/// # Ok::<(), unhat::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckReport {
    /// How many labels were flipped.
    pub flipped: usize,
    /// The methods, best first.
    pub methods: Vec<MethodReport>,
    /// Those that this model or its size does not admit.
    pub left_out: Vec<LeftOut>,
    /// The model trained on the planted flips.
    pub model: ModelReport,
    /// The number K of fits.
    pub ensemble: u32,
}

/// A method on planted flips.
///
/// # Examples
/// ```
/// use unhat::Run;
/// use unhat_models::influence::{Purpose, Request};
/// use unhat_models::models::{Column, Frame, ModelKind};
/// # let x: Vec<f64> = (0..60).map(f64::from).collect();
/// # let bad: Vec<f64> = (0..60).map(|i| f64::from(i % 20 == 5)).collect(); // rows 6, 26 and 46 have the wrong class
/// # let y = x.iter().zip(&bad).map(|(x, bad)| (f64::from(*x > 29.5) - bad).abs()).collect();
/// # let columns = [("x", x), ("bad", bad), ("y", y)].map(|(name, values)| (name.into(), Column::Numbers(values)));
/// # let table = Frame::new(columns.into())?;
/// # let (response, kind) = (Some("y".into()), Some(ModelKind::Logistic));
/// # let request = Request { response, kind, without: vec!["bad".into()], ..Request::default() };
/// # let (prepared, run) = (request.prepare(table, Purpose::Check)?, Run::default());
/// let found = prepared.check_report(&prepared.check(&run)?);
/// assert!(found.methods.iter().any(|method| method.method == "rank-sum"));
/// assert!(found.methods.windows(2).all(|pair| pair[0].auc >= pair[1].auc)); // best first
/// # Ok::<(), unhat::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MethodReport {
    /// Its name, as it is asked for.
    pub method: String,
    /// Area under the curve: how often a flipped row ranks as worse than one that is not.
    pub auc: f64,
    /// Average precision over the flipped rows, worst first.
    pub average_precision: f64,
    /// Mean area under the curve of one member, where K > 1: `auc` less this is the gain over K = 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auc_of_one: Option<f64>,
}

/// A method that was not run.
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
/// let (response, kind) = (Some("y".into()), Some(ModelKind::Logistic));
/// let request = Request { response, kind, method: Some(Method::Loss), ..Request::default() };
/// let prepared = request.prepare(table, Purpose::Check)?; // the loss needs no validation rows, so that there are none
/// let found = prepared.check_report(&prepared.check(&Run::default())?);
/// let product = found.left_out.iter().find(|left_out| left_out.method == "ip").unwrap();
/// assert!(product.reason.contains("ip needs validation rows"));
/// # Ok::<(), unhat::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Its name, as it is asked for.
    pub method: String,
    /// Why it was not run.
    pub reason: String,
}

/// What trimming did, beside its baselines.
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
/// let found = prepared.trim_report(&study, &prepared.trim(&study, 0.1, &run)?); // some classes of the table are wrong
/// assert_eq!((found.method.as_str(), found.removed.len()), ("loss", 5)); // a tenth of the 48 that are no test rows
/// assert!(found.auc_of_truth.unwrap() > 0.9); // and which they are is known
/// assert!(!found.stopped_at_crossing); // that is for unfairness
/// # Ok::<(), unhat::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrimReport {
    /// The model before trimming.
    pub model: ModelReport,
    /// The function f that influence is on.
    pub impact: ImpactReport,
    /// How rows were scored.
    pub method: String,
    /// Whether trimming stopped where the unfairness on V crossed 0.
    pub stopped_at_crossing: bool,
    /// Area under the curve of the scores on the rows known to be bad.
    pub auc_of_truth: Option<f64>,
    /// The mean of the same for one member, where K > 1: `auc_of_truth` less this is the gain over K = 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auc_of_one: Option<f64>,
    /// One row a way, "none" first, the method second.
    pub rows: Vec<TrimRowReport>,
    /// Rows removed, worst first.
    pub removed: Vec<RowName>,
}

/// A way to change the training rows, and what came of it.
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
/// let report = prepared.trim_report(&study, &prepared.trim(&study, 0.1, &run)?);
/// let ways: Vec<&str> = report.rows.iter().map(|row| row.trim.as_str()).collect();
/// assert_eq!(ways, ["none", "loss", "random", "loss", "oracle"]); // the method beside its baselines
/// assert!(report.rows.iter().all(|row| row.test_accuracy.is_some()));
/// # Ok::<(), unhat::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrimRowReport {
    /// The way, as in [`TrimRow::trim`].
    pub trim: String,
    /// How many rows were removed.
    pub removed: usize,
    /// Share of test rows whose class is predicted.
    pub test_accuracy: Option<f64>,
    /// The value of f on the validation rows, signed.
    pub value_validation: Option<f64>,
    /// The value of f on the test rows, signed.
    pub value_test: Option<f64>,
    /// Accuracy on test rows attacked through the model before trimming.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attacked_accuracy: Option<f64>,
    /// Accuracy on test rows attacked through this model: 1 − its clean accuracy for γ > 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adaptive_accuracy: Option<f64>,
}

impl From<&TrimRow> for TrimRowReport {
    fn from(row: &TrimRow) -> Self {
        TrimRowReport {
            trim: row.trim.clone(),
            removed: row.removed,
            test_accuracy: row.test_accuracy,
            value_validation: row.value_validation,
            value_test: row.value_test,
            attacked_accuracy: row.attacked_accuracy,
            adaptive_accuracy: row.adaptive_accuracy,
        }
    }
}

impl Prepared {
    /// A study as data, with `listed` rows of the worst and of the best.
    ///
    /// # Errors
    /// Those of the hat values of a linear model.
    pub fn study_report(&self, study: &Study, listed: usize, run: &Run<'_>) -> Result<StudyReport> {
        let order = ascending(&study.scores);
        let row = |&i: &usize| ScoredRow {
            row: self.row_name(i),
            score: study.scores[i],
            loss: study.losses[i],
            gradient_leverage: study.leverages.as_ref().map(|leverages| leverages[i]),
            hat: study.hat.as_ref().map(|hat| hat[i]),
        };
        let d = &study.diagnostics;
        Ok(StudyReport {
            model: self.model_report(&study.fitted, d.training_accuracy),
            task: self.options.task.name().into(),
            impact: self.impact_report(study),
            method: study.method.to_string(),
            claim: study.method.claim().into(),
            diagnostics: DiagnosticsReport {
                validation_rows: d.validation_rows,
                effective_share: d.effective_share,
                half_cosine: d.half_cosine,
                certified_share: d.certified_share,
                agreement_cg8: d.agreement,
                cg_residual: d.residual,
                largest_leverage: d.largest_leverage,
                training_accuracy: d.training_accuracy,
                temperature: study.temperature,
                damping: study.damping,
                ensemble: study
                    .ensemble
                    .map(|e| EnsembleReport { members: e.members, rank_correlation_of_one: e.correlation }),
            },
            top: order.iter().take(listed).map(row).collect(),
            best: order.iter().rev().take(listed).map(row).collect(),
            membership: membership(self, study, run)?,
            phase_seconds: study.phases,
        })
    }

    /// A check as data.
    pub fn check_report(&self, found: &PlantedFlips) -> CheckReport {
        CheckReport {
            flipped: found.flipped,
            methods: found
                .methods
                .iter()
                .map(|m| MethodReport {
                    method: m.method.to_string(),
                    auc: m.auc,
                    average_precision: m.average_precision,
                    auc_of_one: m.auc_of_one,
                })
                .collect(),
            left_out: found
                .left_out
                .iter()
                .map(|(method, reason)| LeftOut { method: method.to_string(), reason: reason.clone() })
                .collect(),
            model: self.model_report(&found.fitted, found.training_accuracy),
            ensemble: found.members,
        }
    }

    /// A trimming as data.
    pub fn trim_report(&self, study: &Study, found: &Trimmed) -> TrimReport {
        let harm: Vec<f64> = study.scores.iter().map(|s| -s).collect();
        let truth = self.truth.as_deref();
        TrimReport {
            model: self.model_report(&study.fitted, study.diagnostics.training_accuracy),
            impact: self.impact_report(study),
            method: study.method.to_string(),
            stopped_at_crossing: found.stopped_at_crossing,
            auc_of_truth: truth.and_then(|truth| area_under_curve(&harm, truth)),
            auc_of_one: truth.and_then(|truth| auc_of_one(&study.members, truth)),
            rows: found.rows.iter().map(TrimRowReport::from).collect(),
            removed: found.removed.iter().map(|&i| self.row_name(i)).collect(),
        }
    }

    fn impact_report(&self, study: &Study) -> ImpactReport {
        ImpactReport {
            name: match self.options.direction {
                Direction::Given(_) => "given".into(),
                Direction::TrainingMargin => "training-margin".into(),
                Direction::Validation => self.options.impact.name().into(),
            },
            value_validation: study.impact.validation,
            value_test: study.impact.test,
        }
    }
}
