//! Example data for the reports: an invented table of 2400 rows and 8 columns, one of them called like a script.

#![allow(dead_code, reason = "each test takes the samples it needs")]

use serde_json::Error;
use serde_json::json;
use unhat::audit::fits::report::FitAuditReport;
use unhat::audit::report::{AuditReport, Check, Detail, Tool};
use unhat::invert::hat::page::HatPage;
use unhat::invert::page::{
    DirectionEntry, InversionPage, Inverted, LiftPage, ProvenDistance, StandardError, Trace, TraceStep, TriedAnswer,
};
use unhat_models::checking::{
    Detail as ReadBy, FitRequest, Item, Origin, OutputsReport, OutputsRequest, Release as Released,
};
use unhat_models::diagnose::{DiagnoseReport, Options, Request, figures};
use unhat_models::figures::Shown;
use unhat_models::formula::Formula;
use unhat_models::models::{Column, Frame, Label, TextColumn};
use unhat_models::regression::{Law, Model, Specification};
use unhat_models::training::{
    ControlRun, Controls, Divergence, Ending, EpochCorrelation, HistoryEntry, Kept, RateTrial, ResolvedOptions,
    TrainedModel, TrainingOptions, TrainingReport,
};
use unhat_report::{
    DiagnosePage, Histogram, InfluencePage, PAGE_PARTIAL, PAGE_POINTS, ScoresPage, TopScore, TrainingPage,
};

/// A name that must stay text in every place.
pub const HOSTILE: &str = "<script>alert(1)</script>";

/// AuditReport with every field filled.
pub fn findings() -> Result<AuditReport, Error> {
    serde_json::from_str(include_str!("../data/findings.json"))
}

/// The same for somebody else, as careless as can be: values and row numbers are still in it.
pub fn shared_findings() -> Result<AuditReport, Error> {
    let mut findings = findings()?;
    findings.detail = Detail::Share;
    findings.findings.retain(|finding| finding.id != "rows");
    Ok(findings)
}

/// Influence in an invented table and in the bundled one: "study" a ridge fit with membership, "check" planted flips of
/// three networks, "trim" an unfairness, "robustness" evasion.
pub fn influence(which: &str) -> Result<InfluencePage, Error> {
    let mut all: std::collections::BTreeMap<String, InfluencePage> =
        serde_json::from_str(include_str!("../data/influence.json"))?;
    all.remove(which).ok_or_else(|| <Error as serde::de::Error>::custom("no such sample"))
}

fn tool(command: &str) -> Tool {
    Tool {
        name: "unhat".to_owned(),
        version: "0.1.0".to_owned(),
        command: command.to_owned(),
        seed: 7,
        threads: 2,
        wall_s: 1.93,
    }
}

