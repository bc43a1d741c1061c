//! A study of a table: fit the model, score every training row, say how far the scores may be trusted.

use super::leave_one_out::Preconditioner;
use super::method::{require_numbers, scores_as_computed};
use super::vanishing::{of_vanishing_rows, vanishing_rows};
use super::{
    Impact, ImpactKind, InfluenceOptions, LEVERAGE_DAMPING, Method, Ridge, SampleGradients, Scored, StudyDiagnostics,
    Target, Task, attacked_features, checkpoint_sum, damping, ensemble_mean, hat_values, spearman,
};
use crate::models::{FitRows, Fitted, ModelKind, Network, Part, Parts, fit_model};
use serde::{Deserialize, Serialize};
use std::time::Instant;
use unhat::{ErrorKind, Event, Result, Run};

/// Where v comes from.
///
/// # Examples
/// ```
/// use unhat_models::influence::Direction;
/// assert_eq!(Direction::named("training-margin"), Some(Direction::TrainingMargin));
/// assert_eq!(Direction::named("v.npy"), None); // a file, which the caller reads into `Given`
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum Direction {
    /// From f on the validation rows.
    Validation,
    /// From the training margins.
    TrainingMargin,
    /// The vector v itself, p values.
    Given(Vec<f64>),
}

impl Direction {
    /// The direction that `text` names; None where it names none, and so a file with v.
    pub fn named(text: &str) -> Option<Direction> {
        match text {
            "validation" => Some(Direction::Validation),
            "training-margin" => Some(Direction::TrainingMargin),
            _ => None,
        }
    }
}

/// What is asked of a study.
///
/// # Examples
/// ```
/// use unhat::Run;
/// use unhat_models::influence::{Method, Purpose, Request, StudyOptions, study};
/// use unhat_models::models::{Column, Frame, ModelKind};
/// # // 2x + 1 fits (x, y) best, and leaves 2, −3, 0 and 1 over: they sum to 0, and so do their products with x.
/// # let (x, y) = (vec![0.0, 1.0, 2.0, 3.0], vec![3.0, 0.0, 5.0, 8.0]);
/// # let table = Frame::new(vec![("x".into(), Column::Numbers(x)), ("y".into(), Column::Numbers(y))])?;
/// let request = Request { response: Some("y".into()), kind: Some(ModelKind::Linear), ..Request::default() };
/// let prepared = Request { method: Some(Method::Loss), ..request }.prepare(table, Purpose::Score)?;
/// // The same parts, another question: how long is each row's gradient?
/// let options = StudyOptions { method: Some(Method::GradNorm), ..prepared.options.clone() };
/// let found = study(&prepared.parts, &options, &Run::default())?;
/// assert!(found.scores.iter().zip(&found.gradient_norms).all(|(score, norm)| *score == -norm));
/// # Ok::<(), unhat::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct StudyOptions {
    /// The model to fit.
    pub kind: ModelKind,
    /// The penalty M of the fit; None: as [`fit_model`] chooses it.
    pub penalty: Option<f64>,
    /// What the scores are for.
    pub task: Task,
    /// The function f that influence is on.
    pub impact: ImpactKind,
    /// How rows are scored; None: the task's way.
    pub method: Option<Method>,
    /// Where v comes from.
    pub direction: Direction,
    /// The temperature T of v; None: the method's.
    pub temperature: Option<f64>,
    /// The damping α in units of mean‖g‖²; None: the method's.
    pub damping: Option<f64>,
    /// Whether leverages are computed beside scores that need none.
    pub leverages: bool,
    /// The number K of models, with seeds seed, seed + 1, ….
    pub ensemble: u32,
    /// The seed of everything that is drawn.
    pub seed: u64,
}

