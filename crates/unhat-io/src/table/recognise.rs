//! From the beginning of a table to the way it is written: the delimiter, the decimal mark, and whether line 1 is a header.

use super::dialect::{Decimal, Delimiter, Dialect, RowNames, Thousands};
use super::numbers::{NumberFormat, flag, grouped};
use crate::fault::{Checked, Fault, listed, shown};
use crate::records::Records;
use std::io::{Cursor, Read};

/// How much of a text is looked at: what 64 kB do not show, an error will.
const SAMPLE: usize = 1 << 16;

/// What the beginning of a table says.
pub(super) struct Recognised {
    pub delimiter: Delimiter,
    pub numbers: NumberFormat,
    pub has_header: bool,
    /// The header has one cell less than the rows, as R writes it: the first column holds row names.
    pub short_header: bool,
    pub notes: Vec<String>,
}

/// Looks at the beginning of `text`; returns what it says, and the text from the first line of the table on.
pub(super) fn recognise<R: Read>(
    mut text: R,
    default: Delimiter,
    dialect: &Dialect,
) -> Checked<(Recognised, impl Read + use<R>)> {
    let mut start = Vec::new();
    text.by_ref().take(SAMPLE as u64).read_to_end(&mut start)?;
    let said = excel_line(&start);
    let skipped = said.map_or(0, |(_, length)| length);
    let whole = start.len() < SAMPLE;
    let sample = Sample { text: &start[skipped..], whole };
    let mut notes = Vec::new();
    let delimiter = match (dialect.delimiter, said) {
        (Some(delimiter), _) => delimiter,
        (None, Some((delimiter, _))) => delimiter,
        (None, None) => sample.delimiter(default, dialect)?,
    };
    let records = sample.records(delimiter);
    let decimal = dialect.decimal.unwrap_or_else(|| decimal(&records, delimiter));
    if delimiter != default && dialect.delimiter.is_none() || decimal == Decimal::Comma && dialect.decimal.is_none() {
        let commas = if decimal == Decimal::Comma { ", the numbers have decimal commas" } else { "" };
        notes.push(format!("cells are separated by {}{commas}", delimiter.name()));
    }
    let numbers = NumberFormat { decimal, thousands: dialect.thousands };
    let judge = Judge { records: &records, numbers, dialect };
    let short_header = short_header(&records)?;
    let has_header = match dialect.header {
        Some(given) => given,
        None if short_header => judge.is_all_words(),
        None => judge.has_header(&mut notes)?,
    };
    let short_header = short_header && has_header;
    let recognised = Recognised { delimiter, numbers, has_header, short_header, notes };
    Ok((recognised, Cursor::new(start.split_off(skipped)).chain(text)))
}

/// The line `sep=;` that Excel obeys: its delimiter, and its length with the line end.
fn excel_line(text: &[u8]) -> Option<(Delimiter, usize)> {
    let end = text.iter().position(|b| matches!(b, b'\n' | b'\r'))?;
    let line = std::str::from_utf8(&text[..end]).ok()?.trim_matches('"');
    let sign = line.get(..4).filter(|word| word.eq_ignore_ascii_case("sep=")).map(|_| &line[4..])?;
    let delimiter = sign.parse().ok()?;
    Some((delimiter, end + if text[end..].starts_with(b"\r\n") { 2 } else { 1 }))
}

struct Sample<'a> {
    text: &'a [u8],
    whole: bool,
}

type Lines = Vec<Vec<String>>;

impl Sample<'_> {
    /// The records that are whole in the sample, up to the first fault.
    fn records(&self, delimiter: Delimiter) -> Lines {
        let mut records = Records::new(self.text, delimiter.byte());
        let mut lines = Vec::new();
        while let Ok(true) = records.next() {
            lines.push(records.record().iter().map(|cell| cell.trim().to_string()).collect());
        }
        if !self.whole && lines.len() > 1 {
            lines.pop();
        }
        lines
    }

    /// What separates the cells: what the suffix says, unless the text can be read with something else only.
    fn delimiter(&self, default: Delimiter, dialect: &Dialect) -> Checked<Delimiter> {
        let signs = [Delimiter::Semicolon, Delimiter::Tab, Delimiter::Pipe, Delimiter::Comma, Delimiter::Blanks];
        let splits = |delimiter: &Delimiter| *delimiter != default && self.splits(*delimiter);
        let others: Vec<Delimiter> = signs.into_iter().filter(splits).collect();
        if self.splits(default) {
            // decimal commas split the cells of another delimiter as evenly as their own
            let european = |d: &&Delimiter| default == Delimiter::Comma && all_decimal_commas(&self.records(**d));
            if let Some(&other) = others.iter().find(european) {
                return Ok(other);
            }
            let unquoted = !self.text.contains(&b'"');
            if dialect.decimal == Some(Decimal::Comma) && default == Delimiter::Comma && unquoted {
                return Ok(Delimiter::Semicolon); // one column: a comma cannot be both
            }
            return Ok(default);
        }
        match others[..] {
            [] => Ok(default),
            [only] | [only, Delimiter::Blanks] => Ok(only),
            [first, second, ..] if others.iter().filter(|d| all_decimal_commas(&self.records(**d))).count() != 1 => {
                Err(Fault::new(format!(
                    "cells may be separated by {} or by {}: --delimiter says which",
                    first.name(),
                    second.name()
                )))
            }
            _ => Ok(others.into_iter().find(|d| all_decimal_commas(&self.records(*d))).unwrap_or(default)),
        }
    }

    /// Whether every line has the same number of cells, two or more, with the header one less at most.
    fn splits(&self, delimiter: Delimiter) -> bool {
        let records = self.records(delimiter);
        let Some((first, rest)) = records.split_first() else { return false };
        let width = rest.first().map_or(first.len(), Vec::len);
        let even = width >= 2
            && (first.len() == width || first.len() + 1 == width)
            && rest.iter().all(|record| record.len() == width);
        // blanks stand in names too: here they separate where a column is one of numbers
        let is_numeric = |column: usize| {
            let mut cells = rest.iter().map(|record| &record[column]);
            cells.all(|cell| cell.parse::<f64>().is_ok() || is_decimal_comma(cell))
        };
        even && (delimiter != Delimiter::Blanks || !rest.is_empty() && (0..width).any(is_numeric))
    }
}

