//! Every number in a page stands in the data: read back from the text and compared with what the data holds.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a panic is how a test fails

mod reading;
mod sample;

use reading::Node;
use serde_json::Value;
use unhat_report::{
    audit_page, diagnose_page, fit_audit_page, hat_page, influence_page, inversion_page, outputs_page, score_page,
    training_page,
};

#[test]
fn every_number_of_an_audit_stands_in_the_findings() {
    let findings = sample::findings().unwrap();
    let checked = check(&audit_page(&findings).unwrap(), &serde_json::to_value(&findings).unwrap());
    assert!(checked > 1_500, "only {checked} numbers were looked at");
}

#[test]
fn every_number_of_an_inversion_stands_in_the_facts() {
    for facts in [sample::inversion(), sample::undetermined(), sample::minima()] {
        let checked = check(&inversion_page(&facts).unwrap(), &serde_json::to_value(&facts).unwrap());
        assert!(checked > 50, "only {checked} numbers were looked at");
    }
}

#[test]
fn every_number_of_an_audit_of_a_fit_stands_in_the_findings() {
    let findings = sample::fit_findings("owner").unwrap();
    let checked = check(&fit_audit_page(&findings).unwrap(), &serde_json::to_value(&findings).unwrap());
    assert!(checked > 60, "only {checked} numbers were looked at");
}

#[test]
fn every_number_of_a_check_of_outputs_stands_in_the_report() {
    for detail in [unhat_models::checking::Detail::Full, unhat_models::checking::Detail::Share] {
        let report = sample::outputs(detail).unwrap();
        let checked = check(&outputs_page(&report).unwrap(), &serde_json::to_value(&report).unwrap());
        assert!(checked > 30, "only {checked} numbers were looked at");
    }
}

#[test]
fn every_number_of_an_inversion_of_hat_values_stands_in_the_facts() {
    for (sought, solved) in [("weights", true), ("outcomes", true), ("column", true), ("column", false)] {
        let facts = sample::hat(sought, solved).unwrap();
        let checked = check(&hat_page(&facts).unwrap(), &serde_json::to_value(&facts).unwrap());
        assert!(checked > 15, "{sought}: only {checked} numbers were looked at");
    }
}

#[test]
fn every_number_of_a_score_report_stands_in_the_facts() {
    let facts = sample::scores();
    let checked = check(&score_page(&facts).unwrap(), &serde_json::to_value(&facts).unwrap());
    assert!(checked > 200, "only {checked} numbers were looked at");
}

#[test]
fn every_number_of_a_training_stands_in_the_facts() {
    for (facts, least) in [(sample::training(), 120), (sample::diverged(), 40)] {
        let checked = check(&training_page(&facts).unwrap(), &serde_json::to_value(&facts).unwrap());
        assert!(checked > least, "only {checked} numbers were looked at");
    }
}

#[test]
fn every_number_of_a_diagnosis_stands_in_the_facts() {
    for (facts, least) in [(sample::diagnosis().unwrap(), 100), (sample::many_rows().unwrap(), 400)] {
        let checked = check(&diagnose_page(&facts).unwrap(), &serde_json::to_value(&facts).unwrap());
        assert!(checked > least, "only {checked} numbers were looked at");
    }
}

#[test]
fn every_number_of_influence_stands_in_the_facts() {
    for (which, least) in [("study", 400), ("check", 50), ("trim", 200), ("robustness", 200)] {
        let facts = sample::influence(which).unwrap();
        let checked = check(&influence_page(&facts).unwrap(), &serde_json::to_value(&facts).unwrap());
        assert!(checked > least, "{which}: only {checked} numbers were looked at");
    }
}

/// Compares all numbers of a page with the data and returns how many there were.
fn check(page: &str, data: &Value) -> usize {
    let page = Node::parse(page);
    let mut checked = 0;
    for node in page.all().into_iter().filter(|node| matches!(node.name.as_str(), "span" | "tspan")) {
        if let Some(source) = node.attribute("data-f") {
            compare(&node.content(), source, data);
            checked += 1;
        }
    }
    for table in page.named("table") {
        checked += check_table(table, data);
    }
    let mut strings: Vec<&str> =
        strings_of(data).into_iter().filter(|string| string.chars().count() >= LEAST_NAME).collect();
    strings.sort_by_key(|string| std::cmp::Reverse(string.len()));
    for text in free_texts(&page) {
        let is_cut_name =
            text.strip_suffix('…').is_some_and(|start| strings.iter().any(|name| name.starts_with(start)));
        if is_cut_name {
            continue;
        }
        let rest = STANDING_TEXTS.iter().fold(text.clone(), |text, phrase| text.replace(phrase, ""));
        let rest = strings.iter().fold(rest, |text, string| text.replace(string, ""));
        assert!(
            is_row_or_count(&text, data) || !rest.contains(|c: char| c.is_ascii_digit()),
            "a number that names no source: {text:?}"
        );
    }
    checked
}

