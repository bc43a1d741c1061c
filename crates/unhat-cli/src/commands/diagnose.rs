//! `unhat diagnose`: the regression diagnostics of every row, as R's `influence.measures`.

use crate::diagnose_options::Diagnose;
use crate::exit::Exit;
use crate::failure::{Failure, file_error, option_failure};
use crate::figure_files::figure_files;
use crate::output::note_formulas;
use crate::page::{PageFile, file_name, now, tool};
use crate::session::Session;
use crate::table_options::TableText;
use serde::Serialize;
use std::collections::BTreeMap;
use unhat::report::Solved;
use unhat::{ErrorKind, Result as Outcome};
use unhat_io::{
    Missing, ReadFrame, check_folder, check_output, check_table, print_table, write_folder, write_matrix_npy,
    write_table,
};
use unhat_models::diagnose::{
    Change, DiagnoseReport, Diagnosed, Moved, Options, PARTIAL_MOST, PICTURE_POINTS, Request, figures, summary,
};
use unhat_models::figures::Shown;
use unhat_models::regression::{MissingRows, Specification};
use unhat_report::{DiagnosePage, PAGE_PARTIAL, PAGE_POINTS, diagnose_page};

pub(super) fn run(arguments: &Diagnose, session: &mut Session<'_>) -> Result<Exit, Failure> {
    let is_matrix = match arguments.output.as_deref() {
        Some(path) if path.ends_with(".npy") => check_output(path).map(|()| true)?,
        Some(path) => check_table(path).map(|()| false)?,
        None => false,
    };
    let page = PageFile::of(arguments.report.as_deref())?;
    if let Some(folder) = &arguments.plots {
        check_folder(folder)?;
    }
    if arguments.safe.is_some() && session.common.json {
        return Err(option_failure("--safe", "goes without --json, which holds numbers and names of single rows"));
    }
    if arguments.text.missing == Missing::Indicator {
        return Err(option_failure("--missing", "found indicator, expected omit, exclude or error"));
    }
    let missing = if arguments.text.missing == Missing::Error { MissingRows::Error } else { MissingRows::Omit };
    let request = Request {
        specification: arguments.model.specification(missing)?,
        model: arguments.model.model()?,
        options: Options { rule: arguments.rule, leave_out: arguments.loo },
    };
    // Missing cells are kept while the table is read: those of columns that nobody uses do not matter.
    let text = TableText { missing: Missing::Error, ..arguments.text.clone() };
    let read = text.read_frame(&arguments.table, (&[], Some(Vec::new())), session)?;
    require_factors(&read, &request.specification, &arguments.table)?;
    let answer = session.compute(|run| request.answer(&read.frame, run))?;
    answer.frame.notes.iter().for_each(|note| session.note(note));
    answer.fit.warnings.iter().for_each(|warning| session.warn(warning));
    let mut report = DiagnoseReport::of(&answer, arguments.top);
    let (moved, left_out) = answer.moved(&Moved::of_words(&arguments.dfbeta))?;
    let writes_rows = arguments.output.is_some() || (arguments.safe.is_none() && !session.common.json);
    if let Some(note) = left_out.filter(|_| writes_rows && !arguments.no_dfbeta) {
        session.note(&note);
    }
    let table = Rows {
        answer: &answer,
        moved,
        padded: arguments.text.missing == Missing::Exclude,
        one_step: arguments.one_step,
        no_dfbeta: arguments.no_dfbeta,
    };
    if let Some(path) = &arguments.output {
        match is_matrix {
            true => {
                let (values, width) = table.values()?;
                write_matrix_npy(path, &values, width)?;
            }
            false => {
                let labels = (0..answer.frame.table_rows).map(|row| answer.frame.table_label(row));
                note_formulas(labels.chain(table.header()), path, session);
                write_table(path, table.header(), table.records()?)?;
            }
        }
    }
    let shown_on_page = match &arguments.report {
        Some(_) => session.compute(|run| figures(&answer, PAGE_PARTIAL, Shown::Rows { points: PAGE_POINTS }, run))?,
        None => Vec::new(),
    };
    let drawn = |session: &Session<'_>| {
        diagnose_page(&DiagnosePage {
            tool: tool(session),
            created_utc: Some(now()),
            table: file_name(&arguments.table),
            found: report.clone(),
            figures: shown_on_page,
            warnings: session.warnings().to_vec(),
        })
    };
    page.store(drawn, session)?;
    if let Some(folder) = &arguments.plots {
        store_figures(folder, arguments.safe, &answer, session)?;
    }
    if arguments.safe.is_some() {
        report.most_influential.clear();
        report.fitted_by_itself.clear();
        summary(&report).iter().for_each(|line| session.summary(line));
        return Ok(Exit::Done);
    }
    summary(&report).iter().for_each(|line| session.summary(line));
    if session.common.json {
        let columns = match &arguments.output {
            None => table.columns(),
            Some(_) => BTreeMap::new(),
        };
        session.report("diagnose", Solved::new(Found { report, written: table.header(), columns }), None)?;
    } else if arguments.output.is_none() {
        let mut out = Vec::new();
        print_table(&mut out, table.header(), table.records()?)
            .map_err(|e| ErrorKind::Numerical { reason: format!("CSV: {e}") })?;
        session.print_text(&String::from_utf8_lossy(&out))?;
    }
    Ok(Exit::Done)
}

