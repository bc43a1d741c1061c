//! `unhat audit`: what a release gives away, in words, as data, and as a page.

use crate::exit::Exit;
use crate::failure::{Failure, option_failure};
use crate::input::{System, read_numbers, require_all_rows, require_one_reader_of_stdin};
use crate::options::{Audit as Arguments, MatrixInput};
use crate::page::{PageFile, command_line, file_name, now};
use crate::session::Session;
use unhat::audit::report::{AttackKind, AuditReport, Detail, Level, ProtectionKind, ReleaseKind, ReleaseResult};
use unhat::audit::{AuditOptions, Labels, audit, is_exact_under};
use unhat::leverage::least_squares;
use unhat_io::{Matrix, read_rows};

pub(super) fn run(arguments: &Arguments, session: &mut Session<'_>) -> Result<Exit, Failure> {
    if let Some(option) = arguments.fit.first_given() {
        return Err(option_failure(option, "belongs to --release hat, cook, deviance and dffits"));
    }
    let source = arguments.table.as_ref().or(arguments.matrix.as_ref());
    require_one_reader_of_stdin(&[
        (if arguments.table.is_some() { "TABLE" } else { "--matrix" }, source.map(String::as_str)),
        ("--offset", arguments.offset.as_deref()),
        ("--point", arguments.point.as_deref()),
        ("--rows", arguments.rows.as_deref()),
    ])?;
    let page = PageFile::of(arguments.report.as_deref())?;
    let input = input(arguments);
    let system = System::read(&input, arguments.offset.as_deref(), session)?;
    let (matrix, offset) = (&system.matrix, system.offset()?);
    let given = arguments
        .point
        .as_deref()
        .map(|path| read_numbers(path, "point", matrix.shape().columns, &input.text))
        .transpose()?;
    if arguments.rows.is_some() {
        require_all_rows(matrix, "--rows")?;
    }
    let options = options(arguments, matrix, session)?;
    let rows = matrix.rows()?;
    let computed = session.compute(|run| {
        let x = match given {
            Some(x) => x,
            None => least_squares(&rows, offset, run)?.x,
        };
        audit(&rows, offset, &x, &options, run)
    });
    let mut findings = computed.map_err(|error| Failure::in_matrix(error, matrix))?;
    findings.warnings.extend(session.warnings().iter().cloned());
    page.store(|_| unhat_report::audit_page(&findings), session)?;
    if session.common.json {
        session.print_object(&findings)?;
    } else {
        session.print_text(&text(&findings))?;
        session.summary(&format!("{} tries, {}", tries(&findings), session.elapsed()));
    }
    Ok(Exit::Done)
}

/// The table or matrix that is audited.
pub(super) fn input(arguments: &Arguments) -> MatrixInput {
    MatrixInput {
        matrix: arguments.table.as_ref().or(arguments.matrix.as_ref()).cloned(),
        polytope: None,
        integer_bounds: None,
        columns: arguments.columns.clone(),
        response: arguments.response.clone(),
        without: arguments.without.clone(),
        intercept: arguments.intercept,
        text: arguments.text.clone(),
    }
}

pub(super) fn options(arguments: &Arguments, matrix: &Matrix, session: &Session<'_>) -> Result<AuditOptions, Failure> {
    let path = arguments.table.as_deref().or(arguments.matrix.as_deref()).unwrap_or_default();
    let detail = Detail::from(arguments.report_detail);
    // The words of the call name files, which are nobody else's business.
    let command = match detail {
        Detail::Owner => command_line(),
        Detail::Share => "unhat audit".into(),
    };
    Ok(AuditOptions {
        release: arguments.release.of_slacks(),
        rows: arguments.rows.as_deref().map(read_rows).transpose()?,
        noise: given("--noise", &arguments.noise)?,
        digits: given("--round", &arguments.round)?,
        clip: given("--clip", &arguments.clip)?,
        top: given("--top", &arguments.top)?,
        target_error: arguments.target_error,
        trials: arguments.trials,
        delta: arguments.delta,
        seed: session.common.seed,
        detail,
        labels: Labels {
            table: file_name(path),
            columns: matrix.column_names.clone().unwrap_or_default(),
            response: arguments.response.clone(),
            command,
            created_utc: Some(now()),
        },
    })
}