fn check_table(table: &Node, data: &Value) -> usize {
    let columns: Vec<&Node> =
        table.named("th").into_iter().filter(|head| head.attribute("scope") == Some("col")).collect();
    let mut checked = 0;
    for row in table.named("tr").into_iter().filter(|row| row.attribute("data-r").is_some()) {
        let key = row.attribute("data-r").unwrap();
        for (cell, column) in row.children.iter().zip(&columns) {
            let own = cell.attribute("data-f").map(str::to_owned);
            let Some(source) = own.or_else(|| Some(filled(column.attribute("data-f")?, key))) else { continue };
            compare(&cell.content(), &source, data);
            if let Some(value) = cell.attribute("data-v") {
                let exact = evaluate(&source, data).unwrap();
                let value: f64 = value.parse().unwrap();
                assert!((value - exact).abs() <= 6e-4 * exact.abs(), "{source}: sorted by {value}, is {exact}");
            }
            checked += 1;
        }
    }
    checked
}

/// A column's source with the parts of a row's key in its gaps. A key of one part may have a slash in it: it fills one gap.
fn filled(source: &str, key: &str) -> String {
    match source.matches('*').count() {
        1 => source.replace('*', key),
        _ => key.split('/').fold(source.to_owned(), |source, part| source.replacen('*', part, 1)),
    }
}

/// The printed text is the value, to half a unit of its last digit; words stand for null alone.
fn compare(printed: &str, source: &str, data: &Value) {
    let expected = evaluate(source, data);
    match (read(printed), expected) {
        (Some((value, precision)), Some(expected)) => {
            let difference = (value - expected).abs();
            assert!(difference <= precision * (1.0 + 1e-9), "{source}: printed {printed:?}, is {expected}");
        }
        (None, None) => assert!(!printed.is_empty(), "{source}: null has no words"),
        (read, expected) => panic!("{source}: printed {printed:?} ({read:?}), is {expected:?}"),
    }
}

/// A printed number and half a unit of its last digit.
fn read(printed: &str) -> Option<(f64, f64)> {
    let text: String = printed.chars().filter(|c| !c.is_whitespace() && *c != '\u{202f}' && *c != '\u{a0}').collect();
    let text = text.replace('−', "-");
    let (text, unit) = match text.strip_suffix('%') {
        Some(text) => (text.to_owned(), 0.01),
        None => (text.trim_start_matches('×').trim_end_matches("×rms").trim_end_matches('s').to_owned(), 1.0),
    };
    let (mantissa, power) = match text.split_once("×10") {
        Some((mantissa, raised)) => (mantissa.to_owned(), 10f64.powi(lowered(raised)?)),
        None => match text.strip_prefix("10").or(text.strip_prefix("-10")) {
            Some(raised) if raised.starts_with(['⁻', '⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹']) => {
                (if text.starts_with('-') { "-1.0" } else { "1.0" }.to_owned(), 10f64.powi(lowered(raised)?))
            }
            _ => (text.clone(), 1.0),
        },
    };
    let value: f64 = mantissa.parse().ok()?;
    // Trailing zeros are not printed, so a mantissa of one digit stands for two; not where places are fixed ("0.03").
    let places = mantissa.split_once('.').map_or(0, |(_, places)| places.len()) as i32;
    let digits = mantissa.trim_start_matches(['-', '0', '.']).chars().filter(char::is_ascii_digit).count() as i32;
    let stripped = places < 2 && (value.fract() != 0.0 || power != 1.0 || value.abs() < 10.0);
    let missing = if stripped { (2 - digits).max(0) } else { 0 };
    Some((value * power * unit, 0.5 * 10f64.powi(-places - missing) * power * unit))
}

fn lowered(raised: &str) -> Option<i32> {
    let plain: String = raised
        .chars()
        .map(|c| "⁰¹²³⁴⁵⁶⁷⁸⁹".chars().position(|s| s == c).map_or('-', |digit| (b'0' + digit as u8) as char))
        .collect();
    plain.parse().ok()
}

