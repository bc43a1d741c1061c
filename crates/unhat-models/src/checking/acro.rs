//! The check as ACRO's folder has it, so that checkers who work with that package find it beside its own outputs.
//!
//! # References
//! The package `acro`, version 1.0.2: `results.json`, `config.json`, one SHA-256 for each file under `checksums`.

use super::{Attack, Finding, OutputsReport, Verdict};
use serde_json::{Map, Value, json};

/// The version of ACRO whose records these are.
const ACRO_VERSION: &str = "1.0.2";
/// The file that holds the findings.
pub const FINDINGS_FILE: &str = "findings.csv";
const UID: &str = "unhat_output_0";

/// (risk, check) of ACRO that an attack belongs to.
fn risk_and_check(attack: Attack) -> (&'static str, &'static str) {
    use Attack::{
        ClassDisclosure, CountsFromCovariance, CountsFromStandardErrors, CountsOfColumns, CountsOfPeople,
        DegreesOfFreedom, Differencing, Dominance, IsolatedGroup, IsolatedGroupOfBothFits, OwnShare,
        OwnShareOfBothFits, OwnShareOfPerson,
    };
    match attack {
        CountsOfColumns | CountsOfPeople | IsolatedGroup => ("LowCount", "MinimumThresholdCheck"),
        OwnShare | OwnShareOfPerson | Dominance => ("Dominance", "NKCheck"),
        DegreesOfFreedom => ("LowDOF", "MinimumDoFCheck"),
        ClassDisclosure => ("ClassDisclosure", "PresenceOfZeroCheck"),
        Differencing | OwnShareOfBothFits | IsolatedGroupOfBothFits => ("Differencing", "PresenceOfLinkedTableCheck"),
        CountsFromStandardErrors | CountsFromCovariance => ("ImplicitTables", "StatbarnDataCheck"),
        _ => ("AuxiliaryInformation", "StatbarnDataCheck"),
    }
}

fn words_of(finding: &Finding) -> String {
    let value = finding.value.map_or(String::new(), |value| format!("; {value:.4}"));
    match finding.verdict {
        Verdict::Note | Verdict::Pass => format!("ok{value}"),
        verdict => format!("{}{value}; {}", verdict.name(), finding.summary),
    }
}

/// `results.json`: one record of type `custom`, whose files ACRO keeps as they are.
#[must_use]
pub fn acro_results(report: &OutputsReport) -> Value {
    let mut outcome: Map<String, Value> = Map::new();
    let mut summary: Map<String, Value> = Map::new();
    let mut status: Map<String, Value> = Map::new();
    let (mut risks, mut checks) = (Vec::new(), Vec::new());
    for finding in &report.findings {
        let item = outcome.entry(finding.item.name()).or_insert_with(|| json!({}));
        if let Some(item) = item.as_object_mut() {
            item.insert(finding.attack.clone(), json!(words_of(finding)));
        }
        summary.insert(finding.attack.clone(), json!(finding.verdict.name()));
        let (risk, check) = risk_and_check(finding.kind);
        risks.push(risk);
        checks.push(check);
        let graver = status.get(check).and_then(Value::as_str).is_none_or(|old| grade(old) < finding.verdict);
        if graver {
            status.insert(check.into(), json!(finding.verdict.max(Verdict::Pass).name()));
        }
    }
    let file = |name: String, summary: &Map<String, Value>| json!({ "name": name, "sdc": { "summary": summary, "cells": {} } });
    let mut files = vec![file(FINDINGS_FILE.into(), &summary)];
    for figure in &report.figures {
        let read = report.findings.iter().filter(|finding| finding.item.name() == figure.name);
        let summary = read.map(|finding| (finding.attack.clone(), json!(finding.verdict.name()))).collect();
        files.push(file(format!("{}.png", figure.name), &summary));
        if figure.least.is_some() {
            files.push(file(format!("{}.csv", figure.name), &summary));
        }
    }
    let sorted = |mut words: Vec<&'static str>| {
        words.sort_unstable();
        words.dedup();
        words
    };
    let tried = report.remedies.iter().flatten();
    let comments: Vec<String> =
        tried.map(|remedy| format!("remedy tried: {} -> {}", remedy.change, remedy.verdict.name())).collect();
    let appetite: Map<String, Value> =
        report.appetite.iter().map(|threshold| (threshold.key.clone(), json!(threshold.value))).collect();
    let response = report.model.formula.split('~').next().unwrap_or_default().trim();
    json!({
        "version": ACRO_VERSION,
        "tool": {
            "@type": "SoftwareApplication",
            "name": "unhat audit outputs",
            "url": env!("CARGO_PKG_REPOSITORY"),
            "version": report.tool.version,
        },
        "results": {
            UID: {
                "uid": UID,
                "status": report.verdict.name(),
                "type": "custom",
                "properties": {
                    "method": "audit outputs",
                    "model": report.model.formula,
                    "family": report.model.family,
                    "n": report.table.used,
                    "rank": report.model.rank,
                    "dof": report.table.used.saturating_sub(report.model.rank),
                    "decision": report.headline,
                    "appetite": appetite,
                },
                "files": files,
                "outcome": outcome,
                "command": report.tool.command,
                "summary": format!("{}; {}", report.verdict.name(), report.headline),
                "timestamp": report.created_utc.clone().unwrap_or_default().trim_end_matches('Z'),
                "comments": comments,
                "exception": "",
                "fair": {
                    "context": "https://w3id.org/statbarnsdc#",
                    "statbarn": "CorrelationCoefficients",
                    "risks": sorted(risks),
                    "checks_needed": sorted(checks),
                    "common_mitigations": ["Aggregation", "Noise", "OutlierRemoval", "Suppression"],
                    "check_status": status,
                    "dependent": response,
                    "independent": report.model.columns,
                },
            }
        }
    })
}

fn grade(word: &str) -> Verdict {
    match word {
        "fail" => Verdict::Fail,
        "review" => Verdict::Review,
        _ => Verdict::Pass,
    }
}

/// `config.json`: the risk appetite by ACRO's names, and ours beside them.
#[must_use]
pub fn acro_config(report: &OutputsReport) -> Value {
    let of = |key: &str| report.appetite.iter().find(|t| t.key == key).map_or(0.0, |t| t.value);
    let whole = |key: &str| of(key) as u64;
    let mut config: Map<String, Value> =
        report.appetite.iter().map(|threshold| (format!("unhat_{}", threshold.key), json!(threshold.value))).collect();
    config.insert("safe_threshold".into(), json!(whole("minimum_count")));
    config.insert("safe_dof_threshold".into(), json!(whole("minimum_freedom")));
    config.insert("safe_nk_n".into(), json!(whole("dominance_contributors")));
    config.insert("safe_nk_k".into(), json!(of("dominance")));
    Value::Object(config)
}

/// `findings.csv` as rows of text, the header first.
#[must_use]
pub fn acro_findings(report: &OutputsReport) -> Vec<[String; 7]> {
    let header = ["item", "attack", "intruder", "measure", "value", "verdict", "found"].map(String::from);
    let rows = report.findings.iter().map(|finding| {
        [
            finding.item.name().into(),
            finding.attack.clone(),
            finding.intruder.words().into(),
            finding.measure.clone(),
            finding.value.map_or(String::new(), |value| value.to_string()),
            finding.verdict.name().into(),
            finding.summary.clone(),
        ]
    });
    std::iter::once(header).chain(rows).collect()
}
