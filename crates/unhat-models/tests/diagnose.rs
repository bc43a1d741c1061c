//! Fits and their diagnostics are those of R, value by value, on 26 published fits.
#![allow(clippy::unwrap_used)] // a panic is how a test fails

use flate2::read::GzDecoder;
use serde_json::Value;
use std::collections::BTreeMap;
use unhat::families::Link;
use unhat::rows::DenseRows;
use unhat::{Run, families::Family};
use unhat_models::diagnose::{Change, Diagnostics, LeaveOut, Options, Rule, diagnostics};
use unhat_models::formula::{Formula, parse_expression};
use unhat_models::models::{Column, Frame, TextColumn};
use unhat_models::regression::{Fit, Law, Model, ModelFrame, Specification, fit};

fn known() -> Value {
    serde_json::from_reader(GzDecoder::new(&include_bytes!("data/fits_of_r.json.gz")[..])).unwrap()
}

fn frame(tables: &Value, name: &str) -> Frame {
    // What R reads as a factor though it is written in digits.
    let is_factor = |column: &str| name == "Insurance.csv" && column == "District";
    let mut row_names = None;
    let mut columns = Vec::new();
    for pair in tables[name].as_array().unwrap() {
        let (column, cells) = (pair[0].as_str().unwrap(), pair[1].as_array().unwrap());
        let words =
            || cells.iter().map(|c| c.as_str().map(str::to_string).or_else(|| c.as_f64().map(|v| v.to_string())));
        if column == "row" {
            row_names = Some(words().map(Option::unwrap).collect());
        } else if cells.iter().any(Value::is_string) || is_factor(column) {
            let words: Vec<Option<String>> = words().collect();
            columns.push((column.to_string(), Column::Text(TextColumn::new(words.iter().map(|w| w.as_deref())))));
        } else {
            let values = cells.iter().map(|c| c.as_f64().unwrap_or(f64::NAN)).collect();
            columns.push((column.to_string(), Column::Numbers(values)));
        }
    }
    let mut frame = Frame::new(columns).unwrap();
    frame.row_names = row_names;
    frame
}

/// The orders of levels that R's tables have.
const LEVELS: &[(&str, &str, &[&str])] = &[
    ("warpbreaks.csv", "tension", &["L", "M", "H"]),
    ("infert.csv", "education", &["0-5yrs", "6-11yrs", "12+ yrs"]),
    ("esoph.csv", "alcgp", &["0-39g/day", "40-79", "80-119", "120+"]),
    ("Insurance.csv", "Group", &["<1l", "1-1.5l", "1.5-2l", ">2l"]),
    ("Insurance.csv", "Age", &["<25", "25-29", "30-35", ">35"]),
];

fn specification(known: &Value) -> Specification {
    let text = |key: &str| known[key].as_str();
    let mut wanted = Specification::new(Formula::parse(text("formula").unwrap()).unwrap());
    wanted.weights = text("weights").map(|words| parse_expression("weights", words).unwrap());
    wanted.offset = text("offset").map(|words| parse_expression("offset", words).unwrap());
    let own = LEVELS.iter().filter(|(table, ..)| Some(*table) == text("table"));
    wanted.levels =
        own.map(|(_, column, levels)| (column.to_string(), levels.iter().map(|l| l.to_string()).collect())).collect();
    wanted
}

fn model(known: &Value) -> Model {
    if known["kind"] == "lm" {
        return Model::Linear;
    }
    let link = match known["link"].as_str().unwrap() {
        "identity" => Link::Identity,
        "log" => Link::Log,
        "logit" => Link::Logit,
        "probit" => Link::Probit,
        "inverse" => Link::Inverse,
        other => panic!("{other}"),
    };
    Model::Generalised(Law::new(known["family"].as_str().unwrap().parse().unwrap(), Some(link)).unwrap())
}

fn number(value: &Value) -> f64 {
    match value {
        Value::String(word) if word == "Inf" => f64::INFINITY,
        Value::String(word) if word == "-Inf" => f64::NEG_INFINITY,
        value => value.as_f64().unwrap_or(f64::NAN),
    }
}

fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(values) => values.iter().flat_map(numbers).collect(),
        value => vec![number(value)],
    }
}

/// What differs, in a test that goes over everything before it fails.
#[derive(Default)]
struct Differences(Vec<String>, usize);