/// The figures as a folder that appears whole or not at all.
fn store_figures(
    folder: &str,
    safe: Option<u64>,
    answer: &Diagnosed<'_>,
    session: &mut Session<'_>,
) -> Result<(), Failure> {
    let shown = safe.map_or(Shown::Rows { points: PICTURE_POINTS }, |least| Shown::Safe { least });
    let figures = session.compute(|run| figures(answer, PARTIAL_MOST, shown, run))?;
    let labels = figures.iter().flat_map(|figure| figure.named.iter().map(|named| named.row.clone()));
    note_formulas(labels, folder, session);
    let files = figure_files(folder, &figures)?;
    let files: Vec<(&str, Vec<u8>)> = files.iter().map(|(name, content)| (name.as_str(), content.clone())).collect();
    write_folder(folder, &files)?;
    session.summary(&format!("figures: {folder}"));
    let columns = answer.fit.rank() - usize::from(answer.problem().intercept);
    if columns > PARTIAL_MOST {
        session.note(&format!("{folder}: partial regressions of the first {PARTIAL_MOST} of {columns} columns"));
    }
    Ok(())
}

/// Columns of text that hardly are factors are refused where the formula uses them.
pub(super) fn require_factors(read: &ReadFrame, specification: &Specification, path: &str) -> Result<(), Failure> {
    let used = specification.columns(read.frame.names())?;
    match read.doubts.iter().find(|doubt| used.contains(&doubt.column)) {
        None => Ok(()),
        Some(doubt) => {
            let reason = doubt.reason.replace("--without leaves the column out", "leave the column out of the formula");
            Err(file_error(path, reason).into())
        }
    }
}

/// What the JSON holds: the report, the names of what is written, and without -o the columns.
#[derive(Serialize)]
struct Found {
    #[serde(flatten)]
    report: DiagnoseReport,
    written: Vec<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    columns: BTreeMap<String, Vec<Option<f64>>>,
}

/// The rows that are written: those of the fit, or all of the table.
struct Rows<'a> {
    answer: &'a Diagnosed<'a>,
    /// The coefficients whose changes are written, by their positions among the kept ones.
    moved: Vec<usize>,
    padded: bool,
    one_step: bool,
    no_dfbeta: bool,
}

