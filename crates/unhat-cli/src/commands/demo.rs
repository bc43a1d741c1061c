//! x
use super::Exit;
use crate::failure::Failure;
use crate::options::Demo;
use crate::session::Session;
pub(super) fn run(_: &Demo, _: &mut Session<'_>) -> Result<Exit, Failure> { Ok(Exit::Done) }
