//! Attacks on what a table of coefficients shows: one's own share, small groups and hidden ones, dominance, degrees of
//! freedom, R², everybody alike in a group.

use super::changed::{estimated_share, own_share};
use super::isolated::smallest_group;
use super::neighbours::{Neighbours, neighbours};
use super::{Appetite, Attack, Evidence, Finding, Intruder, Item, Verdict};
use unhat::families::Family;
use unhat::leverage::{ScoreOptions, leverage_scores, membership_auc};
use unhat::rows::DenseRows;
use unhat::{Result, Run};

/// Rows of largest hat value, and of largest unweighted hat value, that are fitted once more with another response.
const REFITTED: usize = 4;
/// Rows of largest estimated share that are, too.
const ESTIMATED: usize = 8;
/// Rows whose contributors are looked at, by hat value and by size of their own contribution.
const DOMINATED: usize = 20;
/// Up to so many rows the fitted value of every one is looked at.
const ALL_ROWS: usize = 1000;
/// Rows among which a group around a row is sought.
const POOL: usize = 24;
/// A fitted share this near 0 or 1 is the outcome.
const NEAR_OUTCOME: f64 = 0.01;

/// The checks of coefficients that share a factor and the rows behind the most exposed fitted values.
pub(super) struct Coefficients<'a> {
    pub evidence: &'a Evidence<'a>,
    pub appetite: &'a Appetite,
    /// L with LLᵀ = XᵀWX.
    pub lower: &'a [f64],
    /// Digits that are printed; None: all.
    pub digits: Option<u32>,
    /// The item that gives the fitted values away.
    pub item: Item,
}

/// Rows by falling value, equal ones in row order.
fn order_of(values: impl Iterator<Item = f64>) -> Vec<usize> {
    let values: Vec<f64> = values.collect();
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&i, &j| values[j].total_cmp(&values[i]).then(i.cmp(&j)));
    order
}

