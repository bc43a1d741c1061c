//! Audits: bounds against brute force, printed numbers against the data, attacks against theory, and the same bits always.
#![allow(clippy::unwrap_used)] // a panic is how a test fails

use std::collections::BTreeMap;
use unhat::audit::report::{AttackKind, AuditReport, Detail, Finding, Protection, ProtectionKind, ReleaseKind};
use unhat::audit::{AuditOptions, audit};
use unhat::barrier::leverage_gradient;
use unhat::rows::DenseRows;
use unhat::{ErrorKind, Run};
use unhat_testkit::generate::{Regression, random_polytope, regression};

fn small() -> AuditOptions {
    AuditOptions { trials: 8, digits: Some(vec![2]), clip: Some(vec![0.9]), ..AuditOptions::default() }
}

fn audited(r: &Regression, options: &AuditOptions) -> AuditReport {
    audit(&DenseRows::new(&r.a, r.d).unwrap(), &r.b, &r.x, options, &Run::default()).unwrap()
}

/// x far from the least-squares fit, so that a release has something to give away.
fn far_regression(n: usize, d: usize, seed: u64) -> Regression {
    let mut r = regression(n, d, seed);
    r.x.iter_mut().enumerate().for_each(|(j, x)| *x = 1.5 * *x + if j % 2 == 0 { 0.7 } else { -0.4 });
    r
}

/// Solves by Gauss–Jordan elimination with row exchanges: the inverse of a small matrix.
fn inverse(mut m: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
    let d = m.len();
    for (i, row) in m.iter_mut().enumerate() {
        row.extend((0..d).map(|j| if i == j { 1.0 } else { 0.0 }));
    }
    for k in 0..d {
        let pivot = (k..d).max_by(|&i, &j| m[i][k].abs().total_cmp(&m[j][k].abs())).unwrap();
        m.swap(k, pivot);
        let head = m[k][k];
        m[k].iter_mut().for_each(|v| *v /= head);
        for i in 0..d {
            if i != k {
                let (factor, row) = (m[i][k], m[k].clone());
                m[i].iter_mut().zip(row).for_each(|(v, r)| *v -= factor * r);
            }
        }
    }
    m.into_iter().map(|row| row[d..].to_vec()).collect()
}

/// (FᵀF)⁻¹ with F by central differences of the released numbers.
fn brute_force_covariance(r: &Regression, kind: ReleaseKind) -> Vec<Vec<f64>> {
    let rows = DenseRows::new(&r.a, r.d).unwrap();
    let release = |x: &[f64]| {
        let found = leverage_gradient(&rows, &r.b, x, &Run::default()).unwrap();
        match kind {
            ReleaseKind::Scores => found.scores.values,
            ReleaseKind::Gradient => found.values,
            ReleaseKind::Both => [found.scores.values, found.values].concat(),
        }
    };
    const STEP: f64 = 1e-6;
    let columns: Vec<Vec<f64>> = (0..r.d)
        .map(|j| {
            let (mut up, mut down) = (r.x.clone(), r.x.clone());
            up[j] += STEP;
            down[j] -= STEP;
            release(&up).iter().zip(release(&down)).map(|(u, d)| (u - d) / (2.0 * STEP)).collect()
        })
        .collect();
    let dot = |u: &[f64], v: &[f64]| u.iter().zip(v).map(|(u, v)| u * v).sum::<f64>();
    inverse(columns.iter().map(|u| columns.iter().map(|v| dot(u, v)).collect()).collect())
}

fn norm(v: &[f64]) -> f64 {
    v.iter().map(|v| v * v).sum::<f64>().sqrt()
}

#[test]
fn the_bounds_are_those_of_a_jacobian_by_finite_differences() {
    let r = far_regression(60, 3, 5);
    let options = AuditOptions { release: ReleaseKind::Both, noise: Some(vec![1e-3]), trials: 2, ..small() };
    let found = audited(&r, &options);
    for kind in [ReleaseKind::Scores, ReleaseKind::Gradient, ReleaseKind::Both] {
        let covariance = brute_force_covariance(&r, kind);
        let expected = (0..3).map(|j| covariance[j][j]).sum::<f64>().sqrt();
        let results: Vec<_> = found.releases.iter().filter(|result| result.release == kind).collect();
        for result in &results {
            match (result.protection, result.level) {
                (ProtectionKind::Gaussian, Some(noise)) => {
                    assert!((result.crlb.unwrap() / (noise * expected) - 1.0).abs() < 1e-4, "{kind:?} {noise}");
                }
                _ => assert_eq!(result.crlb, None),
            }
        }
        assert!(results.iter().any(|result| result.level == Some(1e-3)));
        if kind == ReleaseKind::Both {
            for (j, coordinate) in found.coordinates.iter().enumerate() {
                let bound = 1e-3 * covariance[j][j].sqrt();
                assert!((coordinate.bound_abs.unwrap() / bound - 1.0).abs() < 1e-4);
                assert!((coordinate.bound_rel.unwrap() * r.x[j].abs() / bound - 1.0).abs() < 1e-4);
            }
            let per_unit = found.bound.rel_error_per_unit_noise_rel.unwrap();
            assert!((per_unit / (expected * found.release.rms / norm(&r.x)) - 1.0).abs() < 1e-4);
            assert!((found.bound.noise_rel_for_target.unwrap() * per_unit - 0.1).abs() < 1e-12);
            for (k, bound) in found.attack_curve.bound.iter().enumerate() {
                assert!((bound / (per_unit * found.attack_curve.noise_rel[k]) - 1.0).abs() < 1e-12);
            }
        }
    }
}

