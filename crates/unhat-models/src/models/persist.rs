//! A model as bytes: the weights as safetensors, everything else as JSON in its metadata.

use super::encoding::Encoding;
use super::network::Layer;
use super::recipe::Recipe;
use super::{Activation, Family, LayerShape, ModelKind, Network, Response, ResponseKind, Scaling, Wanted};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use unhat::{ErrorKind, Result};

/// The metadata key under which everything but the weights is kept.
const KEY: &str = "unhat";
/// Of this layout of the metadata.
const VERSION: u32 = 1;

/// A fitted model with all that a prediction needs.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// Which model.
    pub kind: ModelKind,
    /// The formula whose columns it is fitted to; None: the columns of a table as they are.
    pub recipe: Option<Recipe>,
    /// How columns become features.
    pub encoding: Encoding,
    /// What is predicted.
    pub response: Response,
    /// Whether numbers were standardised.
    pub scaling: Scaling,
    /// M of the objective it was fitted to.
    pub penalty: f64,
    /// The weights.
    pub network: Network,
}

#[derive(Serialize, Deserialize)]
struct Metadata {
    version: u32,
    model: String,
    family: Family,
    activation: Activation,
    penalty: f64,
    scaling: Scaling,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    recipe: Option<Recipe>,
    encoding: Encoding,
    response: Response,
    layers: usize,
}

