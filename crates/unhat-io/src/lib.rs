//! Files and the numbers in them: matrices, vectors and lists of rows in, scores out.
//!
//! | suffix | matrix | vector | written |
//! |---|---|---|---|
//! | `.csv` `.tsv` (also `.gz`, and `-` for standard input) | [table](TableOptions) with a header and row names | one number a line, or one line | header, row, value |
//! | `.parquet`, a folder of such files, a pattern that meets them (feature `parquet`) | by columns, in order | | names, values |
//! | `.arrow` `.feather` (feature `parquet`) | by columns | | |
//! | `.npy` | two-dimensional | (n), (n, 1), (1, n) | yes |
//! | `.npz` | SciPy's CSR, CSC and COO, or one array | | |
//! | `.mtx` `.mm` (also `.gz`) | MatrixMarket | | |
//! | `.txt` | | one number a line, or one line | one number a line |
//!
//! Tables with text and missing cells, for models, are read as a [`Frame`](unhat_models::models::Frame): [`read_frame`]; the
//! models themselves are `.safetensors` files: [`read_model`], [`write_model`].
//!
//! Polytopes {x : Ax ≥ b} come from `.mps` and `.ine` files (also `.gz`): [`read_polytope`].
//!
//! No reader trusts a header: memory grows with the bytes that are there, and what contradicts itself is an error that
//! names the file, the place, what was found and what was expected. The values of `.npy` and `.npz` files may be NaN or
//! infinite, since looking at each of them would defeat the memory map; text that says so is refused.

mod acro;
#[cfg(feature = "parquet")]
mod columnar;
mod fault;
mod figure_table;
mod file_rows;
mod folder;
mod format;
mod frame;
mod frame_options;
mod kept;
mod labels;
mod lines;
mod map;
mod market;
mod matrix;
mod memory;
mod model;
mod npy;
mod npz;
mod open;
mod output;
mod polytope;
mod printable;
mod read_matrix;
mod records;
mod solve;
mod sparse;
mod spool;
mod system;
mod table;
mod training;
mod vector;

pub use acro::write_acro;
#[cfg(feature = "parquet")]
pub use columnar::{Batches, Ids, read_batches};
pub use figure_table::{figure_table, rounded_hexagon};
pub use folder::{check_folder, hash_of, hash_of_file, read_text, write_folder};
pub use frame::{read_frame, read_frame_as};
pub use frame_options::{Doubt, FrameOptions, ReadFrame};
pub use labels::RowLabels;
pub use matrix::{Matrix, MatrixRows, StreamedRows, Table};
pub use memory::Holding;
pub use model::{check_model_output, read_model, write_model};
pub use open::read_until;
pub use output::{
    check_output, check_page, check_place, check_table, print_table, write_frame, write_matrix_npy, write_of_rows,
    write_page, write_table, write_vector, write_whole,
};
pub use polytope::{IntegerBounds, Polytope, read_polytope, read_polytope_as};
pub use printable::{is_formula, printable, printable_lines, steers};
pub use read_matrix::{AbsorbedTable, files_of_table, read_absorbed, read_matrix};
pub use solve::SolveFile;
pub use system::{FileIdentity, file_identity, memory_of_process, path_of, place_of, survive_file_size_limit, text_of};
pub use table::{Decimal, Delimiter, Dialect, Missing, OmittedRow, RowNames, TableOptions, Thousands, kept_rows};
pub use training::{TrainingFile, read_training, write_training};
pub use vector::{read_rows, read_vector, read_vector_as};
