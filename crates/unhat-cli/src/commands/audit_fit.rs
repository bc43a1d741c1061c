//! `unhat audit --release hat` and the like: what diagnostics of a fit give away, in words, as data, and as a page.

use super::audit::{self, wrapped};
use crate::exit::Exit;
use crate::failure::{Failure, option_failure};
use crate::input::{System, read_numbers, read_of_rows, require_one_reader_of_stdin};
use crate::options::Audit as Arguments;
use crate::page::PageFile;
use crate::session::Session;
use unhat::audit::fits::report::{FitAttack, FitAuditReport, FitRelease, FitResult};
use unhat::audit::fits::{AuditedFit, audit_fit};
use unhat::audit::report::{Level, ProtectionKind};
use unhat::audit::{AuditOptions, is_exact_under};
use unhat::invert::hat::HatModel;
use unhat::leverage::least_squares;
use unhat_io::Matrix;

pub(super) fn run(arguments: &Arguments, release: FitRelease, session: &mut Session<'_>) -> Result<Exit, Failure> {
    let source = arguments.table.as_ref().or(arguments.matrix.as_ref());
    require_one_reader_of_stdin(&[
        (if arguments.table.is_some() { "TABLE" } else { "--matrix" }, source.map(String::as_str)),
        ("--offset", arguments.offset.as_deref()),
        ("--point", arguments.point.as_deref()),
        ("--weights", arguments.fit.weights.as_deref()),
        ("--predictor-offset", arguments.fit.predictor_offset.as_deref()),
    ])?;
    if arguments.rows.is_some() {
        return Err(option_failure("--rows", "hat values are released for all rows; leave it out"));
    }
    if arguments.delta != AuditOptions::default().delta {
        return Err(option_failure("--delta", "belongs to releases of scores and gradients; leave it out"));
    }
    let page = PageFile::of(arguments.report.as_deref())?;
    let input = audit::input(arguments);
    let system = System::read(&input, arguments.offset.as_deref(), session)?;
    let (matrix, text) = (&system.matrix, &input.text);
    let responses = system.offset().ok();
    let of_rows =
        |path: &Option<String>, what| path.as_deref().map(|path| read_of_rows(path, what, matrix, text)).transpose();
    let weights = of_rows(&arguments.fit.weights, "weights")?;
    let mut model = match arguments.fit.family {
        Some(family) => Some(HatModel::new(family, arguments.fit.link.map(Into::into), arguments.fit.theta)?),
        None => None,
    };
    if let Some(model) = &mut model {
        model.trials.clone_from(&weights);
        model.offset = of_rows(&arguments.fit.predictor_offset, "predictor-offset")?;
    }
    let given =
        arguments.point.as_deref().map(|path| read_numbers(path, "point", matrix.shape().columns, text)).transpose()?;
    let hidden = arguments.fit.hidden.as_deref().map(|word| column_of(word, matrix)).transpose()?;
    let options = audit::options(arguments, matrix, session)?;
    let rows = matrix.rows()?;
    let linear = model.is_none() && weights.is_none() && release != FitRelease::Hat;
    let computed = session.compute(|run| {
        // Of a linear fit without weights the coefficients follow from table and response.
        let fitted = match (&given, responses) {
            (None, Some(y)) if linear => Some(least_squares(&rows, y, run)?.x),
            _ => None,
        };
        let fit = AuditedFit {
            release,
            coefficients: given.as_deref().or(fitted.as_deref()),
            weights: weights.as_deref().filter(|_| model.is_none()),
            responses,
            hidden,
            model: model.clone(),
        };
        audit_fit(&rows, &fit, &options, run)
    });
    let mut findings = computed.map_err(|error| Failure::in_matrix(error, matrix))?;
    findings.warnings.extend(session.warnings().iter().cloned());
    page.store(|_| unhat_report::fit_audit_page(&findings), session)?;
    if session.common.json {
        session.print_object(&findings)?;
    } else {
        session.print_text(&words(&findings))?;
        let tries: u32 = tried(&findings).map(|results| results[0].trials).sum();
        session.summary(&format!("{tries} tries, {}", session.elapsed()));
    }
    Ok(Exit::Done)
}

