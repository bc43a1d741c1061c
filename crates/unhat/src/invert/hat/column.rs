//! A secret column u of a linear fit from its hat values, all other columns Z known.
//!
//! hᵢ − hᵢ(Z) = ũᵢ²/‖ũ‖², ũ what u has beyond Z: so |ũ| is known up to a factor for every row. If u is 0/1 it comes back
//! whole, up to its complement: u = Zγ + κ·s∘q with q = |ũ|/‖ũ‖ and signs s, which few rows decide.

use super::answer::HatStatus;
use super::basis::orthonormal;
use super::coordinates::Weighted;
use super::options::HatPrecision;
use super::release::HatRelease;
use crate::error::{ErrorKind, Result};
use crate::linalg::{self, dot, norm};
use crate::memory::require_memory;
use crate::random::uniform_rows_into;
use crate::rows::{RowSource, require_finite};
use crate::run::{Event, Run};

/// What hat values say of a hidden column.
#[derive(Clone, Debug)]
pub struct ColumnInversion {
    /// Solved where |ũ| is known; [`HatStatus::Impossible`] where the hat values are not those of one more column.
    pub status: HatStatus,
    /// |ũᵢ|/‖ũ‖, one a row.
    pub magnitudes: Vec<f64>,
    /// u, up to its complement, where it is 0/1 and was found, None in rows where both values fit; None where it was not found.
    pub column: Option<Vec<Option<bool>>>,
    /// How much further from 0/1 the other value of each row is, in units of ‖ũ‖.
    pub margins: Option<Vec<f64>>,
    /// ‖u − Zγ − κs∘q‖/κ of the column found, and what the errors of the hat values explain of it.
    pub misfit: Option<f64>,
    /// See above.
    pub explained: f64,
    /// max |h(Z, u) − h| of the column found.
    pub residual: Option<f64>,
    /// Choices of rows that were tried.
    pub tries: usize,
    /// Why there is no column, or no magnitudes, in words.
    pub open: Vec<String>,
}

/// Known columns beyond which patterns of the first rows are too many: 2^(d+4) of them a try.
pub const MOST_KNOWN_COLUMNS: usize = 14;
/// Rows of a try beyond the known columns: their patterns must meet as many conditions, less one.
const MORE_ROWS: usize = 4;
/// Choices of rows.
const TRIES: usize = 400;
/// Patterns of a try that are carried to all rows.
const CARRIED: usize = 2;
/// Rounds of choosing u and fitting γ, κ.
const ROUNDS: usize = 40;
/// A misfit within this many times what errors explain is a column.
const BELIEVED: f64 = 4.0;
/// A misfit that errors allow below this leaves no room for another column.
const CLEAR: f64 = 1e-4;
/// Choices of rows after the last improvement, where there is room.
const MORE_TRIES: usize = 60;
/// Columns with up to so many times the misfit of the best are rivals of it.
const RIVAL: f64 = 2.0;
const MOST_RIVALS: usize = 64;
/// Exact hat values are known to this.
const EXACT: f64 = 1e-10;
/// Stream of the choices of rows.
const CHOICES: u64 = 0x4841_5403;

