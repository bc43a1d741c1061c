//! What holds of every page: well formed, closed to the outside, inert, the same every time, and fit for its reader.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a panic is how a test fails

mod reading;
mod sample;

use base64::{Engine, engine::general_purpose::STANDARD};
use reading::Node;
use sha2::{Digest, Sha256};
use unhat::audit::report::{AuditReport, Detail, Protection, ReleaseKind, Spread};
use unhat_report::{
    InfluencePage, audit_page, diagnose_page, fit_audit_page, hat_page, influence_page, inversion_page, outputs_page,
    score_page, training_page,
};

fn all_pages() -> Vec<(&'static str, String)> {
    vec![
        ("audit", audit_page(&sample::findings().unwrap()).unwrap()),
        ("share", audit_page(&sample::shared_findings().unwrap()).unwrap()),
        ("bare", audit_page(&bare()).unwrap()),
        ("odd", audit_page(&odd()).unwrap()),
        ("fit audit", fit_audit_page(&sample::fit_findings("owner").unwrap()).unwrap()),
        ("shared fit audit", fit_audit_page(&sample::fit_findings("share").unwrap()).unwrap()),
        ("weights", hat_page(&sample::hat("weights", true).unwrap()).unwrap()),
        ("outcomes", hat_page(&sample::hat("outcomes", true).unwrap()).unwrap()),
        ("column", hat_page(&sample::hat("column", false).unwrap()).unwrap()),
        ("inversion", inversion_page(&sample::inversion()).unwrap()),
        ("scores", score_page(&sample::scores()).unwrap()),
        ("outputs", outputs_page(&sample::outputs(unhat_models::checking::Detail::Full).unwrap()).unwrap()),
        ("shared outputs", outputs_page(&sample::outputs(unhat_models::checking::Detail::Share).unwrap()).unwrap()),
        ("diagnosis", diagnose_page(&sample::diagnosis().unwrap()).unwrap()),
        ("many rows", diagnose_page(&sample::many_rows().unwrap()).unwrap()),
        ("training", training_page(&sample::training()).unwrap()),
        ("diverged", training_page(&sample::diverged()).unwrap()),
        ("influence", influence_page(&sample::influence("study").unwrap()).unwrap()),
        ("check", influence_page(&sample::influence("check").unwrap()).unwrap()),
        ("trim", influence_page(&sample::influence("trim").unwrap()).unwrap()),
        ("robustness", influence_page(&sample::influence("robustness").unwrap()).unwrap()),
        ("little", influence_page(&little()).unwrap()),
    ]
}

/// A trimming in which everything that may be missing is missing.
fn little() -> InfluencePage {
    let mut facts = sample::influence("trim").unwrap();
    facts.created_utc = None;
    let study = facts.study.as_mut().unwrap();
    study.top.clear();
    study.best.clear();
    study.model.coefficients.clear();
    (study.impact.value_validation, study.impact.value_test) = (None, None);
    study.diagnostics = serde_json::from_value(serde_json::json!({})).unwrap();
    let evidence = facts.evidence.as_mut().unwrap();
    evidence.worst.clear();
    evidence.best.clear();
    evidence.agreement.methods.truncate(1);
    evidence.agreement.correlation = vec![vec![None]];
    let trim = facts.trim.as_mut().unwrap();
    trim.removed.clear();
    for row in &mut trim.rows {
        (row.test_accuracy, row.value_validation, row.value_test) = (None, None, None);
    }
    facts
}