/// An inversion of noisy scores with two answers, a proof and standard errors.
pub fn inversion() -> InversionPage {
    let step = |iteration: u32| {
        let squared = 0.14_f64 * 0.21_f64.powf(1.9_f64.powi(iteration as i32) - 1.0);
        TraceStep {
            iteration,
            passes: Some(f64::from(2 * iteration + 1)),
            decrement: Some((squared * 0.3).max(1e-13)),
            residual: Some(squared.max(3.2e-5)),
            certificate: (iteration >= 3).then_some((squared * 2.5).max(4.4e-5)),
        }
    };
    let names = ["intercept", "age", "bmi", "systolic_bp", HOSTILE];
    InversionPage {
        kind: Inverted::Scores,
        tool: tool(
            "unhat invert scores --matrix patients.csv --target scores.npy --noise 1e-4 --report inversion.html",
        ),
        created_utc: Some("2026-11-24T06:20:00Z".to_owned()),
        matrix: "patients.csv".to_owned(),
        rows: 2400,
        columns: 5,
        target: "scores.npy".to_owned(),
        values_released: 2400,
        target_norm: Some(0.83),
        noise: Some(1e-4),
        solver: "lift".to_owned(),
        reason: "2400 scores are known and 35 are enough".to_owned(),
        start: "none needed".to_owned(),
        status: "solved".to_owned(),
        solved: true,
        iterations: 6,
        passes: Some(13.0),
        residual: Some(3.2e-5),
        objective: None,
        condition: Some(41.7),
        digits: Some(13.0),
        history: vec![Trace { method: "lift, then polish".to_owned(), steps: (0..7).map(step).collect() }],
        candidates: vec![
            TriedAnswer {
                origin: "lift".to_owned(),
                status: "solved".to_owned(),
                residual: Some(3.2e-5),
                objective: None,
                distance: Some(0.0),
                iterations: Some(6),
            },
            TriedAnswer {
                origin: "least-squares cell".to_owned(),
                status: "stalled".to_owned(),
                residual: Some(0.0712),
                objective: None,
                distance: Some(1.37),
                iterations: Some(18),
            },
        ],
        proof: Some(ProvenDistance {
            statement: None,
            scope: "every x nearby with these scores".to_owned(),
            euclidean: Some(4.4e-5),
            relative: Some(1.9e-5),
            slacks: Some(2.7e-5),
            rounding: Some(3.1e-12),
            within: Some(0.012),
        }),
        standard_errors: names
            .iter()
            .zip([2.093, 0.8607, 0.4235, 0.5872, -0.9819])
            .zip([4.8e-6, 5.0e-6, 3.3e-6, 4.1e-6, 3.4e-6])
            .map(|((name, value), error)| StandardError { name: (*name).to_owned(), value, error })
            .collect(),
        null_direction: Vec::new(),
        lift: Some(LiftPage { rows: 53, unknowns: 35, residual: 2.1e-4, product_defect: Some(3.3e-4) }),
        checks: vec![check("sum_of_scores", 5.0, 5.0 + 2e-14)],
        warnings: Vec::new(),
    }
}

/// The same where the target leaves a direction open.
pub fn undetermined() -> InversionPage {
    let names = ["intercept", "age", "bmi", "systolic_bp", HOSTILE];
    let entries = names.iter().zip([1.0, -0.31, 0.0, 2.2e-4, 0.5]);
    InversionPage {
        status: "not identified".to_owned(),
        solved: false,
        proof: None,
        standard_errors: Vec::new(),
        null_direction: entries.map(|(name, entry)| DirectionEntry { name: (*name).to_owned(), entry }).collect(),
        ..inversion()
    }
}

/// Two minima of a problem with a regulariser, the best of them proven to be global.
pub fn minima() -> InversionPage {
    let minimum = |objective: f64, distance: f64, origin: &str| TriedAnswer {
        origin: origin.to_owned(),
        status: "strict".to_owned(),
        residual: None,
        objective: Some(objective),
        distance: Some(distance),
        iterations: None,
    };
    InversionPage {
        kind: Inverted::Gradient,
        noise: None,
        objective: Some(0.7431),
        candidates: vec![minimum(0.7431, 0.0, "fit, flip"), minimum(0.7702, 0.83, "arc")],
        proof: Some(ProvenDistance {
            statement: Some("The best answer is the only global minimum of the cell.".to_owned()),
            scope: "the exact minimum".to_owned(),
            euclidean: None,
            relative: None,
            slacks: Some(4.1e-13),
            rounding: None,
            within: None,
        }),
        standard_errors: Vec::new(),
        lift: None,
        ..inversion()
    }
}

