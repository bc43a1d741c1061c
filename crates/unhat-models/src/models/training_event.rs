//! What a training tells an observer while it runs; [`Event::Other`] carries it, so that the core need not know training.

use unhat::{Event, Run};

/// How far the training of a network has come.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum TrainingEvent {
    /// The training went once over all rows.
    Epoch {
        /// How often, this time included.
        epoch: u32,
        /// How often in all.
        epochs: u32,
        /// The mean loss of the batches, each before its step.
        loss: f64,
    },
    /// The loss was evaluated.
    Evaluated {
        /// Steps taken.
        step: u64,
        /// The epoch they end in, from 1; 0 before the first step.
        epoch: u32,
        /// How many epochs in all.
        epochs: u32,
        /// Of all training rows; may be infinite or NaN.
        train_loss: f64,
        /// Of the validation rows, where there are any.
        validation_loss: Option<f64>,
        /// Their accuracy, where they have classes.
        validation_accuracy: Option<f64>,
    },
}

impl TrainingEvent {
    /// The training's word in what an observer was told; None where it is something else.
    ///
    /// ```
    /// use unhat::{Event, Run};
    /// use unhat_models::models::TrainingEvent;
    ///
    /// let observe = |event: Event<'_>| match TrainingEvent::of(&event) {
    ///     Some(TrainingEvent::Epoch { epoch, epochs, loss }) => println!("{epoch} of {epochs}: {loss}"),
    ///     _ => {}
    /// };
    /// let run = Run { observe: Some(&observe), ..Run::default() };
    /// # let _ = run;
    /// ```
    #[must_use]
    pub fn of(event: &Event<'_>) -> Option<TrainingEvent> {
        match event {
            Event::Other(told) => told.downcast_ref().copied(),
            _ => None,
        }
    }

    pub(crate) fn tell(self, run: &Run<'_>) {
        run.tell(Event::Other(&self));
    }
}