/// f on the rows that it is measured on.
///
/// # Examples
/// ```
/// use unhat::Run;
/// use unhat_models::influence::{Method, Purpose, Request};
/// use unhat_models::models::{Column, Frame, HeldOutRows, ModelKind};
/// # // 2x + 1 fits (x, y) best, and leaves 2, −3, 0 and 1 over: they sum to 0, and so do their products with x.
/// # let (x, y) = (vec![0.0, 1.0, 2.0, 3.0], vec![3.0, 0.0, 5.0, 8.0]);
/// # let table = Frame::new(vec![("x".into(), Column::Numbers(x)), ("y".into(), Column::Numbers(y))])?;
/// let (x, y) = (vec![1.5], vec![6.0]);
/// let held_out = Frame::new(vec![("x".into(), Column::Numbers(x)), ("y".into(), Column::Numbers(y))])?;
/// let request = Request { response: Some("y".into()), kind: Some(ModelKind::Linear), ..Request::default() };
/// let request = Request { method: Some(Method::Loss), validation: HeldOutRows::Table(held_out), ..request };
/// let found = request.prepare(table, Purpose::Score)?.study(&Run::default())?.impact; // the fit is 2x + 1
/// assert!((found.validation.unwrap() - 2.0).abs() < 1e-12); // ½(4 − 6)²
/// assert_eq!(found.test, None);
/// # Ok::<(), unhat::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ImpactValues {
    /// The value of f on the validation rows, signed.
    pub validation: Option<f64>,
    /// The value of f on the test rows, signed.
    pub test: Option<f64>,
}

/// What an ensemble added.
///
/// # Examples
/// ```
/// use unhat::Run;
/// use unhat_models::influence::{Method, Purpose, Request};
/// use unhat_models::models::{Column, Frame, ModelKind};
/// # let x: Vec<f64> = (0..20).map(f64::from).collect();
/// # let y: Vec<f64> = x.iter().map(|x| (x / 4.0).sin()).collect();
/// # let table = Frame::new(vec![("x".into(), Column::Numbers(x)), ("y".into(), Column::Numbers(y))])?;
/// let request = |kind| Request { response: Some("y".into()), kind: Some(kind), ensemble: 2, ..Request::default() };
/// let spread = |kind| {
///     let request = Request { method: Some(Method::Loss), ..request(kind) };
///     Ok::<_, unhat::Error>(request.prepare(table.clone(), Purpose::Score)?.study(&Run::default())?.ensemble)
/// };
/// assert_eq!(spread(ModelKind::Network(vec![3]))?.unwrap().members, 2);
/// assert_eq!(spread(ModelKind::Linear)?, None); // a model without hidden layers has one minimum
/// # Ok::<(), unhat::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EnsembleSpread {
    /// The number K of fits that were averaged.
    pub members: u32,
    /// Mean rank correlation of one member's scores with the ensemble's.
    pub correlation: Option<f64>,
}

/// Where the seconds of a study went.
///
/// # Examples
/// ```
/// use unhat::Run;
/// use unhat_models::influence::{Method, Purpose, Request, study_of};
/// use unhat_models::models::{Column, Frame, ModelKind};
/// # // 2x + 1 fits (x, y) best, and leaves 2, −3, 0 and 1 over: they sum to 0, and so do their products with x.
/// # let (x, y) = (vec![0.0, 1.0, 2.0, 3.0], vec![3.0, 0.0, 5.0, 8.0]);
/// # let table = Frame::new(vec![("x".into(), Column::Numbers(x)), ("y".into(), Column::Numbers(y))])?;
/// # let (response, kind) = (Some("y".into()), Some(ModelKind::Linear));
/// # let request = Request { response, kind, method: Some(Method::Loss), ..Request::default() };
/// # let (prepared, run) = (request.prepare(table, Purpose::Score)?, Run::default());
/// let whole = prepared.study(&run)?;
/// let again = study_of(vec![whole.fitted.clone()], &prepared.parts, &prepared.options, &run)?;
/// assert!(whole.phases.fit > 0.0);
/// assert_eq!(again.phases.fit, 0.0); // the model was there
/// assert_eq!(again.scores, whole.scores);
/// # Ok::<(), unhat::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Phases {
    /// Seconds to fit the models; 0 for a model that was there.
    pub fit: f64,
    /// Seconds from the model to the scores.
    pub score: f64,
    /// Seconds for what is told beside them: losses, norms, leverages, f, diagnostics.
    pub beside: f64,
}

