//! Sparse matrices put in order: from rows, columns or loose entries to rows with increasing column numbers.

use crate::fault::{Checked, Fault, require_memory, room};
use unhat::rows::{CsrRows, Shape};

/// Rows a header may claim for nothing: their pointers take half a megabyte.
const FREE_ROWS: usize = 65_536;
/// Further rows it may claim for each entry that is there. Sparse matrices with empty rows are common, with 64 times as
/// many as entries they are not; without a limit, thirty bytes could ask for any amount of memory.
const ROWS_PER_ENTRY: usize = 64;

/// An owned matrix in compressed sparse row form.
pub(crate) struct Csr {
    pointers: Vec<usize>,
    indices: Vec<u32>,
    values: Vec<f64>,
    columns: usize,
}

/// Rows and columns of a sparse matrix, as its header says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    pub rows: usize,
    pub columns: usize,
}

impl Size {
    /// Refuses what is no matrix, or too wide for a sparse one.
    pub fn check(self) -> Checked<Self> {
        let Size { columns, .. } = self.check_not_empty()?;
        if u32::try_from(columns).is_err() {
            let reason = format!("found {columns} columns, expected at most {} in a sparse matrix", u32::MAX);
            return Err(Fault::new(reason));
        }
        Ok(self)
    }

    /// Refuses what is no matrix.
    pub fn check_not_empty(self) -> Checked<Self> {
        let Size { rows, columns } = self;
        if rows == 0 || columns == 0 {
            return Err(Fault::new(format!(
                "found {rows} rows and {columns} columns, expected at least one row and one column"
            )));
        }
        Ok(self)
    }

    /// Refuses more rows than the entries that are there can fill.
    fn check_rows(self, entries: usize) -> Checked<()> {
        if self.rows > FREE_ROWS.saturating_add(entries.saturating_mul(ROWS_PER_ENTRY)) {
            return Err(Fault::new(format!(
                "the header claims {} rows, but the file holds {entries} entries: almost every row would be empty",
                self.rows
            )));
        }
        Ok(())
    }
}

/// Entries in any order; those at the same place are added.
#[derive(Default)]
pub(crate) struct Triplets {
    rows: Vec<usize>,
    columns: Vec<u32>,
    values: Vec<f64>,
}

/// Where the entries of a row go, and where they go once more with the other sign.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub first: usize,
    pub repeated: Option<usize>,
}

impl Triplets {
    /// Every row at its place, and its negative at the second one.
    pub fn spread(self, places: &[Place]) -> Triplets {
        let mut spread = Triplets::default();
        for ((row, column), value) in self.rows.into_iter().zip(self.columns).zip(self.values) {
            let Place { first, repeated } = places[row];
            spread.push(first, column, value);
            if let Some(second) = repeated {
                spread.push(second, column, -value);
            }
        }
        spread
    }

    /// Room for `more` entries; a fault where there is no memory for them.
    pub fn room(&mut self, more: usize) -> Checked<()> {
        const WHAT: &str = "the entries of the matrix";
        room(&mut self.rows, more, WHAT)?;
        room(&mut self.columns, more, WHAT)?;
        room(&mut self.values, more, WHAT)
    }

    /// Adds an entry; row and column are inside the matrix.
    pub fn push(&mut self, row: usize, column: u32, value: f64) {
        self.rows.push(row);
        self.columns.push(column);
        self.values.push(value);
    }

    /// Number of entries so far.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Which of so many rows have an entry that is not 0.
    pub fn rows_with_entries(&self, rows: usize) -> Vec<bool> {
        let mut filled = vec![false; rows];
        self.rows.iter().zip(&self.values).filter(|(_, value)| **value != 0.0).for_each(|(&row, _)| filled[row] = true);
        filled
    }

    /// The entries of the rows that are filled, which move up.
    pub fn without_empty_rows(self, filled: &[bool]) -> Triplets {
        let mut numbers = Vec::with_capacity(filled.len());
        let mut next = 0;
        for &filled in filled {
            numbers.push(next);
            next += usize::from(filled);
        }
        let mut kept = Triplets::default();
        for ((row, column), value) in self.rows.into_iter().zip(self.columns).zip(self.values) {
            if filled[row] {
                kept.push(numbers[row], column, value);
            }
        }
        kept
    }

