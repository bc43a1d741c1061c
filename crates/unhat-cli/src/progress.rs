//! How far a solve has come: a line on the terminal, and with `--verbose` every step as it is taken.

use crate::history;
use crate::watched::RowsRead;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{IsTerminal, Write};
use std::sync::Mutex;
use std::time::Duration;
use unhat::Event;
use unhat::solve::Step;
use unhat_models::models::TrainingEvent;

/// Watches one computation; its line on the terminal disappears when this value does.
pub(crate) struct Progress<'a> {
    bar: Option<ProgressBar>,
    table: Option<Mutex<LiveTable<'a>>>,
}

impl<'a> Progress<'a> {
    /// A line unless `quiet` or where there is no terminal; the steps to `err` if `verbose`.
    pub fn start(quiet: bool, verbose: bool, err: &'a mut (dyn Write + Send)) -> Self {
        let bar = (!quiet && std::io::stderr().is_terminal()).then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            let style = ProgressStyle::with_template("{spinner} {prefix}{msg}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        Progress { bar, table: verbose.then(|| Mutex::new(LiveTable { err, headed: false })) }
    }

    pub fn show(&self, event: &Event<'_>) {
        if let Some(bar) = &self.bar {
            match event {
                Event::Phase(name) => {
                    bar.set_prefix(name.to_string());
                    bar.set_message("");
                }
                Event::Step(step) => bar.set_message(message(step)),
                Event::Other(told) if told.is::<RowsRead>() => {
                    bar.set_message(told.downcast_ref().map_or_else(String::new, RowsRead::message));
                }
                _ => {
                    if let Some(losses) = losses(event) {
                        bar.set_message(losses);
                    }
                }
            }
        }
        if let Some(Ok(mut table)) = self.table.as_ref().map(Mutex::lock) {
            match &self.bar {
                Some(bar) => bar.suspend(|| table.show(event)),
                None => table.show(event),
            }
        }
    }
}

/// Where a solve stands: passes, decrement, and the certificate so far.
fn message(step: &Step) -> String {
    let certificate =
        step.certificate.map_or("nothing proven yet".into(), |bound| format!("proven within {bound:.1e}"));
    format!(": step {}, {} passes, decrement {:.1e}, {certificate}", step.iteration, step.passes, step.decrement)
}

/// Where a training stands.
fn losses(event: &Event<'_>) -> Option<String> {
    let TrainingEvent::Evaluated { step, epoch, epochs, train_loss, validation_loss, validation_accuracy } =
        TrainingEvent::of(event)?
    else {
        return None;
    };
    let also = |name: &str, value: Option<f64>| value.map(|v| format!(", {name} {v:.4}")).unwrap_or_default();
    let validation = also("validation loss", validation_loss) + &also("accuracy", validation_accuracy);
    Some(format!(": epoch {epoch} of {epochs}, step {step}, training loss {train_loss:.4}{validation}"))
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// The history on standard error, growing.
struct LiveTable<'a> {
    err: &'a mut (dyn Write + Send),
    headed: bool,
}

impl LiveTable<'_> {
    fn show(&mut self, event: &Event<'_>) {
        match event {
            Event::Phase(name) => self.say(&format!("{name}:")),
            Event::Step(step) => {
                if !self.headed {
                    self.say(&history::head());
                    self.headed = true;
                }
                self.say(&history::line(step));
            }
            _ => {
                if let Some(losses) = losses(event) {
                    self.say(losses.trim_start_matches(": "));
                }
            }
        }
    }

    /// If nobody reads it, nobody misses it.
    fn say(&mut self, line: &str) {
        let _ = writeln!(self.err, "{line}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_passes_decrement_and_what_is_proven() {
        let mut step = Step {
            iteration: 3,
            passes: 5,
            work: 6.0,
            decrement: 0.25,
            residual: 1.0,
            step_length: 1.0,
            certificate: None,
        };
        assert_eq!(message(&step), ": step 3, 5 passes, decrement 2.5e-1, nothing proven yet");
        step.certificate = Some(2e-7);
        assert_eq!(message(&step), ": step 3, 5 passes, decrement 2.5e-1, proven within 2.0e-7");
    }

    #[test]
    fn the_line_of_a_training_says_its_losses() {
        let event = TrainingEvent::Evaluated {
            step: 18,
            epoch: 2,
            epochs: 50,
            train_loss: 0.25,
            validation_loss: Some(0.5),
            validation_accuracy: None,
        };
        let line = losses(&Event::Other(&event));
        assert_eq!(line.unwrap(), ": epoch 2 of 50, step 18, training loss 0.2500, validation loss 0.5000");
    }
}
