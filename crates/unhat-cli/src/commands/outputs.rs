//! `unhat audit outputs`: what of a regression may leave the house.

use super::diagnose::require_factors;
use crate::exit::Exit;
use crate::failure::{Failure, file_error, option_failure};
use crate::figure_files::figure_table;
use crate::model_options::ModelWords;
use crate::outputs_options::Outputs;
use crate::page::{PageFile, file_name, now, tool};
use crate::session::Session;
use crate::table_options::TableText;
use unhat_io::{Missing, check_folder, hash_of, hash_of_file, print_table, read_rows, read_text, write_folder};
use unhat_models::checking::{
    Appetite, Detail, FINDINGS_FILE, FitRequest, Origin, OutputsReport, OutputsRequest, Release, Verdict, acro_config,
    acro_findings, acro_results,
};
use unhat_models::formula::{Formula, parse_expression};
use unhat_models::regression::{FamilyName, Law, MissingRows, Model, Specification};
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
        write_acro(folder, &report)?;
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
    let text = read_text(path)?;
    let report: OutputsReport = serde_json::from_str(&text)
        .map_err(|e| file_error(path, format!("is no check of outputs; expected the --json of an earlier one: {e}")))?;
    if report.detail == Detail::Share {
        let reason =
            "is a report to share, which does not say which rows were used; expected one of --report-detail full";
        return Err(file_error(path, reason.to_string()).into());
    }
    let model = &report.model;
    let expression =
        |name: &str, text: &Option<String>| text.as_deref().map(|text| parse_expression(name, text)).transpose();
    let specification = Specification {
        formula: Formula::parse(&model.formula)?,
        weights: expression("weights", &model.weights)?,
        trials: expression("trials", &model.trials)?,
        offset: expression("offset", &model.offset)?,
        missing,
        levels: words.levels()?,
    };
    let fitted = match model.family.as_str() {
        "linear" => Model::Linear,
        family => Model::Generalised(Law::new(family.parse::<FamilyName>()?, Some(model.link.parse()?))?),
    };
    let rows = model.rows.as_ref().map(|rows| rows.iter().map(|row| (*row as usize).saturating_sub(1)).collect());
    Ok(FitRequest { specification, model: fitted, rows })
}

/// The folder of ACRO: the record, the thresholds, the findings, the plots among the items, and a hash of each.
fn write_acro(folder: &str, report: &OutputsReport) -> Result<(), Failure> {
    let pretty = |value: &serde_json::Value| format!("{value:#}").into_bytes();
    let mut findings = acro_findings(report).into_iter();
    let header = findings.next().unwrap_or_default();
    let mut table = Vec::new();
    print_table(&mut table, header, findings).map_err(|e| file_error(folder, e.to_string()))?;
    let mut files = vec![
        ("config.json".to_owned(), pretty(&acro_config(report))),
        (FINDINGS_FILE.to_owned(), table),
        ("results.json".to_owned(), pretty(&acro_results(report))),
    ];
    for figure in &report.figures {
        files.push((format!("{}.png", figure.name), figure_png(figure)?));
        // The places of single rows are no output of their own: the picture alone is to leave.
        if figure.least.is_some() {
            files.push((format!("{}.csv", figure.name), figure_table(folder, figure)?));
        }
    }
    let hash = |(name, content): &(String, Vec<u8>)| (format!("checksums/{name}.txt"), hash_of(content).into_bytes());
    let hashes: Vec<_> = files.iter().map(hash).collect();
    let all: Vec<_> = files.iter().chain(&hashes).map(|(name, content)| (name.as_str(), content.clone())).collect();
    Ok(write_folder(folder, &all)?)
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
