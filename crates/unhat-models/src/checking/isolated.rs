//! The smallest group of rows that a combination of columns sets apart.

use super::Evidence;
use super::neighbours::Neighbours;
use unhat::kernels::{symmetric_eigen, transpose_times_into};

/// Rounds of choosing a direction for a group and a group for the direction; each can only gain, and a few settle it.
const ROUNDS: usize = 10;

/// The hat values hᵢⱼ of a pool of rows with one another.
struct Pool<'a> {
    rows: &'a [usize],
    h: Vec<f64>,
}

impl<'a> Pool<'a> {
    fn of(fit: &Evidence<'_>, lower: &[f64], rows: &'a [usize]) -> Pool<'a> {
        let (p, k) = (fit.rank(), rows.len());
        let u = fit.whitened(lower, rows);
        let mut h = vec![0.0; k * k];
        transpose_times_into(&u, &u, p, k, k, &mut h);
        Pool { rows, h }
    }

    fn column(&self, i: usize) -> &[f64] {
        &self.h[i * self.rows.len()..(i + 1) * self.rows.len()]
    }

    /// λmax(H_SS) with its eigenvector.
    fn direction(&self, group: &[usize]) -> Option<(f64, Vec<f64>)> {
        let m = group.len();
        let block: Vec<f64> = group.iter().flat_map(|&i| group.iter().map(move |&j| self.column(i)[j])).collect();
        let (values, vectors) = symmetric_eigen(&block, m)?;
        Some((*values.last()?, vectors[(m - 1) * m..].to_vec()))
    }

    /// |hⱼ·v| of every row of the pool: its weight in the direction of the group.
    fn weights(&self, group: &[usize], v: &[f64]) -> Vec<f64> {
        let mut weights = vec![0.0; self.rows.len()];
        for (&i, v) in group.iter().zip(v) {
            weights.iter_mut().zip(self.column(i)).for_each(|(weight, h)| *weight += v * h);
        }
        weights
    }

    /// From a group to one of the same size with a larger λmax, until none is found: a direction for the group, then the rows of
    /// largest weight in it.
    fn improved(&self, mut group: Vec<usize>) -> Option<(f64, Vec<usize>, Vec<f64>)> {
        let (mut value, mut v) = self.direction(&group)?;
        for _ in 0..ROUNDS {
            let weights = self.weights(&group, &v);
            let mut order: Vec<usize> = (0..self.rows.len()).collect();
            order.sort_by(|&i, &j| weights[j].abs().total_cmp(&weights[i].abs()).then(i.cmp(&j)));
            order.truncate(group.len());
            let (next, direction) = self.direction(&order)?;
            if next <= value {
                break;
            }
            (group, value, v) = (order, next, direction);
        }
        Some((value, group, v))
    }

    /// The group and the row that has most weight in its direction.
    fn grown(&self, group: &[usize], v: &[f64]) -> Vec<usize> {
        let weights = self.weights(group, v);
        let left = (0..self.rows.len()).filter(|i| !group.contains(i));
        let next = left.fold(None, |best: Option<usize>, i| match best {
            Some(b) if weights[b].abs() >= weights[i].abs() => Some(b),
            _ => Some(i),
        });
        group.iter().copied().chain(next).collect()
    }

    /// The pair with the largest λmax, of all pairs: a² − (hᵢᵢ + hⱼⱼ)a + hᵢᵢhⱼⱼ − hᵢⱼ² = 0.
    fn best_pair(&self) -> Option<Vec<usize>> {
        let k = self.rows.len();
        let mut best: Option<(f64, Vec<usize>)> = None;
        for i in 0..k {
            for j in 0..i {
                let (a, b, c) = (self.column(i)[i], self.column(j)[j], self.column(i)[j]);
                let value = 0.5 * (a + b) + (0.5 * (a - b)).hypot(c);
                if best.as_ref().is_none_or(|(most, _)| value > *most) {
                    best = Some((value, vec![j, i]));
                }
            }
        }
        best.map(|(_, pair)| pair)
    }

    /// The smallest group of `least` to `most` rows with λmax above its limit.
    fn smallest(&self, (least, most): (usize, usize), limit: &dyn Fn(usize) -> f64) -> Option<Vec<usize>> {
        let mut before: Option<(Vec<usize>, Vec<f64>)> = None;
        for m in least..=most.min(self.rows.len()) {
            let mut starts = vec![(0..m).collect::<Vec<usize>>()];
            match m {
                2 => starts.extend(self.best_pair()),
                _ => starts.extend(before.iter().map(|(group, v)| self.grown(group, v))),
            }
            let best =
                starts.into_iter().filter_map(|group| self.improved(group)).max_by(|a, b| a.0.total_cmp(&b.0))?;
            let (value, group, v) = best;
            if value > limit(m) {
                return Some(group.iter().map(|&i| self.rows[i]).collect());
            }
            before = Some((group, v));
        }
        None
    }
}

/// The smallest group S of at most `most` rows with λmax(H_SS) > `limit(|S|)`, ascending: some combination of columns is then all
/// but 0 outside S.
///
/// S is sought among the nearest rows of each exposed row, as sparse principal components are: alternately the best direction for
/// the rows and the best rows for the direction; of pairs all are tried. No search but that of all sets is sure; on small fits the
/// tests make that one too.
///
/// # Cost
/// k²p for each exposed row with k nearest ones, and eigenvectors of m×m.
/// # References
/// YuanZhang2013.
pub(super) fn smallest_group(
    fit: &Evidence<'_>,
    lower: &[f64],
    (seeds, found): (&[usize], &[Neighbours]),
    most: usize,
    limit: &dyn Fn(usize) -> f64,
) -> Option<Vec<usize>> {
    let lowest = (1..=most).map(limit).fold(f64::INFINITY, f64::min);
    let mut smallest: Option<Vec<usize>> = None;
    for (&seed, around) in seeds.iter().zip(found) {
        let most = smallest.as_ref().map_or(most, |rows| rows.len() - 1);
        // λmax(H_SS) is no more than the trace: the largest hat value of S is above κ/|S|. The seed is the row that has it.
        let least = (lowest / fit.hat[seed]).floor() as usize;
        if least.max(1) > most {
            continue;
        }
        let rows: Vec<usize> = around.nearest.iter().map(|(_, j)| *j).collect();
        smallest = Pool::of(fit, lower, &rows).smallest((least.max(1), most), limit).or(smallest);
    }
    smallest.map(|mut rows| {
        rows.sort_unstable();
        rows
    })
}
