//! A coreset as it was drawn: its rows, their model, and the metric at its first point.

use super::inner::Flops;
use super::model::{Model, ModelPoint};
use crate::error::Result;
use crate::invert::sample::Draw;
use crate::invert::sampled::SampledRows;
use crate::invert::tilted::{Tilted, TiltedPoint};
use crate::linalg;
use crate::run::Run;

/// A draw, the model of its rows, its point y = 0, and the Cholesky factor of the metric C there.
pub(super) struct Drawn {
    pub draw: Draw,
    pub model: Model,
    pub origin: ModelPoint,
    pub metric: Vec<f64>,
}

impl Drawn {
    pub fn new(
        phi: &Tilted<'_>,
        point: &TiltedPoint,
        draw: Draw,
        flops: &mut Flops,
        run: &Run<'_>,
    ) -> Result<Option<Drawn>> {
        let d = point.gradient.len();
        let rows = SampledRows::gather(phi.barrier, point, draw.sample(), run)?;
        let m = rows.len();
        if m < d {
            return Ok(None);
        }
        let model = Model::new(rows.u, rows.weights, d);
        flops.0 += 4.0 * (m * d * d) as f64;
        let Some(origin) = model.at(&vec![0.0; d], run)? else { return Ok(None) };
        let mut metric = model.metric(&origin, run)?;
        Ok(linalg::cholesky_in_place(&mut metric, d).then_some(Drawn { draw, model, origin, metric }))
    }
}
