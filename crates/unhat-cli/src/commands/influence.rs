//! `unhat influence`, `influence check` and `influence trim`: which rows helped, hurt, are mislabelled, carry unfairness.

use super::diagnose::require_factors;
use crate::exit::Exit;
use crate::failure::{Failure, option_failure};
use crate::held_out::read_held_out;
use crate::influence_options::{Influence, InfluenceCommand, InfluenceStudy, Trim};
use crate::output::note_formulas;
use crate::page::{PageFile, file_name, now, tool};
use crate::session::Session;
use crate::table_options::TableText;
use std::fmt::Write;
use unhat::report::Solved;
use unhat_io::{
    Missing, OmittedRow, check_table, kept_rows, printable, read_model, read_vector_as, write_frame, write_table,
};
use unhat_models::influence::{
    CheckReport, Direction, Evidence, ImpactKind, ImpactRequest, Prepared, Purpose, Request, ScoredRow, Study,
    StudyReport, TrimReport,
};
use unhat_models::models::Column;
use unhat_models::regression::MissingRows;
use unhat_report::{InfluencePage, influence_density, influence_page};

pub(super) fn run(arguments: &Influence, session: &mut Session<'_>) -> Result<Exit, Failure> {
    match &arguments.command {
        None => score(&arguments.study, session),
        Some(InfluenceCommand::Check(study)) => check(study, session),
        Some(InfluenceCommand::Trim(arguments)) => trimmed(arguments, session),
    }
}

/// Reads what the arguments name and asks the library for its parts.
fn prepare(
    arguments: &InfluenceStudy,
    truth: Option<&str>,
    purpose: Purpose,
    session: &mut Session<'_>,
) -> Result<(Prepared, Vec<OmittedRow>), Failure> {
    if let Some(output) = &arguments.output {
        check_table(output)?;
    }
    let without: Vec<String> = truth.map(str::to_string).into_iter().chain(arguments.without.iter().cloned()).collect();
    let text = &arguments.text;
    let impact = |words: &str| -> Result<ImpactRequest, Failure> {
        Ok(match ImpactKind::named(words)? {
            Some(impact) => ImpactRequest::Named(impact),
            None => ImpactRequest::Vector(read_vector_as(words, "impact", &text.dialect())?),
        })
    };
    let columns = (arguments.response.as_deref(), arguments.columns.as_slice(), false);
    let formula = arguments.words.specification(columns, text.missing)?;
    let model = arguments.model_file.as_deref().map(read_model).transpose()?;
    // A formula says itself which cells matter.
    let has_formula = formula.is_some() || model.as_ref().is_some_and(|model| model.recipe.is_some());
    if has_formula && text.missing == Missing::Indicator {
        let reason = "found indicator, expected error, omit or exclude: the model is one of a formula";
        return Err(option_failure("--missing", reason));
    }
    let read_as = match has_formula {
        true => TableText { missing: Missing::Error, ..text.clone() },
        false => text.clone(),
    };
    let only = has_formula.then(Vec::new);
    let held = || (&read_as, without.as_slice(), only.clone());
    let request = Request {
        response: arguments.response.clone().filter(|_| formula.is_none()),
        missing: if text.missing == Missing::Error { MissingRows::Error } else { MissingRows::Omit },
        kind: arguments.model.clone(),
        validation: read_held_out("--validation", arguments.validation.as_deref(), held(), session)?,
        test: read_held_out("--test", arguments.test.as_deref(), held(), session)?,
        formula,
        model,
        group: arguments.group.clone(),
        truth: truth.map(str::to_string),
        without: arguments.without.clone(),
        standardize: !arguments.no_standardize,
        penalty: arguments.penalty,
        task: arguments.task.task(),
        impact: arguments.impact.as_deref().map(impact).transpose()?,
        direction: match Direction::named(&arguments.direction) {
            Some(direction) => direction,
            None => Direction::Given(read_vector_as(&arguments.direction, "v", &text.dialect())?),
        },
        method: arguments.method,
        temperature: arguments.temperature,
        damping: arguments.damping,
        leverages: arguments.output.is_some() || arguments.report.is_some() || session.common.json,
        ensemble: arguments.ensemble,
        seed: session.common.seed,
    };
    let path = arguments.table.as_deref().unwrap_or_default(); // clap requires it
    let read = read_as.read_frame(path, (&without, only.clone()), session)?;
    match &request.formula {
        Some(wanted) => require_factors(&read, wanted, path)?,
        None if has_formula => {}
        None => read.require_features(path, &without)?,
    }
    let mut omitted = read.omitted;
    let input = request.prepare(read.frame, purpose)?;
    if has_formula {
        omitted = input.left_out.iter().map(|(row, label)| OmittedRow { row: *row, label: label.clone() }).collect();
        if !omitted.is_empty() {
            session.note(&format!("rows left out for missing cells in columns of the formula: {}", omitted.len()));
        }
    }
    let padded = text.missing == Missing::Exclude;
    Ok((input, if padded { omitted } else { Vec::new() }))
}

