//! Planted flips: a share of the labels is flipped, the model trained anew, and the methods ranked by how they find them.

use super::study::{StudyOptions, fit_members, same_members, sample, scored};
use super::{LARGEST_DENSE_CURVATURE, Method, accuracy, area_under_curve, average_precision, ensemble_mean};
use crate::models::{Family, Fitted, ModelKind, Part, Parts};
use unhat::random::uniform_rows_into;
use unhat::{ErrorKind, Event, Result, Run};

/// Share of labels flipped: enough to count on a thousand rows, too few to change the model much.
pub const FLIPPED_SHARE: f64 = 0.05;

/// How a method found the planted flips. With real noise among the rest both numbers are understated.
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
/// let found = prepared.check(&run)?;
/// let (best, worst) = (found.methods[0], found.methods[found.methods.len() - 1]);
/// assert!(1.0 >= best.auc && best.auc >= worst.auc);
/// assert_eq!(best.auc_of_one, None); // one model alone
/// # Ok::<(), unhat::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MethodCheck {
    /// The method that scored the rows.
    pub method: Method,
    /// Area under the curve: how often a flipped row ranks as worse than one that is not.
    pub auc: f64,
    /// Average precision over the flipped rows, worst first.
    pub average_precision: f64,
    /// Mean area under the curve of a single member's scores, where there are several.
    pub auc_of_one: Option<f64>,
}

/// The methods, best first.
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
/// let found = prepared.check(&run)?; // of 60 rows, of which 12 are held out for v
/// assert_eq!((found.flipped, found.members), (2, 1)); // 5 % of the 48 others
/// assert!(found.methods.windows(2).all(|pair| pair[0].auc >= pair[1].auc)); // best first
/// assert_eq!(found.fitted.network.parameters(), 2);
/// # Ok::<(), unhat::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct PlantedFlips {
    /// How many labels were flipped.
    pub flipped: usize,
    /// What each method found, by area under the curve.
    pub methods: Vec<MethodCheck>,
    /// Methods that this model or its size does not admit, with the reason.
    pub left_out: Vec<(Method, String)>,
    /// Models whose scores were averaged, K.
    pub members: u32,
    /// The model of the first seed, trained on the planted flips.
    pub fitted: Fitted,
    /// Its accuracy on the rows as they were planted.
    pub training_accuracy: Option<f64>,
    /// What a person must know, in words.
    pub warnings: Vec<String>,
}

/// Flips labels, trains, scores by every method that applies, and ranks the methods.
///
/// # Cost
/// K more trainings, and for each one scoring a method.
/// # Errors
/// [`ErrorKind::Option`] where the response is a number; those of training.
pub fn planted_flips(parts: &Parts, options: &StudyOptions, run: &Run<'_>) -> Result<PlantedFlips> {
    if !parts.family.is_classification() {
        let reason = "labels can be flipped only where the response is a class".to_string();
        return Err(ErrorKind::Option { name: "response".into(), reason }.into());
    }
    let (train, flipped) = with_flips(&parts.train, parts.family, FLIPPED_SHARE, options.seed);
    let planted = Parts { train, ..parts.clone() };
    run.tell(Event::Phase("training on planted flips"));
    let mut models = fit_members(&planted, options, run)?;
    let parameters = models[0].network.parameters();
    let rows = planted.train.rows.len();
    let (mut methods, mut left_out) = (Vec::new(), Vec::new());
    for method in candidates(&options.kind) {
        run.check()?;
        let curvature = matches!(method, Method::Exact | Method::OneStep);
        if curvature && parameters > LARGEST_DENSE_CURVATURE
            || matches!(method, Method::Leverage | Method::Fisher) && rows.min(parameters) > super::LEVERAGE_LIMIT
        {
            left_out.push((method, format!("{parameters} parameters and {rows} rows are too many")));
            continue;
        }
        let each: Result<Vec<Vec<f64>>> =
            models.iter().map(|fitted| Ok(scored(fitted, method, &planted, options, run)?.scores)).collect();
        match each {
            Ok(each) => methods.extend(judged(method, &each, &flipped)),
            Err(error) if matches!(error.kind(), ErrorKind::Interrupted) => return Err(error),
            Err(error) => left_out.push((method, error.to_string())),
        }
    }
    methods.sort_by(|a, b| b.auc.total_cmp(&a.auc)); // stable: the cheaper first among equals
    let training_accuracy = accuracy(&sample(&models[0].network, &planted.train)?, run)?;
    let mut warnings = parts.warnings.clone();
    warnings.extend(models[0].warnings.iter().cloned());
    warnings.extend(same_members(options));
    Ok(PlantedFlips {
        flipped: flipped.iter().filter(|f| **f).count(),
        methods,
        left_out,
        members: models.len() as u32,
        fitted: models.swap_remove(0),
        training_accuracy,
        warnings,
    })
}

