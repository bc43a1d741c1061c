//! What is kept of the first epoch's coefficients, and how later steps use it.

use unhat::random::uniform_rows_into;
use unhat::{ErrorKind, Result};

/// How coefficients are shared across epochs. None of these may be called the paper's: its summaries leave it open.
///
/// # Examples
/// ```
/// use unhat_models::natural::{CoefficientTable, Share};
/// let shared = |share: Share| {
///     let mut table = CoefficientTable::new(share, 3);
///     table.store(&[2, 0], &[1.0, 3.0])?;
///     table.shared(&[0, 2])
/// };
/// assert_eq!(shared(Share::ById)?, [3.0, 1.0]); // to each its own
/// assert_eq!(shared("layer-mean".parse()?)?, [2.0, 2.0]);
/// # Ok::<(), unhat::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Share {
    /// Every sample keeps its own, found in whatever batch it was in.
    ById,
    /// The same with the batches of the first epoch kept, so that a coefficient meets the batch that it was made for.
    ByIdFixedBatches,
    /// The layer's mean for every sample: what is left when the samples are forgotten, a learning rate.
    LayerMean,
}

impl Share {
    /// The word used in options and results.
    pub fn name(self) -> &'static str {
        match self {
            Share::ById => "by_id",
            Share::ByIdFixedBatches => "by_id_fixed_batches",
            Share::LayerMean => "layer_mean",
        }
    }
}

impl std::str::FromStr for Share {
    type Err = unhat::Error;

    fn from_str(text: &str) -> Result<Share> {
        let all = [Share::ById, Share::ByIdFixedBatches, Share::LayerMean];
        all.into_iter().find(|share| share.name() == text.replace('-', "_")).ok_or_else(|| {
            let reason = format!("found \"{text}\", expected by_id, by_id_fixed_batches or layer_mean");
            ErrorKind::Option { name: "share".into(), reason }.into()
        })
    }
}

/// The coefficients of one layer (or of the network) by sample.
///
/// # Examples
/// ```
/// use unhat_models::natural::{CoefficientTable, Share};
/// let mut table = CoefficientTable::new(Share::ById, 3);
/// table.store(&[0, 2], &[0.5, 1.5])?;
/// assert_eq!(table.correlation(&[0, 2], &[1.0, 2.0]), Some(1.0)); // fresh ones in the same order
/// let error = table.shared(&[1]).unwrap_err();
/// assert!(error.to_string().contains("sample 2 has no coefficient"));
/// # Ok::<(), unhat::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct CoefficientTable {
    share: Share,
    by_id: Vec<Option<f64>>,
    sum: f64,
    count: u64,
}

impl CoefficientTable {
    /// An empty table of so many samples.
    pub fn new(share: Share, samples: usize) -> CoefficientTable {
        CoefficientTable { share, by_id: vec![None; samples], sum: 0.0, count: 0 }
    }

    /// Forgets what is stored: a refresh begins.
    pub fn clear(&mut self) {
        self.by_id.fill(None);
        (self.sum, self.count) = (0.0, 0);
    }

    /// Keeps the coefficients of a batch.
    ///
    /// # Errors
    /// [`ErrorKind::Option`] for an id outside the table or twice in the batch.
    pub fn store(&mut self, ids: &[usize], c: &[f64]) -> Result<()> {
        require_distinct(ids, self.by_id.len())?;
        for (&id, &c) in ids.iter().zip(c) {
            self.by_id[id] = Some(c);
            self.sum += c;
            self.count += 1;
        }
        Ok(())
    }

    /// The coefficients that a later batch uses.
    ///
    /// # Errors
    /// [`ErrorKind::Option`] for an id outside the table, twice in the batch, or without a stored coefficient.
    pub fn shared(&self, ids: &[usize]) -> Result<Vec<f64>> {
        require_distinct(ids, self.by_id.len())?;
        let missing = |id: usize| {
            id_failure(&format!("sample {} has no coefficient: it was in no batch of the first epoch", id + 1))
        };
        match self.share {
            Share::LayerMean if self.count == 0 => {
                Err(id_failure("no coefficient was stored before the first shared step"))
            }
            Share::LayerMean => Ok(vec![self.sum / self.count as f64; ids.len()]),
            _ => ids.iter().map(|&id| self.by_id[id].ok_or_else(|| missing(id))).collect(),
        }
    }

