//! From hat values back to weights: known answers, hard random problems with proven intervals, scores that no weights have.
#![allow(clippy::unwrap_used)] // a panic is how a test fails

use serde_json::Value;
use unhat::families::{Family, Link};
use unhat::invert::hat::{
    HatCoefficients, HatInversion, HatModel, HatOptions, HatPrecision, HatStatus, ResidualKind, Silence, invert_column,
    invert_hat, invert_hat_of_model, invert_outcomes,
};
use unhat::rows::{CsrRows, DenseRows, RowSource};
use unhat::{Error, Result, Run};
use unhat_testkit::generate::Stream;
use unhat_testkit::orthonormal::{ridge_leverage_scores, weighted_leverage_scores};
use unhat_testkit::{Big, Dd, Real};

fn invert(a: &[f64], d: usize, h: &[f64], options: &HatOptions) -> Result<HatInversion> {
    invert_hat(&DenseRows::new(a, d)?, h, options, None, &Run::default())
}

fn exact(a: &[f64], d: usize, h: &[f64]) -> HatInversion {
    invert(a, d, h, &HatOptions::default()).unwrap()
}

fn with(precision: HatPrecision) -> HatOptions {
    HatOptions { precision, ..HatOptions::default() }
}

/// Scores of diag(√w)A in some thirty digits, rounded.
fn scores(a: &[f64], d: usize, w: &[f64]) -> Vec<f64> {
    weighted_leverage_scores::<Dd>(a, d, w).into_iter().map(|h| h.to_f64()).collect()
}

/// Largest |log(found/true)| over rows, the factor of each component taken out at its held row.
fn log_error(found: &HatInversion, w: &[f64]) -> f64 {
    let mut worst: f64 = 0.0;
    for part in &found.components {
        let k = part.held.unwrap();
        let own = found.weights[k].unwrap() / w[k];
        for &i in &part.rows {
            worst = worst.max((found.weights[i].unwrap() / w[i] / own).ln().abs());
        }
    }
    worst
}

/// Rows of which the proven interval does not hold the true weight, that of the held row being as found.
fn violated(found: &HatInversion, w: &[f64]) -> Vec<usize> {
    let Some(intervals) = &found.intervals else { return Vec::new() };
    let mut wrong = Vec::new();
    for part in &found.components {
        let k = part.held.unwrap();
        for &i in &part.rows {
            // In thirty digits: the weights are exact, so is the ratio.
            let truth = Dd::from(w[i]) / Dd::from(w[k]) * Dd::from(found.weights[k].unwrap());
            let [low, high] = intervals[i].unwrap();
            if truth < Dd::from(low) || truth > Dd::from(high) {
                wrong.push(i);
            }
        }
    }
    wrong
}

fn numbers(case: &Value, key: &str) -> Vec<f64> {
    case[key].as_array().unwrap_or(&Vec::new()).iter().map(|v| v.as_f64().unwrap()).collect()
}

fn matrix(case: &Value) -> (Vec<f64>, usize) {
    let rows: Vec<Vec<f64>> = serde_json::from_value(case["A"].clone()).unwrap();
    (rows.concat(), rows[0].len())
}

fn known_cases() -> Vec<Value> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/known_weights.json");
    let all: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    all["cases"].as_array().unwrap().clone()
}

#[test]
fn known_weights_come_back_to_the_digits_that_their_scores_hold() {
    for case in known_cases().iter().filter(|case| case["family"] == "prior" && case["w"].is_array()) {
        let ((a, d), h, w) = (matrix(case), numbers(case, "h"), numbers(case, "w"));
        let found = exact(&a, d, &h);
        let name = case["name"].as_str().unwrap();
        assert_eq!(found.status, HatStatus::Solved, "{name}");
        let most = found.components.iter().flat_map(|c| &c.rows).map(|&i| h[i]).fold(0.0, f64::max);
        let error = log_error(&found, &w);
        // Twelve orders fall into two blocks tied by a thread: half an ulp of every h moves the factor between by 3.7e-9 (in
        // exact fractions), and that they hang by a thread is said.
        let tied = name == "12 orders of magnitude";
        let bound = if tied { 3.0 * 3.7e-9 } else { 1e-12 / (1.0 - most) };
        println!("{name}: {error:.1e} of {bound:.1e}, {} passes", found.passes);
        assert!(error <= bound, "{name}: {error:e}, {bound:e}");
        assert_eq!(found.near_components.is_empty(), !tied, "{name}");
        assert!(found.intervals.is_some(), "{name}");
    }
}

#[test]
fn components_and_rows_that_say_nothing_are_named() {
    let cases = known_cases();
    let two = cases.iter().find(|c| c["name"].as_str().unwrap().starts_with("two components")).unwrap();
    let ((a, d), h) = (matrix(two), numbers(two, "h"));
    let found = exact(&a, d, &h);
    let rows: Vec<Vec<usize>> = found.components.iter().map(|c| c.rows.clone()).collect();
    assert_eq!(rows, [(0..6).collect::<Vec<_>>(), (6..11).collect()]);
    assert_eq!(found.silent, [(11, Silence::Zero)]);
    assert_eq!(found.weights[11], None);
    let alone = cases.iter().find(|c| c["name"].as_str().unwrap().starts_with("a coloop")).unwrap();
    let ((a, d), h) = (matrix(alone), numbers(alone, "h"));
    assert_eq!(exact(&a, d, &h).silent, [(3, Silence::Alone)]);
    // n = d: every row is alone.
    let found = exact(&[1.0, 2.0, 3.0, 4.0], 2, &[1.0, 1.0]);
    assert!(found.components.is_empty() && found.weights == [None, None]);
}

#[test]
fn scores_that_no_weights_have_are_refused_with_the_rows_that_show_it() {
    let cases = known_cases();
    let case = cases.iter().find(|c| c["status"] == "outside").unwrap();
    let ((a, d), h) = (matrix(case), numbers(case, "h"));
    let found = exact(&a, d, &h);
    assert_eq!(found.status, HatStatus::Impossible);
    let why = found.impossible.unwrap();
    let expected: Vec<usize> = serde_json::from_value(case["witness"].clone()).unwrap(); // counted from 1
    assert_eq!(why.rows.iter().map(|i| i + 1).collect::<Vec<_>>(), expected);
    assert!(why.sum > why.rank as f64 && found.weights.iter().all(Option::is_none));
    // A sum off the rank.
    let found = exact(&[1.0, 1.0, 1.0], 1, &[0.3, 0.3, 0.3]);
    assert_eq!(found.status, HatStatus::Impossible);
    assert!(found.impossible.unwrap().reason.contains("sum to 0.9"));
    // A row of zeros with a score.
    let found = exact(&[1.0, 1.0, 0.0], 1, &[0.5, 0.4, 0.1]);
    assert_eq!(found.impossible.unwrap().rows, [2]);
}