/// AuditReport in which everything that may be missing is missing.
fn bare() -> AuditReport {
    let mut findings = sample::findings().unwrap();
    findings.created_utc = None;
    findings.table.response = None;
    findings.table.condition = None;
    findings.release.planned = Protection::None;
    findings.release.kind = ReleaseKind::Gradient;
    findings.findings.clear();
    findings.attack_curve.noise_rel.clear();
    findings.attack_curve.series.clear();
    findings.attack_curve.bound.clear();
    findings.noise_needed.clear();
    findings.protections.clear();
    findings.coordinates.clear();
    findings.fitted.rel_error_q.clear();
    findings.fitted.residual_rel_error_q.clear();
    findings.rows.top.clear();
    findings.density = None;
    findings.convergence.clear();
    findings.checks.clear();
    findings.releases.clear();
    findings.warnings.clear();
    findings.privacy.epsilon = None;
    findings
}

/// AuditReport with values that no scale likes: zeros, the unbounded, nothing but one point.
fn odd() -> AuditReport {
    let mut findings = sample::findings().unwrap();
    findings.release.kind = ReleaseKind::Both;
    findings.bound.valid_below_noise_rel = None;
    for series in &mut findings.attack_curve.series {
        series.median[0] = 0.0;
        series.q95[3] = f64::INFINITY;
        series.q05[4] = f64::NAN;
        series.share_at_bound.clear();
    }
    for needed in &mut findings.noise_needed {
        (needed.noise_rel, needed.noise_abs, needed.bound_noise_rel, needed.epsilon) = (None, None, None, None);
    }
    findings.protections.truncate(1);
    findings.protections[0].attacks.clear();
    findings.coordinates.truncate(1);
    findings.coordinates[0].bound_rel = None;
    let exact =
        Spread { median: 0.0, q05: 0.0, q95: 0.0, rmse: 0.0, rmse_ci95: [0.0; 2], trials: 3, share_at_bound: None };
    findings.coordinates[0].spread_rel = Some(exact);
    findings.rows.top.truncate(1);
    findings.rows.top[0].hat = 1.0;
    findings.rows.top[0].auc = 1.0;
    (findings.rows.top[0].factor, findings.rows.auc_over_055) = (None, 1);
    findings.convergence.truncate(1);
    findings.convergence[0].residual[1] = 0.0;
    findings.convergence[0].rel_error.clear();
    findings
}

#[test]
fn every_page_is_well_formed_and_every_chart_has_finite_places() {
    for (name, page) in all_pages() {
        let tree = Node::parse(&page);
        assert_eq!(tree.named("main").len(), 1, "{name}");
        for svg in tree.named("svg") {
            for node in svg.all() {
                for key in ["d", "x", "y", "width", "height", "stroke-width"] {
                    let Some(text) = node.attribute(key) else { continue };
                    let parts =
                        text.split(|c: char| c.is_ascii_alphabetic() || c == ' ').filter(|part| !part.is_empty());
                    for part in parts {
                        assert!(part.parse::<f64>().is_ok_and(f64::is_finite), "{name}: {key}={text:?}");
                    }
                    let letters: String = text.chars().filter(char::is_ascii_alphabetic).collect();
                    assert!(letters.chars().all(|c| "MLHVhvZ".contains(c)), "{name}: {key}={text:?}");
                }
            }
        }
    }
}

#[test]
fn names_within_a_page_are_given_once_and_every_reference_has_an_end() {
    for (name, page) in all_pages() {
        let tree = Node::parse(&page);
        let nodes = tree.all();
        let mut ids: Vec<&str> = nodes.iter().filter_map(|node| node.attribute("id")).collect();
        let count = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), count, "{name}: an id is given twice");
        for node in &nodes {
            let link = node.attribute("href").map(|href| href.strip_prefix('#').expect("links stay within the page"));
            let labels = node.attribute("aria-labelledby").into_iter().flat_map(|ids| ids.split(' '));
            let input = node.attribute("for");
            for id in link.into_iter().chain(labels).chain(input) {
                assert!(ids.binary_search(&id).is_ok(), "{name}: nothing is called {id}");
            }
        }
    }
}

