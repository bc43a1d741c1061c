//! A table divided for a training: what is trained on, by which options, and the model that comes of it.

use super::options::{OptimiserName, TrainingOptions, refusal};
use super::saved::SavedTraining;
use super::{Keeper, Sets, Trained, train_model};
use crate::models::{Frame, HeldOut, Model, ModelKind, PartOptions, Parts, Recipe, Scaling, TrainingData};
use crate::regression::{Specification, features_of, learn_features};
use unhat::{Result, Run};

/// What a person asks of a training besides its options, with tables read already.
#[derive(Clone)]
pub struct TrainingRequest<'a> {
    /// The response column; None: that of the formula.
    pub response: Option<&'a str>,
    /// A formula whose columns are the features, and with it which rows enter; None: every column is one.
    pub formula: Option<&'a Specification>,
    /// The model.
    pub kind: ModelKind,
    /// Validation rows.
    pub validation: HeldOut<'a>,
    /// Columns that are no features.
    pub without: &'a [String],
    /// Whether numbers are standardised.
    pub standardize: bool,
    /// How it is trained.
    pub options: TrainingOptions,
}

/// Encoded rows with what is asked of them.
#[derive(Clone, Debug)]
pub struct PreparedTraining {
    /// The rows, encoded.
    pub parts: Parts,
    /// How many rows of the table a formula left out for missing cells.
    pub left_out: usize,
    kind: ModelKind,
    scaling: Scaling,
    options: TrainingOptions,
    recipe: Option<Recipe>,
}

impl TrainingRequest<'_> {
    /// Applies the rules and divides the table.
    ///
    /// # Errors
    /// Those of [`TrainingOptions::check`] and [`Parts::of`]; [`unhat::ErrorKind::Option`] under the name `validation` where it
    /// leaves no row.
    pub fn prepare(self, table: &Frame) -> Result<PreparedTraining> {
        self.options.check(!matches!(self.validation, HeldOut::None))?;
        self.without.iter().try_for_each(|name| table.position("without", name).map(drop))?;
        let made = match (self.formula, self.response) {
            (Some(_), Some(_)) => return Err(refusal("response", "the formula has it".into())),
            (Some(_), None) if !self.without.is_empty() => {
                return Err(refusal("without", "the formula says which columns are features".into()));
            }
            (Some(wanted), None) => Some((learn_features(table, wanted, &[])?, wanted.missing)),
            (None, _) => None,
        };
        let response = match (&made, self.response) {
            (Some(((_, featured), _)), _) => featured.response.as_str(),
            (None, Some(response)) => response,
            (None, None) => return Err(refusal("response", "is missing".into())),
        };
        let own = match (&made, self.validation) {
            (Some(((recipe, _), missing)), HeldOut::Table(own)) => {
                Some(features_of(recipe, own, *missing, (&[], true))?.table)
            }
            _ => None,
        };
        let without: Vec<&str> = self.without.iter().map(String::as_str).collect();
        let scaling = if self.standardize { Scaling::Standardised } else { Scaling::None };
        let mut parts = Parts::of(
            made.as_ref().map_or(table, |((_, featured), _)| &featured.table),
            &PartOptions {
                response,
                wanted: self.kind.wanted(),
                scaling,
                without: &without,
                group: None,
                validation: own.as_ref().map_or(self.validation, HeldOut::Table),
                test: HeldOut::None,
                seed: self.options.seed,
                model: None,
            },
        )?;
        if parts.validation.as_ref().is_some_and(|part| part.rows.is_empty()) {
            return Err(refusal("validation", "leaves no row to validate with".into()));
        }
        let left_out = made.as_ref().map_or(0, |((_, featured), _)| featured.left_out(table).len());
        let recipe = made.map(|((recipe, featured), _)| {
            parts.warnings.splice(0..0, featured.notes);
            recipe
        });
        Ok(PreparedTraining { parts, left_out, kind: self.kind, scaling, options: self.options, recipe })
    }
}

impl PreparedTraining {
    /// Trains; the report names the response and its classes.
    ///
    /// # Errors
    /// Those of [`train_model`].
    pub fn train(
        &self,
        resumed: Option<SavedTraining>,
        keeper: Option<&mut dyn Keeper>,
        run: &Run<'_>,
    ) -> Result<Trained> {
        let mut trained = train_model(&self.sets(), &self.kind, &self.options, resumed, keeper, run)?;
        trained.report.describe(&self.parts.response);
        Ok(trained)
    }

    fn sets(&self) -> Sets<'_> {
        let parts = &self.parts;
        let (train, inputs) = (&parts.train, parts.encoding.width());
        Sets {
            train: TrainingData { features: &train.features, inputs, response: &train.responses, family: parts.family },
            validation: parts.validation.as_ref().map(|part| (part.features.as_slice(), part.responses.as_slice())),
        }
    }

    /// The model with the weights that were kept.
    pub fn model(&self, trained: &Trained) -> Model {
        // λ in the gradient is the penalty M = nλ on the sum of the losses; decoupled, it is the penalty of no objective
        let is_coupled = matches!(self.options.optimizer, OptimiserName::Sgd | OptimiserName::Nesterov);
        let rows = self.parts.train.rows.len() as f64;
        Model {
            kind: self.kind.clone(),
            recipe: self.recipe.clone(),
            encoding: self.parts.encoding.clone(),
            response: self.parts.response.clone(),
            scaling: self.scaling,
            penalty: if is_coupled { rows * self.options.weight_decay } else { 0.0 },
            network: trained.network.clone(),
        }
    }
}
