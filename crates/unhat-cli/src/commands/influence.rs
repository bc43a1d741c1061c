//! `unhat influence`, `influence check` and `influence trim`: which rows helped, hurt, are mislabelled, carry unfairness.

use super::Exit;
use crate::failure::{Failure, option_failure};
use crate::influence_options::{Influence, InfluenceCommand, InfluenceStudy, Trim, named_impact};
use crate::influence_report::{
    CheckReport, Coefficient, DiagnosticsReport, EnsembleOut, ImpactReport, LeftOut, MethodReport, ModelReport,
    PenaltyReport, ScoredRow, StudyReport, TrimReport, TrimRowReport,
};
use crate::session::Session;
use serde_json::{Value, json};
use std::fmt::Write;
use unhat::influence::{
    Direction, ImpactKind, Study, StudyOptions, Trimmed, area_under_curve, ascending, planted_flips, study, study_of,
    trim, truth_of,
};
use unhat::models::{DEFAULT_SHARE, Family, Fitted, Frame, HeldOut, Model, PartOptions, Parts, Scaling};
use unhat_io::{check_table, read_frame, read_model, read_vector, write_frame, write_table};

pub(super) fn run(arguments: &Influence, session: &mut Session<'_>) -> Result<Exit, Failure> {
    match &arguments.command {
        None => score(&arguments.study, session),
        Some(InfluenceCommand::Check(study)) => check(study, session),
        Some(InfluenceCommand::Trim(arguments)) => trimmed(arguments, session),
    }
}

/// What the files of a call hold.
struct Input {
    table: Frame,
    validation: Source,
    test: Source,
    model: Option<Model>,
    options: StudyOptions,
    response: String,
}

/// Where held-out rows come from.
enum Source {
    None,
    Share(f64),
    Table(Frame),
}

impl Source {
    fn of(option: &str, given: Option<&str>, needed: bool) -> Result<Source, Failure> {
        match given {
            None if needed => Ok(Source::Share(DEFAULT_SHARE)),
            None => Ok(Source::None),
            Some(text) => match text.parse::<f64>() {
                Ok(share) if share > 0.0 && share < 1.0 => Ok(Source::Share(share)),
                Ok(share) => {
                    Err(option_failure(option, format!("found {share}, expected a share between 0 and 1, or a table")))
                }
                Err(_) => Ok(Source::Table(read_frame(text)?)),
            },
        }
    }

    fn held_out(&self) -> HeldOut<'_> {
        match self {
            Source::None => HeldOut::None,
            Source::Share(share) => HeldOut::Share(*share),
            Source::Table(frame) => HeldOut::Table(frame),
        }
    }
}

impl Input {
    fn read(arguments: &InfluenceStudy, test_needed: bool, session: &Session<'_>) -> Result<Input, Failure> {
        let path = arguments.table.as_deref().unwrap_or_default(); // clap requires it
        if let Some(output) = &arguments.output {
            check_table(output)?;
        }
        let model = arguments.model_file.as_deref().map(read_model).transpose()?;
        let (impact, given) = match arguments.impact.as_deref() {
            None => (named(arguments.task.impact())?, None),
            Some(text) => match named_impact(text) {
                Some(impact) => (impact, None),
                None if text.starts_with("robustness:") => (named(text)?, None),
                None => (ImpactKind::Utility, Some(read_vector(text, "impact")?)),
            },
        };
        let direction = match (arguments.direction.as_str(), given) {
            ("validation", None) => Direction::Validation,
            ("validation", Some(v)) => Direction::Given(v),
            (_, Some(_)) => return Err(option_failure("--v", "--impact names a file with v already")),
            ("training-margin", None) => Direction::TrainingMargin,
            (path, None) => Direction::Given(read_vector(path, "v")?),
        };
        if let Some(t) = arguments.temperature.filter(|t| !(*t >= 1.0 && t.is_finite())) {
            return Err(option_failure("--temperature", format!("found {t}, expected a number of at least 1")));
        }
        let kind = match (&model, &arguments.model) {
            (Some(model), _) => model.kind.clone(),
            (None, Some(kind)) => kind.clone(),
            (None, None) => return Err(option_failure("--model", "is missing")), // clap requires one of the two
        };
        let options = StudyOptions {
            penalty: arguments.penalty,
            task: arguments.task.task(),
            impact,
            method: arguments.method,
            direction,
            temperature: arguments.temperature,
            damping: arguments.damping,
            ensemble: arguments.ensemble,
            seed: session.common.seed,
            kind,
        };
        let needs_v =
            options.method.is_none_or(|method| method.needs_v()) && options.direction == Direction::Validation;
        let response = match (&arguments.response, &model) {
            (Some(name), Some(model)) if *name != model.response.name => {
                let reason = format!("found \"{name}\", but the model predicts \"{}\"", model.response.name);
                return Err(option_failure("--response", reason));
            }
            (Some(name), _) => name.clone(),
            (None, Some(model)) => model.response.name.clone(),
            (None, None) => return Err(option_failure("--response", "is missing")),
        };
        Ok(Input {
            table: read_frame(path)?,
            validation: Source::of("--validation", arguments.validation.as_deref(), needs_v)?,
            test: Source::of("--test", arguments.test.as_deref(), test_needed)?,
            model,
            options,
            response,
        })
    }

