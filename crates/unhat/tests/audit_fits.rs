//! What diagnostics of fits give away: each number of an audit against one that is computed another way.
#![allow(clippy::unwrap_used)] // a panic is how a test fails

use serde_json::Value;
use unhat::audit::AuditOptions;
use unhat::audit::fits::report::{FitAttack, FitAuditReport, FitRelease, FitResult, Secret};
use unhat::audit::fits::{AuditedFit, audit_fit};
use unhat::audit::report::{Detail, Level, ProtectionKind};
use unhat::families::{Family, Link};
use unhat::invert::hat::{HatModel, HatOptions, HatPrecision, invert_hat};
use unhat::rows::DenseRows;
use unhat::{Result, Run};
use unhat_testkit::generate::Stream;
use unhat_testkit::orthonormal::weighted_leverage_scores;
use unhat_testkit::{Dd, Real};

/// The table of R's `glm(am ~ hp + wt, binomial)` and the like, with what R says of it.
fn table(name: &str) -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/hat_tables.json");
    let all: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    all["cases"].as_array().unwrap().iter().find(|case| case["name"] == name).unwrap().clone()
}

fn numbers(case: &Value, key: &str) -> Vec<f64> {
    case[key].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

fn matrix(case: &Value) -> (Vec<f64>, usize) {
    let rows: Vec<Vec<f64>> = serde_json::from_value(case["A"].clone()).unwrap();
    (rows.concat(), rows[0].len())
}

fn quick() -> AuditOptions {
    AuditOptions {
        trials: 4,
        digits: Some(vec![3, 2]),
        clip: Some(vec![0.9]),
        top: Some(vec![10]),
        ..AuditOptions::default()
    }
}

fn audited(a: &[f64], d: usize, fit: &AuditedFit<'_>, options: &AuditOptions) -> Result<FitAuditReport> {
    audit_fit(&DenseRows::new(a, d)?, fit, options, &Run::default())
}

fn result(found: &FitAuditReport, attack: FitAttack, protection: ProtectionKind, level: Option<f64>) -> &FitResult {
    found
        .results
        .iter()
        .find(|r| r.attack == attack && r.protection == protection && (level.is_none() || r.level == level))
        .unwrap()
}

fn logistic(release: FitRelease) -> AuditedFit<'static> {
    AuditedFit { release, model: Some(HatModel::new(Family::Binomial, None, None).unwrap()), ..AuditedFit::default() }
}

#[test]
fn cooks_distances_of_a_logistic_fit_give_every_response_and_the_headline_says_so() {
    for name in ["mtcars am", "kyphosis", "birthwt"] {
        let case = table(name);
        let ((a, d), beta, y) = (matrix(&case), numbers(&case, "coefficients"), numbers(&case, "responses"));
        let fit = AuditedFit { coefficients: Some(&beta), responses: Some(&y), ..logistic(FitRelease::Cook) };
        let found = audited(&a, d, &fit, &quick()).unwrap();
        let ones = y.iter().filter(|y| **y == 1.0).count() as f64 / y.len() as f64;
        let guess = found.secrets.iter().find(|guess| guess.secret == Secret::Outcomes).unwrap();
        assert!((guess.error - ones.min(1.0 - ones)).abs() < 1e-12, "{name}");
        // The numbers that R has.
        let cook = numbers(&case, "cook");
        let rms = (cook.iter().map(|v| v * v).sum::<f64>() / cook.len() as f64).sqrt();
        assert!((found.release.beside_rms.unwrap() / rms - 1.0).abs() < 1e-6, "{name}: {:?} {rms}", found.release);
        let exact = result(&found, FitAttack::SizesToOutcomes, ProtectionKind::None, None);
        assert_eq!((exact.told, exact.wrong, exact.trials), (Some(1.0), Some(0.0), 1), "{name}");
        let rounded = result(&found, FitAttack::SizesToOutcomes, ProtectionKind::Rounding, Some(3.0));
        assert!(rounded.told.unwrap() >= 0.95 && rounded.wrong == Some(0.0), "{name}: {rounded:?}");
        let coefficients = result(&found, FitAttack::HatToCoefficients, ProtectionKind::Rounding, Some(3.0));
        assert!(coefficients.error.as_ref().unwrap().median < 0.02, "{name}: {coefficients:?}");
        // Noise that hides single rows leaves most of them to whoever takes the likelier response.
        let noisy =
            found.results.iter().find(|r| r.attack == FitAttack::SizesToOutcomes && r.noise_rel == Some(1e-3)).unwrap();
        assert!(noisy.error.as_ref().unwrap().median < 0.5 * guess.error, "{name}: {noisy:?}");
        assert!(!found.verdict.meets_target && found.findings[0].level == Level::Exposed, "{name}");
        // The strongest attack is the one whose error is the smallest share of its guess; it comes first.
        let share = |r: &FitResult| r.error.as_ref().unwrap().median / r.guess_error;
        let strongest = if share(rounded) <= share(coefficients) {
            FitAttack::SizesToOutcomes
        } else {
            FitAttack::HatToCoefficients
        };
        assert_eq!(found.verdict.attack, strongest, "{name}");
        let said = found.findings.iter().find(|f| f.id == "reached_outcomes_by_sizes").unwrap();
        assert!(said.title.contains("of the responses can be told, and none of them wrong"), "{name}: {}", said.title);
        let first =
            if strongest == FitAttack::SizesToOutcomes { "reached_outcomes_by_sizes" } else { "reached_coefficients" };
        assert_eq!(found.findings[0].id, first, "{name}");
        assert!(found.open.iter().any(|open| open.contains("complements")), "{name}: {:?}", found.open);
    }
}

