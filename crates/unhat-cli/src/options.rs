//! The words of the command line: commands, options, their defaults and their help.

use crate::common_options::Common;
use crate::diagnose_options::Diagnose;
use crate::fit_options::FitOptions;
use crate::hat_options::{InvertColumn, InvertHat, InvertOutcomes, Precision};
use crate::influence_options::Influence;
pub(crate) use crate::matrix_options::{MatrixInput, Output};
use crate::model_options::{MODEL_MATRIX, MatrixWords};
use crate::outputs_options::Outputs;
use crate::table_options::TableText;
use crate::training_options::{Predict, Train};
use crate::weights_options::Weights;
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use unhat::audit::fits::report::FitRelease;
use unhat::audit::report::{Detail, ReleaseKind};
use unhat::invert::scores::ScoreMethod;
use unhat::invert::{MinimaSought, ScoreSource, Solver, SolverChoice};
use unhat::leverage::AbsorbMethod;

const EXAMPLES: &str = "\
Examples:
  unhat demo
      recovers parameters from released gradients, and says how exactly
  unhat scores --matrix prices.csv --intercept -o scores.csv
      how much each row of a table matters
  unhat gradient --matrix t.csv --response y --intercept --point beta.txt -o g.npy
      what a release of the gradient at the coefficients beta holds
  unhat invert gradient --matrix t.csv --response y --intercept --target g.npy \\
      --signs signs.txt
      recovers beta from it, with a proven bound on the error
  unhat invert gradient --matrix t.csv --response y --intercept --target g.npy \\
      --signs signs.txt --weights 0.1
      the same where the release is met only as far as a regulariser allows
  unhat invert scores --matrix t.csv --response y --intercept --target s.npy
      recovers beta from the scores that `unhat scores --point beta.txt` computed
  unhat audit t.csv --response y --intercept --point beta.txt --release scores --noise 1e-4
      what releasing those scores would give away, and what would protect beta
  unhat diagnose t.csv --formula 'y ~ x + log(z) * g' -o diagnostics.csv
      what lm and influence.measures say of every row
  unhat centre --matrix facets.csv --response b --upper
      the volumetric centre of the polytope Ax < b
  unhat centre --polytope cube.ine
      the same for a polytope in the format of cddlib, lrs and volesti, or .mps
  unhat train t.csv --response y --model mlp:128,64 --validation 0.2 -o model.safetensors
      trains a network; unhat predict new.csv --model-file model.safetensors applies it

Notation:
  A is n x d, b has n values, s = Ax - b, and A_x has the rows a_i/s_i.
  The leverage score sigma_i says how much row i of A_x matters.
  g(x) = -A_x^T sigma is the gradient of V(x) = 1/2 log det(A_x^T A_x).

Exit codes:
  0    solved
  1    not converged, the best point was written; or not identified, no point was
  2    usage, input or output error; nothing was written
  130  interrupted; the best point so far was written, where there was one";

