//! Rows set aside for validation and test: shares drawn by seed, from each class alike.

use unhat::random::uniform_rows_into;
use unhat::{ErrorKind, Result};

/// The share of the rows set aside where none is named.
pub const DEFAULT_SHARE: f64 = 0.2;

/// The random stream of splits; folds of a cross-validation have another.
const SPLIT_STREAM: u64 = 3 << 40;

/// Rows by what they are for, each list increasing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// The rest.
    pub train: Vec<usize>,
    /// Set aside to choose by, or to measure influence on.
    pub validation: Vec<usize>,
    /// Set aside to judge by.
    pub test: Vec<usize>,
}

/// Draws shares of the rows for validation and test; 0 draws none.
///
/// `classes`: the class of each row where there are classes, whose shares are then the same up to one row; a class keeps
/// at least one training row.
///
/// # Randomness
/// A row's place depends on (seed, row) and on how many rows its class has.
/// # Errors
/// [`ErrorKind::Option`] for shares that are no shares, or that leave one of the three empty.
pub fn split(rows: usize, classes: Option<&[f64]>, validation: f64, test: f64, seed: u64) -> Result<Split> {
    for (name, share) in [("validation", validation), ("test", test)] {
        if !(0.0..1.0).contains(&share) {
            return Err(option(name, format!("found {share}, expected a share of the rows, at least 0 and below 1")));
        }
    }
    if validation + test >= 1.0 {
        return Err(option("validation", format!("{validation} and {test} for test leave no row to train on")));
    }
    let classes = drawn_order(rows, classes, seed, SPLIT_STREAM);
    let sizes: Vec<usize> = classes.iter().map(Vec::len).collect();
    let for_test = apportion(&sizes, test, &vec![0; sizes.len()]);
    let for_validation = apportion(&sizes, validation, &for_test);
    let mut split = Split { train: Vec::new(), validation: Vec::new(), test: Vec::new() };
    for ((class, t), v) in classes.iter().zip(for_test).zip(for_validation) {
        split.test.extend(&class[..t]);
        split.validation.extend(&class[t..t + v]);
        split.train.extend(&class[t + v..]);
    }
    for (name, share, drawn) in [("validation", validation, &split.validation), ("test", test, &split.test)] {
        if share > 0.0 && drawn.is_empty() {
            return Err(option(name, format!("a share of {share} of {rows} rows is no row: name a larger one")));
        }
    }
    if split.train.is_empty() {
        return Err(option("validation", format!("{validation} and {test} of {rows} rows leave none to train on")));
    }
    [&mut split.train, &mut split.validation, &mut split.test].into_iter().for_each(|rows| rows.sort_unstable());
    Ok(split)
}

/// The rows of each class in the order in which they are drawn.
pub(super) fn drawn_order(rows: usize, classes: Option<&[f64]>, seed: u64, stream: u64) -> Vec<Vec<usize>> {
    let mut numbers = vec![0.0; rows];
    uniform_rows_into(seed, stream, 0, &mut numbers);
    let class = |row: usize| classes.map_or(0, |classes| classes[row] as usize);
    let count = (0..rows).map(class).max().map_or(0, |last| last + 1);
    let mut order = vec![Vec::new(); count];
    (0..rows).for_each(|row| order[class(row)].push(row));
    for class in &mut order {
        class.sort_by(|&a, &b| numbers[a].total_cmp(&numbers[b]).then(a.cmp(&b)));
    }
    order
}

/// How many rows of each class make up a share of all, by largest remainders, at least one row of a class being left
/// beside those `taken` before.
fn apportion(sizes: &[usize], share: f64, taken: &[usize]) -> Vec<usize> {
    let wanted = (share * sizes.iter().sum::<usize>() as f64).round() as usize;
    let room = |k: usize| (sizes[k] - taken[k]).saturating_sub(1);
    let exact: Vec<f64> = sizes.iter().map(|&size| share * size as f64).collect();
    let mut counts: Vec<usize> = exact.iter().enumerate().map(|(k, e)| (*e as usize).min(room(k))).collect();
    let mut by_remainder: Vec<usize> = (0..sizes.len()).collect();
    by_remainder.sort_by(|&a, &b| exact[b].fract().total_cmp(&exact[a].fract()).then(a.cmp(&b)));
    let mut left = wanted.saturating_sub(counts.iter().sum());
    for k in by_remainder {
        if left > 0 && counts[k] < room(k) {
            counts[k] += 1;
            left -= 1;
        }
    }
    counts
}

fn option(name: &str, reason: String) -> unhat::Error {
    ErrorKind::Option { name: name.to_string(), reason }.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_one_place_and_every_class_its_share() {
        let classes: Vec<f64> = (0..1003).map(|i| f64::from(i % 10 == 0) + f64::from(i % 101 == 0)).collect();
        for seed in 0..5 {
            let split = split(1003, Some(&classes), 0.2, 0.2, seed).unwrap();
            let mut all = [&split.train[..], &split.validation, &split.test].concat();
            all.sort_unstable();
            assert_eq!(all, (0..1003).collect::<Vec<_>>());
            assert_eq!((split.validation.len(), split.test.len()), (201, 201));
            for class in 0..3 {
                let of = |rows: &[usize]| rows.iter().filter(|&&i| classes[i] as usize == class).count() as f64;
                let size = of(&all);
                for drawn in [&split.validation, &split.test] {
                    assert!((of(drawn) - 0.2 * size).abs() <= 1.0, "class {class}: {} of {size}", of(drawn));
                }
            }
        }
    }

    #[test]
    fn seeds_differ_and_repeat() {
        let drawn = |seed| split(100, None, 0.2, 0.0, seed).unwrap();
        assert_eq!(drawn(1), drawn(1));
        assert_ne!(drawn(1), drawn(2));
        assert!(drawn(1).test.is_empty());
    }

    #[test]
    fn a_class_keeps_a_training_row() {
        let split = split(6, Some(&[0.0, 0.0, 0.0, 0.0, 1.0, 1.0]), 0.45, 0.45, 3).unwrap();
        assert!(split.train.contains(&4) || split.train.contains(&5), "{split:?}");
        assert!(split.train.iter().any(|&i| i < 4), "{split:?}");
    }

    #[test]
    fn shares_that_are_none_are_refused() {
        for (validation, test) in [(1.0, 0.0), (-0.1, 0.0), (f64::NAN, 0.0), (0.5, 0.5), (0.01, 0.0), (0.0, 2.0)] {
            assert!(split(10, None, validation, test, 0).is_err(), "{validation} {test}");
        }
        assert!(split(1, None, 0.2, 0.2, 0).is_err());
    }
}