/// How the mean of the members' scores finds the flips, and how one of them does.
fn judged(method: Method, members: &[Vec<f64>], flipped: &[bool]) -> Option<MethodCheck> {
    let harm: Vec<f64> = ensemble_mean(members).iter().map(|s| -s).collect();
    Some(MethodCheck {
        method,
        auc: area_under_curve(&harm, flipped)?,
        average_precision: average_precision(&harm, flipped)?,
        auc_of_one: auc_of_one(members, flipped),
    })
}

/// The mean over the members of an ensemble of the area under the curve of each; None of one alone.
///
/// The area of the ensemble less this one is the gain over K = 1.
pub fn auc_of_one(members: &[Vec<f64>], bad: &[bool]) -> Option<f64> {
    let area = |scores: &Vec<f64>| area_under_curve(&scores.iter().map(|s| -s).collect::<Vec<f64>>(), bad);
    let each: Vec<f64> = members.iter().map(area).collect::<Option<_>>()?;
    (each.len() > 1).then(|| each.iter().sum::<f64>() / each.len() as f64)
}

/// All methods that a table of this kind of model compares, the cheapest first.
fn candidates(kind: &ModelKind) -> Vec<Method> {
    let mut all = vec![
        Method::Loss,
        Method::GradNorm,
        Method::SelfInfluence,
        Method::InnerProduct,
        Method::WhitenedTempered,
        Method::TwoSteps,
        Method::RankSum { two_steps: false },
        Method::RankSum { two_steps: true },
        Method::Leverage,
        Method::Fisher,
        Method::HessianSteps { steps: 4 },
    ];
    match kind {
        ModelKind::Network(_) => all.push(Method::Checkpoints),
        _ => all.extend([Method::Exact, Method::OneStep]),
    }
    all
}

/// The rows with a share of their labels changed to another class, and which.
///
/// # Randomness
/// Keyed by (seed, row).
pub fn with_flips(part: &Part, family: Family, share: f64, seed: u64) -> (Part, Vec<bool>) {
    const WHICH: u64 = 0x66_6c_69_70; // streams of their own: neither those of a split nor of a training
    const WHAT: u64 = WHICH + 1;
    let rows = part.responses.len();
    let (mut keys, mut classes) = (vec![0.0; rows], vec![0.0; rows]);
    uniform_rows_into(seed, WHICH, 0, &mut keys);
    uniform_rows_into(seed, WHAT, 0, &mut classes);
    let mut order: Vec<usize> = (0..rows).collect();
    order.sort_by(|&a, &b| keys[a].total_cmp(&keys[b]));
    let count = ((share * rows as f64).round() as usize).clamp(1, rows);
    let mut flipped = vec![false; rows];
    let mut changed = part.clone();
    let number = family.outputs().max(2);
    for &row in &order[..count] {
        flipped[row] = true;
        let other = 1 + (classes[row] * (number - 1) as f64) as usize; // 1..number: never the class itself
        changed.responses[row] = ((part.responses[row] as usize + other) % number) as f64;
    }
    (changed, flipped)
}