#[test]
fn attacks_that_succeed_sit_on_the_bound_and_blind_ones_need_no_signs() {
    let r = far_regression(120, 3, 8);
    let options = AuditOptions { noise: Some(vec![1e-6]), trials: 60, ..small() };
    let found = audited(&r, &options);
    for attack in [AttackKind::Blind, AttackKind::Signs] {
        let result = found.releases.iter().find(|x| x.attack == attack && x.level == Some(1e-6)).unwrap();
        let ratio = result.error_rmse.unwrap() * norm(&r.x) / result.crlb.unwrap();
        // 60 tries of 3 coordinates: two standard errors of a root mean square are about 15 %.
        assert!((0.75..1.25).contains(&ratio), "{attack:?}: {ratio}");
        let exact = found.releases.iter().find(|x| x.attack == attack && x.protection == ProtectionKind::None).unwrap();
        assert!(exact.error_median.unwrap() < 1e-9, "{attack:?}");
        assert_eq!(exact.trials, 1);
    }
    assert!(!found.verdict.meets_target);
    assert_eq!(found.verdict.rel_error.share_at_bound, Some(1.0));
    assert!(found.bound.valid_below_noise_rel.unwrap() >= 1e-5);
}

#[test]
fn a_gradient_is_given_back_by_whoever_knows_the_cell_and_guessed_at_by_others() {
    let p = random_polytope(80, 3, 0.5, 3, None);
    let options = AuditOptions { release: ReleaseKind::Gradient, ..small() };
    let rows = DenseRows::new(&p.a, p.d).unwrap();
    let found = audit(&rows, &p.b, &p.hidden, &options, &Run::default()).unwrap();
    // {Ax > b} is the cell of a polytope: one of the guesses is right.
    for attack in [AttackKind::Blind, AttackKind::Signs] {
        let exact = found.releases.iter().find(|x| x.attack == attack && x.protection == ProtectionKind::None).unwrap();
        assert!(exact.error_median.unwrap() < 1e-8, "{attack:?} {:?}", exact.error_median);
    }
    assert!(found.releases.iter().all(|x| x.protection != ProtectionKind::TopK));
    assert!(found.findings.iter().any(|f| f.id == "cells"));
    assert_eq!(found.release.rows_released, 0);
}

/// 4.6×10⁻⁶ or 10⁻⁶ as mantissa and exponent.
fn power_of_ten(word: &str) -> Option<(f64, i32)> {
    let (mantissa, raised) = word.split_once("×10").or_else(|| Some(("1", word.strip_prefix("10")?)))?;
    let digit = |c: char| "⁰¹²³⁴⁵⁶⁷⁸⁹".chars().position(|s| s == c).map(|d| d.to_string());
    let plain: Option<String> = raised.chars().map(|c| if c == '⁻' { Some("-".into()) } else { digit(c) }).collect();
    Some((mantissa.parse().ok()?, plain?.parse().ok()?))
}

