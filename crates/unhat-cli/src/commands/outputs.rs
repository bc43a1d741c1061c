//! `unhat audit outputs`: what of a regression may leave the house.

use super::diagnose::require_factors;
use crate::exit::Exit;
use crate::failure::{Failure, file_error, option_failure};
use crate::model_options::ModelWords;
use crate::outputs_options::Outputs;
use crate::page::{PageFile, file_name, now, tool};
use crate::session::Session;
use crate::table_options::TableText;
use unhat_io::{Missing, check_folder, hash_of_file, read_rows, read_text, write_acro};
use unhat_models::checking::{Appetite, Detail, FitRequest, Origin, OutputsReport, OutputsRequest, Release, Verdict};
use unhat_models::regression::MissingRows;
use unhat_report::figure_png;

pub(super) fn run(arguments: &Outputs, session: &mut Session<'_>) -> Result<Exit, Failure> {
    let page = PageFile::of(arguments.report.as_deref())?;
    if let Some(folder) = &arguments.acro {
        check_folder(folder)?;
    }
    let missing = match arguments.text.missing {
        Missing::Omit => MissingRows::Omit,
        Missing::Error => MissingRows::Error,
        _ => return Err(option_failure("--missing", "expected omit or error: nothing is written by row here")),
    };
    let specification = arguments.model.specification(missing)?;
    let fit = FitRequest {
        specification: specification.clone(),
        model: arguments.model.model()?,
        rows: arguments.rows.as_deref().map(read_rows).transpose()?,
    };
    let second = match (&arguments.second, &arguments.second_rows) {
        (Some(path), _) => Some(earlier(path, &arguments.model, missing)?),
        (None, Some(path)) => Some(FitRequest { rows: Some(read_rows(path)?), ..fit.clone() }),
        (None, None) => None,
    };
    let request = OutputsRequest {
        fit,
        second,
        release: Release {
            items: arguments.release.clone(),
            digits: arguments.digits,
            secrets: Vec::new(),
            appetite: arguments.appetite.as_deref().map(appetite).transpose()?.unwrap_or_default(),
            seed: session.common.seed,
        },
        secrets: arguments.secret.clone(),
        people: arguments.id.clone(),
        remedies: arguments.remedies,
        detail: Detail::from(arguments.report_detail),
    };
    // Missing cells of columns that nobody uses do not matter.
    let text = TableText { missing: Missing::Indicator, ..arguments.text.clone() };
    let read = text.read_frame(&arguments.table, (&[], None), session)?;
    require_factors(&read, &specification, &arguments.table)?;
    let origin = Origin {
        tool: tool(session),
        created_utc: Some(now()),
        table: file_name(&arguments.table),
        sha256: if arguments.table == "-" { None } else { Some(hash_of_file(&arguments.table)?) },
    };
    let mut report = session.compute(|run| request.answer(&read.frame, origin, run))?;
    report.tool.wall_s = session.seconds();
    report.warnings.extend(session.warnings().iter().cloned());
    report.warnings.extend(unhat::report::not_finite(&report));
    page.store(|_| unhat_report::outputs_page(&report), session)?;
    if let Some(folder) = &arguments.acro {
        write_acro(folder, &report, figure_png)?;
        session.summary(&format!("folder: {folder}"));
    }
    if session.common.json {
        session.print_object(&report)?;
    } else {
        session.print_text(&words(&report))?;
    }
    Ok(match report.verdict {
        Verdict::Fail => Exit::Fail,
        Verdict::Review => Exit::Review,
        Verdict::Pass | Verdict::Note => Exit::Done,
    })
}

fn appetite(path: &str) -> Result<Appetite, Failure> {
    let text = read_text(path)?;
    serde_json::from_str(&text).map_err(|e| file_error(path, format!("is no risk appetite: {e}")).into())
}

/// The fit of an earlier check.
fn earlier(path: &str, words: &ModelWords, missing: MissingRows) -> Result<FitRequest, Failure> {
    let report: OutputsReport = serde_json::from_str(&read_text(path)?)
        .map_err(|e| file_error(path, format!("is no check of outputs; expected the --json of an earlier one: {e}")))?;
    Ok(FitRequest::of_earlier(&report, missing, words.levels()?)?)
}

/// The decision, the items, and what stands behind each that does not pass.
fn words(report: &OutputsReport) -> String {
    let mut text = format!("{}: {}\n\n", report.verdict.name().to_uppercase(), report.headline);
    for item in &report.items {
        let reached = match (item.value, item.threshold) {
            (Some(value), Some(threshold)) if item.verdict >= Verdict::Review => {
                format!(" ({}: {value:.4}, threshold {threshold:.4})", item.attack.clone().unwrap_or_default())
            }
            _ => String::new(),
        };
        text += &format!("  {:<19} {:<7} {}{reached}\n", item.item.name(), item.verdict.name(), item.summary);
    }
    for finding in report.findings.iter().filter(|finding| finding.verdict >= Verdict::Review) {
        text += &format!("\n{} {}: {}\n", finding.verdict.name(), finding.attack, finding.summary);
        text += &format!("  who: {}\n", finding.intruder.words());
        if !finding.detail.is_empty() {
            text += &format!("  {}\n", finding.detail);
        }
        if !finding.remedy.is_empty() {
            text += &format!("  to do: {}\n", finding.remedy);
        }
    }
    for remedy in report.remedies.iter().flatten() {
        text += &format!("\ntried: {}: {}\n", remedy.change, remedy.verdict.name());
        let moved = remedy.moves.iter().filter_map(|moved| Some((&moved.column, moved.standard_errors?)));
        let largest = moved.fold(None, |best: Option<(&String, f64)>, (name, by)| match best {
            Some((_, most)) if most.abs() >= by.abs() => best,
            _ => Some((name, by)),
        });
        if let Some((name, by)) = largest {
            text += &format!("  moves {name} most, by {by:.2} standard errors\n");
        }
        if !remedy.note.is_empty() {
            text += &format!("  {}\n", remedy.note);
        }
    }
    text += "\nnot checked:\n";
    report.not_checked.iter().for_each(|line| text += &format!("  {line}\n"));
    report.warnings.iter().for_each(|warning| text += &format!("warning: {warning}\n"));
    text
}