/// Leverage scores, their gradient, and the way back.
///
/// Computes the leverage scores of a data matrix and their gradient g(x) = -A_x^T sigma, and inverts that gradient: from
/// a released c it recovers the x with g(x) = c, with a proven bound on the distance to the exact solution.
#[derive(Debug, Parser)]
#[command(name = "unhat", version, after_help = EXAMPLES, max_term_width = 100, subcommand_required = true)]
#[command(arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub command: Command,
    #[command(flatten)]
    pub common: Common,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Leverage scores of the rows of A, or of A_x at a point
    ///
    /// sigma_i = a_i^T (A^T A + lambda I)^-1 a_i, or with --offset and --point the same for the rows a_i/(a_i x - b_i).
    ///
    /// They lie in [0, 1] and sum to the rank; with --ridge, to the effective dimension. When columns are dependent they
    /// are the scores of the space that the columns span, and a warning names the rank.
    Scores(Scores),
    /// Their gradient g(x) = -A_x^T sigma at a point
    ///
    /// g(x) = -A_x^T sigma(x), the gradient of V(x) = 1/2 log det(A_x^T A_x), A_x = S^-1 A, s = Ax - b.
    Gradient(Gradient),
    /// Weights that balance the rows of A: Lewis weights, D-optimal designs
    #[command(subcommand, arg_required_else_help = true)]
    Weights(Weights),
    /// Recovers what was hidden behind a release
    #[command(subcommand, arg_required_else_help = true)]
    Invert(Invert),
    /// What a release of scores or of their gradient gives away, and what would protect it
    ///
    /// Attacks the release at x as computed and under every protection: with nothing but the table, from a point 2 % away,
    /// and with the signs of Ax - b known. Prints how close they come, what a wished distance costs in noise, and which
    /// rows are exposed; --json prints the findings, schema unhat.findings/1.
    ///
    /// Rounded, clipped and shortened releases are the same every time: an attack that draws nothing is tried on them once.
    #[command(arg_required_else_help = true)]
    Audit(Audit),
    /// The volumetric centre of a polytope: the x with g(x) = 0
    ///
    /// The minimiser of V(x) = 1/2 log det(A_x^T A_x) over {Ax > b}, or with --upper over {Ax < b}.
    #[command(visible_alias = "center")]
    Centre(Problem),
    /// Regression diagnostics of a linear or generalised linear model of a table, with R's names and numbers
    ///
    /// Fits the model as lm or glm do, and writes for every row what influence.measures says: hat values, studentised
    /// residuals, Cook's distances, DFFITS, COVRATIO, DFBETAS, and which rule flags it.
    #[command(arg_required_else_help = true)]
    Diagnose(Box<Diagnose>),
    /// Which rows of a table helped or hurt a model, are mislabelled, or carry unfairness
    ///
    /// Fits the model, then scores every training row. Larger = better row in every method.
    Influence(Box<Influence>),
    /// Trains a model on a table, by descent, by Adam, or by a natural gradient that is shared across epochs
    ///
    /// Minimises the mean loss over batches from first weights drawn by --seed. With --controls it says what the sharing of
    /// fngd and fngd-metric contributed. --checkpoint resumes to the same bits ; between processors with
    /// FMA and without it the last ones differ.
    #[command(arg_required_else_help = true)]
    Train(Box<Train>),
    /// Applies a model saved by `unhat train` to the rows of a table
    ///
    /// Prints a value or a class for every row. Where the table holds the response, loss and accuracy as well.
    #[command(arg_required_else_help = true)]
    Predict(Predict),
    /// Three worked cases, two of them on bundled real data: what was hidden, released and recovered
    ///
    /// Needs no arguments; everything is computed when it runs.
    Demo(Demo),
    /// Prints a completion script for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Invert {
    /// Recovers x from a released gradient c: the one x of a cell with g(x) = c
    ///
    /// Minimises V(x) - c^T x over the cell in which the signs of Ax - b are known, by damped Newton steps.
    ///
    /// The cell is that of --start, or has the signs of --signs, or is {Ax > b} (with --upper, {Ax < b}). Within a cell
    /// the solution is unique; c alone never says which cell it was.
    ///
    /// With --weights, the minima of 1/2 |g(x) - c|^2 + 1/2 |diag(w) A x|^2 in that cell, best first, and what is proven
    /// of the best.
    Gradient(InvertGradient),
    /// Recovers the weights of the rows from hat values of a weighted or generalised fit
    ///
    /// The weights w with h_i = w_i a_i^T (A^T W A)^-1 a_i are unique up to one factor in each component of A's rows, and
    /// come from a convex problem, without start or model. Written are the weights, with nothing where a row says nothing.
    Hat(InvertHat),
    /// Recovers every 0/1 response of a logistic fit from its hat values and one residual a row
    ///
    /// Up to the complement of all. A response is left empty where the two cannot be told apart.
    Outcomes(InvertOutcomes),
    /// Recovers a hidden 0/1 column of a linear fit from its hat values, all other columns known
    ///
    /// Up to its complement. Exit code 1 where none was found: then only the size of what it has beyond the known columns is
    /// known, row by row.
    Column(InvertColumn),
    /// Recovers x from released leverage scores sigma(x) of A_x, of all rows or of some
    ///
    /// Solves sigma_i(x) = sigma_i for the released rows, exactly or in the least-squares sense.
    ///
    /// Neither a start nor signs are needed where the scores of all rows were released, 2d + 1 or more: they tell row
    /// weights, these |Ax - b| up to a factor, and of the signs few fit. Of part of the scores d^2 + 2d do: the equations,
    /// multiplied by squared slacks, are linear in (M^-1, x x^T, x) (the lift). Otherwise fits begin at --start, at the
    /// centre of the cell of --signs, --upper or --polytope, or around the least-squares fit of b, and the best is kept.
    ///
    /// Where the scores do not determine x, the direction along which none of them changes is named and no x is written.
    Scores(InvertScores),
}