#[test]
fn bad_input_is_refused_with_the_row_or_the_option() {
    let a = [1.0, 1.0, 1.0];
    let said = |h: &[f64], options: &HatOptions| {
        invert(&a, 1, h, options).err().map_or(String::new(), |e: Error| e.to_string())
    };
    let plain = HatOptions::default();
    assert!(said(&[0.5, 0.5], &plain).contains("found 2 values, expected 3"));
    assert!(said(&[0.5, f64::NAN, 0.5], &plain).contains("row 2"));
    assert!(said(&[0.5, 0.7, -0.2], &plain).contains("row 3: found -0.2"));
    assert!(said(&[1.5, 0.2, 0.3], &plain).contains("row 1: found 1.5"));
    assert!(said(&[0.5, 0.3, 0.2], &HatOptions { ridge: -1.0, ..plain.clone() }).contains("ridge"));
    assert!(said(&[0.5, 0.3, 0.2], &with(HatPrecision::Digits(0))).contains("digits"));
    assert!(said(&[0.5, 0.3, 0.2], &with(HatPrecision::Widths(vec![0.1, 0.1]))).contains("widths"));
    assert!(said(&[0.5, 0.3, 0.2], &with(HatPrecision::Noise(vec![-1.0]))).contains("noise"));
}

#[test]
fn a_score_of_0_is_a_row_without_weight_and_one_of_1_a_weight_beyond_telling() {
    let a = [1.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, -1.0];
    let h = scores(&[1.0, 0.0, 0.0, 1.0, 1.0, 1.0], 2, &[1.0, 2.0, 4.0]);
    let found = exact(&a, 2, &[h[0], h[1], h[2], 0.0]);
    assert_eq!((found.status, found.silent.clone()), (HatStatus::Solved, vec![(3, Silence::NoWeight)]));
    assert!((found.weights[2].unwrap() / found.weights[0].unwrap() - 4.0).abs() < 1e-12);
    // Row 1 at infinite weight: row 2 and 3 share what is left of the plane after it, the second column: weights 1 and 3.
    let found = exact(&[1.0, 0.0, 0.0, 1.0, 1.0, 1.0], 2, &[1.0, 0.25, 0.75]);
    assert_eq!(
        (found.status, found.weights[0], found.silent.clone()),
        (HatStatus::Solved, None, vec![(0, Silence::Saturated)])
    );
    assert!((found.weights[2].unwrap() / found.weights[1].unwrap() - 3.0).abs() < 1e-9);
}

#[test]
fn dependent_columns_are_said_and_do_no_harm() {
    let mut stream = Stream::new(12, "dependent columns");
    let plain = stream.normals(40 * 2);
    let a: Vec<f64> = plain.chunks(2).flat_map(|r| [r[0], r[1], 2.0 * r[0]]).collect();
    let w: Vec<f64> = (0..40).map(|_| 10f64.powf(stream.uniform())).collect();
    let found = exact(&a, 3, &scores(&plain, 2, &w));
    assert_eq!((found.status, found.rank), (HatStatus::Solved, 2));
    assert!(log_error(&found, &w) < 1e-11 && violated(&found, &w).is_empty());
    assert!(found.warnings[0].contains("rank 2, but 3 columns"), "{:?}", found.warnings);
}

/// A matrix and weights: the families of hard problems.
fn problem(kind: usize, stream: &mut Stream) -> (Vec<f64>, usize, Vec<f64>) {
    let d = [2, 3, 5, 8, 12, 20][(6.0 * stream.uniform()) as usize];
    let n = ((1.3 + 8.0 * stream.uniform().powi(2)) * d as f64).ceil() as usize + 1;
    let orders = 0.5 + 11.5 * stream.uniform();
    let mut a: Vec<f64> = match kind {
        0 => stream.normals(n * d),
        1 => stream.normals(n * d).iter().map(|z| z.exp()).collect(),
        2 => (0..n * d).map(|_| stream.normal() / stream.normal()).collect(), // Cauchy
        3 => (0..n)
            .flat_map(|_| {
                let group = (d as f64 * stream.uniform()) as usize;
                (0..d).map(|j| if j == 0 || j == group { 1.0 } else { 0.0 }).collect::<Vec<_>>()
            })
            .collect(), // groups with an intercept
        _ => (0..n * d).map(|_| if stream.uniform() < 3.0 / d as f64 { stream.normal() } else { 0.0 }).collect(),
    };
    // Eight bits of mantissa, so that truths in thirty digits are truths.
    a.iter_mut().for_each(|v| *v = (*v * 256.0).round() / 256.0);
    let w = (0..n).map(|_| 10f64.powf(orders * (stream.uniform() - 0.5))).collect();
    (a, d, w)
}

fn csr(a: &[f64], d: usize) -> (Vec<usize>, Vec<u32>, Vec<f64>) {
    let (mut pointers, mut indices, mut values) = (vec![0], Vec::new(), Vec::new());
    for row in a.chunks(d) {
        for (j, v) in row.iter().enumerate().filter(|(_, v)| **v != 0.0) {
            indices.push(j as u32);
            values.push(*v);
        }
        pointers.push(indices.len());
    }
    (pointers, indices, values)
}