/// A regression with a factor, of which one level has one row.
pub fn diagnosis() -> unhat::Result<DiagnosePage> {
    let n = 30;
    let x: Vec<f64> = (0..n).map(|i| (f64::from(i) * 0.7).sin() * 3.0).collect();
    let y = (0..n).map(|i| 2.0 + x[i as usize] + (f64::from(i) * 1.3).cos() + if i == 7 { 6.0 } else { 0.0 }).collect();
    let words: Vec<String> = (0..n)
        .map(|i| if i == 3 { format!("rare {HOSTILE}") } else { ["a", "b"][i as usize % 2].to_owned() })
        .collect();
    let text = TextColumn::new(words.iter().map(|word| Some(word.as_str())));
    let mut table = Frame::new(vec![
        ("y".into(), Column::Numbers(y)),
        ("x".into(), Column::Numbers(x)),
        ("g".into(), Column::Text(text)),
    ])?;
    table.row_names = Some((0..n).map(|i| format!("patient {i} {HOSTILE}")).collect());
    let request = Request {
        specification: Specification::new(Formula::parse("y ~ x + g")?),
        model: Model::Linear,
        options: Options::default(),
    };
    let answer = request.answer(&table, &unhat::Run::default())?;
    Ok(DiagnosePage {
        tool: tool("unhat diagnose patients.csv --formula 'y ~ x + g' --report page.html"),
        created_utc: Some("2026-11-30T06:20:00Z".to_owned()),
        table: format!("patients {HOSTILE}.csv"),
        found: DiagnoseReport::of(&answer, 10),
        figures: figures(&answer, PAGE_PARTIAL, Shown::Rows { points: PAGE_POINTS }, &unhat::Run::default())?,
        warnings: Vec::new(),
    })
}

/// The diagnosis of a generalised model with more rows than are drawn one by one.
pub fn many_rows() -> unhat::Result<DiagnosePage> {
    let n = 3000;
    let x: Vec<f64> = (0..n).map(|i| (f64::from(i) * 0.7).sin() * 3.0 + (f64::from(i) * 0.11).cos()).collect();
    let y = (0..n).map(|i| f64::from(i * 7919 % 11 % 5) + x[i as usize].exp().floor()).collect();
    let mut table = Frame::new(vec![("y".into(), Column::Numbers(y)), ("x".into(), Column::Numbers(x))])?;
    table.row_names = Some((0..n).map(|i| format!("patient {i}")).collect());
    let request = Request {
        specification: Specification::new(Formula::parse("y ~ x")?),
        model: Model::Generalised(Law::new("poisson".parse()?, None)?),
        options: Options::default(),
    };
    let answer = request.answer(&table, &unhat::Run::default())?;
    Ok(DiagnosePage {
        tool: tool("unhat diagnose patients.csv --formula 'y ~ x' --family poisson --report page.html"),
        created_utc: Some("2026-11-30T06:20:00Z".to_owned()),
        table: "patients.csv".to_owned(),
        found: DiagnoseReport::of(&answer, 10),
        figures: figures(&answer, PAGE_PARTIAL, Shown::Rows { points: PAGE_POINTS }, &unhat::Run::default())?,
        warnings: Vec::new(),
    })
}

/// A release that fails, with remedies; a column, a level and a row are called like a script.
pub fn outputs(detail: ReadBy) -> unhat::Result<OutputsReport> {
    let n = 240;
    let x: Vec<f64> = (0..n).map(|i| (f64::from(i) * 0.7).sin() * 3.0).collect();
    let y = (0..n).map(|i| 2.0 + x[i as usize] + (f64::from(i) * 1.3).cos()).collect();
    let words: Vec<String> = (0..n)
        .map(|i| if i == 3 { format!("rare {HOSTILE}") } else { ["a", "b"][i as usize % 2].to_owned() })
        .collect();
    let text = TextColumn::new(words.iter().map(|word| Some(word.as_str())));
    let mut table = Frame::new(vec![
        ("y".into(), Column::Numbers(y)),
        ("x".into(), Column::Numbers(x)),
        ("g".into(), Column::Text(text)),
    ])?;
    table.row_names = Some((0..n).map(|i| format!("patient {i} {HOSTILE}")).collect());
    let request = OutputsRequest {
        fit: FitRequest {
            specification: Specification::new(Formula::parse("y ~ x + g")?),
            model: Model::Linear,
            rows: None,
        },
        second: None,
        release: Released {
            items: vec![
                Item::Coefficients,
                Item::StandardErrors,
                Item::Residuals,
                Item::Hat,
                Item::Plot,
                Item::BinnedPlot,
            ],
            digits: Some(6),
            ..Released::default()
        },
        secrets: vec!["x".to_owned()],
        people: None,
        remedies: true,
        detail,
    };
    let origin = Origin {
        tool: tool("unhat audit outputs patients.csv --formula 'y ~ x + g' --report page.html"),
        created_utc: Some("2026-11-30T06:20:00Z".to_owned()),
        table: format!("patients {HOSTILE}.csv"),
        sha256: Some("0".repeat(64)),
    };
    request.answer(&table, origin, &unhat::Run::default())
}