/// The value of a source: pointers joined from left to right, `abs` and `digits` before one; None for null.
fn evaluate(source: &str, data: &Value) -> Option<f64> {
    if let Some(edge) = source.strip_prefix("edge ") {
        return Some(bin_edge(edge, data));
    }
    let (mut result, mut join, mut before) = (None, None, None);
    for token in source.split(' ') {
        match token {
            "-" | "*" | "/" => join = Some(token),
            "abs" | "digits" => before = Some(token),
            pointer => {
                let found = data.pointer(pointer).unwrap_or(&Value::Null);
                assert!(found.is_number() || found.is_null(), "{pointer} is {found}");
                let value = found.as_f64()?;
                let value = match before.take() {
                    Some("abs") => value.abs(),
                    Some(_) => (-value.log10()).floor().clamp(0.0, 15.0),
                    None => value,
                };
                result = Some(match (result, join.take()) {
                    (None, _) => value,
                    (Some(left), Some("-")) => left - value,
                    (Some(left), Some("*")) => left * value,
                    (Some(left), _) => left / value,
                });
            }
        }
    }
    result
}

/// Edge k of m even bins of the histogram.
fn bin_edge(edge: &str, data: &Value) -> f64 {
    let (index, bins) = edge.split_once(' ').unwrap();
    let share = index.parse::<f64>().unwrap() / bins.parse::<f64>().unwrap();
    let end = |key: &str| data.pointer(&format!("/histogram/{key}")).unwrap().as_f64().unwrap();
    let (lo, hi) = (end("lo"), end("hi"));
    if data["histogram"]["logarithmic"] == true {
        (lo.ln() + share * (hi.ln() - lo.ln())).exp()
    } else {
        lo + share * (hi - lo)
    }
}

/// Texts outside the elements that name a source, without script, style and the ticks of axes.
fn free_texts(node: &Node) -> Vec<String> {
    let apart = node.attribute("data-f").is_some_and(|_| node.name != "th" || node.attribute("scope") != Some("col"))
        || ["script", "style"].contains(&node.name.as_str())
        || ["axis-x", "axis-y", "contour-name"].iter().any(|class| node.has_class(class));
    if apart {
        return Vec::new();
    }
    if node.name == "table" {
        // Cells were compared; titles and captions remain.
        let titles =
            node.named("th").into_iter().filter(|head| head.attribute("scope") == Some("col")).map(Node::content);
        return titles.chain(node.named("caption").into_iter().map(Node::content)).collect();
    }
    if node.name.is_empty() {
        return vec![node.text.clone()];
    }
    node.children.iter().flat_map(free_texts).collect()
}

/// A text of the data that is shorter could take a number out of a sentence by chance.
const LEAST_NAME: usize = 4;

/// What the page says with a number that is no result: definitions, quantiles, thresholds.
const STANDING_TEXTS: [&str; 23] = [
    "HC3",
    "0.3 to 3 times it",
    "cg2",
    "adaptive accuracy = 1 − clean accuracy",
    "crossed 0",
    "AUC; 0.5 is guessing, 1 is certain",
    "AUC (0.5 is guessing)",
    "AUC above 0.55",
    "where 0.5 is guessing",
    "guessing (0.5)",
    "(10⁻² is 1 %)",
    "5 % and 95 % points",
    "95 % point",
    "5 % point",
    "1 % false alarms",
    "at 0.1 %",
    "1 ÷ (1 − hᵢ)",
    "contour at 0.5",
    "smaller than 0.67 of it",
    "SHA-256",
    "(1: the row decides its own fitted value alone)",
    "near 1 is fitted",
    "‖x̂ − x‖₂",
];

/// "row 834", "834" beside a point, and k in a title: numbers that are names.
fn is_row_or_count(text: &str, data: &Value) -> bool {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let Ok(number) = digits.parse::<u64>() else { return false };
    let rows = ["/rows/top", "/rows/influential", "/top", "/evidence/worst", "/evidence/best", "/study/membership/top"]
        .iter()
        .filter_map(|list| data.pointer(list)?.as_array())
        .flatten();
    let is_row = rows.filter_map(|row| row["row"].as_u64()).any(|row| row == number);
    let kept = data.pointer("/noise_needed/0/utility/top_k").and_then(Value::as_u64) == Some(number);
    (is_row && (text == digits || text == format!("row {number}"))) || (kept && text.contains("largest still found"))
}

fn strings_of(data: &Value) -> Vec<&str> {
    match data {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().flat_map(strings_of).collect(),
        Value::Object(entries) => entries.values().flat_map(strings_of).collect(),
        _ => Vec::new(),
    }
}