/// What `scores --help` says after the options.
const OF_SCORES: &str = "\
With TABLE the scores are those of a model matrix as lm makes it, of --formula or of --columns, --factor and --interaction: with
an intercept unless the formula says 0, columns that depend on those before them left out, and to the bits of the hat values of
`unhat diagnose`. A response decides only which rows are complete.

Examples:
  unhat scores --matrix prices.csv --intercept -o scores.csv
  unhat scores looms.csv --formula 'breaks ~ wool * tension' --missing exclude -o hat.csv
  unhat scores looms.csv --columns dpi --factor wool --interaction dpi:wool --weights n";

#[derive(Args, Debug)]
#[command(after_help = OF_SCORES, mut_arg("matrix", |matrix| matrix.required_unless_present("table")))]
pub(crate) struct Scores {
    /// A table and a model matrix in the place of --matrix: .csv or .tsv (also .gz), - for standard input, .npy, .npz or .mtx
    #[arg(
        value_name = "TABLE",
        conflicts_with_all = ["matrix", "polytope", "offset", "point", "case_weights", "transpose", "intercept", "without"]
    )]
    pub table: Option<String>,
    #[command(flatten)]
    pub model: MatrixWords,
    /// No intercept
    #[arg(long, conflicts_with = "formula", help_heading = MODEL_MATRIX)]
    pub no_intercept: bool,
    /// Prior weights w_i >= 0: a column, or arithmetic on columns such as 1/x^2
    #[arg(long, value_name = "COLUMN", help_heading = MODEL_MATRIX)]
    pub weights: Option<String>,
    #[command(flatten)]
    pub matrix: MatrixInput,
    /// b, n values: .npy, .txt, .csv, .tsv or -; together with --point
    #[arg(long, value_name = "b", conflicts_with_all = ["response", "polytope"])]
    pub offset: Option<String>,
    /// x, d values: the scores of A_x, whose rows are a_i/(a_i x - b_i); together with --offset, --response or --polytope
    #[arg(long, value_name = "x")]
    pub point: Option<String>,
    /// lambda >= 0 of the ridge scores a_i^T (A^T A + lambda I)^-1 a_i; beside --intercept the column of ones goes free
    #[arg(long, value_name = "LAMBDA", default_value_t = 0.0, allow_hyphen_values = true)]
    pub ridge: f64,
    /// Put no lambda on the constant column of A, as R and scikit-learn do [the default of --intercept --ridge]
    #[arg(long, overrides_with = "penalise_intercept")]
    pub free_intercept: bool,
    /// Put lambda on the column of ones too
    #[arg(long, visible_alias = "penalize-intercept")]
    pub penalise_intercept: bool,
    /// Of a table, this column holds a weight w_i >= 0 for each row: the hat values w_i a_i^T (A^T W A)^-1 a_i of weighted
    /// least squares
    #[arg(long, value_name = "COLUMN", conflicts_with_all = ["point", "polytope", "transpose"])]
    pub case_weights: Option<String>,
    #[command(flatten)]
    pub absorb: AbsorbArguments,
    #[command(flatten)]
    pub rank: RankArguments,
    /// The samples are the columns of the file: the scores of the rows of A^T
    #[arg(long, conflicts_with_all = ["point", "offset", "response", "polytope"])]
    pub transpose: bool,
    /// Make dependent columns an error instead of a warning
    #[arg(long)]
    pub strict: bool,
    /// Write how the scores spread, the largest and the checks as one self-contained page to FILE, .html
    #[arg(long, value_name = "FILE")]
    pub report: Option<String>,
    #[command(flatten)]
    pub output: Output,
}

/// The best approximation of rank k.
#[derive(Args, Debug)]
pub(crate) struct RankArguments {
    /// The scores of the best approximation of A of rank K: sums of squares of K singular vectors; with --transpose those of the
    /// columns of the file, under their names
    #[arg(long, value_name = "K", allow_hyphen_values = true,
          conflicts_with_all = ["table", "offset", "point", "ridge", "free_intercept", "penalise_intercept", "absorb", "polytope", "strict"])]
    pub rank: Option<usize>,
    /// Beside --rank: subtract from each column of the file its mean, as principal components do
    #[arg(long, visible_alias = "center", requires = "rank")]
    pub centre: bool,
}