impl Differences {
    /// |ours − R's| ≤ tolerance·max(|R's|, 10⁻³ of the largest finite value), NaN where NaN.
    fn compare(&mut self, what: &str, ours: &[f64], theirs: &[f64], tolerance: f64) {
        if ours.len() != theirs.len() {
            return self.0.push(format!("{what}: {} values, R has {}", ours.len(), theirs.len()));
        }
        let largest = theirs.iter().filter(|v| v.is_finite()).fold(0.0f64, |m, v| m.max(v.abs()));
        let mut worst: Option<(f64, usize)> = None;
        for (k, (a, b)) in ours.iter().zip(theirs).enumerate() {
            self.1 += 1;
            let off = match (a.is_finite(), b.is_finite()) {
                (true, true) => (a - b).abs() / b.abs().max(1e-3 * largest).max(f64::MIN_POSITIVE),
                _ if a.is_nan() && b.is_nan() || a == b => 0.0,
                _ => f64::INFINITY,
            };
            if off > tolerance && worst.is_none_or(|(most, _)| off > most) {
                worst = Some((off, k));
            }
        }
        if let Some((off, k)) = worst {
            self.0.push(format!("{what}: {off:.1e} off at {k}: {:e}, R has {:e}", ours[k], theirs[k]));
        }
    }
}

/// A column of the fit's rows as R writes it: without rows of weight 0, or with the rows that were left out.
fn as_r(ours: &[f64], width: usize, frame: &ModelFrame<'_>, rows: usize) -> Vec<f64> {
    let n = frame.count();
    let counted = |i: &usize| frame.weights.as_ref().is_none_or(|w| w[*i] > 0.0);
    let row = |i: usize| ours[i * width..(i + 1) * width].to_vec();
    if rows == n {
        return ours.to_vec();
    }
    if rows == frame.table_rows {
        let mut all = vec![f64::NAN; rows * width];
        for (i, &at) in frame.rows.as_ref().unwrap().iter().enumerate() {
            all[at * width..(at + 1) * width].copy_from_slice(&row(i));
        }
        return all;
    }
    (0..n).filter(counted).flat_map(row).collect()
}

fn changes(problem: &unhat_models::regression::Problem<'_>, fit: &Fit, found: &Diagnostics, scaled: bool) -> Vec<f64> {
    let change = if scaled { Change::Dfbetas } else { Change::Dfbeta };
    (0..problem.source.blocks()).flat_map(|k| found.changes((problem, fit), change, k, None).unwrap()).collect()
}

/// HC0, HC1, HC2 and HC3 of longley's data, from rational arithmetic on the numbers of the table.
const LONGLEY_ROBUST: [[f64; 7]; 4] = [
    [
        832.2115805803223,
        0.05122034744566429,
        0.02457599758264467,
        0.0038323911092599363,
        0.0014624500114098333,
        0.15820849621992497,
        0.42838437553509584,
    ],
    [
        1109.615440773763,
        0.06829379659421905,
        0.03276799677685956,
        0.005109854812346582,
        0.0019499333485464444,
        0.2109446616265666,
        0.5711791673801278,
    ],
    [
        1202.3695126009018,
        0.06749208214975458,
        0.036534050255994654,
        0.005533367146487886,
        0.002052208737201383,
        0.2232367179580419,
        0.6175929550837624,
    ],
    [
        1799.477230661808,
        0.09111938660113993,
        0.05562398838839346,
        0.00822133502016578,
        0.002987892575905392,
        0.32490582113601774,
        0.9228078417153999,
    ],
];

fn level_exact(ours: &[f64], exact: &[f64]) {
    for (a, b) in ours.iter().zip(exact) {
        assert!((a - b).abs() <= 1e-10 * b, "longley robust: {a}, exactly {b}");
    }
}