/// A scored table.
///
/// # Examples
/// ```
/// use unhat::Run;
/// use unhat_models::influence::{Method, Purpose, Request};
/// use unhat_models::models::{Column, Frame, ModelKind};
/// # // 2x + 1 fits (x, y) best, and leaves 2, −3, 0 and 1 over: they sum to 0, and so do their products with x.
/// # let (x, y) = (vec![0.0, 1.0, 2.0, 3.0], vec![3.0, 0.0, 5.0, 8.0]);
/// # let table = Frame::new(vec![("x".into(), Column::Numbers(x)), ("y".into(), Column::Numbers(y))])?;
/// # let (response, kind) = (Some("y".into()), Some(ModelKind::Linear));
/// # let request = Request { response, kind, method: Some(Method::Loss), ..Request::default() };
/// # let (prepared, run) = (request.prepare(table, Purpose::Score)?, Run::default());
/// // The line 2x + 1 leaves 2, −3, 0 and 1 over at (0, 3), (1, 0), (2, 5) and (3, 8).
/// let found = prepared.study(&run)?;
/// assert!(found.losses.iter().zip([2.0, 4.5, 0.0, 0.5]).all(|(l, e)| (l - e).abs() < 1e-12));
/// assert!(found.scores.iter().zip(&found.losses).all(|(score, loss)| *score == -loss)); // larger = better
/// assert!((found.hat.unwrap()[0] - 0.7).abs() < 1e-12); // 1/4 + 1.5²/5
/// # Ok::<(), unhat::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Study {
    /// The model of the first seed.
    pub fitted: Fitted,
    /// How rows were scored.
    pub method: Method,
    /// The score of every training row; larger = better row.
    pub scores: Vec<f64>,
    /// The loss ℓᵢ of every training row.
    pub losses: Vec<f64>,
    /// The length ‖gᵢ‖ of every row's gradient.
    pub gradient_norms: Vec<f64>,
    /// Ridge leverage of the gradients; None where min(n, p) is above [`LEVERAGE_LIMIT`], or where it was declined.
    pub leverages: Option<Vec<f64>>,
    /// Hat values of the fit ([`hat_values`]); None where the model has none, or more than [`LEVERAGE_LIMIT`] inputs.
    pub hat: Option<Vec<f64>>,
    /// The function f that influence is on.
    pub impact: ImpactValues,
    /// The temperature T of v, where it has one.
    pub temperature: Option<f64>,
    /// The damping M of the damped system of the method, where it has one.
    pub damping: Option<f64>,
    /// How far the scores may be trusted.
    pub diagnostics: StudyDiagnostics,
    /// How the members of an ensemble agree, with K > 1.
    pub ensemble: Option<EnsembleSpread>,
    /// The scores of each member, with K > 1; else empty.
    pub members: Vec<Vec<f64>>,
    /// What a person must know, in words.
    pub warnings: Vec<String>,
    /// Where the seconds went.
    pub phases: Phases,
}

/// Leverages are computed unasked up to this min(n, p): 42 GFlop.
pub const LEVERAGE_LIMIT: usize = 5000;

/// Fits, scores and judges.
///
/// # Cost
/// K fits; the method; about thirty sweeps for what is printed beside it.
/// # Randomness
/// By the seed; the same bits for any number of threads.
/// # Errors
/// [`ErrorKind::Option`] naming the option; those of [`fit_model`] and [`score_rows`](super::score_rows).
/// # References
/// Influence2024.
pub fn study(parts: &Parts, options: &StudyOptions, run: &Run<'_>) -> Result<Study> {
    if options.ensemble == 0 {
        let reason = "found 0, expected at least 1 model".to_string();
        return Err(ErrorKind::Option { name: "ensemble".into(), reason }.into());
    }
    run.tell(Event::Phase("fitting the model"));
    let started = Instant::now();
    let models = fit_members(parts, options, run)?;
    let fit = started.elapsed().as_secs_f64();
    let mut found = study_of(models, parts, options, run)?;
    found.phases.fit = fit;
    found.warnings.extend(same_members(options));
    Ok(found)
}

/// The models of an ensemble, with seeds seed, seed + 1, …; one for a model without hidden layers.
///
/// # Errors
/// Those of [`fit_model`].
pub(super) fn fit_members(parts: &Parts, options: &StudyOptions, run: &Run<'_>) -> Result<Vec<Fitted>> {
    let members = if matches!(options.kind, ModelKind::Network(_)) { options.ensemble } else { 1 };
    let rows = fit_rows(&parts.train, parts);
    (0..members)
        .map(|k| fit_model(&options.kind, parts.family, &rows, options.penalty, options.seed + u64::from(k), run))
        .collect()
}

/// What to say of an ensemble whose members would all be one model.
pub(super) fn same_members(options: &StudyOptions) -> Option<String> {
    (options.ensemble > 1 && !matches!(options.kind, ModelKind::Network(_))).then(|| {
        format!(
            "all {} members of the ensemble are the same: a model without hidden layers has one minimum",
            options.ensemble
        )
    })
}