impl Model {
    /// The model as a safetensors file: `layer.0.weight` and so on, (outputs, inputs) with the bias in the last column, and
    /// the metadata `unhat`, which says levels, means, scales, classes, family, activation and penalty.
    ///
    /// # Errors
    /// [`ErrorKind::Numerical`] for weights that are not finite.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        if self.network.layers.iter().any(|l| l.weights.iter().any(|w| !w.is_finite())) {
            let reason = "a weight of the model is not finite; it cannot be saved".to_string();
            return Err(ErrorKind::Numerical { reason }.into());
        }
        let metadata = Metadata {
            version: VERSION,
            model: self.kind.to_string(),
            family: self.network.family,
            activation: self.network.activation,
            penalty: self.penalty,
            scaling: self.scaling,
            recipe: self.recipe.clone(),
            encoding: self.encoding.clone(),
            response: self.response.clone(),
            layers: self.network.layers.len(),
        };
        let failed = |reason: String| ErrorKind::Numerical { reason: format!("the model cannot be saved: {reason}") };
        let text = serde_json::to_string(&metadata).map_err(|e| failed(e.to_string()))?;
        let weights: Vec<Vec<u8>> =
            self.network.layers.iter().map(|l| l.weights.iter().flat_map(|w| w.to_le_bytes()).collect()).collect();
        let mut tensors = Vec::with_capacity(weights.len());
        for (l, (layer, bytes)) in self.network.layers.iter().zip(&weights).enumerate() {
            let shape = vec![layer.shape.outputs, layer.shape.inputs];
            tensors.push((name(l), TensorView::new(Dtype::F64, shape, bytes).map_err(|e| failed(e.to_string()))?));
        }
        let metadata = HashMap::from([(KEY.to_string(), text)]);
        Ok(safetensors::serialize(tensors, Some(metadata)).map_err(|e| failed(e.to_string()))?)
    }

    /// The model in the bytes of a file; `path` is for messages. Nothing in it is trusted.
    ///
    /// # Errors
    /// [`ErrorKind::Source`] for bytes that are no model, and for what contradicts itself.
    pub fn from_bytes(path: &str, bytes: &[u8]) -> Result<Model> {
        let fault = |reason: String| ErrorKind::Source { path: path.to_string(), position: None, reason };
        let broken = |e: safetensors::SafeTensorError| fault(format!("is no safetensors file: {e}"));
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(broken)?;
        let text = header.metadata().as_ref().and_then(|m| m.get(KEY));
        let text = text.ok_or_else(|| fault("has no metadata of unhat, expected a model that unhat saved".into()))?;
        let metadata: Metadata =
            serde_json::from_str(text).map_err(|e| fault(format!("its metadata cannot be read: {e}")))?;
        if metadata.version != VERSION {
            return Err(fault(format!("has version {}, expected {VERSION}", metadata.version)).into());
        }
        let tensors = SafeTensors::deserialize(bytes).map_err(broken)?;
        let mut layers = Vec::new();
        for l in 0..metadata.layers {
            let tensor = tensors.tensor(&name(l)).map_err(|_| fault(format!("has no tensor {}", name(l))))?;
            layers.push(layer(&tensor).map_err(|reason| fault(format!("tensor {}: {reason}", name(l))))?);
        }
        let kind: ModelKind = metadata.model.parse().map_err(|e: unhat::Error| fault(e.to_string()))?;
        let Metadata { family, activation, penalty, scaling, recipe, encoding, response, .. } = metadata;
        let model = Model {
            kind,
            recipe,
            encoding,
            response,
            scaling,
            penalty,
            network: Network { layers, activation, family },
        };
        model.require_consistent().map_err(fault)?;
        Ok(model)
    }

    /// Whether encoding, layers and response belong together; the reason where not.
    fn require_consistent(&self) -> std::result::Result<(), String> {
        let mut inputs = self.encoding.width();
        let outputs = self.kind.hidden().iter().copied().chain([self.network.family.outputs()]);
        let outputs: Vec<usize> = outputs.collect();
        if outputs.len() != self.network.layers.len() {
            return Err(format!("has {} layers, expected {}", self.network.layers.len(), outputs.len()));
        }
        for (l, (layer, outputs)) in self.network.layers.iter().zip(outputs).enumerate() {
            if layer.shape != (LayerShape { inputs, outputs }) {
                let LayerShape { inputs: i, outputs: o } = layer.shape;
                return Err(format!("tensor {}: found {o} × {i} weights, expected {outputs} × {inputs}", name(l)));
            }
            inputs = outputs + 1;
        }
        let family = self.response.family(self.kind.wanted());
        if !self.response_suits() {
            return Err(format!("is a model {}, whose response cannot be {family:?}", self.kind));
        }
        if family != self.network.family {
            return Err(format!("its response is {family:?}, its loss {:?}", self.network.family));
        }
        match self.penalty.is_finite() && self.penalty >= 0.0 {
            true => Ok(()),
            false => Err(format!("its penalty is {}", self.penalty)),
        }
    }

    /// Whether the response is one that a model of this kind is fitted to: of classes there are two or more.
    fn response_suits(&self) -> bool {
        match (self.kind.wanted(), &self.response.kind) {
            (Wanted::Value | Wanted::Either, ResponseKind::Value) | (Wanted::Count, ResponseKind::Count) => true,
            (Wanted::TwoClasses, ResponseKind::Classes(labels)) => labels.len() == 2,
            (Wanted::Classes | Wanted::Either, ResponseKind::Classes(labels)) => labels.len() >= 2,
            _ => false,
        }
    }
}

fn name(layer: usize) -> String {
    format!("layer.{layer}.weight")
}

