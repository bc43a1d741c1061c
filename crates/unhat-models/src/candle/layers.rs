//! Linear layers and convolutions that keep what an optimiser needs of them, on the steps on which it asks.

use super::refused;
use candle_core::{Result, Tensor, Var};
use candle_nn::{Conv2dConfig, Module};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What a layer keeps of a forward pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Keep {
    #[default]
    Nothing,
    Inputs,
    /// And a zero tensor added to the output: the gradient in it is the gradient in the output.
    InputsAndTap,
}

/// One forward pass.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub input: Tensor,
    pub tap: Option<Var>,
}

#[derive(Debug, Default)]
struct Record {
    keep: Keep,
    seen: Vec<Seen>,
}

/// What an optimiser holds of a layer: its variables, and the way to ask for its inputs.
#[derive(Clone, Debug)]
pub struct Watched {
    pub(super) weight: Var,
    pub(super) bias: Option<Var>,
    pub(super) convolution: Option<Conv2dConfig>,
    record: Arc<Mutex<Record>>,
}

impl Watched {
    fn new(weight: &Tensor, bias: Option<&Tensor>, convolution: Option<Conv2dConfig>) -> Result<Watched> {
        let variable = |tensor: &Tensor, name: &str| match tensor.is_variable() {
            true => Var::from_tensor(tensor),
            false => Err(refused(name, "found a constant tensor, expected a variable that is trained".into())),
        };
        let (weight, bias) = (variable(weight, "weight")?, bias.map(|b| variable(b, "bias")).transpose()?);
        Ok(Watched { weight, bias, convolution, record: Arc::default() })
    }

    /// Forward passes of which something is kept now.
    pub fn kept(&self) -> usize {
        self.record().seen.len()
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        // what is in it is whole at any time, so a panic elsewhere spoils nothing
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks for the next passes; what was kept before is dropped.
    pub(super) fn arm(&self, keep: Keep) {
        *self.record() = Record { keep, seen: Vec::new() };
    }

    /// Changes what is kept, and returns what it was; what was seen stays.
    pub(super) fn pause(&self, keep: Keep) -> Keep {
        std::mem::replace(&mut self.record().keep, keep)
    }

    pub(super) fn seen(&self) -> Vec<Seen> {
        self.record().seen.clone()
    }

    /// d_out and d_in, the constant one of the bias included.
    pub(super) fn shape(&self) -> crate::models::LayerShape {
        let outputs = self.weight.dims()[0];
        let inputs = self.weight.elem_count() / outputs.max(1) + usize::from(self.bias.is_some());
        crate::models::LayerShape { inputs, outputs }
    }

    fn pass(&self, input: &Tensor, output: Tensor) -> Result<Tensor> {
        let mut record = self.record();
        let (output, tap) = match record.keep {
            Keep::Nothing => return Ok(output),
            Keep::Inputs => (output, None),
            Keep::InputsAndTap => {
                let tap = Var::zeros(output.shape(), output.dtype(), output.device())?;
                (output.add(&tap)?, Some(tap))
            }
        };
        record.seen.push(Seen { input: input.detach(), tap });
        Ok(output)
    }
}

/// A linear layer whose inputs an optimiser can ask for; otherwise candle's.
#[derive(Clone, Debug)]
pub struct Linear {
    layer: candle_nn::Linear,
    watched: Watched,
}

impl Linear {
    /// Around a layer of candle.
    ///
    /// # Errors
    /// Where weight or bias is no variable.
    pub fn wrap(layer: candle_nn::Linear) -> Result<Linear> {
        let watched = Watched::new(layer.weight(), layer.bias(), None)?;
        Ok(Linear { layer, watched })
    }

    /// For an optimiser.
    pub fn watched(&self) -> Watched {
        self.watched.clone()
    }
}

impl Module for Linear {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        self.watched.pass(input, self.layer.forward(input)?)
    }
}

/// A two-dimensional convolution whose inputs an optimiser can ask for; otherwise candle's.
#[derive(Clone, Debug)]
pub struct Conv2d {
    layer: candle_nn::Conv2d,
    watched: Watched,
}

impl Conv2d {
    /// Around a layer of candle.
    ///
    /// # Errors
    /// Where weight or bias is no variable, and for several groups: such a layer stays with the base rule, as it is.
    pub fn wrap(layer: candle_nn::Conv2d) -> Result<Conv2d> {
        let config = *layer.config();
        if config.groups != 1 {
            return Err(refused("groups", format!("found {}, expected 1: leave this layer unwrapped", config.groups)));
        }
        let watched = Watched::new(layer.weight(), layer.bias(), Some(config))?;
        Ok(Conv2d { layer, watched })
    }

    /// For an optimiser.
    pub fn watched(&self) -> Watched {
        self.watched.clone()
    }
}

impl Module for Conv2d {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        self.watched.pass(input, self.layer.forward(input)?)
    }
}

/// Runs an evaluation of which the layers keep nothing.
pub(super) fn unwatched<R>(layers: &[Watched], evaluate: impl FnOnce() -> R) -> R {
    let before: Vec<Keep> = layers.iter().map(|layer| layer.pause(Keep::Nothing)).collect();
    let result = evaluate();
    layers.iter().zip(before).for_each(|(layer, keep)| {
        layer.pause(keep);
    });
    result
}

/// Whether every variable of the layers is among those of the optimiser.
pub(super) fn require_trained(layers: &[Watched], vars: &[Var]) -> Result<()> {
    for (l, layer) in layers.iter().enumerate() {
        if !vars.iter().any(|var| var.id() == layer.weight.id()) {
            let reason = format!("the weight of layer {} is not among the variables to train", l + 1);
            return Err(refused("layers", reason));
        }
        if layers[..l].iter().any(|other| other.weight.id() == layer.weight.id()) {
            return Err(refused("layers", format!("layer {} is listed twice, or shares its weight", l + 1)));
        }
    }
    Ok(())
}
