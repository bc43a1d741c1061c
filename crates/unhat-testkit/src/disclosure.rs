//! What a small regression gives away, by brute force: one more fit for every row, all subsets of rows, loops over everything.
//!
//! Nothing here is shared with the program that is tested: fits are by elimination on the normal equations, shares are differences
//! of two fits, groups are found by trying every set of rows.

use crate::elimination::solve;
use crate::generate::Stream;

/// A small fit.
#[derive(Clone, Debug)]
pub struct Case {
    /// Names of the columns.
    pub names: Vec<String>,
    /// Columns of X, the first of ones.
    pub columns: Vec<Vec<f64>>,
    /// y; 0 and 1 in a logistic fit.
    pub response: Vec<f64>,
    /// Weights of a linear fit.
    pub weights: Vec<f64>,
    /// Whether the fit is logistic.
    pub logistic: bool,
}

/// Thresholds.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Groups of fewer rows are reviewed; all sets of fewer rows are tried.
    pub review_below: usize,
    /// Groups of fewer rows fail.
    pub fail_below: usize,
    /// Fewer degrees of freedom fail.
    pub freedom: usize,
    /// A larger share of columns is reviewed.
    pub saturation: f64,
    /// (review, fail) of one's own share.
    pub own: (f64, f64),
    /// λmax of a group that is set apart: of one that fails, of a larger one.
    pub isolated: (f64, f64),
    /// Two contributors with more than this fail.
    pub dominance: f64,
    /// (review, fail) of R².
    pub r_squared: (f64, f64),
}

/// The limits that tests take: groups of up to three rows are looked for, so that all of them can be tried.
pub const LIMITS: Limits = Limits {
    review_below: 4,
    fail_below: 3,
    freedom: 10,
    saturation: 0.33,
    own: (2.0 / 3.0, 0.9),
    isolated: (0.99, 0.999),
    dominance: 0.9,
    r_squared: (0.99, 0.9999),
};

/// A verdict, from harmless to not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Judgement {
    /// Below all thresholds.
    Pass,
    /// A person has to look.
    Review,
    /// May not leave.
    Fail,
}

/// What was found, attack by attack, each with its verdict.
#[derive(Clone, Debug)]
pub struct Found {
    /// The largest change of a fitted value for a change of its own response.
    pub own: (f64, Judgement),
    /// The fewest rows that differ from the commonest value of a column, and that column.
    pub counted: (usize, usize, Judgement),
    /// The fewest rows that a combination of columns sets apart; None: more than were tried.
    pub isolated: (Option<usize>, Judgement),
    /// The largest share of two responses in a fitted value; of linear fits.
    pub dominance: Option<(f64, Judgement)>,
    /// Rows less columns.
    pub freedom: (usize, Judgement),
    /// R² and the share of responses told within 5 %; of linear fits.
    pub r_squared: Option<(f64, f64, Judgement)>,
    /// The smallest group of an indicator in which all have one outcome, and its column; of logistic fits.
    pub alike: Option<(Option<(usize, usize)>, Judgement)>,
    /// The gravest.
    pub verdict: Judgement,
}