#[test]
fn every_value_of_26_fits_is_that_of_r() {
    let all = known();
    let mut off = Differences::default();
    let fits = all["fits"].as_array().unwrap();
    assert_eq!(fits.len(), 26);
    for known in fits {
        let id = known["id"].as_str().unwrap();
        let table = frame(&all["tables"], known["table"].as_str().unwrap());
        let model = model(known);
        let family = model.law().family();
        let data = ModelFrame::of(&table, &specification(known), family).unwrap();
        let problem = data.problem(model);
        let fitted = fit(&problem, &Run::default()).unwrap();
        let leave_out = LeaveOut::Exact;
        let found = diagnostics(&problem, &fitted, Options { rule: Rule::R, leave_out }, &Run::default()).unwrap();
        let linear = model == Model::Linear;
        let tolerance = if linear { 1e-10 } else { 1e-9 };
        let changed = if id == "longley" { 1e-7 } else { tolerance };

        let names: Vec<&str> =
            known["coefficient_names"].as_array().unwrap().iter().map(|n| n.as_str().unwrap()).collect();
        assert_eq!(data.matrix.names(), names, "{id}");
        let omitted: Vec<&str> =
            known["rows_omitted"].as_array().unwrap().iter().map(|n| n.as_str().unwrap()).collect();
        let kept: Vec<String> = (0..data.count()).map(|i| data.label(i)).collect();
        let gone: Vec<String> =
            (0..table.rows()).map(|row| data.table_label(row)).filter(|label| !kept.contains(label)).collect();
        assert_eq!(gone, omitted, "{id}");
        for (key, ours) in [("n", fitted.n), ("rank", fitted.rank()), ("df_residual", fitted.df_residual)] {
            assert_eq!(known[key].as_u64(), Some(ours as u64), "{id} {key}");
        }

        let p = fitted.rank();
        let mut level =
            |key: &str, ours: &[f64]| off.compare(&format!("{id} {key}"), ours, &numbers(&known[key]), tolerance);
        level("coefficients", &fitted.coefficients);
        level("std_error", &fitted.std_error());
        level("vcov", &fitted.vcov());
        level("logLik", &[fitted.log_likelihood.unwrap_or(f64::NAN)]);
        level("aic", &[fitted.aic.unwrap_or(f64::NAN)]);
        for (k, key) in ["se_HC0", "se_HC1", "se_HC2", "se_HC3"].iter().enumerate() {
            match (id, k) {
                // The package that R's came from counts the two rows of weight 0 in some places and not in others.
                ("trees_zero_weights", 0) => {
                    level(key, &found.robust[k].iter().map(|v| v * 29.0 / 31.0).collect::<Vec<_>>());
                }
                ("trees_zero_weights", 1) => {
                    let factor = 29.0 / 31.0 * ((31.0 / 28.0) / (29.0 / 26.0f64)).sqrt();
                    level(key, &found.robust[k].iter().map(|v| v * factor).collect::<Vec<_>>());
                }
                // R's have 8 digits here.
                ("trees_zero_weights", _) | ("longley", _) => {}
                _ => level(key, &found.robust[k]),
            }
        }
        if id == "longley" {
            (0..4).for_each(|k| level_exact(&found.robust[k], &LONGLEY_ROBUST[k]));
        }
        match &fitted.linear {
            Some(summary) => {
                let (f, a, b) = summary.f.unwrap();
                level("sigma", &[fitted.dispersion.sqrt()]);
                level("r_squared", &[summary.r_squared]);
                level("adj_r_squared", &[summary.adjusted_r_squared]);
                level("f_statistic", &[f, a as f64, b as f64]);
                if id != "airquality_exclude" {
                    level("press", &[found.press.unwrap()]); // R's is missing where rows are
                }
            }
            None => {
                level("dispersion", &[fitted.dispersion]);
                level("deviance", &[fitted.deviance]);
                level("null_deviance", &[fitted.null_deviance]);
            }
        }

        let mut column = |key: &str, ours: &[f64], width: usize, tolerance: f64| {
            let mut theirs = numbers(&known[key]);
            let rows = known[key].as_array().unwrap().len();
            let ours = as_r(ours, width, &data, rows);
            if let Some(used) = data.rows.as_ref().filter(|_| rows == data.table_rows) {
                // R fills rows that were left out with 0, and with the full fit's sigma: they have no value.
                (0..rows * width).filter(|k| !used.contains(&(k / width))).for_each(|k| theirs[k] = f64::NAN);
            }
            if key == "loo_prediction" {
                // e/(1 − h) by hand, infinite where h = 1.
                theirs.iter_mut().filter(|v| v.is_infinite()).for_each(|v| *v = f64::NAN);
            }
            if key == "loo_linear_predictor" && id.starts_with("esoph") {
                // Without the one case of its age group the likelihood has no maximum; R stops at −32.
                assert!(theirs[12] < -30.0);
                theirs[12] = f64::NAN;
            }
            for j in 0..width {
                let of = |values: &[f64]| values.iter().skip(j).step_by(width).copied().collect::<Vec<f64>>();
                let what =
                    if width == 1 { format!("{id} {key}") } else { format!("{id} {key} {}", names[fitted.kept[j]]) };
                off.compare(&what, &of(&ours), &of(&theirs), tolerance);
            }
        };
        column("fitted", &found.fitted, 1, tolerance);
        column("residuals", &found.residual, 1, tolerance);
        for (key, ours) in [
            ("hat", &found.hat),
            ("rstandard", &found.rstandard),
            ("rstudent", &found.rstudent),
            ("cooks", &found.cooks),
            ("dffits", &found.dffits),
            ("covratio", &found.covratio),
            ("sigma_loo", &found.sigma_loo),
        ] {
            column(key, ours, 1, tolerance);
        }
        if linear {
            column("residuals_weighted", &found.residual_deviance, 1, tolerance);
            column("loo_prediction", &found.loo_prediction, 1, tolerance);
        } else {
            let weights: Vec<f64> = fitted.rows.row_scale.iter().map(|r| r * r).collect();
            column("working_weights", &weights, 1, tolerance);
            column("linear_predictor", &fitted.predictor, 1, tolerance);
            column("residuals_pearson", &found.residual_pearson, 1, tolerance);
            column("residuals_deviance", &found.residual_deviance, 1, tolerance);
            column("residuals_working", &found.residual_working, 1, tolerance);
            column("rstandard_pearson", &found.rstandard_pearson, 1, tolerance);
            column("loo_linear_predictor", &found.loo_prediction, 1, tolerance);
        }
        column("dfbeta", &changes(&problem, &fitted, &found, false), p, changed);
        let scaled = changes(&problem, &fitted, &found, true);
        column("dfbetas", &scaled, p, changed);

        let flags: Vec<f64> = found.flags.iter().map(|f| f64::from(u8::from(f.any()))).collect();
        let theirs: Vec<Option<bool>> = known["flags"].as_array().unwrap().iter().map(Value::as_bool).collect();
        let ours = as_r(&flags, 1, &data, theirs.len());
        for (i, flag) in theirs.iter().enumerate() {
            let ours = if ours[i].is_nan() { None } else { Some(ours[i] == 1.0) };
            if flag.is_some() && ours != *flag {
                off.0.push(format!("{id}: flag of row {i} is {ours:?}, R says {flag:?}"));
            }
        }
        let mut sums: BTreeMap<&str, f64> = BTreeMap::new();
        for flags in &found.flags {
            flags.named().iter().for_each(|(name, met)| *sums.entry(name).or_default() += f64::from(u8::from(*met)));
        }
        let mut counts: Vec<f64> =
            (0..p).map(|j| scaled.iter().skip(j).step_by(p).filter(|v| v.abs() > 1.0).count() as f64).collect();
        counts.extend([sums["dffits"], sums["covratio"], sums["cooks"], sums["hat"]]);
        off.compare(&format!("{id} flag_matrix_sum"), &counts, &numbers(&known["flag_matrix_sum"]), 0.0);
    }
    println!("{} values compared", off.1);
    assert!(off.0.is_empty(), "{} columns differ:\n{}", off.0.len(), off.0.join("\n"));
    assert!(off.1 > 40_000, "{} values", off.1);
}