/// Recovers what hat values of a linear fit say of its one unknown column.
///
/// # Shapes
/// `known` n×d, all columns but one, n > d + 4; `target` n hat values of the fit with all columns.
/// # Cost
/// Two sweeps for the magnitudes; up to 400 tries of 2^(d+4) patterns of d + 4 rows and 160 sweeps over n(d + 1) values.
/// # Randomness
/// The rows of a try are keyed by the seed.
/// # Errors
/// Those of scores that are none; [`ErrorKind::RankDeficient`].
pub fn invert_column(
    known: &dyn RowSource,
    target: &[f64],
    precision: &HatPrecision,
    seed: u64,
    run: &Run<'_>,
) -> Result<ColumnInversion> {
    let (n, d) = (known.shape().rows, known.shape().columns);
    let release = HatRelease::new(target, precision, n)?;
    require_finite(known, "matrix")?;
    let ones = vec![1.0; n];
    let coordinates = orthonormal(known, &ones, run)?;
    if coordinates.rank < d {
        return Err(ErrorKind::RankDeficient { rank: coordinates.rank, columns: d }.into());
    }
    let own = Weighted { coordinates: &coordinates, scale: &ones, then: None }.forms(known, None, run)?;
    let share: Vec<f64> = target.iter().zip(&own).map(|(h, own)| h - own).collect();
    let deviation: Vec<f64> = release.deviation.iter().map(|s| s.max(1e-15)).collect();
    let allowed = |i: usize| EXACT + 6.0 * release.deviation[i];
    let mut found = ColumnInversion {
        status: HatStatus::Impossible,
        magnitudes: share.iter().map(|s| s.max(0.0).sqrt()).collect(),
        column: None,
        margins: None,
        misfit: None,
        explained: f64::NAN,
        residual: None,
        tries: 0,
        open: Vec::new(),
    };
    if let Some(i) = (0..n).find(|&i| share[i] < -allowed(i)) {
        found.open.push(format!(
            "the hat value of row {} is below that of the known columns alone: they are not columns of this fit",
            i + 1
        ));
        return Ok(found);
    }
    let sum: f64 = share.iter().sum();
    let room = 1e-8 + 6.0 * norm(&release.deviation);
    if (sum - 1.0).abs() > room {
        found.open.push(format!("the hat values exceed those of the known columns by {sum:.6} in sum, expected 1"));
        return Ok(found);
    }
    found.status = HatStatus::Solved;
    if d > MOST_KNOWN_COLUMNS || n <= d + MORE_ROWS {
        found.open.push(format!(
            "the signs of the column: it is looked for beside at most {MOST_KNOWN_COLUMNS} known columns and in more than \
             d + {MORE_ROWS} rows"
        ));
        return Ok(found);
    }
    require_memory("the known columns", 8 * (n * (d + 2)) as u64)?;
    let z = known.gather(&(0..n).collect::<Vec<_>>())?;
    run.tell(Event::Phase("looking for a 0/1 column"));
    let search = Search { z: &z, d, q: &found.magnitudes, deviation: &deviation, seed, run };
    found.explained = search.explained();
    let (kept, tries) = search.run()?;
    found.tries = tries;
    let mut kept = kept.into_iter();
    let (best, rivals) = (kept.next(), kept.collect::<Vec<_>>());
    match best {
        Some(candidate) if candidate.misfit <= BELIEVED * found.explained + 1e-7 => {
            found.residual = Some(search.residual(&candidate.u, &own, target));
            found.misfit = Some(candidate.misfit);
            let told = search.told(&candidate, &rivals, found.explained);
            let open = told.iter().filter(|u| u.is_none()).count();
            found.margins = Some(candidate.margins);
            found.column = Some(told);
            if open > 0 {
                found.open.push(format!("{open} rows, in which both values fit"));
            }
            found.open.push("the column or its complement".into());
        }
        other => {
            found.misfit = other.map(|c| c.misfit);
            found.open.push("the signs of the column: no 0/1 column was found that has these hat values".into());
        }
    }
    Ok(found)
}

struct Candidate {
    u: Vec<bool>,
    misfit: f64,
    margins: Vec<f64>,
    /// How far off the other value is, in units of κ.
    far: Vec<f64>,
}

struct Search<'a> {
    z: &'a [f64],
    d: usize,
    q: &'a [f64],
    deviation: &'a [f64],
    seed: u64,
    run: &'a Run<'a>,
}

/// (u, s) of a row by its rank in likelihood: 0 below and 1 above the fit are the rule.
const CHOICE: [(bool, f64); 4] = [(false, -1.0), (true, 1.0), (false, 1.0), (true, -1.0)];

