//! What each command does: read its files, call the library, hand over the result.

mod absorb;
mod audit;
mod audit_fit;
mod demo;
mod diagnose;
mod gradient;
mod influence;
mod invert;
mod outputs;
mod predict;
mod rank;
mod scores;
mod train;
mod weights;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::options::{AuditCommand, Cli, Command, Invert};
use crate::places::keeps_a_checkpoint;
use crate::session::Session;
use clap::CommandFactory;

/// Runs the command that was given.
pub(crate) fn dispatch(command: &Command, session: &mut Session<'_>) -> Result<Exit, Failure> {
    if session.common.checkpoint.is_some() && !keeps_a_checkpoint(command) {
        session.note("--checkpoint has no effect here: only invert, centre and train have something to resume");
    }
    match command {
        Command::Scores(arguments) if !arguments.absorb.absorb.is_empty() => absorb::run(arguments, session),
        Command::Scores(arguments) => match arguments.rank.rank {
            Some(rank) => rank::run(rank, arguments, session),
            None => scores::run(arguments, session),
        },
        Command::Gradient(arguments) => gradient::run(arguments, session),
        Command::Invert(Invert::Gradient(arguments)) => invert::gradient(arguments, session),
        Command::Invert(Invert::Hat(arguments)) => invert::hat(arguments, session),
        Command::Invert(Invert::Outcomes(arguments)) => invert::outcomes(arguments, session),
        Command::Invert(Invert::Column(arguments)) => invert::column(arguments, session),
        Command::Invert(Invert::Scores(arguments)) => invert::scores(arguments, session),
        Command::Weights(arguments) => weights::run(arguments, session),
        Command::Audit(arguments) => match (&arguments.command, arguments.release.of_fit()) {
            (Some(AuditCommand::Outputs(check)), _) => outputs::run(check, session),
            (None, Some(release)) => audit_fit::run(arguments, release, session),
            (None, None) => audit::run(arguments, session),
        },
        Command::Centre(problem) => invert::centre(problem, session),
        Command::Diagnose(arguments) => diagnose::run(arguments, session),
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
