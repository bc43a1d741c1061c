//! Phase I: a point inside a cell, or the rows that prove there is none; and directions along which a cell is unbounded.

mod exact;
mod linear_program;
mod phase_one;
mod recession;

pub use phase_one::interior_point;
pub use recession::unattainable_direction;
