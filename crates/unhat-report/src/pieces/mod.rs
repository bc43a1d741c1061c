//! What pages are put together from: a figure, a table, the list of findings.

pub(crate) mod figure;
pub(crate) mod findings;
pub(crate) mod table;
