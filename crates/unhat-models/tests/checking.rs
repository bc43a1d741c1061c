//! Attacks on regression outputs, planted and honest: what is found against brute force.
#![allow(clippy::unwrap_used)] // a panic is how a test fails

mod plain_fit;

use plain_fit::{PlainFit, linear, logistic};
use unhat::Run;
use unhat_models::checking::{Finding, Item, Release, Second, Verdict, check, verdict};
use unhat_testkit::generate::Stream;

fn findings(fit: &PlainFit, release: &Release) -> Vec<Finding> {
    let rows: Vec<usize> = (0..fit.response.len()).collect();
    check(&fit.evidence(), &rows, None, None, release, &Run::default()).unwrap()
}

fn of<'a>(found: &'a [Finding], attack: &str) -> &'a Finding {
    found.iter().find(|f| f.attack == attack).unwrap_or_else(|| panic!("no attack {attack}"))
}

/// An honest table: intercept, two numbers, a factor of three large levels.
fn honest(stream: &mut Stream, n: usize) -> (Vec<Vec<f64>>, Vec<f64>) {
    let (a, b, noise) = (stream.normals(n), stream.normals(n), stream.normals(n));
    let level: Vec<usize> = (0..n).map(|i| i % 3).collect();
    let columns = vec![
        vec![1.0; n],
        a.clone(),
        b,
        level.iter().map(|l| f64::from(*l == 1)).collect(),
        level.iter().map(|l| f64::from(*l == 2)).collect(),
    ];
    let y = (0..n).map(|i| 10.0 + a[i] + level[i] as f64 + 2.0 * noise[i]).collect();
    (columns, y)
}

fn indicator(n: usize, rows: &[usize]) -> Vec<f64> {
    (0..n).map(|i| f64::from(rows.contains(&i))).collect()
}

#[test]
fn an_honest_fit_passes() {
    let mut stream = Stream::new(1, "honest");
    for n in [60, 200, 1000] {
        let (columns, y) = honest(&mut stream, n);
        let fit = linear(columns, y, None);
        let found = findings(&fit, &Release::default());
        assert_eq!(verdict(&found), Verdict::Pass, "{found:#?}");
    }
}

#[test]
fn the_own_share_is_what_a_refit_says() {
    let mut stream = Stream::new(2, "share");
    let (mut columns, y) = honest(&mut stream, 50);
    columns[1][7] = 9.0; // far out
    let found = findings(&linear(columns.clone(), y.clone(), None), &Release::default());
    let own = of(&found, "own share of a fitted value");
    let mut changed = y.clone();
    changed[7] += 1.0;
    let moved = linear(columns.clone(), changed, None).mean[7] - linear(columns, y, None).mean[7];
    assert!((own.value.unwrap() - moved).abs() < 1e-10, "{own:?}, {moved}");
    assert_eq!(own.rows, ["8"]);
}

#[test]
fn one_persons_column_fails_and_is_named() {
    let mut stream = Stream::new(3, "dummy");
    let (mut columns, y) = honest(&mut stream, 300);
    columns.push(indicator(300, &[17]));
    let found = findings(&linear(columns, y, None), &Release::default());
    for attack in ["own share of a fitted value", "counts of columns", "isolated group", "dominance"] {
        let finding = of(&found, attack);
        assert_eq!(finding.verdict, Verdict::Fail, "{finding:?}");
        assert_eq!(finding.rows, ["18"], "{finding:?}");
    }
    assert_eq!(of(&found, "counts of columns").columns, ["x5"]);
}

#[test]
fn a_column_of_one_person_hidden_in_two_columns_of_noise_is_found() {
    let mut stream = Stream::new(4, "hidden");
    for (group, expected) in [(vec![41], Verdict::Fail), (vec![3, 90, 91, 200, 250], Verdict::Review)] {
        let (mut columns, y) = honest(&mut stream, 300);
        let noise = stream.normals(300);
        columns.push(noise.clone());
        columns.push(noise.iter().zip(indicator(300, &group)).map(|(z, one)| z + one).collect());
        let found = findings(&linear(columns, y, None), &Release::default());
        assert_eq!(of(&found, "counts of columns").verdict, Verdict::Pass);
        let isolated = of(&found, "isolated group");
        assert_eq!(isolated.verdict, expected, "{isolated:?}");
        let named: Vec<usize> = isolated.rows.iter().map(|label| label.parse::<usize>().unwrap() - 1).collect();
        assert_eq!(named, group);
        assert_eq!(verdict(&found), expected);
    }
}

