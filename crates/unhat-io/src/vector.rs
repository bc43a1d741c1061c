//! Vectors, and lists of row numbers.

use crate::fault::STDIN;
use crate::fault::{Checked, Fault, room, shown};
use crate::format::Suffix;
use crate::map::MappedFile;
use crate::npy;
use crate::open::{open_regular, open_text};
use crate::records::Records;
use crate::table::{Decimal, Dialect, NumberFormat, lossy_integer};
use std::collections::HashMap;
use std::io::Read;
use unhat::Result;

/// Reads a vector from `path`; `what` names it in messages, for example "offset".
///
/// `.npy`: shape (n), (n, 1) or (1, n), any real type. `.txt`, `.csv`, `.tsv` (also with `.gz`) and `-`, standard input:
/// one number a line, or all of them on one line, separated by commas, tabs or blanks; one header line may come first.
/// A file written by [`write_vector`](crate::write_vector), with two columns headed `row` or `index` and a name, is read
/// back: the vector is its last column.
///
/// # Cost
/// One pass over the file; 8 bytes for each value.
/// # Errors
/// [`ErrorKind::Source`](unhat::ErrorKind::Source) with file, row, and what was found. NaN and infinities are refused in
/// text, not in `.npy`.
pub fn read_vector(path: &str, what: &str) -> Result<Vec<f64>> {
    read_vector_as(path, what, &Dialect::default())
}

/// Reads a vector whose numbers are written as `dialect` says: its decimal mark and thousands, and its delimiter where the
/// text has it. The files of [`write_vector`](crate::write_vector) are read as they were written, whatever it says.
///
/// # Cost
/// As [`read_vector`]; with a dialect the text itself besides.
/// # Errors
/// As [`read_vector`]; also for a whole number that a double cannot hold.
pub fn read_vector_as(path: &str, what: &str, dialect: &Dialect) -> Result<Vec<f64>> {
    read(path, dialect).map_err(|fault| fault.within(what).in_input(path))
}

fn read(path: &str, dialect: &Dialect) -> Checked<Vec<f64>> {
    if path == STDIN {
        return text(open_text(path, false)?, None, dialect);
    }
    let suffix = Suffix::of(path);
    let delimiter = match (suffix.name.as_str(), suffix.gzip) {
        ("npy", false) => return npy::map_vector(&MappedFile::open(&open_regular(path)?)?),
        ("csv", _) => Some(b','),
        ("tsv", _) => Some(b'\t'),
        ("txt", _) => None,
        _ => return Err(suffix.unknown(".txt, .csv, .tsv or .npy")),
    };
    text(open_text(path, suffix.gzip)?, delimiter, dialect)
}

/// How the cells of the lines make up a vector.
#[derive(Clone, Copy, PartialEq)]
enum Arrangement {
    /// One number on every line.
    Column,
    /// All numbers on a single line.
    Line,
    /// The name or number of a row, then its value.
    Numbered,
}

fn text(mut source: Box<dyn Read>, delimiter: Option<u8>, dialect: &Dialect) -> Checked<Vec<f64>> {
    let said = Dialect { delimiter: dialect.delimiter, decimal: dialect.decimal, ..Dialect::default() };
    let plain = said == Dialect::default() && dialect.thousands.is_none();
    if let (Some(delimiter), true) = (delimiter, plain) {
        return records(Records::new(source, delimiter), delimiter, NumberFormat::PLAIN);
    }
    let mut bytes = Vec::new();
    source.read_to_end(&mut bytes)?;
    let own = OWN_HEADERS.iter().any(|header| bytes.starts_with(header));
    let (delimiter, numbers) = match plain || own {
        true => (delimiter.unwrap_or_else(|| delimiter_of(&bytes, b",\t")), NumberFormat::PLAIN),
        false => {
            let decimal = dialect.decimal.unwrap_or(Decimal::Point);
            let given = dialect.delimiter.map(|d| d.byte()).filter(|delimiter| bytes.contains(delimiter));
            // A comma that may be part of a number separates none.
            let in_numbers = decimal == Decimal::Comma || dialect.thousands.is_some();
            let usual: &[u8] = if in_numbers { b";\t" } else { b",;\t" };
            let of_suffix = delimiter.filter(|&delimiter| delimiter != b',' || !in_numbers);
            let delimiter = given.or(of_suffix).unwrap_or_else(|| delimiter_of(&bytes, usual));
            (delimiter, NumberFormat { decimal, thousands: dialect.thousands })
        }
    };
    records(Records::new(&bytes[..], delimiter), delimiter, numbers)
}

/// How the files begin that [`write_vector`](crate::write_vector) writes.
const OWN_HEADERS: [&[u8]; 4] = [b"row,", b"row\t", b"index,", b"index\t"];

/// The delimiter of a text that nobody names.
fn delimiter_of(bytes: &[u8], usual: &[u8]) -> u8 {
    usual.iter().copied().find(|delimiter| bytes.contains(delimiter)).unwrap_or(b' ')
}

