//! How a command that ran ended, and the exit code that says so.

use crate::signals::INTERRUPTED;
use unhat::solve::Status;

/// How a command that ran ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Done,
    NotConverged,
    Interrupted,
    /// A check of outputs: a person has to look.
    Review,
    /// A check of outputs: may not leave.
    Fail,
}

impl Exit {
    pub fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::NotConverged => 1,
            Exit::Interrupted => INTERRUPTED,
            Exit::Review => 3,
            Exit::Fail => 4,
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