#[test]
fn a_row_far_out_in_a_logistic_fit_is_found_though_its_hat_value_is_small() {
    let mut stream = Stream::new(5, "far");
    let (mut columns, noisy) = honest(&mut stream, 400);
    let y: Vec<f64> = noisy.iter().map(|y| f64::from(*y > 11.0)).collect();
    let mut far = stream.normals(400);
    far[123] = if y[123] == 1.0 { 1e4 } else { -1e4 };
    columns.push(far);
    let fit = logistic(columns, y);
    assert!(fit.hat[123] < 0.5, "{}", fit.hat[123]);
    let own = findings(&fit, &Release::default());
    let own = of(&own, "own share of a fitted value");
    assert_eq!((own.verdict, own.rows.as_slice()), (Verdict::Fail, ["124".to_string()].as_slice()), "{own:?}");
}

#[test]
fn a_group_of_one_outcome_is_found() {
    let mut stream = Stream::new(6, "alike");
    let (mut columns, noisy) = honest(&mut stream, 400);
    let mut y: Vec<f64> = noisy.iter().map(|y| f64::from(*y > 11.0)).collect();
    for (size, expected) in [(6, Verdict::Fail), (30, Verdict::Review)] {
        let group: Vec<usize> = (0..size).map(|i| 7 * i).collect();
        group.iter().for_each(|i| y[*i] = 1.0);
        columns.truncate(5);
        columns.push(indicator(400, &group));
        let found = findings(&logistic(columns.clone(), y.clone()), &Release::default());
        let alike = of(&found, "class disclosure");
        assert_eq!((alike.verdict, alike.value), (expected, Some(size as f64)), "{alike:?}");
    }
}

#[test]
fn a_cell_with_one_giant_is_dominated() {
    let mut stream = Stream::new(7, "giant");
    let cell: Vec<usize> = (0..15).map(|i| 11 * i).collect();
    let mut y: Vec<f64> = stream.normals(300).iter().map(|v| v.abs() + 1.0).collect();
    y[22] = 1500.0;
    let found = findings(&linear(vec![vec![1.0; 300], indicator(300, &cell)], y, None), &Release::default());
    let dominance = of(&found, "dominance");
    assert_eq!(dominance.verdict, Verdict::Fail, "{dominance:?}");
    assert!(of(&found, "own share of a fitted value").value.unwrap() < 0.1);
}

#[test]
fn counts_are_read_off_standard_errors_and_the_covariance_matrix() {
    let mut stream = Stream::new(8, "counts");
    let sizes = [207, 112, 59, 21, 4];
    let n: usize = sizes.iter().sum();
    let level: Vec<usize> = sizes.iter().enumerate().flat_map(|(k, m)| vec![k; *m]).collect();
    let mut columns = vec![vec![1.0; n]];
    columns.extend((1..5).map(|k| level.iter().map(|l| f64::from(*l == k)).collect::<Vec<f64>>()));
    let fit = linear(columns, stream.normals(n), None);
    let items = vec![Item::Coefficients, Item::StandardErrors, Item::Covariance];
    let found = findings(&fit, &Release { items: items.clone(), ..Release::default() });
    assert_eq!(of(&found, "counts from standard errors").value, Some(4.0));
    assert_eq!(of(&found, "counts from the covariance matrix").value, Some(4.0));
    let rounded = findings(&fit, &Release { items, digits: Some(1), ..Release::default() });
    assert_eq!(of(&rounded, "counts from the covariance matrix").verdict, Verdict::Pass);
}

#[test]
fn the_mean_of_two_whole_numbers_tells_its_count() {
    let mut stream = Stream::new(9, "whole");
    let mut y: Vec<f64> = stream.normals(300).iter().map(|v| (10.0 * v).round()).collect();
    (y[0], y[1]) = (3.0, 10.0);
    let other: Vec<f64> = (0..300).map(|i| f64::from(i >= 2)).collect();
    let found = findings(&linear(vec![vec![1.0; 300], other], y, None), &Release::default());
    let mean = of(&found, "a mean of whole numbers");
    assert_eq!((mean.value, mean.verdict), (Some(2.0), Verdict::Fail), "{mean:?}");
}

#[test]
fn residuals_and_their_relatives_give_responses_away() {
    let mut stream = Stream::new(10, "rows");
    let (columns, y) = honest(&mut stream, 200);
    let fit = linear(columns, y, None);
    let items = vec![Item::Residuals, Item::Rstudent, Item::Dffits, Item::Cooks, Item::Plot, Item::ResidualQuantiles];
    for (digits, largest) in [(None, 1e-9), (Some(6), 1e-3)] {
        let found = findings(&fit, &Release { items: items.clone(), digits, ..Release::default() });
        for finding in found.iter().filter(|f| f.measure.starts_with("error of a response")) {
            assert!(finding.value.unwrap() < largest, "{finding:?}");
            assert_eq!(finding.verdict, Verdict::Fail);
        }
        assert!(found.iter().filter(|f| f.measure.starts_with("error of a response")).count() >= 4);
    }
}

