//! The signs of slacks whose sizes are known: by trying all patterns of a few rows, or by reflections.

use super::lift::Coordinates;
use super::patterns::Basis;
use super::release::Release;
use super::sizes::{SlackSizes, slack_sizes};
use super::span::Span;
use crate::error::Result;
use crate::invert::hat::Silence;
use crate::linalg::{dot, norm};
use crate::normal;
use crate::random::uniform_rows_into;
use crate::rows::RowSource;
use crate::run::{Event, Run};

/// A point and how it was found.
pub(super) type Named = (Vec<f64>, String);

/// Points found from the sizes of slacks.
pub(super) struct SignSearch {
    /// The best first, each with the way it was found.
    pub points: Vec<Named>,
    /// Exact sizes of all slacks up to one factor, and every pattern of signs tried: no other x has these scores.
    pub complete: bool,
    /// Exact sizes up to one factor, in rows that determine x: it is then determined among its neighbours.
    pub whole: bool,
    /// Rows that say nothing of their slack, and why.
    pub silent: Vec<(usize, Silence)>,
}

/// What bounds the search.
#[derive(Clone, Copy)]
pub(super) struct SignEffort {
    /// Starts of reflections, beside those that follow from the data.
    pub reflections: usize,
    /// Where the scores have errors: bases whose patterns are ranked, and the patterns of each that are followed.
    pub bases: usize,
    pub points: usize,
}

/// Up to this d all 2^d patterns are tried on exact sizes: a fifth of a second.
const MOST_EXACT: usize = 24;
/// Up to this d they are ranked on sizes with errors, on the rows that are known best.
const MOST_RANKED: usize = 12;
const RANKED_ROWS: usize = 64;
/// Patterns that fit exact sizes; more are not looked for.
const MOST_FITTING: usize = 16;
/// |rᵢc| may differ from 1 by this many of the errors of all sizes in it.
const ERRORS: f64 = 10.0;
/// And by this: what the sum itself loses.
const SUM_ROUNDING: f64 = 1e-9;
/// Steps of reflections, the share after which they end in plain alternation, and how much of a reflection is taken.
const REFLECTIONS: usize = 600;
const REFLECTING_SHARE: f64 = 0.8;
const RELAXATION: f64 = 0.9;
/// A misfit of the sizes below this is an answer.
const FOUND: f64 = 1e-9;
/// No log of a noisy size is trusted more than this.
const BEST_NOISY: f64 = 0.05;
/// Alternations after a ranked pattern.
const ALTERNATIONS: usize = 6;
/// Streams of the draws, apart from others under one seed.
const SUBSETS: u64 = 0x5163_0000;
const RANDOM: u64 = 0x5164_0000;
const BASES: u64 = 0x516A_0000;

/// Points whose slacks have the sizes that the scores tell; None where scores tell no sizes.
///
/// # Cost
/// That of the sizes; with exact scores and d ≤ 24 then 2^d × 10 flops and 2nd²; else up to 600 steps of 4nd flops a start.
/// # Randomness
/// Keyed by (seed, number of the start).
/// # Errors
/// Whatever the rows report; an interruption.
pub(super) fn search_signs(
    source: &dyn RowSource,
    release: &Release,
    coordinates: &Coordinates,
    effort: SignEffort,
    seed: u64,
    run: &Run<'_>,
) -> Result<Option<SignSearch>> {
    if coordinates.offset_in_range {
        return Ok(None);
    }
    let Some(sizes) = slack_sizes(source, release, run)? else { return Ok(None) };
    let exact = release.noise == 0.0;
    let reliability = reliability(&sizes, exact);
    let weight = match exact {
        true => sizes.component.iter().map(|c| f64::from(u8::from(c.is_some()))).collect(),
        false => reliability.iter().zip(&sizes.size).map(|(r, q)| r / q).collect::<Vec<f64>>(),
    };
    let largest = weight.iter().copied().fold(0.0, f64::max);
    let weight: Vec<f64> = weight.iter().map(|w| w / largest).collect();
    let Some(span) = Span::new(source, coordinates, &weight, run)? else {
        let silent = sizes.silent;
        return Ok(Some(SignSearch { points: Vec::new(), complete: false, whole: false, silent }));
    };
    let search = Signs { span, sizes: &sizes, weight, reliability, exact, seed, run };
    let (points, complete) = search.run(source, coordinates, effort)?;
    let whole = exact && sizes.components == 1;
    Ok(Some(SignSearch { points, complete, whole, silent: sizes.silent }))
}