/// A small case: honest, or with one of the ways in which fits give people away; a third of them logistic.
pub fn random_case(seed: u64) -> Case {
    let mut stream = Stream::new(seed, "disclosure");
    let below = |stream: &mut Stream, limit: usize| ((stream.uniform() * limit as f64) as usize).min(limit - 1);
    let n = 26 + below(&mut stream, 16);
    let logistic = seed.is_multiple_of(3);
    let mut columns = vec![vec![1.0; n]];
    for _ in 0..1 + below(&mut stream, 2) {
        columns.push(stream.normals(n));
    }
    let mut response: Vec<f64> = stream.normals(n).iter().zip(&columns[1]).map(|(e, x)| 8.0 + x + 1.5 * e).collect();
    let mut weights = vec![1.0; n];
    let rows = |stream: &mut Stream, count: usize| {
        let mut taken: Vec<usize> = Vec::new();
        while taken.len() < count {
            let row = below(stream, n);
            if !taken.contains(&row) {
                taken.push(row);
            }
        }
        taken
    };
    let indicator = |rows: &[usize]| (0..n).map(|i| f64::from(rows.contains(&i))).collect::<Vec<f64>>();
    match below(&mut stream, 13) {
        0 | 1 => columns.push(stream.normals(n).iter().map(|z| (0.5 * z).exp()).collect()),
        2 | 3 => columns.push(stream.normals(n).iter().map(|z| (2.0 * z).exp()).collect()),
        kind @ 4..=6 => {
            let group = rows(&mut stream, kind - 3);
            columns.push(indicator(&group));
        }
        7 => {
            let count = 1 + below(&mut stream, 3);
            let (group, noise) = (rows(&mut stream, count), stream.normals(n));
            columns.push(noise.iter().zip(indicator(&group)).map(|(z, one)| z + one).collect());
            columns.push(noise);
        }
        8 => columns[1][below(&mut stream, n)] = 1e3,
        9 => (0..n - 3 - below(&mut stream, n / 2)).take(14).for_each(|_| columns.push(stream.normals(n))),
        10 if !logistic => response[below(&mut stream, n)] = 1e4,
        11 if !logistic => weights = stream.uniforms(n).iter().map(|u| 1.0 / (0.02 + u)).collect(),
        12 if !logistic => {
            let size = 10f64.powf(-1.0 - 3.0 * stream.uniform());
            response = (0..n).map(|i| 3.0 + 2.0 * columns[1][i] + size * (response[i] - 8.0 - columns[1][i])).collect();
        }
        _ => {
            let group = rows(&mut stream, n / 3);
            columns.push(indicator(&group));
        }
    }
    if logistic {
        response = response.iter().zip(stream.normals(n)).map(|(y, e)| f64::from(y - 8.0 + e > 0.3)).collect();
        (response[0], response[1]) = (0.0, 1.0);
        if stream.uniform() < 0.2 {
            let group = rows(&mut stream, 5);
            group.iter().for_each(|&i| response[i] = 1.0);
            columns.push(indicator(&group));
        }
    }
    let names = (0..columns.len()).map(|k| if k == 0 { "(Intercept)".into() } else { format!("x{k}") }).collect();
    Case { names, columns, response, weights, logistic }
}

fn judged(fail: bool, review: bool) -> Judgement {
    match (fail, review) {
        (true, _) => Judgement::Fail,
        (_, true) => Judgement::Review,
        _ => Judgement::Pass,
    }
}

fn expit(eta: f64) -> f64 {
    1.0 / (1.0 + (-eta).exp())
}

impl Case {
    /// The same fit of some rows.
    pub fn of_rows(&self, rows: &[usize]) -> Case {
        let some = |v: &Vec<f64>| rows.iter().map(|&i| v[i]).collect::<Vec<f64>>();
        let (columns, response, weights) =
            (self.columns.iter().map(some).collect(), some(&self.response), some(&self.weights));
        Case { names: self.names.clone(), columns, response, weights, logistic: self.logistic }
    }

    /// Whether some column depends on those before it: of which less than 10⁻⁶ is left beside them.
    pub fn is_dependent(&self) -> bool {
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let mut directions: Vec<Vec<f64>> = Vec::new();
        self.columns.iter().any(|column| {
            let (mut rest, size) = (column.clone(), dot(column, column).sqrt());
            for _ in 0..2 {
                for q in &directions {
                    let share = dot(q, &rest);
                    rest.iter_mut().zip(q).for_each(|(r, q)| *r -= share * q);
                }
            }
            let left = dot(&rest, &rest).sqrt();
            rest.iter_mut().for_each(|r| *r /= left);
            directions.push(rest);
            left <= 1e-6 * size
        })
    }

    fn rows(&self) -> usize {
        self.response.len()
    }

    fn predictor(&self, i: usize, beta: &[f64]) -> f64 {
        self.columns.iter().zip(beta).map(|(column, b)| column[i] * b).sum()
    }

