//! Problems made to break what computes with rounded numbers: near-duplicate columns, sizes of 1e±170, slabs, points at a
//! facet, n = d, d = 1, rows and columns of zeros, ranks that drop.

use crate::generate::Stream;
use crate::{Big, Real};

/// A matrix whose scores are asked for.
pub struct ScoreCase {
    /// What is hard about it.
    pub kind: &'static str,
    /// n×d, row-major.
    pub a: Vec<f64>,
    /// d.
    pub d: usize,
}

/// A cell with a point in it whose gradient is the target.
pub struct InversionCase {
    /// What is hard about it.
    pub kind: &'static str,
    /// n×d, row-major.
    pub a: Vec<f64>,
    /// n values.
    pub b: Vec<f64>,
    /// d values, strictly inside the cell.
    pub hidden: Vec<f64>,
    /// Another point of the same cell.
    pub inside: Vec<f64>,
    /// The gradient at `hidden`, to a rounding of each entry.
    pub target: Vec<f64>,
}

/// 10^u with u uniform.
fn size(stream: &mut Stream, from: f64, to: f64) -> f64 {
    10f64.powf(from + (to - from) * stream.uniform())
}

fn pick(stream: &mut Stream, below: usize) -> usize {
    ((stream.uniform() * below as f64) as usize).min(below - 1)
}

/// Columns or rows times numbers of any size; the largest size is 10^±`decades`.
fn scale_columns(a: &mut [f64], d: usize, decades: f64, stream: &mut Stream) -> Vec<f64> {
    let scales: Vec<f64> = (0..d).map(|_| size(stream, -decades, decades)).collect();
    a.chunks_mut(d).for_each(|row| row.iter_mut().zip(&scales).for_each(|(a, s)| *a *= s));
    scales
}

/// The case of this seed and number.
pub fn score_case(seed: u64, number: u64) -> ScoreCase {
    let mut stream = Stream::new(seed.wrapping_mul(1_000_003).wrapping_add(number), "adversarial scores");
    let s = &mut stream;
    let (mut n, mut d) = (3 + pick(s, 20), 1 + pick(s, 5));
    if n < d {
        n = d;
    }
    let kind = [
        "plain",
        "near duplicate",
        "whole dependence",
        "scaled columns",
        "square",
        "one column",
        "zeros",
        "graded rows",
        "rounded dependence",
        "subnormal",
        "wide",
        "all small",
        "duplicate and scaled",
        "constant and far",
    ][(number % 14) as usize];
    match kind {
        "square" => n = d,
        "one column" => d = 1,
        "wide" => (n, d) = (1 + pick(s, 4), 4 + pick(s, 3)),
        "near duplicate" | "whole dependence" | "rounded dependence" | "duplicate and scaled" => {
            d = d.max(2);
            n = n.max(d + 2);
        }
        _ => {}
    }
    let mut a = s.normals(n * d);
    let column =
        |a: &mut [f64], j: usize, f: &mut dyn FnMut(&[f64]) -> f64| a.chunks_mut(d).for_each(|row| row[j] = f(row));
    match kind {
        "near duplicate" => {
            let apart = size(s, -16.0, -1.0);
            column(&mut a, d - 1, &mut |row| row[0] + apart * s.normal());
        }
        "whole dependence" | "duplicate and scaled" => {
            a.iter_mut().for_each(|v| *v = (8.0 * *v).round());
            column(&mut a, d - 1, &mut |row| if row.len() > 2 { 2.0 * row[0] - 3.0 * row[1] } else { row[0] });
            if kind == "duplicate and scaled" {
                let power = |s: &mut Stream| 2f64.powi(pick(s, 1000) as i32 - 500);
                let powers: Vec<f64> = (0..d).map(|_| power(s)).collect();
                a.chunks_mut(d).for_each(|row| row.iter_mut().zip(&powers).for_each(|(a, p)| *a *= p));
            }
        }
        "rounded dependence" => {
            let factor = s.normal();
            column(&mut a, d - 1, &mut |row| row[0] * factor);
        }
        "scaled columns" | "square" | "one column" => drop(scale_columns(&mut a, d, 170.0, s)),
        "zeros" => {
            let (row, zero) = (pick(s, n), pick(s, d));
            a[row * d..(row + 1) * d].fill(0.0);
            column(&mut a, zero, &mut |_| 0.0);
            scale_columns(&mut a, d, 170.0, s);
        }
        "graded rows" => {
            let span = size(s, 0.0, 1.8);
            a.chunks_mut(d).for_each(|row| {
                let by = size(s, -span, 0.0);
                row.iter_mut().for_each(|a| *a *= by);
            });
        }
        "subnormal" => a.iter_mut().for_each(|v| *v *= 1e-310),
        "all small" => {
            let by = size(s, -300.0, -140.0);
            a.iter_mut().for_each(|v| *v *= by);
        }
        "constant and far" => {
            let far = size(s, 0.0, 9.0);
            column(&mut a, 0, &mut |_| 1.0);
            a.chunks_mut(d).for_each(|row| row[1..].iter_mut().for_each(|v| *v += far));
        }
        _ => {}
    }
    ScoreCase { kind, a, d }
}