#[test]
fn signs_of_deviance_residuals_and_of_dffits_are_the_responses() {
    let case = table("kyphosis");
    let ((a, d), beta, y) = (matrix(&case), numbers(&case, "coefficients"), numbers(&case, "responses"));
    for release in [FitRelease::Deviance, FitRelease::Dffits] {
        let fit = AuditedFit { coefficients: Some(&beta), responses: Some(&y), ..logistic(release) };
        let options = AuditOptions { digits: Some(vec![1]), ..quick() };
        let found = audited(&a, d, &fit, &options).unwrap();
        let expected = match release {
            FitRelease::Dffits => case["dffits_rms"].as_f64().unwrap(),
            _ => {
                let e = numbers(&case, "deviance");
                (e.iter().map(|v| v * v).sum::<f64>() / e.len() as f64).sqrt()
            }
        };
        assert!((found.release.beside_rms.unwrap() / expected - 1.0).abs() < 1e-6, "{release:?}");
        let one_digit = result(&found, FitAttack::SignsToOutcomes, ProtectionKind::Rounding, Some(1.0));
        assert_eq!((one_digit.told, one_digit.wrong), (Some(1.0), Some(0.0)), "{release:?}");
        // Of the list of the ten largest, ten rows.
        let top = result(&found, FitAttack::SignsToOutcomes, ProtectionKind::TopK, None);
        assert!((top.told.unwrap() - 10.0 / y.len() as f64).abs() < 1e-12, "{top:?}");
    }
}

#[test]
fn weights_of_a_linear_fit_are_told_as_far_as_the_inversion_itself_tells_them() {
    let (n, d) = (50, 3);
    let mut stream = Stream::new(31, "weights to audit");
    let a = stream.normals(n * d);
    let w: Vec<f64> = (0..n).map(|_| 10f64.powf(stream.uniform())).collect();
    let fit = AuditedFit { weights: Some(&w), ..AuditedFit::default() };
    let found = audited(&a, d, &fit, &quick()).unwrap();
    let h: Vec<f64> = weighted_leverage_scores::<Dd>(&a, d, &w).into_iter().map(|h| h.to_f64()).collect();
    let released: Vec<f64> = h.iter().map(|h| format!("{h:.2e}").parse().unwrap()).collect();
    let options = HatOptions { precision: HatPrecision::Digits(3), ..HatOptions::default() };
    let own = invert_hat(&DenseRows::new(&a, d).unwrap(), &released, &options, None, &Run::default()).unwrap();
    let off: Vec<f64> = own.weights.iter().zip(&w).map(|(v, w)| (v.unwrap() / w).ln()).collect();
    let spread = |v: &[f64]| {
        let mean = v.iter().sum::<f64>() / v.len() as f64;
        (v.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / v.len() as f64).sqrt()
    };
    let rounded = result(&found, FitAttack::HatToWeights, ProtectionKind::Rounding, Some(3.0));
    let error = rounded.error.as_ref().unwrap().median;
    assert!((error - spread(&off)).abs() <= 1e-9 && error < 0.01, "{error:e}, {:e}", spread(&off));
    let logs: Vec<f64> = w.iter().map(|w| w.ln()).collect();
    assert!((rounded.guess_error - spread(&logs)).abs() < 1e-12);
    assert!(result(&found, FitAttack::HatToWeights, ProtectionKind::None, None).error.as_ref().unwrap().median < 1e-12);
    assert!(!found.verdict.meets_target);
    // With noise as large as the numbers nothing is left.
    let noisy = found.results.iter().filter(|r| r.noise_rel.is_some_and(|noise| noise >= 2.0));
    assert!(noisy.clone().count() > 0 && noisy.into_iter().all(|r| r.error.as_ref().is_none_or(|e| e.q05 > 0.3)));
    assert!(found.findings.iter().any(|f| f.id == "instead" && f.level == Level::Action));
}

