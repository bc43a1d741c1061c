//! Verdicts on small fits, derived once more by brute force: refits for every row, all sets of rows, plain loops.
#![allow(clippy::unwrap_used)] // a panic is how a test fails

use unhat::Run;
use unhat_models::checking::{Appetite, Attack, Finding, Material, Release, Second, Verdict, check, verdict};
use unhat_models::formula::{Formula, parse_expression};
use unhat_models::models::{Column, Frame};
use unhat_models::regression::{FamilyName, Law, Model, ModelFrame, Specification};
use unhat_testkit::disclosure::{Case, Found, Judgement, LIMITS, random_case};
use unhat_testkit::generate::Stream;

const CASES: u64 = 240;

fn material(case: &Case, rows: Option<&[usize]>) -> Material {
    let of = |(name, values): (&String, &Vec<f64>)| (name.clone(), Column::Numbers(values.clone()));
    let mut columns: Vec<(String, Column)> = case.names.iter().zip(&case.columns).skip(1).map(of).collect();
    columns.push(("y".into(), Column::Numbers(case.response.clone())));
    columns.push(("w".into(), Column::Numbers(case.weights.clone())));
    let frame = Frame::new(columns).unwrap();
    let mut wanted = Specification::new(Formula::parse(&format!("y ~ {}", case.names[1..].join(" + "))).unwrap());
    let name: FamilyName = if case.logistic { "binomial" } else { "gaussian" }.parse().unwrap();
    let model = if case.logistic { Model::Generalised(Law::new(name, None).unwrap()) } else { Model::Linear };
    if !case.logistic {
        wanted.weights = Some(parse_expression("weights", "w").unwrap());
    }
    let frame = ModelFrame::of(&frame, &wanted, name.family).unwrap();
    Material::of(&frame, model, rows, &Run::default()).unwrap()
}

fn same(verdict: Verdict, judged: Judgement) -> bool {
    match judged {
        Judgement::Pass => verdict == Verdict::Pass,
        Judgement::Review => verdict == Verdict::Review,
        Judgement::Fail => verdict == Verdict::Fail,
    }
}

/// What differs between the findings and brute force, in words.
fn differences(case: &Case, separates: bool, ours: &[Finding], brute: &Found) -> Vec<String> {
    let of = |kind: Attack| ours.iter().find(|f| f.kind == kind);
    let mut differ = Vec::new();
    let mut compare = |kind: Attack, number: Option<f64>, judged: Judgement, tolerance: f64| {
        let Some(found) = of(kind) else { return differ.push(format!("{kind:?} was not run")) };
        let close = match (number, found.value) {
            (Some(a), Some(b)) => (a - b).abs() <= tolerance,
            (None, None) => true,
            _ => false,
        };
        if !(close && same(found.verdict, judged)) {
            differ
                .push(format!("{kind:?}: {:?} {:?}, by brute force {number:?} {judged:?}", found.value, found.verdict));
        }
    };
    // Where the likelihood has no maximum, what is printed depends on where iteration stops: fitted values are 0 or 1 to 1e-4 or so.
    let tolerance = if separates { 0.02 } else { 1e-6 };
    compare(Attack::OwnShare, Some(brute.own.0), brute.own.1, tolerance);
    compare(Attack::CountsOfColumns, Some(brute.counted.0 as f64), brute.counted.2, 0.0);
    let none = case.response.len(); // what is said where no group was found
    compare(Attack::IsolatedGroup, Some(brute.isolated.0.unwrap_or(none) as f64), brute.isolated.1, 0.0);
    compare(Attack::DegreesOfFreedom, Some(brute.freedom.0 as f64), brute.freedom.1, 0.0);
    if let Some((share, judged)) = brute.dominance {
        compare(Attack::Dominance, Some(share), judged, 1e-8);
    }
    if let Some((square, _, judged)) = brute.r_squared {
        compare(Attack::SolvingTheModel, Some(square), judged, 1e-9);
    }
    if let Some((group, judged)) = brute.alike {
        compare(Attack::ClassDisclosure, group.map(|(rows, _)| rows as f64), judged, 0.0);
    }
    if !same(verdict(ours), brute.verdict) {
        differ.push(format!("verdict {:?}, by brute force {:?}", verdict(ours), brute.verdict));
    }
    differ
}

