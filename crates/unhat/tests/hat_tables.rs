//! Public teaching tables fitted by R: what the digits that R prints of their hat values give away.
#![allow(clippy::unwrap_used)] // a panic is how a test fails

use serde_json::Value;
use unhat::Run;
use unhat::families::Shape;
use unhat::invert::hat::{
    HatCoefficients, HatModel, HatOptions, HatPrecision, HatStatus, ResidualKind, invert_column, invert_hat_of_model,
    invert_outcomes,
};
use unhat::rows::DenseRows;
use unhat_testkit::orthonormal::weighted_leverage_scores;
use unhat_testkit::{Dd, Real};

/// A fit of R.
struct Table {
    name: String,
    a: Vec<f64>,
    d: usize,
    model: HatModel,
    coefficients: Vec<f64>,
    /// In thirty digits at the coefficients, rounded.
    hat: Vec<f64>,
    /// To three digits, as R has them.
    printed: Vec<f64>,
    responses: Vec<f64>,
    cook: Vec<f64>,
    deviance: Vec<f64>,
}

fn numbers(case: &Value, key: &str) -> Vec<f64> {
    case[key].as_array().unwrap_or(&Vec::new()).iter().map(|v| v.as_f64().unwrap()).collect()
}

fn tables() -> Vec<Table> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/hat_tables.json");
    let all: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    all["cases"].as_array().unwrap().iter().map(Table::of).collect()
}

impl Table {
    fn of(case: &Value) -> Table {
        let word = |key: &str| case[key].as_str().unwrap();
        let rows: Vec<Vec<f64>> = serde_json::from_value(case["A"].clone()).unwrap();
        let (a, d) = (rows.concat(), rows[0].len());
        let mut model =
            HatModel::new(word("family").parse().unwrap(), Some(word("link").parse().unwrap()), case["theta"].as_f64())
                .unwrap();
        model.trials = case["trials"].is_array().then(|| numbers(case, "trials"));
        model.offset = case["offset"].is_array().then(|| numbers(case, "offset"));
        let coefficients = numbers(case, "coefficients");
        let weight = |(i, row): (usize, &[f64])| {
            let eta: f64 = row.iter().zip(&coefficients).map(|(a, b)| a * b).sum();
            let log = model.law.log_weight(eta + model.offset.as_ref().map_or(0.0, |o| o[i])).0;
            log.exp() * model.trials.as_ref().map_or(1.0, |m| m[i])
        };
        let w: Vec<f64> = a.chunks(d).enumerate().map(weight).collect();
        Table {
            name: word("name").to_string(),
            hat: weighted_leverage_scores::<Dd>(&a, d, &w).into_iter().map(|h| h.to_f64()).collect(),
            printed: numbers(case, "printed"),
            responses: numbers(case, "responses"),
            cook: numbers(case, "cook"),
            deviance: numbers(case, "deviance"),
            a,
            d,
            model,
            coefficients,
        }
    }

    fn fit(&self, h: &[f64], precision: HatPrecision) -> HatCoefficients {
        let rows = DenseRows::new(&self.a, self.d).unwrap();
        let options = HatOptions { precision, ..HatOptions::default() };
        invert_hat_of_model(&rows, h, &self.model, (&options, 0), None, &Run::default()).unwrap().1.unwrap()
    }

    /// The coefficients with the sign and the factor that an answer has, where these are open.
    fn truth(&self, found: &HatCoefficients) -> Vec<f64> {
        let no_offset = self.model.offset.is_none();
        let norm = |v: &[f64]| v.iter().map(|v| v * v).sum::<f64>().sqrt();
        let by = match self.model.law.shape() {
            Shape::Even if no_offset => {
                let along: f64 = found.values.iter().flatten().zip(&self.coefficients).map(|(a, b)| a * b).sum();
                along.signum()
            }
            Shape::Power(_) if no_offset => 1.0 / norm(&self.coefficients),
            _ => 1.0,
        };
        self.coefficients.iter().map(|b| by * b).collect()
    }
}

/// ‖found − truth‖/‖truth‖ over the columns that are told.
fn error(found: &HatCoefficients, truth: &[f64]) -> f64 {
    let told: Vec<(f64, f64)> = found.values.iter().zip(truth).filter_map(|(v, t)| Some(((*v)?, *t))).collect();
    let off: f64 = told.iter().map(|(v, t)| (v - t).powi(2)).sum();
    (off / told.iter().map(|(_, t)| t * t).sum::<f64>()).sqrt()
}

fn rounded(values: &[f64], digits: usize) -> Vec<f64> {
    values.iter().map(|v| format!("{v:.*e}", digits - 1).parse().unwrap()).collect()
}

