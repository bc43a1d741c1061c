//! The sections of an audit's report, a file each: what a question is, how its answer is put, what its chart shows.

pub(crate) mod checks;
pub(crate) mod convergence;
pub(crate) mod coordinates;
pub(crate) mod fit;
pub(crate) mod fitted;
pub(crate) mod method;
pub(crate) mod noise;
pub(crate) mod protections;
pub(crate) mod rows;
pub(crate) mod rows_figures;
pub(crate) mod wishes;
