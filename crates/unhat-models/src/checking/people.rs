//! Several rows of one person: shares and counts by person instead of by row.

use super::coefficients::remedy;
use super::{Appetite, Attack, Evidence, Finding, Intruder, Item, Verdict};
use std::collections::{BTreeMap, BTreeSet};
use unhat::kernels::{symmetric_eigenvalues, transpose_times_into};

/// The largest share of a person in what is fitted to that person's rows S, λmax(H_SS), and the fewest people that a column
/// sets apart.
pub(super) fn findings(
    fit: &Evidence<'_>,
    people: &[usize],
    lower: &[f64],
    appetite: &Appetite,
    item: Item,
) -> Vec<Finding> {
    let mut rows_of: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    people.iter().enumerate().for_each(|(i, who)| rows_of.entry(*who).or_default().push(i));
    let (mut share, mut rows): (f64, &[usize]) = (0.0, &[]);
    for mine in rows_of.values() {
        let largest = largest_eigenvalue(fit, lower, mine);
        if largest > share {
            (share, rows) = (largest, mine);
        }
    }
    let verdict = Verdict::of(share > appetite.own_share_fail, share > appetite.own_share_review);
    let own = Finding {
        item,
        kind: Attack::OwnShareOfPerson,
        attack: Attack::OwnShareOfPerson.words().into(),
        intruder: Intruder::OnePersonsColumns,
        measure: "largest share of a person's responses in some combination of the fitted values".into(),
        value: Some(share),
        threshold: Some(if verdict == Verdict::Fail { appetite.own_share_fail } else { appetite.own_share_review }),
        verdict,
        summary: format!("{:.2} people stand behind it", 1.0 / share.max(1e-9)),
        detail: format!("rows {}", fit.labelled(rows).join(", ")),
        rows: if verdict >= Verdict::Review { fit.labelled(rows) } else { Vec::new() },
        columns: Vec::new(),
        remedy: remedy(
            verdict,
            "merge the small group, top-code the column at its tenth value, or leave the person out",
        ),
    };
    vec![own, fewest_people(fit, people, appetite, item)]
}

/// λmax of the rows and columns S of the hat matrix: that of the smaller of UUᵀ and UᵀU.
fn largest_eigenvalue(fit: &Evidence<'_>, lower: &[f64], rows: &[usize]) -> f64 {
    let (m, p) = (rows.len(), fit.rank());
    let u = fit.whitened(lower, rows);
    if m == 1 {
        return u.iter().map(|u| u * u).sum::<f64>().min(1.0);
    }
    let size = m.min(p);
    let mut square = vec![0.0; size * size];
    if m <= p {
        transpose_times_into(&u, &u, p, m, m, &mut square);
    } else {
        for row in u.chunks_exact(p) {
            for (j, a) in row.iter().enumerate() {
                for (k, b) in row.iter().enumerate() {
                    square[j * p + k] += a * b;
                }
            }
        }
    }
    symmetric_eigenvalues(&square, size).and_then(|values| values.last().copied()).map_or(1.0, |v| v.min(1.0))
}

fn fewest_people(fit: &Evidence<'_>, people: &[usize], appetite: &Appetite, item: Item) -> Finding {
    let mut fewest: Option<(usize, usize)> = None; // (people, column)
    for k in 0..fit.rank() {
        let mut by_value: BTreeMap<u64, BTreeSet<usize>> = BTreeMap::new();
        for (v, who) in fit.column(k).zip(people) {
            by_value.entry((v + 0.0).to_bits()).or_default().insert(*who);
        }
        let Some(common) = by_value.iter().max_by_key(|(_, who)| who.len()).map(|(v, _)| *v) else { continue };
        let others: BTreeSet<usize> =
            by_value.iter().filter(|(v, _)| **v != common).flat_map(|(_, who)| who.iter().copied()).collect();
        if !others.is_empty() && fewest.is_none_or(|(least, _)| others.len() < least) {
            fewest = Some((others.len(), k));
        }
    }
    let size = fewest.map_or(people.len(), |(size, _)| size);
    let verdict = Verdict::of((size as u64) < appetite.failing_count, (size as u64) < appetite.minimum_count);
    let column = fewest.filter(|_| verdict >= Verdict::Review).map(|(_, k)| fit.names[k].clone());
    Finding {
        item,
        kind: Attack::CountsOfPeople,
        attack: Attack::CountsOfPeople.words().into(),
        intruder: Intruder::Nothing,
        measure: "fewest people that a column sets apart".into(),
        value: Some(size as f64),
        threshold: Some(if verdict == Verdict::Fail { appetite.failing_count } else { appetite.minimum_count } as f64),
        verdict,
        summary: column.as_ref().map_or_else(
            || format!("no group of fewer than {} people", appetite.minimum_count),
            |column| format!("{column} sets {size} people apart"),
        ),
        detail: String::new(),
        rows: Vec::new(),
        columns: column.into_iter().collect(),
        remedy: remedy(verdict, "merge the group with another, or leave its column out"),
    }
}
