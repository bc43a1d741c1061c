//! H-representations of cddlib and lrs: rows β α₁ … α_d, meaning β + α·x ≥ 0.

use super::inequalities::{Polytope, finite, negated};
use super::quotient::{MOST_DIGITS, nearest_quotient};
use crate::fault::{Checked, Fault, shown};
use crate::lines::Lines;
use crate::sparse::{Size, Triplets};
use std::io::Read;

/// Longest line read: a row with half a million numbers of 30 characters.
const LONGEST_LINE: u64 = 1 << 24;
/// How a comment begins, at the start of its line.
const COMMENT: u8 = b'*';
/// Options that add rows or change what rows mean, so that to ignore them would give another polytope.
const EQUALITIES: [&str; 2] = ["linearity", "equality"];
const MORE_ROWS: [&str; 1] = ["nonnegative"];

/// Reads a polytope.
pub(super) fn read(text: impl Read) -> Checked<Polytope> {
    let mut lines = Lines::new(text, COMMENT, LONGEST_LINE);
    skip_to_begin(&mut lines)?;
    let header = Header::read(&mut lines)?;
    let rows = header.read_rows(&mut lines)?;
    while lines.next_with_content()? {
        refuse_option(&lines)?;
    }
    rows.finish(header.size.columns).map_err(|fault| fault.within(&format!("line {}", header.line)))
}

/// Steps to the line `begin`, past names and options. Where no line says so, the rows are inequalities, as lrs has it.
fn skip_to_begin(lines: &mut Lines<impl Read>) -> Checked<()> {
    let mut is_h = false;
    // A name may look like an option where a line H-representation follows.
    let mut option_before = None;
    while lines.next_with_content()? {
        let text = lines.text();
        let line = text.trim();
        if line.eq_ignore_ascii_case("H-representation") {
            is_h = true;
        } else if line.eq_ignore_ascii_case("V-representation") {
            return Err(lines.expected("H-representation: rows of inequalities, not of points"));
        } else if line.eq_ignore_ascii_case("begin") {
            return match option_before {
                Some(fault) if !is_h => Err(fault),
                _ => Ok(()),
            };
        } else if let Err(fault) = refuse_option(lines) {
            if is_h {
                return Err(fault);
            }
            option_before.get_or_insert(fault);
        }
    }
    Err(lines.fault("found the end of the file, expected begin".into()))
}

/// Refuses the options that may not be ignored: the word, then nothing but whole numbers. Other lines are text.
fn refuse_option(lines: &Lines<impl Read>) -> Checked<()> {
    let text = lines.text();
    let mut words = text.split_ascii_whitespace();
    let option = words.next().unwrap_or_default();
    let numbers: Vec<&str> = words.collect();
    if !numbers.iter().all(|word| is_integer(word)) {
        return Ok(());
    }
    let count = numbers.first().copied().unwrap_or_default();
    let is_one_of = |options: &[&str]| options.iter().any(|o| o.eq_ignore_ascii_case(option));
    if is_one_of(&EQUALITIES) && count != "0" {
        let rows = numbers.iter().skip(1).copied().collect::<Vec<_>>().join(" ");
        let rows = if rows.is_empty() { rows } else { format!(" for rows {}", shown(&rows)) };
        return Err(lines.fault(format!("found {}{rows}: equality form is not supported yet", shown(option))));
    }
    if is_one_of(&MORE_ROWS) {
        return Err(lines.fault(format!("found option {}, expected x ≥ 0 as rows", shown(option))));
    }
    Ok(())
}

/// The line after `begin`: `20 11 rational`.
struct Header {
    /// Of A, without the column of β.
    size: Size,
    numbers: Numbers,
    line: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum Numbers {
    Real,
    Rational,
    Integer,
}

impl Header {
    fn read(lines: &mut Lines<impl Read>) -> Checked<Self> {
        let wrong = |lines: &Lines<_>| lines.expected("the number of rows, d + 1, and real, rational or integer");
        if !lines.next_with_content()? {
            return Err(lines.fault("found the end of the file, expected the line of sizes".into()));
        }
        let mut words = [""; 3];
        if lines.split_into(&mut words)? != words.len() {
            return Err(wrong(lines));
        }
        let numbers = match words[2].to_ascii_lowercase().as_str() {
            "real" => Numbers::Real,
            "rational" => Numbers::Rational,
            "integer" => Numbers::Integer,
            _ => return Err(wrong(lines)),
        };
        let (Ok(rows), Ok(width)) = (words[0].parse::<usize>(), words[1].parse::<usize>()) else {
            return Err(wrong(lines));
        };
        if rows == 0 || width < 2 {
            let reason = format!("found {rows} rows of {width} numbers, expected at least 1 row of 2 numbers");
            return Err(lines.fault(reason));
        }
        let size = Size { rows, columns: width - 1 }.check().map_err(|fault| fault.within(&lines.position()))?;
        Ok(Header { size, numbers, line: lines.number() })
    }