impl Coefficients<'_> {
    /// All of them.
    pub fn findings(&self, run: &Run<'_>) -> Result<Vec<Finding>> {
        let mut found = vec![self.own_share(run)?, self.counts()];
        found.extend(self.groups(run)?);
        found.push(self.freedom());
        found.extend(self.solving());
        found.extend(self.separation());
        found.push(self.membership());
        Ok(found)
    }

    /// What depends on the responses' shares alone: one's own, and groups that are set apart.
    pub fn of_responses(&self, run: &Run<'_>) -> Result<Vec<Finding>> {
        let mut found = vec![self.own_share(run)?];
        found.extend(self.groups(run)?.into_iter().take(1));
        Ok(found)
    }

    /// How much of one's own response one reads off one's own fitted value.
    ///
    /// In a linear fit ŷᵢ = hᵢyᵢ + (1−hᵢ)ŷ₍ᵢ₎: the error of the guess shrinks by 1 − hᵢ, and 1/hᵢ is Kish's effective
    /// number of answers behind it. In a generalised one the fit is done again with yᵢ changed, since a row far out has a
    /// weight and a hat value near 0 and still fits itself. What rounding of the coefficients adds is error of the guess.
    fn own_share(&self, run: &Run<'_>) -> Result<Finding> {
        let (fit, appetite) = (self.evidence, self.appetite);
        let spread = fit.spread();
        let mut best: Option<(f64, f64, usize)> = None; // (with rounding, without, row)
        for i in self.candidates(run)? {
            run.check()?;
            let exact = own_share(fit, i, run)?.clamp(0.0, 1.0);
            let slope = if fit.is_linear() { 1.0 } else { fit.law.at(fit.linear_predictor(i)).slope.abs() };
            let rounding = slope * fit.rounding_of_predictor(i, self.digits) / spread.max(f64::MIN_POSITIVE);
            let share = (1.0 - (1.0 - exact).hypot(rounding)).max(0.0);
            if best.is_none_or(|(other, _, _)| share > other) {
                best = Some((share, exact, i));
            }
        }
        let (share, exact, i) = best.unwrap_or((0.0, 0.0, 0));
        let parts = fit.shares_in_coefficients(self.lower, i);
        let column = (0..parts.len()).fold(0, |best, k| if parts[k] > parts[best] { k } else { best });
        let rest = 1.0 - exact;
        let others = if rest > 1e-9 {
            format!("{:.6}", (fit.mean[i] - exact * fit.response[i]) / rest)
        } else {
            "nothing".into()
        };
        let verdict = Verdict::of(share > appetite.own_share_fail, share > appetite.own_share_review);
        Ok(Finding {
            item: self.item,
            kind: Attack::OwnShare,
            attack: Attack::OwnShare.words().into(),
            intruder: Intruder::OnePersonsColumns,
            measure: "largest share of one's own response in one's fitted value".into(),
            value: Some(share),
            threshold: Some(if verdict == Verdict::Fail { appetite.own_share_fail } else { appetite.own_share_review }),
            verdict,
            summary: format!("{:.2} answers stand behind the most exposed fitted value", 1.0 / share.max(1e-9)),
            detail: format!(
                "row {}: fitted {:.6}, own response {:.6}, the other rows alone say {others}; it decides {:.0} % of {}",
                fit.labels[i],
                fit.mean[i],
                fit.response[i],
                100.0 * parts[column],
                fit.names[column]
            ),
            rows: fit.labelled(&[i]),
            columns: vec![fit.names[column].clone()],
            remedy: remedy(
                verdict,
                "merge the small group, top-code the column at its tenth value, or leave the row out",
            ),
        })
    }

    fn candidates(&self, run: &Run<'_>) -> Result<Vec<usize>> {
        let by_hat = order_of(self.evidence.hat.iter().copied());
        if self.evidence.is_linear() {
            // With digits a row behind the first may be read more exactly.
            return Ok(by_hat.into_iter().take(if self.digits.is_some() { DOMINATED } else { 1 }).collect());
        }
        let rows = DenseRows::new(self.evidence.matrix, self.evidence.rank())?;
        let plain = leverage_scores(&rows, None, &ScoreOptions::default(), run)?.values;
        let mut candidates: Vec<usize> = by_hat.into_iter().take(REFITTED).collect();
        candidates.extend(order_of(plain.into_iter()).into_iter().take(REFITTED));
        let estimates = (0..self.evidence.rows()).map(|i| estimated_share(self.evidence, i));
        candidates.extend(order_of(estimates).into_iter().take(ESTIMATED));
        candidates.sort_unstable();
        candidates.dedup();
        Ok(candidates)
    }

    /// Rows that differ from the commonest value of a column: a small group is read off the coefficient.
    fn counts(&self) -> Finding {
        let (fit, appetite) = (self.evidence, self.appetite);
        let (mut least, mut column, mut common) = (fit.rows(), 0, 0.0);
        for k in 0..fit.rank() {
            let (differing, value) = differing_from_commonest(fit.column(k));
            if differing > 0 && differing < least {
                (least, column, common) = (differing, k, value);
            }
        }
        let rows: Vec<usize> = match (least as u64) < appetite.minimum_count {
            true => (0..fit.rows()).filter(|&i| fit.row(i)[column] != common).collect(),
            false => Vec::new(),
        };
        group_finding(self, "rows that a column sets apart", least, &rows, Some(column))
    }

    /// Rows that some combination of columns sets apart, and rows whose fitted value one or two others decide.
    fn groups(&self, run: &Run<'_>) -> Result<Vec<Finding>> {
        let (fit, appetite) = (self.evidence, self.appetite);
        let largest_group = appetite.minimum_count.saturating_sub(1).max(1) as usize;
        let seeds = self.seeds(largest_group);
        let contributors = appetite.dominance_contributors as usize;
        let pool = largest_group.max(POOL);
        let found = neighbours(fit, self.lower, &seeds, pool, contributors, run)?;
        let mut findings = vec![self.isolated((&seeds, &found), largest_group)];
        if fit.is_linear() {
            findings.push(self.dominance(&seeds, &found));
        }
        Ok(findings)
    }

    /// Rows whose neighbours are looked at: all of a small fit, else those with a large hat value or contribution.
    fn seeds(&self, largest_group: usize) -> Vec<usize> {
        let (fit, appetite) = (self.evidence, self.appetite);
        if fit.rows() <= ALL_ROWS {
            return (0..fit.rows()).collect();
        }
        let by_hat = order_of(fit.hat.iter().copied());
        // λmax(H_SS) > κ asks for a row of S with hᵢᵢ > κ/|S|: all such rows are looked at, 9p of them at most.
        let exposed = by_hat.iter().take_while(|&&i| fit.hat[i] > appetite.isolated / largest_group as f64).count();
        let by_contribution =
            order_of((0..fit.rows()).map(|i| (fit.hat[i] * fit.weights[i].sqrt() * fit.response[i]).abs()));
        let mut seeds: Vec<usize> = by_hat.iter().take(exposed.max(DOMINATED)).copied().collect();
        let others = by_contribution.iter().take(DOMINATED);
        seeds.extend(others.filter(|i| !by_hat[..exposed.max(DOMINATED).min(by_hat.len())].contains(i)));
        seeds
    }

    /// λmax(H_SS) = 1 says that some combination of columns vanishes outside S.
    fn isolated(&self, found: (&[usize], &[Neighbours]), most: usize) -> Finding {
        let (fit, appetite) = (self.evidence, self.appetite);
        let limit = |m: usize| match (m as u64) < appetite.failing_count {
            true => appetite.isolated,
            false => appetite.isolated_review,
        };
        let rows = smallest_group(fit, self.lower, found, most, &limit).unwrap_or_default();
        let size = if rows.is_empty() { fit.rows().max(appetite.minimum_count as usize) } else { rows.len() };
        group_finding(self, "rows that a combination of columns sets apart", size, &rows, None)
    }

    /// The (n, k) rule on what stands behind a fitted value: |hᵢⱼ√(wⱼ)yⱼ|.
    fn dominance(&self, seeds: &[usize], found: &[Neighbours]) -> Finding {
        let (fit, appetite) = (self.evidence, self.appetite);
        let share = |around: &Neighbours| match around.total {
            total if total > 0.0 => around.contributions.iter().sum::<f64>() / total,
            _ => 0.0,
        };
        let (mut worst, mut row) = (0.0, 0);
        for (i, around) in seeds.iter().zip(found) {
            if share(around) > worst {
                (worst, row) = (share(around), *i);
            }
        }
        let verdict = Verdict::of(worst > appetite.dominance, false);
        Finding {
            item: self.item,
            kind: Attack::Dominance,
            attack: Attack::Dominance.words().into(),
            intruder: Intruder::OnePersonsColumns,
            measure: format!("share of the {} largest contributors in a fitted value", appetite.dominance_contributors),
            value: Some(worst),
            threshold: Some(appetite.dominance),
            verdict,
            summary: format!(
                "{:.1} % of a fitted value comes from {} rows",
                100.0 * worst,
                appetite.dominance_contributors
            ),
            detail: format!("the fitted value of row {}", fit.labels[row]),
            rows: if verdict == Verdict::Fail { fit.labelled(&[row]) } else { Vec::new() },
            columns: Vec::new(),
            remedy: remedy(verdict, "leave the dominating row out, or top-code the response"),
        }
    }

    fn freedom(&self) -> Finding {
        let (fit, appetite) = (self.evidence, self.appetite);
        let (n, p) = (fit.rows(), fit.rank());
        let (freedom, share) = (n.saturating_sub(p), p as f64 / n as f64);
        let verdict = Verdict::of((freedom as u64) < appetite.minimum_freedom, share > appetite.saturation);
        Finding {
            item: self.item,
            kind: Attack::DegreesOfFreedom,
            attack: Attack::DegreesOfFreedom.words().into(),
            intruder: Intruder::Nothing,
            measure: "rows less rank".into(),
            value: Some(freedom as f64),
            threshold: Some(appetite.minimum_freedom as f64),
            verdict,
            summary: format!("{n} rows, rank {p}: {freedom} degrees of freedom, rank/rows {share:.2}"),
            detail: String::new(),
            rows: Vec::new(),
            columns: Vec::new(),
            remedy: remedy(verdict, "fewer columns, merged levels, or more rows"),
        }
    }

    /// A high R²: whoever knows a person's columns knows the response, whether the person is in the table or not.
    fn solving(&self) -> Option<Finding> {
        let (fit, appetite) = (self.evidence, self.appetite);
        if !fit.is_linear() {
            return None;
        }
        let weighted = |of: &dyn Fn(usize) -> f64| -> f64 { (0..fit.rows()).map(|i| fit.weights[i] * of(i)).sum() };
        let mean = weighted(&|i| fit.response[i]) / weighted(&|_| 1.0);
        let total = weighted(&|i| (fit.response[i] - mean).powi(2));
        let rest = weighted(&|i| fit.residual(i).powi(2));
        let square = if total > 0.0 { 1.0 - rest / total } else { 1.0 };
        let near = (0..fit.rows()).filter(|&i| fit.residual(i).abs() <= 0.05 * fit.response[i].abs()).count();
        let verdict = Verdict::of(square > appetite.r_squared_fail, square > appetite.r_squared_review);
        Some(Finding {
            item: self.item,
            kind: Attack::SolvingTheModel,
            attack: Attack::SolvingTheModel.words().into(),
            intruder: Intruder::OnePersonsColumns,
            measure: "R squared".into(),
            value: Some(square),
            threshold: Some(if verdict == Verdict::Fail { appetite.r_squared_fail } else { appetite.r_squared_review }),
            verdict,
            summary: format!(
                "R squared {square:.6}; {:.0} % of the responses are told within 5 %",
                100.0 * near as f64 / fit.rows() as f64
            ),
            detail: String::new(),
            rows: Vec::new(),
            columns: if verdict >= Verdict::Review { self.decisive_column() } else { Vec::new() },
            remedy: remedy(verdict, "leave out the column that is the response in other words"),
        })
    }

    /// The column without which the fit loses most: the largest b²/V̂.
    fn decisive_column(&self) -> Vec<String> {
        let (fit, p) = (self.evidence, self.evidence.rank());
        let loss = |k: usize| fit.coefficients[k].powi(2) / fit.covariance[k * p + k];
        let varies = |k: &usize| fit.column(*k).any(|v| v != fit.row(0)[*k]);
        let decisive = (0..p).filter(varies).max_by(|&a, &b| loss(a).total_cmp(&loss(b)));
        decisive.map(|k| fit.names[k].clone()).into_iter().collect()
    }

    /// In a group that a column of 0 and 1 names everybody has the same outcome, and the coefficients say so.
    fn separation(&self) -> Option<Finding> {
        let (fit, appetite) = (self.evidence, self.appetite);
        if fit.law.family() != Family::Binomial {
            return None;
        }
        let mut least: Option<(usize, usize)> = None; // (rows, column)
        for k in (0..fit.rank()).filter(|&k| fit.is_indicator(k)) {
            let group: Vec<usize> = (0..fit.rows()).filter(|&i| fit.row(i)[k] == 1.0).collect();
            let outcome = fit.response[group[0]];
            let alike = (outcome == 0.0 || outcome == 1.0)
                && group.iter().all(|&i| fit.response[i] == outcome && (fit.mean[i] - outcome).abs() < NEAR_OUTCOME);
            if alike && least.is_none_or(|(rows, _)| group.len() < rows) {
                least = Some((group.len(), k));
            }
        }
        let verdict =
            least.map_or(Verdict::Pass, |(rows, _)| Verdict::of((rows as u64) < appetite.minimum_count, true));
        Some(Finding {
            item: self.item,
            kind: Attack::ClassDisclosure,
            attack: Attack::ClassDisclosure.words().into(),
            intruder: Intruder::OnePersonsColumns,
            measure: "smallest group with one outcome".into(),
            value: least.map(|(rows, _)| rows as f64),
            threshold: Some(appetite.minimum_count as f64),
            verdict,
            summary: least.map_or("no group of one outcome".into(), |(rows, k)| {
                format!("{}: all {rows} rows have the same outcome", fit.names[k])
            }),
            detail: String::new(),
            rows: Vec::new(),
            columns: least.map(|(_, k)| fit.names[k].clone()).into_iter().collect(),
            remedy: remedy(verdict, "merge the group with another, or leave its column out"),
        })
    }

    /// Whether a person was in the table: the closed form of a linear fit; a note.
    fn membership(&self) -> Finding {
        let hat = self.evidence.hat.iter().copied().fold(0.0, f64::max).min(1.0);
        Finding {
            item: self.item,
            kind: Attack::Membership,
            attack: Attack::Membership.words().into(),
            intruder: Intruder::OnePersonsColumnsAndResponse,
            measure: "area under the curve for the most exposed row".into(),
            value: Some(membership_auc(hat)),
            threshold: None,
            verdict: Verdict::Note,
            summary: "tells rows of the table from others; a coin has 0.5".into(),
            detail: String::new(),
            rows: Vec::new(),
            columns: Vec::new(),
            remedy: String::new(),
        }
    }
}