/// Fits and scores, and says what the person must know.
fn studied(
    input: &Prepared,
    arguments: &InfluenceStudy,
    session: &mut Session<'_>,
) -> Result<(Study, StudyReport, Option<Evidence>), Failure> {
    let (study, facts, evidence) = session.compute(|run| {
        let study = input.study(run)?;
        let facts = input.study_report(&study, arguments.top, run)?;
        let evidence = arguments.report.is_some().then(|| input.evidence(&study, run)).transpose()?;
        Ok((study, facts, evidence))
    })?;
    study.warnings.iter().for_each(|warning| session.warn(warning));
    Ok((study, facts, evidence))
}

fn score(arguments: &InfluenceStudy, session: &mut Session<'_>) -> Result<Exit, Failure> {
    let page = PageFile::of(arguments.report.as_deref())?;
    let (input, omitted) = prepare(arguments, None, Purpose::Score, session)?;
    let (found, facts, evidence) = studied(&input, arguments, session)?;
    if let Some(path) = &arguments.output {
        let records = (0..found.scores.len()).map(|i| {
            let beside = |values: &Option<Vec<f64>>| values.as_ref().map(|v| format!("{:?}", v[i])).unwrap_or_default();
            let (leverage, hat) = (beside(&found.leverages), beside(&found.hat));
            let numbers = [found.scores[i], found.losses[i], found.gradient_norms[i]].map(|v| format!("{v:?}"));
            let [score, loss, norm] = numbers;
            [input.row_name(i).to_string(), score, loss, norm, leverage, hat]
        });
        let records = in_file_order(records, &input.parts.train.rows, &omitted);
        note_formulas((0..found.scores.len()).map(|i| input.row_name(i).to_string()), path, session);
        write_table(path, ["row", "score", "loss", "grad_norm", "gradient_leverage", "hat"], records)?;
    }
    summarise(&input, &found, &facts, session);
    let drawn = |session: &Session<'_>| {
        let density = influence_density(&found.losses, &found.scores);
        influence_page(&InfluencePage { study: Some(facts.clone()), evidence, density, ..page_of(arguments, session) })
    };
    page.store(drawn, session)?;
    if session.common.json {
        session.report("influence", Solved::new(&facts), None)?;
    } else if arguments.output.is_none() {
        session.print_text(&listing(&facts.top, &facts.best, found.scores.len()))?;
    }
    Ok(Exit::Done)
}