/// The words that look like numbers, a percentage as a share; quoted names are no numbers.
fn printed_numbers(text: &str) -> Vec<(f64, f64)> {
    let unquoted: String = text.split('“').map(|part| part.rsplit('”').next().unwrap()).collect();
    // What is nothing is said in these words alone.
    let (unquoted, nothing) = (unquoted.replace("less than 10⁻¹⁶", ""), unquoted.contains("less than 10⁻¹⁶"));
    let unquoted = unquoted.replace(" × 10", "×10");
    let words: Vec<&str> = unquoted.split_whitespace().collect();
    let mut found: Vec<(f64, f64)> = nothing.then_some((0.0, 0.0)).into_iter().collect();
    for (k, word) in words.iter().enumerate() {
        let bare = word.trim_matches(|c: char| "(),;:.".contains(c));
        if let Some((mantissa, exponent)) = power_of_ten(bare) {
            // Two digits, the second left out where it is 0.
            let unit = 10f64.powi(exponent);
            found.push((mantissa * unit, 0.05000001 * unit));
            continue;
        }
        let Ok(value) = bare.parse::<f64>() else { continue };
        assert!(!bare.contains('e'), "{bare} is written for a machine");
        let decimals = bare.split('.').nth(1).map_or(0, str::len) as i32;
        let half = 0.5000001 * 10f64.powi(-decimals);
        let percent = words.get(k + 1).is_some_and(|next| next.starts_with('%'));
        found.push(if percent { (value / 100.0, half / 100.0) } else { (value, half) });
    }
    found
}

fn check_numbers(finding: &Finding) {
    let printed = printed_numbers(&format!("{} {}", finding.title, finding.text));
    let kept: Vec<f64> = finding.numbers.values().flatten().copied().collect();
    for (value, half) in &printed {
        assert!(
            kept.iter().any(|k| (k - value).abs() <= *half),
            "{value} in “{}” is not among {kept:?}",
            finding.title
        );
    }
    for (name, value) in &finding.numbers {
        let shown = |v: f64| printed.iter().any(|(value, half)| (v - value).abs() <= *half);
        assert!(value.is_none_or(shown), "{name} = {value:?} is not printed in “{}” {printed:?}", finding.title);
    }
}

#[test]
fn every_printed_number_is_kept_and_comes_from_the_data() {
    let cases = [
        (ReleaseKind::Scores, None),
        (ReleaseKind::Scores, Some(vec![1e-3])),
        (ReleaseKind::Gradient, Some(vec![0.5])),
        (ReleaseKind::Both, Some(vec![1e-3])),
    ];
    for (release, noise) in cases {
        let r = far_regression(90, 3, 2);
        let found = audited(&r, &AuditOptions { release, noise, trials: 4, ..small() });
        found.findings.iter().for_each(check_numbers);
        let of = |id: &str| found.findings.iter().find(|f| f.id == id).unwrap();
        let number = |id: &str, name: &str| of(id).numbers[name].unwrap();
        // What only rounding keeps from being exact is called exact, and no finding makes a number of it.
        let exact = found.release.planned == Protection::None && found.verdict.rel_error.median < 1e-9;
        assert_eq!(
            exact,
            of("reached").title.ends_with("recovers the coefficients exactly."),
            "{}",
            of("reached").title
        );
        if !exact {
            assert_eq!(number("reached", "median_rel"), found.verdict.rel_error.median);
        }
        assert_eq!(number("reached", "baseline_rel"), found.baseline.as_ref().unwrap().rel_error);
        assert_eq!(number("reached", "target_rel"), 0.1);
        assert_eq!(number("most_exposed_row", "hat"), found.rows.top[0].hat);
        assert_eq!(number("most_exposed_row", "auc"), found.rows.top[0].auc);
        assert_eq!(number("most_exposed_row", "auc_over"), found.rows.auc_over_055 as f64);
        assert_eq!(number("privacy", "sensitivity_l2"), found.privacy.sensitivity_l2);
        let needed = found.noise_needed.iter().find(|n| n.target_rel_error == 0.1).unwrap();
        assert_eq!(number("noise_needed", "kept"), needed.utility.kept);
        match needed.noise_abs {
            Some(noise) if noise > 0.0 => assert_eq!(number("noise_needed", "noise_abs"), noise),
            Some(_) => {}
            None => {
                let series = found.attack_curve.series.iter().find(|s| s.id == needed.attack).unwrap();
                assert_eq!(number("noise_needed", "q05_rel"), *series.q05.last().unwrap());
            }
        }
        let least = found.coordinates.iter().map(|c| c.spread_rel.as_ref().unwrap().median).fold(f64::MAX, f64::min);
        match found.findings.iter().find(|f| f.id == "weakest_coefficient") {
            Some(finding) => assert_eq!(finding.numbers["median_rel"], Some(least)),
            None => assert!(exact && least < 1e-9),
        }
        let ranks: Vec<_> = found.findings.iter().map(|f| f.level).collect();
        assert!(ranks.is_sorted(), "worst first: {ranks:?}");
    }
}

