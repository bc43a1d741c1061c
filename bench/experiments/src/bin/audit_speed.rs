//! Times a whole audit of a (2400, 8) regression with 40 tries and all protections: `cargo run --release -p unhat-bench --bin
//! audit_speed`. One JSON line a kind of release goes to stdout.

use std::time::Instant;
use unhat::audit::report::{AttackKind, ReleaseKind};
use unhat::audit::{AuditOptions, audit};
use unhat::rows::DenseRows;
use unhat::{Result, Run};
use unhat_testkit::generate::regression;

fn main() -> Result<()> {
    let (n, d) = (2400, 8);
    let r = regression(n, d, 1);
    let rows = DenseRows::new(&r.a, d)?;
    let only = std::env::args().any(|a| a == "scores");
    for release in [ReleaseKind::Scores, ReleaseKind::Gradient, ReleaseKind::Both] {
        if only && release != ReleaseKind::Scores {
            continue;
        }
        let clock = Instant::now();
        let options = AuditOptions { release, ..AuditOptions::default() };
        let found = audit(&rows, &r.b, &r.x, &options, &Run::default())?;
        let tries: u32 = found.releases.iter().map(|result| result.trials).sum();
        println!(
            "{{\"rows\":{n},\"columns\":{d},\"release\":\"{release:?}\",\"trials\":{},\"tries\":{tries},\"threads\":{},\"seconds\":{:.2}}}",
            options.trials,
            found.tool.threads,
            clock.elapsed().as_secs_f64()
        );
        if std::env::args().any(|a| a == "curve") {
            let attacks = [AttackKind::Blind, AttackKind::Start, AttackKind::Signs];
            for series in attacks.iter().flat_map(|id| found.attack_curve.series.iter().filter(move |s| s.id == *id)) {
                for (k, noise) in found.attack_curve.noise_rel.iter().enumerate() {
                    eprintln!(
                        "{:?} {noise:.0e}: q05 {:.1e} median {:.1e} q95 {:.1e} bound {:.1e} at bound {:.2}",
                        series.id,
                        series.q05[k],
                        series.median[k],
                        series.q95[k],
                        found.attack_curve.bound.get(k).copied().unwrap_or(f64::NAN),
                        series.share_at_bound[k]
                    );
                }
            }
            found.findings.iter().for_each(|f| eprintln!("{:?} {}\n    {}", f.level, f.title, f.text));
            found.warnings.iter().for_each(|w| eprintln!("warning: {w}"));
        }
    }
    Ok(())
}
