//! What the library says of its work, as calls of a function of Python.

use pyo3::prelude::*;
use pyo3::types::PyDict;
use unhat::Event;
use unhat::solve::Step;
use unhat_models::models::TrainingEvent;

/// Something that was said, kept until the interpreter's lock is at hand.
pub(crate) enum Told {
    Phase(String),
    Step(Step),
    Training(TrainingEvent),
}

impl Told {
    /// None for what this package does not know.
    pub fn of(event: &Event<'_>) -> Option<Told> {
        match event {
            Event::Step(step) => Some(Told::Step((*step).clone())),
            Event::Phase(name) => Some(Told::Phase((*name).to_string())),
            _ => TrainingEvent::of(event).map(Told::Training),
        }
    }
}

/// Calls `progress(kind, facts)` for each: kinds are phase, step, epoch, evaluated.
pub(crate) fn tell(py: Python<'_>, progress: &Py<PyAny>, all: Vec<Told>) -> PyResult<()> {
    for told in all {
        let facts = PyDict::new(py);
        let kind = match told {
            Told::Phase(name) => {
                facts.set_item("name", name)?;
                "phase"
            }
            Told::Step(step) => {
                facts.set_item("iteration", step.iteration)?;
                facts.set_item("passes", step.passes)?;
                facts.set_item("work", step.work)?;
                facts.set_item("decrement", step.decrement)?;
                facts.set_item("residual", step.residual)?;
                facts.set_item("step", step.step_length)?;
                facts.set_item("certificate", step.certificate)?;
                "step"
            }
            Told::Training(TrainingEvent::Epoch { epoch, epochs, loss }) => {
                facts.set_item("epoch", epoch)?;
                facts.set_item("epochs", epochs)?;
                facts.set_item("loss", loss)?;
                "epoch"
            }
            Told::Training(TrainingEvent::Evaluated {
                step,
                epoch,
                epochs,
                train_loss,
                validation_loss,
                validation_accuracy,
            }) => {
                facts.set_item("step", step)?;
                facts.set_item("epoch", epoch)?;
                facts.set_item("epochs", epochs)?;
                facts.set_item("train_loss", train_loss)?;
                facts.set_item("validation_loss", validation_loss)?;
                facts.set_item("validation_accuracy", validation_accuracy)?;
                "evaluated"
            }
            Told::Training(_) => continue,
        };
        progress.call1(py, (kind, facts))?;
    }
    Ok(())
}