#[test]
fn hard_problems_are_solved_and_proven_and_no_proof_is_false() {
    const PROBLEMS: usize = 400;
    let mut stream = Stream::new(17, "hat values");
    let (mut solved, mut certified, mut posed, mut wrong) = (0, 0, 0, Vec::new());
    let (mut passes, mut widths, mut errors) = (Vec::new(), Vec::new(), Vec::new());
    for k in 0..PROBLEMS {
        let (a, d, w) = problem(k % 5, &mut stream);
        let h: Vec<f64> = weighted_leverage_scores::<Dd>(&a, d, &w).into_iter().map(|h| h.to_f64()).collect();
        let found = if k % 2 == 0 {
            invert(&a, d, &h, &HatOptions::default())
        } else {
            let (pointers, indices, values) = csr(&a, d);
            let rows = CsrRows::new(&pointers, &indices, &values, d).unwrap();
            invert_hat(&rows, &h, &HatOptions::default(), None, &Run::default())
        };
        let found = match found {
            Ok(found) => found,
            Err(error) => panic!("problem {k}: {error}"),
        };
        if found.components.is_empty() {
            continue;
        }
        posed += 1;
        let good = found.status == HatStatus::Solved && found.misfit <= 1e-9;
        solved += usize::from(good);
        certified += usize::from(found.intervals.is_some());
        if !good || found.intervals.is_none() {
            println!(
                "problem {k} (kind {}, d {d}, n {}): {} misfit {:.1e} condition {:.1e} proven {} passes {} {:?}",
                k % 5,
                h.len(),
                found.status.name(),
                found.misfit,
                found.condition,
                found.intervals.is_some(),
                found.passes,
                found.warnings
            );
        }
        // Only scores that are exact to more than a double holds have the weights as truth: widen by what h was rounded.
        let rounded: Vec<f64> = h.iter().map(|h| f64::EPSILON * h).collect();
        let again = invert(&a, d, &h, &with(HatPrecision::Widths(rounded))).unwrap();
        let false_rows = violated(&again, &w);
        if !false_rows.is_empty() {
            wrong.push((k, false_rows));
        }
        // Evaluations until the misfit is below 1e-9.
        passes.push(found.history.iter().find(|s| s.decrement <= 1e-9).map_or(found.passes, |s| s.passes));
        errors.push(log_error(&found, &w));
        if let Some(intervals) = &found.intervals {
            widths.extend(intervals.iter().flatten().map(|[low, high]| (high / low).ln()));
        }
    }
    let at = |values: &mut Vec<f64>, q: f64| {
        values.sort_by(f64::total_cmp);
        values[((values.len() - 1) as f64 * q) as usize]
    };
    let mut passes: Vec<f64> = passes.into_iter().map(f64::from).collect();
    println!(
        "{solved} solved, {certified} certified of {posed}; passes {} {} {}; error {:.0e} {:.0e} {:.0e}; width {:.0e} {:.0e}",
        at(&mut passes, 0.5),
        at(&mut passes, 0.9),
        at(&mut passes, 1.0),
        at(&mut errors, 0.5),
        at(&mut errors, 0.9),
        at(&mut errors, 1.0),
        at(&mut widths, 0.5),
        at(&mut widths, 0.9),
    );
    assert!(wrong.is_empty(), "intervals without the truth: {wrong:?}");
    assert!(solved as f64 >= 0.97 * posed as f64, "{solved} of {posed} solved");
    assert!(certified as f64 >= 0.97 * posed as f64, "{certified} of {posed} certified");
    assert!(at(&mut passes, 0.5) <= 25.0 && at(&mut passes, 0.9) <= 40.0);
}

#[test]
fn rounded_scores_have_intervals_that_hold_the_weights_they_came_from() {
    let mut stream = Stream::new(5, "rounded hat values");
    let (mut proven, mut squares) = (0, 0.0);
    for k in 0..40 {
        let (d, n) = ([2, 3, 4][k % 3], 40);
        let a: Vec<f64> = stream.normals(n * d).iter().map(|v| (v * 256.0).round() / 256.0).collect();
        let w: Vec<f64> = (0..n).map(|_| 10f64.powf(stream.uniform())).collect();
        let h = scores(&a, d, &w);
        for digits in [6u32, 4, 3] {
            let released: Vec<f64> =
                h.iter().map(|h| format!("{h:.*e}", digits as usize - 1).parse().unwrap()).collect();
            let found = invert(&a, d, &released, &with(HatPrecision::Digits(digits))).unwrap();
            assert_eq!(found.status, HatStatus::Solved);
            assert!(violated(&found, &w).is_empty(), "case {k}, {digits} digits");
            proven += usize::from(found.intervals.is_some());
            let errors = found.standard_errors.as_ref().unwrap();
            let held = found.components[0].held.unwrap();
            let own = found.weights[held].unwrap() / w[held];
            let ratio = |i: usize| (found.weights[i].unwrap() / w[i] / own).ln() / errors[i].unwrap();
            squares += (0..n).filter(|&i| i != held).map(|i| ratio(i).powi(2)).sum::<f64>() / (n - 1) as f64;
        }
    }
    let rms = (squares / 120.0).sqrt();
    println!("{proven} of 120 proven; errors are {rms:.2} standard errors");
    assert!(proven >= 100 && (0.8..1.25).contains(&rms), "{proven} proven, rms {rms}");
}

#[test]
fn standard_errors_are_those_of_many_draws() {
    let (n, d, noise) = (30, 3, 1e-4);
    let mut stream = Stream::new(2, "noisy hat values");
    let a = stream.normals(n * d);
    let w: Vec<f64> = (0..n).map(|_| 10f64.powf(stream.uniform())).collect();
    let h = scores(&a, d, &w);
    let mut squares = vec![0.0; n];
    let mut said = Vec::new();
    const DRAWS: usize = 400;
    let mut held = None;
    for _ in 0..DRAWS {
        let noisy: Vec<f64> = h.iter().map(|h| h + noise * stream.normal()).collect();
        let found = invert(&a, d, &noisy, &with(HatPrecision::Noise(vec![noise]))).unwrap();
        let k = *held.get_or_insert(found.components[0].held.unwrap());
        assert_eq!(found.components[0].held, Some(k));
        assert!(found.intervals.is_none());
        let own = found.weights[k].unwrap() / w[k];
        for i in 0..n {
            squares[i] += (found.weights[i].unwrap() / w[i] / own).ln().powi(2) / DRAWS as f64;
        }
        said = found.standard_errors.unwrap();
    }
    for i in (0..n).filter(|i| Some(*i) != held) {
        let ratio = squares[i].sqrt() / said[i].unwrap();
        assert!((0.8..1.25).contains(&ratio), "row {}: {ratio}", i + 1);
    }
}

