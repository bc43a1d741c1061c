//! A fitted model as data: its size, its penalty, its coefficients by name.

use super::Prepared;
use crate::models::{Family, Fitted, Label};
use serde::{Deserialize, Serialize};

/// A fitted model.
///
/// # Examples
/// ```
/// use unhat_models::Influence;
/// use unhat_models::influence::Method;
/// use unhat_models::models::{Column, Frame, ModelKind};
/// # // 2x + 1 fits (x, y) best, and leaves 2, −3, 0 and 1 over: they sum to 0, and so do their products with x.
/// # let (x, y) = (vec![0.0, 1.0, 2.0, 3.0], vec![3.0, 0.0, 5.0, 8.0]);
/// # let table = Frame::new(vec![("x".into(), Column::Numbers(x)), ("y".into(), Column::Numbers(y))])?;
/// // Of the points (0, 3), (1, 0), (2, 5) and (3, 8), whose best line is 2x + 1.
/// let model = Influence::new(&table, "y", ModelKind::Linear).method(Method::Loss).score()?.model;
/// assert_eq!((model.name.as_str(), model.family.as_str()), ("linear", "gaussian"));
/// assert_eq!((model.parameters, model.training_rows, model.penalty), (2, 4, 0.0));
/// # Ok::<(), unhat::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelReport {
    /// Its name, as it is asked for.
    pub name: String,
    /// The formula whose columns are its features; None where they are the columns of the table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub formula: Option<String>,
    /// The distribution of the response: gaussian, bernoulli, categorical or poisson.
    pub family: String,
    /// The number p of parameters.
    pub parameters: usize,
    /// The number n of training rows.
    pub training_rows: usize,
    /// The penalty M of the fit.
    pub penalty: f64,
    /// The mean held-out loss at every M that was tried, where M was chosen.
    pub cross_validation: Option<Vec<PenaltyReport>>,
    /// Share of training rows whose class is predicted; None for numbers.
    pub train_accuracy: Option<f64>,
    /// The classes in order; the last is the positive one of two.
    pub classes: Vec<Label>,
    /// The coefficients θ; empty for a network, whose weights are no coefficients.
    pub coefficients: Vec<Coefficient>,
}

/// A penalty that was tried.
///
/// # Examples
/// ```
/// use unhat_models::Influence;
/// use unhat_models::influence::Method;
/// use unhat_models::models::{Column, Frame, ModelKind};
/// # // 2x + 1 fits (x, y) best, and leaves 2, −3, 0 and 1 over: they sum to 0, and so do their products with x.
/// # let (x, y) = (vec![0.0, 1.0, 2.0, 3.0], vec![3.0, 0.0, 5.0, 8.0]);
/// # let table = Frame::new(vec![("x".into(), Column::Numbers(x)), ("y".into(), Column::Numbers(y))])?;
/// let model = Influence::new(&table, "y", ModelKind::Ridge).method(Method::Loss).score()?.model;
/// let tried = model.cross_validation.unwrap();
/// let best = tried.iter().map(|tried| tried.loss.unwrap()).fold(f64::INFINITY, f64::min);
/// assert!(tried.iter().any(|tried| tried.penalty == model.penalty && tried.loss == Some(best)));
/// # Ok::<(), unhat::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PenaltyReport {
    /// The penalty M of the fit.
    pub penalty: f64,
    /// Mean held-out loss; None where a fit diverged.
    pub loss: Option<f64>,
}

/// θ of one feature, in the units fitted: the feature is (x − center)/scale.
///
/// # Examples
/// ```
/// use unhat_models::Influence;
/// use unhat_models::influence::Method;
/// use unhat_models::models::{Column, Frame, ModelKind};
/// # // 2x + 1 fits (x, y) best, and leaves 2, −3, 0 and 1 over: they sum to 0, and so do their products with x.
/// # let (x, y) = (vec![0.0, 1.0, 2.0, 3.0], vec![3.0, 0.0, 5.0, 8.0]);
/// # let table = Frame::new(vec![("x".into(), Column::Numbers(x)), ("y".into(), Column::Numbers(y))])?;
/// // Of the points (0, 3), (1, 0), (2, 5) and (3, 8), whose best line is 2x + 1.
/// let found = Influence::new(&table, "y", ModelKind::Linear).method(Method::Loss).score()?;
/// let [slope, constant] = found.model.coefficients.as_slice() else { panic!("of two features") };
/// assert_eq!((slope.name.as_str(), slope.center), ("x", 1.5));
/// assert!((slope.value / slope.scale - 2.0).abs() < 1e-12); // in the units of the table
/// assert!((constant.value - slope.value / slope.scale * slope.center - 1.0).abs() < 1e-12);
/// # Ok::<(), unhat::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Coefficient {
    /// The name of the feature.
    pub name: String,
    /// The class it speaks for, where there are classes.
    pub class: Option<Label>,
    /// The coefficient θ in the units fitted.
    pub value: f64,
    /// What was subtracted from the column.
    pub center: f64,
    /// What it was divided by afterwards.
    pub scale: f64,
}

impl Prepared {
    pub(super) fn model_report(&self, fitted: &Fitted, train_accuracy: Option<f64>) -> ModelReport {
        let network = &fitted.network;
        ModelReport {
            name: self.options.kind.to_string(),
            formula: self.recipe.as_ref().map(|recipe| recipe.formula.clone()),
            family: match network.family {
                Family::Gaussian => "gaussian",
                Family::Bernoulli => "bernoulli",
                Family::Categorical { .. } => "categorical",
                Family::Poisson => "poisson",
            }
            .into(),
            parameters: network.parameters(),
            training_rows: self.parts.train.rows.len(),
            penalty: fitted.penalty,
            cross_validation: fitted.cross_validation.as_ref().map(|cv| {
                let tried = |l: &crate::models::PenaltyLoss| PenaltyReport {
                    penalty: l.penalty,
                    loss: l.loss.is_finite().then_some(l.loss),
                };
                cv.losses.iter().map(tried).collect()
            }),
            train_accuracy,
            coefficients: self.coefficients(fitted),
            classes: self.parts.response.classes().to_vec(),
        }
    }

    /// θ by feature and class.
    fn coefficients(&self, fitted: &Fitted) -> Vec<Coefficient> {
        let network = &fitted.network;
        if network.layers.len() > 1 {
            return Vec::new();
        }
        let (features, classes) = (self.parts.encoding.features(), self.parts.response.classes());
        let class_of = |output: usize| match network.family {
            Family::Bernoulli => classes.last().cloned(),
            Family::Categorical { .. } => classes.get(output).cloned(),
            _ => None,
        };
        let width = features.len();
        let coefficient = |(k, &value): (usize, &f64)| {
            let feature = &features[k % width];
            Coefficient {
                name: feature.name.clone(),
                class: class_of(k / width),
                value,
                center: feature.center,
                scale: feature.scale,
            }
        };
        network.layers[0].weights.iter().enumerate().map(coefficient).collect()
    }
}