#[test]
fn a_least_squares_fit_needs_no_release_and_that_is_said_first() {
    let mut r = regression(80, 3, 4);
    let rows = DenseRows::new(&r.a, r.d).unwrap();
    r.x = unhat::leverage::least_squares(&rows, &r.b, &Run::default()).unwrap().x;
    let found = audited(&r, &AuditOptions { trials: 2, ..small() });
    assert_eq!(found.findings[0].id, "no_release_needed");
    found.findings.iter().for_each(check_numbers);
    let far = audited(&far_regression(80, 3, 4), &AuditOptions { trials: 2, ..small() });
    assert!(far.findings.iter().all(|f| f.id != "no_release_needed"));
}

/// Everything but the clock and the number of threads.
fn without_clock(mut findings: AuditReport) -> String {
    findings.tool.wall_s = 0.0;
    findings.tool.threads = 0;
    serde_json::to_string(&findings).unwrap()
}

#[test]
fn findings_depend_on_the_seed_and_not_on_the_threads_and_hold_no_number_that_is_none() {
    let r = far_regression(70, 3, 6);
    let options = AuditOptions { release: ReleaseKind::Both, noise: Some(vec![1e-3]), trials: 3, seed: 11, ..small() };
    let rows = DenseRows::new(&r.a, r.d).unwrap();
    let with = |threads: usize, options: &AuditOptions| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let run = Run { pool: Some(&pool), ..Run::default() };
        without_clock(audit(&rows, &r.b, &r.x, options, &run).unwrap())
    };
    let one = with(1, &options);
    assert_eq!(one, with(3, &options));
    assert_ne!(one, with(1, &AuditOptions { seed: 12, ..options.clone() }));
    let back: AuditReport = serde_json::from_str(&one).unwrap();
    assert_eq!(without_clock(back), one);
    // serde_json writes NaN and infinities as null; those of the schema's own are where it says so.
    let value: serde_json::Value = serde_json::from_str(&one).unwrap();
    let curve = &value["attack_curve"];
    assert!(curve["series"].as_array().unwrap().iter().all(|s| !s.to_string().contains("null")), "{curve}");
    assert!(value["checks"].as_array().unwrap().iter().all(|check| check["ok"] == true));
}

#[test]
fn findings_to_share_hold_no_coefficient_no_row_and_no_ratio_that_gives_one() {
    let r = far_regression(60, 3, 9);
    let options = AuditOptions { noise: Some(vec![1e-3]), trials: 2, detail: Detail::Share, ..small() };
    let found = audited(&r, &options);
    for coordinate in &found.coordinates {
        assert_eq!((coordinate.value, &coordinate.spread_abs, coordinate.bound_abs), (None, &None, None));
        assert!(coordinate.spread_rel.is_some());
    }
    assert!(found.rows.top.iter().all(|row| row.row.is_none()));
    assert!(found.releases.iter().all(|result| result.crlb.is_none()));
    assert!(found.tool.command.is_empty() && found.bound.null_direction.is_none());
    let text = serde_json::to_string(&found).unwrap();
    for x in &r.x {
        assert!(!text.contains(&format!("{}", x.abs())), "{x}");
    }
}

#[test]
fn more_noise_never_needs_less_and_a_wish_within_reach_costs_what_the_curve_says() {
    let found = audited(&far_regression(100, 3, 1), &AuditOptions { trials: 20, ..small() });
    let priced: Vec<_> = found.noise_needed.iter().map(|n| n.noise_rel.unwrap_or(f64::INFINITY)).collect();
    assert!(priced.is_sorted(), "{priced:?}");
    let blind = found.attack_curve.series.iter().find(|s| s.id == AttackKind::Blind).unwrap();
    let result = found.releases.iter().find(|x| x.attack == AttackKind::Blind).unwrap();
    if let Some(noise) = result.noise_for_error {
        for (k, level) in found.attack_curve.noise_abs.iter().enumerate() {
            assert!(*level < noise || blind.q05[k] >= 0.1, "at {level}: {}", blind.q05[k]);
        }
    }
    assert_eq!(found.attack_curve.noise_rel.len(), blind.q05.len());
    let planned: BTreeMap<_, _> = found.protections.iter().map(|p| (p.label.clone(), p.protection.clone())).collect();
    assert_eq!(planned["as computed"], Protection::None);
    assert_eq!(planned["clipped at the 90 % quantile"], Protection::Clip { quantile: 0.9 });
}

#[test]
fn an_offset_in_the_range_leaves_a_direction_free_and_that_is_said() {
    let r = regression(60, 3, 3);
    let b: Vec<f64> = r.a.chunks(3).map(|row| row[0] - 2.0 * row[1]).collect();
    let rows = DenseRows::new(&r.a, 3).unwrap();
    let found = audit(&rows, &b, &r.x, &AuditOptions { trials: 2, ..small() }, &Run::default()).unwrap();
    let direction = found.bound.null_direction.unwrap();
    let expected = [r.x[0] - 1.0, r.x[1] + 2.0, r.x[2]];
    let size = expected.iter().fold(0.0, |a: f64, v| a.max(v.abs()));
    for (h, e) in direction.iter().zip(expected) {
        assert!((h.abs() - e.abs() / size).abs() < 1e-8, "{direction:?}");
    }
    assert_eq!(found.bound.rel_error_per_unit_noise_rel, None);
    assert!(found.attack_curve.bound.is_empty());
}

