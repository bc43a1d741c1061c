//! Leverage scores of the rows of a model matrix: the hat values of least squares, which no response changes, in the bits of
//! a diagnosis.

use super::sweeps::Rowwise;
use crate::formula::{Function, Node};
use crate::models::Frame;
use crate::regression::{Design, Fit, Model, ModelFrame, ModelMatrix, Problem, Specification, fit};
use unhat::families::Family;
use unhat::leverage::{ScoreOptions, Scores, leverage_scores};
use unhat::rows::{Pass, RowSource, Rows, sweep};
use unhat::{ErrorKind, Result, Run};

/// The scores of the rows of a table that enter a model.
#[derive(Clone, Debug)]
pub struct ModelScores {
    /// The scores of these rows, and what is known about them.
    pub scores: Scores,
    /// The columns of the model matrix, under R's names.
    pub names: Vec<String>,
    /// Whether the first of them is the intercept.
    pub intercept: bool,
    /// The rows of the table that enter, from 0; None: all.
    pub rows: Option<Vec<usize>>,
    /// Rows of the table.
    pub table_rows: usize,
    /// Columns with missing cells, and in how many rows.
    pub missing: Vec<(String, usize)>,
    /// What the user should know.
    pub notes: Vec<String>,
}

impl ModelScores {
    /// For each row that is written its score: those that enter, or with `padded` all rows of the table, NaN where one is left
    /// out; and where the rows stand in the table, from 0.
    #[must_use]
    pub fn written(&self, padded: bool) -> (Vec<f64>, Vec<usize>) {
        let Some(rows) = &self.rows else { return (self.scores.values.clone(), (0..self.table_rows).collect()) };
        if !padded {
            return (self.scores.values.clone(), rows.clone());
        }
        let mut values = vec![f64::NAN; self.table_rows];
        rows.iter().zip(&self.scores.values).for_each(|(&row, score)| values[row] = *score);
        (values, (0..self.table_rows).collect())
    }
}

/// Leverage scores of the rows of the model matrix X of a formula, with or without a response.
///
/// hᵢ = wᵢxᵢᵀ(XᵀWX)⁻¹xᵢ; with a ridge wᵢxᵢᵀ(XᵀWX + λI)⁻¹xᵢ
///
/// Without a ridge these are the hat values of `lm` in the bits of [`super::diagnostics()`]: columns that depend on those before
/// them at 10⁻⁷ are left out. A response decides only which rows enter; an offset does not even that, unless its cells are
/// missing. A row of weight 0 has the score 0.
///
/// # Shapes
/// One score a row that enters.
/// # Cost
/// Three sweeps and 3nd² flops; with a ridge those of [`leverage_scores`].
/// # Errors
/// [`ErrorKind::Option`] for what of the formula is no column of numbers or factor, and for `cbind()`, whose fit has hat values
/// that depend on the response; [`ErrorKind::RankDeficient`] with `strict`; those of [`leverage_scores`].
/// # References
/// HoaglinWelsch1978.
/// # Examples
/// ```
/// use unhat::{Run, leverage::ScoreOptions};
/// use unhat_models::diagnose::model_scores;
/// use unhat_models::formula::Formula;
/// use unhat_models::models::{Column, Frame};
/// use unhat_models::regression::Specification;
///
/// let table = Frame::new(vec![("x".into(), Column::Numbers(vec![0.0, 1.0, f64::NAN, 2.0]))])?;
/// let wanted = Specification::new(Formula::parse("~ x")?);
/// let found = model_scores(&table, &wanted, &ScoreOptions::default(), &Run::default())?;
/// assert_eq!(found.names, ["(Intercept)", "x"]);
/// assert!((found.scores.values[0] - 5.0 / 6.0).abs() < 1e-14); // a line through x = 0, 1, 2
/// assert!(found.written(true).0[2].is_nan());
/// # Ok::<(), unhat::Error>(())
/// ```
pub fn model_scores(
    table: &Frame,
    wanted: &Specification,
    options: &ScoreOptions,
    run: &Run<'_>,
) -> Result<ModelScores> {
    let Read { matrix, weights, rows, missing, mut notes, has_offset } = Read::of(table, wanted)?;
    if has_offset {
        notes.push("an offset changes no hat value: only its missing cells count".into());
    }
    let intercept = matrix.has_intercept();
    let scores = match options.ridge == 0.0 {
        true => plain_scores(&matrix, weights.as_deref(), options, run)?,
        false => {
            let roots: Option<Vec<f64>> = weights.map(|weights| weights.iter().map(|w| w.sqrt()).collect());
            leverage_scores(&matrix, roots.as_deref(), options, run)?
        }
    };
    let names = matrix.names().to_vec();
    Ok(ModelScores { scores, names, intercept, rows, table_rows: table.rows(), missing, notes })
}

