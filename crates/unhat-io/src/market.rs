//! MatrixMarket: a banner, comments, a line of sizes, then one entry a line.

use crate::fault::{Checked, Fault, room, shown, zeros};
use crate::lines::Lines;
use crate::matrix::Storage;
use crate::npy::DenseValues;
use crate::sparse::{Csr, Size, Triplets};
use crate::table::{fortran_number, lossy_integer};
use std::io::Read;

/// Longest line read. The format allows 1024 characters; what is longer is no line.
const LONGEST_LINE: u64 = 65_536;
/// How a comment begins, at the start of its line.
const COMMENT: u8 = b'%';

/// Reads a matrix.
pub(crate) fn read(text: impl Read) -> Checked<Storage> {
    let mut lines = Lines::new(text, COMMENT, LONGEST_LINE);
    let banner = Banner::read(&mut lines)?;
    match banner.layout {
        Layout::Coordinate => coordinate(&mut lines, &banner).map(Storage::Sparse),
        Layout::Array => array(&mut lines, &banner),
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Layout {
    Coordinate,
    Array,
}

#[derive(Clone, Copy, PartialEq)]
enum Field {
    Real,
    Integer,
    Pattern,
}

#[derive(Clone, Copy, PartialEq)]
enum Symmetry {
    General,
    Symmetric,
    Skew,
}

/// The first line: `%%MatrixMarket matrix coordinate real general`.
struct Banner {
    layout: Layout,
    field: Field,
    symmetry: Symmetry,
}

impl Banner {
    fn read(lines: &mut Lines<impl Read>) -> Checked<Self> {
        if !lines.next()? {
            return Err(Fault::new("the file is empty"));
        }
        let words: Vec<String> = lines.text().split_whitespace().map(str::to_lowercase).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let ["%%matrixmarket", "matrix", layout, field, symmetry] = words[..] else {
            let expected =
                "%%MatrixMarket matrix, then array or coordinate, real, integer or pattern, and the symmetry";
            return Err(lines.expected(expected));
        };
        let layout = match layout {
            "coordinate" => Layout::Coordinate,
            "array" => Layout::Array,
            _ => return Err(lines.fault(format!("found {}, expected array or coordinate", shown(layout)))),
        };
        let field = match field {
            "real" | "double" => Field::Real,
            "integer" | "unsigned-integer" => Field::Integer,
            "pattern" if layout == Layout::Coordinate => Field::Pattern,
            _ => {
                return Err(lines.fault(format!(
                    "found {} numbers, expected real, integer or (with coordinate) pattern",
                    shown(field)
                )));
            }
        };
        let symmetry = match symmetry {
            "general" => Symmetry::General,
            "symmetric" => Symmetry::Symmetric,
            "skew-symmetric" => Symmetry::Skew,
            _ => {
                return Err(
                    lines.fault(format!("found {}, expected general, symmetric or skew-symmetric", shown(symmetry)))
                );
            }
        };
        Ok(Banner { layout, field, symmetry })
    }

    fn check_size(&self, size: Size, lines: &Lines<impl Read>) -> Checked<Size> {
        if self.symmetry != Symmetry::General && size.rows != size.columns {
            let found = format!("found {} rows and {} columns", size.rows, size.columns);
            return Err(lines.fault(format!("{found}, expected as many of both in a symmetric matrix")));
        }
        let size = if self.layout == Layout::Array { size.check_not_empty() } else { size.check() };
        size.map_err(|f| f.within(&lines.position()))
    }

    fn value(&self, word: &str) -> Option<f64> {
        fortran_number(word)
            .filter(|&value| !lossy_integer(word, value))
            .filter(|value: &f64| self.field == Field::Real || !value.is_finite() || value.fract() == 0.0)
    }

    fn number_phrase(&self, word: &str) -> &'static str {
        match fortran_number(word) {
            Some(value) if lossy_integer(word, value) => "a whole number that a double can hold",
            _ if self.field == Field::Integer => "an integer",
            _ => "a number",
        }
    }
}

fn coordinate(lines: &mut Lines<impl Read>, banner: &Banner) -> Checked<Csr> {
    let ([rows, columns, promised], size_line) = lines.sizes("rows, columns and number of entries")?;
    let size = banner.check_size(Size { rows, columns }, lines)?;
    let words_expected = if banner.field == Field::Pattern { 2 } else { 3 };
    let mut entries = Triplets::default();
    let mut found = 0;
    while lines.next_with_content()? {
        let mut words = [""; 3];
        let count = lines.split_into(&mut words)?;
        if count != words_expected {
            let what = if words_expected == 2 { "row and column" } else { "row, column and value" };
            return Err(lines.expected(what));
        }
        let row = lines.index(words[0], "row", rows)?;
        let column = lines.index(words[1], "column", columns)?;
        let value = match banner.field {
            Field::Pattern => 1.0,
            _ => {
                let value = banner.value(words[2]).ok_or_else(|| {
                    let reason = format!("found {}, expected {}", shown(words[2]), banner.number_phrase(words[2]));
                    lines.fault_at_entry(row, column, reason)
                })?;
                lines.require_finite(value, words[2], row, column)?
            }
        };
        found += 1;
        if found > promised {
            return Err(lines.fault(format!("found more entries than the {promised} that line {size_line} promises")));
        }
        entries.room(2)?; // a symmetric one stands at two places
        push(&mut entries, banner.symmetry, row, column, value)
            .map_err(|reason| lines.fault_at_entry(row, column, reason))?;
    }
    if found < promised {
        return Err(Fault::new(format!(
            "ends after {found} entries, expected {promised} as line {size_line} promises"
        )));
    }
    entries.into_csr(size)
}

/// Adds an entry and its mirror image.
fn push(entries: &mut Triplets, symmetry: Symmetry, row: usize, column: usize, value: f64) -> Result<(), String> {
    if symmetry != Symmetry::General && row < column {
        return Err("found an entry above the diagonal, expected only the lower half of a symmetric matrix".into());
    }
    if symmetry == Symmetry::Skew && row == column {
        return if value == 0.0 {
            Ok(())
        } else {
            Err("found a diagonal entry, expected none in a skew-symmetric matrix".into())
        };
    }
    entries.push(row, column as u32, value);
    match symmetry {
        Symmetry::Symmetric if row != column => entries.push(column, row as u32, value),
        Symmetry::Skew => entries.push(column, row as u32, -value),
        _ => {}
    }
    Ok(())
}

fn array(lines: &mut Lines<impl Read>, banner: &Banner) -> Checked<Storage> {
    let ([rows, columns], _) = lines.sizes("rows and columns")?;
    let Size { rows, columns } = banner.check_size(Size { rows, columns }, lines)?;
    let Some(whole) = rows.checked_mul(columns) else {
        return Err(
            lines.fault(format!("found {rows} rows and {columns} columns, expected a matrix that a computer can hold"))
        );
    };
    let promised = match banner.symmetry {
        Symmetry::General => whole,
        Symmetry::Symmetric => (whole - rows) / 2 + rows,
        Symmetry::Skew => (whole - rows) / 2,
    };
    let mut by_column = Vec::new();
    let mut place = Places { rows, symmetry: banner.symmetry, row: 0, column: 0 };
    place.start_column();
    while lines.next_with_content()? {
        if by_column.len() == promised {
            return Err(lines.fault(format!("found more values than {promised}, as many as the sizes promise")));
        }
        let mut words = [""; 1];
        let count = lines.split_into(&mut words)?;
        let value = if count == 1 { banner.value(words[0]) } else { None };
        let value = value.ok_or_else(|| {
            let reason = format!(
                "found {}, expected {} alone on its line",
                shown(&lines.text()),
                banner.number_phrase(words[0])
            );
            lines.fault_at_entry(place.row, place.column, reason)
        })?;
        room(&mut by_column, 1, "the matrix")?;
        by_column.push(lines.require_finite(value, words[0], place.row, place.column)?);
        place.advance();
    }
    if by_column.len() < promised {
        return Err(Fault::new(format!("ends after {} values, expected {promised}", by_column.len())));
    }
    let mut place = Places { rows, symmetry: banner.symmetry, row: 0, column: 0 };
    place.start_column();
    let mut values = zeros(whole)?;
    for value in by_column {
        let Places { row, column, .. } = place;
        values[row * columns + column] = value;
        match banner.symmetry {
            Symmetry::General => {}
            Symmetry::Symmetric => values[column * columns + row] = value,
            Symmetry::Skew => values[column * columns + row] = -value,
        }
        place.advance();
    }
    Ok(Storage::Dense { values: DenseValues::Owned(values), columns })
}

/// Where the values of an array file go: down the columns, of symmetric matrices from the diagonal on.
struct Places {
    rows: usize,
    symmetry: Symmetry,
    row: usize,
    column: usize,
}

impl Places {
    fn start_column(&mut self) {
        self.row = match self.symmetry {
            Symmetry::General => 0,
            Symmetry::Symmetric => self.column,
            Symmetry::Skew => self.column + 1,
        };
    }

    fn advance(&mut self) {
        self.row += 1;
        if self.row >= self.rows {
            self.column += 1;
            self.start_column();
        }
    }
}

impl<R: Read> Lines<R> {
    /// The line of sizes, and its number.
    fn sizes<const N: usize>(&mut self, what: &str) -> Checked<([usize; N], usize)> {
        if !self.next_with_content()? {
            return Err(Fault::new(format!("ends before the line of sizes, expected {what}")));
        }
        let mut words = [""; N];
        let mut sizes = [0; N];
        let wrong = || self.expected(&format!("{what}, {N} whole numbers"));
        if self.split_into(&mut words)? != N {
            return Err(wrong());
        }
        for (size, word) in sizes.iter_mut().zip(words) {
            *size = word.parse().map_err(|_| wrong())?;
        }
        Ok((sizes, self.number()))
    }

    /// A 1-based number of a row or column, made 0-based.
    fn index(&self, word: &str, what: &str, size: usize) -> Checked<usize> {
        match word.parse::<usize>() {
            Ok(index) if (1..=size).contains(&index) => Ok(index - 1),
            _ => Err(self.fault(format!("found {what} {}, expected a number from 1 to {size}", shown(word)))),
        }
    }

    fn require_finite(&self, value: f64, word: &str, row: usize, column: usize) -> Checked<f64> {
        if value.is_finite() {
            return Ok(value);
        }
        Err(self.fault_at_entry(row, column, format!("found {}, expected a finite number", shown(word))))
    }

    fn fault_at_entry(&self, row: usize, column: usize, reason: String) -> Fault {
        Fault::at(format!("{}, row {}, column {}", self.position(), row + 1, column + 1), reason)
    }
}
