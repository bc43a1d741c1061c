//! What a person asks of `influence`, with tables and vectors read already, and the rules that make a study of it.

use super::study::{Study, study, study_of};
use super::trim::{Trimmed, trim, truth_of};
use super::{Direction, ImpactKind, Method, PlantedFlips, StudyOptions, Task, planted_flips};
use crate::models::{Fitted, Frame, HeldOutRows, Model, ModelKind, PartOptions, Parts, Recipe, Scaling};
use crate::regression::{Featured, MissingRows, Specification, features_of, learn_features};
use serde::{Deserialize, Serialize};
use std::fmt;
use unhat::{Error, ErrorKind, Result, Run};

/// What a row's influence is on, as it is asked for.
///
/// # Examples
/// ```
/// use unhat::Run;
/// use unhat_models::influence::{ImpactRequest, Method, Purpose, Request};
/// use unhat_models::models::{Column, Frame, ModelKind};
/// # // 2x + 1 fits (x, y) best, and leaves 2, −3, 0 and 1 over: they sum to 0, and so do their products with x.
/// # let (x, y) = (vec![0.0, 1.0, 2.0, 3.0], vec![3.0, 0.0, 5.0, 8.0]);
/// # let table = Frame::new(vec![("x".into(), Column::Numbers(x)), ("y".into(), Column::Numbers(y))])?;
/// // v = (0, 1), of the constant alone: g·v is what the line 2x + 1 misses each y by, −2, 3, 0 and −1.
/// let impact = Some(ImpactRequest::Vector(vec![0.0, 1.0]));
/// let request = Request { response: Some("y".into()), kind: Some(ModelKind::Linear), impact, ..Request::default() };
/// let request = Request { method: Some(Method::InnerProduct), ..request };
/// let found = request.prepare(table, Purpose::Score)?.study(&Run::default())?;
/// assert!(found.scores.iter().zip([-2.0, 3.0, 0.0, -1.0]).all(|(s, e)| (s - e).abs() < 1e-12));
/// # Ok::<(), unhat::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum ImpactRequest {
    /// A function f by its name.
    Named(ImpactKind),
    /// The vector v itself, p values.
    Vector(Vec<f64>),
}

/// What a study is for.
///
/// # Examples
/// ```
/// use unhat_models::influence::{Purpose, Request};
/// use unhat_models::models::{Column, Frame, ModelKind};
/// # let x: Vec<f64> = (0..20).map(f64::from).collect();
/// # let y: Vec<f64> = x.iter().map(|x| (x / 4.0).sin()).collect();
/// # let table = Frame::new(vec![("x".into(), Column::Numbers(x)), ("y".into(), Column::Numbers(y))])?;
/// let request = |truth: Option<&str>| Request {
///     response: Some("y".into()),
///     kind: Some(ModelKind::Linear),
///     truth: truth.map(Into::into),
///     ..Request::default()
/// };
/// let trimming = request(None).prepare(table.clone(), Purpose::Trim)?;
/// assert!(trimming.parts.test.is_some()); // it is judged by test rows
/// let error = request(Some("bad")).prepare(table, Purpose::Score).unwrap_err();
/// assert!(error.to_string().starts_with("truth: ")); // which rows are bad is asked of trimming only
/// # Ok::<(), unhat::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To score the rows.
    Score,
    /// To plant flips and rank the methods.
    Check,
    /// To trim the worst rows and train again.
    Trim,
}