/// A table of random numbers: x, z, a factor and responses.
fn generated(n: usize) -> Frame {
    let mut u = vec![0.0; 3 * n];
    unhat::random::uniform_rows_into(11, 0, 0, &mut u);
    let words: Vec<&str> = (0..n).map(|i| ["a", "b", "c"][i % 3]).collect();
    let y = (0..n).map(|i| 1.0 + u[i] - 2.0 * u[n + i] + u[2 * n + i] + (i % 3) as f64).collect();
    let count = (0..n).map(|i| (5.0 * u[2 * n + i] * (1.0 + u[i])).floor()).collect();
    Frame::new(vec![
        ("y".into(), Column::Numbers(y)),
        ("count".into(), Column::Numbers(count)),
        ("x".into(), Column::Numbers(u[..n].to_vec())),
        ("z".into(), Column::Numbers(u[n..2 * n].to_vec())),
        ("g".into(), Column::Text(TextColumn::new(words.iter().map(|w| Some(*w))))),
    ])
    .unwrap()
}

#[test]
fn what_a_row_changes_is_what_a_fit_without_it_says() {
    let table = generated(40);
    let data =
        ModelFrame::of(&table, &Specification::new(Formula::parse("y ~ x*z + g").unwrap()), Family::Gaussian).unwrap();
    let problem = data.problem(Model::Linear);
    let whole = fit(&problem, &Run::default()).unwrap();
    let found = diagnostics(&problem, &whole, Options::default(), &Run::default()).unwrap();
    let dfbeta = changes(&problem, &whole, &found, false);
    let p = whole.rank();
    for i in 0..40 {
        let mut weights = vec![1.0; 40];
        weights[i] = 0.0;
        let rest = unhat_models::regression::Problem { weights: Some(&weights), ..problem };
        let without = fit(&rest, &Run::default()).unwrap();
        for j in 0..p {
            let moved = whole.coefficients[j] - without.coefficients[j];
            assert!((dfbeta[i * p + j] - moved).abs() < 1e-11 * (1.0 + moved.abs()), "row {i}, column {j}");
        }
        assert!((found.sigma_loo[i] - without.dispersion.sqrt()).abs() < 1e-12);
        assert!((found.loo_prediction[i] - without.predictor[i]).abs() < 1e-11);
    }
}