/// The scores of a table with a few rows that stand out.
pub fn scores() -> ScoresPage {
    let scores: Vec<f64> =
        (0..2400).map(|row| 0.0008 * (1.0 + f64::from(row) / 300.0).powi(2) / (1.0 + f64::from(row % 7))).collect();
    let scale = 8.0 / scores.iter().sum::<f64>();
    let scores: Vec<f64> = scores.iter().map(|score| scale * score).collect();
    let sum = scores.iter().sum();
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
    ScoresPage {
        tool: tool("unhat scores --matrix patients.csv --report scores.html"),
        created_utc: Some("2026-11-24T06:20:00Z".to_owned()),
        matrix: format!("patients {HOSTILE}.csv"),
        rows: 2400,
        columns: 8,
        rank: 8,
        of: "hat values of the rows".to_owned(),
        sum,
        expected_sum: 8.0,
        condition: Some(41.7),
        digits: Some(14.0),
        factor: "Cholesky".to_owned(),
        reason: "the condition leaves fourteen digits".to_owned(),
        histogram: Histogram::of(&scores, 40),
        top: order.iter().take(60).map(|&row| TopScore { row: row as u64 + 1, score: scores[row] }).collect(),
        checks: vec![check("sum_of_scores", 8.0, sum)],
        warnings: Vec::new(),
    }
}