/// Whether there are cells with commas, all of them numbers.
fn all_decimal_commas(records: &Lines) -> bool {
    let mut with_commas = records.iter().flatten().filter(|cell| cell.contains(',')).peekable();
    with_commas.peek().is_some() && with_commas.all(|cell| is_decimal_comma(cell))
}

fn is_decimal_comma(cell: &str) -> bool {
    let read_with = |thousands| NumberFormat { decimal: Decimal::Comma, thousands }.number(cell).is_some();
    cell.contains(',') && (read_with(None) || read_with(Some(Thousands::Point)))
}

/// A comma, where cells can be read with nothing else: 1,5 and 0,123, but not 1,234 alone, and not beside 1.5.
fn decimal(records: &Lines, delimiter: Delimiter) -> Decimal {
    let mut commas = false;
    for cell in records.iter().flatten() {
        if cell.contains('.') && cell.parse::<f64>().is_ok() {
            return Decimal::Point;
        }
        commas |= delimiter != Delimiter::Comma && is_decimal_comma(cell) && !grouped(cell, ',');
    }
    if commas { Decimal::Comma } else { Decimal::Point }
}

/// Whether the header has one cell less than the rows.
fn short_header(records: &Lines) -> Checked<bool> {
    let Some((header, rows)) = records.split_first() else { return Ok(false) };
    let width = header.len() + 1;
    if rows.is_empty() || rows.iter().any(|row| row.len() != width) {
        return Ok(false);
    }
    if rows.iter().all(|row| row[width - 1].is_empty()) {
        let reason = format!(
            "line 1 has {} cells, but every row {width}, the last of them empty: remove the delimiter at the end of the rows",
            width - 1
        );
        return Err(Fault::new(reason));
    }
    if header[0].starts_with('#') {
        let reason = format!("found {}: a comment? remove the line", shown(&header.join(" ")));
        return Err(Fault::at("line 1", reason));
    }
    Ok(true)
}

/// Whether line 1 is a header.
struct Judge<'a> {
    records: &'a Lines,
    numbers: NumberFormat,
    dialect: &'a Dialect,
}

#[derive(Clone, Copy, PartialEq)]
enum Cell {
    Missing,
    Number,
    Word,
}

impl Judge<'_> {
    fn cell(&self, cell: &str) -> Cell {
        if self.dialect.is_missing(cell) {
            return Cell::Missing;
        }
        match self.numbers.number(cell).or_else(|| flag(cell)) {
            Some(_) => Cell::Number,
            None => Cell::Word,
        }
    }

    /// Whether the cells of a column below line 1 are numbers, some of them at least; None where nothing is there.
    fn goes_on_as_numbers(&self, column: usize) -> Option<bool> {
        let mut seen = None;
        for cell in self.records[1..].iter().filter_map(|record| record.get(column)) {
            match self.cell(cell) {
                Cell::Word => return Some(false),
                Cell::Number => seen = Some(true),
                Cell::Missing => {}
            }
        }
        seen
    }

    fn is_all_words(&self) -> bool {
        self.records.first().is_some_and(|first| first.iter().all(|cell| self.cell(cell) == Cell::Word))
    }

    fn has_header(&self, notes: &mut Vec<String>) -> Checked<bool> {
        let Some(first) = self.records.first() else { return Ok(false) };
        let kinds: Vec<Cell> = first.iter().map(|cell| self.cell(cell)).collect();
        let places = |kind: Cell| kinds.iter().enumerate().filter(move |&(_, &k)| k == kind).map(|(column, _)| column);
        let unnamed_first = first.len() > 1 && first[0].is_empty() && self.dialect.row_names != RowNames::None;
        if places(Cell::Word).next().is_none() {
            // no word: data, but for a header of numbers behind a first cell without a name
            return match unnamed_first && places(Cell::Missing).count() == 1 {
                true => Err(self.doubt(first)),
                false => Ok(false),
            };
        }
        let word_over_numbers = places(Cell::Word).any(|column| self.goes_on_as_numbers(column) == Some(true));
        if places(Cell::Number).next().is_some() {
            let go_on = places(Cell::Number).all(|column| self.goes_on_as_numbers(column) != Some(false));
            return match (go_on, word_over_numbers) {
                (true, false) if self.records.len() > 1 => Ok(false),
                _ => Err(self.doubt(first)),
            };
        }
        let marks = places(Cell::Missing).filter(|&column| !first[column].is_empty()).count();
        if marks > 0 && !word_over_numbers {
            return Err(self.doubt(first));
        }
        let nothing_says_so = !word_over_numbers && !unnamed_first;
        if marks > 0 || nothing_says_so && self.records.len() > 1 {
            notes.push(format!("line 1 was taken for the header: {}; --no-header says otherwise", listed(first)));
        }
        Ok(true)
    }

    fn doubt(&self, first: &[String]) -> Fault {
        let line = first.join(" | ");
        Fault::at(
            "line 1",
            format!("found {}, a header or a row of data? --header or --no-header says which", shown(&line)),
        )
    }
}
