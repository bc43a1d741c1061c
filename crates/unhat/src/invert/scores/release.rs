//! What was released: scores of all rows or of some, checked, and spread over all rows with the weight of each.

use crate::error::{ErrorKind, Result};
use crate::invert::hat::{HatPrecision, errors_of, repeats};
use crate::rows::{RowSource, require_vector};
use crate::run::Run;

/// Scores of some rows, as vectors over all n rows.
#[derive(Clone, Debug)]
pub(super) struct Release {
    /// The released rows, increasing.
    pub rows: Vec<usize>,
    /// σ̂ (n), 0 on rows that were not released.
    pub target: Vec<f64>,
    /// ωᵢ = (ν/νᵢ)² on released rows, 1 where all errors are of one size; 0 on the others (n).
    pub weight: Vec<f64>,
    /// ν, the root mean square of the νᵢ; 0 when the release is taken as exact.
    pub noise: f64,
    /// νᵢ, the standard deviation of each error; 0 on exact and on other rows (n).
    pub deviation: Vec<f64>,
    /// Half the width of the interval of each true score; None for noise, which has no ends (n).
    pub half: Option<Vec<f64>>,
    /// Released rows that say something of their own: equal ones that were rounded alike count once.
    pub different: f64,
}

/// Noise may carry a score this many standard deviations outside [0, 1]: one chance in 10⁹ a row.
const NOISE_DEVIATIONS: f64 = 6.0;
/// Scores of floating-point programs leave [0, 1] by this much at most.
const ROUNDING_EXCESS: f64 = 1e-8;

impl Release {
    /// Checks and spreads a release over `n` rows; `rows` are 0-based, None: all.
    ///
    /// # Errors
    /// [`ErrorKind::Shape`], [`ErrorKind::NotFinite`]; [`ErrorKind::Option`] for rows out of range or named twice, scores
    /// outside [0, 1] by more than their errors explain, and a precision that is none.
    pub fn new(target: &[f64], rows: Option<&[usize]>, precision: &HatPrecision, n: usize) -> Result<Release> {
        require_vector("target scores", target, rows.map_or(n, <[usize]>::len))?;
        let (half, deviation) = errors_of(target, precision)?;
        let excess =
            |k: usize| ROUNDING_EXCESS + half.as_ref().map_or(NOISE_DEVIATIONS * deviation[k], |half| 2.0 * half[k]);
        if let Some(k) = (0..target.len()).find(|&k| target[k] < -excess(k) || target[k] > 1.0 + excess(k)) {
            let row = rows.map_or(k, |r| r[k]) + 1;
            return Err(option(
                "target scores",
                format!("row {row}: found {}, expected a leverage score between 0 and 1", target[k]),
            ));
        }
        Release::spread(target, rows, (half, deviation), n)
    }

    /// The same without a look at the scores, which noise may have moved anywhere; `errors` are those of [`errors_of`].
    pub fn spread(
        target: &[f64],
        rows: Option<&[usize]>,
        (half, deviation): (Option<Vec<f64>>, Vec<f64>),
        n: usize,
    ) -> Result<Release> {
        let order: Vec<usize> = rows.map_or_else(|| (0..n).collect(), <[usize]>::to_vec);
        if order.is_empty() {
            return Err(option("rows", "found none, expected at least one released row".into()));
        }
        let on_all = |values: &[f64]| {
            let mut all = vec![0.0; n];
            order.iter().zip(values).for_each(|(&row, &value)| all[row] = value);
            all
        };
        let mut named = vec![false; n];
        for &row in &order {
            if row >= n {
                return Err(option("rows", format!("found row {}, expected one of 1 to {n}", row + 1)));
            }
            if std::mem::replace(&mut named[row], true) {
                return Err(option("rows", format!("row {} is named twice", row + 1)));
            }
        }
        let mut release = Release {
            target: on_all(target),
            deviation: on_all(&deviation),
            half: half.filter(|half| half.iter().any(|u| *u > 0.0)).map(|half| on_all(&half)),
            weight: Vec::new(),
            noise: 0.0,
            different: order.len() as f64,
            rows: order,
        };
        release.rows.sort_unstable();
        release.weigh();
        Ok(release)
    }