/// The case of this seed and number; None where rounding put its points outside, or its target beyond the floats.
pub fn inversion_case(seed: u64, number: u64) -> Option<InversionCase> {
    let mut stream = Stream::new(seed.wrapping_mul(1_000_003).wrapping_add(number), "adversarial inversions");
    let s = &mut stream;
    let kind = [
        "plain",
        "near duplicate",
        "scaled columns",
        "scaled rows",
        "slab",
        "at a facet",
        "square",
        "one column",
        "zeros",
        "all small",
        "far away",
        "scaled everything",
        "open",
    ][(number % 13) as usize];
    let mut d = 1 + pick(s, 4);
    let mut n = 2 * d + 2 + pick(s, 8);
    match kind {
        "square" => n = d,
        "one column" => (d, n) = (1, 1 + pick(s, 6)),
        "slab" | "near duplicate" => {
            d = d.max(2);
            n = 2 * d + 4 + pick(s, 6);
        }
        "open" => n = d + pick(s, 3),
        _ => {}
    }
    let mut a = s.normals(n * d);
    if kind == "near duplicate" {
        let apart = size(s, -13.0, -1.0);
        a.chunks_mut(d).for_each(|row| row[d - 1] = row[0] + apart * row[d - 1]);
    }
    if kind == "slab" {
        for j in 0..d {
            a[d + j] = -a[j];
        }
    }
    let mut hidden = s.normals(d);
    let mut slack: Vec<f64> = (0..n).map(|_| size(s, -1.5, 0.5)).collect();
    match kind {
        "slab" => {
            let thickness = size(s, -12.0, -2.0);
            slack[0] *= thickness;
            slack[1] *= thickness;
        }
        "at a facet" => slack[0] = size(s, -14.0, -6.0),
        "far away" => {
            let far = size(s, 2.0, 9.0);
            hidden.iter_mut().for_each(|x| *x *= far);
        }
        _ => {}
    }
    let mut columns = vec![1.0; d];
    if kind == "scaled columns" || kind == "scaled everything" {
        columns = scale_columns(&mut a, d, 170.0, s);
    }
    if kind == "all small" {
        let by = size(s, -290.0, -140.0);
        columns.fill(by);
        a.iter_mut().for_each(|v| *v *= by);
    }
    hidden.iter_mut().zip(&columns).for_each(|(x, c)| *x /= c);
    if kind == "scaled rows" || kind == "scaled everything" {
        let decades = if kind == "scaled rows" { 170.0 } else { 60.0 };
        for (row, slack) in a.chunks_mut(d).zip(&mut slack) {
            let by = size(s, -decades, decades);
            row.iter_mut().for_each(|v| *v *= by);
            *slack *= by;
        }
    }
    // Mixed signs of the slacks are mirrored rows.
    let mirrored = s.uniform() < 0.3;
    let mut b = Vec::with_capacity(n);
    for (row, slack) in a.chunks(d).zip(&slack) {
        let sign = if mirrored && s.uniform() < 0.5 { -1.0 } else { 1.0 };
        let product: f64 = row.iter().zip(&hidden).map(|(a, x)| a * x).sum();
        b.push(product - sign * slack);
    }
    if kind == "zeros" {
        let row = pick(s, n);
        a[row * d..(row + 1) * d].fill(0.0);
        b[row] = -slack[row];
    }
    if !(a.iter().chain(&b).chain(&hidden).all(|v| v.is_finite())) {
        return None;
    }
    let signs = slack_signs(&a, &b, &hidden)?;
    // A way off, but in the cell: half of the way to a point that may be outside, again and again.
    let away = s.normals(d);
    let inside = (0..60).map(|k| {
        let t = 0.3 * 0.5f64.powi(k);
        (0..d).map(|j| hidden[j] + t * away[j] * (hidden[j].abs() + 1.0 / columns[j])).collect::<Vec<f64>>()
    });
    let inside = inside.into_iter().find(|x| slack_signs(&a, &b, x).as_ref() == Some(&signs));
    let inside = inside.unwrap_or_else(|| hidden.clone());
    let target = gradient(&a, &b, &hidden)?;
    Some(InversionCase { kind, a, b, hidden, inside, target })
}

/// The signs of Ax − b, exactly; None where one is zero or x is no number.
pub fn slack_signs(a: &[f64], b: &[f64], x: &[f64]) -> Option<Vec<f64>> {
    if x.iter().any(|x| !x.is_finite()) {
        return None;
    }
    let sign = |(row, b): (&[f64], &f64)| {
        let sum = row.iter().zip(x).fold(-Big::from(*b), |sum, (a, x)| sum + Big::from(*a) * Big::from(*x));
        match sum.partial_cmp(&Big::zero()) {
            Some(std::cmp::Ordering::Greater) => Some(1.0),
            Some(std::cmp::Ordering::Less) => Some(-1.0),
            _ => None,
        }
    };
    a.chunks(x.len()).zip(b).map(sign).collect()
}

/// g(x), rounded; None where the columns are dependent or an entry does not fit.
fn gradient(a: &[f64], b: &[f64], x: &[f64]) -> Option<Vec<f64>> {
    let (d, wide): (usize, Vec<Big>) = (x.len(), x.iter().map(|x| Big::from(*x)).collect());
    let columns: Vec<Big> = a.iter().map(|a| Big::from(*a)).collect();
    if crate::orthonormal::basis(&columns, d).vectors.len() < d {
        return None;
    }
    let gradient: Vec<f64> = crate::reference::Point::at(a, b, &wide).gradient().iter().map(|g| g.to_f64()).collect();
    gradient.iter().all(|g| g.is_finite() && (*g == 0.0 || g.abs() > 1e-290)).then_some(gradient)
}
