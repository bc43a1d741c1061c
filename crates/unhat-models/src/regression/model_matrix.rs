//! The model matrix of a formula, made block by block from the variables: no copy of it lies in memory.

use super::variables::Variable;
use crate::formula::Terms;
use std::borrow::Cow;
use std::ops::Range;
use unhat::kernels::with_scratch;
use unhat::rows::{Block, CsrBlock, DenseBlock, RowSource, Rows, Shape};
use unhat::{ErrorKind, Result};

/// Rows of a model matrix with the names and terms of its columns.
///
/// Of a term there are as many columns as products of the columns of its variables, those of the first variable running
/// fastest. Where fewer than a fifth of the entries are other than zero, blocks are lent as sparse rows.
#[derive(Clone, Debug)]
pub struct ModelMatrix<'a> {
    rows: usize,
    names: Vec<String>,
    /// For each column the number of its term, 0 for the intercept.
    assign: Vec<usize>,
    labels: Vec<String>,
    numbers: Vec<Cow<'a, [f64]>>,
    codes: Vec<Vec<u32>>,
    terms: Vec<TermColumns>,
    stored: usize,
}

/// Where the columns of a term begin, and of what they are products.
#[derive(Clone, Debug)]
struct TermColumns {
    first: usize,
    parts: Vec<Part>,
}

#[derive(Clone, Debug)]
enum Part {
    /// Columns of numbers, at these positions among `numbers`.
    Numbers { first: usize, count: usize },
    /// A factor at this position among `codes`; by contrasts its first level has no column.
    Factor { position: usize, levels: usize, full: bool },
}

impl Part {
    fn width(&self) -> usize {
        match self {
            Part::Numbers { count, .. } => *count,
            Part::Factor { levels, full, .. } => levels - usize::from(!full),
        }
    }
}

/// Columns that a model matrix may have.
const MOST_COLUMNS: usize = 100_000;
/// Below this share of entries rows are sparse.
const SPARSE_SHARE: f64 = 0.2;
/// Values of a block.
const BLOCK_VALUES: usize = 65_536;