/// Factors whose 0/1 columns are never written out.
#[derive(Args, Debug)]
pub(crate) struct AbsorbArguments {
    /// Of a table, these columns are factors, each level with a constant of its own (fixed effects): the scores of that model
    /// beside the other columns, without its 0/1 columns; cells are compared as text
    #[arg(long, value_name = "A,B", value_delimiter = ',',
          conflicts_with_all = ["table", "offset", "point", "ridge", "free_intercept", "penalise_intercept", "transpose", "polytope"])]
    pub absorb: Vec<String>,
    /// Beside --absorb: exact, or probes (estimates with a standard error a row); auto is exact within about a minute of
    /// one core
    #[arg(long, value_enum, value_name = "NAME", default_value_t = AbsorbMethodName::Auto, requires = "absorb")]
    pub absorb_method: AbsorbMethodName,
    /// Beside --absorb: number of probes, whose signs --seed draws; the relative standard error is about sqrt(2/K)
    #[arg(long, value_name = "K", default_value_t = 500, requires = "absorb")]
    pub probes: usize,
    /// Beside --absorb: write the standard errors of estimated scores to FILE, as -o; 0 where a score is exact
    #[arg(long, value_name = "FILE", requires = "absorb")]
    pub standard_errors: Option<String>,
}

/// The values of --absorb-method.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum AbsorbMethodName {
    /// Exact within about a minute of one core and a quarter of the memory, else probes
    Auto,
    /// A sparse factor and a selected inverse
    Exact,
    /// Random probes
    Probes,
}

impl From<AbsorbMethodName> for AbsorbMethod {
    fn from(name: AbsorbMethodName) -> AbsorbMethod {
        match name {
            AbsorbMethodName::Auto => AbsorbMethod::Auto,
            AbsorbMethodName::Exact => AbsorbMethod::Exact,
            AbsorbMethodName::Probes => AbsorbMethod::Probes,
        }
    }
}

#[derive(Args, Debug)]
pub(crate) struct Gradient {
    #[command(flatten)]
    pub matrix: MatrixInput,
    /// b, n values: .npy, .txt, .csv, .tsv or -
    #[arg(long, value_name = "b", required_unless_present_any = ["response", "polytope"], conflicts_with_all = ["response", "polytope"])]
    pub offset: Option<String>,
    /// x, d values: .npy, .txt, .csv, .tsv or -; no entry of Ax - b may be zero
    #[arg(long, value_name = "x")]
    pub point: String,
    #[command(flatten)]
    pub output: Output,
}

#[derive(Args, Debug)]
pub(crate) struct InvertGradient {
    /// c, d values: the released gradient g(x)
    #[arg(long, value_name = "c")]
    pub target: String,
    /// The target holds k g: -1, 2 or -2 for releases in another convention of sign and scale
    #[arg(long, value_name = "k", default_value_t = 1.0, allow_hyphen_values = true)]
    pub target_scale: f64,
    /// Find the minima of 1/2 |g(x) - c|^2 + 1/2 |diag(w) A x|^2: w is a number, or n values >= 0 in a file
    ///
    /// There can be several in a cell: the best is written, --json lists all that were found and how far the search went,
    /// and what is proven of the best is said.
    #[arg(long, value_name = "w", allow_hyphen_values = true)]
    pub weights: Option<String>,
    /// Standard deviation of independent Gaussian errors of the target: --json holds the covariance of x they cause
    #[arg(long, value_name = "NU", allow_hyphen_values = true, conflicts_with = "weights")]
    pub noise: Option<f64>,
    /// Beside --weights: which minima are looked for
    #[arg(long, value_enum, default_value_t = MinimaName::Best, value_name = "NAME", requires = "weights")]
    pub minima: MinimaName,
    /// Beside --weights: try to prove the best minimum by branch and bound in up to 5 dimensions rather than 3
    #[arg(long, requires = "weights")]
    pub prove: bool,
    #[command(flatten)]
    pub problem: Problem,
}

