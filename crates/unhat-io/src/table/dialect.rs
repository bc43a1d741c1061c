//! How a table is written: what separates its cells, how its numbers look, what is a header, a row name, a missing cell.

use std::str::FromStr;
use unhat::{Error, ErrorKind};

/// What separates the cells of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delimiter {
    /// `,`
    Comma,
    /// `;`
    Semicolon,
    /// A tab.
    Tab,
    /// `|`
    Pipe,
    /// One blank or several, as R's `write.table` and aligned columns have them.
    Blanks,
}

impl Delimiter {
    pub(crate) fn byte(self) -> u8 {
        match self {
            Delimiter::Comma => b',',
            Delimiter::Semicolon => b';',
            Delimiter::Tab => b'\t',
            Delimiter::Pipe => b'|',
            Delimiter::Blanks => b' ',
        }
    }

    /// As messages call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Delimiter::Comma => "commas",
            Delimiter::Semicolon => "semicolons",
            Delimiter::Tab => "tabs",
            Delimiter::Pipe => "| signs",
            Delimiter::Blanks => "blanks",
        }
    }
}

impl FromStr for Delimiter {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        Ok(match text {
            "," | "comma" => Delimiter::Comma,
            ";" | "semicolon" => Delimiter::Semicolon,
            "\t" | "\\t" | "tab" => Delimiter::Tab,
            "|" | "pipe" => Delimiter::Pipe,
            " " | "blanks" | "space" => Delimiter::Blanks,
            _ => return Err(refused("delimiter", text, "one of , ; | tab blanks")),
        })
    }
}

/// What stands before the fraction of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decimal {
    /// `1.5`
    Point,
    /// `1,5`
    Comma,
}

impl FromStr for Decimal {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "." | "point" => Ok(Decimal::Point),
            "," | "comma" => Ok(Decimal::Comma),
            _ => Err(refused("decimal", text, ". or ,")),
        }
    }
}

/// What stands between groups of three digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thousands {
    /// `1,234`
    Comma,
    /// `1.234`
    Point,
    /// `1 234`, also with a no-break space.
    Blank,
    /// `1'234`
    Apostrophe,
}

impl Thousands {
    pub(crate) fn matches(self, sign: char) -> bool {
        match self {
            Thousands::Comma => sign == ',',
            Thousands::Point => sign == '.',
            Thousands::Blank => matches!(sign, ' ' | '\u{a0}' | '\u{202f}' | '\u{2009}'),
            Thousands::Apostrophe => matches!(sign, '\'' | '’'),
        }
    }
}

impl FromStr for Thousands {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        Ok(match text {
            "," | "comma" => Thousands::Comma,
            "." | "point" => Thousands::Point,
            " " | "blank" | "space" => Thousands::Blank,
            "'" | "apostrophe" => Thousands::Apostrophe,
            _ => return Err(refused("thousands", text, "one of , . ' blank")),
        })
    }
}

/// Where the names of the rows are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum RowNames {
    /// In a first column without a name; of a matrix also in a first column of distinct words.
    #[default]
    Automatic,
    /// Nowhere: every column is data.
    None,
    /// In this column, by name or, where there is no header, by 1-based number.
    Column(String),
}

impl FromStr for RowNames {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        Ok(if text == "none" { RowNames::None } else { RowNames::Column(text.to_string()) })
    }
}

/// What becomes of rows with a missing cell in a column that is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Missing {
    /// The first one is an error that names its place.
    #[default]
    Error,
    /// They are left out, and the others keep their labels.
    Omit,
    /// The same, and what is written for each row has them again, without an answer.
    Exclude,
    /// Numbers count as the mean, and a missing cell has a feature of its own: for models only.
    Indicator,
}

impl Missing {
    /// Whether rows are left out.
    #[must_use]
    pub fn omits(self) -> bool {
        matches!(self, Missing::Omit | Missing::Exclude)
    }
}

impl FromStr for Missing {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        Ok(match text {
            "error" => Missing::Error,
            "omit" => Missing::Omit,
            "exclude" => Missing::Exclude,
            "indicator" => Missing::Indicator,
            _ => return Err(refused("missing", text, "one of error, omit, exclude, indicator")),
        })
    }
}

/// What is missing unless the user says otherwise, beside an empty cell; in any case of letters.
const MISSING_MARKS: [&str; 7] = ["na", "n/a", "#n/a", "nan", "null", "?", "."];

/// How a table is written, and what its user says of it. By default everything is recognised, and what is in doubt refused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dialect {
    /// None: recognised; where that fails, what the suffix says.
    pub delimiter: Option<Delimiter>,
    /// None: a point, unless the table cannot be read otherwise than with commas.
    pub decimal: Option<Decimal>,
    /// None: groups of digits are refused.
    pub thousands: Option<Thousands>,
    /// Whether the first line is a header; None: its cells and those below say so, or it is refused.
    pub header: Option<bool>,
    /// Where the names of the rows are.
    pub row_names: RowNames,
    /// What stands for a missing cell beside an empty one; empty: NA, N/A, #N/A, NaN, null (in any case), `?` and `.`.
    pub na: Vec<String>,
    /// What becomes of rows with missing cells.
    pub missing: Missing,
}

impl Dialect {
    /// The first option that is set.
    pub(crate) fn first_set(&self) -> Option<&'static str> {
        let set = [
            ("delimiter", self.delimiter.is_some()),
            ("decimal", self.decimal.is_some()),
            ("thousands", self.thousands.is_some()),
            ("header", self.header == Some(true)),
            ("no-header", self.header == Some(false)),
            ("row-names", self.row_names != RowNames::Automatic),
            ("na", !self.na.is_empty()),
            ("missing", self.missing != Missing::Error),
        ];
        set.into_iter().find_map(|(name, set)| set.then_some(name))
    }

    /// The first option that says how text is written.
    #[cfg(feature = "parquet")]
    pub(crate) fn first_of_text(&self) -> Option<&'static str> {
        let plain = Dialect { row_names: RowNames::Automatic, missing: Missing::Error, ..self.clone() };
        plain.first_set()
    }

    /// Whether a cell without blanks around it stands for a missing one.
    pub(crate) fn is_missing(&self, cell: &str) -> bool {
        if cell.is_empty() {
            return true;
        }
        match self.na.is_empty() {
            true => cell.len() <= 4 && MISSING_MARKS.iter().any(|mark| mark.eq_ignore_ascii_case(cell)),
            false => self.na.iter().any(|mark| is_mark(mark, cell)),
        }
    }
}

/// −999 stands for −999.0 too.
fn is_mark(mark: &str, cell: &str) -> bool {
    mark == cell || mark.parse::<f64>().is_ok_and(|mark| cell.parse::<f64>().is_ok_and(|cell| cell == mark))
}

fn refused(name: &str, found: &str, expected: &str) -> Error {
    ErrorKind::Option { name: name.into(), reason: format!("found \"{}\", expected {expected}", found.escape_debug()) }
        .into()
}