impl<'a> ModelMatrix<'a> {
    /// Of terms and the values of their variables.
    pub(super) fn new(terms: &Terms, variables: Vec<Variable<'a>>, rows: usize) -> Result<ModelMatrix<'a>> {
        let coding = terms.full_coding(|v| matches!(variables[v], Variable::Factor { .. }));
        let written: Vec<String> = terms.variables.iter().map(ToString::to_string).collect();
        let suffixes: Vec<Vec<String>> = variables.iter().map(Variable::suffixes).collect();
        let mut matrix = ModelMatrix {
            rows,
            names: Vec::new(),
            assign: Vec::new(),
            labels: terms.labels(),
            numbers: Vec::new(),
            codes: Vec::new(),
            terms: Vec::new(),
            stored: 0,
        };
        if terms.intercept {
            matrix.names.push("(Intercept)".into());
            matrix.assign.push(0);
            matrix.terms.push(TermColumns { first: 0, parts: Vec::new() });
        }
        let parts: Vec<Part> = variables.into_iter().map(|variable| matrix.keep(variable)).collect();
        for (k, (term, full)) in terms.terms.iter().zip(&coding).enumerate() {
            let mut names = vec![String::new()];
            let mut own = Vec::new();
            for (&v, &full) in term.iter().zip(full) {
                let mut part = parts[v].clone();
                if let Part::Factor { full: coded, .. } = &mut part {
                    *coded = full;
                }
                let skipped = suffixes[v].len() - part.width();
                let ends = suffixes[v][skipped..].iter().map(|suffix| format!("{}{suffix}", written[v]));
                if names.len().saturating_mul(part.width()) > MOST_COLUMNS {
                    let reason = format!("the term {} has more than {MOST_COLUMNS} columns", matrix.labels[k]);
                    return Err(ErrorKind::Option { name: "formula".into(), reason }.into());
                }
                names = ends
                    .flat_map(|end| {
                        names
                            .iter()
                            .map(move |name| if name.is_empty() { end.clone() } else { format!("{name}:{end}") })
                    })
                    .collect();
                own.push(part);
            }
            matrix.terms.push(TermColumns { first: matrix.names.len(), parts: own });
            matrix.assign.extend(std::iter::repeat_n(k + 1, names.len()));
            matrix.names.extend(names);
        }
        if matrix.names.len() > MOST_COLUMNS {
            let reason = format!("the formula has {} columns, expected at most {MOST_COLUMNS}", matrix.names.len());
            return Err(ErrorKind::Option { name: "formula".into(), reason }.into());
        }
        let (fixed, varying): (Vec<_>, Vec<_>) =
            matrix.terms.iter().partition(|term| term.parts.iter().all(|part| matches!(part, Part::Numbers { .. })));
        let of_fixed: usize = fixed.iter().map(|term| matrix.entries(term, 0)).sum();
        let of_varying = |term: &&TermColumns| -> usize { (0..rows).map(|row| matrix.entries(term, row)).sum() };
        matrix.stored = rows * of_fixed + varying.iter().map(of_varying).sum::<usize>();
        Ok(matrix)
    }

    fn keep(&mut self, variable: Variable<'a>) -> Part {
        match variable {
            Variable::Numbers(values) => {
                self.numbers.push(values);
                Part::Numbers { first: self.numbers.len() - 1, count: 1 }
            }
            Variable::Columns(columns) => {
                let (first, count) = (self.numbers.len(), columns.len());
                self.numbers.extend(columns.into_iter().map(Cow::Owned));
                Part::Numbers { first, count }
            }
            Variable::Factor { levels, codes } => {
                self.codes.push(codes);
                Part::Factor { position: self.codes.len() - 1, levels: levels.len(), full: true }
            }
        }
    }

    /// The names of the columns, as R: `(Intercept)`, `wt`, `factor(cyl)6`, `wt:factor(cyl)6`.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// For each column the number of its term, 0 for the intercept: R's `assign`.
    #[must_use]
    pub fn assign(&self) -> &[usize] {
        &self.assign
    }

    /// Whether a column belongs to a term that holds a factor.
    #[must_use]
    pub fn is_of_factor(&self, column: usize) -> bool {
        let of = |term: &TermColumns| term.parts.iter().any(|part| matches!(part, Part::Factor { .. }));
        self.terms.iter().rev().find(|term| term.first <= column).is_some_and(of)
    }

    /// The labels of the terms, the first with number 1.
    #[must_use]
    pub fn term_labels(&self) -> &[String] {
        &self.labels
    }

    /// Whether the first column is the intercept.
    #[must_use]
    pub fn has_intercept(&self) -> bool {
        self.assign.first() == Some(&0)
    }

    /// How many entries of a row have a place among the columns of a term.
    fn entries(&self, term: &TermColumns, row: usize) -> usize {
        let of_part = |part: &Part| match part {
            Part::Numbers { count, .. } => *count,
            Part::Factor { position, full, .. } => usize::from(*full || self.codes[*position][row] > 0),
        };
        term.parts.iter().map(of_part).product()
    }

    /// Calls `f(column, value)` for every entry of a row that has a place, columns ascending within a term.
    fn each_entry(&self, row: usize, f: &mut impl FnMut(usize, f64)) {
        for term in &self.terms {
            match &term.parts[..] {
                [] => f(term.first, 1.0),
                [Part::Numbers { first, count }] => {
                    (0..*count).for_each(|j| f(term.first + j, self.numbers[first + j][row]));
                }
                [Part::Factor { position, full, .. }] => {
                    let code = self.codes[*position][row] as usize;
                    if *full || code > 0 {
                        f(term.first + code - usize::from(!full), 1.0);
                    }
                }
                parts => self.product(parts, row, (term.first, 1.0), f),
            }
        }
    }

    /// The products of the parts from the last to the first, so that columns ascend.
    fn product(&self, parts: &[Part], row: usize, (at, value): (usize, f64), f: &mut impl FnMut(usize, f64)) {
        let Some((last, before)) = parts.split_last() else { return f(at, value) };
        let stride: usize = before.iter().map(Part::width).product();
        match last {
            Part::Numbers { first, count } => {
                for j in 0..*count {
                    self.product(before, row, (at + j * stride, value * self.numbers[first + j][row]), f);
                }
            }
            Part::Factor { position, full, .. } => {
                let code = self.codes[*position][row] as usize;
                if *full || code > 0 {
                    let column = code - usize::from(!full);
                    self.product(before, row, (at + column * stride, value), f);
                }
            }
        }
    }

    /// One row, dense.
    fn row_into(&self, row: usize, out: &mut [f64]) {
        out.fill(0.0);
        self.each_entry(row, &mut |column, value| out[column] = value);
    }

    /// Rows `start..start + out.len()/d`, dense. A few rows are filled at a time, so that a column is looked up once for them all.
    fn rows_into(&self, start: usize, out: &mut [f64]) {
        const TILE: usize = 16;
        let d = self.names.len();
        let whole = self.stored == self.rows * d; // no entry is left to be 0
        for (tile, out) in out.chunks_mut(TILE * d).enumerate() {
            let first = start + tile * TILE;
            let rows = first..first + out.len() / d;
            if !whole {
                out.fill(0.0);
            }
            for term in &self.terms {
                match &term.parts[..] {
                    [] => out.chunks_exact_mut(d).for_each(|row| row[term.first] = 1.0),
                    [Part::Numbers { first, count }] => {
                        for j in 0..*count {
                            let column = &self.numbers[first + j][rows.clone()];
                            out.chunks_exact_mut(d).zip(column).for_each(|(row, v)| row[term.first + j] = *v);
                        }
                    }
                    parts => {
                        for (row, out) in rows.clone().zip(out.chunks_exact_mut(d)) {
                            self.product(parts, row, (term.first, 1.0), &mut |column, value| out[column] = value);
                        }
                    }
                }
            }
        }
    }

    fn is_sparse(&self) -> bool {
        (self.stored as f64) < SPARSE_SHARE * self.rows as f64 * self.names.len() as f64
    }
}

impl RowSource for ModelMatrix<'_> {
    fn shape(&self) -> Shape {
        let (rows, columns) = (self.rows, self.names.len());
        Shape { rows, columns, stored: if self.is_sparse() { self.stored } else { rows * columns } }
    }