/// A cell and how to search it.
#[derive(Args, Debug)]
pub(crate) struct Problem {
    #[command(flatten)]
    pub matrix: MatrixInput,
    /// b, n values: .npy, .txt, .csv, .tsv or -
    #[arg(long, value_name = "b", required_unless_present_any = ["response", "polytope"], conflicts_with_all = ["response", "polytope"])]
    pub offset: Option<String>,
    /// A point inside the cell, d values; Newton starts there [default: 0 if inside, else a point is found]
    #[arg(long, value_name = "x0", conflicts_with = "signs")]
    pub start: Option<String>,
    /// The cell by the signs of Ax - b: n values, each 1 or -1
    #[arg(long, value_name = "s")]
    pub signs: Option<String>,
    /// The cell {Ax < b} instead of {Ax > b}; beside --start or --signs it must agree with them
    #[arg(long, conflicts_with = "polytope")]
    pub upper: bool,
    /// Where the curvature of a step comes from
    #[arg(long, value_enum, default_value_t = SolverName::Auto, value_name = "NAME")]
    pub solver: SolverName,
    /// Leverage scores of the first steps: exact, or sketched with a control variate; the last steps are exact always
    #[arg(long, value_enum, default_value_t = ScoresName::Auto, value_name = "NAME")]
    pub scores: ScoresName,
    /// Stop when the Newton decrement is at most TOL, about the largest relative error of a slack
    #[arg(long, value_name = "TOL", default_value_t = 1e-10, allow_hyphen_values = true)]
    pub tol: f64,
    /// Newton steps allowed, 1 or more
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..), allow_negative_numbers = true)]
    pub max_iter: u32,
    /// Refine and certify the answer by a gradient in doubled precision, whatever it costs (ten to twenty evaluations);
    /// small problems always are
    #[arg(long)]
    pub certify: bool,
    /// Write the steps, the answers and what is proven of them as one self-contained page to FILE, .html
    #[arg(long, value_name = "FILE")]
    pub report: Option<String>,
    /// Write the steps to FILE, .csv or .tsv: iteration, passes, work, decrement, residual, step
    #[arg(long, value_name = "FILE")]
    pub history: Option<String>,
    #[command(flatten)]
    pub output: Output,
}

#[derive(Args, Debug)]
pub(crate) struct InvertScores {
    #[command(flatten)]
    pub matrix: MatrixInput,
    /// b, n values: .npy, .txt, .csv, .tsv or -
    #[arg(long, value_name = "b", required_unless_present_any = ["response", "polytope"], conflicts_with_all = ["response", "polytope"])]
    pub offset: Option<String>,
    /// The released scores: n values, or one for each of --rows
    #[arg(long, value_name = "sigma")]
    pub target: String,
    /// The released rows: their numbers, counted from 1, one a line, in the order of the target [default: all]
    #[arg(long, value_name = "FILE")]
    pub rows: Option<String>,
    /// How x is found
    #[arg(long, value_enum, default_value_t = ScoreMethodName::Auto, value_name = "NAME")]
    pub method: ScoreMethodName,
    /// A point that may be near x, d values; no entry of Ax - b may be zero there
    #[arg(long, value_name = "x0", conflicts_with = "signs")]
    pub start: Option<String>,
    /// The cell of x by the signs of Ax - b: n values, each 1 or -1
    #[arg(long, value_name = "s")]
    pub signs: Option<String>,
    /// x lies in the cell {Ax < b}; with --polytope it lies in {Ax > b} unless --start or --signs is given
    #[arg(long, conflicts_with_all = ["polytope", "start", "signs"])]
    pub upper: bool,
    #[command(flatten)]
    pub precision: Precision,
    /// A fit ends when a step changes no slack by more than this share
    #[arg(long, value_name = "TOL", default_value_t = 1e-10, allow_hyphen_values = true)]
    pub tol: f64,
    /// Steps of one fit, 1 or more [default: 200, and 20000 with --method first-order]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), allow_negative_numbers = true)]
    pub max_iter: Option<u32>,
    /// Write the steps, the answers and what is proven of them as one self-contained page to FILE, .html
    #[arg(long, value_name = "FILE")]
    pub report: Option<String>,
    /// Write the steps of the best fit to FILE, .csv or .tsv: iteration, passes, work, decrement, residual, step
    #[arg(long, value_name = "FILE")]
    pub history: Option<String>,
    #[command(flatten)]
    pub output: Output,
}

