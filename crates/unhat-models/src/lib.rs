//! Fitted models of tables and networks, and what each row did to them.
//!
//! [`models`] turns a table into features and fits generalised linear models and multilayer perceptrons; [`influence`] says
//! which rows helped or hurt them, [`natural`] steps along natural gradients, [`training`] is a whole training with its
//! history. Sweeps, Gram matrices and leverage scores come from the crate [`unhat`].

#[cfg(feature = "candle")]
pub mod candle;
pub mod checking;
pub mod diagnose;
mod face;
pub mod figures;
pub mod formula;
pub mod influence;
pub mod models;
pub mod natural;
pub mod regression;
pub mod training;

pub use face::{Influence, Train};

/// Numbers in [−1, 1), for tests.
#[cfg(test)]
fn draw(seed: u64, count: usize) -> Vec<f64> {
    let mut u = vec![0.0; count];
    unhat::random::uniform_rows_into(seed, 0, 0, &mut u);
    u.iter().map(|u| 2.0 * u - 1.0).collect()
}