    /// A control: the same coefficients, dealt out to other samples.
    ///
    /// # Randomness
    /// The permutation is drawn from (seed, stream).
    pub fn permuted(&self, seed: u64, stream: u64) -> CoefficientTable {
        let mut keys = vec![0.0; self.by_id.len()];
        uniform_rows_into(seed, stream, 0, &mut keys);
        let mut order: Vec<usize> = (0..keys.len()).filter(|&i| self.by_id[i].is_some()).collect();
        let present = order.clone();
        order.sort_by(|&a, &b| keys[a].total_cmp(&keys[b]));
        let mut permuted = self.clone();
        present.iter().zip(&order).for_each(|(&to, &from)| permuted.by_id[to] = self.by_id[from]);
        permuted
    }

    /// Everything in the table as numbers; a sample without a coefficient is NaN.
    pub fn memory(&self) -> Vec<f64> {
        let by_id = self.by_id.iter().map(|c| c.unwrap_or(f64::NAN));
        [self.sum, self.count as f64].into_iter().chain(by_id).collect()
    }

    /// Puts a memory of the same length back.
    pub fn recall(&mut self, memory: &[f64]) {
        (self.sum, self.count) = (memory[0], memory[1] as u64);
        self.by_id.iter_mut().zip(&memory[2..]).for_each(|(c, m)| *c = (!m.is_nan()).then_some(*m));
    }

    /// How many numbers [`CoefficientTable::memory`] has.
    pub fn memory_length(&self) -> usize {
        2 + self.by_id.len()
    }

    /// Pearson's correlation of stored and fresh coefficients of a batch; None where one side is constant.
    pub fn correlation(&self, ids: &[usize], fresh: &[f64]) -> Option<f64> {
        let pairs: Vec<(f64, f64)> =
            ids.iter().zip(fresh).filter_map(|(&id, &f)| Some((self.by_id.get(id).copied().flatten()?, f))).collect();
        let n = pairs.len() as f64;
        let (mean_s, mean_f) = (pairs.iter().map(|p| p.0).sum::<f64>() / n, pairs.iter().map(|p| p.1).sum::<f64>() / n);
        let sum = |f: &dyn Fn(f64, f64) -> f64| pairs.iter().map(|(s, c)| f(s - mean_s, c - mean_f)).sum::<f64>();
        let scale = (sum(&|s, _| s * s) * sum(&|_, c| c * c)).sqrt();
        (scale > 0.0).then(|| sum(&|s, c| s * c) / scale)
    }
}

fn require_distinct(ids: &[usize], samples: usize) -> Result<()> {
    let mut sorted = ids.to_vec();
    sorted.sort_unstable();
    if let Some(&id) = sorted.last().filter(|id| **id >= samples) {
        return Err(id_failure(&format!("sample {} is not among the {samples} samples of the table", id + 1)));
    }
    match sorted.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(id_failure(&format!("sample {} is twice in one batch", pair[0] + 1))),
        None => Ok(()),
    }
}

fn id_failure(reason: &str) -> unhat::Error {
    ErrorKind::Option { name: "ids".into(), reason: reason.into() }.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_keep_their_coefficients_and_strangers_are_refused() {
        let mut table = CoefficientTable::new(Share::ById, 5);
        table.store(&[4, 1], &[0.25, 0.75]).unwrap();
        assert_eq!(table.shared(&[1, 4]).unwrap(), [0.75, 0.25]);
        for (ids, words) in [(&[0, 1][..], "sample 1 has no coefficient"), (&[1, 1], "twice"), (&[5], "not among")] {
            assert!(table.shared(ids).unwrap_err().to_string().contains(words));
        }
        assert!(table.store(&[2, 2], &[1.0, 1.0]).is_err());
        table.clear();
        assert!(table.shared(&[1]).is_err());
    }

    #[test]
    fn the_mean_is_over_all_batches_and_a_permutation_keeps_it() {
        let mut table = CoefficientTable::new(Share::LayerMean, 6);
        assert!(table.shared(&[0]).is_err());
        table.store(&[0, 1, 2], &[1.0, 2.0, 3.0]).unwrap();
        table.store(&[3, 4], &[4.0, 10.0]).unwrap();
        assert_eq!(table.shared(&[5, 0]).unwrap(), [4.0, 4.0]);
        let permuted = table.permuted(3, 0);
        let kept = |t: &CoefficientTable| {
            let mut c: Vec<f64> = t.by_id.iter().flatten().copied().collect();
            c.sort_by(f64::total_cmp);
            c
        };
        assert_eq!(kept(&permuted), kept(&table));
        assert_ne!(permuted.by_id, table.by_id);
        assert_eq!(table.correlation(&[0, 1, 2], &[2.0, 4.0, 6.0]), Some(1.0));
    }
}