#[test]
fn what_cannot_be_audited_is_an_error_that_names_the_option() {
    let r = regression(40, 3, 1);
    let rows = DenseRows::new(&r.a, 3).unwrap();
    let base = AuditOptions { trials: 2, ..small() };
    let cases: Vec<(&str, AuditOptions)> = vec![
        ("noise", AuditOptions { noise: Some(vec![-1.0]), ..base.clone() }),
        ("noise", AuditOptions { noise: Some(vec![f64::NAN]), ..base.clone() }),
        ("round", AuditOptions { digits: Some(vec![0]), ..base.clone() }),
        ("clip", AuditOptions { clip: Some(vec![1.0]), ..base.clone() }),
        ("top", AuditOptions { top: Some(vec![41]), ..base.clone() }),
        ("top", AuditOptions { top: Some(vec![5]), release: ReleaseKind::Gradient, ..base.clone() }),
        ("rows", AuditOptions { rows: Some(vec![40]), ..base.clone() }),
        ("rows", AuditOptions { rows: Some(vec![1, 1]), ..base.clone() }),
        ("rows", AuditOptions { rows: Some(vec![]), ..base.clone() }),
        ("target-error", AuditOptions { target_error: 0.0, ..base.clone() }),
        ("trials", AuditOptions { trials: 0, ..base.clone() }),
        ("delta", AuditOptions { delta: 1.0, ..base.clone() }),
    ];
    for (expected, options) in cases {
        match audit(&rows, &r.b, &r.x, &options, &Run::default()).unwrap_err().kind() {
            ErrorKind::Option { name, .. } => assert_eq!(name, expected),
            other => panic!("{expected}: {other}"),
        }
    }
    let zero = audit(&rows, &r.b, &[0.0; 3], &base, &Run::default()).unwrap_err();
    assert!(matches!(zero.kind(), ErrorKind::Option { name, .. } if name == "point"));
    let stop = std::sync::atomic::AtomicBool::new(true);
    let run = Run { stop: Some(&stop), ..Run::default() };
    assert!(matches!(audit(&rows, &r.b, &r.x, &base, &run).unwrap_err().kind(), ErrorKind::Interrupted));
}

/// Table, offset and x of a heavy-tailed regression that was made to break the bound: 300 rows, an intercept and 4 columns.
fn skewed() -> Regression {
    let numbers = |text: &str| -> Vec<Vec<f64>> {
        text.lines().map(|line| line.split(',').map(|cell| cell.trim().parse().unwrap()).collect()).collect()
    };
    let text = include_str!("data/skewed.csv");
    let rows = numbers(text.split_once('\n').unwrap().1);
    let a = rows.iter().flat_map(|row| [&[1.0], &row[..4]].concat()).collect();
    let b = rows.iter().map(|row| row[4]).collect();
    let x = numbers(include_str!("data/skewed_x.csv")).concat();
    Regression { n: rows.len(), d: 5, a, b, x }
}

/// H at x by central differences of the gradient.
fn brute_force_hessian(r: &Regression) -> Vec<Vec<f64>> {
    let rows = DenseRows::new(&r.a, r.d).unwrap();
    let at = |j: usize, step: f64| {
        let mut x = r.x.clone();
        x[j] += step;
        leverage_gradient(&rows, &r.b, &x, &Run::default()).unwrap().values
    };
    let column = |j: usize| -> Vec<f64> {
        let step = 1e-7 * r.x[j].abs();
        at(j, step).iter().zip(at(j, -step)).map(|(u, d)| (u - d) / (2.0 * step)).collect()
    };
    (0..r.d).map(column).collect()
}

