//! Rows that share every level of the absorbed factors are one cell; cells are what absorbing works on.

use crate::error::{ErrorKind, Result};

/// A factor: the level of every row, as a number below `levels`. Levels that no row has do not count.
///
/// # Examples
/// ```
/// use unhat::leverage::Factor;
/// let firm = Factor::new("firm", &[0, 2, 2, 1], 3)?;
/// assert_eq!(firm.name(), "firm");
/// assert!(Factor::new("firm", &[0, 3], 3).is_err());
/// # Ok::<(), unhat::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Factor<'a> {
    name: &'a str,
    codes: &'a [u32],
    levels: usize,
}

impl<'a> Factor<'a> {
    /// Views codes as a factor.
    ///
    /// # Errors
    /// [`ErrorKind::Shape`] naming the first row whose code is not below `levels`.
    pub fn new(name: &'a str, codes: &'a [u32], levels: usize) -> Result<Self> {
        match codes.iter().position(|&code| code as usize >= levels) {
            None => Ok(Factor { name, codes, levels }),
            Some(row) => Err(ErrorKind::Shape {
                what: format!("factor {name}, row {}", row + 1),
                expected: format!("a code below {levels}"),
                found: codes[row].to_string(),
            }
            .into()),
        }
    }

    /// What the factor is called.
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// The level of each row.
    pub fn codes(&self) -> &'a [u32] {
        self.codes
    }
}

/// No cell: the mark of a row without weight.
pub(super) const NO_CELL: u32 = u32::MAX;

/// The cells of a table, by the level of the factor with the most levels; the levels of the other factors are columns.
pub(super) struct Cells {
    /// Number of the factor whose levels are eliminated.
    pub eliminated: usize,
    /// Cells of its level w: `starts[w]..starts[w + 1]`.
    pub starts: Vec<usize>,
    /// Columns of every cell, one for each other factor, rising.
    pub columns: Vec<u32>,
    /// First column of each other factor, and their number at the end.
    pub offsets: Vec<usize>,
    /// Σ of the weights of the rows of a cell.
    pub weight: Vec<f64>,
    /// Rows of a cell.
    pub rows: Vec<u32>,
    /// The cell of every row of the table; [`NO_CELL`] without weight.
    pub of_row: Vec<u32>,
}