    /// argmin Σ w(z − Xβ)², columns scaled to size one; two corrections take out what elimination lost.
    fn least_squares(&self, w: &[f64], z: &[f64]) -> Vec<f64> {
        let p = self.columns.len();
        let sum = |f: &dyn Fn(usize) -> f64| -> f64 { (0..self.rows()).map(f).sum() };
        let size: Vec<f64> = self.columns.iter().map(|c| sum(&|i| w[i] * c[i] * c[i]).sqrt()).collect();
        let entry = |j: usize, k: usize| sum(&|i| w[i] * self.columns[j][i] * self.columns[k][i]) / (size[j] * size[k]);
        let gram: Vec<Vec<f64>> = (0..p).map(|j| (0..p).map(|k| entry(j, k)).collect()).collect();
        let mut beta = vec![0.0; p];
        for _ in 0..3 {
            let right = (0..p)
                .map(|j| sum(&|i| w[i] * self.columns[j][i] * (z[i] - self.predictor(i, &beta))) / size[j])
                .collect();
            let step = solve(gram.clone(), right);
            (0..p).for_each(|j| beta[j] += step[j] / size[j]);
        }
        beta
    }

    /// Fitted values for other responses. A logistic fit is iterated to the end, or where it has none to where R's `glm` stops.
    fn fitted(&self, y: &[f64]) -> Vec<f64> {
        let n = self.rows();
        if !self.logistic {
            let beta = self.least_squares(&self.weights, y);
            return (0..n).map(|i| self.predictor(i, &beta)).collect();
        }
        let deviance = |mean: &[f64]| -> f64 {
            -2.0 * y.iter().zip(mean).map(|(y, m)| if *y == 1.0 { m.ln() } else { (1.0 - m).ln() }).sum::<f64>()
        };
        let mut mean: Vec<f64> = y.iter().map(|y| (y + 0.5) / 2.0).collect();
        let mut before = deviance(&mean);
        let mut settled: Option<Vec<f64>> = None;
        for _ in 0..60 {
            let w: Vec<f64> = mean.iter().map(|m| (m * (1.0 - m)).max(1e-14)).collect();
            let z: Vec<f64> = (0..n).map(|i| (mean[i] / (1.0 - mean[i])).ln() + (y[i] - mean[i]) / w[i]).collect();
            let beta = self.least_squares(&w, &z);
            let next: Vec<f64> = (0..n).map(|i| expit(self.predictor(i, &beta).clamp(-32.0, 32.0))).collect();
            let now = deviance(&next);
            let moved = mean.iter().zip(&next).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            mean = next;
            if moved < 1e-13 {
                return mean;
            }
            if settled.is_none() && (now - before).abs() / (now.abs() + 0.1) < 1e-8 {
                settled = Some(mean.clone());
            }
            before = now;
            // Means at 0 or 1: some combination of columns tells the outcomes.
            if let Some(settled) = &settled
                && mean.iter().any(|m| m.min(1.0 - m) < 1e-11)
            {
                return settled.clone();
            }
        }
        settled.unwrap_or(mean)
    }

    /// ∂ŷᵢ/∂yⱼ of a linear fit, column j by a fit with yⱼ + 1.
    fn derivative(&self) -> Vec<Vec<f64>> {
        let before = self.fitted(&self.response);
        let with = |j: usize| {
            let mut y = self.response.clone();
            y[j] += 1.0;
            self.fitted(&y).iter().zip(&before).map(|(a, b)| a - b).collect::<Vec<f64>>()
        };
        (0..self.rows()).map(with).collect()
    }

    /// Tries everything.
    pub fn judge(&self, limits: &Limits) -> Found {
        let n = self.rows();
        let mean = self.fitted(&self.response);
        let (own, hat) = self.shares(&mean);
        let own = (own, judged(own > limits.own.1, own > limits.own.0));
        let counted = self.counted(limits);
        let smallest = smallest_group(&hat, limits);
        let isolated = (smallest, judged(smallest.is_some_and(|m| m < limits.fail_below), smallest.is_some()));
        let p = self.columns.len();
        let freedom = (n - p, judged(n - p < limits.freedom, p as f64 / n as f64 > limits.saturation));
        let dominance = (!self.logistic).then(|| {
            let share = dominated(&hat, &self.weights, &self.response);
            (share, judged(share > limits.dominance, false))
        });
        let r_squared = (!self.logistic).then(|| self.r_squared(&mean, limits));
        let alike = self.logistic.then(|| self.alike(&mean, limits));
        let verdict = [
            Some(own.1),
            Some(counted.2),
            Some(isolated.1),
            Some(freedom.1),
            dominance.map(|d| d.1),
            r_squared.map(|r| r.2),
            alike.map(|a| a.1),
        ];
        let verdict = verdict.into_iter().flatten().max().unwrap_or(Judgement::Pass);
        Found { own, counted, isolated, dominance, freedom, r_squared, alike, verdict }
    }

