//! What each command does: read its files, call the library, hand over the result.

mod audit;
mod demo;
mod gradient;
mod influence;
mod invert;
mod predict;
mod scores;
mod train;

use crate::failure::Failure;
use crate::options::{Cli, Command, Invert};
use crate::places::keeps_a_checkpoint;
use crate::session::Session;
use crate::signals::INTERRUPTED;
use clap::CommandFactory;
use unhat::solve::Status;

/// How a command that ran ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Done,
    NotConverged,
    Interrupted,
}

impl Exit {
    pub fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::NotConverged => 1,
            Exit::Interrupted => INTERRUPTED,
        }
    }
}

impl From<Status> for Exit {
    fn from(status: Status) -> Self {
        match status {
            Status::Solved => Exit::Done,
            Status::Interrupted => Exit::Interrupted,
            _ => Exit::NotConverged,
        }
    }
}

/// Runs the command that was given.
pub(crate) fn dispatch(command: &Command, session: &mut Session<'_>) -> Result<Exit, Failure> {
    if session.common.checkpoint.is_some() && !keeps_a_checkpoint(command) {
        session.note("--checkpoint has no effect here: only invert, centre and train have something to resume");
    }
    match command {
        Command::Scores(arguments) => scores::run(arguments, session),
        Command::Gradient(arguments) => gradient::run(arguments, session),
        Command::Invert(Invert::Gradient(arguments)) => invert::gradient(arguments, session),
        Command::Invert(Invert::Scores(arguments)) => invert::scores(arguments, session),
        Command::Audit(arguments) => audit::run(arguments, session),
        Command::Centre(problem) => invert::centre(problem, session),
        Command::Influence(arguments) => influence::run(arguments, session),
        Command::Train(arguments) => train::run(arguments, session),
        Command::Predict(arguments) => predict::run(arguments, session),
        Command::Demo(arguments) => demo::run(arguments, session),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "unhat", &mut script);
            session.print(&script).map(|()| Exit::Done)
        }
    }
}