#[test]
fn with_a_ridge_the_factor_is_known_too() {
    let mut stream = Stream::new(9, "ridge hat values");
    for (n, d, ridge) in [(12, 3, 0.5), (60, 6, 1e-3), (5, 8, 2.0)] {
        let a = stream.normals(n * d);
        let w: Vec<f64> = (0..n).map(|_| 10f64.powf(2.0 * stream.uniform() - 1.0)).collect();
        let weighted: Vec<f64> = (0..n * d).map(|k| w[k / d].sqrt() * a[k]).collect();
        let h: Vec<f64> = ridge_leverage_scores::<Dd>(&weighted, d, ridge).into_iter().map(|h| h.to_f64()).collect();
        let found = invert(&a, d, &h, &HatOptions { ridge, ..HatOptions::default() }).unwrap();
        assert_eq!(found.status, HatStatus::Solved);
        assert!(found.open().is_empty() && found.components[0].held.is_none());
        for i in 0..n {
            let error = (found.weights[i].unwrap() / w[i]).ln().abs();
            assert!(error < 1e-10, "({n},{d}) row {i}: {error:e}");
            let [low, high] = found.intervals.as_ref().unwrap()[i].unwrap();
            assert!(low < high && (low * (1.0 - 1e-13)..=high * (1.0 + 1e-13)).contains(&w[i]));
        }
    }
}

/// Standard deviations of H⁺r for projected errors r, by a dense inverse: log weights against row k.
fn dense_errors(a: &[f64], d: usize, w: &[f64], deviation: &[f64], k: usize) -> Vec<f64> {
    let n = w.len();
    let h = scores(a, d, w);
    // P_ij² from the scores of pairs: u = L⁻¹a√w by elimination of the Gram matrix.
    let mut gram = vec![vec![0.0; d]; d];
    for (row, w) in a.chunks(d).zip(w) {
        (0..d).for_each(|i| (0..d).for_each(|j| gram[i][j] += w * row[i] * row[j]));
    }
    let solved: Vec<Vec<f64>> =
        a.chunks(d).map(|row| unhat_testkit::elimination::solve(gram.clone(), row.to_vec())).collect();
    let form = |i: usize, j: usize| -> f64 {
        let inner: f64 = a[i * d..(i + 1) * d].iter().zip(&solved[j]).map(|(a, b)| a * b).sum();
        w[i] * w[j] * inner * inner
    };
    let others: Vec<usize> = (0..n).filter(|&i| i != k).collect();
    let held: Vec<Vec<f64>> = others
        .iter()
        .map(|&i| others.iter().map(|&j| if i == j { h[i] - form(i, i) } else { -form(i, j) }).collect())
        .collect();
    let total: f64 = deviation.iter().map(|s| s * s).sum();
    let mut out = vec![0.0; n];
    for &i in &others {
        let unit: Vec<f64> = others.iter().map(|&j| f64::from(u8::from(i == j))).collect();
        let x = unhat_testkit::elimination::solve(held.clone(), unit); // a row of the inverse, which is symmetric
        let sum = |f: &dyn Fn(f64, f64) -> f64| others.iter().zip(&x).map(|(&j, x)| f(*x, deviation[j])).sum::<f64>();
        let along = sum(&|x, s| x * s * s);
        out[i] = (sum(&|x, s| x * x * s * s) - along * along / total).sqrt();
    }
    out
}

#[test]
fn beyond_fifty_columns_standard_errors_are_estimated_as_exactly_as_is_said() {
    let (n, d, noise) = (140, 52, 1e-5);
    let mut stream = Stream::new(21, "many columns");
    let a = stream.normals(n * d);
    let w: Vec<f64> = (0..n).map(|_| 10f64.powf(stream.uniform())).collect();
    let h: Vec<f64> = scores(&a, d, &w).iter().map(|h| h + noise * stream.normal()).collect();
    let deviation: Vec<f64> = (0..n).map(|i| noise * (1.0 + (i % 3) as f64)).collect();
    let found = invert(&a, d, &h, &with(HatPrecision::Noise(deviation.clone()))).unwrap();
    assert_eq!(found.status, HatStatus::Solved);
    let (said, k) = (found.standard_errors.as_ref().unwrap(), found.components[0].held.unwrap());
    let expected = dense_errors(&a, d, &w, &deviation, k);
    let words = found.warnings.iter().find(|warning| warning.contains("estimates from draws")).unwrap();
    let uncertainty: f64 = words.split(" to ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
    let ratios: Vec<f64> = (0..n).filter(|&i| i != k).map(|i| said[i].unwrap() / expected[i] - 1.0).collect();
    let rms = (ratios.iter().map(|r| r * r).sum::<f64>() / ratios.len() as f64).sqrt();
    let worst = ratios.iter().fold(0.0, |a: f64, r| a.max(r.abs()));
    println!("standard errors off by {rms:.3} in the middle, {worst:.3} at most; said {uncertainty} %");
    assert!(rms <= 1.2 * uncertainty / 100.0 && worst <= 5.0 * uncertainty / 100.0 && uncertainty < 25.0);
}

#[test]
fn with_a_ridge_a_family_leaves_no_factor_and_no_intercept_open() {
    let mut stream = Stream::new(23, "ridge and family");
    let words = ["logit", "poisson-log", "gamma-inverse", "ig-inverse2", "ig-log", "cloglog", "poisson-identity"];
    for (word, ridge) in words.into_iter().flat_map(|word| [(word, 0.4), (word, 3.0)]) {
        let (n, d) = (60, 3);
        let model = model_of(word).unwrap();
        let a: Vec<f64> = (0..n * d).map(|k| if k % d == 0 { 1.0 } else { stream.normal() }).collect();
        let mut beta = vec![0.4, -0.5, 0.3];
        let eta = |beta: &[f64]| -> Vec<f64> {
            a.chunks(d).map(|row| row.iter().zip(beta).map(|(a, b)| a * b).sum()).collect()
        };
        if !model.law.any_predictor() {
            beta[0] += 0.3 - eta(&beta).into_iter().fold(f64::INFINITY, f64::min);
        }
        let log = |e: &f64| (model.law.log_weight(*e).0 + model.law.log_factor()).exp();
        let w: Vec<f64> = eta(&beta).iter().map(log).collect();
        let weighted: Vec<f64> = (0..n * d).map(|k| w[k / d].sqrt() * a[k]).collect();
        let h: Vec<f64> = ridge_leverage_scores::<Dd>(&weighted, d, ridge).into_iter().map(|h| h.to_f64()).collect();
        let rounded = digits_of(&h, 4);
        for (released, precision) in [(&h, HatPrecision::Exact), (&rounded, HatPrecision::Digits(4))] {
            let exact = precision == HatPrecision::Exact;
            let options = HatOptions { ridge, ..with(precision) };
            let rows = DenseRows::new(&a, d).unwrap();
            let (_, found) =
                invert_hat_of_model(&rows, released, &model, (&options, 0), None, &Run::default()).unwrap();
            let found = found.unwrap();
            assert_eq!(found.status, HatStatus::Solved, "{word}, ridge {ridge}: {:?}", found.warnings);
            assert_eq!(found.open.len(), usize::from(word == "logit"), "{word}: {:?}", found.open);
            let values: Vec<f64> = found.values.iter().map(|v| v.unwrap()).collect();
            let sign = if word == "logit" && values[0] * beta[0] < 0.0 { -1.0 } else { 1.0 };
            for (j, (v, b)) in values.iter().zip(&beta).enumerate() {
                let off = (sign * v - b).abs();
                let allowed = if exact { 1e-8 } else { 4.0 * found.standard_errors.as_ref().unwrap()[j].unwrap() };
                assert!(off <= allowed, "{word}, ridge {ridge}, column {}: {off:e} of {allowed:e}", j + 1);
            }
        }
    }
    // θ is told by nothing but the shape of the weights there.
    let unknown = HatModel::new(Family::NegativeBinomial, None, None).unwrap();
    let options = HatOptions { ridge: 1.0, ..HatOptions::default() };
    let rows = DenseRows::new(&[1.0, 1.0, 1.0], 1).unwrap();
    let refused = invert_hat_of_model(&rows, &[0.2; 3], &unknown, (&options, 0), None, &Run::default());
    assert!(refused.err().unwrap().to_string().contains("theta"));
}

#[test]
fn the_answer_has_the_same_bits_for_any_number_of_threads() {
    let (n, d) = (3000, 12);
    let mut stream = Stream::new(4, "threads");
    let a = stream.normals(n * d);
    let w: Vec<f64> = (0..n).map(|_| 10f64.powf(8.0 * stream.uniform())).collect();
    let h = scores(&a, d, &w);
    let rows = DenseRows::new(&a, d).unwrap().in_blocks_of(64);
    let bits = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let run = Run { pool: Some(&pool), ..Run::default() };
        let found = invert_hat(&rows as &dyn RowSource, &h, &HatOptions::default(), None, &run).unwrap();
        assert_eq!(found.status, HatStatus::Solved);
        (found.weights, found.intervals, found.passes)
    };
    let one = bits(1);
    assert!(one == bits(2) && one == bits(5));
}

