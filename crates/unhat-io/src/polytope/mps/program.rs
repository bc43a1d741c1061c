//! The linear program of an MPS file as it grows, and the polytope it leaves.

use super::bounds::{Bounds, INFINITE};
use super::fields::BoundFields;
use crate::fault::{Checked, Fault, listed, shown};
use crate::polytope::inequalities::{IntegerBounds, Polytope, finite, negated};
use crate::sparse::{Place, Triplets};
use std::collections::HashMap;

/// Rows, columns, coefficients and bounds so far.
#[derive(Default)]
pub(super) struct Program {
    rows: Vec<Row>,
    row_numbers: HashMap<String, usize>,
    columns: Vec<Column>,
    column_numbers: HashMap<String, usize>,
    /// Coefficients of the inequalities, already a·x ≥ b.
    entries: Triplets,
    inequalities: usize,
    /// Whether the present columns are declared integer.
    integers: bool,
    /// The sections of the quadratic objective that is left out.
    quadratic: Vec<String>,
}

struct Row {
    name: String,
    kind: Kind,
    right_hand_side: Option<f64>,
    range: Option<f64>,
    /// The last column with a coefficient here.
    last_column: Option<usize>,
}

#[derive(Clone, Copy)]
enum Kind {
    Objective,
    /// Row `number` of A; `sign` turns it into a·x ≥ b.
    Inequality {
        number: usize,
        sign: f64,
    },
}

/// The rows of A that the inequalities become.
#[derive(Default)]
struct Sides {
    /// One for each inequality.
    places: Vec<Place>,
    offset: Vec<f64>,
    row_names: Vec<String>,
}

struct Column {
    name: String,
    integer: bool,
    bounds: Bounds,
}

impl Program {
    /// Declares a row.
    pub fn add_row(&mut self, kind: &str, name: &str) -> Checked<()> {
        let number = self.inequalities;
        let kind = match kind.to_ascii_uppercase().as_str() {
            "N" => Kind::Objective,
            "G" => Kind::Inequality { number, sign: 1.0 },
            "L" => Kind::Inequality { number, sign: -1.0 },
            "E" => return Err(of_row(name, Fault::new("found an E row: equality form is not supported yet"))),
            _ => return Err(of_row(name, Fault::new(format!("found kind {}, expected N, L or G", shown(kind))))),
        };
        if self.row_numbers.insert(name.to_string(), self.rows.len()).is_some() {
            return Err(of_row(name, Fault::new("found the row a second time, expected each name once")));
        }
        if let Kind::Inequality { .. } = kind {
            self.inequalities += 1;
        }
        self.rows.push(Row { name: name.to_string(), kind, right_hand_side: None, range: None, last_column: None });
        Ok(())
    }

    /// Says whether the columns that follow are integer.
    pub fn set_integers(&mut self, integers: bool) -> Checked<()> {
        if self.integers == integers {
            let (found, expected) = if integers { ("INTORG", "INTEND") } else { ("INTEND", "INTORG") };
            return Err(Fault::new(format!("found marker '{found}', expected '{expected}' before it")));
        }
        self.integers = integers;
        Ok(())
    }

    /// Sets a coefficient; the lines of a column follow each other.
    pub fn add_coefficient(&mut self, column: &str, row: &str, value: &str) -> Checked<()> {
        let column = self.column_in_turn(column)?;
        let place = |fault: Fault| fault.within(&format!("column {}", shown(&self.columns[column].name)));
        let row = self.row(row).map_err(place)?;
        let Row { name, kind, last_column, .. } = &mut self.rows[row];
        if last_column.replace(column) == Some(column) {
            return Err(place(of_row(name, Fault::new("found a second coefficient, expected one"))));
        }
        let value = finite(value).map_err(|fault| place(of_row(name, fault)))?;
        match *kind {
            Kind::Inequality { number, sign } if value != 0.0 => {
                self.entries.room(1)?;
                self.entries.push(number, column as u32, sign * value);
            }
            _ => {}
        }
        Ok(())
    }