fn layer(tensor: &TensorView<'_>) -> std::result::Result<Layer, String> {
    let (Dtype::F64, &[outputs, inputs]) = (tensor.dtype(), tensor.shape()) else {
        return Err(format!("found {:?} of shape {:?}, expected a matrix of F64", tensor.dtype(), tensor.shape()));
    };
    let (values, _) = tensor.data().as_chunks::<8>();
    let weights: Vec<f64> = values.iter().map(|b| f64::from_le_bytes(*b)).collect();
    match weights.iter().position(|w| !w.is_finite()) {
        Some(k) => Err(format!("found {} in row {}", weights[k], k / inputs.max(1) + 1)),
        None => Ok(Layer { shape: LayerShape { inputs, outputs }, weights }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::{Column, Frame, TextColumn};
    use unhat::random::uniform_rows_into;

    fn model(kind: &str) -> Model {
        let kind: ModelKind = kind.parse().unwrap();
        let words = TextColumn::new([Some("a"), Some("b, \"c\""), None, Some("é")]);
        let frame = Frame::new(vec![
            ("x".into(), Column::Numbers(vec![0.1, 1.0 / 3.0, f64::NAN, 5e-17])),
            ("w".into(), Column::Text(words)),
            ("y".into(), Column::Numbers(vec![0.0, 1.0, 2.0, 1.0])),
        ])
        .unwrap();
        let rows = [0, 1, 2, 3];
        let (encoding, _) = Encoding::fit(&frame, &["y"], &rows, Scaling::Standardised).unwrap();
        let response = Response::fit(&frame, "y", kind.wanted(), &rows).unwrap();
        let family = response.family(kind.wanted());
        let mut network = Network::zeros(encoding.width(), kind.hidden(), Activation::Tanh, family);
        let mut theta = vec![0.0; network.parameters()];
        uniform_rows_into(3, 0, 0, &mut theta);
        network.set(&theta);
        Model { kind, recipe: None, encoding, response, scaling: Scaling::Standardised, penalty: 0.1, network }
    }

    #[test]
    fn every_model_survives_to_the_last_bit_and_is_written_the_same_each_time() {
        for kind in ["linear", "ridge", "softmax", "poisson", "mlp:4,3"] {
            let model = model(kind);
            let bytes = model.to_bytes().unwrap();
            assert_eq!(bytes, model.to_bytes().unwrap());
            assert_eq!(Model::from_bytes("m", &bytes).unwrap(), model, "{kind}");
        }
        assert_eq!(model("mlp").response.family(Wanted::Either), Family::Categorical { classes: 3 });
    }

    #[test]
    fn files_that_are_no_model_say_why() {
        let refused = |bytes: &[u8]| match Model::from_bytes("m.safetensors", bytes) {
            Ok(_) => panic!("expected an error"),
            Err(error) => error.to_string(),
        };
        assert!(refused(b"").starts_with("m.safetensors: is no safetensors file"));
        let whole = model("mlp:4").to_bytes().unwrap();
        for length in [1, 8, 40, whole.len() - 1] {
            assert!(refused(&whole[..length]).starts_with("m.safetensors: "), "{length}");
        }
        let mut foreign = model("mlp:4");
        foreign.kind = "mlp:5".parse().unwrap();
        assert!(refused(&foreign.to_bytes().unwrap()).contains("tensor layer.0.weight: found 4 × "));
        let mut foreign = model("mlp:4");
        foreign.network.family = Family::Poisson;
        foreign.network.layers.last_mut().unwrap().shape.outputs = 1;
        foreign.network.layers.last_mut().unwrap().weights.truncate(5);
        assert!(refused(&foreign.to_bytes().unwrap()).contains("its response is Categorical"));
        let mut foreign = model("softmax");
        foreign.response.kind = ResponseKind::Classes(Vec::new());
        foreign.network =
            Network::zeros(foreign.encoding.width(), &[], Activation::Tanh, foreign.response.family(Wanted::Classes));
        assert!(
            refused(&foreign.to_bytes().unwrap()).contains("cannot be Categorical { classes: 0 }"),
            "nothing to predict"
        );
        let mut foreign = model("softmax");
        foreign.kind = ModelKind::Logistic;
        assert!(
            refused(&foreign.to_bytes().unwrap())
                .contains("logistic, whose response cannot be Categorical { classes: 3 }")
        );
        let mut broken = model("linear");
        broken.network.layers[0].weights[0] = f64::NAN;
        assert_eq!(broken.to_bytes().unwrap_err().kind().name(), "numerical");
        let plain = safetensors::serialize(Vec::<(String, TensorView<'_>)>::new(), None).unwrap();
        assert!(refused(&plain).contains("no metadata of unhat"));
        let at = whole.len() - 8;
        let spoiled = [&whole[..at], &f64::INFINITY.to_le_bytes()].concat();
        assert!(refused(&spoiled).contains("found inf"));
    }
}
