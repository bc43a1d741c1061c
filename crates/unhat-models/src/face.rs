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
    ///
    /// # Examples
    /// ```
    /// use unhat_models::Influence;
    /// use unhat_models::influence::Method;
    /// use unhat_models::models::{Column, Frame, ModelKind};
    /// # // 2x + 1 fits (x, y) best, and leaves 2, −3, 0 and 1 over: they sum to 0, and so do their products with x.
    /// # let (x, y) = (vec![0.0, 1.0, 2.0, 3.0], vec![3.0, 0.0, 5.0, 8.0]);
    /// # let table = Frame::new(vec![("x".into(), Column::Numbers(x)), ("y".into(), Column::Numbers(y))])?;
    /// let found = Influence::new(&table, "y", ModelKind::Linear).method(Method::Loss).score()?; // x and y, four rows
    /// assert_eq!((found.model.parameters, found.model.training_rows), (2, 4)); // a slope and a constant
    /// # Ok::<(), unhat::Error>(())
    /// ```
    pub fn new(table: &'a Frame, response: impl Into<String>, model: ModelKind) -> Self {
        let request = Request { response: Some(response.into()), kind: Some(model), ..Request::default() };
        Influence { table, request, listed: LISTED_ROWS, run: Run::default() }
    }

    /// What the scores are for.
    ///
    /// # Examples
    /// ```
    /// use unhat_models::Influence;
    /// use unhat_models::influence::Task;
    /// use unhat_models::models::{Column, Frame, HeldOutRows, ModelKind};
    /// # // 2x + 1 fits (x, y) best, and leaves 2, −3, 0 and 1 over: they sum to 0, and so do their products with x.
    /// # let (x, y) = (vec![0.0, 1.0, 2.0, 3.0], vec![3.0, 0.0, 5.0, 8.0]);
    /// # let table = Frame::new(vec![("x".into(), Column::Numbers(x)), ("y".into(), Column::Numbers(y))])?;
    /// let (x, y) = (vec![1.5], vec![6.0]);
    /// let held_out = Frame::new(vec![("x".into(), Column::Numbers(x)), ("y".into(), Column::Numbers(y))])?;
    /// let asked = Influence::new(&table, "y", ModelKind::Linear).task(Task::LeaveOneOut);
    /// let found = asked.validation(HeldOutRows::Table(held_out)).score()?;
    /// assert_eq!(found.method, "one-step"); // the way of this task, of a small model
    /// assert!(found.claim.starts_with("leave-one-out estimate"));
    /// # Ok::<(), unhat::Error>(())
    /// ```
    pub fn task(mut self, task: Task) -> Self {
        self.request.task = task;
        self
    }

    /// How rows are scored; the task's own way where none is named.
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
    /// assert_eq!(found.top[0].row.to_string(), "2");
    /// assert!((found.top[0].score + 4.5).abs() < 1e-12); // minus ½·3²
    /// # Ok::<(), unhat::Error>(())
    /// ```
    pub fn method(mut self, method: Method) -> Self {
        self.request.method = Some(method);
        self
    }

    /// Validation rows.
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
    /// let found = asked.validation(HeldOutRows::Table(held_out)).score()?; // the fit is 2x + 1
    /// assert!((found.impact.value_validation.unwrap() - 2.0).abs() < 1e-12); // ½(4 − 6)²
    /// # Ok::<(), unhat::Error>(())
    /// ```
    pub fn validation(mut self, rows: HeldOutRows) -> Self {
        self.request.validation = rows;
        self
    }

    /// M, the penalty of the fit.
    ///
    /// # Examples
    /// ```
    /// use unhat_models::Influence;
    /// use unhat_models::influence::Method;
    /// use unhat_models::models::{Column, Frame, ModelKind};
    /// # // 2x + 1 fits (x, y) best, and leaves 2, −3, 0 and 1 over: they sum to 0, and so do their products with x.
    /// # let (x, y) = (vec![0.0, 1.0, 2.0, 3.0], vec![3.0, 0.0, 5.0, 8.0]);
    /// # let table = Frame::new(vec![("x".into(), Column::Numbers(x)), ("y".into(), Column::Numbers(y))])?;
    /// let slope = |penalty: f64| {
    ///     let asked = Influence::new(&table, "y", ModelKind::Ridge).method(Method::Loss);
    ///     Ok::<_, unhat::Error>(asked.penalty(penalty).score()?.model.coefficients[0].value)
    /// };
    /// // The column x, centred and scaled, has a sum of squares s: θ = θ₀·s/(s + M), so that M = s halves θ.
    /// let ratio = slope(0.0)? / slope(1.0)?;
    /// let s = 1.0 / (ratio - 1.0);
    /// assert!((slope(s)? / slope(0.0)? - 0.5).abs() < 1e-9);
    /// # Ok::<(), unhat::Error>(())
    /// ```
    pub fn penalty(mut self, penalty: f64) -> Self {
        self.request.penalty = Some(penalty);
        self
    }

    /// A column that is no feature.
    ///
    /// # Examples
    /// ```
    /// use unhat_models::Influence;
    /// use unhat_models::influence::Method;
    /// use unhat_models::models::{Column, Frame, ModelKind};
    /// let numbers = |values: [f64; 4]| Column::Numbers(values.into());
    /// let (id, x, y) = (numbers([9.0, 4.0, 7.0, 5.0]), numbers([0.0, 1.0, 2.0, 3.0]), numbers([3.0, 0.0, 5.0, 8.0]));
    /// let table = Frame::new(vec![("id".into(), id), ("x".into(), x), ("y".into(), y)])?;
    /// let found = Influence::new(&table, "y", ModelKind::Linear).without("id").method(Method::Loss).score()?;
    /// assert_eq!(found.model.parameters, 2); // a slope and a constant: the line 2x + 1
    /// assert!((found.top[0].loss - 4.5).abs() < 1e-12); // ½·3², of the second row
    /// # Ok::<(), unhat::Error>(())
    /// ```
    pub fn without(mut self, column: impl Into<String>) -> Self {
        self.request.without.push(column.into());
        self
    }

    /// Seed of everything that is drawn.
    ///
    /// # Examples
    /// ```
    /// use unhat_models::Influence;
    /// use unhat_models::influence::Method;
    /// use unhat_models::models::{Column, Frame, ModelKind};
    /// # let x: Vec<f64> = (0..20).map(f64::from).collect();
    /// # let y: Vec<f64> = x.iter().map(|x| (x / 4.0).sin()).collect();
    /// # let table = Frame::new(vec![("x".into(), Column::Numbers(x)), ("y".into(), Column::Numbers(y))])?;
    /// let network = ModelKind::Network(vec![3]); // its first weights are drawn
    /// let score = |seed: u64| Influence::new(&table, "y", network.clone()).method(Method::Loss).seed(seed).score();
    /// assert_eq!(score(7)?.top, score(7)?.top); // to the last bit
    /// assert_ne!(score(7)?.top, score(8)?.top);
    /// # Ok::<(), unhat::Error>(())
    /// ```
    pub fn seed(mut self, seed: u64) -> Self {
        self.request.seed = seed;
        self
    }

    /// How many of the worst and of the best rows are listed.
    ///
    /// # Examples
    /// ```
    /// use unhat_models::Influence;
    /// use unhat_models::influence::Method;
    /// use unhat_models::models::{Column, Frame, ModelKind};
    /// # // 2x + 1 fits (x, y) best, and leaves 2, −3, 0 and 1 over: they sum to 0, and so do their products with x.
    /// # let (x, y) = (vec![0.0, 1.0, 2.0, 3.0], vec![3.0, 0.0, 5.0, 8.0]);
    /// # let table = Frame::new(vec![("x".into(), Column::Numbers(x)), ("y".into(), Column::Numbers(y))])?;
    /// let found = Influence::new(&table, "y", ModelKind::Linear).method(Method::Loss).listed(1).score()?;
    /// assert_eq!((found.top.len(), found.best.len()), (1, 1)); // of four rows
    /// # Ok::<(), unhat::Error>(())
    /// ```
    pub fn listed(mut self, rows: usize) -> Self {
        self.listed = rows;
        self
    }

    /// All that can be asked.
    ///
    /// # Examples
    /// ```
    /// use unhat_models::Influence;
    /// use unhat_models::influence::{Method, Request};
    /// use unhat_models::models::{Column, Frame, ModelKind};
    /// # // 2x + 1 fits (x, y) best, and leaves 2, −3, 0 and 1 over: they sum to 0, and so do their products with x.
    /// # let (x, y) = (vec![0.0, 1.0, 2.0, 3.0], vec![3.0, 0.0, 5.0, 8.0]);
    /// # let table = Frame::new(vec![("x".into(), Column::Numbers(x)), ("y".into(), Column::Numbers(y))])?;
    /// let (response, kind) = (Some("y".into()), Some(ModelKind::Linear));
    /// let request = Request { response, kind, method: Some(Method::Loss), leverages: false, ..Request::default() };
    /// let found = Influence::new(&table, "y", ModelKind::Linear).request(request).score()?;
    /// assert!(found.top.iter().all(|row| row.gradient_leverage.is_none() && row.hat.is_some()));
    /// # Ok::<(), unhat::Error>(())
    /// ```
    pub fn request(mut self, request: Request) -> Self {
        self.request = request;
        self
    }

    /// How the computation is run: stop flag, observer, threads.
    ///
    /// # Examples
    /// ```
    /// use std::sync::atomic::AtomicBool;
    /// use unhat::{ErrorKind, Run};
    /// use unhat_models::Influence;
    /// use unhat_models::models::{Column, Frame, ModelKind};
    /// # // 2x + 1 fits (x, y) best, and leaves 2, −3, 0 and 1 over: they sum to 0, and so do their products with x.
    /// # let (x, y) = (vec![0.0, 1.0, 2.0, 3.0], vec![3.0, 0.0, 5.0, 8.0]);
    /// # let table = Frame::new(vec![("x".into(), Column::Numbers(x)), ("y".into(), Column::Numbers(y))])?;
    /// let stop = AtomicBool::new(true); // set by another thread, as a rule
    /// let run = Run { stop: Some(&stop), ..Run::default() };
    /// let error = Influence::new(&table, "y", ModelKind::Linear).run(&run).score().unwrap_err();
    /// assert!(matches!(error.kind(), ErrorKind::Interrupted));
    /// # Ok::<(), unhat::Error>(())
    /// ```
    pub fn run(mut self, run: &Run<'a>) -> Self {
        self.run = *run;
        self
    }

    /// Fits and scores.
    ///
    /// # Errors
    /// Those of [`Request::prepare`] and [`crate::influence::study`].
    /// # Examples
    /// ```
    /// use unhat_models::Influence;
    /// use unhat_models::influence::Method;
    /// use unhat_models::models::{Column, Frame, ModelKind};
    /// # // 2x + 1 fits (x, y) best, and leaves 2, −3, 0 and 1 over: they sum to 0, and so do their products with x.
    /// # let (x, y) = (vec![0.0, 1.0, 2.0, 3.0], vec![3.0, 0.0, 5.0, 8.0]);
    /// # let table = Frame::new(vec![("x".into(), Column::Numbers(x)), ("y".into(), Column::Numbers(y))])?;
    /// // The line 2x + 1 leaves 2, −3, 0 and 1 over at the four points.
    /// let found = Influence::new(&table, "y", ModelKind::Linear).method(Method::Loss).score()?;
    /// let worst_first: Vec<String> = found.top.iter().map(|row| row.row.to_string()).collect();
    /// assert_eq!(worst_first, ["2", "1", "4", "3"]); // rows count from 1
    /// # Ok::<(), unhat::Error>(())
    /// ```
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
    ///
    /// # Examples
    /// ```
    /// use unhat_models::Train;
    /// use unhat_models::models::{Column, Frame, ModelKind};
    /// use unhat_models::training::TrainingOptions;
    /// # let x: Vec<f64> = (0..60).map(|i| f64::from(i * 7 % 31)).collect();
    /// # let y = x.iter().map(|x| f64::from(*x > 15.0)).collect();
    /// # let table = Frame::new(vec![("x".into(), Column::Numbers(x)), ("y".into(), Column::Numbers(y))])?;
    /// let options = TrainingOptions { epochs: 2, batch: 20, ..TrainingOptions::default() };
    /// let (model, report) = Train::new(&table, "y", ModelKind::Logistic).options(options).train()?; // 60 rows
    /// assert_eq!((model.network.parameters(), report.steps), (2, 6)); // three batches an epoch
    /// assert!(report.history.iter().all(|entry| entry.validation_loss.is_none())); // no validation rows
    /// # Ok::<(), unhat::Error>(())
    /// ```
    pub fn new(table: &'a Frame, response: &'a str, model: ModelKind) -> Self {
        let request = TrainingRequest {
            response: Some(response),
            formula: None,
            kind: model,
            validation: HeldOut::None,
            without: &[],
            standardize: true,
            options: TrainingOptions::default(),
        };
        Train { table, request, run: Run::default() }
    }

    /// Validation rows.
    ///
    /// # Examples
    /// ```
    /// use unhat_models::Train;
    /// use unhat_models::models::{Column, Frame, HeldOut, ModelKind};
    /// use unhat_models::training::TrainingOptions;
    /// # let x: Vec<f64> = (0..60).map(|i| f64::from(i * 7 % 31)).collect();
    /// # let y = x.iter().map(|x| f64::from(*x > 15.0)).collect();
    /// # let table = Frame::new(vec![("x".into(), Column::Numbers(x)), ("y".into(), Column::Numbers(y))])?;
    /// let options = TrainingOptions { epochs: 2, batch: 20, ..TrainingOptions::default() };
    /// let asked = Train::new(&table, "y", ModelKind::Logistic).validation(HeldOut::Share(0.5)); // of 60 rows
    /// let (_, report) = asked.options(options).train()?;
    /// assert_eq!(report.steps, 4); // of the other 30 there are two batches an epoch
    /// assert!(report.history.iter().all(|entry| entry.validation_loss.is_some()));
    /// # Ok::<(), unhat::Error>(())
    /// ```
    pub fn validation(mut self, rows: HeldOut<'a>) -> Self {
        self.request.validation = rows;
        self
    }

    /// Columns that are no features.
    ///
    /// # Examples
    /// ```
    /// use unhat_models::Train;
    /// use unhat_models::models::{Column, Frame, ModelKind};
    /// use unhat_models::training::TrainingOptions;
    /// let numbers = |f: fn(i32) -> f64| Column::Numbers((0..60).map(f).collect());
    /// let (id, x) = (numbers(f64::from), numbers(|i| f64::from(i % 7)));
    /// let y = numbers(|i| f64::from(i % 7 > 3));
    /// let table = Frame::new(vec![("id".into(), id), ("x".into(), x), ("y".into(), y)])?;
    /// let options = TrainingOptions { epochs: 2, batch: 20, ..TrainingOptions::default() };
    /// let without = ["id".to_string()];
    /// let (model, _) = Train::new(&table, "y", ModelKind::Logistic).without(&without).options(options).train()?;
    /// assert_eq!(model.network.parameters(), 2); // of x and a constant
    /// # Ok::<(), unhat::Error>(())
    /// ```
    pub fn without(mut self, columns: &'a [String]) -> Self {
        self.request.without = columns;
        self
    }

    /// The rule and its options.
    ///
    /// # Examples
    /// ```
    /// use unhat_models::Train;
    /// use unhat_models::models::{Column, Frame, ModelKind};
    /// use unhat_models::training::TrainingOptions;
    /// # let x: Vec<f64> = (0..60).map(|i| f64::from(i * 7 % 31)).collect();
    /// # let y = x.iter().map(|x| f64::from(*x > 15.0)).collect();
    /// # let table = Frame::new(vec![("x".into(), Column::Numbers(x)), ("y".into(), Column::Numbers(y))])?;
    /// let options = TrainingOptions { epochs: 3, batch: 30, ..TrainingOptions::default() };
    /// let (_, report) = Train::new(&table, "y", ModelKind::Logistic).options(options).train()?; // 60 rows
    /// assert_eq!((report.epochs, report.steps), (3, 6)); // two batches an epoch
    /// # Ok::<(), unhat::Error>(())
    /// ```
    pub fn options(mut self, options: TrainingOptions) -> Self {
        self.request.options = options;
        self
    }

    /// How the computation is run: stop flag, observer, threads.
    ///
    /// # Examples
    /// ```
    /// use std::sync::atomic::AtomicBool;
    /// use unhat::Run;
    /// use unhat_models::Train;
    /// use unhat_models::models::{Column, Frame, ModelKind};
    /// use unhat_models::training::Ending;
    /// # let x: Vec<f64> = (0..60).map(|i| f64::from(i * 7 % 31)).collect();
    /// # let y = x.iter().map(|x| f64::from(*x > 15.0)).collect();
    /// # let table = Frame::new(vec![("x".into(), Column::Numbers(x)), ("y".into(), Column::Numbers(y))])?;
    /// let stop = AtomicBool::new(true); // set by another thread, as a rule
    /// let run = Run { stop: Some(&stop), ..Run::default() };
    /// let (_, report) = Train::new(&table, "y", ModelKind::Logistic).run(&run).train()?;
    /// assert_eq!((report.status, report.steps), (Ending::Interrupted, 0)); // the weights so far are an answer
    /// # Ok::<(), unhat::Error>(())
    /// ```
    pub fn run(mut self, run: &Run<'a>) -> Self {
        self.run = *run;
        self
    }

    /// Trains.
    ///
    /// # Errors
    /// Those of [`TrainingRequest::prepare`] and [`crate::training::train_model`].
    /// # Examples
    /// ```
    /// use unhat_models::Train;
    /// use unhat_models::models::{Column, Frame, ModelKind};
    /// use unhat_models::training::TrainingOptions;
    /// # let x: Vec<f64> = (0..60).map(|i| f64::from(i * 7 % 31)).collect();
    /// # let y = x.iter().map(|x| f64::from(*x > 15.0)).collect();
    /// # let table = Frame::new(vec![("x".into(), Column::Numbers(x)), ("y".into(), Column::Numbers(y))])?;
    /// let options = TrainingOptions { epochs: 2, batch: 20, ..TrainingOptions::default() };
    /// let train = || Train::new(&table, "y", ModelKind::Logistic).options(options.clone()).train();
    /// let ((first, report), (again, _)) = (train()?, train()?);
    /// assert_eq!(first.network, again.network); // a seed makes a training
    /// assert!(report.history[0].train_loss > report.history[report.history.len() - 1].train_loss);
    /// # Ok::<(), unhat::Error>(())
    /// ```
    pub fn train(self) -> Result<(Model, TrainingReport)> {
        let prepared = self.request.prepare(self.table)?;
        let trained = prepared.train(None, None, &self.run)?;
        Ok((prepared.model(&trained), trained.report))
    }
}