#[test]
fn sparse_rows_have_the_diagnostics_of_dense_ones() {
    let n = 400;
    let mut table = generated(n);
    let words: Vec<String> = (0..n).map(|i| format!("w{:02}", (i * 7) % 30)).collect();
    let mut columns: Vec<(String, Column)> =
        table.names().iter().cloned().zip(table.columns().iter().cloned()).collect();
    columns.push(("h".into(), Column::Text(TextColumn::new(words.iter().map(|w| Some(w.as_str()))))));
    table = Frame::new(columns).unwrap();
    for (formula, model) in [
        ("y ~ 0 + h + h:x", Model::Linear),
        ("count ~ 0 + h + x", Model::Generalised(Law::new("poisson".parse().unwrap(), None).unwrap())),
    ] {
        let data = ModelFrame::of(&table, &Specification::new(Formula::parse(formula).unwrap()), model.law().family())
            .unwrap();
        let problem = data.problem(model);
        let shape = problem.source.shape();
        assert!(shape.stored < shape.rows * shape.columns / 5, "{formula} is not sparse");
        let all = problem.source.gather(&(0..n).collect::<Vec<_>>()).unwrap();
        let rows = unhat::rows::DenseRows::new(&all, shape.columns).unwrap();
        let dense = unhat_models::regression::Problem { source: &rows, ..problem };
        let (a, b) = (fit(&problem, &Run::default()).unwrap(), fit(&dense, &Run::default()).unwrap());
        let of = |problem, fit| diagnostics(problem, fit, Options::default(), &Run::default()).unwrap();
        let (found, expected) = (of(&problem, &a), of(&dense, &b));
        let close = |what: &str, x: &[f64], y: &[f64]| {
            for (k, (x, y)) in x.iter().zip(y).enumerate() {
                assert!(
                    (x - y).abs() <= 1e-9 * (1.0 + y.abs()) || x.is_nan() && y.is_nan(),
                    "{formula} {what} {k}: {x} {y}"
                );
            }
        };
        close("hat", &found.hat, &expected.hat);
        close("rstudent", &found.rstudent, &expected.rstudent);
        close("dfbetas", &found.most_dfbetas, &expected.most_dfbetas);
        (0..4).for_each(|k| close("robust", &found.robust[k], &expected.robust[k]));
    }
}

#[test]
fn threads_change_no_bit() {
    let table = generated(5000);
    let data = ModelFrame::of(&table, &Specification::new(Formula::parse("count ~ x*z + g").unwrap()), Family::Poisson)
        .unwrap();
    let problem = data.problem(Model::Generalised(Law::new("poisson".parse().unwrap(), None).unwrap()));
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let run = Run { pool: Some(&pool), ..Run::default() };
        let fitted = fit(&problem, &run).unwrap();
        let found = diagnostics(&problem, &fitted, Options::default(), &run).unwrap();
        let bits = |values: &[f64]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        (bits(&fitted.coefficients), bits(&found.hat), bits(&found.most_dfbetas), bits(&found.robust[3]))
    };
    assert_eq!(with(1), with(3));
}

#[test]
fn fits_that_do_not_exist_are_refused_by_name() {
    let text = |y: &[f64], x: &[f64], family: &str| {
        let table =
            Frame::new(vec![("y".into(), Column::Numbers(y.to_vec())), ("x".into(), Column::Numbers(x.to_vec()))])
                .unwrap();
        let model = Model::Generalised(Law::new(family.parse().unwrap(), None).unwrap());
        let data = ModelFrame::of(&table, &Specification::new(Formula::parse("y ~ x").unwrap()), model.law().family())
            .unwrap();
        fit(&data.problem(model), &Run::default()).map(|f| f.coefficients).unwrap_err().to_string()
    };
    let separated = text(&[0.0, 0.0, 0.0, 1.0, 1.0, 1.0], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], "binomial");
    assert!(separated.contains("no maximum") && separated.contains("separates"), "{separated}");
    assert!(text(&[0.0, 2.0, 1.0], &[1.0, 2.0, 3.0], "binomial").contains("row 2: found 2"));
    assert!(text(&[0.0, -2.0, 1.0], &[1.0, 2.0, 3.0], "poisson").contains("row 2: found -2"));
    assert!(text(&[1.0, 0.0, 1.0], &[1.0, 2.0, 3.0], "gamma").contains("row 2: found 0"));
}

