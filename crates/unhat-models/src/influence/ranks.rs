//! Ranks: midranks, rank correlation, and how well a score finds what it should.

/// Ranks from 1, ties sharing their mean.
pub fn midranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut first = 0;
    while first < order.len() {
        let tied = order[first..].iter().take_while(|&&i| are_tied(values[i], values[order[first]])).count();
        let rank = first as f64 + (tied as f64 + 1.0) / 2.0;
        order[first..first + tied].iter().for_each(|&i| ranks[i] = rank);
        first += tied;
    }
    ranks
}

/// Equal values, and values that are both no numbers: every run of ties has its first, so that loops over runs end.
fn are_tied(a: f64, b: f64) -> bool {
    a == b || a.is_nan() && b.is_nan()
}

/// Spearman's rank correlation; None where one side is constant.
pub fn spearman(a: &[f64], b: &[f64]) -> Option<f64> {
    let (a, b) = (midranks(a), midranks(b));
    let mean = (a.len() as f64 + 1.0) / 2.0;
    let centred = |r: &[f64]| r.iter().map(|r| r - mean).collect::<Vec<f64>>();
    super::impact::cosine(&centred(&a), &centred(&b))
}

/// Probability that a marked row has the higher score than an unmarked one, ties counting half; None where all or none is
/// marked.
pub fn area_under_curve(scores: &[f64], marked: &[bool]) -> Option<f64> {
    let (positive, negative) =
        (marked.iter().filter(|m| **m).count() as f64, marked.iter().filter(|m| !**m).count() as f64);
    if positive == 0.0 || negative == 0.0 {
        return None;
    }
    let sum: f64 = midranks(scores).iter().zip(marked).filter(|(_, m)| **m).map(|(r, _)| r).sum();
    Some((sum - positive * (positive + 1.0) / 2.0) / (positive * negative))
}

/// Σ over thresholds of (recall gained)·precision, ties taken together; None where nothing is marked.
pub fn average_precision(scores: &[f64], marked: &[bool]) -> Option<f64> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
    let positive = marked.iter().filter(|m| **m).count() as f64;
    if positive == 0.0 {
        return None;
    }
    let (mut found, mut seen, mut sum, mut first) = (0.0, 0.0, 0.0, 0);
    while first < order.len() {
        let tied = order[first..].iter().take_while(|&&i| are_tied(scores[i], scores[order[first]])).count();
        let gained = order[first..first + tied].iter().filter(|&&i| marked[i]).count() as f64;
        found += gained;
        seen += tied as f64;
        sum += gained / positive * found / seen;
        first += tied;
    }
    Some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_share_their_mean_rank() {
        assert_eq!(midranks(&[3.0, 1.0, 3.0, 2.0]), [3.5, 1.0, 3.5, 2.0]);
    }

    #[test]
    fn ranks_of_what_is_no_number_end() {
        assert_eq!(midranks(&[f64::NAN, 1.0, f64::NAN]), [2.5, 1.0, 2.5]);
        assert!(average_precision(&[f64::NAN, 1.0], &[true, false]).is_some());
    }

    /// Values computed by scikit-learn 1.7 (roc_auc_score, average_precision_score) and SciPy (spearmanr).
    #[test]
    fn known_values() {
        let scores = [0.9, 0.8, 0.8, 0.3, 0.1, 0.5];
        let marked = [true, false, true, false, true, false];
        assert!((area_under_curve(&scores, &marked).unwrap() - 0.611_111_111_111_111).abs() < 1e-15);
        assert!((average_precision(&scores, &marked).unwrap() - 0.722_222_222_222_222_2).abs() < 1e-15);
        let other = [1.0, 0.5, 0.7, 0.2, 0.3, 0.4];
        assert!((spearman(&scores, &other).unwrap() - 0.927_633_657_043_917_4).abs() < 1e-12);
        assert_eq!(area_under_curve(&scores, &[true; 6]), None);
    }
}
