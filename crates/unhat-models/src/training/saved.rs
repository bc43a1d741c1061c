//! The state of a training as bytes: weights and memories as safetensors, everything else as JSON in their metadata.

use super::options::TrainingOptions;
use super::options::refusal;
use super::report::{HistoryEntry, RateTrial, ResolvedOptions};
use super::sets::Sets;
use crate::models::{ModelKind, TrainState};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use unhat::{ErrorKind, Result};

/// The metadata key under which everything but the vectors is kept.
const KEY: &str = "unhat_training";
/// Of this layout of the metadata.
const VERSION: u32 = 1;
/// The vectors, by name.
const PARAMETERS: &str = "parameters";
const MEMORY: &str = "memory";
const BEST: &str = "best";

/// Everything a training goes on from, to the same bits.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SavedTraining {
    /// Of what it is the training.
    pub identity: Identity,
    /// η of the first step.
    pub learning_rate: f64,
    /// What the range test tried.
    pub range_test: Option<Vec<RateTrial>>,
    /// Weights, memory of the rule, steps taken.
    pub trainer: TrainState,
    /// The losses so far.
    pub history: Vec<HistoryEntry>,
    /// Time of all steps so far.
    pub seconds: f64,
    /// The same by epoch, the present one included.
    pub epoch_seconds: Vec<f64>,
    /// The weights with the least validation loss, with patience.
    pub best: Option<Best>,
}

/// Weights that patience would keep.
#[derive(Clone, Debug, PartialEq)]
pub struct Best {
    /// Steps taken before them.
    pub step: u64,
    /// The epoch in which they end.
    pub epoch: u32,
    /// Their loss.
    pub validation_loss: f64,
    /// θ, for the standardised response.
    pub parameters: Vec<f64>,
}

/// What must be the same for a state to be gone on from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Identity {
    /// The model as it was named.
    pub model: String,
    /// SHA-256 of the encoded training and validation rows.
    pub table: String,
    /// The rule.
    pub optimizer: String,
    /// Every option.
    pub settings: Option<ResolvedOptions>,
}

impl Identity {
    /// Of a training.
    ///
    /// # Cost
    /// A hash of the encoded rows.
    pub fn of(sets: &Sets<'_>, kind: &ModelKind, options: &TrainingOptions) -> Identity {
        let mut hash = Sha256::new();
        let validation = sets.validation.unwrap_or_default();
        for values in [sets.train.features, sets.train.response, validation.0, validation.1] {
            hash.update((values.len() as u64).to_le_bytes());
            values.iter().for_each(|v| hash.update(v.to_le_bytes()));
        }
        hash.update(format!("{:?}", sets.train.family));
        Identity {
            model: kind.to_string(),
            table: hex(&hash.finalize()),
            optimizer: options.optimizer.name().into(),
            settings: Some(ResolvedOptions::of(options)),
        }
    }

    /// # Errors
    /// [`ErrorKind::Option`] under the name `checkpoint`, saying what differs.
    pub fn require_same(&self, saved: &Identity) -> Result<()> {
        let differs = |what: String| {
            let reason = format!("belongs to another training: {what}; give another name, or remove it to start anew");
            Err(refusal("checkpoint", reason))
        };
        if saved.model != self.model {
            return differs(format!("its model is {}, not {}", saved.model, self.model));
        }
        if saved.optimizer != self.optimizer {
            return differs(format!("its optimizer is {}, not {}", saved.optimizer, self.optimizer));
        }
        if saved.settings != self.settings {
            let (Ok(saved), Ok(own)) = (serde_json::to_value(&saved.settings), serde_json::to_value(&self.settings))
            else {
                return differs("its options differ".into());
            };
            let keys = own.as_object().into_iter().flat_map(|own| own.keys());
            let different: Vec<String> = keys
                .filter(|key| saved[key.as_str()] != own[key.as_str()])
                .map(|key| format!("{key} is {}, not {}", saved[key.as_str()], own[key.as_str()]))
                .collect();
            return differs(format!("its {}", different.join(", ")));
        }
        if saved.table != self.table {
            return differs("its table, its columns or its validation rows are others".into());
        }
        Ok(())
    }
}

#[derive(Serialize, Deserialize)]
struct Metadata {
    version: u32,
    identity: Identity,
    learning_rate: f64,
    range_test: Option<Vec<RateTrial>>,
    step: u64,
    history: Vec<HistoryEntry>,
    seconds: f64,
    epoch_seconds: Vec<f64>,
    best: Option<BestMetadata>,
    /// SHA-256 of the vectors in their order.
    checksum: String,
}

#[derive(Serialize, Deserialize)]
struct BestMetadata {
    step: u64,
    epoch: u32,
    validation_loss: f64,
}