/// Everything that may be asked of [`Request::prepare`]; the defaults are those of the program.
///
/// # Examples
/// ```
/// use unhat_models::influence::{Method, Purpose, Request};
/// use unhat_models::models::{Column, Frame, ModelKind};
/// # // 2x + 1 fits (x, y) best, and leaves 2, −3, 0 and 1 over: they sum to 0, and so do their products with x.
/// # let (x, y) = (vec![0.0, 1.0, 2.0, 3.0], vec![3.0, 0.0, 5.0, 8.0]);
/// # let table = Frame::new(vec![("x".into(), Column::Numbers(x)), ("y".into(), Column::Numbers(y))])?;
/// let (response, kind) = (Some("y".into()), Some(ModelKind::Linear));
/// let request = Request { response, kind, method: Some(Method::Loss), ..Request::default() };
/// let prepared = request.clone().prepare(table.clone(), Purpose::Score)?;
/// assert_eq!((prepared.parts.train.rows.len(), prepared.parts.encoding.width()), (4, 2)); // x and a constant
/// assert!(prepared.parts.validation.is_none()); // the loss needs no v
/// let error = Request { ensemble: 0, ..request }.prepare(table, Purpose::Score).unwrap_err();
/// assert!(error.to_string().starts_with("ensemble: found 0"));
/// # Ok::<(), unhat::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Request {
    /// The response column; None: the model's, or that of the formula.
    pub response: Option<String>,
    /// A formula whose columns are the features, and with it which rows enter; None: every column is one.
    pub formula: Option<Specification>,
    /// What becomes of rows with missing cells under a model of a formula that is there already.
    pub missing: MissingRows,
    /// The model to fit; None: `model` is there already.
    pub kind: Option<ModelKind>,
    /// A model that is there already.
    pub model: Option<Model>,
    /// Where validation rows come from.
    pub validation: HeldOutRows,
    /// Where test rows come from.
    pub test: HeldOutRows,
    /// A column of two values, for the unfairness; it stays a feature.
    pub group: Option<String>,
    /// A column of 0 and 1 that says which rows are bad; no feature.
    pub truth: Option<String>,
    /// Other columns that are no features.
    pub without: Vec<String>,
    /// Whether numbers are standardised.
    pub standardize: bool,
    /// The penalty M of the fit; None: as [`crate::models::fit_model`] chooses it.
    pub penalty: Option<f64>,
    /// What the scores are for.
    pub task: Task,
    /// The function f or the vector v; None: the task's.
    pub impact: Option<ImpactRequest>,
    /// Where v comes from.
    pub direction: Direction,
    /// How rows are scored; None: the task's way.
    pub method: Option<Method>,
    /// The temperature T ≥ 1 of v; None: the method's.
    pub temperature: Option<f64>,
    /// The damping α > 0 in units of mean‖g‖²; None: the method's.
    pub damping: Option<f64>,
    /// Whether leverages are computed beside scores that need none.
    pub leverages: bool,
    /// The number K of fits.
    pub ensemble: u32,
    /// The seed of everything that is drawn.
    pub seed: u64,
}

impl Default for Request {
    fn default() -> Self {
        Request {
            response: None,
            formula: None,
            missing: MissingRows::Error,
            kind: None,
            model: None,
            validation: HeldOutRows::WhereNeeded,
            test: HeldOutRows::WhereNeeded,
            group: None,
            truth: None,
            without: Vec::new(),
            standardize: true,
            penalty: None,
            task: Task::Noise,
            impact: None,
            direction: Direction::Validation,
            method: None,
            temperature: None,
            damping: None,
            leverages: true,
            ensemble: 1,
            seed: 0,
        }
    }
}

/// A table in parts, with what is asked of it.
///
/// # Examples
/// ```
/// use unhat::Run;
/// use unhat_models::influence::{Method, Purpose, Request};
/// use unhat_models::models::{Column, Frame, ModelKind};
/// # // 2x + 1 fits (x, y) best, and leaves 2, −3, 0 and 1 over: they sum to 0, and so do their products with x.
/// # let (x, y) = (vec![0.0, 1.0, 2.0, 3.0], vec![3.0, 0.0, 5.0, 8.0]);
/// # let table = Frame::new(vec![("x".into(), Column::Numbers(x)), ("y".into(), Column::Numbers(y))])?;
/// let (response, kind) = (Some("y".into()), Some(ModelKind::Linear));
/// let request = Request { response, kind, method: Some(Method::Loss), ..Request::default() };
/// let prepared = request.prepare(table, Purpose::Score)?;
/// assert_eq!(prepared.parts.train.responses, [3.0, 0.0, 5.0, 8.0]);
/// let found = prepared.study(&Run::default())?;
/// let worst = (0..4).min_by(|&i, &k| found.scores[i].total_cmp(&found.scores[k])).unwrap();
/// assert_eq!(prepared.row_name(worst).to_string(), "2"); // the line 2x + 1 misses (1, 0) by 3
/// # Ok::<(), unhat::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Prepared {
    /// The table as it was given, without rows that a formula leaves out.
    pub table: Frame,
    /// The rows that a formula left out, by their places and labels in the table that was given.
    pub left_out: Vec<(usize, String)>,
    /// The formula whose columns are the features, with what was learned for it.
    pub recipe: Option<Recipe>,
    /// The columns that the formula names.
    pub(super) used: Vec<String>,
    /// Its parts, encoded.
    pub parts: Parts,
    /// What is asked of a study.
    pub options: StudyOptions,
    /// A model that is there already.
    pub model: Option<Model>,
    /// Which training rows are bad, where that is known.
    pub truth: Option<Vec<bool>>,
}