/// The records of scored rows, given by their numbers in the table, among empty ones of the rows that were left out of it.
fn in_file_order(
    records: impl Iterator<Item = [String; 6]>,
    rows: &[usize],
    omitted: &[OmittedRow],
) -> Vec<[String; 6]> {
    if omitted.is_empty() {
        return records.collect();
    }
    let last = rows.iter().max().map_or(0, |&row| row + 1);
    let in_file: Vec<usize> = kept_rows(omitted).take(last).collect();
    let answered = rows.iter().map(|&row| in_file[row]).zip(records);
    let empty =
        |row: &OmittedRow| (row.row, std::array::from_fn(|k| if k == 0 { row.label.clone() } else { String::new() }));
    let mut all: Vec<(usize, [String; 6])> = answered.chain(omitted.iter().map(empty)).collect();
    all.sort_by_key(|(row, _)| *row);
    all.into_iter().map(|(_, record)| record).collect()
}

fn check(arguments: &InfluenceStudy, session: &mut Session<'_>) -> Result<Exit, Failure> {
    let page = PageFile::of(arguments.report.as_deref())?;
    let (input, _) = prepare(arguments, None, Purpose::Check, session)?;
    let found = session.compute(|run| input.check(run))?;
    found.warnings.iter().for_each(|warning| session.warn(warning));
    let facts = input.check_report(&found);
    for left_out in &facts.left_out {
        session.note(&format!("{} was left out: {}", left_out.method, left_out.reason));
    }
    if let Some(path) = &arguments.output {
        let records = facts
            .methods
            .iter()
            .map(|m| [m.method.clone(), format!("{:?}", m.auc), format!("{:?}", m.average_precision)]);
        write_table(path, ["method", "auc", "average_precision"], records)?;
    }
    session.summary(&format!(
        "{} of {} labels flipped; where real noise is present, these numbers are understated ({})",
        facts.flipped,
        facts.model.training_rows,
        session.elapsed()
    ));
    let drawn = |session: &Session<'_>| {
        influence_page(&InfluencePage { check: Some(facts.clone()), ..page_of(arguments, session) })
    };
    page.store(drawn, session)?;
    if session.common.json {
        session.report("influence check", Solved::new(&facts), None)?;
        return Ok(Exit::Done);
    }
    session.print_text(&check_table_text(&facts))?;
    Ok(Exit::Done)
}

fn trimmed(arguments: &Trim, session: &mut Session<'_>) -> Result<Exit, Failure> {
    let page = PageFile::of(arguments.study.report.as_deref())?;
    let (input, _) = prepare(&arguments.study, arguments.truth.as_deref(), Purpose::Trim, session)?;
    let (study, study_report, evidence) = studied(&input, &arguments.study, session)?;
    let found = session.compute(|run| input.trim(&study, arguments.fraction, run))?;
    let facts = input.trim_report(&study, &found);
    if let Some(path) = &arguments.study.output {
        let gone: std::collections::HashSet<usize> = found.removed.iter().map(|&i| input.parts.train.rows[i]).collect();
        let kept: Vec<usize> = (0..input.table.rows()).filter(|row| !gone.contains(row)).collect();
        let texts = input.table.columns().iter().filter_map(|column| match column {
            Column::Text(text) => Some(kept.iter().filter_map(|&row| text.word(row))),
            Column::Numbers(_) => None,
        });
        let names = input.table.row_names.iter().flat_map(|names| kept.iter().map(|&row| names[row].as_str()));
        note_formulas(texts.flatten().chain(names).map(str::to_string), path, session);
        write_frame(path, &input.table, &kept)?;
    }
    summarise(&input, &study, &study_report, session);
    if facts.stopped_at_crossing {
        session.note("trimming stopped where the unfairness on the validation rows crossed 0; beyond, it turns around");
    }
    let drawn = |session: &Session<'_>| {
        influence_page(&InfluencePage {
            study: Some(study_report),
            evidence,
            density: influence_density(&study.losses, &study.scores),
            trim: Some(facts.clone()),
            ..page_of(&arguments.study, session)
        })
    };
    page.store(drawn, session)?;
    if session.common.json {
        session.report("influence trim", Solved::new(&facts), None)?;
    } else {
        if let Some(auc) = facts.auc_of_truth {
            let gain = facts.auc_of_one.map(|one| {
                let members = study.members.len();
                format!(
                    "; one of the {members} networks finds them with {one:.3} on average: a gain of {:.3}",
                    auc - one
                )
            });
            let gain = gain.unwrap_or_default();
            session.summary(&format!("the scores find the rows marked bad with an AUC of {auc:.3}{gain}"));
        }
        session.print_text(&trim_table(&facts))?;
    }
    Ok(Exit::Done)
}