/// What of a formula decides on scores.
struct Read<'a> {
    matrix: ModelMatrix<'a>,
    weights: Option<Vec<f64>>,
    rows: Option<Vec<usize>>,
    missing: Vec<(String, usize)>,
    notes: Vec<String>,
    has_offset: bool,
}

impl<'a> Read<'a> {
    /// With a response, the rows are those of `lm`, and refused is what `lm` cannot fit.
    fn of(table: &'a Frame, wanted: &Specification) -> Result<Read<'a>> {
        let Some(response) = wanted.formula.response() else {
            let design = Design::of(table, wanted, &[])?;
            let matrix = design.matrix()?;
            let Design { weights, offset, rows, missing, notes, .. } = design;
            return Ok(Read { matrix, weights, rows, missing, notes, has_offset: offset.is_some() });
        };
        if matches!(&response.kind, Node::Call(name, _) if Function::named(name) == Some(Function::Bind)) {
            let reason = "cbind() makes a generalised fit, whose hat values depend on the response: `unhat diagnose \
                          --family binomial` has them"
                .into();
            return Err(ErrorKind::Option { name: "formula".into(), reason }.into());
        }
        let ModelFrame { matrix, weights, offset, rows, missing, notes, .. } =
            ModelFrame::of(table, wanted, Family::Gaussian)?;
        Ok(Read { matrix, weights, rows, missing, notes, has_offset: offset.is_some() })
    }
}

/// The factor is that of every fit on these rows, so that any response serves: zeros.
fn plain_scores(
    matrix: &ModelMatrix<'_>,
    weights: Option<&[f64]>,
    options: &ScoreOptions,
    run: &Run<'_>,
) -> Result<Scores> {
    let zeros = vec![0.0; matrix.shape().rows];
    let problem = Problem {
        source: matrix,
        intercept: matrix.has_intercept(),
        response: &zeros,
        weights,
        own_weights: None,
        offset: None,
        model: Model::Linear,
    };
    let fit = fit(&problem, run)?;
    let columns = matrix.names().len();
    let mut warnings = Vec::new();
    if fit.rank() < columns {
        if options.strict {
            return Err(ErrorKind::RankDeficient { rank: fit.rank(), columns }.into());
        }
        let aliased = matrix.names().iter().enumerate().filter(|(j, _)| !fit.kept.contains(j));
        let aliased: Vec<String> = aliased.map(|(_, name)| format!("\"{name}\"")).collect();
        warnings.push(format!(
            "left out, as lm does, for they depend on the columns before them: {} (rank {} of {columns})",
            aliased.join(", "),
            fit.rank()
        ));
    }
    let values = fit.with_kept(matrix, |source| hat_values(source, &fit, &zeros, run))?;
    let rank = fit.rank();
    let sum: f64 = values.iter().sum();
    let defect = (sum - rank as f64).abs() / rank as f64;
    Ok(Scores {
        rank,
        sum,
        sum_defect: Some(defect),
        method: fit.method,
        reason: format!("condition {:.1e} of the columns as lm keeps and weighs them", fit.condition),
        condition: fit.condition,
        digits: fit.digits.min((-defect.log10()).max(0.0)),
        free_intercept: false,
        warnings,
        values,
    })
}

/// The hat values of a fit; 0 where a row has no weight.
fn hat_values(source: &dyn RowSource, fit: &Fit, zeros: &[f64], run: &Run<'_>) -> Result<Vec<f64>> {
    let shape = source.shape();
    let mut out = vec![0.0; shape.rows];
    sweep(source, &HatPass { rowwise: &Rowwise::of(fit, zeros, &shape) }, &mut out, run)?;
    Ok(out)
}

struct HatPass<'a> {
    rowwise: &'a Rowwise<'a>,
}

impl Pass for HatPass<'_> {
    type Acc = ();

    fn zero(&self) {}

    fn add(&self, _: &mut (), rows: &Rows<'_>, out: &mut [f64]) -> Result<()> {
        self.rowwise.each(rows, Some(&[]), |range, hats, _| out[range].copy_from_slice(hats));
        Ok(())
    }

    fn merge(&self, _: (), _: ()) {}

    fn width(&self) -> usize {
        1
    }
}