impl Request {
    /// Applies the rules and divides the table.
    ///
    /// # Errors
    /// [`ErrorKind::Option`] naming what contradicts what; those of [`Parts::of`].
    pub fn prepare(self, table: Frame, purpose: Purpose) -> Result<Prepared> {
        self.require_consistent(purpose)?;
        let made = self.features(&table)?;
        let response = match &made {
            Some((_, featured)) => featured.response.clone(),
            None => self.response_column()?,
        };
        let kind = match (&self.model, self.kind) {
            (Some(model), _) => model.kind.clone(),
            (None, Some(kind)) => kind,
            (None, None) => return Err(refused("model", "is missing".into())),
        };
        let (impact, direction) = target(self.task, self.impact, self.direction)?;
        let needs_v = self.method.is_none_or(Method::needs_v) && direction == Direction::Validation;
        self.without.iter().try_for_each(|name| table.position("without", name).map(drop))?;
        let (mut validation, mut test) = (self.validation, self.test);
        let mut left_out = Vec::new();
        let (table, without) = match &made {
            None => (table, self.truth.iter().chain(&self.without).map(String::as_str).collect::<Vec<&str>>()),
            Some((recipe, featured)) => {
                let missing = self.formula.as_ref().map_or(self.missing, |wanted| wanted.missing);
                for (option, held) in [("validation", &mut validation), ("test", &mut test)] {
                    if let HeldOutRows::Table(own) = held {
                        let group: Vec<&str> = self.group.as_deref().into_iter().collect();
                        let found = features_of(recipe, own, missing, (&group, true));
                        *own = found.map_err(|error| renamed(error, option))?.table;
                    }
                }
                left_out = featured.left_out(&table);
                let kept = featured.rows.as_ref().map(|rows| table.take(rows));
                (kept.unwrap_or(table), featured.beside.iter().map(String::as_str).collect())
            }
        };
        let parts = Parts::of(
            made.as_ref().map_or(&table, |(_, featured)| &featured.table),
            &PartOptions {
                response: &response,
                wanted: kind.wanted(),
                scaling: if self.standardize { Scaling::Standardised } else { Scaling::None },
                without: &without,
                group: self.group.as_deref(),
                validation: validation.held_out(needs_v),
                test: test.held_out(purpose == Purpose::Trim),
                seed: self.seed,
                model: self.model.as_ref(),
            },
        )?;
        let truth = self.truth.as_deref().map(|column| truth_of(&table, column, &parts.train)).transpose()?;
        let options = StudyOptions {
            kind,
            penalty: self.penalty,
            task: self.task,
            impact,
            method: self.method,
            direction,
            temperature: self.temperature,
            damping: self.damping,
            leverages: self.leverages,
            ensemble: self.ensemble,
            seed: self.seed,
        };
        let mut parts = parts;
        let (recipe, used) = match made {
            Some((recipe, featured)) => {
                parts.warnings.splice(0..0, featured.notes);
                (Some(recipe), featured.used)
            }
            None => (None, Vec::new()),
        };
        Ok(Prepared { table, left_out, recipe, used, parts, options, model: self.model, truth })
    }

    /// The columns of the formula, or of that of the model.
    fn features(&self, table: &Frame) -> Result<Option<(Recipe, Featured)>> {
        let group: Vec<&str> = self.group.as_deref().into_iter().collect();
        match (&self.formula, self.model.as_ref().and_then(|model| model.recipe.as_ref())) {
            (None, None) => Ok(None),
            (None, Some(recipe)) => {
                self.response_column()?;
                let featured = features_of(recipe, table, self.missing, (&group, true))?;
                Ok(Some((recipe.clone(), featured)))
            }
            (Some(wanted), _) => {
                // Which rows are bad is nothing that . stands for.
                let features = self.truth.as_deref().map(|truth| table.without(truth));
                learn_features(features.as_ref().unwrap_or(table), wanted, &group).map(Some)
            }
        }
    }