#[test]
fn the_bound_is_claimed_only_where_the_median_error_is_near_it_and_chi_says_where_that_ends() {
    for release in [ReleaseKind::Gradient, ReleaseKind::Scores, ReleaseKind::Both] {
        for r in [skewed(), far_regression(90, 3, 2), far_regression(120, 4, 31)] {
            let found = audited(&r, &AuditOptions { release, trials: 12, digits: Some(vec![]), ..small() });
            let limit = match release {
                ReleaseKind::Gradient => Some(0.3),
                ReleaseKind::Scores => Some(0.05),
                ReleaseKind::Both => None,
            };
            assert_eq!(found.bound.chi_limit, limit);
            let curve = &found.attack_curve;
            let series = curve.series.iter().find(|series| series.headline).unwrap();
            for (k, noise) in curve.noise_rel.iter().enumerate() {
                let ratio = series.median[k] / curve.bound[k];
                assert!((series.median_over_bound[k] / ratio - 1.0).abs() < 1e-12);
                if found.bound.valid_below_noise_rel.is_some_and(|valid| *noise <= valid) {
                    assert!((0.3..=3.0).contains(&ratio), "{release:?} at {noise}: {ratio}");
                }
                let expected = noise * found.bound.chi_per_unit_noise_rel.unwrap();
                assert!((curve.chi[k] / expected - 1.0).abs() < 1e-12);
                assert!(
                    limit.is_none_or(|limit| curve.chi[k] > limit) || (0.3..=3.0).contains(&ratio),
                    "{release:?} at {}: {ratio}",
                    curve.chi[k]
                );
            }
            let bound = found.findings.iter().find(|f| f.id == "bound").unwrap();
            let says = bound.text.contains("beyond this the error is that of the cell");
            assert_eq!(says, limit.is_some(), "{}", bound.text);
            if let Some(limit) = limit {
                let at = found.bound.noise_rel_at_chi.unwrap();
                assert!((at * found.bound.chi_per_unit_noise_rel.unwrap() - limit).abs() < 1e-12);
                assert_eq!(bound.numbers["noise_rel_at_chi"], Some(at));
            } else {
                assert_eq!(found.bound.noise_rel_at_chi, None);
            }
            found.findings.iter().for_each(check_numbers);
        }
    }
}

#[test]
fn chi_is_that_of_a_hessian_by_finite_differences() {
    let r = far_regression(60, 3, 5);
    let found = audited(&r, &AuditOptions { release: ReleaseKind::Gradient, trials: 2, ..small() });
    let inverse = inverse(brute_force_hessian(&r));
    let size = |row: &[f64], slack: f64| -> f64 {
        (0..3).map(|i| (0..3).map(|j| row[i] * inverse[i][j] * row[j]).sum::<f64>()).sum::<f64>().sqrt() / slack.abs()
    };
    let rows = r.a.chunks(3).zip(&r.b);
    let rho = rows.map(|(a, b)| size(a, a.iter().zip(&r.x).map(|(a, x)| a * x).sum::<f64>() - b)).fold(0.0, f64::max);
    let trace: f64 = (0..3).map(|j| inverse[j][j]).sum();
    let expected = rho * trace.sqrt() * found.release.rms;
    assert!((found.bound.chi_per_unit_noise_rel.unwrap() / expected - 1.0).abs() < 1e-4);

    let found = audited(&r, &AuditOptions { trials: 2, ..small() });
    let covariance = brute_force_covariance(&r, ReleaseKind::Scores);
    let size = |row: &[f64], slack: f64| -> f64 {
        (0..3).map(|i| (0..3).map(|j| row[i] * covariance[i][j] * row[j]).sum::<f64>()).sum::<f64>().sqrt()
            / slack.abs()
    };
    let rows = r.a.chunks(3).zip(&r.b);
    let chi = rows.map(|(a, b)| size(a, a.iter().zip(&r.x).map(|(a, x)| a * x).sum::<f64>() - b)).fold(0.0, f64::max);
    assert!((found.bound.chi_per_unit_noise_rel.unwrap() / (chi * found.release.rms) - 1.0).abs() < 1e-4);
}

#[test]
fn no_attack_with_a_start_ends_farther_away_than_it_began() {
    let r = skewed();
    for release in [ReleaseKind::Gradient, ReleaseKind::Scores] {
        let found = audited(&r, &AuditOptions { release, trials: 4, ..small() });
        let started: Vec<_> = found.releases.iter().filter(|result| result.attack == AttackKind::Start).collect();
        assert!(started.iter().all(|result| result.error_q95.unwrap() <= 0.02), "{release:?}");
        let series = found.attack_curve.series.iter().find(|series| series.id == AttackKind::Start).unwrap();
        assert!(series.q95.iter().all(|error| *error <= 0.02));
    }
}