#[test]
fn two_blocks_tied_by_a_thread_are_said_to_be_nearly_components() {
    let mut stream = Stream::new(3, "thread");
    let (mut a, d) = (Vec::new(), 4);
    for i in 0..40 {
        let v = stream.normals(2);
        a.extend(if i < 20 { [v[0], v[1], 0.0, 0.0] } else { [0.0, 0.0, v[0], v[1]] });
    }
    a.extend([1e-4, 0.0, 1.0, 0.0]);
    let w = vec![1.0; 41];
    let found = exact(&a, d, &scores(&a, d, &w));
    assert_eq!(found.components.len(), 1);
    assert_eq!(found.near_components.len(), 1, "{found:?}");
    assert!(violated(&found, &w).is_empty());
}

#[test]
fn truths_in_thirty_digits_are_truths() {
    // The same scores in a hundred digits.
    let mut stream = Stream::new(1, "digits");
    let (a, d, w) = problem(0, &mut stream);
    let (thirty, hundred) = (weighted_leverage_scores::<Dd>(&a, d, &w), weighted_leverage_scores::<Big>(&a, d, &w));
    for (x, y) in thirty.iter().zip(&hundred) {
        assert!((x.to_f64() - y.to_f64()).abs() <= 2.0 * f64::EPSILON * y.to_f64());
    }
}

/// The model of a known case by its word; None for those that are no model.
fn model_of(word: &str) -> Option<HatModel> {
    let (family, link) = match word {
        "logit" => (Family::Binomial, Link::Logit),
        "probit" => (Family::Binomial, Link::Probit),
        "cloglog" => (Family::Binomial, Link::Cloglog),
        "binomial-log" => (Family::Binomial, Link::Log),
        "poisson-log" => (Family::Poisson, Link::Log),
        "poisson-identity" => (Family::Poisson, Link::Identity),
        "nb-log" => (Family::NegativeBinomial, Link::Log),
        "gamma-inverse" => (Family::Gamma, Link::Inverse),
        "gamma-identity" => (Family::Gamma, Link::Identity),
        "ig-inverse2" => (Family::InverseGaussian, Link::InverseSquare),
        "ig-log" => (Family::InverseGaussian, Link::Log),
        _ => return None,
    };
    Some(HatModel::new(family, Some(link), None).unwrap())
}

fn fit(a: &[f64], d: usize, h: &[f64], model: &HatModel, precision: HatPrecision) -> (HatInversion, HatCoefficients) {
    let rows = DenseRows::new(a, d).unwrap();
    let (weights, fit) = invert_hat_of_model(&rows, h, model, (&with(precision), 0), None, &Run::default()).unwrap();
    (weights, fit.unwrap())
}

/// ‖found − truth‖/‖truth‖ over the columns that are told, after sign and factor where these are open.
fn coefficient_error(found: &HatCoefficients, truth: &[f64]) -> f64 {
    let told: Vec<usize> = (0..truth.len()).filter(|&j| found.values[j].is_some()).collect();
    let mut expected: Vec<f64> = told.iter().map(|&j| truth[j]).collect();
    let values: Vec<f64> = told.iter().map(|&j| found.values[j].unwrap()).collect();
    let norm = |v: &[f64]| v.iter().map(|v| v * v).sum::<f64>().sqrt();
    let dot: f64 = values.iter().zip(&expected).map(|(a, b)| a * b).sum();
    if found.open.iter().any(|open| open.contains("factor")) {
        let size = norm(&expected);
        expected.iter_mut().for_each(|v| *v /= size);
    }
    if found.open.iter().any(|open| open.contains("sign")) && dot < 0.0 {
        expected.iter_mut().for_each(|v| *v = -*v);
    }
    let off: Vec<f64> = values.iter().zip(&expected).map(|(a, b)| a - b).collect();
    norm(&off) / norm(&expected)
}