/// What every page says of the run.
fn page_of(arguments: &InfluenceStudy, session: &Session<'_>) -> InfluencePage {
    InfluencePage {
        tool: tool(session),
        created_utc: Some(now()),
        table: file_name(arguments.table.as_deref().unwrap_or_default()),
        warnings: session.warnings().to_vec(),
        study: None,
        evidence: None,
        density: None,
        check: None,
        trim: None,
    }
}

/// What a person must know beside the scores, on standard error.
fn summarise(input: &Prepared, found: &Study, facts: &StudyReport, session: &mut Session<'_>) {
    let d = &found.diagnostics;
    let optional = |value: Option<f64>| value.map_or("—".to_string(), |v| format!("{v:.3}"));
    let accuracy = d.training_accuracy.map(|a| format!(", training accuracy {a:.3}")).unwrap_or_default();
    let chosen = if found.fitted.cross_validation.is_some() { ", chosen by cross-validation" } else { "" };
    session.summary(&format!(
        "{} on {} rows, {} parameters, penalty {}{chosen}{accuracy}",
        input.options.kind,
        input.parts.train.rows.len(),
        found.fitted.network.parameters(),
        found.fitted.penalty
    ));
    let impact = &facts.impact;
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
    if let Some(membership) = &facts.membership {
        let most = membership.top.first().map(|row| format!("; most that of row {}, {:.3}", row.row, row.auc));
        session.summary(&format!(
            "membership: {} of {} rows can be told from the fit with an AUC above 0.55, the median row with {:.3}{}",
            membership.auc_over_055,
            membership.count,
            membership.auc_median,
            most.unwrap_or_default()
        ));
    }
    session.summary(&format!("{} rows scored in {}", found.scores.len(), session.elapsed()));
}

/// The worst and the best rows side by side.
fn listing(top: &[ScoredRow], best: &[ScoredRow], rows: usize) -> String {
    let mut text = format!(
        "{:<20} {:>12} {:>10}   {:<20} {:>12} {:>10}\n",
        "worst row", "score", "loss", "best row", "score", "loss"
    );
    for (worst, best) in top.iter().zip(best) {
        let _ = writeln!(
            text,
            "{:<20} {:>12.4e} {:>10.4}   {:<20} {:>12.4e} {:>10.4}",
            printable(&worst.row.to_string()),
            worst.score,
            worst.loss,
            printable(&best.row.to_string()),
            best.score,
            best.loss
        );
    }
    if rows > top.len() {
        let _ = writeln!(text, "… {rows} rows; -o FILE has them all");
    }
    text
}

fn trim_table(found: &TrimReport) -> String {
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

fn check_table_text(found: &CheckReport) -> String {
    let ensemble = found.ensemble > 1;
    let mut text = format!("{:<16} {:>6} {:>18}", "method", "AUC", "average precision");
    text += if ensemble { "  AUC of one    gain\n" } else { "\n" };
    for m in &found.methods {
        let _ = write!(text, "{:<16} {:>6.3} {:>18.3}", m.method, m.auc, m.average_precision);
        if let Some(one) = m.auc_of_one {
            let _ = write!(text, "  {one:>10.3}  {:>+6.3}", m.auc - one);
        }
        text.push('\n');
    }
    if ensemble {
        let _ = writeln!(text, "mean of {} networks; the gain is over one of them, on average", found.ensemble);
    }
    text
}