    /// Sorts the entries into rows: a counting sort, then each row by column.
    pub fn into_csr(self, size: Size) -> Checked<Csr> {
        size.check_rows(self.len())?;
        // Two lists of pointers, and the entries once more in their order.
        let bytes = (size.rows as u64).saturating_mul(16).saturating_add((self.len() as u64).saturating_mul(12));
        require_memory("the matrix in its order", bytes)?;
        let mut pointers = vec![0; size.rows + 1];
        for &row in &self.rows {
            pointers[row + 1] += 1;
        }
        for i in 0..size.rows {
            pointers[i + 1] += pointers[i];
        }
        let mut next = pointers.clone();
        let mut indices = vec![0; self.len()];
        let mut values = vec![0.0; self.len()];
        for ((&row, &column), &value) in self.rows.iter().zip(&self.columns).zip(&self.values) {
            indices[next[row]] = column;
            values[next[row]] = value;
            next[row] += 1;
        }
        Ok(sorted(Csr { pointers, indices, values, columns: size.columns }))
    }
}

/// Three arrays as SciPy stores them: line i (a row or a column) holds entries `pointers[i]..pointers[i + 1]`.
pub(crate) struct Compressed {
    pub pointers: Vec<usize>,
    pub indices: Vec<usize>,
    pub values: Vec<f64>,
}

impl Compressed {
    /// Lines are rows.
    pub fn into_csr(self, size: Size) -> Checked<Csr> {
        self.check(size.rows, size.columns)?;
        let indices = self.indices.iter().map(|&j| j as u32).collect();
        Ok(sorted(Csr { pointers: self.pointers, indices, values: self.values, columns: size.columns }))
    }

    /// Lines are columns.
    pub fn transposed_into_csr(self, size: Size) -> Checked<Csr> {
        self.check(size.columns, size.rows)?;
        let mut entries = Triplets::default();
        for (column, line) in self.pointers.windows(2).enumerate() {
            for k in line[0]..line[1] {
                entries.push(self.indices[k], column as u32, self.values[k]);
            }
        }
        entries.into_csr(size)
    }

    fn check(&self, lines: usize, width: usize) -> Checked<()> {
        let entries = self.values.len();
        if self.indices.len() != entries {
            return Err(Fault::at(
                "indices",
                format!("found {} indices, expected {entries}, one for each value", self.indices.len()),
            ));
        }
        if self.pointers.len().checked_sub(1) != Some(lines) {
            return Err(Fault::at(
                "indptr",
                format!("found {} pointers, expected {lines} + 1 as the shape says", self.pointers.len()),
            ));
        }
        if self.pointers[0] != 0 || self.pointers[lines] != entries {
            return Err(Fault::at(
                "indptr",
                format!(
                    "found pointers from {} to {}, expected 0 to {entries}, the number of values",
                    self.pointers[0], self.pointers[lines]
                ),
            ));
        }
        if let Some(i) = self.pointers.windows(2).position(|p| p[0] > p[1]) {
            return Err(Fault::at(
                format!("indptr, entry {}", i + 2),
                format!(
                    "found {} after {}, expected pointers that do not decrease",
                    self.pointers[i + 1],
                    self.pointers[i]
                ),
            ));
        }
        require_inside("indices", &self.indices, width)
    }
}

/// An error naming the first index that is not below `size`.
pub(crate) fn require_inside(array: &str, indices: &[usize], size: usize) -> Checked<()> {
    match indices.iter().position(|&j| j >= size) {
        None => Ok(()),
        Some(k) => Err(Fault::at(
            format!("{array}, entry {}", k + 1),
            format!("found index {}, expected one below {size}", indices[k]),
        )),
    }
}