    fn parts(&self, arguments: &InfluenceStudy, truth: Option<&str>) -> Result<Parts, Failure> {
        let without: Vec<&str> = truth.into_iter().collect();
        let scaling = if arguments.no_standardize { Scaling::None } else { Scaling::Standardised };
        Ok(Parts::of(
            &self.table,
            &PartOptions {
                response: &self.response,
                wanted: self.options.kind.wanted(),
                scaling,
                without: &without,
                group: arguments.group.as_deref(),
                validation: self.validation.held_out(),
                test: self.test.held_out(),
                seed: self.options.seed,
                model: self.model.as_ref(),
            },
        )?)
    }

    fn study(&self, parts: &Parts, session: &mut Session<'_>) -> Result<Study, Failure> {
        let found = session.compute(|run| match &self.model {
            None => study(parts, &self.options, run),
            Some(model) => {
                let fitted = Fitted {
                    network: model.network.clone(),
                    penalty: model.penalty,
                    cross_validation: None,
                    snapshots: Vec::new(),
                    warnings: Vec::new(),
                };
                study_of(vec![fitted], parts, &self.options, run)
            }
        })?;
        found.warnings.iter().for_each(|warning| session.warn(warning));
        Ok(found)
    }

    /// A training row by its name, or its 1-based number in the table.
    fn name(&self, parts: &Parts, position: usize) -> Value {
        let row = parts.train.rows[position];
        match &self.table.row_names {
            Some(names) => json!(names[row]),
            None => json!(row + 1),
        }
    }

    fn text_name(&self, parts: &Parts, position: usize) -> String {
        match self.name(parts, position) {
            Value::String(name) => name,
            other => other.to_string(),
        }
    }

    fn impact(&self, study: &Study) -> ImpactReport {
        ImpactReport {
            name: match self.options.direction {
                Direction::Given(_) => "given".into(),
                Direction::TrainingMargin => "training-margin".into(),
                Direction::Validation => self.options.impact.name().into(),
            },
            value_validation: study.impact.validation,
            value_test: study.impact.test,
        }
    }
}

fn named(text: &str) -> Result<ImpactKind, Failure> {
    Ok(text.parse::<ImpactKind>()?)
}