#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Audit {
    #[command(subcommand)]
    pub command: Option<AuditCommand>,
    /// The table: A and, with --response, b
    #[arg(value_name = "TABLE", required_unless_present = "matrix", conflicts_with = "matrix")]
    pub table: Option<String>,
    /// A, n x d: .csv, .tsv, .mtx, .mm (each also .gz), .npy, .npz, or - for a table on standard input
    #[arg(long, value_name = "A")]
    pub matrix: Option<String>,
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
    /// b, n values: .npy, .txt, .csv, .tsv or -
    #[arg(long, value_name = "b", required_unless_present_any = ["response", "family", "weights", "hidden"], conflicts_with = "response")]
    pub offset: Option<String>,
    /// x, d values, what is to stay hidden [default with --response: the least-squares fit]
    #[arg(long, value_name = "x", required_unless_present_any = ["response", "family", "weights", "hidden"])]
    pub point: Option<String>,
    /// What is released
    #[arg(long, value_enum, default_value_t = ReleaseName::Scores, value_name = "WHAT")]
    pub release: ReleaseName,
    #[command(flatten)]
    pub fit: FitOptions,
    /// Gaussian noise to try, absolute standard deviations; the first is the planned protection
    ///
    /// Beside them always nine levels from 1e-6 to 2 times the root mean square of the release, at most 20 tries each.
    #[arg(long, value_name = "NU,...", value_delimiter = ',', allow_hyphen_values = true)]
    pub noise: Option<Vec<f64>>,
    /// Significant digits to try [default: 1,2,3,4,5,6]
    #[arg(long, value_name = "DIGITS,...", value_delimiter = ',', allow_hyphen_values = true)]
    pub round: Option<Vec<u32>>,
    /// Quantiles of the absolute values to clip at [default: 0.95,0.99]
    #[arg(long, value_name = "Q,...", value_delimiter = ',', allow_hyphen_values = true)]
    pub clip: Option<Vec<f64>>,
    /// Release of the largest scores only, how many [default: 20,100, where there are more]
    #[arg(long, value_name = "K,...", value_delimiter = ',', allow_hyphen_values = true)]
    pub top: Option<Vec<usize>>,
    /// The rows whose scores are released: their numbers, counted from 1, one a line [default: all]
    #[arg(long, value_name = "FILE")]
    pub rows: Option<String>,
    /// The wish: no more than one try in twenty comes closer to x than this share of its size
    #[arg(long, value_name = "SHARE", default_value_t = 0.1, allow_hyphen_values = true)]
    pub target_error: f64,
    /// Tries of every attack on every noisy release
    #[arg(long, value_name = "N", default_value_t = 40, allow_negative_numbers = true)]
    pub trials: u32,
    /// delta of the (epsilon, delta) that noise means for this table
    #[arg(long, value_name = "DELTA", default_value_t = 1e-6, allow_hyphen_values = true)]
    pub delta: f64,
    /// Write the findings as one self-contained page to FILE, .html
    #[arg(long, value_name = "FILE")]
    pub report: Option<String>,
    /// Who reads page and JSON: share holds no coefficient and no row number
    #[arg(long, value_enum, default_value_t = DetailName::Owner, value_name = "WHO")]
    pub report_detail: DetailName,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Checks what of a regression may leave the house, by running every known attack on that very fit
    ///
    /// A table that is called outputs is written ./outputs. Exit codes: 0 pass, 3 review, 4 fail, 2 error.
    Outputs(Box<Outputs>),
}

/// The values of --release.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum ReleaseName {
    /// g(x) = -A_x^T sigma
    Gradient,
    /// sigma(x), of all rows or of --rows
    Scores,
    /// Both; audited apart as well
    Both,
    /// Hat values of a weighted or generalised fit, or of a linear one with a hidden column
    Hat,
    /// Hat values and Cook's distances of a fit
    Cook,
    /// Hat values and deviance residuals of a fit
    Deviance,
    /// Hat values and DFFITS of a fit
    Dffits,
}

impl ReleaseName {
    /// Diagnostics of a fit.
    pub fn of_fit(self) -> Option<FitRelease> {
        match self {
            ReleaseName::Gradient | ReleaseName::Scores | ReleaseName::Both => None,
            ReleaseName::Hat => Some(FitRelease::Hat),
            ReleaseName::Cook => Some(FitRelease::Cook),
            ReleaseName::Deviance => Some(FitRelease::Deviance),
            ReleaseName::Dffits => Some(FitRelease::Dffits),
        }
    }