#[test]
fn a_hidden_column_is_told_and_one_of_other_numbers_by_its_sizes() {
    let case = table("kyphosis");
    let ((a, d), u) = (matrix(&case), numbers(&case, "responses"));
    let all: Vec<f64> = a.chunks(d).zip(&u).flat_map(|(row, u)| [&[*u], row].concat()).collect();
    let fit = AuditedFit { hidden: Some(0), ..AuditedFit::default() };
    let found = audited(&all, d + 1, &fit, &quick()).unwrap();
    let rounded = result(&found, FitAttack::HatToColumn, ProtectionKind::Rounding, Some(3.0));
    assert!(rounded.told.unwrap() > 0.9 && rounded.wrong == Some(0.0), "{rounded:?}");
    assert_eq!(found.fit.hidden_column.as_deref(), Some("x1"));
    let fit = AuditedFit { hidden: Some(2), ..AuditedFit::default() };
    let found = audited(&all, d + 1, &fit, &quick()).unwrap();
    let rounded = result(&found, FitAttack::HatToColumn, ProtectionKind::Rounding, Some(3.0));
    assert!(rounded.told.is_none() && rounded.error.as_ref().unwrap().median < 0.1, "{rounded:?}");
}

#[test]
fn cooks_distances_and_dffits_of_a_linear_fit_are_its_residuals() {
    let (n, d) = (40, 3);
    let mut stream = Stream::new(33, "residuals to audit");
    let a: Vec<f64> = (0..n * d).map(|k| if k % d == 0 { 1.0 } else { stream.normal() }).collect();
    let beta = [1.0, -2.0, 0.5];
    let y: Vec<f64> =
        a.chunks(d).map(|row| row.iter().zip(&beta).map(|(a, b)| a * b).sum::<f64>() + stream.normal()).collect();
    let w: Vec<f64> = (0..n).map(|_| 10f64.powf(stream.uniform())).collect();
    for (release, attack) in
        [(FitRelease::Cook, FitAttack::CookToResiduals), (FitRelease::Dffits, FitAttack::DffitsToResiduals)]
    {
        for weights in [None, Some(&w[..])] {
            let fit = AuditedFit {
                release,
                weights,
                coefficients: Some(&beta),
                responses: Some(&y),
                ..AuditedFit::default()
            };
            let found = audited(&a, d, &fit, &quick()).unwrap();
            let exact = result(&found, attack, ProtectionKind::None, None).error.as_ref().unwrap().median;
            let rounded = result(&found, attack, ProtectionKind::Rounding, Some(3.0)).error.as_ref().unwrap().median;
            assert!(exact < 1e-9 && rounded < 0.01, "{release:?}: {exact:e}, {rounded:e}");
            assert_eq!(found.secrets.iter().any(|guess| guess.secret == Secret::Weights), weights.is_some());
        }
    }
}