#[test]
fn tables_fitted_by_r_give_their_coefficients_back() {
    for case in known_cases() {
        let Some(mut model) = model_of(case["family"].as_str().unwrap()) else { continue };
        let ((a, d), h) = (matrix(&case), numbers(&case, "h"));
        let truth = numbers(&case, "coefficients");
        model.trials = case["trials"].is_array().then(|| numbers(&case, "trials"));
        model.offset = case["offset"].is_array().then(|| numbers(&case, "offset"));
        let name = case["name"].as_str().unwrap();
        let (weights, found) = fit(&a, d, &h, &model, HatPrecision::Exact);
        let error = coefficient_error(&found, &truth);
        println!(
            "{name}: {error:.1e}, open {:?}, {} fits, residual {:.0e}, proven {}",
            found.open,
            found.starts,
            found.residual,
            weights.intervals.is_some()
        );
        assert_eq!(found.status, HatStatus::Solved, "{name}");
        let most = h.iter().copied().filter(|h| *h < 1.0 - 1e-9).fold(0.0, f64::max);
        assert!(error <= 1e-12 / (1.0 - most), "{name}: {error:e}");
        let up_to = case["up_to"].as_str().unwrap();
        let (word, open) = match up_to {
            "nothing" => ("", 0),
            "global sign" => ("sign", 0),
            "one positive factor" => ("factor", 0),
            _ => ("intercept", 1),
        };
        assert_eq!(found.values.iter().filter(|v| v.is_none()).count(), open, "{name}: {:?}", found.values);
        assert!(
            found.open.iter().all(|said| said.contains(word)) && found.open.is_empty() == word.is_empty(),
            "{name}: {:?}",
            found.open
        );
        // Three digits: as near as their standard errors say.
        let (_, rounded) = fit(&a, d, &numbers(&case, "h_3_digits"), &model, HatPrecision::Digits(3));
        assert_eq!(rounded.status, HatStatus::Solved, "{name}, misfit {}", rounded.misfit);
        let error = coefficient_error(&rounded, &truth);
        println!("{name}: {error:.1e} from 3 digits, misfit {:.2}", rounded.misfit);
        let factor = if word == "factor" { truth.iter().map(|t| t * t).sum::<f64>().sqrt() } else { 1.0 };
        let sign = if word == "sign" {
            rounded.values.iter().flatten().zip(&truth).map(|(a, b)| a * b).sum::<f64>().signum()
        } else {
            1.0
        };
        for (j, (value, t)) in rounded.values.iter().zip(&truth).enumerate().filter(|(_, (v, _))| v.is_some()) {
            let off = (value.unwrap() - sign * t / factor).abs();
            let said = rounded.standard_errors.as_ref().unwrap()[j].unwrap();
            assert!(off <= 4.0 * said + 1e-12, "{name}, column {}: off by {off:e}, said {said:e}", j + 1);
        }
    }
}

