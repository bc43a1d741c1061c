//! Which rows stand behind a fitted value: for chosen rows i the largest |hᵢⱼ|, and the largest contributions |hᵢⱼ|·|yⱼ|.

use super::Evidence;
use unhat::kernels::{solve_lower_rows, transpose_times_into};
use unhat::rows::{DenseRows, Pass, Rows, sweep};
use unhat::{Result, Run};

/// Rows i that are looked at in one sweep.
const SEEDS_A_SWEEP: usize = 64;

/// What stands behind the fitted value of one row.
#[derive(Clone, Debug, Default)]
pub(super) struct Neighbours {
    /// (|hᵢⱼ|, j), first the largest; equal ones in row order.
    pub nearest: Vec<(f64, usize)>,
    /// |hᵢⱼ√(wⱼ)yⱼ|, first the largest.
    pub contributions: Vec<f64>,
    /// Σⱼ|hᵢⱼ√(wⱼ)yⱼ|.
    pub total: f64,
}

impl Neighbours {
    fn insert(list: &mut Vec<(f64, usize)>, kept: usize, value: f64, row: usize) {
        if list.len() == kept && list.last().is_some_and(|(least, _)| *least >= value) {
            return;
        }
        let at = list.partition_point(|(other, _)| *other >= value);
        list.insert(at, (value, row));
        list.truncate(kept);
    }

    fn add(&mut self, kept: usize, contributors: usize, h: f64, contribution: f64, row: usize) {
        Self::insert(&mut self.nearest, kept, h.abs(), row);
        self.total += contribution;
        if self.contributions.len() < contributors
            || self.contributions.last().is_some_and(|least| *least < contribution)
        {
            let at = self.contributions.partition_point(|other| *other >= contribution);
            self.contributions.insert(at, contribution);
            self.contributions.truncate(contributors);
        }
    }

    fn join(mut self, right: Neighbours, kept: usize, contributors: usize) -> Neighbours {
        for (h, row) in right.nearest {
            Self::insert(&mut self.nearest, kept, h, row);
        }
        self.contributions.extend(right.contributions);
        self.contributions.sort_by(|a, b| b.total_cmp(a));
        self.contributions.truncate(contributors);
        self.total += right.total;
        self
    }
}

struct Sweep<'a> {
    evidence: &'a Evidence<'a>,
    lower: &'a [f64],
    seeds: &'a [f64],
    kept: usize,
    contributors: usize,
}

impl Pass for Sweep<'_> {
    type Acc = Vec<Neighbours>;

    fn zero(&self) -> Self::Acc {
        vec![Neighbours::default(); self.seeds.len() / self.evidence.rank()]
    }

    fn add(&self, acc: &mut Self::Acc, rows: &Rows<'_>, _: &mut [f64]) -> Result<()> {
        let (p, m) = (self.evidence.rank(), rows.block.rows());
        let range = rows.range();
        let mut block = vec![0.0; m * p];
        rows.block.densify_into(0..m, &mut block);
        let roots: Vec<f64> = self.evidence.weights[range.clone()].iter().map(|w| w.sqrt()).collect();
        for (row, root) in block.chunks_exact_mut(p).zip(&roots) {
            row.iter_mut().for_each(|x| *x *= root);
        }
        let sizes: Vec<f64> =
            roots.iter().zip(&self.evidence.response[range.clone()]).map(|(root, y)| (root * y).abs()).collect();
        solve_lower_rows(self.lower, p, &mut block);
        let seeds = acc.len();
        let mut h = vec![0.0; seeds * m];
        transpose_times_into(&block, self.seeds, p, m, seeds, &mut h);
        for (found, h) in acc.iter_mut().zip(h.chunks_exact(m)) {
            for ((j, h), size) in range.clone().zip(h).zip(&sizes) {
                found.add(self.kept, self.contributors, *h, h.abs() * size, j);
            }
        }
        Ok(())
    }

    fn merge(&self, left: Self::Acc, right: Self::Acc) -> Self::Acc {
        left.into_iter().zip(right).map(|(left, right)| left.join(right, self.kept, self.contributors)).collect()
    }
}

/// What stands behind the fitted values of the rows `seeds`, with the `kept` nearest rows of each.
///
/// # Cost
/// A sweep for every 64 seeds: n·p·(p + seeds) flops in each.
pub(super) fn neighbours(
    evidence: &Evidence<'_>,
    lower: &[f64],
    seeds: &[usize],
    kept: usize,
    contributors: usize,
    run: &Run<'_>,
) -> Result<Vec<Neighbours>> {
    let rows = DenseRows::new(evidence.matrix, evidence.rank())?;
    let mut found = Vec::with_capacity(seeds.len());
    for some in seeds.chunks(SEEDS_A_SWEEP) {
        let whitened = evidence.whitened(lower, some);
        let pass = Sweep { evidence, lower, seeds: &whitened, kept, contributors };
        found.extend(sweep(&rows, &pass, &mut [], run)?);
    }
    Ok(found)
}