#[test]
fn outcomes_of_a_logistic_fit_follow_from_cooks_distances() {
    let mut stream = Stream::new(11, "cook");
    let (columns, noisy) = honest(&mut stream, 300);
    let y: Vec<f64> = noisy.iter().map(|y| f64::from(*y > 11.0)).collect();
    let fit = logistic(columns, y);
    let with = findings(
        &fit,
        &Release { items: vec![Item::Coefficients, Item::Cooks], digits: Some(3), ..Release::default() },
    );
    assert_eq!(of(&with, "outcome from Cook's distance").verdict, Verdict::Fail);
    // The coefficients are withheld: hat values give them, and with the distances every outcome.
    let items = vec![Item::Hat, Item::Cooks];
    let without = findings(&fit, &Release { items, digits: Some(6), ..Release::default() });
    let told = of(&without, "coefficients from hat values");
    assert!(told.value.unwrap() < 1e-3 && told.verdict == Verdict::Fail, "{told:?}");
    let outcomes = of(&without, "outcomes from hat values and Cook's distances, without coefficients");
    assert!(outcomes.value.unwrap() > 0.99, "{outcomes:?}");
}

#[test]
fn a_secret_column_follows_from_hat_and_from_fitted_values() {
    let mut stream = Stream::new(12, "secret");
    let (columns, y) = honest(&mut stream, 120);
    let fit = linear(columns, y, None);
    let items = vec![Item::Hat, Item::Fitted];
    let found = findings(&fit, &Release { items, digits: Some(6), secrets: vec![1, 4], ..Release::default() });
    assert!(of(&found, "secret column x1 from hat values").value.unwrap() < 1e-2);
    assert!(of(&found, "secret column x1 from fitted values").value.unwrap() < 1e-3);
    // In a balanced column sizes do not tell 0 from 1 by themselves; signs do.
    assert!(of(&found, "secret column x4 from hat values").value.unwrap() > 0.6);
    assert_eq!(of(&found, "the whole column x4 from hat values").value, Some(1.0));
}

#[test]
fn a_second_fit_with_one_row_fewer_gives_the_row_away() {
    let mut stream = Stream::new(13, "second");
    let (columns, y) = honest(&mut stream, 200);
    for (left_out, expected) in [(1, Verdict::Fail), (2, Verdict::Fail), (6, Verdict::Review)] {
        let rows: Vec<usize> = (0..200).collect();
        let kept: Vec<usize> = rows.iter().copied().filter(|i| *i >= 3 + left_out || *i < 3).collect();
        let less = |v: &Vec<f64>| kept.iter().map(|i| v[*i]).collect::<Vec<f64>>();
        let fit = linear(columns.clone(), y.clone(), None);
        let mut other = linear(columns.iter().map(less).collect(), less(&y), None);
        other.labels = kept.iter().map(|i| (i + 1).to_string()).collect();
        let second = Second { evidence: other.evidence(), rows: &kept };
        let found = check(&fit.evidence(), &rows, None, Some(&second), &Release::default(), &Run::default()).unwrap();
        let apart = of(&found, "differencing with the second fit");
        assert_eq!((apart.verdict, apart.value), (expected, Some(f64::from(left_out as u32))), "{apart:?}");
        if left_out == 1 {
            let told: f64 = apart.detail.split("says ").nth(1).unwrap().split(',').next().unwrap().parse().unwrap();
            assert!((told - y[3]).abs() < 1e-6, "{} {}", apart.detail, y[3]);
            let stacked = of(&found, "own share of a fitted value, both fits together");
            assert!(stacked.value.unwrap() > 0.999 && stacked.verdict == Verdict::Fail, "{stacked:?}");
        }
    }
}

#[test]
fn rows_of_one_person_are_taken_together() {
    let mut stream = Stream::new(14, "people");
    let (mut columns, y) = honest(&mut stream, 240);
    // Twelve rows of one person are a group of their own: enough rows, one person.
    let mine: Vec<usize> = (100..112).collect();
    columns.push(indicator(240, &mine));
    let fit = linear(columns, y, None);
    let people: Vec<usize> = (0..240).map(|i| if mine.contains(&i) { 1000 } else { i }).collect();
    let rows: Vec<usize> = (0..240).collect();
    assert_eq!(verdict(&findings(&fit, &Release::default())), Verdict::Pass);
    let found = check(&fit.evidence(), &rows, Some(&people), None, &Release::default(), &Run::default()).unwrap();
    assert!(of(&found, "own share of a person's fitted values").value.unwrap() > 1.0 - 1e-9);
    assert_eq!(of(&found, "counts of people").value, Some(1.0));
}