    fn require_consistent(&self, purpose: Purpose) -> Result<()> {
        if self.formula.is_some() {
            let beside = [
                ("response", self.response.is_some(), "the formula has it"),
                ("without", !self.without.is_empty(), "the formula says which columns are features"),
                ("formula", self.model.is_some(), "a fitted model has its own; leave this out"),
            ];
            if let Some((option, _, reason)) = beside.into_iter().find(|(_, given, _)| *given) {
                return Err(refused(option, reason.into()));
            }
        }
        if let Some(t) = self.temperature.filter(|t| !(*t >= 1.0 && t.is_finite())) {
            return Err(refused("temperature", format!("found {t}, expected a number of at least 1")));
        }
        if let (Some(method), Purpose::Score | Purpose::Trim) = (self.method, purpose) {
            method.require_damping(self.damping.filter(|_| !self.leverages))?;
        }
        if self.ensemble == 0 {
            return Err(refused("ensemble", "found 0, expected at least 1 model".into()));
        }
        if self.truth.is_some() && purpose != Purpose::Trim {
            return Err(refused("truth", "which rows are bad is asked of trimming only".into()));
        }
        if self.model.is_none() {
            return Ok(());
        }
        if self.kind.is_some() {
            return Err(refused("model", "a fitted model has its kind; leave this out".into()));
        }
        let reason = match purpose {
            Purpose::Check => Some("a check trains anew on planted flips; name a model in its place"),
            Purpose::Trim => Some("trimming trains anew; name a model in its place"),
            Purpose::Score if self.penalty.is_some() || !self.standardize || self.ensemble != 1 => {
                Some("the model is fitted already: leave out penalty, standardisation and ensemble")
            }
            Purpose::Score => None,
        };
        reason.map_or(Ok(()), |reason| Err(refused("model-file", reason.into())))
    }

    fn response_column(&self) -> Result<String> {
        match (&self.response, &self.model) {
            (Some(name), Some(model)) if *name != model.response.name => {
                let reason = format!("found \"{name}\", but the model predicts \"{}\"", model.response.name);
                Err(refused("response", reason))
            }
            (Some(name), _) => Ok(name.clone()),
            (None, Some(model)) => Ok(model.response.name.clone()),
            (None, None) => Err(refused("response", "is missing".into())),
        }
    }
}

/// f and v from what was asked: a vector in place of an impact is v.
fn target(task: Task, asked: Option<ImpactRequest>, direction: Direction) -> Result<(ImpactKind, Direction)> {
    match (asked, direction) {
        (None, direction) => Ok((task.default_impact(), direction)),
        (Some(ImpactRequest::Named(impact)), direction) => Ok((impact, direction)),
        (Some(ImpactRequest::Vector(v)), Direction::Validation) => Ok((ImpactKind::Utility, Direction::Given(v))),
        (Some(ImpactRequest::Vector(_)), _) => {
            Err(refused("v", "v is given as the impact already; leave one of them out".into()))
        }
    }
}

impl Prepared {
    /// Fits (or takes the model that is there) and scores.
    ///
    /// # Errors
    /// Those of [`study`].
    pub fn study(&self, run: &Run<'_>) -> Result<Study> {
        let Some(model) = &self.model else { return study(&self.parts, &self.options, run) };
        let fitted = Fitted {
            network: model.network.clone(),
            penalty: model.penalty,
            cross_validation: None,
            snapshots: Vec::new(),
            warnings: Vec::new(),
        };
        study_of(vec![fitted], &self.parts, &self.options, run)
    }

    /// Plants flips and ranks the methods.
    ///
    /// # Errors
    /// Those of [`planted_flips`].
    pub fn check(&self, run: &Run<'_>) -> Result<PlantedFlips> {
        planted_flips(&self.parts, &self.options, run)
    }

    /// Trims the worst rows of a study and compares with the baselines.
    ///
    /// # Errors
    /// Those of [`trim`].
    pub fn trim(&self, study: &Study, fraction: f64, run: &Run<'_>) -> Result<Trimmed> {
        trim(study, &self.parts, &self.options, fraction, self.truth.as_deref(), run)
    }

    /// A training row by its name, or its 1-based number in the table.
    pub fn row_name(&self, position: usize) -> RowName {
        let row = self.parts.train.rows[position];
        match &self.table.row_names {
            Some(names) => RowName::Name(names[row].clone()),
            None => RowName::Number(row as u64 + 1),
        }
    }
}