#[test]
fn the_policy_allows_the_pages_own_style_and_script_and_nothing_else() {
    for (name, page) in all_pages() {
        let tree = Node::parse(&page);
        let hash = |text: String| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text.as_bytes())));
        let script =
            tree.named("script").into_iter().find(|script| script.attribute("type").is_none()).unwrap().content();
        let style = tree.named("style")[0].content();
        let expected = format!(
            "default-src 'none'; script-src {}; style-src {}; base-uri 'none'; form-action 'none'",
            hash(script),
            hash(style)
        );
        let policies: Vec<_> =
            tree.named("meta").into_iter().filter(|meta| meta.attribute("http-equiv").is_some()).collect();
        assert_eq!(policies.len(), 1);
        assert_eq!(policies[0].attribute("content"), Some(expected.as_str()), "{name}");
        for node in tree.all() {
            for key in node.attributes.keys() {
                assert!(key != "style" && key != "src" && !key.starts_with("on"), "{name}: <{} {key}>", node.name);
            }
        }
    }
}

#[test]
fn the_script_and_the_style_hold_no_way_out() {
    let script = include_str!("../assets/engine.js");
    let words = [
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval",
        "Function(",
        "http",
        "fetch(",
        "XMLHttpRequest",
        "import",
        "</script",
        "<!--",
        "WebSocket",
        "sendBeacon",
    ];
    for word in words {
        assert!(!script.contains(word), "the script holds {word}");
    }
    let style = include_str!("../assets/report.css");
    for word in ["url(", "@import", "http", "</style", "expression("] {
        assert!(!style.contains(word), "the style holds {word}");
    }
}

/// Markup that is not escaped comes from one file alone.
#[test]
fn one_module_opens_the_door_for_markup() {
    let mut folders = vec![std::path::PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))];
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            seen += 1;
            let opens = std::fs::read_to_string(&path).unwrap().contains("PreEscaped");
            assert_eq!(opens, path.ends_with("trusted.rs"), "{}", path.display());
        }
    }
    assert!(seen > 20);
}

#[test]
fn hostile_names_stay_text_in_every_place() {
    let hostile = "\"'><img src=x onerror=alert(1)></script><script>alert(1)</script> &amp; \u{2028}";
    let mut findings = sample::findings().unwrap();
    let spoil = |text: &mut String| *text = hostile.to_owned();
    spoil(&mut findings.table.name);
    spoil(&mut findings.table.sha256);
    spoil(&mut findings.tool.command);
    spoil(&mut findings.tool.version);
    findings.table.response.as_mut().map(spoil);
    findings.created_utc.as_mut().map(spoil);
    findings.table.column_names.iter_mut().for_each(spoil);
    findings.declared.attacker.iter_mut().for_each(spoil);
    findings.warnings.iter_mut().for_each(spoil);
    findings.coordinates.iter_mut().for_each(|coordinate| spoil(&mut coordinate.name));
    findings.protections.iter_mut().for_each(|result| spoil(&mut result.label));
    findings.convergence.iter_mut().for_each(|history| {
        spoil(&mut history.method);
        spoil(&mut history.status);
    });
    findings.checks.iter_mut().for_each(|check| {
        spoil(&mut check.name);
        check.ok = false;
    });
    findings.findings.iter_mut().for_each(|finding| {
        spoil(&mut finding.title);
        spoil(&mut finding.text);
        spoil(&mut finding.section);
    });
    let page = audit_page(&findings).unwrap();
    let tree = Node::parse(&page);
    assert_eq!(tree.named("script").len(), 2);
    assert_eq!(tree.named("img").len(), 0);
    assert!(tree.content().matches("onerror=alert(1)").count() > 30, "the names are there, as text");
    let data = tree.named("script")[0].content();
    assert!(!data.contains('<') && !data.contains('\u{2028}'));
    let back: serde_json::Value = serde_json::from_str(&data).unwrap();
    assert_eq!(back["table"]["name"], hostile);
}