/// A column of A by its name, or its number counted from 1.
fn column_of(word: &str, matrix: &Matrix) -> Result<usize, Failure> {
    let named = matrix.column_names.as_ref().and_then(|names| names.iter().position(|name| name == word));
    let columns = matrix.shape().columns;
    let numbered = || word.parse::<usize>().ok().filter(|j| (1..=columns).contains(j)).map(|j| j - 1);
    named.or_else(numbered).ok_or_else(|| {
        let names = matrix.column_names.as_ref().map_or(String::new(), |names| format!(" ({})", names.join(", ")));
        option_failure("--hidden", format!("found {word:?}, expected one of the {columns} columns{names}"))
    })
}

/// The results of one protection after the other.
fn tried(findings: &FitAuditReport) -> impl Iterator<Item = &[FitResult]> {
    findings.results.chunk_by(|a, b| (a.protection, a.level) == (b.protection, b.level))
}

/// The findings, then what was reached under each protection.
fn words(findings: &FitAuditReport) -> String {
    let mut text = String::new();
    for finding in &findings.findings {
        let mark = match finding.level {
            Level::Exposed => "Exposed",
            Level::Action => "To do",
            Level::Note => "Note",
        };
        text += &wrapped(&format!("{mark:<8} "), &finding.title);
        if !finding.text.is_empty() {
            text += &wrapped(&" ".repeat(9), &finding.text);
        }
        text += "\n";
    }
    text += "Errors, and in brackets those of the best twentieth of tries where there are several; of responses\n";
    text += "and of a hidden column the share of rows not told right, in brackets of those told wrong:\n\n";
    let attacks: Vec<FitAttack> =
        tried(findings).next().unwrap_or_default().iter().map(|result| result.attack).collect();
    text += &format!("  {:<9} {:>9}", "protected", "level");
    attacks.iter().for_each(|attack| text += &format!("  {:>19}", head(*attack)));
    text += "\n";
    for results in tried(findings) {
        let first = &results[0];
        let protection = match first.protection {
            ProtectionKind::None => "no",
            ProtectionKind::Gaussian => "noise",
            ProtectionKind::Rounding => "rounding",
            ProtectionKind::Clip => "clip",
            ProtectionKind::TopK => "top",
        };
        let level = first.level.map_or(String::new(), |level| match first.protection {
            ProtectionKind::Gaussian => format!("{level:.1e}"),
            _ => level.to_string(),
        });
        text += &format!("  {protection:<9} {level:>9}");
        results.iter().for_each(|result| text += &format!("  {:>19}", reached(result)));
        text += "\n";
    }
    text += &format!("  {:<19}", "none (the guess)");
    for attack in attacks {
        let guess = findings.results.iter().find(|result| result.attack == attack).map_or(0.0, |r| r.guess_error);
        text += &format!("  {guess:>19.2e}");
    }
    text += "\n";
    for warning in &findings.warnings {
        text += &wrapped("warning: ", warning);
    }
    text
}

/// Over its column.
fn head(attack: FitAttack) -> &'static str {
    match attack {
        FitAttack::HatToWeights => "log weights",
        FitAttack::HatToCoefficients => "coefficients",
        FitAttack::SizesToOutcomes => "responses by size",
        FitAttack::SignsToOutcomes => "responses by sign",
        FitAttack::HatToColumn => "hidden column",
        FitAttack::CookToResiduals => "residual sizes",
        FitAttack::DffitsToResiduals => "residuals",
    }
}

fn reached(result: &FitResult) -> String {
    match (&result.error, result.wrong) {
        (None, _) => "no answer".into(),
        (Some(error), Some(wrong)) => format!("{:.1e} ({wrong:.0e})", error.median),
        (Some(error), _) if is_exact_under(error.median, result.protection) => "exact".into(),
        (Some(error), _) if result.trials > 1 => format!("{:.1e} ({:.1e})", error.median, error.q05),
        (Some(error), _) => format!("{:.1e}", error.median),
    }
}