    /// The largest own share, and hᵢⱼ = √(wᵢwⱼ)xᵢᵀ(XᵀWX)⁻¹xⱼ with the weights of the fit.
    fn shares(&self, mean: &[f64]) -> (f64, Vec<Vec<f64>>) {
        let n = self.rows();
        if !self.logistic {
            let derivative = self.derivative(); // by columns: entry [j][i] is ∂ŷᵢ/∂yⱼ
            let own = (0..n).map(|i| derivative[i][i]).fold(0.0, f64::max);
            let w = &self.weights;
            let h = |i: usize, j: usize| derivative[j][i] * (w[i] / w[j]).sqrt();
            return (own, (0..n).map(|i| (0..n).map(|j| h(i, j)).collect()).collect());
        }
        let flipped = |i: usize| {
            let mut y = self.response.clone();
            y[i] = 1.0 - y[i];
            (self.fitted(&y)[i] - mean[i]).abs()
        };
        let own = (0..n).map(flipped).fold(0.0, f64::max);
        // The working fit is linear in its working response.
        let w: Vec<f64> = mean.iter().map(|m| m * (1.0 - m)).collect();
        let working = Case { weights: w, logistic: false, response: vec![0.0; n], ..self.clone() };
        (own, working.shares(mean).1)
    }

    fn counted(&self, limits: &Limits) -> (usize, usize, Judgement) {
        let mut least = (self.rows(), 0);
        for (k, column) in self.columns.iter().enumerate() {
            let same = |v: f64| column.iter().filter(|other| **other == v).count();
            let commonest = column.iter().map(|v| same(*v)).max().unwrap_or(0);
            let differing = self.rows() - commonest;
            if differing > 0 && differing < least.0 {
                least = (differing, k);
            }
        }
        (least.0, least.1, judged(least.0 < limits.fail_below, least.0 < limits.review_below))
    }

    fn r_squared(&self, mean: &[f64], limits: &Limits) -> (f64, f64, Judgement) {
        let (w, y, n) = (&self.weights, &self.response, self.rows());
        let middle = (0..n).map(|i| w[i] * y[i]).sum::<f64>() / w.iter().sum::<f64>();
        let total: f64 = (0..n).map(|i| w[i] * (y[i] - middle).powi(2)).sum();
        let rest: f64 = (0..n).map(|i| w[i] * (y[i] - mean[i]).powi(2)).sum();
        let near = (0..n).filter(|&i| (y[i] - mean[i]).abs() <= 0.05 * y[i].abs()).count() as f64 / n as f64;
        let square = 1.0 - rest / total;
        (square, near, judged(square > limits.r_squared.1, square > limits.r_squared.0))
    }

    fn alike(&self, mean: &[f64], limits: &Limits) -> (Option<(usize, usize)>, Judgement) {
        let mut least: Option<(usize, usize)> = None;
        for (k, column) in self.columns.iter().enumerate() {
            let group: Vec<usize> = (0..self.rows()).filter(|&i| column[i] == 1.0).collect();
            let yes_or_no =
                column.iter().all(|v| *v == 0.0 || *v == 1.0) && !group.is_empty() && group.len() < self.rows();
            let same = yes_or_no
                && group
                    .iter()
                    .all(|&i| self.response[i] == self.response[group[0]] && (mean[i] - self.response[i]).abs() < 0.01);
            if same && least.is_none_or(|(rows, _)| group.len() < rows) {
                least = Some((group.len(), k));
            }
        }
        (least, judged(least.is_some_and(|(rows, _)| rows < limits.review_below), least.is_some()))
    }
}

