//! What is read for a solve, the target apart, and where its results go.

use crate::failure::Failure;
use crate::history::HistoryFile;
use crate::input::{System, read_numbers, read_of_rows, require_one_reader_of_stdin};
use crate::options::Problem as Arguments;
use crate::output::Destination;
use crate::page::PageFile;
use crate::session::Session;
use unhat::barrier::Side;
use unhat::invert::Start;

pub(super) struct Files<'a> {
    pub arguments: &'a Arguments,
    pub destination: Destination<'a>,
    pub history: HistoryFile<'a>,
    pub page: PageFile<'a>,
    pub system: System,
    pub start: Option<Vec<f64>>,
    pub signs: Option<Vec<f64>>,
}

impl<'a> Files<'a> {
    /// `readers` are the other options that name files.
    pub fn open(
        arguments: &'a Arguments,
        readers: &[(&str, Option<&str>)],
        session: &mut Session<'_>,
    ) -> Result<Self, Failure> {
        let own = [
            ("--matrix", arguments.matrix.matrix.as_deref()),
            ("--offset", arguments.offset.as_deref()),
            ("--start", arguments.start.as_deref()),
            ("--signs", arguments.signs.as_deref()),
        ];
        require_one_reader_of_stdin(&[&own[..], readers].concat())?;
        let destination = Destination::of(&arguments.output)?;
        let history = HistoryFile::of(arguments.history.as_deref())?;
        let page = PageFile::of(arguments.report.as_deref())?;
        let text = &arguments.matrix.text;
        let mut system = System::read(&arguments.matrix, arguments.offset.as_deref(), session)?;
        system.leave_out_empty_rows(session)?;
        let shape = system.matrix.shape();
        let read = |path: &Option<String>, what, length| {
            path.as_deref().map(|path| read_numbers(path, what, length, text)).transpose()
        };
        let start = read(&arguments.start, "start", shape.columns)?;
        let signs = arguments.signs.as_deref();
        let signs = signs.map(|path| read_of_rows(path, "signs", &system.matrix, text)).transpose()?;
        Ok(Files { arguments, destination, history, page, system, start, signs })
    }

    /// What is known about the cell.
    pub fn cell(&self) -> Start<'_> {
        Start {
            point: self.start.as_deref(),
            signs: self.signs.as_deref(),
            side: self.arguments.upper.then_some(Side::Below),
        }
    }
}