#[test]
fn every_verdict_is_that_of_brute_force() {
    let appetite = Appetite { minimum_count: LIMITS.review_below as u64, ..Appetite::default() };
    let release = Release { appetite, ..Release::default() };
    let (mut wrong, mut seen) = (Vec::new(), [0usize; 3]);
    for seed in 1..=CASES {
        let case = random_case(seed);
        let material = material(&case, None);
        assert_eq!(material.names, case.names, "case {seed}");
        let brute = case.judge(&LIMITS);
        let found = check(&material.evidence(), &material.rows, None, None, &release, &Run::default()).unwrap();
        seen[brute.verdict as usize] += 1;
        let differ = differences(&case, material.separates, &found, &brute);
        if !differ.is_empty() {
            wrong.push(format!("case {seed}, {} rows: {}", case.response.len(), differ.join("; ")));
        }
    }
    println!("pass, review, fail: {seen:?}");
    assert!(wrong.is_empty(), "{} of {CASES}\n{}", wrong.len(), wrong.join("\n"));
    assert!(seen.iter().all(|count| *count >= 15), "pass, review, fail: {seen:?}");
}

/// Every coefficient is linear in y: a fit and one of some of its rows span what two fits do, of these rows and of the others.
/// What both give away together is what these two fits would.
#[test]
fn two_fits_together_give_away_what_the_fit_of_the_rows_apart_would() {
    let appetite = Appetite { minimum_count: LIMITS.review_below as u64, ..Appetite::default() };
    let release = Release { appetite, ..Release::default() };
    let (mut seen, mut pairs) = ([0usize; 3], 0);
    for seed in (1..400).filter(|seed| seed % 3 != 0) {
        let case = random_case(seed);
        let (n, p) = (case.response.len(), case.names.len());
        let mut stream = Stream::new(seed, "rows apart");
        let apart = 1 + (stream.uniform() * 14.0) as usize;
        let mut order: Vec<(f64, usize)> = (0..n).map(|i| (stream.uniform(), i)).collect();
        order.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (mut gone, mut kept): (Vec<usize>, Vec<usize>) =
            (order[..apart].iter().map(|(_, i)| *i).collect(), order[apart..].iter().map(|(_, i)| *i).collect());
        gone.sort_unstable();
        kept.sort_unstable();
        let depends = |rows: &[usize]| case.of_rows(rows).is_dependent();
        if kept.len() <= p + 1 || depends(&kept) || (apart > p && depends(&gone)) {
            continue; // some column would be aliased in one of the fits
        }
        let transposed = |rows: &[usize]| {
            let columns = rows.iter().map(|&i| case.columns.iter().map(|c| c[i]).collect()).collect();
            Case { columns, ..case.clone() }
        };
        if apart <= p && transposed(&gone).is_dependent() {
            continue; // rows that are alike are not fitted by themselves
        }
        pairs += 1;
        // What is released is XᵀWy.
        let weighted = |column: &Vec<f64>| column.iter().zip(&case.weights).map(|(x, w)| x * w).collect();
        let released =
            Case { columns: case.columns.iter().map(weighted).collect(), weights: vec![1.0; n], ..case.clone() };
        let of_kept = released.of_rows(&kept).judge(&LIMITS);
        // No more rows than columns: each is fitted by itself.
        let (own, group) = match apart > p {
            false => (1.0, Some(1)),
            true => {
                let of_gone = released.of_rows(&gone).judge(&LIMITS);
                let group = [of_kept.isolated.0, of_gone.isolated.0].into_iter().flatten().min();
                (of_kept.own.0.max(of_gone.own.0), group)
            }
        };
        let decides = apart < LIMITS.fail_below || apart <= p;
        let milder = |fails: bool, reviews: bool| match (fails, reviews, decides) {
            (true, _, true) => Judgement::Fail,
            (true, _, false) | (false, true, true) => Judgement::Review,
            _ => Judgement::Pass,
        };
        let (first, second) = (material(&case, None), material(&case, Some(&kept)));
        let other = Second { evidence: second.evidence(), rows: &second.rows };
        let found = check(&first.evidence(), &first.rows, None, Some(&other), &release, &Run::default()).unwrap();
        let of = |kind: Attack| found.iter().find(|f| f.kind == kind).unwrap();
        let share = of(Attack::OwnShareOfBothFits);
        assert!((share.value.unwrap() - own).abs() < 1e-6, "case {seed}, {apart} of {n} apart: {own}, found {share:?}");
        let judged = milder(own > LIMITS.own.1, own > LIMITS.own.0);
        assert!(same(share.verdict, judged), "case {seed}, {apart} of {n} apart: {judged:?}, found {share:?}");
        let isolated = of(Attack::IsolatedGroupOfBothFits);
        assert_eq!(isolated.value, Some(group.unwrap_or(n) as f64), "case {seed}, {apart} of {n} apart: {isolated:?}");
        let judged = milder(group.is_some_and(|m| m < LIMITS.fail_below), group.is_some());
        assert!(same(isolated.verdict, judged), "case {seed}, {apart} of {n} apart: {judged:?}, found {isolated:?}");
        let differencing = of(Attack::Differencing);
        assert_eq!(differencing.value, Some(apart as f64));
        seen[judged as usize] += 1;
    }
    assert!(pairs >= 150 && seen.iter().all(|count| *count >= 10), "{pairs} pairs: {seen:?}");
}
