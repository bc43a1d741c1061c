//! One call of the program: where it writes, what it runs on, and what it has to say on the way.

use crate::common_options::Common;
use crate::failure::{Failure, harmless_json};
use crate::progress::Progress;
use crate::signals::stop_on_interrupt;
use serde::Serialize;
use std::io::{BufWriter, Write};
use std::time::Instant;
use unhat::report::{Colophon, Report};
use unhat::{Error, ErrorKind, Event, Run};
use unhat_io::{printable, printable_lines};

/// The streams, the common options, the threads and the clock of one call.
pub(crate) struct Session<'a> {
    out: &'a mut dyn Write,
    err: &'a mut (dyn Write + Send),
    pub common: &'a Common,
    pool: Option<rayon::ThreadPool>,
    clock: Instant,
    warnings: Vec<String>,
}

impl<'a> Session<'a> {
    pub fn new(out: &'a mut dyn Write, err: &'a mut (dyn Write + Send), common: &'a Common) -> Result<Self, Error> {
        let build = |threads: u16| {
            rayon::ThreadPoolBuilder::new().num_threads(threads.into()).build().map_err(|e| ErrorKind::Option {
                name: "--threads".into(),
                reason: format!("{threads} threads cannot be started: {e}"),
            })
        };
        let pool = common.threads.map(build).transpose()?;
        Ok(Session { out, err, common, pool, clock: Instant::now(), warnings: Vec::new() })
    }

    /// Runs what takes long: stopped by Ctrl-C, its progress shown, on the chosen threads.
    pub fn compute<T>(&mut self, work: impl FnOnce(&Run<'_>) -> Result<T, Error>) -> Result<T, Error> {
        let progress = Progress::start(self.common.quiet, self.common.verbose, self.err);
        let observe = |event: Event<'_>| progress.show(&event);
        work(&Run { stop: Some(stop_on_interrupt()), observe: Some(&observe), pool: self.pool.as_ref() })
    }

    /// Something the user may want to know: in the JSON object, and on standard error unless `--quiet`.
    pub fn note(&mut self, text: &str) {
        if !self.common.quiet {
            self.say(&format!("note: {text}"));
        }
        self.warnings.push(text.to_string());
    }

    /// A line of the summary: unless `--quiet`, and not beside JSON, which says the same.
    pub fn summary(&mut self, text: &str) {
        if !self.common.quiet && !self.common.json {
            self.say(text);
        }
    }

    /// Something the user must know; part of the JSON object too.
    pub fn warn(&mut self, text: &str) {
        self.say(&format!("warning: {text}"));
        self.warnings.push(text.to_string());
    }

    /// A line on standard error. If nobody reads it, nobody misses it.
    pub fn say(&mut self, text: &str) {
        let _ = writeln!(self.err, "{}", printable(text));
    }

    /// Lines on standard output, in which nothing steers a terminal.
    pub fn print_text(&mut self, text: &str) -> Result<(), Failure> {
        self.print(printable_lines(text).as_bytes())
    }

    /// Bytes on standard output.
    pub fn print(&mut self, text: &[u8]) -> Result<(), Failure> {
        self.out.write_all(text).and_then(|()| self.out.flush()).map_err(Failure::of_stdout)
    }

    /// What `command` found as one line of JSON on standard output.
    pub fn report(&mut self, command: &str, found: impl Serialize, values: Option<&[f64]>) -> Result<(), Failure> {
        let colophon = self.colophon();
        self.print_object(&Report::new(command, found, colophon, values))
    }

    /// One line of JSON on standard output.
    pub fn print_object(&mut self, object: &impl Serialize) -> Result<(), Failure> {
        let line = serde_json::to_string(object).map_err(|e| ErrorKind::Numerical { reason: format!("JSON: {e}") })?;
        self.print((harmless_json(line) + "\n").as_bytes())
    }

    /// Numbers on standard output, one a line, in 17 significant digits.
    pub fn print_numbers(&mut self, values: &[f64]) -> Result<(), Failure> {
        let mut out = BufWriter::new(&mut *self.out);
        values
            .iter()
            .try_for_each(|value| match value.is_nan() {
                true => writeln!(out), // a row without an answer
                false => writeln!(out, "{value:.16e}"),
            })
            .and_then(|()| out.flush())
            .map_err(Failure::of_stdout)
    }

    /// Seconds since the call began.
    pub fn seconds(&self) -> f64 {
        self.clock.elapsed().as_secs_f64()
    }

    /// The same for people: "0.4 ms", "12.3 s".
    pub fn elapsed(&self) -> String {
        match self.seconds() {
            short if short < 1.0 => format!("{:.1} ms", 1e3 * short),
            long => format!("{long:.1} s"),
        }
    }

    /// Threads that work.
    pub fn threads(&self) -> usize {
        self.pool.as_ref().map_or_else(rayon::current_num_threads, |p| p.current_num_threads())
    }

    /// What the user was told so far.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    pub fn colophon(&self) -> Colophon {
        Colophon {
            seconds: self.seconds(),
            seed: self.common.seed,
            threads: self.threads(),
            version: env!("CARGO_PKG_VERSION"),
            warnings: self.warnings.clone(),
        }
    }
}