/// What a row is called.
///
/// # Examples
/// ```
/// use unhat_models::influence::RowName;
/// assert_eq!(RowName::Number(5).to_string(), "5");
/// assert_eq!(RowName::Name("Ada".into()).to_string(), "Ada");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum RowName {
    /// Its 1-based number in the table.
    Number(u64),
    /// Its name there.
    Name(String),
}

impl fmt::Display for RowName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RowName::Number(number) => write!(f, "{number}"),
            RowName::Name(name) => f.write_str(name),
        }
    }
}

/// The same reason under the name of the option that the table came by.
fn renamed(error: Error, name: &str) -> Error {
    match error.kind() {
        ErrorKind::Option { reason, .. } => refused(name, reason.clone()),
        _ => error,
    }
}

fn refused(option: &str, reason: String) -> Error {
    ErrorKind::Option { name: option.into(), reason }.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::Column;

    fn table() -> Frame {
        let numbers = |f: &dyn Fn(usize) -> f64| Column::Numbers((0..40).map(f).collect());
        Frame::new(vec![
            ("x".into(), numbers(&|i| (i * 7 % 11) as f64)),
            ("bad".into(), numbers(&|i| f64::from(u8::from(i == 3)))),
            ("y".into(), numbers(&|i| (i % 2) as f64)),
        ])
        .unwrap()
    }

    fn request() -> Request {
        Request { response: Some("y".into()), kind: Some(ModelKind::Logistic), ..Request::default() }
    }

    #[test]
    fn validation_rows_are_drawn_where_v_is_taken_from_them() {
        let drawn = |request: Request| request.prepare(table(), Purpose::Score).unwrap().parts.validation.is_some();
        assert!(drawn(request()), "the method of the task needs v");
        assert!(!drawn(Request { method: Some(Method::Loss), ..request() }));
        assert!(!drawn(Request { direction: Direction::TrainingMargin, ..request() }));
        assert!(!drawn(Request { impact: Some(ImpactRequest::Vector(vec![0.0; 3])), ..request() }));
        let trimmed = Request { truth: Some("bad".into()), ..request() }.prepare(table(), Purpose::Trim).unwrap();
        assert!(trimmed.parts.test.is_some(), "trimming is judged on test rows");
        assert_eq!(trimmed.parts.encoding.width(), 2, "the truth is no feature");
        let three = trimmed.parts.train.rows.iter().position(|&row| row == 3);
        assert_eq!(trimmed.truth.unwrap().iter().position(|bad| *bad), three);
    }

    #[test]
    fn what_contradicts_is_refused_by_name() {
        let refused = |request: Request, purpose| request.prepare(table(), purpose).unwrap_err().to_string();
        let vector = || Some(ImpactRequest::Vector(vec![0.0; 3]));
        let twice = Request { impact: vector(), direction: Direction::TrainingMargin, ..request() };
        assert!(refused(twice, Purpose::Score).starts_with("v: "));
        assert!(refused(Request { ensemble: 0, ..request() }, Purpose::Check).starts_with("ensemble: "));
        assert!(
            refused(Request { temperature: Some(f64::NAN), ..request() }, Purpose::Score).starts_with("temperature")
        );
        assert!(refused(Request { truth: Some("bad".into()), ..request() }, Purpose::Score).starts_with("truth: "));
        assert!(refused(Request { response: None, ..request() }, Purpose::Score).starts_with("response: "));
        assert!(refused(Request { kind: None, ..request() }, Purpose::Score).starts_with("model: "));
        assert!(HeldOutRows::share("test", "1.5").unwrap_err().to_string().starts_with("test: found 1.5"));
        assert_eq!(
            (HeldOutRows::share("test", ".25").unwrap(), HeldOutRows::share("test", "v.csv").unwrap()),
            (Some(0.25), None)
        );
    }

    #[test]
    fn rows_have_their_names_or_numbers() {
        let mut named = table();
        named.row_names = Some((0..40).map(|i| format!("r{i}")).collect());
        let names = |table: Frame| {
            let loss = Request { method: Some(Method::Loss), ..request() };
            serde_json::to_string(&loss.prepare(table, Purpose::Score).unwrap().row_name(4)).unwrap()
        };
        assert_eq!((names(table()), names(named)), ("5".into(), "\"r4\"".into()));
    }
}