/// ρᵢ: one over the error of log qᵢ, at most 1.
fn reliability(sizes: &SlackSizes, exact: bool) -> Vec<f64> {
    let of = |i: usize| match (sizes.knows(i), exact) {
        (false, _) => 0.0,
        (true, true) => 1.0,
        (true, false) => BEST_NOISY / BEST_NOISY.hypot(sizes.spread[i]),
    };
    (0..sizes.size.len()).map(of).collect()
}

struct Signs<'a> {
    span: Span<'a>,
    sizes: &'a SlackSizes,
    weight: Vec<f64>,
    reliability: Vec<f64>,
    exact: bool,
    seed: u64,
    run: &'a Run<'a>,
}

impl Signs<'_> {
    fn run(&self, source: &dyn RowSource, coordinates: &Coordinates, effort: SignEffort) -> Result<(Vec<Named>, bool)> {
        let d = self.span.dim() - 1;
        let mut points = Vec::new();
        if self.sizes.components == 1 && d <= if self.exact { MOST_EXACT } else { MOST_RANKED } {
            self.run.tell(Event::Phase("trying all signs of a few rows"));
            points = self.patterns(effort)?;
            if self.exact && !points.is_empty() {
                let complete = self.sizes.is_whole() && points.len() < MOST_FITTING;
                return Ok((points, complete));
            }
        }
        if !points.is_empty() && effort.reflections == 0 {
            return Ok((points, false));
        }
        self.run.tell(Event::Phase("reflecting between slacks and their sizes"));
        points.extend(self.reflections(source, coordinates, effort)?);
        Ok((points, false))
    }

    /// From the patterns of a basis: all that fit exact sizes, or the nearest ones.
    fn patterns(&self, effort: SignEffort) -> Result<Vec<Named>> {
        let known: Vec<usize> = (0..self.weight.len()).filter(|&i| self.sizes.knows(i)).collect();
        let dim = self.span.dim();
        let mut rows = self.span.rows(&known)?;
        for (row, &i) in rows.chunks_exact_mut(dim).zip(&known) {
            row.iter_mut().for_each(|v| *v /= self.sizes.size[i]);
        }
        let reliability: Vec<f64> = known.iter().map(|&i| self.reliability[i]).collect();
        if !self.exact {
            return self.near_patterns(&rows, &reliability, effort);
        }
        let Some(basis) = Basis::of(&rows, dim, &reliability) else { return Ok(Vec::new()) };
        let spread = |k: usize| self.sizes.spread[known[k]];
        let tolerance: Vec<f64> = (0..known.len())
            .map(|k| {
                let g = &basis.g[k * dim..(k + 1) * dim];
                let through: f64 = g.iter().zip(&basis.rows).map(|(g, &j)| g.abs() * spread(j)).sum();
                let sum: f64 = g.iter().map(|g| g.abs()).sum();
                ERRORS * (spread(k) + through) + SUM_ROUNDING * (1.0 + sum)
            })
            .collect();
        let fitting = basis.fitting(&tolerance, MOST_FITTING);
        let point = |(k, signs): (usize, &Vec<f64>)| {
            Some((self.span.point(&basis.coefficients(signs))?, format!("signs, pattern {}", k + 1)))
        };
        Ok(fitting.iter().enumerate().filter_map(point).collect())
    }

    /// The best patterns of several bases, the first of the rows that are known best, each followed by a few alternations.
    fn near_patterns(&self, rows: &[f64], reliability: &[f64], effort: SignEffort) -> Result<Vec<Named>> {
        let dim = self.span.dim();
        let mut order: Vec<usize> = (0..reliability.len()).collect();
        order.sort_by(|&a, &b| reliability[b].total_cmp(&reliability[a]).then(a.cmp(&b)));
        order.truncate(RANKED_ROWS);
        let mut points = Vec::new();
        for b in 0..effort.bases {
            let mut preference = reliability.to_vec();
            if b > 0 {
                let mut u = vec![0.0; preference.len()];
                uniform_rows_into(self.seed, BASES + b as u64, 0, &mut u);
                preference.iter_mut().zip(&u).for_each(|(p, u)| *p *= u);
            }
            let Some(basis) = Basis::of(rows, dim, &preference) else { continue };
            for (k, signs) in basis.nearest(&order, reliability, effort.points).iter().enumerate() {
                self.run.check()?;
                let mut slack = self.span.values(&basis.coefficients(signs))?;
                for _ in 0..ALTERNATIONS {
                    slack = self.span.values(&self.span.fit(&self.sized(&slack))?)?;
                }
                let point = self.span.point(&self.span.fit(&slack)?);
                points.extend(point.map(|x| (x, format!("signs, near pattern {} of basis {}", k + 1, b + 1))));
            }
        }
        Ok(points)
    }

    /// The vector of the known sizes nearest to s: sᵢ keeps its sign, and its size where none is known.
    fn sized(&self, s: &[f64]) -> Vec<f64> {
        let factors = self.factors(s);
        let of = |(i, s): (usize, &f64)| match self.sizes.component[i] {
            Some(c) => (factors[c] * self.sizes.size[i]).copysign(*s),
            None => *s,
        };
        s.iter().enumerate().map(of).collect()
    }

    /// The factor of each component: 1 where there is one, else the best for s, their mean square being 1.
    fn factors(&self, s: &[f64]) -> Vec<f64> {
        let count = self.sizes.components;
        if count == 1 {
            return vec![1.0];
        }
        let (mut along, mut square) = (vec![0.0; count], vec![0.0; count]);
        for (i, s) in s.iter().enumerate() {
            if let Some(c) = self.sizes.component[i] {
                let q = self.sizes.size[i];
                let w = self.weight[i] * self.weight[i];
                along[c] += w * q * s.abs();
                square[c] += w * q * q;
            }
        }
        let factors: Vec<f64> = along.iter().zip(&square).map(|(a, q)| if *q > 0.0 { a / q } else { 1.0 }).collect();
        let mean = norm(&factors) / (count as f64).sqrt();
        if mean > 0.0 { factors.iter().map(|k| k / mean).collect() } else { vec![1.0; count] }
    }

    /// Relaxed averaged alternating reflections between the range of [A b] and the vectors of the known sizes, then plain
    /// alternation: the coefficients of the nearest point met, and its relative misfit.
    ///
    /// # References
    /// Luke2005.
    fn reflect(&self, start: &[f64]) -> Result<(f64, Vec<f64>)> {
        let mut s = start.to_vec();
        let mut best = (f64::INFINITY, Vec::new());
        let reflecting = (REFLECTING_SHARE * REFLECTIONS as f64) as usize;
        for k in 0..REFLECTIONS {
            self.run.check()?;
            let m = self.sized(&s);
            let alternating = k >= reflecting;
            if alternating || k % 10 == 9 {
                let c = self.span.fit(&m)?;
                let in_range = self.span.values(&c)?;
                let misfit = self.misfit(&in_range);
                if misfit < best.0 {
                    best = (misfit, c);
                }
                if best.0 < FOUND {
                    break;
                }
                if alternating {
                    let settled = misfit > 0.999_999 * best.0 && k > reflecting + 20;
                    s = in_range;
                    if settled && misfit >= best.0 * (1.0 - 1e-9) && k % 10 == 9 {
                        break;
                    }
                    continue;
                }
            }
            let reflected: Vec<f64> = m.iter().zip(&s).map(|(m, s)| 2.0 * m - s).collect();
            let a = self.span.values(&self.span.fit(&reflected)?)?;
            for (s, (a, m)) in s.iter_mut().zip(a.iter().zip(&m)) {
                *s = RELAXATION * (a - m + *s) + (1.0 - RELAXATION) * m;
            }
        }
        Ok(best)
    }

    /// ‖W(|s| − q)‖/‖Wq‖ over known sizes.
    fn misfit(&self, s: &[f64]) -> f64 {
        let sized = self.sized(s);
        let (mut off, mut all) = (0.0, 0.0);
        for i in (0..s.len()).filter(|&i| self.sizes.knows(i)) {
            off += (self.weight[i] * (s[i] - sized[i])).powi(2);
            all += (self.weight[i] * sized[i]).powi(2);
        }
        (off / all).sqrt()
    }

    /// Reflections from several starts until one has the sizes; the best four, the best first.
    fn reflections(&self, source: &dyn RowSource, coordinates: &Coordinates, effort: SignEffort) -> Result<Vec<Named>> {
        const KEPT: usize = 4;
        let mut found: Vec<(f64, Vec<f64>, String)> = Vec::new();
        for k in 0.. {
            let Some((start, origin)) = self.start(source, coordinates, effort, k)? else { break };
            let Some(start) = start else { continue };
            let (misfit, c) = self.reflect(&start)?;
            if let Some(x) = self.span.point(&c) {
                found.push((misfit, x, format!("signs, reflections from {origin}")));
            }
            if misfit < FOUND {
                break;
            }
        }
        found.sort_by(|a, b| a.0.total_cmp(&b.0));
        Ok(found.into_iter().take(KEPT).map(|(_, x, origin)| (x, origin)).collect())
    }

    /// The k-th start: slacks of fits, the least of them taken as zero, or drawn in the range; None after the last one.
    #[allow(clippy::type_complexity)] // a start that is none, or no more starts
    fn start(
        &self,
        source: &dyn RowSource,
        coordinates: &Coordinates,
        effort: SignEffort,
        k: usize,
    ) -> Result<Option<(Option<Vec<f64>>, String)>> {
        let d = coordinates.fit.len();
        let fitted = |rows: &[usize]| -> Result<Option<Vec<f64>>> {
            let Some(x) = exact_on(source, coordinates, rows)? else { return Ok(None) };
            self.scaled_to_sizes(&self.span.values(&coefficients_of(&x, coordinates))?)
        };
        let order = || {
            let mut order: Vec<usize> = (0..self.weight.len()).filter(|&i| self.sizes.knows(i)).collect();
            order.sort_by(|&a, &b| self.sizes.size[a].total_cmp(&self.sizes.size[b]).then(a.cmp(&b)));
            order
        };
        let subsets = effort.reflections;
        Ok(match k {
            0 => Some((self.scaled_to_sizes(&coordinates.rest)?, "the least-squares fit".into())),
            1..=3 => {
                let order = order();
                let count = [d, d + 2, 2 * d][k - 1].min(order.len());
                Some((fitted(&order[..count])?, format!("a fit of the {count} least slacks")))
            }
            k if k < 4 + subsets => {
                let mut order = order();
                order.truncate(2 * d + 6);
                let rows = drawn(&order, d.min(order.len()), self.seed, SUBSETS + k as u64);
                Some((fitted(&rows)?, format!("a fit of {d} small slacks")))
            }
            k if k < 4 + subsets + subsets.div_ceil(2) => {
                let mut c = vec![0.0; d + 1];
                normal::draw_into(self.seed, RANDOM + k as u64, &mut c);
                Some((self.scaled_to_sizes(&self.span.values(&c)?)?, "a drawn point".into()))
            }
            _ => None,
        })
    }

    /// s times the factor that gives its median size that of q; None of zeros.
    fn scaled_to_sizes(&self, s: &[f64]) -> Result<Option<Vec<f64>>> {
        let median = |of: &dyn Fn(usize) -> f64| {
            let mut all: Vec<f64> = (0..s.len()).filter(|&i| self.sizes.knows(i)).map(of).collect();
            all.sort_by(f64::total_cmp);
            all[all.len() / 2]
        };
        let factor = median(&|i| self.sizes.size[i]) / median(&|i| s[i].abs());
        Ok(factor.is_finite().then(|| s.iter().map(|s| factor * s).collect()))
    }
}

