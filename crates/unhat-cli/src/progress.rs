//! A line on the terminal that says how far a solve has come; nothing where there is no terminal.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::time::Duration;
use unhat::Event;

/// The line; it disappears when this value does.
pub(crate) struct Progress(Option<ProgressBar>);

impl Progress {
    pub fn start(quiet: bool) -> Self {
        if quiet || !std::io::stderr().is_terminal() {
            return Progress(None);
        }
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        bar.set_style(ProgressStyle::default_spinner());
        bar.enable_steady_tick(Duration::from_millis(200));
        Progress(Some(bar))
    }

    pub fn show(&self, event: &Event<'_>) {
        let Some(bar) = &self.0 else { return };
        match event {
            Event::Phase(name) => bar.set_message(name.to_string()),
            Event::Step(step) => bar.set_message(format!(
                "solving: step {}, {} passes, decrement {:.1e}",
                step.iteration, step.passes, step.decrement
            )),
            _ => {}
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