impl Cells {
    /// Sorts the rows of weight above 0 into cells.
    ///
    /// # Cost
    /// O(n log n) at most; 12 bytes a row and about 24 a cell.
    pub fn of(factors: &[Factor<'_>], weights: Option<&[f64]>) -> Cells {
        let n = factors[0].codes.len();
        let used = |row: usize| weights.is_none_or(|w| w[row] > 0.0);
        let present: Vec<Present> = factors.iter().map(|factor| Present::of(factor, &used)).collect();
        let eliminated = (0..factors.len()).rev().max_by_key(|&k| present[k].count).unwrap_or(0);
        let others: Vec<usize> = (0..factors.len()).filter(|&k| k != eliminated).collect();
        let mut offsets = vec![0];
        others.iter().for_each(|&k| offsets.push(offsets[offsets.len() - 1] + present[k].count));
        let level = |row: u32| present[eliminated].number[factors[eliminated].codes[row as usize] as usize] as usize;
        let column = |o: usize, row: u32| {
            let k = others[o];
            offsets[o] as u32 + present[k].number[factors[k].codes[row as usize] as usize]
        };

        let mut bounds = vec![0usize; present[eliminated].count + 1];
        (0..n as u32).filter(|&row| used(row as usize)).for_each(|row| bounds[level(row) + 1] += 1);
        (1..bounds.len()).for_each(|w| bounds[w] += bounds[w - 1]);
        let (mut next, mut sorted) = (bounds.clone(), vec![0u32; bounds[bounds.len() - 1]]);
        for row in (0..n as u32).filter(|&row| used(row as usize)) {
            let at = &mut next[level(row)];
            sorted[*at] = row;
            *at += 1;
        }

        let mut cells = Cells {
            eliminated,
            starts: vec![0],
            columns: Vec::new(),
            offsets: Vec::new(),
            weight: Vec::new(),
            rows: Vec::new(),
            of_row: vec![NO_CELL; n],
        };
        for w in bounds.windows(2) {
            let group = &mut sorted[w[0]..w[1]];
            let key = |o: usize, row: &u32| column(o, *row);
            group.sort_by(|a, b| {
                (0..others.len()).map(|o| key(o, a).cmp(&key(o, b))).find(|o| o.is_ne()).unwrap_or(a.cmp(b))
            });
            let first = cells.weight.len();
            for &row in group.iter() {
                let here: Vec<u32> = (0..others.len()).map(|o| column(o, row)).collect();
                let same =
                    cells.weight.len() > first && cells.columns[cells.columns.len() - others.len()..] == here[..];
                if !same {
                    cells.columns.extend(here);
                    cells.weight.push(0.0);
                    cells.rows.push(0);
                }
                let cell = cells.weight.len() - 1;
                cells.weight[cell] += weights.map_or(1.0, |w| w[row as usize]);
                cells.rows[cell] += 1;
                cells.of_row[row as usize] = cell as u32;
            }
            cells.starts.push(cells.weight.len());
        }
        cells.offsets = offsets;
        cells
    }

    /// Number of cells.
    pub fn len(&self) -> usize {
        self.weight.len()
    }

    /// Levels of the eliminated factor.
    pub fn levels(&self) -> usize {
        self.starts.len() - 1
    }

    /// Levels of the other factors.
    pub fn width(&self) -> usize {
        self.offsets[self.offsets.len() - 1]
    }

    /// Factors but the eliminated one.
    pub fn others(&self) -> usize {
        self.offsets.len() - 1
    }

    /// The columns of a cell.
    pub fn columns_of(&self, cell: usize) -> &[u32] {
        let others = self.others();
        &self.columns[cell * others..(cell + 1) * others]
    }

    /// The columns that the cells of a level have, rising, each once.
    pub fn columns_of_level(&self, w: usize, out: &mut Vec<u32>) {
        let others = self.others();
        out.clear();
        out.extend_from_slice(&self.columns[self.starts[w] * others..self.starts[w + 1] * others]);
        if others > 1 {
            out.sort_unstable();
            out.dedup();
        }
    }

    /// Σ of the weights of every level of the eliminated factor.
    pub fn level_weights(&self) -> Vec<f64> {
        self.starts.windows(2).map(|s| self.weight[s[0]..s[1]].iter().sum()).collect()
    }

    /// The level of every cell.
    pub fn levels_of_cells(&self) -> Vec<u32> {
        let mut levels = Vec::with_capacity(self.len());
        (0..self.levels()).for_each(|w| levels.resize(self.starts[w + 1], w as u32));
        levels
    }

    /// Only the cells that are kept, and which they are.
    pub fn kept(&self, keep: impl Fn(usize) -> bool) -> (Cells, Vec<u32>) {
        let mut part = Cells {
            eliminated: self.eliminated,
            starts: vec![0],
            columns: Vec::new(),
            offsets: self.offsets.clone(),
            weight: Vec::new(),
            rows: Vec::new(),
            of_row: Vec::new(),
        };
        let mut originals = Vec::new();
        for s in self.starts.windows(2) {
            for cell in (s[0]..s[1]).filter(|&cell| keep(cell)) {
                part.columns.extend_from_slice(self.columns_of(cell));
                part.weight.push(self.weight[cell]);
                part.rows.push(self.rows[cell]);
                originals.push(cell as u32);
            }
            if part.weight.len() > part.starts[part.starts.len() - 1] {
                part.starts.push(part.weight.len());
            }
        }
        (part, originals)
    }
}

/// The levels of a factor that rows have, numbered in the order of their codes.
struct Present {
    number: Vec<u32>,
    count: usize,
}

impl Present {
    fn of(factor: &Factor<'_>, used: &impl Fn(usize) -> bool) -> Present {
        let mut number = vec![0u32; factor.levels];
        factor.codes.iter().enumerate().filter(|(row, _)| used(*row)).for_each(|(_, &code)| number[code as usize] = 1);
        let mut count = 0;
        for number in &mut number {
            let here = *number;
            *number = count as u32;
            count += here as usize;
        }
        Present { number, count }
    }
}