#[test]
fn a_count_model_is_audited_for_its_slopes_and_what_was_not_tried_is_said() {
    let case = table("warpbreaks");
    let ((a, d), beta) = (matrix(&case), numbers(&case, "coefficients"));
    let model = Some(HatModel::new(Family::Poisson, Some(Link::Log), None).unwrap());
    let y: Vec<f64> = (0..a.len() / d).map(|k| (k % 30) as f64).collect();
    let fit = AuditedFit {
        release: FitRelease::Cook,
        model,
        coefficients: Some(&beta),
        responses: Some(&y),
        ..AuditedFit::default()
    };
    let found = audited(&a, d, &fit, &quick()).unwrap();
    assert!(found.coefficients[0].open && !found.coefficients[1].open);
    assert!(found.coefficients[1].error_rel.unwrap() < 0.02, "{:?}", found.coefficients); // three digits are planned
    let exact = result(&found, FitAttack::HatToCoefficients, ProtectionKind::None, None);
    assert!(exact.error.as_ref().unwrap().median < 1e-9, "{exact:?}");
    assert!(found.warnings.iter().any(|w| w.contains("Cook's distances add to the hat values was not tried")));
    assert!(found.open.iter().any(|open| open.contains("intercept")), "{:?}", found.open);
}

#[test]
fn what_is_missing_or_does_not_go_together_is_refused_by_its_name() {
    let a: Vec<f64> = Stream::new(2, "refused").normals(30);
    let (beta, w, y) = (vec![0.1, 0.2], vec![1.0; 15], vec![0.5; 15]);
    let said = |fit: &AuditedFit<'_>, options: &AuditOptions| audited(&a, 2, fit, options).unwrap_err().to_string();
    let plain = quick();
    assert!(said(&AuditedFit::default(), &plain).contains("hat values of a linear fit without weights"));
    assert!(said(&logistic(FitRelease::Hat), &plain).contains("point: missing"));
    let known = AuditedFit { coefficients: Some(&beta), ..logistic(FitRelease::Cook) };
    assert!(said(&known, &plain).contains("response: missing"));
    let both = AuditedFit { coefficients: Some(&beta), weights: Some(&w), ..logistic(FitRelease::Hat) };
    assert!(said(&both, &plain).starts_with("weights"));
    let linear = AuditedFit {
        release: FitRelease::Deviance,
        coefficients: Some(&beta),
        responses: Some(&y),
        ..AuditedFit::default()
    };
    assert!(said(&linear, &plain).contains("nothing is behind them"));
    let wrong: Vec<f64> = (0..15).map(|k| if k % 2 == 0 { 1.0 } else { -1.0 }).collect();
    assert!(said(&AuditedFit { weights: Some(&wrong), ..AuditedFit::default() }, &plain).contains("row 2: found -1"));
    let some = AuditOptions { rows: Some(vec![0]), ..quick() };
    assert!(said(&AuditedFit { weights: Some(&w), ..AuditedFit::default() }, &some).starts_with("rows"));
    let outside = AuditedFit { responses: Some(&[2.0; 15]), ..known };
    assert!(said(&outside, &plain).contains("row 1: found 2"));
    assert!(said(&AuditedFit { hidden: Some(5), ..AuditedFit::default() }, &plain).contains("found column 6"));
    let dependent: Vec<f64> = (0..15).flat_map(|k| [k as f64, 2.0 * k as f64]).collect();
    let fit = AuditedFit { weights: Some(&w), ..AuditedFit::default() };
    assert!(audited(&dependent, 2, &fit, &plain).unwrap_err().to_string().contains("rank"));
}

#[test]
fn findings_are_the_same_for_any_number_of_threads_and_keep_coefficients_from_others() {
    let case = table("mtcars am");
    let ((a, d), beta, y) = (matrix(&case), numbers(&case, "coefficients"), numbers(&case, "responses"));
    let fit = AuditedFit { coefficients: Some(&beta), responses: Some(&y), ..logistic(FitRelease::Cook) };
    let options = AuditOptions { detail: Detail::Share, ..quick() };
    let rows = DenseRows::new(&a, d).unwrap();
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let run = Run { pool: Some(&pool), ..Run::default() };
        audit_fit(&rows, &fit, &options, &run).unwrap()
    };
    let (one, three) = (with(1), with(3));
    assert_eq!(one.results, three.results);
    assert_eq!(one.findings, three.findings);
    let text = serde_json::to_string(&one).unwrap();
    assert!(one.coefficients.iter().all(|c| c.value.is_none()));
    for b in &beta {
        assert!(!text.contains(&format!("{:.4}", b.abs())), "{b} in a report to share");
    }
    let read: FitAuditReport = serde_json::from_str(&text).unwrap();
    assert_eq!(read, one);
    for finding in &one.findings {
        for (name, value) in &finding.numbers {
            assert!(value.is_some_and(f64::is_finite), "{} {name}", finding.id);
        }
    }
}
