//! MPS files, section by section: a linear program, of which the inequalities and bounds are the polytope.

mod bounds;
mod fields;
mod program;

use super::{IntegerBounds, Polytope};
use crate::fault::{Checked, Fault, shown};
use crate::lines::Lines;
use fields::Layout;
use program::Program;
use std::io::Read;

/// Longest line read. Fixed lines have 61 characters, and free names of more than a thousand are no names.
const LONGEST_LINE: u64 = 65_536;
/// How a comment begins, at the start of its line.
const COMMENT: u8 = b'*';

/// Reads a polytope.
pub(super) fn read(text: impl Read, integers: IntegerBounds) -> Checked<Polytope> {
    let mut lines = Lines::new(text, COMMENT, LONGEST_LINE);
    let mut parser = Parser::default();
    while lines.next_with_content()? {
        let line = lines.content()?;
        let step = match line.starts_with([' ', '\t']) {
            true => parser.data(line, lines.number()),
            false => parser.header(line, lines.number()),
        };
        step.map_err(|fault| fault.within(&lines.position()))?;
        if parser.section == Some(Section::End) {
            return parser.program.finish(lines.number(), integers);
        }
    }
    let place = parser.section.map(|s| format!(" in section {}", s.keyword())).unwrap_or_default();
    Err(lines.fault(format!("found the end of the file{place}, expected ENDATA: the file may be cut short")))
}

/// Sections that speak of the objective only.
const QUADRATIC: [&str; 3] = ["QUADOBJ", "QMATRIX", "QSECTION"];
/// Sections that make the feasible set something else than the polytope of the rest, with what they hold.
const BEYOND: [(&str, &str); 10] = [
    ("QCMATRIX", "a quadratic constraint is no inequality of a polytope"),
    ("CSECTION", "a cone is no polytope"),
    ("PSDCONE", "a cone is no polytope"),
    ("SOS", "special ordered sets are not supported"),
    ("SOS1", "special ordered sets are not supported"),
    ("SOS2", "special ordered sets are not supported"),
    ("SETS", "special ordered sets are not supported"),
    ("INDICATORS", "rows that hold only where a variable says so are not supported"),
    ("LAZYCONS", "move its rows to ROWS if they are meant"),
    ("GENCONS", "general constraints are not supported"),
];

#[derive(Clone, Copy, Debug, PartialEq)]
enum Section {
    Name,
    ObjectiveSense,
    ObjectiveName,
    Rows,
    Columns,
    RightHandSides,
    Ranges,
    Bounds,
    /// The quadratic part of an objective: QUADOBJ, QMATRIX, or QSECTION of an N row.
    Quadratic,
    End,
}

impl Section {
    const ALL: [Section; 10] = [
        Section::Name,
        Section::ObjectiveSense,
        Section::ObjectiveName,
        Section::Rows,
        Section::Columns,
        Section::RightHandSides,
        Section::Ranges,
        Section::Bounds,
        Section::Quadratic,
        Section::End,
    ];

    fn keyword(self) -> &'static str {
        match self {
            Section::Name => "NAME",
            Section::ObjectiveSense => "OBJSENSE",
            Section::ObjectiveName => "OBJNAME",
            Section::Rows => "ROWS",
            Section::Columns => "COLUMNS",
            Section::RightHandSides => "RHS",
            Section::Ranges => "RANGES",
            Section::Bounds => "BOUNDS",
            Section::Quadratic => "QUADOBJ",
            Section::End => "ENDATA",
        }
    }

    /// The section that must have come before.
    fn needs(self) -> Option<Section> {
        match self {
            Section::Name | Section::ObjectiveSense | Section::ObjectiveName | Section::Rows => None,
            Section::Columns => Some(Section::Rows),
            Section::RightHandSides | Section::Ranges | Section::Bounds | Section::Quadratic | Section::End => {
                Some(Section::Columns)
            }
        }
    }
}

#[derive(Default)]
struct Parser {
    section: Option<Section>,
    /// The sections so far, with the lines that begin them.
    begun: Vec<(Section, usize)>,
    layout: Layout,
    /// The names of the sets of right-hand sides, of ranges and of bounds, of which a file may hold several.
    right_hand_set: Option<String>,
    range_set: Option<String>,
    bound_set: Option<String>,
    program: Program,
}

