//! The size of a layer.

/// Size of a layer: weights are `outputs` × `inputs`, the bias being the last of the inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LayerShape {
    /// Inputs, with the constant one that carries the bias.
    pub inputs: usize,
    /// Outputs.
    pub outputs: usize,
}

impl LayerShape {
    /// How many weights.
    pub fn parameters(self) -> usize {
        self.inputs * self.outputs
    }
}
