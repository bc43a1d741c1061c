//! Charts as SVG: every one is complete when it leaves here, and drawn at two widths of which the style shows one.

pub(crate) mod bars;
pub(crate) mod curve_band;
pub(crate) mod density;
pub(crate) mod dots;
pub(crate) mod frame;
pub(crate) mod histogram;
pub(crate) mod labels;
pub(crate) mod lines;
pub(crate) mod rows_figure;
pub(crate) mod scale;