/// The values of an option, no two of them equal.
fn given<T: PartialEq + Clone + std::fmt::Display>(
    name: &str,
    values: &Option<Vec<T>>,
) -> Result<Option<Vec<T>>, Failure> {
    for (k, value) in values.iter().flatten().enumerate() {
        if values.iter().flatten().take(k).any(|earlier| earlier == value) {
            return Err(option_failure(name, format!("{value} is named twice; name it once")));
        }
    }
    Ok(values.clone())
}

fn tries(findings: &AuditReport) -> u32 {
    findings.releases.iter().map(|result| result.trials).sum()
}

/// Lines end before this column.
const WIDTH: usize = 100;

/// The findings, then what was reached under each protection.
fn text(findings: &AuditReport) -> String {
    let mut text = String::new();
    for finding in &findings.findings {
        let mark = match finding.level {
            Level::Exposed => "Exposed",
            Level::Action => "To do",
            Level::Note => "Note",
        };
        text += &wrapped(&format!("{mark:<8} "), &finding.title);
        text += &wrapped(&" ".repeat(9), &finding.text);
        text += "\n";
    }
    text += "Relative error of x, and of the best twentieth of tries where there are several:\n\n";
    text += &format!(
        "  {:<9} {:<9} {:>10} {:>16} {:>16} {:>16} {:>16}\n",
        "release", "protected", "level", "blind", "from a start", "signs known", "ridge fit"
    );
    for results in
        findings.releases.chunk_by(|a, b| (a.release, a.protection, a.level) == (b.release, b.protection, b.level))
    {
        text += &line(results);
    }
    if let Some(baseline) = &findings.baseline {
        let centre = format!("{:.1e}", baseline.rel_error);
        text += &format!("  {:<30}  {:>16} {:>16} {centre:>16}\n", "none (centre of the cell)", "", "");
    }
    for warning in &findings.warnings {
        text += &wrapped("warning: ", warning);
    }
    text
}

/// One protection: what each attack reached.
fn line(results: &[ReleaseResult]) -> String {
    let first = &results[0];
    let release = match first.release {
        ReleaseKind::Scores => "scores",
        ReleaseKind::Gradient => "gradient",
        ReleaseKind::Both => "both",
    };
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
    let reached = |attack| {
        let found = results.iter().find(|result| result.attack == attack);
        found.map_or(String::new(), |result| match (result.error_median, result.error_q05) {
            (Some(median), _) if is_exact_under(median, result.protection) => "exact".into(),
            (Some(median), Some(q05)) if result.trials > 1 => format!("{median:.1e} ({q05:.1e})"),
            (Some(median), _) => format!("{median:.1e}"),
            (None, _) => "no answer".into(),
        })
    };
    let all = [AttackKind::Blind, AttackKind::Start, AttackKind::Signs, AttackKind::Ridge];
    let [blind, start, signs, ridge] = all.map(reached);
    format!("  {release:<9} {protection:<9} {level:>10} {blind:>16} {start:>16} {signs:>16} {ridge:>16}\n")
}

/// A paragraph with a head before its first line, and as many blanks before the others.
pub(super) fn wrapped(head: &str, paragraph: &str) -> String {
    let indent = head.chars().count();
    let (mut text, mut column) = (head.to_string(), indent);
    // A number stays on one line with its percent sign or its power of ten.
    const KEPT: [(&str, &str); 2] = [(" %", "\u{a0}%"), (" × 10", "\u{a0}×\u{a0}10")];
    let kept = KEPT.iter().fold(paragraph.to_string(), |text, (apart, together)| text.replace(apart, together));
    for word in kept.split(' ') {
        let length = word.chars().count();
        if column + length > WIDTH && column > indent {
            text = text.trim_end().to_string() + "\n" + &" ".repeat(indent);
            column = indent;
        }
        text += word;
        text += " ";
        column += length + 1;
    }
    KEPT.iter().fold(text.trim_end().to_string(), |text, (apart, together)| text.replace(together, apart)) + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_are_broken_between_words_and_stay_under_their_head() {
        let words = vec!["word"; 40].join(" ");
        let text = wrapped("Note  ", &words);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines.len() == 3 && lines.iter().all(|line| line.chars().count() <= WIDTH));
        assert!(lines[0].starts_with("Note  word") && lines[1].starts_with("      word"));
        let text = wrapped("", &"within 1.2 × 10⁻⁵ ".repeat(20));
        assert!(text.matches("1.2 × 10⁻⁵").count() == 20 && !text.contains('\u{a0}'), "{text}");
        let text = wrapped("Note  ", &words);
        assert_eq!(text.split_whitespace().filter(|w| *w == "word").count(), 40);
    }
}