fn score(arguments: &InfluenceStudy, session: &mut Session<'_>) -> Result<Exit, Failure> {
    let input = Input::read(arguments, false, session)?;
    let parts = input.parts(arguments, None)?;
    let found = input.study(&parts, session)?;
    if let Some(path) = &arguments.output {
        let records = (0..found.scores.len()).map(|i| {
            let leverage = found.leverages.as_ref().map(|l| format!("{:?}", l[i])).unwrap_or_default();
            let numbers = [found.scores[i], found.losses[i], found.gradient_norms[i]].map(|v| format!("{v:?}"));
            let [score, loss, norm] = numbers;
            [input.text_name(&parts, i), score, loss, norm, leverage]
        });
        write_table(path, ["row", "score", "loss", "grad_norm", "leverage"], records)?;
    }
    let order = ascending(&found.scores);
    let row = |&i: &usize| ScoredRow { row: input.name(&parts, i), score: found.scores[i], loss: found.losses[i] };
    let top: Vec<ScoredRow> = order.iter().take(arguments.top).map(row).collect();
    let best: Vec<ScoredRow> = order.iter().rev().take(arguments.top).map(row).collect();
    summarise(&input, &parts, &found, session);
    if session.common.json {
        let ensemble =
            found.ensemble.map(|e| EnsembleOut { members: e.members, rank_correlation_of_one: e.correlation });
        let report = StudyReport {
            schema: 1,
            command: "influence",
            status: "solved",
            model: model_report(&input, &parts, &found),
            task: task_name(arguments),
            impact: input.impact(&found),
            method: found.method.to_string(),
            claim: found.method.claim(),
            diagnostics: DiagnosticsReport::of(&found.diagnostics, found.temperature, found.damping, ensemble),
            top,
            best,
            colophon: session.colophon(),
        };
        session.print_object(&report)?;
    } else if arguments.output.is_none() {
        session.print(listing(&top, &best, found.scores.len()).as_bytes())?;
    }
    Ok(Exit::Done)
}

fn check(arguments: &InfluenceStudy, session: &mut Session<'_>) -> Result<Exit, Failure> {
    if arguments.model_file.is_some() {
        return Err(option_failure("--model-file", "a check trains anew on planted flips; give --model"));
    }
    let input = Input::read(arguments, false, session)?;
    let parts = input.parts(arguments, None)?;
    parts.warnings.iter().for_each(|warning| session.warn(warning));
    let found = session.compute(|run| planted_flips(&parts, &input.options, run))?;
    if let Some(path) = &arguments.output {
        let records = found
            .methods
            .iter()
            .map(|m| [m.method.to_string(), format!("{:?}", m.auc), format!("{:?}", m.average_precision)]);
        write_table(path, ["method", "auc", "average_precision"], records)?;
    }
    session.summary(&format!(
        "{} of {} labels flipped; where real noise is present, these numbers are understated ({})",
        found.flipped,
        parts.train.rows.len(),
        session.elapsed()
    ));
    if session.common.json {
        let report = CheckReport {
            schema: 1,
            command: "influence check",
            status: "solved",
            flipped: found.flipped,
            methods: found.methods.iter().map(MethodReport::from).collect(),
            left_out: found
                .left_out
                .iter()
                .map(|(method, reason)| LeftOut { method: method.to_string(), reason: reason.clone() })
                .collect(),
            colophon: session.colophon(),
        };
        session.print_object(&report)?;
        return Ok(Exit::Done);
    }
    let mut text = format!("{:<16} {:>6} {:>18}\n", "method", "AUC", "average precision");
    for m in &found.methods {
        let _ = writeln!(text, "{:<16} {:>6.3} {:>18.3}", m.method.to_string(), m.auc, m.average_precision);
    }
    session.print(text.as_bytes())?;
    for (method, reason) in &found.left_out {
        session.note(&format!("{method} was left out: {reason}"));
    }
    Ok(Exit::Done)
}

