//! What was measured, declared and left out, what the file holds, and how to run it again.

use crate::number::{Format, Quantity, exact};
use crate::words;
use maud::{Markup, html};
use unhat::audit::report::{AuditReport, Tool};

/// The section for an audit.
pub(crate) fn block(findings: &AuditReport) -> Markup {
    let wished = Quantity::new("/declared/target_rel_error", findings.declared.target_rel_error, Format::Share);
    let privacy = &findings.privacy;
    html! {
        dl.method {
            dt { "What was measured" }
            dd {
                "The relative error of each attack over the tries: median, 5 % and 95 % points, and root mean square. \
                    The root mean square alone would mislead: a few failed tries hide many exact ones. No prior \
                    knowledge: the attacker has the table and the release. Signs known: the attacker also knows on \
                    which side of the fit every row lies; the best residual of several runs counts."
            }
            dt { "What the bound means" }
            dd {
                "No unbiased method has a smaller root mean square error, for Gaussian noise (Cramér–Rao). It is \
                    local: it supposes that the side of every row is known. Where a measured attack leaves it, both \
                    are shown, and no noise is recommended from the bound alone. χ says how far noise moves a slack relative to \
                    it: where a value is named with the noise, attacks were seen on the bound up to it; beyond this the error is that of the cell."
            }
            dt { "What is known without a release" }
            dd {
                "Whoever has the table and the side of every row can compute the centre of the cell: here, "
                (words::baseline(findings)) ". A release gives away what an attack gains over this. Standard errors \
                    are those of the least-squares fit; an error in them is the root mean square over the coefficients, \
                    so that a large intercept does not hide the others. A value at the level of rounding is called exact."
            }
            dt { "What was declared, not measured" }
            dd { "The wished error (" (wished) "), the planned protection ("
                (words::protection(&findings.release.planned, "/release/planned")) ") and what the attacker has." }
            dt { "What is not covered" }
            dd { "Attackers who hold other tables about the same people. Repeated releases: noise averages out, k \
                releases divide it by √k. Attacks better than those that were run." }
            dt { "Sensitivity and ε" }
            dd {
                "Dropping " (Quantity::count("/privacy/rows_tried", privacy.rows_tried)) " of "
                    (Quantity::count("/privacy/rows_total", privacy.rows_total))
                " rows one at a time, the fit held fixed, changed the release by at most " (Quantity::new("/privacy/sensitivity_l2",
                    privacy.sensitivity_l2, Format::Number))
                " (Euclidean); with the fit made anew without the row, by up to "
                (Quantity::new("/privacy/sensitivity_refit_l2", privacy.sensitivity_refit_l2, Format::Number)
                    .or("no bound (without one row there is no fit)"))
                ". With the fit held fixed the planned noise means ε = " (Quantity::new("/privacy/epsilon",
                    privacy.epsilon, Format::Number).or("∞ (no noise)"))
                ", with the fit made anew ε = " (Quantity::new("/privacy/epsilon_refit", privacy.epsilon_refit,
                    Format::Number).or("∞"))
                " at δ = " (Quantity::new("/privacy/delta", privacy.delta, Format::Number))
                    ". This is said of this table only and guarantees nothing for another."
            }
            @if !findings.warnings.is_empty() {
                dt { "What else to know" }
                @for warning in &findings.warnings { dd { (warning) } }
            }
            dt { "What this file holds" }
            dd { (words::what_the_file_holds(findings.detail)) }
            dt { "The table" }
            dd {
                (findings.table.name) ", " (Quantity::count("/table/rows", findings.table.rows)) " rows, rank "
                (Quantity::count("/table/rank", findings.table.rank)) ", condition "
                    (Quantity::new("/table/condition", findings.table.condition, Format::Number).or("unknown"))
                @if let Some(response) = &findings.table.response { ", response " span.name { (response) } }
                br;
                "SHA-256 of its values " code { (findings.table.sha256) }
            }
            (run_again(&findings.tool, findings.created_utc.as_deref()))
        }
    }
}

/// The last entry of every page's method.
pub(crate) fn run_again(tool: &Tool, created_utc: Option<&str>) -> Markup {
    html! {
        dt { "Run again" }
        dd {
            code { (tool.command) }
            br;
            (tool.name) " " (tool.version) " · seed " (exact("/tool/seed", tool.seed)) " · "
            (Quantity::count("/tool/threads", u64::from(tool.threads))) (if tool.threads == 1 { " thread" } else {
                " threads" }) " · "
            (Quantity::new("/tool/wall_s", tool.wall_s, Format::Seconds))
            @if let Some(created) = created_utc { " · " (created) }
        }
    }
}
