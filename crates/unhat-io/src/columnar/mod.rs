//! Tables kept by columns: Parquet in a file, a folder or files that a pattern meets, and files of Arrow.

mod arrow_file;
mod files;
mod frame;
mod ids;
mod parts;
mod rows;
mod table;
mod values;
mod write;

pub(crate) use arrow_file::read_arrow;
pub use arrow_file::{Batches, read_batches};
pub(crate) use files::paths;
pub(crate) use frame::read_frame_of;
pub use ids::Ids;
pub(crate) use table::read_parquet;
pub(crate) use write::write_parquet;
