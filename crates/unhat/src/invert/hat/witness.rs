//! Why scores have no weights: rows whose scores add up to more than their rank.

use super::components::ranks_along;
use super::coordinates::Coordinates;
use crate::error::Result;
use crate::rows::RowSource;
use crate::run::Run;

/// Scores that no weights have.
#[derive(Clone, Debug, PartialEq)]
pub struct Impossible {
    /// The rows S, 0-based, whose scores contradict their rank.
    pub rows: Vec<usize>,
    /// h(S).
    pub sum: f64,
    /// r(S).
    pub rank: usize,
    /// How far the errors of h that were declared could move h(S).
    pub slack: f64,
    /// What is wrong, in words.
    pub reason: String,
}

/// Rows S with h(S) > r(S) + slack(S) among the level sets of t; the set of largest excess.
///
/// # Cost
/// Those of the ranks along one order of the rows: 4nr² flops.
pub(super) fn witness(
    source: &dyn RowSource,
    whitened: &Coordinates,
    t: &[f64],
    (h, slack): (&[f64], &[f64]),
    own: &[bool],
    run: &Run<'_>,
) -> Result<Option<Impossible>> {
    let mut order: Vec<usize> = (0..t.len()).filter(|&i| own[i]).collect();
    order.sort_by(|&i, &j| t[j].total_cmp(&t[i]).then(i.cmp(&j)));
    let ranks = ranks_along(source, whitened, &order, run)?;
    let (mut sum, mut room, mut best) = (0.0, 0.0, None::<(f64, usize, f64, f64)>);
    for (k, (&i, &rank)) in order.iter().zip(&ranks).enumerate() {
        sum += h[i];
        room += slack[i];
        let excess = sum - rank as f64 - room;
        if excess > 0.0 && best.is_none_or(|(most, ..)| excess > most) {
            best = Some((excess, k + 1, sum, room));
        }
    }
    Ok(best.map(|(_, count, sum, slack)| {
        let mut rows = order[..count].to_vec();
        rows.sort_unstable();
        let rank = ranks[count - 1];
        let reason = format!("the scores of {count} rows sum to {sum:.6}, but these rows have rank {rank}");
        Impossible { rows, sum, rank, slack, reason }
    }))
}