fn trimmed(arguments: &Trim, session: &mut Session<'_>) -> Result<Exit, Failure> {
    if arguments.study.model_file.is_some() {
        return Err(option_failure("--model-file", "trimming trains anew; give --model"));
    }
    let input = Input::read(&arguments.study, true, session)?;
    let parts = input.parts(&arguments.study, arguments.truth.as_deref())?;
    let truth = arguments.truth.as_deref().map(|column| truth_of(&input.table, column, &parts.train)).transpose()?;
    let study = input.study(&parts, session)?;
    let found =
        session.compute(|run| trim(&study, &parts, &input.options, arguments.fraction, truth.as_deref(), run))?;
    if let Some(path) = &arguments.study.output {
        let gone: std::collections::HashSet<usize> = found.removed.iter().map(|&i| parts.train.rows[i]).collect();
        let kept: Vec<usize> = (0..input.table.rows()).filter(|row| !gone.contains(row)).collect();
        write_frame(path, &input.table, &kept)?;
    }
    summarise(&input, &parts, &study, session);
    let harm: Vec<f64> = study.scores.iter().map(|s| -s).collect();
    let auc = truth.as_deref().and_then(|truth| area_under_curve(&harm, truth));
    if found.stopped_at_crossing {
        session.note("trimming stopped where the unfairness on the validation rows crossed 0; beyond, it turns around");
    }
    if session.common.json {
        let report = TrimReport {
            schema: 1,
            command: "influence trim",
            status: "solved",
            model: model_report(&input, &parts, &study),
            impact: input.impact(&study),
            method: study.method.to_string(),
            stopped_at_crossing: found.stopped_at_crossing,
            auc_of_truth: auc,
            rows: found.rows.iter().map(TrimRowReport::from).collect(),
            removed: found.removed.iter().map(|&i| input.name(&parts, i)).collect(),
            colophon: session.colophon(),
        };
        session.print_object(&report)?;
    } else {
        if let Some(auc) = auc {
            session.summary(&format!("the scores find the rows marked bad with an AUC of {auc:.3}"));
        }
        session.print(trim_table(&found).as_bytes())?;
    }
    Ok(Exit::Done)
}

/// What a person must know beside the scores, on standard error.
fn summarise(input: &Input, parts: &Parts, found: &Study, session: &mut Session<'_>) {
    let d = &found.diagnostics;
    let optional = |value: Option<f64>| value.map_or("—".to_string(), |v| format!("{v:.3}"));
    let accuracy = d.training_accuracy.map(|a| format!(", training accuracy {a:.3}")).unwrap_or_default();
    let chosen = if found.fitted.cross_validation.is_some() { ", chosen by cross-validation" } else { "" };
    session.summary(&format!(
        "{} on {} rows, {} parameters, penalty {}{chosen}{accuracy}",
        input.options.kind,
        parts.train.rows.len(),
        found.fitted.network.parameters(),
        found.fitted.penalty
    ));
    let impact = input.impact(found);
    session.summary(&format!(
        "{}: larger is better, positive is helpful for the signed methods; {}",
        found.method,
        found.method.claim()
    ));
    if let Some(value) = impact.value_validation {
        let test = impact.value_test.map(|v| format!(", {v:.4} on the test rows")).unwrap_or_default();
        session.summary(&format!(
            "f = {}: {value:.4} on {} validation rows{test}; effective share {}, cosine of two halves of v {}",
            impact.name,
            d.validation_rows.unwrap_or_default(),
            optional(d.effective_share),
            optional(d.half_cosine)
        ));
    }
    if d.agreement.is_some() || d.certified_share.is_some() {
        session.summary(&format!(
            "agreement with eight curvature steps on 200 rows {}, certified signs of the damped score {}",
            optional(d.agreement),
            d.certified_share.map_or("—".into(), |share| format!("{:.0} %", 100.0 * share))
        ));
    }
    if d.residual.is_some() || d.largest_leverage.is_some() {
        session.summary(&format!(
            "residual of conjugate gradients {}, largest leverage {}",
            optional(d.residual),
            optional(d.largest_leverage)
        ));
    }
    if let Some(ensemble) = found.ensemble {
        session.summary(&format!(
            "mean of {} networks; rank correlation of one with the mean {}",
            ensemble.members,
            optional(ensemble.correlation)
        ));
    }
    session.summary(&format!("{} rows scored in {}", found.scores.len(), session.elapsed()));
}

