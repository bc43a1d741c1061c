//! What a release of scores or gradients gives away, as data; drawing is another crate's.

pub mod findings;