/// Distinctive values, so that finding none of their digits says something.
#[test]
fn a_page_to_share_holds_no_coefficient_and_no_row_number() {
    let mut findings = sample::shared_findings().unwrap();
    for (index, coordinate) in findings.coordinates.iter_mut().enumerate() {
        coordinate.value = Some(73_911.0 + 1_000_000.0 * index as f64);
        coordinate.spread_abs.as_mut().unwrap().median = 68_527.0;
        coordinate.bound_abs = Some(68_527.0);
    }
    findings.releases.iter_mut().for_each(|tried| tried.crlb = Some(68_527.0));
    for (index, row) in findings.rows.top.iter_mut().enumerate() {
        row.row = Some(9_417_000 + index as u64);
    }
    let shared = everything_but_drawings(&audit_page(&findings).unwrap());
    for trace in ["7391", "73.91", "7.391", "9417", "9\u{202f}417", "6853", "68530", "68527", "\"spread_abs\":{"] {
        assert!(!shared.contains(trace), "the shared page holds {trace}");
    }
    findings.detail = Detail::Owner;
    let owned = everything_but_drawings(&audit_page(&findings).unwrap());
    for trace in ["73\u{202f}911", "9417000", "\"spread_abs\":{", "\"bound_abs\":68530.0"] {
        assert!(owned.contains(trace), "the owner's page lacks {trace}");
    }
}

/// Texts and attributes, without the coordinates of charts, in which any digits may occur.
fn everything_but_drawings(page: &str) -> String {
    let mut all = String::new();
    for node in Node::parse(page).all() {
        let drawing = ["d", "x", "y", "width", "height", "data-at", "data-x", "data-y", "data-area", "viewBox"];
        all.push_str(&node.text);
        let attributes = node.attributes.iter().filter(|(key, _)| !drawing.contains(&key.as_str()));
        attributes.for_each(|(_, value)| all.push_str(&format!(" {value} ")));
    }
    all
}

#[test]
fn what_is_not_a_number_has_its_own_words() {
    for (name, page) in all_pages() {
        let tree = Node::parse(&page);
        let texts: String =
            tree.all().into_iter().filter(|node| node.name != "script").map(|node| node.text.as_str()).collect();
        for word in ["NaN", "Infinity", " inf ", "null", "undefined", "Some("] {
            let place = texts.find(word).map(|at| texts[..at + word.len()].chars().rev().take(60).collect::<Vec<_>>());
            let script_is_apart = tree.named("script").iter().any(|script| script.content().contains(word));
            assert!(place.is_none() || script_is_apart, "{name}: {word} after {place:?}");
        }
    }
    let odd = audit_page(&odd()).unwrap();
    for words in ["none is enough", "no bound", "without limit", "at no noise tried"] {
        assert!(odd.contains(words), "{words}");
    }
}

#[test]
fn a_page_is_small_and_the_same_every_time() {
    for ((name, first), (_, second)) in all_pages().into_iter().zip(all_pages()) {
        assert_eq!(first, second, "{name}");
        assert!(first.len() < 250_000, "{name} has {} bytes", first.len());
    }
}

#[test]
fn the_verdict_follows_the_numbers() {
    let mut findings = sample::findings().unwrap();
    let lead = |findings: &AuditReport| {
        let tree = Node::parse(&audit_page(findings).unwrap());
        tree.all().into_iter().find(|node| node.has_class("lead")).unwrap().content().replace('\u{a0}', " ")
    };
    assert!(lead(&findings).starts_with("Not as wished.") && lead(&findings).contains("5 correct digits"));
    findings.verdict.rel_error.median = 0.3;
    findings.verdict.rel_error.q05 = 0.07;
    assert!(lead(&findings).ends_with("gets within 7 % in one try of twenty."));
    findings.verdict.rel_error.q05 = 0.12;
    findings.verdict.meets_target = true;
    assert!(lead(&findings).starts_with("As wished.") && lead(&findings).contains("stays above 12 %"));
}