#[test]
fn what_r_prints_are_the_hat_values_at_its_coefficients() {
    for table in tables() {
        for (i, (h, printed)) in table.hat.iter().zip(&table.printed).enumerate() {
            // R's hat values belong to the step before the last of its iteration, and its means keep off 0 and 1.
            let unit = 10f64.powi(printed.log10().floor() as i32 - 2);
            assert!(
                (h - printed).abs() <= 0.5 * unit + 1e-4 * h + 1e-13,
                "{} row {}: {h} printed {printed}",
                table.name,
                i + 1
            );
        }
    }
}

#[test]
fn tables_fitted_by_r_give_their_coefficients_back_from_all_digits_and_from_three() {
    for table in tables() {
        let exact = table.fit(&table.hat, HatPrecision::Exact);
        assert_eq!(exact.status, HatStatus::Solved, "{}: {:?}", table.name, exact.warnings);
        let far = error(&exact, &table.truth(&exact));
        assert!(far <= 1e-10, "{}: {far:e} from exact hat values", table.name);
        let found = table.fit(&table.printed, HatPrecision::Digits(3));
        assert_eq!(found.status, HatStatus::Solved, "{}: {:?}", table.name, found.warnings);
        let truth = table.truth(&found);
        let errors = found.standard_errors.as_ref().unwrap();
        let mut worst: f64 = 0.0;
        for (j, (value, truth)) in found.values.iter().zip(&truth).enumerate() {
            if let (Some(value), Some(said)) = (value, errors[j]) {
                worst = worst.max((value - truth).abs() / said);
            }
        }
        println!(
            "{}: {far:.1e} exact, {:.1e} from three digits, worst {worst:.2} standard errors, open {:?}",
            table.name,
            error(&found, &truth),
            found.open
        );
        // The standard errors are those of the Cramér–Rao bound for the rounding.
        assert!(worst <= 4.0, "{}: {worst} standard errors", table.name);
    }
}

#[test]
fn the_responses_of_logistic_fits_come_back_from_cooks_distances_and_deviance_residuals() {
    for table in tables().iter().filter(|table| !table.responses.is_empty()) {
        let rows = DenseRows::new(&table.a, table.d).unwrap();
        for digits in [7, 3, 2] {
            for (kind, residuals) in [(ResidualKind::Cook, &table.cook), (ResidualKind::Deviance, &table.deviance)] {
                let h = rounded(&table.hat, digits);
                let released: Vec<f64> = rounded(residuals, digits).iter().map(|v| v.abs()).collect();
                let options = HatOptions { precision: HatPrecision::Digits(digits as u32), ..HatOptions::default() };
                let found = invert_outcomes(&rows, &h, (kind, &released), (&options, 0), &Run::default()).unwrap();
                assert_eq!(found.status, HatStatus::Solved, "{} {digits}: {:?}", table.name, found.warnings);
                let told: Vec<bool> = found
                    .outcomes
                    .iter()
                    .zip(&table.responses)
                    .filter_map(|(y, truth)| Some((*y)? == (*truth == 1.0)))
                    .collect();
                let right = told.iter().filter(|right| **right).count();
                let (right, n) = (right.max(told.len() - right), table.responses.len());
                println!("{} {digits} digits, {}: {right} of {n}, {} told", table.name, kind.name(), told.len());
                assert_eq!(right, told.len(), "{} {digits} digits, {}", table.name, kind.name());
                let least = if digits == 2 { 0.85 } else { 0.95 };
                assert!(right as f64 >= least * n as f64, "{} {digits} digits: {right} of {n}", table.name);
            }
        }
    }
}

#[test]
fn a_response_as_one_more_column_of_a_linear_fit_comes_back() {
    for table in tables().iter().filter(|table| !table.responses.is_empty() && table.d <= 8) {
        let (d, n) = (table.d, table.responses.len());
        let all: Vec<f64> = table
            .a
            .chunks(d)
            .zip(&table.responses)
            .flat_map(|(row, u)| row.iter().copied().chain([*u]).collect::<Vec<_>>())
            .collect();
        let h: Vec<f64> =
            weighted_leverage_scores::<Dd>(&all, d + 1, &vec![1.0; n]).into_iter().map(|h| h.to_f64()).collect();
        let rows = DenseRows::new(&table.a, d).unwrap();
        for digits in [4, 3] {
            let released = rounded(&h, digits);
            let precision = HatPrecision::Digits(digits as u32);
            let found = invert_column(&rows, &released, &precision, 0, &Run::default()).unwrap();
            let Some(column) = &found.column else {
                panic!("{} {digits} digits: {:?}", table.name, found.open);
            };
            let told: Vec<bool> =
                column.iter().zip(&table.responses).filter_map(|(u, truth)| Some((*u)? == (*truth == 1.0))).collect();
            let right = told.iter().filter(|right| **right).count();
            let right = right.max(told.len() - right);
            println!("{} beside {d} columns, {digits} digits: {right} of {n}, {} told", table.name, told.len());
            assert_eq!(right, told.len(), "{} {digits} digits", table.name);
            assert!(right as f64 >= 0.85 * n as f64, "{} {digits} digits: {right} of {n}", table.name);
        }
    }
}