/// The advice, where there is something to do.
pub(super) fn remedy(verdict: Verdict, advice: &str) -> String {
    if verdict >= Verdict::Review { advice.into() } else { String::new() }
}

fn group_finding(of: &Coefficients<'_>, measure: &str, size: usize, rows: &[usize], column: Option<usize>) -> Finding {
    let (fit, appetite) = (of.evidence, of.appetite);
    let verdict = Verdict::of((size as u64) < appetite.failing_count, (size as u64) < appetite.minimum_count);
    let small = verdict >= Verdict::Review;
    let kind = if column.is_some() { Attack::CountsOfColumns } else { Attack::IsolatedGroup };
    let columns: Vec<String> = column.filter(|_| small).map(|k| fit.names[k].clone()).into_iter().collect();
    Finding {
        item: of.item,
        kind,
        attack: kind.words().into(),
        intruder: Intruder::Nothing,
        measure: format!("smallest number of {measure}"),
        value: Some(size as f64),
        threshold: Some(if verdict == Verdict::Fail { appetite.failing_count } else { appetite.minimum_count } as f64),
        verdict,
        summary: match (small, columns.first()) {
            (false, _) => format!("no group below {}", appetite.minimum_count),
            (true, Some(column)) => format!("{column} sets {size} rows apart"),
            (true, None) => format!("a combination of columns sets {size} rows apart"),
        },
        detail: if small { format!("rows {}", fit.labelled(rows).join(", ")) } else { String::new() },
        rows: if small { fit.labelled(rows) } else { Vec::new() },
        columns,
        remedy: remedy(verdict, "merge the group with another, leave its column out, or leave the rows out"),
    }
}

/// How many values differ from the commonest one, and that one.
pub(super) fn differing_from_commonest(values: impl Iterator<Item = f64>) -> (usize, f64) {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let longest =
        values.chunk_by(|a, b| a == b).fold(&[][..], |best, run| if run.len() > best.len() { run } else { best });
    (values.len() - longest.len(), longest.first().copied().unwrap_or(0.0))
}