impl Search<'_> {
    fn n(&self) -> usize {
        self.q.len()
    }

    fn row(&self, i: usize) -> &[f64] {
        &self.z[i * self.d..(i + 1) * self.d]
    }

    /// √Σ(δqᵢ)², δq the error of q that the errors of h make.
    fn explained(&self) -> f64 {
        let error = |(q, s): (&f64, &f64)| (s / (2.0 * q.max(s.sqrt()))).powi(2);
        self.q.iter().zip(self.deviation).map(error).sum::<f64>().sqrt()
    }

    /// Columns whose misfit is at most [`RIVAL`] times the best, the best first, and how many choices of rows were tried.
    ///
    /// Errors that allow a misfit allow wrong columns of nearly the same misfit too: then the search goes on for a while, and
    /// what it finds beside the best one says which rows are not told.
    fn run(&self) -> Result<(Vec<Candidate>, usize)> {
        let m = self.d + MORE_ROWS;
        let mut kept: Vec<Candidate> = Vec::new();
        let goal = BELIEVED * self.explained() + 1e-7;
        let more = if goal < CLEAR { 0 } else { MORE_TRIES };
        let (mut draws, mut improved) = (vec![0.0; m], 0);
        for k in 0..TRIES {
            self.run.check()?;
            uniform_rows_into(self.seed, CHOICES, k * m, &mut draws);
            for pattern in self.patterns(&self.chosen(&draws)) {
                let Some(candidate) = self.carried(pattern) else { continue };
                let best = kept.first().map_or(f64::INFINITY, |best| best.misfit);
                if candidate.misfit > RIVAL * best || kept.iter().any(|other| other.u == candidate.u) {
                    continue;
                }
                if candidate.misfit < best {
                    improved = k;
                }
                let at = kept.partition_point(|other| other.misfit <= candidate.misfit);
                kept.insert(at, candidate);
                let limit = RIVAL * kept[0].misfit;
                kept.retain(|other| other.misfit <= limit);
                kept.truncate(MOST_RIVALS);
            }
            if kept.first().is_some_and(|best| best.misfit <= goal) && k >= improved + more {
                return Ok((kept, k + 1));
            }
        }
        Ok((kept, TRIES))
    }

    /// Different rows, by one draw each.
    fn chosen(&self, draws: &[f64]) -> Vec<usize> {
        let mut all: Vec<usize> = (0..self.n()).collect();
        for (k, u) in draws.iter().enumerate() {
            let at = k + ((all.len() - k) as f64 * u) as usize;
            all.swap(k, at.min(self.n() - 1));
        }
        all.truncate(draws.len());
        all
    }

    /// γ and κ of the best patterns of u on a few rows. What lies in the columns of Z is taken away first: MORE_ROWS
    /// conditions are left, linear in the pattern.
    fn patterns(&self, rows: &[usize]) -> Vec<Vec<f64>> {
        let m = rows.len();
        let Some(outside) = self.complement(rows) else { return Vec::new() };
        let column = |k: usize| -> [f64; MORE_ROWS] { std::array::from_fn(|j| outside[j * m + k]) };
        let columns: Vec<[f64; MORE_ROWS]> = (0..m).map(column).collect();
        let mut kept: Vec<(f64, usize)> = Vec::new();
        // Complements are the same up to the constant that Z usually holds; the last row is 0 in half of the patterns.
        for pattern in 0..1usize << m {
            let (mut u, mut v) = ([0.0; MORE_ROWS], [0.0; MORE_ROWS]);
            for (k, column) in columns.iter().enumerate() {
                let one = pattern >> k & 1 == 1;
                let q = if one { self.q[rows[k]] } else { -self.q[rows[k]] };
                for j in 0..MORE_ROWS {
                    u[j] += if one { column[j] } else { 0.0 };
                    v[j] += q * column[j];
                }
            }
            let size = dot(&v, &v);
            let kappa = dot(&u, &v) / size;
            if !(kappa > 0.0 && kappa.is_finite()) {
                continue;
            }
            let off: f64 = u.iter().zip(&v).map(|(u, v)| (u - kappa * v).powi(2)).sum();
            let share = off.sqrt() / kappa;
            if kept.len() < CARRIED || share < kept[kept.len() - 1].0 {
                kept.push((share, pattern));
                kept.sort_by(|a, b| a.0.total_cmp(&b.0));
                kept.truncate(CARRIED);
            }
        }
        let fit = |pattern: usize| {
            let mut block = Vec::with_capacity(m * (self.d + 2));
            for (k, &i) in rows.iter().enumerate() {
                let one = pattern >> k & 1 == 1;
                block.extend_from_slice(self.row(i));
                block.push(if one { self.q[i] } else { -self.q[i] });
                block.push(f64::from(u8::from(one)));
            }
            let (lower, right) = linalg::least_squares_factor(&block, self.d + 1);
            linalg::solve_lower_transposed(&lower, &right)
        };
        kept.into_iter().map(|(_, pattern)| fit(pattern)).filter(|x| x.iter().all(|v| v.is_finite())).collect()
    }

    /// MORE_ROWS orthonormal vectors that the chosen rows' columns do not reach, one after the other.
    fn complement(&self, rows: &[usize]) -> Option<Vec<f64>> {
        let m = rows.len();
        let mut basis: Vec<Vec<f64>> = Vec::new();
        let mut add = |mut v: Vec<f64>| {
            let length = norm(&v);
            for _ in 0..2 {
                for b in &basis {
                    let t = dot(b, &v);
                    v.iter_mut().zip(b).for_each(|(v, b)| *v -= t * b);
                }
            }
            let left = norm(&v);
            if left > 1e-8 * length {
                v.iter_mut().for_each(|v| *v /= left);
                basis.push(v);
                return true;
            }
            false
        };
        let full = (0..self.d).all(|j| add(rows.iter().map(|&i| self.row(i)[j]).collect()));
        if !full {
            return None;
        }
        for k in 0..m {
            add((0..m).map(|i| f64::from(u8::from(i == k))).collect());
        }
        (basis.len() == m).then(|| basis[self.d..].concat())
    }

    /// Chooses u and s for all rows by γ, κ and fits these to them, in turn, until nothing changes.
    fn carried(&self, mut x: Vec<f64>) -> Option<Candidate> {
        let (n, d) = (self.n(), self.d);
        let mut before: Vec<usize> = Vec::new();
        let (mut margins, mut far) = (vec![0.0; n], vec![0.0; n]);
        let mut choices = vec![0; n];
        for _ in 0..ROUNDS {
            let kappa = x[d];
            if kappa.is_nan() || kappa <= 0.0 {
                return None;
            }
            for i in 0..n {
                let base = dot(self.row(i), &x[..d]);
                let off = CHOICE.map(|(u, s)| (f64::from(u8::from(u)) - base - s * kappa * self.q[i]).abs());
                let best = |u: bool| {
                    (0..4).filter(|&c| CHOICE[c].0 == u).fold((f64::INFINITY, 0), |(least, at), c| {
                        if off[c] < least { (off[c], c) } else { (least, at) }
                    })
                };
                let ((zero, at_zero), (one, at_one)) = (best(false), best(true));
                choices[i] = if zero <= one { at_zero } else { at_one };
                margins[i] = (zero - one).abs() / kappa;
                far[i] = zero.max(one) / kappa;
            }
            if choices == before {
                break;
            }
            before.clone_from(&choices);
            let mut block = Vec::with_capacity(n * (d + 2));
            for i in 0..n {
                let (u, s) = CHOICE[choices[i]];
                block.extend_from_slice(self.row(i));
                block.push(s * self.q[i]);
                block.push(f64::from(u8::from(u)));
            }
            let (lower, right) = linalg::least_squares_factor(&block, d + 1);
            x = linalg::solve_lower_transposed(&lower, &right);
            if x.iter().any(|v| !v.is_finite()) {
                return None;
            }
        }
        let kappa = x[d];
        // A column that Z nearly holds fits anything with a small κ.
        if kappa <= 0.05 * (n as f64).sqrt() {
            return None;
        }
        let off = |i: usize| {
            let (u, s) = CHOICE[choices[i]];
            f64::from(u8::from(u)) - dot(self.row(i), &x[..d]) - s * kappa * self.q[i]
        };
        let misfit = (0..n).map(|i| off(i).powi(2)).sum::<f64>().sqrt() / kappa;
        Some(Candidate { u: choices.iter().map(|c| CHOICE[*c].0).collect(), misfit, margins, far })
    }

    /// u where the other value is further off than the errors of the row and of the fit explain, and no rival has it.
    fn told(&self, candidate: &Candidate, rivals: &[Candidate], explained: f64) -> Vec<Option<bool>> {
        /// Half the width of a uniform error is √3 standard deviations; twice that.
        const ROW: f64 = 3.5;
        const FIT: f64 = 4.0;
        let fit = FIT * explained.max(candidate.misfit) * ((self.d + 1) as f64 / self.n() as f64).sqrt();
        let bound = |i: usize| ROW * self.deviation[i] / (2.0 * self.q[i].max(self.deviation[i].sqrt())) + fit;
        let mut told: Vec<Option<bool>> =
            (0..self.n()).map(|i| (candidate.far[i] > bound(i)).then_some(candidate.u[i])).collect();
        for rival in rivals {
            // Complements are one column.
            let same = rival.u.iter().zip(&candidate.u).filter(|(a, b)| a == b).count();
            let turned = 2 * same < self.n();
            for (told, (own, other)) in told.iter_mut().zip(candidate.u.iter().zip(&rival.u)) {
                *told = told.filter(|_| (own == other) != turned);
            }
        }
        told
    }

    /// max |h(Z, u) − h|.
    fn residual(&self, u: &[bool], own: &[f64], target: &[f64]) -> f64 {
        let d = self.d;
        let mut block = Vec::with_capacity(self.n() * (d + 1));
        for (i, u) in u.iter().enumerate() {
            block.extend_from_slice(self.row(i));
            block.push(f64::from(u8::from(*u)));
        }
        let (lower, right) = linalg::least_squares_factor(&block, d);
        let gamma = linalg::solve_lower_transposed(&lower, &right);
        let left: Vec<f64> = (0..self.n()).map(|i| block[i * (d + 1) + d] - dot(self.row(i), &gamma)).collect();
        let total = dot(&left, &left);
        (0..self.n()).map(|i| (own[i] + left[i] * left[i] / total - target[i]).abs()).fold(0.0, f64::max)
    }
}
