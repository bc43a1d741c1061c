//! The rows of a file without those that are left out: from a row of the matrix to its place in the file.

use std::ops::Range;
use std::sync::Arc;

/// Rows of a file that are left out, increasing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Kept(Arc<[usize]>);

impl Kept {
    /// `omitted`: increasing, each once.
    pub fn without(omitted: impl IntoIterator<Item = usize>) -> Self {
        Kept(omitted.into_iter().collect())
    }

    /// How many rows are left out.
    pub fn omitted(&self) -> usize {
        self.0.len()
    }

    /// The place in the file of row `k` of those that are kept.
    pub fn place(&self, k: usize) -> usize {
        let (mut low, mut high) = (0, self.0.len());
        while low < high {
            let middle = usize::midpoint(low, high);
            // So many kept rows stand before the omitted row `middle`.
            if self.0[middle] - middle <= k { low = middle + 1 } else { high = middle }
        }
        k + low
    }

    /// The places of the kept rows `range`, from the first to beyond the last.
    pub fn places(&self, range: &Range<usize>) -> Range<usize> {
        match range.is_empty() {
            true => self.place(range.start)..self.place(range.start),
            false => self.place(range.start)..self.place(range.end - 1) + 1,
        }
    }

    /// The stretches of `places` in which no row is left out.
    pub fn runs(&self, places: Range<usize>) -> impl Iterator<Item = Range<usize>> + '_ {
        let first = self.0.partition_point(|&row| row < places.start);
        let gone = self.0[first..].iter().copied().take_while({
            let end = places.end;
            move |&row| row < end
        });
        let mut start = places.start;
        gone.chain([places.end]).filter_map(move |end| {
            let run = start..end;
            start = end + 1;
            (!run.is_empty()).then_some(run)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kept_row_has_its_place_between_those_that_are_left_out() {
        let kept = Kept::without([0, 3, 4, 9]);
        let by_hand = [1, 2, 5, 6, 7, 8, 10, 11];
        assert_eq!((0..8).map(|k| kept.place(k)).collect::<Vec<_>>(), by_hand);
        assert_eq!(kept.places(&(1..3)), 2..6);
        assert_eq!(kept.runs(2..11).collect::<Vec<_>>(), [2..3, 5..9, 10..11]);
        assert_eq!(Kept::default().runs(4..6).collect::<Vec<_>>(), vec![4..6; 1]);
    }
}