/// The same with models that are there already.
///
/// # Errors
/// As [`study`]; [`ErrorKind::Shape`] for a model of other columns.
pub fn study_of(mut models: Vec<Fitted>, parts: &Parts, options: &StudyOptions, run: &Run<'_>) -> Result<Study> {
    run.tell(Event::Phase("scoring the rows"));
    let started = Instant::now();
    let first = sample(&models[0].network, &parts.train)?;
    let method = options.method.unwrap_or_else(|| options.task.default_method(&first));
    if !options.leverages {
        method.require_damping(options.damping)?;
    }
    let each: Vec<Scored> =
        models.iter().map(|fitted| scored(fitted, method, parts, options, run)).collect::<Result<_>>()?;
    let all: Vec<Vec<f64>> = each.iter().map(|s| s.scores.clone()).collect();
    let scores = ensemble_mean(&all);
    let score = started.elapsed().as_secs_f64();
    let ensemble = (all.len() > 1).then(|| {
        let correlations: Vec<f64> = all.iter().filter_map(|s| spearman(s, &scores)).collect();
        let mean = correlations.iter().sum::<f64>() / correlations.len() as f64;
        EnsembleSpread { members: all.len() as u32, correlation: mean.is_finite().then_some(mean) }
    });

    let leverages = (options.leverages && first.rows().min(first.parameters()) <= LEVERAGE_LIMIT)
        .then(|| {
            let m = damping(&first, options.damping.unwrap_or(LEVERAGE_DAMPING), run)?;
            if m > 0.0 { Ridge::new(&first, m, run)?.leverages(run) } else { Ok(vec![0.0; first.rows()]) }
        })
        .transpose()?;
    let network = &models[0].network;
    let hat = match network.inputs() <= LEVERAGE_LIMIT {
        true => hat_values(&first, models[0].penalty, run)?,
        false => None,
    };
    let impact = ImpactValues {
        validation: parts.validation.as_ref().map(|part| impact_value(network, part, options, run)).transpose()?,
        test: parts.test.as_ref().map(|part| impact_value(network, part, options, run)).transpose()?,
    };
    let temperature = options.temperature.unwrap_or(method.temperature());
    let mut diagnostics = with_target(network, parts, options, method, run, |target| {
        StudyDiagnostics::of(method, &first, target, temperature, &scores, options.seed, run)
    })?;
    diagnostics.residual = each[0].residual;
    diagnostics.largest_leverage = each[0].largest_leverage;
    let mut warnings = parts.warnings.clone();
    warnings.extend(models[0].warnings.iter().cloned());
    warnings.extend(diagnostics.warnings());
    if method != Method::Loss {
        let vanishing: Vec<usize> = vanishing_rows(&first, run)?.into_iter().map(|i| parts.train.rows[i]).collect();
        warnings.extend(of_vanishing_rows(&vanishing, &method.to_string()));
    }
    Ok(Study {
        method,
        scores,
        losses: first.losses(run)?,
        gradient_norms: first.norms_squared(run)?.into_iter().map(f64::sqrt).collect(),
        leverages,
        hat,
        impact,
        temperature: each[0].temperature,
        damping: each[0].damping,
        diagnostics,
        ensemble,
        members: if all.len() > 1 { all } else { Vec::new() },
        warnings,
        fitted: models.swap_remove(0),
        phases: Phases { fit: 0.0, score, beside: started.elapsed().as_secs_f64() - score },
    })
}