#[test]
fn every_family_gives_its_coefficients_back_from_random_designs() {
    let (mut stream, mut wrong, mut tried) = (Stream::new(8, "families"), Vec::new(), 0);
    let words = [
        "logit",
        "probit",
        "cloglog",
        "binomial-log",
        "poisson-log",
        "poisson-identity",
        "nb-log",
        "gamma-inverse",
        "gamma-identity",
        "ig-inverse2",
        "ig-log",
    ];
    for word in words {
        for (n, d) in [(30, 3), (80, 6)] {
            for digits in [0, 5, 3] {
                let mut model = model_of(word).unwrap();
                if word == "nb-log" {
                    model = HatModel::new(Family::NegativeBinomial, None, Some(2.0)).unwrap();
                }
                let a: Vec<f64> = (0..n * d).map(|k| if k % d == 0 { 1.0 } else { stream.normal() }).collect();
                let mut beta: Vec<f64> = (0..d).map(|_| 0.6 * stream.normal()).collect();
                let eta = |beta: &[f64]| -> Vec<f64> {
                    a.chunks(d).map(|row| row.iter().zip(beta).map(|(a, b)| a * b).sum()).collect()
                };
                if !model.law.any_predictor() {
                    let ends = eta(&beta);
                    beta[0] += match word {
                        "binomial-log" => -0.3 - ends.iter().copied().fold(f64::NEG_INFINITY, f64::max),
                        _ => 0.3 - ends.iter().copied().fold(f64::INFINITY, f64::min),
                    };
                }
                let w: Vec<f64> = eta(&beta).iter().map(|e| model.law.log_weight(*e).0.exp()).collect();
                let h = scores(&a, d, &w);
                let released: Vec<f64> = match digits {
                    0 => h.clone(),
                    _ => h.iter().map(|h| format!("{h:.*e}", digits - 1).parse().unwrap()).collect(),
                };
                let precision = if digits == 0 { HatPrecision::Exact } else { HatPrecision::Digits(digits as u32) };
                let (_, found) = fit(&a, d, &released, &model, precision);
                tried += 1;
                let error = coefficient_error(&found, &beta);
                let near = match digits {
                    0 => error < 1e-8,
                    _ => {
                        let said =
                            found.standard_errors.as_ref().unwrap().iter().flatten().map(|e| e * e).sum::<f64>().sqrt();
                        let size = if found.open.iter().any(|o| o.contains("factor")) {
                            1.0
                        } else {
                            beta.iter().map(|b| b * b).sum::<f64>().sqrt()
                        };
                        error * size <= 4.0 * said + 1e-9
                    }
                };
                if found.status != HatStatus::Solved || !near {
                    wrong.push(format!(
                        "{word} ({n},{d}) {digits} digits: {}, error {error:.1e}, misfit {:.1e}",
                        found.status.name(),
                        found.misfit
                    ));
                }
            }
        }
    }
    println!("{} of {tried} wrong: {wrong:#?}", wrong.len());
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn an_unknown_theta_leaves_the_intercept_open_and_says_what_is_known_of_it() {
    let (n, d, theta) = (60, 3, 1.7);
    let mut stream = Stream::new(6, "theta");
    let a: Vec<f64> = (0..n * d).map(|k| if k % d == 0 { 1.0 } else { stream.normal() }).collect();
    let beta = [0.8, -0.5, 0.3];
    let law = HatModel::new(Family::NegativeBinomial, None, Some(theta)).unwrap().law;
    let eta = |row: &[f64]| row.iter().zip(&beta).map(|(a, b)| a * b).sum::<f64>();
    let w: Vec<f64> = a.chunks(d).map(|row| law.log_weight(eta(row)).0.exp()).collect();
    let unknown = HatModel::new(Family::NegativeBinomial, None, None).unwrap();
    let (_, found) = fit(&a, d, &scores(&a, d, &w), &unknown, HatPrecision::Exact);
    assert_eq!(found.values[0], None);
    assert!((found.values[1].unwrap() + 0.5).abs() < 1e-9 && (found.values[2].unwrap() - 0.3).abs() < 1e-9);
    let said: f64 = found.open[0].rsplit(' ').next().unwrap().parse().unwrap();
    assert!((said - (0.8 - f64::ln(theta))).abs() < 1e-8, "{:?}", found.open);
    // Without a constant among the columns θ would have to be known.
    let slopes: Vec<f64> = a.chunks(d).flat_map(|row| row[1..].to_vec()).collect();
    let h = scores(&slopes, 2, &w);
    let refused = invert_hat_of_model(
        &DenseRows::new(&slopes, 2).unwrap(),
        &h,
        &unknown,
        (&HatOptions::default(), 0),
        None,
        &Run::default(),
    );
    assert!(refused.err().unwrap().to_string().contains("theta"));
}

#[test]
fn families_whose_weights_do_not_depend_on_coefficients_are_refused() {
    for (family, link) in
        [(Family::Poisson, Some(Link::Sqrt)), (Family::Gamma, Some(Link::Log)), (Family::Gaussian, None)]
    {
        let error = HatModel::new(family, link, None).unwrap_err().to_string();
        assert!(error.contains("weights are the same whatever"), "{error}");
    }
}

#[test]
fn another_family_than_that_of_the_fit_is_not_solved() {
    let (n, d) = (60, 3);
    let mut stream = Stream::new(11, "wrong family");
    let a: Vec<f64> = (0..n * d).map(|k| if k % d == 0 { 1.0 } else { stream.normal() }).collect();
    let w: Vec<f64> = (0..n).map(|_| 10f64.powf(stream.uniform())).collect();
    let h = scores(&a, d, &w);
    for word in ["logit", "poisson-log", "cloglog"] {
        let (weights, found) = fit(&a, d, &h, &model_of(word).unwrap(), HatPrecision::Exact);
        assert_eq!((weights.status, found.status), (HatStatus::Solved, HatStatus::Stalled), "{word}");
        assert!(found.warnings[0].contains("no coefficients have these"), "{:?}", found.warnings);
    }
}

fn digits_of(values: &[f64], digits: usize) -> Vec<f64> {
    values.iter().map(|v| format!("{v:.*e}", digits - 1).parse().unwrap()).collect()
}

/// Maximum likelihood by Newton, in plain loops: what R's glm converges to.
fn logistic_fit(a: &[f64], d: usize, y: &[bool]) -> Option<Vec<f64>> {
    let mut beta = vec![0.0; d];
    for _ in 0..60 {
        let p: Vec<f64> = a
            .chunks(d)
            .map(|row| 1.0 / (1.0 + (-row.iter().zip(&beta).map(|(a, b)| a * b).sum::<f64>()).exp()))
            .collect();
        let mut m = vec![vec![0.0; d]; d];
        let mut g = vec![0.0; d];
        for ((row, p), y) in a.chunks(d).zip(&p).zip(y) {
            for j in 0..d {
                g[j] += row[j] * (f64::from(u8::from(*y)) - p);
                (0..d).for_each(|k| m[j][k] += row[j] * row[k] * p * (1.0 - p));
            }
        }
        let step = unhat_testkit::elimination::solve(m, g);
        beta.iter_mut().zip(&step).for_each(|(b, s)| *b += s);
        if beta.iter().any(|b| b.is_nan() || b.abs() >= 30.0) {
            return None; // separated
        }
        if step.iter().all(|s| s.abs() < 1e-14) {
            break;
        }
    }
    Some(beta)
}

#[test]
fn every_response_of_a_logistic_fit_comes_back_or_is_said_to_be_open() {
    let mut stream = Stream::new(21, "outcomes");
    let (mut fits, mut told, mut rows, mut wrong) = (0, 0, 0, Vec::new());
    while fits < 50 {
        let (n, d) = ([40, 80, 150][fits % 3], [2, 3, 4][fits % 3]);
        let a: Vec<f64> = (0..n * d).map(|k| if k % d == 0 { 1.0 } else { stream.normal() }).collect();
        let hidden: Vec<f64> = (0..d).map(|_| stream.normal()).collect();
        let eta = |row: &[f64], beta: &[f64]| row.iter().zip(beta).map(|(a, b)| a * b).sum::<f64>();
        let y: Vec<bool> = a.chunks(d).map(|row| stream.uniform() < 1.0 / (1.0 + (-eta(row, &hidden)).exp())).collect();
        let Some(beta) = logistic_fit(&a, d, &y) else { continue };
        fits += 1;
        let p: Vec<f64> = a.chunks(d).map(|row| 1.0 / (1.0 + (-eta(row, &beta)).exp())).collect();
        let w: Vec<f64> = p.iter().map(|p| p * (1.0 - p)).collect();
        let h = scores(&a, d, &w);
        let pearson: Vec<f64> =
            p.iter().zip(&y).map(|(p, y)| (f64::from(u8::from(*y)) - p) / (p * (1.0 - p)).sqrt()).collect();
        let cook: Vec<f64> =
            pearson.iter().zip(&h).map(|(r, h)| r * r * h / (d as f64 * (1.0 - h) * (1.0 - h))).collect();
        let deviance: Vec<f64> =
            p.iter().zip(&y).map(|(p, y)| (-2.0 * if *y { p.ln() } else { (1.0 - p).ln() }).sqrt()).collect();
        for (kind, values) in
            [(ResidualKind::Cook, &cook), (ResidualKind::Deviance, &deviance), (ResidualKind::Pearson, &pearson)]
        {
            for digits in [7, 3, 2] {
                let released = digits_of(&h, digits);
                let options = with(HatPrecision::Digits(digits as u32));
                let rows_of = DenseRows::new(&a, d).unwrap();
                let found = invert_outcomes(
                    &rows_of,
                    &released,
                    (kind, &digits_of(values, digits)),
                    (&options, 0),
                    &Run::default(),
                )
                .unwrap();
                if found.status != HatStatus::Solved {
                    println!(
                        "{} {digits} digits, ({n},{d}): {} {:?}",
                        kind.name(),
                        found.status.name(),
                        found.warnings
                    );
                    continue;
                }
                let complement = found.coefficients.iter().zip(&beta).map(|(a, b)| a * b).sum::<f64>() < 0.0;
                rows += n;
                for (i, (guess, y)) in found.outcomes.iter().zip(&y).enumerate() {
                    let Some(guess) = guess else { continue };
                    told += 1;
                    if (*guess != *y) != complement {
                        wrong.push(format!(
                            "fit {fits}, {} at {digits} digits, row {i}: margin {}, misfit {}",
                            kind.name(),
                            found.margins[i],
                            found.misfits[i]
                        ));
                    }
                }
            }
        }
    }
    println!("{told} of {rows} responses told");
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(told as f64 > 0.95 * rows as f64 && rows > 30_000, "{told} of {rows}");
}

#[test]
fn residuals_of_another_fit_tell_no_response() {
    let (n, d) = (60, 2);
    let mut stream = Stream::new(22, "strange residuals");
    let a: Vec<f64> = (0..n * d).map(|k| if k % d == 0 { 1.0 } else { stream.normal() }).collect();
    let w: Vec<f64> = a.chunks(d).map(|row| 1.0 / (1.0 + (0.5 + row[1]).exp())).map(|p| p * (1.0 - p)).collect();
    let h = scores(&a, d, &w);
    let made_up = stream.uniforms(n);
    let rows = DenseRows::new(&a, d).unwrap();
    let found =
        invert_outcomes(&rows, &h, (ResidualKind::Cook, &made_up), (&HatOptions::default(), 0), &Run::default())
            .unwrap();
    assert_eq!(found.status, HatStatus::Stalled);
    assert!(found.outcomes.iter().all(Option::is_none) && found.warnings[0].contains("neither response"));
    let refused =
        invert_outcomes(&rows, &h, (ResidualKind::Cook, &vec![-1.0; n]), (&HatOptions::default(), 0), &Run::default());
    assert!(refused.err().unwrap().to_string().contains("row 1: found -1"));
}

#[test]
fn a_secret_column_of_zeros_and_ones_comes_back_whole() {
    let mut stream = Stream::new(31, "secret column");
    let (mut found_all, mut tried, mut rows_told, mut rows_all) = (0, 0, 0, 0);
    for k in 0..50 {
        let d = [2, 3, 4, 5, 6][k % 5];
        let n = [40, 80, 120][k % 3];
        let z: Vec<f64> = (0..n * d).map(|k| if k % d == 0 { 1.0 } else { stream.normal() }).collect();
        let share = 0.25 + 0.5 * stream.uniform();
        let u: Vec<bool> = (0..n).map(|i| stream.uniform() < (share + 0.2 * z[i * d + 1].tanh())).collect();
        let all: Vec<f64> =
            z.chunks(d).zip(&u).flat_map(|(row, u)| row.iter().copied().chain([f64::from(u8::from(*u))])).collect();
        let h = scores(&all, d + 1, &vec![1.0; n]);
        let rows = DenseRows::new(&z, d).unwrap();
        for (digits, precision) in
            [(17, HatPrecision::Exact), (4, HatPrecision::Digits(4)), (3, HatPrecision::Digits(3))]
        {
            let released = if digits == 17 { h.clone() } else { digits_of(&h, digits) };
            let found = invert_column(&rows, &released, &precision, 0, &Run::default()).unwrap();
            tried += 1;
            assert_eq!(found.status, HatStatus::Solved);
            match &found.column {
                Some(column) => {
                    let told = column.iter().flatten().count();
                    let wrong = column.iter().zip(&u).filter(|(a, b)| a.is_some_and(|a| a != **b)).count();
                    (rows_told, rows_all) = (rows_told + told, rows_all + n);
                    assert!(
                        wrong == 0 || wrong == told,
                        "case {k} ({n},{d}), {digits} digits: {wrong} rows wrong, misfit {:?} of {}",
                        found.misfit,
                        found.explained
                    );
                    let bound = if digits == 17 { 1e-11 } else { 10f64.powi(1 - digits as i32) };
                    let residual = found.residual.unwrap();
                    // A row that is not told may be the other one.
                    assert!(residual < bound || told < n, "case {k}, {digits} digits: {residual:e}");
                    found_all += 1;
                }
                None => println!(
                    "case {k} ({n},{d}), {digits} digits: misfit {:?} of {}, {} tries",
                    found.misfit, found.explained, found.tries
                ),
            }
        }
    }
    println!("{found_all} of {tried} columns, {rows_told} of {rows_all} rows of them");
    assert!(found_all as f64 >= 0.95 * tried as f64 && rows_told as f64 >= 0.97 * rows_all as f64);
}

#[test]
fn a_column_that_is_not_0_or_1_is_not_made_up_and_wrong_columns_are_named() {
    let (n, d) = (60, 3);
    let mut stream = Stream::new(32, "continuous column");
    let z: Vec<f64> = (0..n * d).map(|k| if k % d == 0 { 1.0 } else { stream.normal() }).collect();
    let u = stream.normals(n);
    let all: Vec<f64> = z.chunks(d).zip(&u).flat_map(|(row, u)| row.iter().copied().chain([*u])).collect();
    let h = scores(&all, d + 1, &vec![1.0; n]);
    let rows = DenseRows::new(&z, d).unwrap();
    let found = invert_column(&rows, &h, &HatPrecision::Exact, 0, &Run::default()).unwrap();
    assert_eq!((found.status, found.column), (HatStatus::Solved, None));
    assert!(found.open[0].contains("no 0/1 column"));
    let length = found.magnitudes.iter().map(|q| q * q).sum::<f64>();
    assert!((length - 1.0).abs() < 1e-12);
    // Hat values of fewer columns than are known.
    let fewer = scores(&z, d, &vec![1.0; n]);
    let found = invert_column(&rows, &fewer, &HatPrecision::Exact, 0, &Run::default()).unwrap();
    assert_eq!(found.status, HatStatus::Impossible);
}

#[test]
fn a_large_table_takes_few_evaluations() {
    use unhat::leverage::{ScoreOptions, leverage_scores};
    let (n, d) = (20_000, 60);
    let mut stream = Stream::new(40, "large");
    let a = stream.normals(n * d);
    let w: Vec<f64> = (0..n).map(|_| 10f64.powf(4.0 * stream.uniform())).collect();
    let roots: Vec<f64> = w.iter().map(|w| w.sqrt()).collect();
    let rows = DenseRows::new(&a, d).unwrap();
    let h = leverage_scores(&rows, Some(&roots), &ScoreOptions::default(), &Run::default()).unwrap().values;
    let found = exact(&a, d, &h);
    println!("{} evaluations, work {:.0}, {:?}", found.history.last().unwrap().passes, found.work, found.status);
    assert_eq!(found.status, HatStatus::Solved);
    assert!(found.history.last().unwrap().passes <= 25 && log_error(&found, &w) < 1e-9);
    assert!(found.intervals.is_some());
}