    fn rows_per_block(&self) -> usize {
        let width = if self.is_sparse() { self.stored.div_ceil(self.rows.max(1)) } else { self.names.len() };
        (BLOCK_VALUES / width.max(1)).clamp(64, 1024)
    }

    fn with_block(&self, k: usize, f: &mut dyn FnMut(Rows<'_>) -> Result<()>) -> Result<()> {
        let start = k * self.rows_per_block();
        let end = (start + self.rows_per_block()).min(self.rows);
        let columns = self.names.len();
        if self.is_sparse() {
            let expected = (end - start) * self.stored.div_ceil(self.rows.max(1));
            let (mut pointers, mut indices) = (Vec::with_capacity(end - start + 1), Vec::with_capacity(expected));
            let mut values = Vec::with_capacity(expected);
            pointers.push(0);
            for row in start..end {
                self.each_entry(row, &mut |column, value| {
                    indices.push(column as u32);
                    values.push(value);
                });
                pointers.push(indices.len());
            }
            let block = CsrBlock { pointers: &pointers, indices: &indices, values: &values, columns };
            return f(Rows { start, block: Block::Csr(block) });
        }
        with_scratch((end - start) * columns, |values| {
            self.rows_into(start, values);
            f(Rows { start, block: Block::Dense(DenseBlock { values, columns }) })
        })
    }

    fn gather(&self, rows: &[usize]) -> Result<Vec<f64>> {
        let columns = self.names.len();
        let mut values = vec![0.0; rows.len() * columns];
        rows.iter().zip(values.chunks_exact_mut(columns)).for_each(|(&row, out)| self.row_into(row, out));
        Ok(values)
    }
}

/// Some columns of a source, in their order.
pub struct Columns<'a> {
    source: &'a dyn RowSource,
    kept: &'a [usize],
    /// For each column its new position.
    place: Vec<Option<u32>>,
}

impl<'a> Columns<'a> {
    /// The columns `kept`, ascending.
    #[must_use]
    pub fn of(source: &'a dyn RowSource, kept: &'a [usize]) -> Self {
        let mut place = vec![None; source.shape().columns];
        kept.iter().zip(0..).for_each(|(&column, k)| place[column] = Some(k));
        Columns { source, kept, place }
    }

    fn lend_kept(&self, rows: &Rows<'_>, f: &mut dyn FnMut(Rows<'_>) -> Result<()>) -> Result<()> {
        let columns = self.kept.len();
        match rows.block {
            Block::Dense(block) => with_scratch(block.rows() * columns, |values| {
                for (row, out) in block.values.chunks_exact(block.columns).zip(values.chunks_exact_mut(columns)) {
                    out.iter_mut().zip(self.kept).for_each(|(out, &column)| *out = row[column]);
                }
                f(Rows { start: rows.start, block: Block::Dense(DenseBlock { values, columns }) })
            }),
            Block::Csr(block) => {
                let (mut pointers, mut indices, mut values) = (vec![0], Vec::new(), Vec::new());
                for i in 0..block.rows() {
                    let (old, row) = block.row(i);
                    let placed = old.iter().zip(row).filter_map(|(&j, v)| self.place[j as usize].map(|j| (j, *v)));
                    placed.for_each(|(j, v)| {
                        indices.push(j);
                        values.push(v);
                    });
                    pointers.push(indices.len());
                }
                let block = CsrBlock { pointers: &pointers, indices: &indices, values: &values, columns };
                f(Rows { start: rows.start, block: Block::Csr(block) })
            }
        }
    }
}

impl RowSource for Columns<'_> {
    fn shape(&self) -> Shape {
        let shape = self.source.shape();
        let dense = shape.stored == shape.rows * shape.columns;
        let stored = if dense { shape.rows * self.kept.len() } else { shape.stored };
        Shape { columns: self.kept.len(), stored, ..shape }
    }

    fn rows_per_block(&self) -> usize {
        self.source.rows_per_block()
    }

    fn with_block(&self, k: usize, f: &mut dyn FnMut(Rows<'_>) -> Result<()>) -> Result<()> {
        self.source.with_block(k, &mut |rows| self.lend_kept(&rows, f))
    }

    fn with_blocks(&self, range: Range<usize>, f: &mut dyn FnMut(Rows<'_>) -> Result<()>) -> Result<()> {
        self.source.with_blocks(range, &mut |rows| self.lend_kept(&rows, f))
    }

    fn openings(&self) -> Option<usize> {
        self.source.openings()
    }

    fn gather(&self, rows: &[usize]) -> Result<Vec<f64>> {
        let all = self.source.gather(rows)?;
        let columns = self.source.shape().columns.max(1);
        Ok(all.chunks_exact(columns).flat_map(|row| self.kept.iter().map(|&column| row[column])).collect())
    }
}