/// A training of ten epochs by shared coefficients, with its controls.
pub fn training() -> TrainingPage {
    let entry = |epoch: u32| {
        let t = f64::from(epoch);
        HistoryEntry {
            step: u64::from(19 * epoch),
            epoch,
            train_loss: Some(0.693 * (-0.31 * t).exp() + 0.011),
            validation_loss: Some(0.701 * (-0.28 * t).exp() + 0.043 + 0.0021 * t),
            validation_accuracy: Some(1.0 - 0.5 * (-0.4 * t).exp()),
            seconds: 0.0213 * t,
        }
    };
    let history: Vec<HistoryEntry> = (0..=10).map(entry).collect();
    let last = history[10];
    let control = |name: &str, train_loss: f64, steps: Option<u64>| ControlRun {
        name: name.to_owned(),
        status: Ending::Solved,
        train_loss: Some(train_loss),
        validation_loss: Some(train_loss + 0.0371),
        validation_accuracy: Some(0.9712),
        steps_to_loss: steps,
        epochs_to_loss: steps.map(|steps| steps as f64 / 19.0),
    };
    let kept = Kept {
        step: last.step,
        epoch: last.epoch,
        train_loss: last.train_loss,
        train_accuracy: Some(0.9921),
        validation_loss: last.validation_loss,
        validation_accuracy: last.validation_accuracy,
    };
    let correlation = |epoch| EpochCorrelation { epoch, correlation: 0.31 / f64::from(epoch) };
    let optimizer = unhat_models::training::OptimiserName::Fngd;
    let report = TrainingReport {
        status: Ending::Solved,
        optimizer,
        learning_rate: 0.08,
        range_test: Some(vec![
            RateTrial { learning_rate: 0.01, loss: Some(0.6127) },
            RateTrial { learning_rate: 0.08, loss: Some(0.2713) },
            RateTrial { learning_rate: 5.12, loss: None },
        ]),
        steps: last.step,
        epochs: 10,
        seconds_per_step: Some(0.00112),
        seconds: last.seconds,
        history,
        diverged: None,
        kept,
        controls: Some(Controls {
            loss: last.train_loss,
            runs: vec![
                control("as it is", 0.0422, Some(190)),
                control("permuted coefficients", 0.0397, Some(171)),
                control("layer mean", 0.0451, None),
            ],
            correlations: (2..=10).map(correlation).collect(),
            summary:
                "Nothing is shown to be contributed: permuted coefficients reaches the same loss as soon (one seed)."
                    .to_owned(),
        }),
        model: TrainedModel {
            name: "mlp:16".to_owned(),
            family: "bernoulli".to_owned(),
            layers: vec![16, 1],
            parameters: 161,
            features: 9,
            training_rows: 2400,
            validation_rows: Some(600),
            response: Some(HOSTILE.to_owned()),
            classes: vec![Label::Text("no".to_owned()), Label::Text("yes".to_owned())],
        },
        settings: ResolvedOptions::of(&TrainingOptions { optimizer, epochs: 10, ..TrainingOptions::default() }),
        warnings: vec!["column \"age\" is constant in the training rows: its features are zeros".to_owned()],
    };
    TrainingPage {
        tool: tool("unhat train patients.csv --response ill --model mlp:16 --optimizer fngd --controls"),
        created_utc: Some("2026-11-24T06:20:00Z".to_owned()),
        table: format!("patients {HOSTILE}.csv"),
        report,
    }
}

/// One that diverged, of a number, without validation.
pub fn diverged() -> TrainingPage {
    let mut facts = training();
    let report = &mut facts.report;
    report.status = Ending::Diverged;
    report.diverged = Some(Divergence { step: 190, layer: 2 });
    for entry in &mut report.history {
        (entry.validation_loss, entry.validation_accuracy) = (None, None);
    }
    report.history[10].train_loss = None;
    report.kept.train_loss = None;
    (report.kept.validation_loss, report.kept.validation_accuracy) = (None, None);
    (report.controls, report.range_test, report.seconds_per_step) = (None, None, None);
    report.model.validation_rows = None;
    facts
}

fn check(name: &str, expected: f64, got: f64) -> Check {
    let tolerance = 1e-9;
    Check { name: name.to_owned(), expected, got, tolerance, ok: (got - expected).abs() <= tolerance }
}

fn fit_tool() -> serde_json::Value {
    json!({"name": "unhat", "version": "0.1.0", "command": "unhat audit t.csv", "seed": 0, "threads": 2, "wall_s": 1.25})
}