/// A table with a factor of many levels, a covariate, a response and counts.
fn many_levels(rows: usize, levels: usize) -> Frame {
    let mut stream = unhat_testkit::generate::Stream::new(18, "many levels");
    let (x, noise, u) = (stream.normals(rows), stream.normals(rows), stream.uniforms(rows));
    let words: Vec<String> = (0..levels).map(|level| format!("l{level:04}")).collect();
    let cells: Vec<_> = (0..rows).map(|i| Some(words[i % levels].as_str())).collect();
    let y = (0..rows).map(|i| (i % levels % 5) as f64 + 0.5 * x[i] + noise[i]).collect();
    let counts = (0..rows).map(|i| (8.0 * u[i]).floor() + (i % levels % 3) as f64 + 1.0).collect();
    Frame::new(vec![
        ("y".into(), Column::Numbers(y)),
        ("count".into(), Column::Numbers(counts)),
        ("x".into(), Column::Numbers(x)),
        ("g".into(), Column::Text(TextColumn::new(cells))),
    ])
    .unwrap()
}

#[test]
fn diagnostics_by_a_sparse_factor_are_those_of_the_same_matrix_written_out() {
    let table = many_levels(2600, 640); // just more than small
    let run = Run::default();
    let poisson = Model::Generalised(Law::new("poisson".parse().unwrap(), None).unwrap());
    for (formula, model) in [("y ~ x + g", Model::Linear), ("count ~ x + g", poisson)] {
        let family = model.law().family();
        let frame = ModelFrame::of(&table, &Specification::new(Formula::parse(formula).unwrap()), family).unwrap();
        let sparse = frame.problem(model);
        let all: Vec<usize> = (0..frame.count()).collect();
        let values = sparse.source.gather(&all).unwrap();
        let written_out = DenseRows::new(&values, sparse.source.shape().columns).unwrap();
        let dense = unhat_models::regression::Problem { source: &written_out, ..sparse };
        let (one, other) = (fit(&sparse, &run).unwrap(), fit(&dense, &run).unwrap());
        assert!(one.factor().is_sparse() && !other.factor().is_sparse());
        let of = |problem, fit: &Fit| diagnostics(problem, fit, Options::default(), &run).unwrap();
        let (found, expected) = (of(&sparse, &one), of(&dense, &other));
        let mut off = Differences::default();
        // Deviance residuals of counts near their mean are roots of what cancels: R's rule for glm, as above.
        let tolerance = if model == Model::Linear { 1e-11 } else { 1e-9 };
        off.compare("coefficients", &one.coefficients, &other.coefficients, 1e-11);
        off.compare("hat", &found.hat, &expected.hat, 1e-12);
        off.compare("cooks", &found.cooks, &expected.cooks, tolerance);
        off.compare("rstudent", &found.rstudent, &expected.rstudent, tolerance);
        off.compare("most dfbetas", &found.most_dfbetas, &expected.most_dfbetas, tolerance);
        for (k, (a, b)) in found.robust.iter().zip(&expected.robust).enumerate() {
            off.compare(&format!("HC{k}"), a, b, 1e-11);
        }
        let dfbetas = changes(&sparse, &one, &found, true);
        off.compare("dfbetas", &dfbetas, &changes(&dense, &other, &expected, true), tolerance);
        assert!(off.0.is_empty(), "{formula}: {:#?}", off.0);
        // Some coefficients alone: the same bits.
        let p = one.rank();
        let only = [1, 0, p - 1];
        let picked: Vec<f64> = (0..sparse.source.blocks())
            .flat_map(|k| found.changes((&sparse, &one), Change::Dfbetas, k, Some(&only)).unwrap())
            .collect();
        let expected: Vec<f64> = dfbetas.chunks_exact(p).flat_map(|row| only.map(|j| row[j])).collect();
        assert_eq!(picked, expected);
    }
}