/// Sorts every row by column, and adds entries of the same column in the order in which they came.
fn sorted(mut matrix: Csr) -> Csr {
    if matrix.rows_increase() {
        return matrix;
    }
    let mut line: Vec<(u32, f64)> = Vec::new();
    let mut written = 0;
    let mut start = 0;
    for i in 1..matrix.pointers.len() {
        let range = start..matrix.pointers[i];
        start = range.end;
        line.clear();
        line.extend(matrix.indices[range.clone()].iter().copied().zip(matrix.values[range].iter().copied()));
        line.sort_by_key(|&(column, _)| column);
        let first = written;
        for &(column, value) in &line {
            if written > first && matrix.indices[written - 1] == column {
                matrix.values[written - 1] += value;
            } else {
                matrix.indices[written] = column;
                matrix.values[written] = value;
                written += 1;
            }
        }
        matrix.pointers[i] = written;
    }
    matrix.indices.truncate(written);
    matrix.values.truncate(written);
    matrix
}

impl Csr {
    /// Which rows have an entry that is not 0.
    pub fn filled_rows(&self) -> Vec<bool> {
        self.pointers.windows(2).map(|p| self.values[p[0]..p[1]].iter().any(|value| *value != 0.0)).collect()
    }

    /// Leaves out rows, whose entries are zeros.
    pub fn leave_out(&mut self, gone: &[bool]) {
        let mut kept = Csr { pointers: vec![0], indices: Vec::new(), values: Vec::new(), columns: self.columns };
        for (line, gone) in self.pointers.windows(2).zip(gone) {
            if !gone {
                kept.indices.extend_from_slice(&self.indices[line[0]..line[1]]);
                kept.values.extend_from_slice(&self.values[line[0]..line[1]]);
                kept.pointers.push(kept.values.len());
            }
        }
        *self = kept;
    }

    /// Lends the matrix.
    pub fn rows(&self) -> unhat::Result<CsrRows<'_>> {
        CsrRows::new(&self.pointers, &self.indices, &self.values, self.columns)
    }

    /// n, d and the number of stored entries.
    pub fn shape(&self) -> Shape {
        Shape { rows: self.pointers.len() - 1, columns: self.columns, stored: self.values.len() }
    }

    /// The columns as rows; within each, entries keep the order of the rows.
    pub fn transposed(&self) -> Csr {
        let rows = self.pointers.len() - 1;
        let mut pointers = vec![0; self.columns + 1];
        self.indices.iter().for_each(|&j| pointers[j as usize + 1] += 1);
        (0..self.columns).for_each(|j| pointers[j + 1] += pointers[j]);
        let mut next = pointers.clone();
        let (mut indices, mut values) = (vec![0; self.indices.len()], vec![0.0; self.values.len()]);
        for i in 0..rows {
            for k in self.pointers[i]..self.pointers[i + 1] {
                let place = &mut next[self.indices[k] as usize];
                (indices[*place], values[*place]) = (i as u32, self.values[k]);
                *place += 1;
            }
        }
        Csr { pointers, indices, values, columns: rows }
    }

    fn rows_increase(&self) -> bool {
        self.pointers.windows(2).all(|p| self.indices[p[0]..p[1]].windows(2).all(|w| w[0] < w[1]))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn duplicates_are_added_in_the_order_in_which_they_came() {
        let mut entries = Triplets::default();
        for value in [1e16, 1.0, -1e16] {
            entries.push(1, 2, value);
        }
        entries.push(1, 0, 5.0);
        let csr = entries.into_csr(Size { rows: 3, columns: 3 }).unwrap();
        assert_eq!(csr.pointers, [0, 0, 2, 2]);
        assert_eq!(csr.indices, [0, 2]);
        assert_eq!(csr.values, [5.0, 0.0], "1e16 + 1 rounds to 1e16");
    }

    #[test]
    fn rows_without_entries_are_limited_by_those_with_some() {
        let allowed = FREE_ROWS + ROWS_PER_ENTRY;
        for (rows, accepted) in [(allowed, true), (allowed + 1, false), (usize::MAX, false)] {
            let mut entries = Triplets::default();
            entries.push(0, 0, 1.0);
            assert_eq!(entries.into_csr(Size { rows, columns: 1 }).is_ok(), accepted, "{rows}");
        }
    }
}
