//! The options of every command that reads a matrix and writes numbers.

use crate::table_options::TableText;
use clap::{Args, ValueEnum};
use unhat_io::IntegerBounds;

/// The matrix A, and what to take from it when it is a table.
#[derive(Args, Clone, Debug)]
pub(crate) struct MatrixInput {
    /// A, n x d: .csv, .tsv, .mtx, .mm (each also .gz), .npy, .npz, .parquet, .arrow, .feather, a folder or a quoted pattern of
    /// .parquet files, or - for a table on standard input
    ///
    /// Files of a folder or pattern follow in the byte order of their paths; names that begin with . or _ are passed over. What
    /// is more than its share of memory stays in files and is read by every pass (text goes to a temporary file in TMPDIR).
    ///
    /// Tables: the first line is a header where its words stand over numbers, and refused where it may be data; an unnamed
    /// first column, or one of distinct words, holds row names; other text columns are left out. All of it is said.
    #[arg(long, value_name = "A", required_unless_present = "polytope", conflicts_with = "polytope")]
    pub matrix: Option<String>,
    /// A and b of {Ax > b} from the inequalities of a file: .mps (rows and bounds) or .ine (each also .gz)
    ///
    /// Excludes --matrix, --offset and what belongs to tables. Equalities are not supported yet.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["columns", "response", "without", "intercept"])]
    pub polytope: Option<String>,
    /// Integer columns of an .mps file without bounds: binary (0 <= x <= 1, the convention) or nonnegative (x >= 0)
    #[arg(long, value_enum, value_name = "WHICH", requires = "polytope")]
    pub integer_bounds: Option<IntegerBoundsName>,
    /// Of a table, take these columns in this order: names, or 1-based numbers where there is no header
    #[arg(long, value_name = "A,B,C", value_delimiter = ',')]
    pub columns: Option<Vec<String>>,
    /// Of a table, take this column as b and the rest as A; excludes --offset. `scores` without --point leaves it out
    #[arg(long, value_name = "COLUMN")]
    pub response: Option<String>,
    /// Of a table, leave this column out; may be given again
    #[arg(long, value_name = "COLUMN")]
    pub without: Vec<String>,
    /// Put a column of ones before the columns of a table
    #[arg(long)]
    pub intercept: bool,
    #[command(flatten)]
    pub text: TableText,
}

/// The values of --integer-bounds.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum IntegerBoundsName {
    /// 0 <= x <= 1, as CPLEX, Gurobi, SCIP, GLPK and HiGHS read them
    Binary,
    /// x >= 0, as for every other column
    Nonnegative,
}

impl From<IntegerBoundsName> for IntegerBounds {
    fn from(name: IntegerBoundsName) -> IntegerBounds {
        match name {
            IntegerBoundsName::Binary => IntegerBounds::Binary,
            IntegerBoundsName::Nonnegative => IntegerBounds::Nonnegative,
        }
    }
}

/// Where the numbers go.
#[derive(Args, Debug)]
pub(crate) struct Output {
    /// Write to FILE: .npy, .csv, .tsv, .txt or .parquet [default: one number a line on standard output]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<String>,
}