    /// The number of a column that is the last one, or a new one.
    fn column_in_turn(&mut self, name: &str) -> Checked<usize> {
        if let Some(last) = self.columns.last().filter(|last| last.name == name) {
            return match last.integer == self.integers {
                true => Ok(self.columns.len() - 1),
                false => Err(of_column(name, Fault::new("found the column on both sides of a marker"))),
            };
        }
        if self.column_numbers.insert(name.to_string(), self.columns.len()).is_some() {
            let reason = "found the column again after another one, expected its lines to follow each other";
            return Err(of_column(name, Fault::new(reason)));
        }
        let column = Column { name: name.to_string(), integer: self.integers, bounds: Bounds::default() };
        self.columns.push(column);
        Ok(self.columns.len() - 1)
    }

    /// Sets the right-hand side of a row; that of an objective is left out with it.
    pub fn set_right_hand_side(&mut self, row: &str, value: &str) -> Checked<()> {
        let row = self.row(row)?;
        let Row { name, right_hand_side, .. } = &mut self.rows[row];
        let value = finite(value).map_err(|fault| of_row(name, fault))?;
        if right_hand_side.replace(value).is_some() {
            return Err(of_row(name, Fault::new("found a second right-hand side, expected one")));
        }
        Ok(())
    }

    /// Sets the range of a row: the distance from its side to the other one. That of an objective is left out with it.
    pub fn set_range(&mut self, row: &str, value: &str) -> Checked<()> {
        let row = self.row(row)?;
        let Row { name, range, .. } = &mut self.rows[row];
        let value = finite(value).map_err(|fault| of_row(name, fault))?.abs();
        if value == 0.0 {
            return Err(of_row(name, Fault::new("found a range of 0: equality form is not supported yet")));
        }
        if range.replace(value).is_some() {
            return Err(of_row(name, Fault::new("found a second range, expected one")));
        }
        Ok(())
    }

    /// An error unless a row is an objective: a quadratic constraint is no inequality of a polytope.
    pub fn require_objective(&self, name: &str) -> Checked<()> {
        match self.rows[self.row(name)?].kind {
            Kind::Objective => Ok(()),
            Kind::Inequality { .. } => Err(of_row(
                name,
                Fault::new("found a QSECTION of a constraint: a quadratic constraint is no inequality of a polytope"),
            )),
        }
    }

    /// Notes that the quadratic part of the objective is not used.
    pub fn leave_out_quadratic(&mut self, section: String) {
        self.quadratic.push(section);
    }

    /// Takes a line of BOUNDS.
    pub fn add_bound(&mut self, bound: &BoundFields<'_>, line: usize) -> Checked<()> {
        let Some(&column) = self.column_numbers.get(bound.column) else {
            return Err(Fault::new(format!("found column {}, expected one of COLUMNS", shown(bound.column))));
        };
        let Column { name, integer, bounds } = &mut self.columns[column];
        *integer |= bounds.add(bound, line).map_err(|fault| of_column(name, fault))?;
        Ok(())
    }

    /// Whether there is a column of this name.
    pub fn has_column(&self, name: &str) -> bool {
        self.column_numbers.contains_key(name)
    }

    fn row(&self, name: &str) -> Checked<usize> {
        self.row_numbers
            .get(name)
            .copied()
            .ok_or_else(|| Fault::new(format!("found row {}, expected one of ROWS", shown(name))))
    }

    /// The rows of A: one for each inequality, two for one with a range, the lower side first.
    fn sides(&self) -> Sides {
        let mut sides = Sides::default();
        for row in &self.rows {
            let Kind::Inequality { sign, .. } = row.kind else { continue };
            let value = row.right_hand_side.unwrap_or(0.0);
            let first = sides.offset.len();
            let own = if sign < 0.0 { negated(value) } else { value };
            match row.range.filter(|range| *range < INFINITE) {
                None => {
                    sides.places.push(Place { first, repeated: None });
                    sides.offset.push(own);
                    sides.row_names.push(row.name.clone());
                }
                Some(range) => {
                    // sign·a·x ≥ own is stored; the other side is −sign·a·x ≥ −(value ± range).
                    let other = if sign < 0.0 { value - range } else { negated(value + range) };
                    let (lower, upper) = if sign < 0.0 { (other, own) } else { (own, other) };
                    sides.places.push(match sign < 0.0 {
                        true => Place { first: first + 1, repeated: Some(first) },
                        false => Place { first, repeated: Some(first + 1) },
                    });
                    sides.offset.extend([lower, upper]);
                    sides.row_names.extend(["lower", "upper"].map(|side| format!("{side} side of {}", row.name)));
                }
            }
        }
        sides
    }

