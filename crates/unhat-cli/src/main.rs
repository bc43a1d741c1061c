//! The program `unhat`.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(unhat_cli::run(std::env::args_os(), &mut std::io::stdout(), &mut std::io::stderr()))
}