impl SavedTraining {
    /// The state as a file's bytes.
    ///
    /// # Errors
    /// [`ErrorKind::Numerical`] where it cannot be written as JSON.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let failed = |reason: String| ErrorKind::Numerical { reason: format!("the state cannot be saved: {reason}") };
        let bytes = |values: &[f64]| values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
        let mut vectors = vec![(PARAMETERS, bytes(&self.trainer.parameters)), (MEMORY, bytes(&self.trainer.memory))];
        vectors.extend(self.best.as_ref().map(|best| (BEST, bytes(&best.parameters))));
        let metadata = Metadata {
            version: VERSION,
            identity: self.identity.clone(),
            learning_rate: self.learning_rate,
            range_test: self.range_test.clone(),
            step: self.trainer.step,
            history: self.history.clone(),
            seconds: self.seconds,
            epoch_seconds: self.epoch_seconds.clone(),
            best: self.best.as_ref().map(|best| BestMetadata {
                step: best.step,
                epoch: best.epoch,
                validation_loss: best.validation_loss,
            }),
            checksum: checksum(vectors.iter().map(|(_, bytes)| bytes.as_slice())),
        };
        let text = serde_json::to_string(&metadata).map_err(|e| failed(e.to_string()))?;
        let tensors: std::result::Result<Vec<_>, _> = vectors
            .iter()
            .map(|(name, bytes)| TensorView::new(Dtype::F64, vec![bytes.len() / 8], bytes).map(|view| (*name, view)))
            .collect();
        let tensors = tensors.map_err(|e| failed(e.to_string()))?;
        let metadata = HashMap::from([(KEY.to_string(), text)]);
        Ok(safetensors::serialize(tensors, Some(metadata)).map_err(|e| failed(e.to_string()))?)
    }

    /// The state in the bytes of a file; `path` is for messages. Nothing in it is trusted.
    ///
    /// # Errors
    /// [`ErrorKind::Source`] for bytes that are no intact state.
    pub fn from_bytes(path: &str, bytes: &[u8]) -> Result<SavedTraining> {
        let damaged = |why: String| ErrorKind::Source {
            path: path.to_string(),
            position: None,
            reason: format!("is no intact checkpoint of a training ({why}); remove it to start anew"),
        };
        let broken = |e: safetensors::SafeTensorError| damaged(e.to_string());
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(broken)?;
        let text = header.metadata().as_ref().and_then(|m| m.get(KEY));
        let text = text.ok_or_else(|| damaged(format!("it has no metadata {KEY}")))?;
        let metadata: Metadata = serde_json::from_str(text).map_err(|e| damaged(e.to_string()))?;
        if metadata.version != VERSION {
            return Err(damaged(format!("found version {}, expected {VERSION}", metadata.version)).into());
        }
        let tensors = SafeTensors::deserialize(bytes).map_err(broken)?;
        let names: &[&str] = if metadata.best.is_some() { &[PARAMETERS, MEMORY, BEST] } else { &[PARAMETERS, MEMORY] };
        let mut data = Vec::new();
        for name in names {
            let tensor = tensors.tensor(name).map_err(|_| damaged(format!("it has no {name}")))?;
            if tensor.dtype() != Dtype::F64 {
                return Err(damaged(format!("{name} holds {:?}, expected F64", tensor.dtype())).into());
            }
            data.push(tensor.data());
        }
        if checksum(data.iter().copied()) != metadata.checksum {
            return Err(damaged("its checksum does not match".into()).into());
        }
        let mut vectors = data.iter().map(|bytes| {
            let (values, _) = bytes.as_chunks::<8>();
            values.iter().map(|b| f64::from_le_bytes(*b)).collect::<Vec<f64>>()
        });
        let trainer = TrainState {
            step: metadata.step,
            parameters: vectors.next().unwrap_or_default(),
            memory: vectors.next().unwrap_or_default(),
        };
        let parameters = vectors.next().unwrap_or_default();
        let best = metadata.best.map(|best| Best {
            step: best.step,
            epoch: best.epoch,
            validation_loss: best.validation_loss,
            parameters,
        });
        Ok(SavedTraining {
            identity: metadata.identity,
            learning_rate: metadata.learning_rate,
            range_test: metadata.range_test,
            trainer,
            history: metadata.history,
            seconds: metadata.seconds,
            epoch_seconds: metadata.epoch_seconds,
            best,
        })
    }
}

fn checksum<'a>(vectors: impl Iterator<Item = &'a [u8]>) -> String {
    let mut hash = Sha256::new();
    vectors.for_each(|bytes| hash.update(bytes));
    hex(&hash.finalize())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