impl Rows<'_> {
    fn changes(&self) -> Vec<(&'static str, Change)> {
        if self.no_dfbeta {
            return Vec::new();
        }
        let mut changes = vec![("dfbeta", Change::Dfbeta), ("dfbetas", Change::Dfbetas)];
        if self.one_step {
            changes.push(("dfbeta_one_step", Change::OneStep));
        }
        changes
    }

    fn header(&self) -> Vec<String> {
        let kept = self.answer.kept_names();
        let kept: Vec<&str> = self.moved.iter().map(|&k| kept[k]).collect();
        let moved = self
            .changes()
            .into_iter()
            .flat_map(|(name, _)| kept.iter().map(move |column| format!("{name}_{column}")).collect::<Vec<_>>());
        let plain = self.answer.columns().into_iter().map(|(name, _)| name.to_string());
        ["row".to_string()].into_iter().chain(plain).chain(moved).chain(["flag".to_string()]).collect()
    }

    /// For each row that is written, its place in the fit.
    fn places(&self) -> Vec<Option<usize>> {
        self.answer.places(self.padded)
    }

    /// The numbers of the rows of the fit, block by block: plain columns, then changes of the coefficients.
    fn blocks(&self) -> impl Iterator<Item = Outcome<Vec<Vec<f64>>>> {
        let source = self.answer.problem().source.shape();
        let per_block = self.answer.problem().source.rows_per_block();
        let columns = self.answer.columns();
        let p = self.moved.len();
        (0..source.rows.div_ceil(per_block)).map(move |k| {
            let moved: Outcome<Vec<Vec<f64>>> =
                self.changes().into_iter().map(|(_, change)| self.answer.changes(change, k, &self.moved)).collect();
            let moved = moved?;
            let start = k * per_block;
            let row = |i: usize| {
                let plain = columns.iter().map(|(_, values)| values[start + i]);
                plain.chain(moved.iter().flat_map(|values| values[i * p..(i + 1) * p].iter().copied())).collect()
            };
            Ok((0..per_block.min(source.rows - start)).map(row).collect())
        })
    }

    /// One record a row, the numbers in the digits that give them back.
    fn records(&self) -> Outcome<impl Iterator<Item = Vec<String>>> {
        let cell = |value: f64| if value.is_nan() { String::new() } else { format!("{value:?}") };
        let width = self.header().len();
        let frame = &self.answer.frame;
        let mut rows = self.blocks().flat_map(|block| block.unwrap_or_default()); // rows made of a table cannot fail
        let places = self.places();
        Ok(places.into_iter().enumerate().map(move |(at, place)| match place {
            Some(i) => {
                let numbers = rows.next().unwrap_or_default();
                let label = frame.label(i);
                [label].into_iter().chain(numbers.into_iter().map(cell)).chain([self.answer.flag(i)]).collect()
            }
            None => {
                let mut record = vec![String::new(); width];
                record[0] = frame.table_label(at);
                record
            }
        }))
    }

    /// All numbers row by row, the last 1 where the row is flagged; and how many a row has.
    fn values(&self) -> Outcome<(Vec<f64>, usize)> {
        let width = self.header().len() - 1;
        let mut all = Vec::new();
        let rows: Outcome<Vec<Vec<Vec<f64>>>> = self.blocks().collect();
        let mut rows = rows?.into_iter().flatten();
        for place in self.places() {
            match place {
                Some(i) => {
                    all.extend(rows.next().unwrap_or_default());
                    all.push(f64::from(u8::from(self.answer.found.flags[i].any())));
                }
                None => all.extend(std::iter::repeat_n(f64::NAN, width)),
            }
        }
        Ok((all, width))
    }

    /// The plain columns for the JSON.
    fn columns(&self) -> BTreeMap<String, Vec<Option<f64>>> {
        let places = self.places();
        let column = |values: &[f64]| {
            places.iter().map(|place| place.map(|i| values[i]).filter(|v| v.is_finite())).collect::<Vec<_>>()
        };
        self.answer.columns().into_iter().map(|(name, values)| (name.to_string(), column(values))).collect()
    }
}
