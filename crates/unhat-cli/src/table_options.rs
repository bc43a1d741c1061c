//! The words that say how a table is written, for every command that reads one.

use crate::common_options::word;
use crate::failure::Failure;
use crate::session::Session;
use clap::Args;
use unhat_io::{
    Decimal, Delimiter, Dialect, FrameOptions, Missing, OmittedRow, ReadFrame, RowNames, Thousands, read_frame_as,
};

/// How a table is written.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "How a table is written")]
pub(crate) struct TableText {
    /// What separates cells: , ; | tab or blanks [default: recognised, also by a first line sep=;]
    #[arg(long, value_name = "SIGN", value_parser = word::<Delimiter>)]
    pub delimiter: Option<Delimiter>,
    /// The decimal mark, . or , [default: a point, or a comma where the cells can be read with nothing else]
    #[arg(long, value_name = "MARK", value_parser = word::<Decimal>)]
    pub decimal: Option<Decimal>,
    /// What separates groups of three digits: , . ' or blank [default: nothing]
    #[arg(long, value_name = "SIGN", value_parser = word::<Thousands>)]
    pub thousands: Option<Thousands>,
    /// Line 1 is a header, whatever it looks like
    #[arg(long, conflicts_with = "no_header")]
    pub header: bool,
    /// Line 1 is a row of data
    #[arg(long)]
    pub no_header: bool,
    /// The column that holds row names, or none [default: a first column without a name; of a matrix also one of distinct words]
    #[arg(long, value_name = "COLUMN|none", value_parser = word::<RowNames>)]
    pub row_names: Option<RowNames>,
    /// What stands for a missing cell, beside an empty one; may be given again [default: NA, N/A, #N/A, NaN, null, ? and .]
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub na: Vec<String>,
    /// Rows with a missing cell: error, omit, exclude (omit, and write them without an answer), indicator (models only)
    #[arg(long, value_name = "WHAT", default_value = "error", value_parser = word::<Missing>)]
    pub missing: Missing,
}

impl TableText {
    /// As the reader knows it.
    pub fn dialect(&self) -> Dialect {
        let header = match (self.header, self.no_header) {
            (true, _) => Some(true),
            (_, true) => Some(false),
            _ => None,
        };
        Dialect {
            delimiter: self.delimiter,
            decimal: self.decimal,
            thousands: self.thousands,
            header,
            row_names: self.row_names.clone().unwrap_or_default(),
            na: self.na.clone(),
            missing: self.missing,
        }
    }

    /// The first option of a table's text that is given.
    pub fn first_given(&self) -> Option<&'static str> {
        let given = [
            ("--delimiter", self.delimiter.is_some()),
            ("--decimal", self.decimal.is_some()),
            ("--thousands", self.thousands.is_some()),
            ("--header", self.header),
            ("--no-header", self.no_header),
            ("--row-names", self.row_names.is_some()),
            ("--na", !self.na.is_empty()),
            ("--missing", self.missing != Missing::Error),
        ];
        given.into_iter().find_map(|(name, given)| given.then_some(name))
    }

    /// Reads a table for a model; says what was met. Of `without` nothing is used, of `only`, where given, all.
    pub fn read_frame(
        &self,
        path: &str,
        (without, only): (&[String], Option<Vec<String>>),
        session: &mut Session<'_>,
    ) -> Result<ReadFrame, Failure> {
        let options = FrameOptions { dialect: self.dialect(), without: without.to_vec(), only };
        let read = read_frame_as(path, &options)?;
        read.notes.iter().for_each(|note| session.note(note));
        Ok(read)
    }
}

/// The answers of all rows of the file in order: those that were computed, and `gap` for each row that was left out.
pub(crate) fn with_gaps<T>(
    answers: impl IntoIterator<Item = T>,
    omitted: &[OmittedRow],
    gap: impl Fn(&OmittedRow) -> T,
) -> Vec<T> {
    let mut all = Vec::new();
    let mut omitted = omitted.iter().peekable();
    let mut fill = |all: &mut Vec<T>| {
        while let Some(row) = omitted.next_if(|row| row.row == all.len()) {
            all.push(gap(row));
        }
    };
    for answer in answers {
        fill(&mut all);
        all.push(answer);
    }
    fill(&mut all);
    all
}