    /// The inequalities, then the bounds; `line` is that of ENDATA.
    pub fn finish(self, line: usize, integers: IntegerBounds) -> Checked<Polytope> {
        let mut notes = self.notes(integers);
        let sides = self.sides();
        let mut entries = self.entries.spread(&sides.places);
        let Sides { mut offset, mut row_names, .. } = sides;
        let mut opened = Vec::new();
        for (j, column) in self.columns.iter().enumerate() {
            let is_binary = column.integer && integers == IntegerBounds::Binary;
            let default_upper = if is_binary { 1.0 } else { f64::INFINITY };
            let interval = column.bounds.interval(default_upper).map_err(|fault| {
                of_column(&column.name, fault).within(&format!("line {}", column.bounds.last_line()))
            })?;
            if interval.lower.is_finite() {
                entries.push(offset.len(), j as u32, 1.0);
                offset.push(interval.lower);
                row_names.push(format!("lower bound of {}", column.name));
            }
            if interval.upper.is_finite() {
                entries.push(offset.len(), j as u32, -1.0);
                offset.push(negated(interval.upper));
                row_names.push(format!("upper bound of {}", column.name));
            }
            if interval.opened {
                opened.push(column.name.as_str());
            }
        }
        if !opened.is_empty() {
            let names = listed(&opened);
            notes
                .push(format!("columns {names} have a negative upper bound and no lower one: read as unbounded below"));
        }
        let column_names: Vec<String> = self.columns.into_iter().map(|column| column.name).collect();
        let mut polytope = Polytope::new(entries, column_names.len(), offset, row_names, Some(column_names))
            .map_err(|fault| fault.within(&format!("line {line}")))?;
        notes.append(&mut polytope.matrix.notes);
        polytope.matrix.notes = notes;
        Ok(polytope)
    }

    /// What is left out.
    fn notes(&self, read_as: IntegerBounds) -> Vec<String> {
        let mut notes = Vec::new();
        let objectives: Vec<&str> =
            self.rows.iter().filter(|row| matches!(row.kind, Kind::Objective)).map(|row| row.name.as_str()).collect();
        if !objectives.is_empty() {
            notes.push(format!("left out the objective, N rows {}", listed(&objectives)));
        }
        if !self.quadratic.is_empty() {
            notes.push(format!("left out the quadratic part of the objective, {}", self.quadratic.join(", ")));
        }
        let integers: Vec<&Column> = self.columns.iter().filter(|column| column.integer).collect();
        if !integers.is_empty() {
            let count = integers.len();
            notes.push(format!("{count} columns are declared integer: read as real ones"));
        }
        let unbounded: Vec<&str> =
            integers.iter().filter(|column| !column.bounds.is_said()).map(|column| column.name.as_str()).collect();
        if !unbounded.is_empty() {
            let names = listed(&unbounded);
            notes.push(match read_as {
                IntegerBounds::Binary => format!(
                    "integer columns {names} have no bounds: read as 0 ≤ x ≤ 1, the convention of the format; \
                     --integer-bounds nonnegative reads x ≥ 0"
                ),
                IntegerBounds::Nonnegative => format!("integer columns {names} have no bounds: read as x ≥ 0"),
            });
        }
        notes
    }
}

fn of_row(name: &str, fault: Fault) -> Fault {
    fault.within(&format!("row {}", shown(name)))
}

fn of_column(name: &str, fault: Fault) -> Fault {
    fault.within(&format!("column {}", shown(name)))
}