fn records(mut records: Records<impl Read>, delimiter: u8, numbers: NumberFormat) -> Checked<Vec<f64>> {
    let arrangement = start(&mut records, delimiter, &numbers)?;
    let mut values = Vec::new();
    loop {
        let line = cells(&records, delimiter);
        room(&mut values, line.len(), "the vector")?;
        match (arrangement, &line[..]) {
            (Arrangement::Column, [cell]) | (Arrangement::Numbered, [_, cell]) => {
                values.push(finite(cell, &numbers, || records.position())?);
            }
            (Arrangement::Line, cells) if records.rows() == 1 => {
                for (k, cell) in cells.iter().enumerate() {
                    values.push(finite(cell, &numbers, || format!("row 1, value {}", k + 1))?);
                }
            }
            _ => {
                let reason = match arrangement {
                    Arrangement::Column => format!("found {} cells, expected one number", line.len()),
                    Arrangement::Numbered => format!("found {} cells, expected a name and a number", line.len()),
                    Arrangement::Line if delimiter == b',' && line.len() == 2 => {
                        "found a second line of two cells, expected one number a line: are the commas decimal marks? Then \
                         --decimal , says so"
                            .into()
                    }
                    Arrangement::Line => {
                        "found a second line, expected one line of numbers or one number a line".into()
                    }
                };
                return Err(Fault::at(records.position(), reason));
            }
        }
        if !records.next()? {
            return Ok(values);
        }
    }
}

/// Steps over the header, if there is one, to the first line of numbers.
fn start(records: &mut Records<impl Read>, delimiter: u8, numbers: &NumberFormat) -> Checked<Arrangement> {
    if !records.next()? {
        return Err(Fault::new("the file holds no number"));
    }
    let first = cells(records, delimiter);
    let mut numbered = false;
    if first.iter().any(|cell| numbers.number(cell).is_none()) {
        numbered = first.len() == 2 && ["row", "index"].contains(&first[0].as_str());
        // What may be a value is no header.
        let may_be_data = |cell: &&String| Dialect::default().is_missing(cell) || numbers.likeness(cell).is_some();
        if let Some(cell) = first.iter().find(may_be_data).filter(|_| !numbered) {
            return Err(no_number(cell, numbers, "row 1".into()));
        }
        records.is_header();
        if !records.next()? {
            return Err(Fault::new(format!("found {} and nothing else, expected numbers", shown(&first.join(" ")))));
        }
    }
    match cells(records, delimiter).len() {
        0 => Err(Fault::at(records.position(), "found a line of blanks, expected numbers")),
        1 => Ok(Arrangement::Column),
        2 if numbered => Ok(Arrangement::Numbered),
        _ => Ok(Arrangement::Line),
    }
}

/// The cells of the present line; several blanks separate like one.
fn cells(records: &Records<impl Read>, delimiter: u8) -> Vec<String> {
    let cells = records.record().iter().map(|cell| cell.trim().to_string());
    cells.filter(|cell| delimiter != b' ' || !cell.is_empty()).collect()
}

fn finite(cell: &str, numbers: &NumberFormat, position: impl Fn() -> String) -> Checked<f64> {
    match numbers.number(cell) {
        Some(value) if lossy_integer(cell, value) => Err(Fault::at(
            position(),
            format!("found {}, a whole number that a double cannot hold; the nearest is {value}", shown(cell)),
        )),
        Some(value) if value.is_finite() => Ok(value),
        Some(_) => Err(Fault::at(position(), format!("found {}, expected a finite number", shown(cell)))),
        None => Err(no_number(cell, numbers, position())),
    }
}

fn no_number(cell: &str, numbers: &NumberFormat, position: String) -> Fault {
    if cell.is_empty() {
        return Fault::at(position, "found an empty cell, expected a number");
    }
    let advice = numbers.likeness(cell).map_or(String::new(), |advice| format!(": {advice}"));
    Fault::at(position, format!("found {}, expected a number{advice}", shown(cell)))
}

/// Reads row numbers: text, one a line, counted from 1. They come back counted from 0, in the order of the file.
///
/// # Errors
/// [`ErrorKind::Source`](unhat::ErrorKind::Source) for what is no whole number of 1 or more, for repeats, and when there
/// is none at all. Whether the rows exist is for the caller to check.
pub fn read_rows(path: &str) -> Result<Vec<usize>> {
    row_numbers(path).map_err(|fault| fault.in_input(path))
}

fn row_numbers(path: &str) -> Checked<Vec<usize>> {
    let gzip = path != STDIN && Suffix::of(path).gzip;
    let mut records = Records::new(open_text(path, gzip)?, b',');
    let mut rows = Vec::new();
    let mut lines = HashMap::new();
    while records.next()? {
        let position = || format!("line {}", records.rows());
        let cell = records.record().get(0).unwrap_or_default().trim();
        let row = match cell.parse::<usize>() {
            Ok(row) if row > 0 && records.record().len() == 1 => row - 1,
            _ => {
                let line = records.record().iter().collect::<Vec<_>>().join(",");
                return Err(Fault::at(
                    position(),
                    format!("found {}, expected one row number, counted from 1", shown(&line)),
                ));
            }
        };
        if let Some(first) = lines.insert(row, records.rows()) {
            return Err(Fault::at(
                position(),
                format!("found row {} again, after line {first}; expected each once", row + 1),
            ));
        }
        rows.push(row);
    }
    if rows.is_empty() {
        return Err(Fault::new("the file holds no row number"));
    }
    Ok(rows)
}