#[test]
fn the_row_that_pulls_most_is_found_among_all_rows_and_not_among_the_most_exposed() {
    // Row 41 has the smallest hat value of 200 rows and the largest Cook's distance.
    let table = include_str!("data/cook.csv");
    let pairs: Vec<Vec<f64>> =
        table.lines().skip(1).map(|line| line.split(',').map(|v| v.parse().unwrap()).collect()).collect();
    let a = pairs.iter().flat_map(|pair| [1.0, pair[0]]).collect();
    let b = pairs.iter().map(|pair| pair[1]).collect();
    let r = Regression { n: 200, d: 2, a, b, x: vec![1.0, 2.0] };
    let found = audited(&r, &AuditOptions { trials: 2, ..small() });
    assert!(found.rows.top.iter().all(|row| row.row != Some(41)));
    let first = &found.rows.influential[0];
    assert_eq!(first.row, Some(41));
    assert!((first.cook.unwrap() - 0.4906).abs() < 5e-5 && (first.studentised.unwrap() - 118.4456).abs() < 5e-4);
    assert_eq!(found.rows.cook_over_half, 0);
    let distances: Vec<f64> = found.rows.influential.iter().map(|row| row.cook.unwrap()).collect();
    assert!(distances.is_sorted_by(|a, b| a >= b));
}

#[test]
fn errors_are_told_in_standard_errors_and_beside_them_what_is_known_without_a_release() {
    let r = far_regression(90, 3, 2);
    let found = audited(&r, &AuditOptions { noise: Some(vec![1e-3]), trials: 5, ..small() });
    let dot = |u: &[f64], v: &[f64]| u.iter().zip(v).map(|(u, v)| u * v).sum::<f64>();
    let column = |j: usize| r.a.chunks(3).map(|row| row[j]).collect::<Vec<f64>>();
    let gram = inverse((0..3).map(|i| (0..3).map(|j| dot(&column(i), &column(j))).collect()).collect());
    let moment: Vec<f64> = (0..3).map(|j| dot(&column(j), &r.b)).collect();
    let fit: Vec<f64> = gram.iter().map(|row| dot(row, &moment)).collect();
    let rest: f64 = r.a.chunks(3).zip(&r.b).map(|(a, b)| (b - dot(a, &fit)).powi(2)).sum();
    for (j, coordinate) in found.coordinates.iter().enumerate() {
        let error = (rest / 87.0 * gram[j][j]).sqrt();
        let expected = coordinate.spread_abs.as_ref().unwrap().median / error;
        assert!((coordinate.spread_se.as_ref().unwrap().median / expected - 1.0).abs() < 1e-9);
    }
    // The joint number of one answer lies between the smallest and the largest of its coordinates.
    let errors: Vec<f64> = found.coordinates.iter().map(|c| c.spread_se.as_ref().unwrap().q95).collect();
    let (least, most) = (found.verdict.error_se.as_ref().unwrap().q05, errors.iter().fold(0.0f64, |a, b| a.max(*b)));
    assert!(least > 0.0 && least <= most);
    let baseline = found.baseline.as_ref().unwrap();
    let shares: f64 = found.coordinates.iter().zip(&r.x).map(|(c, x)| (c.baseline_rel.unwrap() * x).powi(2)).sum();
    assert!((baseline.rel_error / (shares.sqrt() / norm(&r.x)) - 1.0).abs() < 1e-12);
    for id in ["reached", "noise_needed", "bound", "other_protections", "weakest_coefficient"] {
        let finding = found.findings.iter().find(|f| f.id == id).unwrap();
        assert!(finding.numbers.contains_key("baseline_rel"), "{id}");
    }
    let share = audited(&r, &AuditOptions { noise: Some(vec![1e-3]), trials: 5, detail: Detail::Share, ..small() });
    assert_eq!((share.verdict.error_se, share.baseline.unwrap().error_se), (None, None));
    assert!(share.coordinates.iter().all(|coordinate| coordinate.spread_se.is_none()));
    assert!(share.releases.iter().all(|result| result.error_se_median.is_none()));
}

#[test]
fn one_try_is_not_half_of_the_tries_and_an_epsilon_says_that_the_fit_is_held_fixed() {
    let r = far_regression(90, 3, 2);
    let options = AuditOptions { digits: Some(vec![2]), clip: Some(vec![]), top: Some(vec![]), ..small() };
    let found = audited(&r, &options);
    assert_eq!(found.verdict.rel_error.trials, 1);
    for finding in &found.findings {
        assert!(finding.id == "noise_needed" || !finding.title.contains("half of"), "{}", finding.title);
    }
    let found = audited(&r, &AuditOptions { noise: Some(vec![1e-2]), ..small() });
    let privacy = found.findings.iter().find(|f| f.id == "privacy").unwrap();
    assert!(privacy.title.contains("with the fit held fixed"), "{}", privacy.title);
    assert_eq!(privacy.numbers["sensitivity_refit_l2"], found.privacy.sensitivity_refit_l2);
    assert_eq!(privacy.numbers["epsilon_refit"], found.privacy.epsilon_refit);
    assert!(found.noise_needed.iter().all(|n| n.noise_abs.is_none_or(|v| v == 0.0) || n.epsilon_refit.is_some()));
}