/// The largest share of two entries in Σⱼ|hᵢⱼ√(wⱼ)yⱼ|, over all i.
fn dominated(hat: &[Vec<f64>], w: &[f64], y: &[f64]) -> f64 {
    let share = |row: &Vec<f64>| {
        let mut parts: Vec<f64> = row.iter().zip(w).zip(y).map(|((h, w), y)| (h * w.sqrt() * y).abs()).collect();
        parts.sort_by(|a, b| b.total_cmp(a));
        parts[..2].iter().sum::<f64>() / parts.iter().sum::<f64>()
    };
    hat.iter().map(share).fold(0.0, f64::max)
}

/// The size of the smallest set S below the limit for review with λmax(H_SS) > κ: all sets are tried, but for those whose trace
/// already says no.
fn smallest_group(hat: &[Vec<f64>], limits: &Limits) -> Option<usize> {
    let limit = |size: usize| if size < limits.fail_below { limits.isolated.0 } else { limits.isolated.1 };
    (1..limits.review_below).find(|&size| some_set(hat, size, limit(size), &mut Vec::new()))
}

fn some_set(hat: &[Vec<f64>], size: usize, limit: f64, taken: &mut Vec<usize>) -> bool {
    if taken.len() == size {
        return taken.iter().map(|&i| hat[i][i]).sum::<f64>() > limit && largest_eigenvalue(hat, taken) > limit;
    }
    for next in taken.last().map_or(0, |last| last + 1)..hat.len() {
        taken.push(next);
        if some_set(hat, size, limit, taken) {
            return true;
        }
        taken.pop();
    }
    false
}

/// By squaring: H^(2^k) of trace one tends to the projection on its first eigenvector.
fn largest_eigenvalue(hat: &[Vec<f64>], rows: &[usize]) -> f64 {
    let m = rows.len();
    let block: Vec<Vec<f64>> = rows.iter().map(|&i| rows.iter().map(|&j| hat[i][j]).collect()).collect();
    let mut power = block.clone();
    for _ in 0..40 {
        let trace: f64 = (0..m).map(|i| power[i][i]).sum();
        let of = |i: usize, j: usize| (0..m).map(|k| power[i][k] * power[k][j]).sum::<f64>() / (trace * trace);
        power = (0..m).map(|i| (0..m).map(|j| of(i, j)).collect()).collect();
    }
    let product = |i: usize, j: usize| block[i][j] * power[j][i];
    let trace: f64 = (0..m).map(|i| power[i][i]).sum();
    (0..m).map(|i| (0..m).map(|j| product(i, j)).sum::<f64>()).sum::<f64>() / trace
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOSER: Limits = Limits { freedom: 5, saturation: 0.5, ..LIMITS };

    #[test]
    fn a_mean_of_ten_gives_each_a_tenth_and_a_dummy_gives_its_person_away() {
        let y: Vec<f64> = (0..10).map(|i| 1.0 + f64::from(i % 4)).collect();
        let mut case = Case {
            names: vec!["1".into()],
            columns: vec![vec![1.0; 10]],
            response: y,
            weights: vec![1.0; 10],
            logistic: false,
        };
        let found = case.judge(&LOOSER);
        assert!((found.own.0 - 0.1).abs() < 1e-12 && found.verdict == Judgement::Pass, "{found:?}");
        assert_eq!(found.isolated.0, None);
        case.columns.push((0..10).map(|i| f64::from(i == 3)).collect());
        let found = case.judge(&LOOSER);
        assert!((found.own.0 - 1.0).abs() < 1e-12, "{found:?}");
        assert_eq!((found.counted.0, found.isolated.0, found.verdict), (1, Some(1), Judgement::Fail));
    }

    #[test]
    fn the_largest_eigenvalue_is_that_of_a_square_root() {
        let h = vec![vec![2.0, 1.0], vec![1.0, 2.0]];
        assert!((largest_eigenvalue(&h, &[0, 1]) - 3.0).abs() < 1e-12);
    }
}