/// The worst and the best rows side by side.
fn listing(top: &[ScoredRow], best: &[ScoredRow], rows: usize) -> String {
    let plain = |row: &Value| match row {
        Value::String(name) => name.clone(),
        other => other.to_string(),
    };
    let mut text = format!(
        "{:<20} {:>12} {:>10}   {:<20} {:>12} {:>10}\n",
        "worst row", "score", "loss", "best row", "score", "loss"
    );
    for (worst, best) in top.iter().zip(best) {
        let _ = writeln!(
            text,
            "{:<20} {:>12.4e} {:>10.4}   {:<20} {:>12.4e} {:>10.4}",
            plain(&worst.row),
            worst.score,
            worst.loss,
            plain(&best.row),
            best.score,
            best.loss
        );
    }
    if rows > top.len() {
        let _ = writeln!(text, "… {rows} rows; -o FILE has them all");
    }
    text
}

fn trim_table(found: &Trimmed) -> String {
    let robust = found.rows.iter().any(|row| row.adaptive_accuracy.is_some());
    let mut text = format!("{:<30} {:>8} {:>9} {:>12} {:>12}", "trim", "removed", "test acc.", "f on V", "f on test");
    text += if robust { "  attacked  attacked anew\n" } else { "\n" };
    for row in &found.rows {
        let number = |value: Option<f64>, digits: usize| value.map_or("—".to_string(), |v| format!("{v:.digits$}"));
        let _ = write!(
            text,
            "{:<30} {:>8} {:>9} {:>12} {:>12}",
            row.trim,
            row.removed,
            number(row.test_accuracy, 4),
            number(row.value_validation, 4),
            number(row.value_test, 4)
        );
        if robust {
            let _ = write!(text, "  {:>8}  {:>13}", number(row.attacked_accuracy, 4), number(row.adaptive_accuracy, 4));
        }
        text.push('\n');
    }
    text
}

fn model_report(input: &Input, parts: &Parts, found: &Study) -> ModelReport {
    let network = &found.fitted.network;
    let classes: Vec<Value> = parts.response.classes().iter().map(|label| json!(label)).collect();
    ModelReport {
        name: input.options.kind.to_string(),
        family: match network.family {
            Family::Gaussian => "gaussian",
            Family::Bernoulli => "bernoulli",
            Family::Categorical { .. } => "categorical",
            Family::Poisson => "poisson",
        },
        parameters: network.parameters(),
        training_rows: parts.train.rows.len(),
        penalty: found.fitted.penalty,
        cross_validation: found.fitted.cross_validation.as_ref().map(|cv| {
            let report = |l: &unhat::models::PenaltyLoss| PenaltyReport {
                penalty: l.penalty,
                loss: l.loss.is_finite().then_some(l.loss),
            };
            cv.losses.iter().map(report).collect()
        }),
        train_accuracy: found.diagnostics.training_accuracy,
        coefficients: coefficients(parts, found, &classes),
        classes,
    }
}

/// θ by feature and class; none for a network, whose weights are no coefficients.
fn coefficients(parts: &Parts, found: &Study, classes: &[Value]) -> Vec<Coefficient> {
    let network = &found.fitted.network;
    if network.layers.len() > 1 {
        return Vec::new();
    }
    let features = parts.encoding.features();
    let class_of = |output: usize| match network.family {
        Family::Bernoulli => classes.last().cloned(),
        Family::Categorical { .. } => classes.get(output).cloned(),
        _ => None,
    };
    let width = features.len();
    network.layers[0]
        .weights
        .iter()
        .enumerate()
        .map(|(k, &value)| {
            let feature = &features[k % width];
            Coefficient {
                name: feature.name.clone(),
                class: class_of(k / width),
                value,
                center: feature.center,
                scale: feature.scale,
            }
        })
        .collect()
}

fn task_name(arguments: &InfluenceStudy) -> &'static str {
    use crate::influence_options::TaskName;
    match arguments.task {
        TaskName::Noise => "noise",
        TaskName::Trim => "trim",
        TaskName::Loo => "loo",
        TaskName::Fairness => "fairness",
        TaskName::Robustness => "robustness",
    }
}
