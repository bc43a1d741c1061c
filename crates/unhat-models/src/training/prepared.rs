//! A table divided for a training: what is trained on, by which options, and the model that comes of it.

use super::options::{OptimiserName, TrainingOptions, refusal};
use super::saved::SavedTraining;
use super::{Keeper, Sets, Trained, train_model};
use crate::models::{Frame, HeldOut, Model, ModelKind, PartOptions, Parts, Scaling, TrainingData};
use unhat::{Result, Run};

/// What a person asks of a training besides its options, with tables read already.
#[derive(Clone)]
pub struct TrainingRequest<'a> {
    /// The response column.
    pub response: &'a str,
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
    kind: ModelKind,
    scaling: Scaling,
    options: TrainingOptions,
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
        let without: Vec<&str> = self.without.iter().map(String::as_str).collect();
        let scaling = if self.standardize { Scaling::Standardised } else { Scaling::None };
        let parts = Parts::of(
            table,
            &PartOptions {
                response: self.response,
                wanted: self.kind.wanted(),
                scaling,
                without: &without,
                group: None,
                validation: self.validation,
                test: HeldOut::None,
                seed: self.options.seed,
                model: None,
            },
        )?;
        if parts.validation.as_ref().is_some_and(|part| part.rows.is_empty()) {
            return Err(refusal("validation", "leaves no row to validate with".into()));
        }
        Ok(PreparedTraining { parts, kind: self.kind, scaling, options: self.options })
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
            encoding: self.parts.encoding.clone(),
            response: self.parts.response.clone(),
            scaling: self.scaling,
            penalty: if is_coupled { rows * self.options.weight_decay } else { 0.0 },
            network: trained.network.clone(),
        }
    }
}