impl Parser {
    /// A line that begins with no blank.
    fn header(&mut self, line: &str, number: usize) -> Checked<()> {
        let (word, rest) = line.split_once([' ', '\t']).unwrap_or((line, ""));
        if let Some((_, why)) = BEYOND.iter().find(|(keyword, _)| keyword.eq_ignore_ascii_case(word)) {
            return Err(Fault::new(format!("found section {}: {why}", word.to_ascii_uppercase())));
        }
        let is_quadratic = QUADRATIC.iter().any(|keyword| keyword.eq_ignore_ascii_case(word));
        let named = Section::ALL.into_iter().find(|s| s.keyword().eq_ignore_ascii_case(word));
        let Some(section) = named.or(is_quadratic.then_some(Section::Quadratic)) else {
            if self.section == Some(Section::ObjectiveSense) && is_sense(word) {
                return Ok(());
            }
            return Err(Fault::new(format!(
                "found {}, expected NAME, OBJSENSE, ROWS, COLUMNS, RHS, RANGES, BOUNDS or ENDATA: lines of data begin with a blank",
                shown(word)
            )));
        };
        let keyword = section.keyword();
        let rest = rest.trim();
        match section {
            Section::Name | Section::ObjectiveName => {}
            Section::ObjectiveSense if rest.is_empty() || is_sense(rest) => {}
            Section::Quadratic if word.eq_ignore_ascii_case("QSECTION") => self.program.require_objective(rest)?,
            _ if rest.is_empty() => {}
            Section::ObjectiveSense => return Err(no_sense(rest)),
            _ => {
                return Err(Fault::new(format!(
                    "found {} after {keyword}, expected {keyword} alone: lines of data begin with a blank",
                    shown(rest)
                )));
            }
        }
        if let Some((_, first)) = self.begun.iter().find(|(begun, _)| *begun == section) {
            return Err(Fault::new(format!("found a second section {keyword}; the first begins on line {first}")));
        }
        if let Some(needed) = section.needs().filter(|needed| self.begun.iter().all(|(begun, _)| begun != needed)) {
            return Err(Fault::new(format!("found {keyword}, expected section {} before it", needed.keyword())));
        }
        if section == Section::Quadratic {
            self.program.leave_out_quadratic(word.to_ascii_uppercase());
        }
        self.begun.push((section, number));
        self.section = Some(section);
        Ok(())
    }

    /// A line that begins with a blank.
    fn data(&mut self, line: &str, number: usize) -> Checked<()> {
        match self.section {
            Some(Section::ObjectiveSense) if is_sense(line.trim()) => Ok(()),
            Some(Section::ObjectiveSense) => Err(no_sense(line.trim())),
            Some(Section::ObjectiveName) => Ok(()),
            Some(Section::Quadratic) => self.quadratic(line),
            Some(Section::Rows) => self.row(line),
            Some(Section::Columns) => self.coefficients(line),
            Some(Section::RightHandSides) => self.right_hand_sides(line),
            Some(Section::Ranges) => self.range(line),
            Some(Section::Bounds) => self.bound(line, number),
            None | Some(Section::Name | Section::End) => Err(not("the name of a section, such as ROWS", line)),
        }
    }

    fn row(&mut self, line: &str) -> Checked<()> {
        let [kind, name] = self.layout.row(line).ok_or_else(|| not("N, L or G and the name of a row", line))?;
        self.program.add_row(kind, name)
    }

    fn coefficients(&mut self, line: &str) -> Checked<()> {
        if let Some(marker) = fields::marker(line) {
            return match marker {
                "INTORG" => self.program.set_integers(true),
                "INTEND" => self.program.set_integers(false),
                _ => Err(Fault::new(format!("found marker {}, expected 'INTORG' or 'INTEND'", shown(marker)))),
            };
        }
        let pairs =
            self.layout.column(line).ok_or_else(|| not("a column, and one or two rows each with its value", line))?;
        pairs.each(|row, value| self.program.add_coefficient(pairs.name, row, value))
    }

    fn right_hand_sides(&mut self, line: &str) -> Checked<()> {
        let pairs = self
            .layout
            .set(line)
            .ok_or_else(|| not("the name of the right-hand sides, and one or two rows each with its value", line))?;
        only_one(&mut self.right_hand_set, pairs.name, "right-hand sides")?;
        pairs.each(|row, value| self.program.set_right_hand_side(row, value))
    }

    fn range(&mut self, line: &str) -> Checked<()> {
        let pairs = self
            .layout
            .set(line)
            .ok_or_else(|| not("the name of the ranges, and one or two rows each with its value", line))?;
        only_one(&mut self.range_set, pairs.name, "ranges")?;
        pairs.each(|row, value| self.program.set_range(row, value))
    }

    /// Two columns and a number, of an objective that is left out.
    fn quadratic(&mut self, line: &str) -> Checked<()> {
        let pairs = self.layout.set(line).ok_or_else(|| not("two columns and a number", line))?;
        pairs.each(|_, value| crate::polytope::inequalities::finite(value).map(drop))
    }

    fn bound(&mut self, line: &str, number: usize) -> Checked<()> {
        let bound = self.layout.bound(line, |name| self.program.has_column(name)).ok_or_else(|| {
            not("a bound: UP, LO or another kind, the name of the bounds, a column and a value", line)
        })?;
        only_one(&mut self.bound_set, bound.set, "bounds")?;
        self.program.add_bound(&bound, number)
    }
}

/// Refuses a second set of right-hand sides or bounds: they describe another polytope.
fn only_one(known: &mut Option<String>, set: &str, what: &str) -> Checked<()> {
    match known {
        _ if set.is_empty() => Ok(()),
        None => {
            *known = Some(set.to_string());
            Ok(())
        }
        Some(known) if known == set => Ok(()),
        Some(known) => Err(Fault::new(format!(
            "found a second set of {what}, {}, expected only {}: keep the set that you mean",
            shown(set),
            shown(known)
        ))),
    }
}

fn is_sense(word: &str) -> bool {
    ["MAX", "MIN", "MAXIMIZE", "MINIMIZE", "MAXIMISE", "MINIMISE"].iter().any(|sense| sense.eq_ignore_ascii_case(word))
}

fn no_sense(found: &str) -> Fault {
    Fault::new(format!("found {}, expected MAX or MIN", shown(found)))
}

fn not(expected: &str, line: &str) -> Fault {
    Fault::new(format!("found {}, expected {expected}", shown(line.trim())))
}