/// An audit of a fit with a planned rounding: two attacks, one of which failed under noise.
pub fn fit_findings(detail: &str) -> Result<FitAuditReport, Error> {
    let spread = |median: f64, trials: u32| {
        json!({"median": median, "q05": 0.8 * median, "q95": 1.4 * median, "rmse": 1.1 * median,
            "rmse_ci95": [median, 1.2 * median], "trials": trials, "share_at_bound": null})
    };
    let result = |attack: &str,
                  secret: &str,
                  protection: &str,
                  label: &str,
                  level: Option<f64>,
                  error: serde_json::Value| {
        let told = (secret == "outcomes" && !error.is_null()).then_some(0.975);
        json!({"attack": attack, "secret": secret, "protection": protection, "label": label, "level": level,
            "noise_rel": (protection == "gaussian").then_some(0.12), "trials": 4, "failed": if error.is_null() { 4 } else { 0 },
            "error": error, "guess_error": 0.413, "told": told, "wrong": told.map(|_| 0.0), "margin": told.map(|_| 0.0317)})
    };
    let mut results = Vec::new();
    for (protection, label, level, error) in [
        ("none", "as computed", None, spread(2.1e-13, 1)),
        ("gaussian", "Gaussian noise, 12 % of the rms", Some(0.0123), serde_json::Value::Null),
        ("rounding", "rounded to 3 significant digits", Some(3.0), spread(0.0046, 1)),
    ] {
        results.push(result("hat_to_coefficients", "coefficients", protection, label, level, spread(0.0072, 4)));
        results.push(result("sizes_to_outcomes", "outcomes", protection, label, level, error));
    }
    serde_json::from_value(json!({
        "schema": "unhat.fit-findings/1", "detail": detail, "created_utc": "2026-01-02T03:04:05Z", "tool": fit_tool(),
        "table": {"name": HOSTILE, "sha256": "ab12", "rows": 81, "columns": 2, "column_names": ["size", HOSTILE],
            "response": HOSTILE},
        "fit": {"family": "binomial", "link": "logit", "hidden_column": null},
        "release": {"kind": "cook", "hat_rms": 0.0612, "hat_max": 0.21, "beside_rms": 0.0174,
            "planned": {"kind": "rounding", "digits": 3}},
        "target_error": 0.1,
        "verdict": {"meets_target": false, "attack": "sizes_to_outcomes", "secret": "outcomes", "error": spread(0.0046, 1),
            "guess_error": 0.413},
        "secrets": [{"secret": "coefficients", "error": 1.0, "guess": "all coefficients are 0"},
            {"secret": "outcomes", "error": 0.413, "guess": "every response is the more frequent one"}],
        "findings": [{"id": "reached", "level": "exposed", "title": "From these, 97.5 % can be told.", "text": HOSTILE,
            "numbers": {"told": 0.975}, "section": "protections"}],
        "coefficients": [{"name": "size", "value": 1.2717, "error_rel": 0.0031, "open": false},
            {"name": HOSTILE, "value": -0.5318, "error_rel": null, "open": true}],
        "results": results, "open": ["responses: all of them, or all of their complements"], "warnings": [HOSTILE],
    }))
}

/// An inversion of hat values of each kind: "weights", "outcomes", "column", and one that was not solved.
pub fn hat(sought: &str, solved: bool) -> Result<HatPage, Error> {
    let (decided, weights) = (sought != "weights" && solved, sought == "weights");
    serde_json::from_value(json!({
        "sought": sought, "tool": fit_tool(), "created_utc": null, "matrix": HOSTILE, "rows": 32, "columns": 3,
        "target": HOSTILE, "precision": "rounded to 3 significant digits", "status": if solved { "solved" } else { "stalled" },
        "solved": solved, "told": if solved { 31 } else { 0 }, "residual": 5.3e-5, "evaluations": weights.then_some(18),
        "widest": weights.then_some(0.14), "largest_error": weights.then_some(4.6e-3), "least_margin": decided.then_some(0.27),
        "misfit": (sought == "column").then_some(0.019), "explained": (sought == "column").then_some(0.0224),
        "history": [{"iteration": 0, "residual": 0.11, "misfit": 1.9}, {"iteration": 1, "residual": 2.4e-3, "misfit": null},
            {"iteration": 2, "residual": 5.3e-5, "misfit": 3.1e-13}],
        "coefficients": [{"name": HOSTILE, "value": 18.8663, "error": 7.2e-4}, {"name": "weight", "value": null, "error": null}],
        "weights": if weights { json!([{"row": 7, "weight": 2.315, "low": 2.1, "high": 2.51},
            {"row": 12, "weight": 0.418, "low": null, "high": null}]) } else { json!([]) },
        "decisions": if decided { json!([{"row": 9, "value": null, "margin": 0.0021}, {"row": 4, "value": 1, "margin": 0.27}]) }
            else { json!([]) },
        "open": ["one factor of all weights"], "warnings": [HOSTILE],
    }))
}
