//! The first thing a user of the crate meets: which rows helped or hurt a model, and a whole training, as builders over the
//! requests of their rooms.

use crate::influence::{LISTED_ROWS, Method, Purpose, Request, StudyReport, Task};
use crate::models::{Frame, HeldOut, HeldOutRows, Model, ModelKind};
use crate::training::{TrainingOptions, TrainingReport, TrainingRequest};
use unhat::{Result, Run};

/// Scores every row of a table by what it did to a model: a builder over [`Request`].
///
/// Larger = better row. Positive: without the row the model would be worse at what the task asks.
///
/// # Examples
/// ```
/// use unhat_models::Influence;
/// use unhat_models::influence::Method;
/// use unhat_models::models::{Column, Frame, ModelKind};
///
/// let x: Vec<f64> = (0..40).map(|i| (i * 7 % 11) as f64).collect();
/// let mut y: Vec<f64> = x.iter().map(|x| 2.0 * x + 1.0 + (3.0 * x).sin()).collect();
/// y[3] += 40.0; // a mistake
/// let table = Frame::new(vec![("x".into(), Column::Numbers(x)), ("y".into(), Column::Numbers(y))])?;
/// let found = Influence::new(&table, "y", ModelKind::Linear).method(Method::SelfInfluence).score()?;
/// assert_eq!(found.top[0].row.to_string(), "4"); // rows count from 1
/// # Ok::<(), unhat::Error>(())
/// ```
#[must_use]
pub struct Influence<'a> {
    table: &'a Frame,
    request: Request,
    listed: usize,
    run: Run<'a>,
}

impl<'a> Influence<'a> {
    /// Of the rows of `table` on a model of the column `response`.
    pub fn new(table: &'a Frame, response: impl Into<String>, model: ModelKind) -> Self {
        let request = Request { response: Some(response.into()), kind: Some(model), ..Request::default() };
        Influence { table, request, listed: LISTED_ROWS, run: Run::default() }
    }

    /// What the scores are for.
    pub fn task(mut self, task: Task) -> Self {
        self.request.task = task;
        self
    }

    /// How rows are scored; the task's own way where none is named.
    pub fn method(mut self, method: Method) -> Self {
        self.request.method = Some(method);
        self
    }

    /// Validation rows.
    pub fn validation(mut self, rows: HeldOutRows) -> Self {
        self.request.validation = rows;
        self
    }

    /// M, the penalty of the fit.
    pub fn penalty(mut self, penalty: f64) -> Self {
        self.request.penalty = Some(penalty);
        self
    }

    /// A column that is no feature.
    pub fn without(mut self, column: impl Into<String>) -> Self {
        self.request.without.push(column.into());
        self
    }

    /// Seed of everything that is drawn.
    pub fn seed(mut self, seed: u64) -> Self {
        self.request.seed = seed;
        self
    }

    /// How many of the worst and of the best rows are listed.
    pub fn listed(mut self, rows: usize) -> Self {
        self.listed = rows;
        self
    }

    /// All that can be asked.
    pub fn request(mut self, request: Request) -> Self {
        self.request = request;
        self
    }

    /// How the computation is run: stop flag, observer, threads.
    pub fn run(mut self, run: &Run<'a>) -> Self {
        self.run = *run;
        self
    }

    /// Fits and scores.
    ///
    /// # Errors
    /// Those of [`Request::prepare`] and [`crate::influence::study`].
    pub fn score(self) -> Result<StudyReport> {
        let prepared = self.request.prepare(self.table.clone(), Purpose::Score)?;
        let study = prepared.study(&self.run)?;
        prepared.study_report(&study, self.listed, &self.run)
    }
}

/// Trains a model of a table in steps on batches: a builder over [`TrainingRequest`].
///
/// # Examples
/// ```
/// use unhat_models::Train;
/// use unhat_models::models::{Column, Frame, ModelKind};
/// use unhat_models::training::TrainingOptions;
///
/// let x: Vec<f64> = (0..200).map(|i| (i * 7 % 31) as f64).collect();
/// let y: Vec<f64> = x.iter().map(|x| f64::from(*x > 15.0)).collect();
/// let table = Frame::new(vec![("x".into(), Column::Numbers(x)), ("y".into(), Column::Numbers(y))])?;
/// let options = TrainingOptions { epochs: 5, ..TrainingOptions::default() };
/// let (model, report) = Train::new(&table, "y", ModelKind::Logistic).options(options).train()?;
/// assert!(report.history.last().unwrap().train_loss < report.history[0].train_loss);
/// assert_eq!(model.response.name, "y");
/// # Ok::<(), unhat::Error>(())
/// ```
#[must_use]
pub struct Train<'a> {
    table: &'a Frame,
    request: TrainingRequest<'a>,
    run: Run<'a>,
}

impl<'a> Train<'a> {
    /// A model of the column `response`; no validation rows, numbers standardised.
    pub fn new(table: &'a Frame, response: &'a str, model: ModelKind) -> Self {
        let request = TrainingRequest {
            response,
            kind: model,
            validation: HeldOut::None,
            without: &[],
            standardize: true,
            options: TrainingOptions::default(),
        };
        Train { table, request, run: Run::default() }
    }

    /// Validation rows.
    pub fn validation(mut self, rows: HeldOut<'a>) -> Self {
        self.request.validation = rows;
        self
    }

    /// Columns that are no features.
    pub fn without(mut self, columns: &'a [String]) -> Self {
        self.request.without = columns;
        self
    }

    /// The rule and its options.
    pub fn options(mut self, options: TrainingOptions) -> Self {
        self.request.options = options;
        self
    }

    /// How the computation is run: stop flag, observer, threads.
    pub fn run(mut self, run: &Run<'a>) -> Self {
        self.run = *run;
        self
    }

    /// Trains.
    ///
    /// # Errors
    /// Those of [`TrainingRequest::prepare`] and [`crate::training::train_model`].
    pub fn train(self) -> Result<(Model, TrainingReport)> {
        let prepared = self.request.prepare(self.table)?;
        let trained = prepared.train(None, None, &self.run)?;
        Ok((prepared.model(&trained), trained.report))
    }
}
