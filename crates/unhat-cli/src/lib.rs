//! The command line of unhat: reads files, calls the library, prints what it found. It holds no algorithm of its own.

mod commands;
mod common_options;
mod diagnose_options;
mod exit;
mod failure;
mod figure_files;
mod fit_options;
mod hat_options;
mod held_out;
mod history;
mod influence_options;
mod input;
mod matrix_options;
mod model_options;
mod names;
mod options;
mod output;
mod outputs_options;
mod page;
mod places;
mod progress;
mod session;
mod signals;
mod table_options;
mod training_options;
mod watched;
mod weights_options;

use clap::Parser;
use failure::{Failure, FailureReport, message};
use names::Names;
use std::ffi::OsString;
use std::io::Write;
use unhat::memory::set_memory_limit;
use unhat::{Error, ErrorKind};
use unhat_io::{memory_of_process, printable_lines, text_of};

/// The exit code of a usage, input or output error.
const FAILED: u8 = 2;
/// That of a solve without a result.
const NOT_CONVERGED: u8 = 1;

/// Runs the program with `args` (the first is its own name) and returns its exit code.
///
/// 0 solved; 1 not converged, the best point was written, or not identified or undecided, none was; 2 usage, input or output error, nothing was written;
/// 130 interrupted by Ctrl-C, the best point so far was written where there was one.
///
/// Results go to `out`, everything else to `err`. A line of progress appears on the process's own standard error if that
/// is a terminal.
pub fn run(args: impl IntoIterator<Item = OsString>, out: &mut dyn Write, err: &mut (dyn Write + Send)) -> u8 {
    unhat_io::survive_file_size_limit();
    // Names that are no text travel as text, and are names again where files are opened.
    let args: Vec<OsString> = args.into_iter().map(|word| text_of(word).into()).collect();
    let cli = match options::Cli::try_parse_from(&args) {
        Ok(cli) => cli,
        Err(usage) => return report_usage(&usage, &args, out, err),
    };
    limit_memory(cli.common.memory);
    let outcome = session::Session::new(out, err, &cli.common).map_err(Failure::from).and_then(|mut session| {
        places::require_apart(&cli)?;
        commands::dispatch(&cli.command, &mut session)
    });
    match outcome {
        Ok(exit) => exit.code(),
        Err(Failure::Error(error)) => report_error(&error, &Names::default(), cli.common.json, out, err),
        Err(Failure::Named(error, names)) => report_error(&error, &names, cli.common.json, out, err),
    }
}

fn report_error(error: &Error, names: &Names, json: bool, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    let _ = write!(err, "{}", printable_lines(&message(error, names)));
    if json {
        let _ = writeln!(out, "{}", FailureReport::of_error(error, names).line());
    }
    match error.kind() {
        ErrorKind::Interrupted => signals::INTERRUPTED,
        ErrorKind::Undecided { .. } => NOT_CONVERGED,
        _ => FAILED,
    }
}

/// What would take more than `given`, or than this process may have, is refused before it is taken.
fn limit_memory(given: Option<u64>) {
    let limits = [given, memory_of_process()];
    set_memory_limit(limits.into_iter().flatten().min().unwrap_or(u64::MAX));
}

/// Help and version go to `out` and are no error; everything else is one.
fn report_usage(usage: &clap::Error, args: &[OsString], out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    let text = printable_lines(&usage.render().to_string()).into_owned();
    if !usage.use_stderr() {
        let written = write!(out, "{text}").and_then(|()| out.flush()).map_err(Failure::of_stdout);
        return match written {
            Ok(()) => 0,
            Err(Failure::Error(error) | Failure::Named(error, _)) => {
                report_error(&error, &Names::default(), false, out, err)
            }
        };
    }
    let _ = write!(err, "{text}");
    if args.iter().any(|a| a == "--json") {
        let _ = writeln!(out, "{}", FailureReport::of_usage(&text).line());
    }
    FAILED
}