    /// Equal rows with equal scores were rounded alike: their errors are one error, and count once.
    pub fn count_repeats(&mut self, source: &dyn RowSource, run: &Run<'_>) -> Result<()> {
        if self.half.is_some() {
            let times = repeats(source, &self.target, run)?;
            self.different = self.rows.iter().map(|&i| 1.0 / times[i]).sum();
            self.deviation.iter_mut().zip(&times).for_each(|(s, times)| *s *= times.sqrt());
            self.weigh();
        }
        Ok(())
    }

    /// ω and ν of the νᵢ; an exact score among others is taken for the best of them.
    fn weigh(&mut self) {
        let n = self.target.len();
        let least = self.deviation.iter().copied().filter(|s| *s > 0.0).fold(f64::INFINITY, f64::min);
        self.weight = vec![0.0; n];
        if least.is_infinite() {
            self.rows.iter().for_each(|&i| self.weight[i] = 1.0);
            return;
        }
        let of = |i: usize| self.deviation[i].max(least);
        let square: f64 = self.rows.iter().map(|&i| of(i) * of(i)).sum();
        self.noise = (square / self.rows.len() as f64).sqrt();
        let alike = self.rows.iter().all(|&i| of(i) == least);
        for k in 0..self.rows.len() {
            let i = self.rows[k];
            self.weight[i] = if alike { 1.0 } else { (self.noise / of(i)).powi(2) };
        }
        if alike {
            self.noise = least;
        }
    }

    /// Whether the errors of the rows differ in size.
    pub fn is_uneven(&self) -> bool {
        self.rows.iter().any(|&i| self.weight[i] != 1.0)
    }

    /// 1 on released rows, 0 elsewhere (n).
    pub fn mask(&self) -> Vec<f64> {
        self.weight.iter().map(|w| f64::from(u8::from(*w > 0.0))).collect()
    }

    /// σ − σ̂ on released rows, 0 elsewhere.
    pub fn residual(&self, scores: &[f64]) -> Vec<f64> {
        let of = |((s, t), w): ((&f64, &f64), &f64)| if *w > 0.0 { s - t } else { 0.0 };
        scores.iter().zip(&self.target).zip(&self.weight).map(of).collect()
    }

    /// ‖√Ω v‖₂.
    pub fn weighted_norm(&self, v: &[f64]) -> f64 {
        if !self.is_uneven() {
            return crate::linalg::norm(v);
        }
        let weighted: Vec<f64> = v.iter().zip(&self.weight).map(|(v, w)| w.sqrt() * v).collect();
        crate::linalg::norm(&weighted)
    }

    /// ‖√Ω σ̂‖₂.
    pub fn size(&self) -> f64 {
        self.weighted_norm(&self.target)
    }

    /// The largest misfit that the errors explain, at so many standard deviations of their sum of squares.
    pub fn explained(&self, deviations: f64, exact_share: f64) -> f64 {
        let count = self.different;
        self.noise * (count + deviations * (2.0 * count).sqrt()).sqrt() + exact_share * self.size()
    }

    /// The mean of (rᵢ/νᵢ)² over the `count` rows of largest released scores, where a wrong sign of a slack shows most: about 1
    /// where the errors explain them.
    pub fn misfit_near_facets(&self, residual: &[f64], count: usize) -> f64 {
        let mut order = self.rows.clone();
        order.sort_by(|&a, &b| self.target[b].total_cmp(&self.target[a]).then(a.cmp(&b)));
        order.truncate(count);
        let square: f64 = order.iter().map(|&i| self.weight[i] * residual[i] * residual[i]).sum();
        square / (self.noise * self.noise * order.len() as f64)
    }

    /// Whether the scores of all rows were released.
    pub fn is_complete(&self) -> bool {
        self.rows.len() == self.target.len()
    }
}

pub(super) fn option(name: &str, reason: String) -> crate::Error {
    ErrorKind::Option { name: name.into(), reason }.into()
}
