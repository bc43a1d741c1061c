//! The headline of the page of `audit outputs` on random small fits: recomputed by brute force, word for word.

use crate::desk::Desk;
use serde_json::Value;
use unhat_testkit::disclosure::{Case, Found, Judgement, LIMITS, random_case};

const CASES: u64 = 120;

fn csv(case: &Case) -> String {
    let mut text = format!("y,w,{}\n", case.names[1..].join(","));
    for i in 0..case.response.len() {
        text += &format!("{:?},{:?}", case.response[i], case.weights[i]);
        case.columns[1..].iter().for_each(|column| text += &format!(",{:?}", column[i]));
        text.push('\n');
    }
    text
}

/// The decision, and the first attack that makes it.
fn expected(case: &Case, found: &Found) -> String {
    let decides = |judged: Judgement| judged == found.verdict;
    let summary = if decides(found.own.1) {
        format!("{:.2} answers stand behind the most exposed fitted value", 1.0 / found.own.0)
    } else if decides(found.counted.2) {
        format!("{} sets {} rows apart", case.names[found.counted.1], found.counted.0)
    } else if decides(found.isolated.1) {
        format!("a combination of columns sets {} rows apart", found.isolated.0.unwrap())
    } else if let Some((share, _)) = found.dominance.filter(|(_, judged)| decides(*judged)) {
        format!("{:.1} % of a fitted value comes from 2 rows", 100.0 * share)
    } else if decides(found.freedom.1) {
        let (n, p) = (case.response.len(), case.names.len());
        format!("{n} rows, rank {p}: {} degrees of freedom, rank/rows {:.2}", n - p, p as f64 / n as f64)
    } else if let Some((square, near, _)) = found.r_squared.filter(|(.., judged)| decides(*judged)) {
        format!("R squared {square:.6}; {:.0} % of the responses are told within 5 %", 100.0 * near)
    } else {
        let (rows, column) = found.alike.and_then(|(group, _)| group).unwrap();
        format!("{}: all {rows} rows have the same outcome", case.names[column])
    };
    match found.verdict {
        Judgement::Pass => "Release. No attack that was run passes a threshold.".into(),
        Judgement::Review => format!("A person has to decide. coefficients: {summary}."),
        Judgement::Fail => format!("Do not release. coefficients: {summary}."),
    }
}

#[test]
fn the_headline_of_the_page_is_that_of_brute_force() {
    let desk = Desk::new();
    desk.text("appetite.json", &format!("{{\"minimum_count\": {}}}", LIMITS.review_below));
    let mut wrong = Vec::new();
    for seed in 1..=CASES {
        let case = random_case(1000 + seed);
        let found = case.judge(&LIMITS);
        desk.text("t.csv", &csv(&case));
        let family = if case.logistic { "--family binomial" } else { "--weights w" };
        let formula = format!("y~{}", case.names[1..].join("+"));
        let call = "audit outputs t.csv --appetite appetite.json --report page.html --json --formula";
        let ran = desk.run(&format!("{call} {formula} {family}"));
        let (words, code) = match found.verdict {
            Judgement::Pass => ("Pass.", 0),
            Judgement::Review => ("Review.", 3),
            Judgement::Fail => ("Fail.", 4),
        };
        let separates = ran.err.contains("no maximum") || ran.out.contains("no maximum");
        let page = std::fs::read_to_string(desk.path("page.html")).unwrap_or_default();
        let headline = expected(&case, &found);
        let object: Value = serde_json::from_str(&ran.out).unwrap_or_default();
        // Where the likelihood has no maximum the last digits are those of where iteration stops.
        let says = |text: &str| match separates {
            true => text.contains(headline.split(['.', ':']).next().unwrap()),
            false => text.contains(&headline),
        };
        let right = ran.code == code
            && says(object["headline"].as_str().unwrap_or_default())
            && says(&page)
            && page.contains(&format!("<strong>{words}</strong>"));
        if !right {
            wrong.push(format!("case {seed}: {headline:?}, found {} {} {}", ran.code, object["headline"], ran.err));
        }
    }
    assert!(wrong.is_empty(), "{} of {CASES}\n{}", wrong.len(), wrong.join("\n"));
}