    /// The rows up to `end`: their numbers one after the other, broken into lines anywhere.
    fn read_rows(&self, lines: &mut Lines<impl Read>) -> Checked<RowList> {
        let Size { rows, columns } = self.size;
        let mut list = RowList::default();
        let mut row: Vec<f64> = Vec::new();
        while lines.next_with_content()? {
            for word in lines.content()?.split_ascii_whitespace() {
                let complete = list.offset.len();
                if word.eq_ignore_ascii_case("end") {
                    if row.is_empty() && complete == rows {
                        return Ok(list);
                    }
                    let within =
                        if row.is_empty() { String::new() } else { format!(" and {} numbers of the next", row.len()) };
                    let promise = self.promise(&format!("{rows} rows of {} numbers", columns + 1));
                    return Err(lines.fault(format!("found end after {complete} rows{within}, {promise}")));
                }
                if complete == rows {
                    let promise = self.promise(&format!("end after {rows} rows of {} numbers", columns + 1));
                    return Err(lines.fault(format!("found {}, {promise}", shown(word))));
                }
                let value = self.value(word).map_err(|fault| {
                    let place = format!("{}, row {}, number {}", lines.position(), complete + 1, row.len() + 1);
                    fault.within(&place)
                })?;
                row.push(value);
                if row.len() == columns + 1 {
                    list.push(&row)?;
                    row.clear();
                }
            }
        }
        let promise = self.promise(&format!("{rows} rows and end"));
        Err(lines.fault(format!("found the end of the file after {} rows, {promise}", list.offset.len())))
    }

    fn promise(&self, expected: &str) -> String {
        format!("expected {expected} as line {} promises", self.line)
    }

    fn value(&self, word: &str) -> Checked<f64> {
        match (self.numbers, word.split_once('/')) {
            (Numbers::Rational, Some((numerator, denominator))) => quotient(numerator, denominator)
                .ok_or_else(|| Fault::new(format!("found {}, expected p/q of two integers, q above 0", shown(word))))?,
            (Numbers::Integer, _) if !is_integer(word) => {
                Err(Fault::new(format!("found {}, expected an integer", shown(word))))
            }
            _ => finite(word),
        }
    }
}

/// p/q from its two parts; None if they are no integers, too long, or q is not positive.
fn quotient(numerator: &str, denominator: &str) -> Option<Checked<f64>> {
    if !is_integer(numerator) || denominator.is_empty() || !denominator.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let digits = numerator.trim_start_matches(['+', '-']);
    let longest = digits.len().max(denominator.len());
    if longest > MOST_DIGITS {
        return Some(Err(Fault::new(format!("found an integer of {longest} digits, expected at most {MOST_DIGITS}"))));
    }
    let value = nearest_quotient(digits, denominator)?;
    Some(match value.is_finite() {
        true => Ok(if numerator.starts_with('-') { negated(value) } else { value }),
        false => Err(Fault::new("found a quotient beyond the largest double, expected a finite number")),
    })
}

fn is_integer(word: &str) -> bool {
    let digits = word.strip_prefix(['+', '-']).unwrap_or(word);
    !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
}

/// The rows that are complete.
#[derive(Default)]
struct RowList {
    entries: Triplets,
    offset: Vec<f64>,
}

impl RowList {
    /// Adds β α₁ … α_d: α·x ≥ −β.
    fn push(&mut self, row: &[f64]) -> Checked<()> {
        self.entries.room(row.len())?;
        let number = self.offset.len();
        self.offset.push(negated(row[0]));
        for (column, &value) in row[1..].iter().enumerate().filter(|&(_, &value)| value != 0.0) {
            self.entries.push(number, column as u32, value);
        }
        Ok(())
    }

    fn finish(self, columns: usize) -> Checked<Polytope> {
        let row_names = (1..=self.offset.len()).map(|row| row.to_string()).collect();
        Polytope::new(self.entries, columns, self.offset, row_names, None)
    }
}