/// The scores of one model.
///
/// # Errors
/// As [`score_rows`](super::score_rows); [`ErrorKind::Option`] for checkpoints of a model that has none.
pub fn scored(fitted: &Fitted, method: Method, parts: &Parts, options: &StudyOptions, run: &Run<'_>) -> Result<Scored> {
    let of = |network: &Network, method: Method| {
        let training = sample(network, &parts.train)?;
        let preconditioner = match options.task {
            Task::Fairness | Task::Robustness => Preconditioner::Jacobi,
            _ => Preconditioner::ClassBlocks,
        };
        let options_of_scores = InfluenceOptions {
            penalty: fitted.penalty,
            temperature: options.temperature,
            damping: options.damping,
            preconditioner,
        };
        with_target(network, parts, options, method, run, |target| {
            let scored = scores_as_computed(method, &training, target, &options_of_scores, run)?;
            require_numbers(method, &scored.scores, |i| parts.train.rows[i])?;
            Ok(scored)
        })
    };
    if method != Method::Checkpoints {
        return of(&fitted.network, method);
    }
    if fitted.snapshots.is_empty() {
        let reason = "ip-checkpoints needs a network trained here: other models have no checkpoints".to_string();
        return Err(ErrorKind::Option { name: "method".into(), reason }.into());
    }
    let scores: Vec<Scored> =
        fitted.snapshots.iter().map(|s| of(&s.network, Method::InnerProduct)).collect::<Result<_>>()?;
    let all: Vec<Vec<f64>> = scores.iter().map(|s| s.scores.clone()).collect();
    let last = scores.into_iter().next_back();
    last.map(|last| Scored { scores: checkpoint_sum(&all), ..last })
        .ok_or_else(|| ErrorKind::Numerical { reason: "no checkpoint was kept".into() }.into())
}

/// f at a model on some rows, signed.
///
/// # Errors
/// Those of [`Impact`].
pub fn impact_value(network: &Network, part: &Part, options: &StudyOptions, run: &Run<'_>) -> Result<f64> {
    let attacked = attacked(network, part, &options.impact)?;
    impact(network, part, attacked.as_deref(), &options.impact)?.value(run)
}

/// Labelled rows under a network.
pub fn sample<'a>(network: &'a Network, part: &'a Part) -> Result<SampleGradients<'a>> {
    SampleGradients::new(network, &part.features, &part.responses)
}

/// A part as rows to fit to.
pub fn fit_rows<'a>(part: &'a Part, parts: &Parts) -> FitRows<'a> {
    FitRows { features: &part.features, inputs: parts.encoding.width(), responses: &part.responses, weights: None }
}

/// Hands the target of the options, for this network, to `f`.
pub(super) fn with_target<R>(
    network: &Network,
    parts: &Parts,
    options: &StudyOptions,
    method: Method,
    run: &Run<'_>,
    f: impl FnOnce(Target<'_>) -> Result<R>,
) -> Result<R> {
    run.check()?;
    match (&options.direction, &parts.validation) {
        (Direction::Given(v), _) => f(Target::Given(v)),
        (Direction::TrainingMargin, _) => f(Target::TrainingMargin),
        (Direction::Validation, None) if method.needs_v() => {
            let reason = format!("{method} needs validation rows: give a table or a share");
            Err(ErrorKind::Option { name: "validation".into(), reason }.into())
        }
        (Direction::Validation, None) => f(Target::Nothing),
        (Direction::Validation, Some(part)) => {
            if method.needs_v() {
                require_several_classes(network, part)?;
            }
            let attacked = attacked(network, part, &options.impact)?;
            let impact = impact(network, part, attacked.as_deref(), &options.impact)?;
            f(Target::Impact { impact: &impact, absolute: options.impact.is_unfairness() })
        }
    }
}

fn attacked(network: &Network, part: &Part, kind: &ImpactKind) -> Result<Option<Vec<f64>>> {
    match kind {
        ImpactKind::Robustness(gamma) => attacked_features(network, &part.features, *gamma).map(Some),
        _ => Ok(None),
    }
}

fn impact<'a>(
    network: &'a Network,
    part: &'a Part,
    attacked: Option<&'a [f64]>,
    kind: &ImpactKind,
) -> Result<Impact<'a>> {
    let rows = SampleGradients::new(network, attacked.unwrap_or(&part.features), &part.responses)?;
    if kind.is_unfairness() && part.group.is_empty() {
        let reason = format!("{} compares two groups: name their column", kind.name());
        return Err(ErrorKind::Option { name: "group".into(), reason }.into());
    }
    match kind {
        ImpactKind::Utility | ImpactKind::Robustness(_) => Ok(Impact::utility(rows)),
        ImpactKind::Parity => Impact::parity(rows, &part.group),
        ImpactKind::Opportunity => Impact::opportunity(rows, &part.group),
    }
}

fn require_several_classes(network: &Network, part: &Part) -> Result<()> {
    let one = part.responses.iter().all(|y| *y == part.responses[0]);
    if network.family.is_classification() && one {
        let reason =
            format!("all {} validation rows have one class: they say nothing about the others", part.rows.len());
        return Err(ErrorKind::Option { name: "validation".into(), reason }.into());
    }
    Ok(())
}