    /// Numbers at a point; an audit of a fit does not ask.
    pub fn of_slacks(self) -> ReleaseKind {
        match self {
            ReleaseName::Gradient => ReleaseKind::Gradient,
            ReleaseName::Both => ReleaseKind::Both,
            _ => ReleaseKind::Scores,
        }
    }
}

/// The values of --report-detail.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum DetailName {
    /// The owner of the table: everything
    Owner,
    /// Somebody else
    Share,
}

impl From<DetailName> for Detail {
    fn from(name: DetailName) -> Detail {
        match name {
            DetailName::Owner => Detail::Owner,
            DetailName::Share => Detail::Share,
        }
    }
}

#[derive(Args, Debug)]
pub(crate) struct Demo {
    /// Write the matrices and vectors of every case under DIR, as .npy
    #[arg(long, value_name = "DIR")]
    pub out: Option<String>,
}

/// The values of --solver.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum SolverName {
    /// The least predicted work, from n and d alone
    Auto,
    /// The exact Hessian from third moments: about d/6 passes a step
    Exact,
    /// Conjugate gradients on exact Hessian-vector products: no third moments
    Cg,
    /// The Hessian of rows drawn by leverage, after the paper
    Coreset,
    /// To the minimiser over such rows alone, corrected: the fewest passes; not beside weights, where coreset does that
    Surrogate,
    /// Beside weights only, for comparison: a sampled diagonal form; the weights must dominate
    Diagonal,
}

impl SolverName {
    /// As the library knows it.
    pub fn asked(self) -> SolverChoice {
        SolverChoice::Named(match self {
            SolverName::Auto => Solver::Auto,
            SolverName::Exact => Solver::Exact,
            SolverName::Cg => Solver::Cg,
            SolverName::Coreset => Solver::Coreset,
            SolverName::Surrogate => Solver::Surrogate,
            SolverName::Diagonal => return SolverChoice::Diagonal,
        })
    }
}

/// The values of --minima.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum MinimaName {
    /// The best one: both natural starts, the curve of stationary points, flips
    Best,
    /// As many as can be found: random starts beside
    All,
    /// The one a single descent ends in: no search, no certificate
    First,
}

impl From<MinimaName> for MinimaSought {
    fn from(name: MinimaName) -> MinimaSought {
        match name {
            MinimaName::Best => MinimaSought::Best,
            MinimaName::All => MinimaSought::All,
            MinimaName::First => MinimaSought::First,
        }
    }
}

/// The values of --scores.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum ScoresName {
    /// Sketched for cg on sparse rows of 64 entries or more, else exact
    Auto,
    /// Exact scores
    Exact,
    /// Estimates from 32 random combinations while steps are damped
    Sketched,
}

impl From<ScoresName> for ScoreSource {
    fn from(name: ScoresName) -> ScoreSource {
        match name {
            ScoresName::Auto => ScoreSource::Auto,
            ScoresName::Exact => ScoreSource::Exact,
            ScoresName::Sketched => ScoreSource::Sketched,
        }
    }
}

/// The values of --method.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum ScoreMethodName {
    /// Weights of exact scores of all rows; else the lift where enough were released and it fits, otherwise second-order
    Auto,
    /// Row weights from the scores of all rows, |Ax - b| from them, its signs by trying or by reflections; then polished
    Weights,
    /// One linear solve that needs no start and no signs, then polished
    Lift,
    /// Levenberg-Marquardt from a point
    SecondOrder,
    /// Newton on the full Hessian, after the paper: a baseline
    Newton,
    /// Gradient descent, after the paper: a baseline
    FirstOrder,
}

impl From<ScoreMethodName> for ScoreMethod {
    fn from(name: ScoreMethodName) -> ScoreMethod {
        match name {
            ScoreMethodName::Auto => ScoreMethod::Auto,
            ScoreMethodName::Weights => ScoreMethod::Weights,
            ScoreMethodName::Lift => ScoreMethod::Lift,
            ScoreMethodName::SecondOrder => ScoreMethod::SecondOrder,
            ScoreMethodName::Newton => ScoreMethod::Newton,
            ScoreMethodName::FirstOrder => ScoreMethod::FirstOrder,
        }
    }
}