/// c of the slacks of x.
fn coefficients_of(x: &[f64], coordinates: &Coordinates) -> Vec<f64> {
    let moved: Vec<f64> = x.iter().zip(&coordinates.fit).map(|(x, fit)| x - fit).collect();
    let d = x.len();
    let lower = coordinates.factor.lower();
    let mut c: Vec<f64> = (0..d).map(|j| (j..d).map(|i| lower[i + j * d] * moved[i]).sum()).collect();
    c.push(-norm(&coordinates.rest));
    c
}

/// The x that fits b best on the named rows; None where they do not determine it.
fn exact_on(source: &dyn RowSource, coordinates: &Coordinates, rows: &[usize]) -> Result<Option<Vec<f64>>> {
    weighted_on(source, coordinates, rows, &vec![1.0; rows.len()])
}

/// The same with a weight for each of the rows.
pub(super) fn weighted_on(
    source: &dyn RowSource,
    coordinates: &Coordinates,
    rows: &[usize],
    weight: &[f64],
) -> Result<Option<Vec<f64>>> {
    let d = coordinates.fit.len();
    if rows.len() < d {
        return Ok(None);
    }
    let mut values = source.gather(rows)?;
    coordinates.whiten(&mut values);
    // Rows [a rest] in whitened coordinates: x = x₀ + √n L⁻ᵀy.
    let block: Vec<f64> = values
        .chunks_exact(d)
        .zip(rows.iter().zip(weight))
        .flat_map(|(row, (&i, w))| row.iter().map(|a| w * a).chain([w * coordinates.rest[i]]).collect::<Vec<f64>>())
        .collect();
    let (lower, right) = crate::linalg::least_squares_factor(&block, d);
    let y = crate::linalg::solve_lower_transposed(&lower, &right);
    if y.iter().any(|v| !v.is_finite()) {
        return Ok(None);
    }
    let root = (coordinates.rest.len() as f64).sqrt();
    let h = coordinates.factor.half_solve_transposed(&y);
    Ok(Some(coordinates.fit.iter().zip(&h).map(|(x, h)| x + root * h).collect()))
}

/// `count` of the values, drawn without replacement.
pub(super) fn drawn(values: &[usize], count: usize, seed: u64, stream: u64) -> Vec<usize> {
    let mut uniform = vec![0.0; values.len()];
    uniform_rows_into(seed, stream, 0, &mut uniform);
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| uniform[a].total_cmp(&uniform[b]).then(a.cmp(&b)));
    let mut chosen: Vec<usize> = order[..count].iter().map(|&k| values[k]).collect();
    chosen.sort_unstable();
    chosen
}

/// Whether two points are one to the digits that matter, in the metric of the rows.
pub(super) fn same(a: &[f64], b: &[f64], coordinates: &Coordinates, share: f64) -> bool {
    let (a, b) = (coefficients_of(a, coordinates), coefficients_of(b, coordinates));
    let moved: Vec<f64> = a.iter().zip(&b).map(|(a, b)| a - b).collect();
    dot(&moved, &moved).sqrt() <= share * norm(&coordinates.rest)
}