/// The sentences about a table that broke them once, from the raw numbers: the table, x, and the gradient alone.
#[test]
fn the_sentences_about_a_skewed_table_say_what_is_recomputed_from_it() {
    use unhat::invert::{InvertOptions, Start, invert_gradient};
    let r = skewed();
    let found =
        audited(&r, &AuditOptions { release: ReleaseKind::Gradient, trials: 12, digits: Some(vec![]), ..small() });
    let sentence = |id: &str| found.findings.iter().find(|f| f.id == id).unwrap();
    // χ and the noise at which it is 0.3, from a Hessian by differences in columns of one size.
    let size: Vec<f64> = (0..r.d).map(|j| r.x[j].abs()).collect();
    let hessian = brute_force_hessian(&r);
    let scaled = (0..r.d).map(|i| (0..r.d).map(|j| hessian[i][j] * size[i] * size[j]).collect()).collect();
    let whole = inverse(scaled);
    let inverse: Vec<Vec<f64>> =
        (0..r.d).map(|i| (0..r.d).map(|j| whole[i][j] * size[i] * size[j]).collect()).collect();
    let slack = |row: &[f64], b: &f64| row.iter().zip(&r.x).map(|(a, x)| a * x).sum::<f64>() - b;
    let length = |(row, b): (&[f64], &f64)| -> f64 {
        let quadratic: f64 = (0..r.d).map(|i| (0..r.d).map(|j| row[i] * inverse[i][j] * row[j]).sum::<f64>()).sum();
        quadratic.sqrt() / slack(row, b).abs()
    };
    let rho = r.a.chunks(r.d).zip(&r.b).map(length).fold(0.0, f64::max);
    let trace: f64 = (0..r.d).map(|j| inverse[j][j]).sum();
    let gradient = leverage_gradient(&DenseRows::new(&r.a, r.d).unwrap(), &r.b, &r.x, &Run::default()).unwrap().values;
    let rms = norm(&gradient) / (r.d as f64).sqrt();
    let bound = sentence("bound");
    let noise = 0.3 / (rho * trace.sqrt()) / rms;
    assert!((bound.numbers["noise_rel_at_chi"].unwrap() / noise - 1.0).abs() < 1e-3, "{noise}");
    assert!(bound.text.contains("beyond this the error is that of the cell"), "{}", bound.text);
    // Up to which noise the title claims the bound: the median of the tries against ν√tr(H⁻²) of the same Hessian.
    let squared: f64 = inverse.iter().flatten().map(|v| v * v).sum();
    let series = found.attack_curve.series.iter().find(|series| series.headline).unwrap();
    let ratio: Vec<f64> = (found.attack_curve.noise_rel.iter().zip(&series.median))
        .map(|(noise, median)| median * norm(&r.x) / (noise * rms * squared.sqrt()))
        .collect();
    let near = |ratio: &f64| (0.3..=3.0).contains(ratio);
    match bound.numbers.get("valid_below_noise_rel").copied().flatten() {
        Some(valid) => {
            let below = found.attack_curve.noise_rel.iter().zip(&ratio).filter(|(noise, _)| **noise <= valid);
            below.for_each(|(noise, ratio)| assert!(near(ratio), "{noise}: {ratio}"));
        }
        None => assert!(ratio.iter().any(|ratio| !near(ratio)), "{}: {ratio:?}", bound.title),
    }
    assert!(!near(ratio.last().unwrap()), "the error has saturated at {ratio:?}: nothing is claimed there");
    // What needs no release: the centre of the cell, found from the signs.
    let signs: Vec<f64> = r.a.chunks(r.d).zip(&r.b).map(|(row, b)| slack(row, b).signum()).collect();
    let rows = DenseRows::new(&r.a, r.d).unwrap();
    let start = Start { signs: Some(&signs), ..Start::default() };
    let (zero, options) = (vec![0.0; r.d], InvertOptions::default());
    let centre = invert_gradient(&rows, &r.b, &zero, &start, &options, None, &Run::default()).unwrap();
    let away = norm(&centre.x.iter().zip(&r.x).map(|(c, x)| c - x).collect::<Vec<_>>()) / norm(&r.x);
    for id in ["reached", "bound", "noise_needed"] {
        assert!((sentence(id).numbers["baseline_rel"].unwrap() / away - 1.0).abs() < 1e-6, "{id}: {away}");
    }
    found.findings.iter().for_each(check_numbers);
}
