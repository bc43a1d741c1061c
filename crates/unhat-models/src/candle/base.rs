//! The rules that take the step on variables of candle: AdamW and gradient descent with momentum, with a state to save.

use super::refused;
use candle_core::{DType, Result, Tensor, TensorId, Var};
use std::collections::HashMap;

/// The rule that takes the step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Base {
    /// Adam with decoupled weight decay and the authors' β₁ = .9, β₂ = .999, ε = 10⁻⁸.
    AdamW {
        /// The weight decay λ.
        weight_decay: f64,
    },
    /// g = ḡ + λθ, b ← μb + g, θ −= ηb or η(g + μb).
    Sgd {
        /// The momentum μ.
        momentum: f64,
        /// Whether by Nesterov's rule.
        nesterov: bool,
        /// The weight decay λ.
        weight_decay: f64,
    },
}

const FIRST_DECAY: f64 = 0.9;
const SECOND_DECAY: f64 = 0.999;
const DENOMINATOR_FLOOR: f64 = 1e-8;

/// A base rule at work.
#[derive(Debug)]
pub(super) struct BaseState {
    rule: Base,
    pub vars: Vec<Var>,
    /// Adam's first and second moment, or momentum and nothing; zero until a variable has had a gradient.
    first: Vec<Option<Tensor>>,
    second: Vec<Option<Tensor>>,
    steps: u32,
}

impl BaseState {
    pub fn new(vars: Vec<Var>, rule: Base) -> Result<BaseState> {
        let (Base::AdamW { weight_decay } | Base::Sgd { weight_decay, .. }) = rule;
        if !(weight_decay.is_finite() && weight_decay >= 0.0) {
            return Err(refused("weight decay", format!("found {weight_decay}, expected a number not below 0")));
        }
        if let Base::Sgd { momentum, .. } = rule
            && !(0.0..1.0).contains(&momentum)
        {
            return Err(refused("momentum", format!("found {momentum}, expected a number from 0 to below 1")));
        }
        let vars: Vec<Var> = vars.into_iter().filter(|var| var.dtype().is_float()).collect();
        let none = vec![None; vars.len()];
        Ok(BaseState { rule, vars, first: none.clone(), second: none, steps: 0 })
    }

    /// θ moves along the gradients; a variable without one stays.
    pub fn step(&mut self, gradients: &HashMap<TensorId, Tensor>, rate: f64) -> Result<()> {
        self.steps += 1;
        let bias = |decay: f64| 1.0 - decay.powi(self.steps.min(i32::MAX as u32) as i32);
        for (k, var) in self.vars.iter().enumerate() {
            let Some(g) = gradients.get(&var.id()) else { continue };
            let theta = var.as_detached_tensor();
            let next = match self.rule {
                Base::AdamW { weight_decay } => {
                    let first = running(&self.first[k], FIRST_DECAY, &(g * (1.0 - FIRST_DECAY))?)?;
                    let second = running(&self.second[k], SECOND_DECAY, &(g.sqr()? * (1.0 - SECOND_DECAY))?)?;
                    let size = ((&second / bias(SECOND_DECAY))?.sqrt()? + DENOMINATOR_FLOOR)?;
                    let direction = ((&first / bias(FIRST_DECAY))? / size)?;
                    (self.first[k], self.second[k]) = (Some(first), Some(second));
                    ((theta * (1.0 - rate * weight_decay))? - (direction * rate)?)?
                }
                Base::Sgd { momentum, nesterov, weight_decay } => {
                    let g = (g + (&theta * weight_decay)?)?;
                    let buffer = running(&self.first[k], momentum, &g)?;
                    let direction = if nesterov { (g + (&buffer * momentum)?)? } else { buffer.clone() };
                    self.first[k] = Some(buffer);
                    (theta - (direction * rate)?)?
                }
            };
            var.set(&next)?;
        }
        Ok(())
    }

    pub fn save(&self, state: &mut HashMap<String, Tensor>) -> Result<()> {
        state.insert("base.steps".into(), Tensor::new(&[self.steps], &candle_core::Device::Cpu)?);
        for (name, moments) in [("first", &self.first), ("second", &self.second)] {
            for (k, moment) in moments.iter().enumerate() {
                if let Some(moment) = moment {
                    state.insert(format!("base.{name}.{k}"), moment.clone());
                }
            }
        }
        Ok(())
    }

    /// What a saved state holds, if it is one of these variables; nothing is changed.
    pub fn read(&self, state: &HashMap<String, Tensor>) -> Result<BaseState> {
        let steps = required(state, "base.steps")?.to_vec1::<u32>()?;
        let moments = |name: &str| -> Result<Vec<Option<Tensor>>> {
            let of = |(k, var): (usize, &Var)| match state.get(&format!("base.{name}.{k}")) {
                Some(moment) if moment.dims() != var.dims() || moment.dtype() != var.dtype() => {
                    let (found, expected) = (format!("{:?}", moment.dims()), format!("{:?}", var.dims()));
                    let what = format!("saved state of variable {k}");
                    Err(super::carried(unhat::ErrorKind::Shape { what, expected, found }.into()))
                }
                moment => moment.map(|moment| moment.to_device(var.device())).transpose(),
            };
            self.vars.iter().enumerate().map(of).collect()
        };
        Ok(BaseState {
            rule: self.rule,
            vars: self.vars.clone(),
            first: moments("first")?,
            second: moments("second")?,
            steps: steps.first().copied().unwrap_or(0),
        })
    }
}

/// decay·past + new.
fn running(past: &Option<Tensor>, decay: f64, new: &Tensor) -> Result<Tensor> {
    match past {
        Some(past) => (past * decay)? + new,
        None => Ok(new.clone()),
    }
}

pub(super) fn required<'a>(state: &'a HashMap<String, Tensor>, name: &str) -> Result<&'a Tensor> {
    state.get(name).ok_or_else(|| refused("state", format!("found no \"{name}\": it is of another optimiser")))
}

/// All gradients of the variables, by variable; a refusal that names the first with a number that is not finite.
pub(super) fn finite_gradients(
    vars: &[Var],
    grads: &candle_core::backprop::GradStore,
    step: u64,
) -> Result<HashMap<TensorId, Tensor>> {
    let mut found = HashMap::new();
    for (k, var) in vars.iter().enumerate() {
        let Some(gradient) = grads.get(var) else { continue };
        let wide = match gradient.dtype() {
            DType::F16 | DType::BF16 => gradient.to_dtype(DType::F32)?, // their sums overflow
            _ => gradient.clone(),
        };
        let sum = wide.sum_all()?.to_dtype(DType::F64)?.to_scalar::<f64>()?;
        if !sum.is_finite() {
            let reason = format!("step {}: the gradient of variable {} is not finite", step + 1, k + 1);
            return Err(super::carried(unhat::ErrorKind::Numerical { reason }.into()));
        }
        found.insert(var.id(), gradient.detach()); // else the moments would hold the graph of every step
    }
    Ok(found)
}
