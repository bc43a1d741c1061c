//! The search in the order of its cost: both natural starts, other wells, random starts, branch and bound.

use super::branch_and_bound::{Patience, prove_globally};
use super::certificate::Proof;
use super::continuation::{End, Fold};
use super::lanczos::{CurvatureEstimate, least_curvature};
use super::method;
use super::objective::Place;
use super::options::{Extent, MinimaSought, RegularisedOptions};
use super::search::{Origin, Search, slack_distance};
use super::starts::{Accuracy, RandomStarts, fit, from_the_centre, gauss_newton_change, regulariser_minimiser};
use super::wells::{Quest, Wells, look_for_wells, wells_of_a_coreset};
use crate::error::Result;
use crate::linalg::norm;
use crate::run::Event;
use std::cell::OnceCell;

/// What is learnt beside the minima.
#[derive(Default)]
pub(super) struct Found {
    pub folds: Vec<Fold>,
    pub proven: Option<Proof>,
    pub boxes: Option<u64>,
    pub warnings: Vec<String>,
    /// Whether certificates can be afforded.
    pub certifiable: bool,
    /// How far the search for other minima went.
    pub extent: Extent,
    /// What products say of the best point, where nothing is certified.
    pub strictness: Option<CurvatureEstimate>,
}

/// Up to this dimension the list of minima is completed by random starts, and the best one proven by branch and bound.
const COMPLETE_UP_TO: usize = 3;
/// Up to this dimension branch and bound is tried on request; at d = 4 three of four cases end within 300,000 boxes.
const PROVE_UP_TO: usize = 5;
/// Below this Gauss–Newton step at the regulariser's minimiser a descent from there is short.
const SHORT: f64 = 3.0;
/// From this many rows on a start is left out where the other one's minimum is proven to be the only one.
const MANY_ROWS: usize = 1000;
/// How far a minimum of a coreset's problem may lie from that of all rows, in relative slack change.
const NEAR: f64 = 0.3;
/// A saddle is left by this relative change of a slack.
const ESCAPE: f64 = 0.05;
const MOST_ESCAPES: usize = 4;

/// Both natural starts, or one of them; then what `options.minima` asks for beyond.
pub(super) fn explore(
    search: &mut Search<'_, '_>,
    findings: &mut Found,
    inside: &[f64],
    options: &RegularisedOptions,
) -> Result<()> {
    natural_starts(search, findings, inside, options)?;
    leave_saddles(search, findings, options)
}

fn natural_starts(
    search: &mut Search<'_, '_>,
    findings: &mut Found,
    inside: &[f64],
    options: &RegularisedOptions,
) -> Result<()> {
    let (objective, run) = (search.objective, search.run);
    let d = objective.dim();
    let shape = objective.barrier.source().shape();
    let many = shape.rows >= MANY_ROWS.max(4 * d);
    let lazy_centre = OnceCell::new();
    let centre = || -> Result<&Vec<f64>> {
        match lazy_centre.get() {
            Some(centre) => Ok(centre),
            None => {
                let found = from_the_centre(objective, inside, run)?;
                Ok(lazy_centre.get_or_init(|| found))
            }
        }
    };
    run.tell(Event::Phase("descending from both natural starts"));
    let regular = regulariser_minimiser(objective, &centre, search.options(), run)?;
    let mut first = if many { objective.at(&regular, run)? } else { None };
    let short = match &first {
        Some(place) => gauss_newton_change(objective, place, run)? < SHORT,
        None => false,
    };
    if let Some(place) = first.take_if(|_| short) {
        search.descend_on(place, Origin::Regulariser)?;
        if options.minima == MinimaSought::First && !search.found.is_empty() {
            return Ok(());
        }
        if options.stop_when_unique && best_is_unique(search, findings)? {
            return Ok(());
        }
    }
    run.tell(Event::Phase("solving without regulariser"));
    let accuracy = if many { Accuracy::Rough } else { Accuracy::Full };
    let fitted = fit(objective, objective.target, inside, accuracy, run)?;
    run.tell(Event::Phase("descending from both natural starts"));
    match &fitted {
        Some(x) => {
            search.descend_from(x, Origin::Fit)?;
        }
        None => findings.warnings.push("the cell is unbounded and holds no x with g(x) = c".into()),
    }
    let single = options.minima == MinimaSought::First;
    if single && !search.found.is_empty() {
        return Ok(());
    }
    match first {
        Some(place) => search.descend_on(place, Origin::Regulariser)?,
        None if short => None,
        None => search.descend_from(&regular, Origin::Regulariser)?,
    };
    if single || (options.stop_when_unique && best_is_unique(search, findings)?) {
        return Ok(());
    }

    run.tell(Event::Phase("following the minima over the scale of the weights"));
    let (from, end) = match &fitted {
        Some(x) => (x.clone(), End::SmallWeights),
        None => (regular.clone(), End::LargeWeights),
    };
    let rows = method::search_rows(&shape);
    let restarts = if many { None } else { Some(inside.to_vec()) };
    let quest = Quest {
        seed: options.seed,
        limit: options.search_flops,
        most_work: match (many, options.minima) {
            (true, MinimaSought::Best) => method::curve_work(&shape),
            _ => f64::INFINITY,
        },
        anchors: fitted.iter().chain([&regular]).cloned().collect(),
        curve: (from, end),
        centre: restarts,
    };
    let wells = match rows < shape.rows as f64 {
        true => search_on_a_coreset(search, &quest, options)?,
        false => Some(look_for_wells(search, rows, &quest)?),
    };
    let wells = match wells {
        Some(wells) => wells,
        None => look_for_wells(search, shape.rows as f64, &quest)?,
    };
    findings.extent = match (wells.complete, wells.left_out.len()) {
        (true, 0) => Extent::Complete,
        _ => Extent::Partial,
    };
    findings.folds = wells.folds;
    findings.warnings.extend(wells.left_out.iter().map(|words| words.to_string()));
    if options.stop_when_unique && best_is_unique(search, findings)? {
        return Ok(());
    }

    let everything = options.minima == MinimaSought::All;
    let usual = if d <= COMPLETE_UP_TO || everything { 60 * d as u64 } else { 0 };
    let wanted = options.random_starts.map_or(if many && !everything { 0 } else { usual }, u64::from);
    if wanted > 0 {
        run.tell(Event::Phase("completing the list from random starts"));
    }
    for k in 0..wanted {
        run.check()?;
        let radius = search.best().map_or(norm(objective.target), |i| (2.0 * search.value(i)).sqrt());
        let starts = RandomStarts { seed: options.seed, centre: centre()?, radius };
        if let Some(x) = starts.point(objective, k, run)? {
            search.descend_from(&x, Origin::Random)?;
        }
    }
    if best_is_unique(search, findings)? {
        return Ok(());
    }
    let provable = if options.prove { PROVE_UP_TO } else { COMPLETE_UP_TO };
    if d <= provable {
        run.tell(Event::Phase("branch and bound"));
        let patience = if options.prove { Patience::Asked } else { Patience::Unasked };
        let verdict = prove_globally(search, fitted.as_deref(), centre()?, options.max_boxes, patience)?;
        findings.boxes = Some(verdict.boxes);
        findings.proven = verdict.proven.then_some(Proof::Global);
        findings.warnings.extend(verdict.reason);
    }
    Ok(())
}

/// The wells of a coreset, each followed by a descent on all rows; twice the rows once more where two of them merge there
/// or one moves far. None where no coreset can be had.
fn search_on_a_coreset(
    search: &mut Search<'_, '_>,
    quest: &Quest,
    options: &RegularisedOptions,
) -> Result<Option<Wells>> {
    let (objective, run) = (search.objective, search.run);
    let all = options.minima == MinimaSought::All;
    let mut places: Vec<(Place, Origin)> = Vec::new();
    for (x, origin) in quest.anchors.iter().zip([Origin::Fit, Origin::Regulariser]) {
        if let Some(place) = objective.at(x, run)? {
            places.push((place, origin));
        }
    }
    let starts = if search.found.is_empty() { 0 } else { places.len() };
    places.extend(search.found.iter().map(|found| (found.place.clone(), found.origins[0])));
    let mut last = None;
    for factor in [1.0, 2.0] {
        let found = wells_of_a_coreset(objective, (&places, starts), factor, all, quest, search.options(), run)?;
        let Some((drawn, candidates, wells)) = found else { break };
        let mut misled = false;
        for candidate in candidates {
            run.check()?;
            let known = search.found.len();
            match search.descend_from(&candidate.place.base.x, candidate.origin)? {
                Some(i) => {
                    let x = &search.found[i].place.base.x;
                    misled |= search.found.len() == known;
                    misled |= slack_distance(&drawn, &candidate.place, x, run)? > NEAR;
                }
                None => misled = true,
            }
        }
        last = Some(wells);
        if !misled {
            break;
        }
    }
    Ok(last)
}

/// Whether the best minimum is proven to be the only global one.
fn best_is_unique(search: &Search<'_, '_>, findings: &mut Found) -> Result<bool> {
    let Some(best) = search.best() else { return Ok(false) };
    if !findings.certifiable {
        return Ok(false);
    }
    let certificate = search.certificate(best)?;
    let unique = certificate.is_some_and(|c| c.kind == Proof::Unique);
    findings.proven = unique.then_some(Proof::Unique);
    if unique {
        findings.extent = Extent::Complete;
    }
    Ok(unique)
}

/// Where no certificate says that the best point is a minimum, products are asked; a saddle is left along its negative
/// curvature, on both sides.
fn leave_saddles(search: &mut Search<'_, '_>, findings: &mut Found, options: &RegularisedOptions) -> Result<()> {
    let (objective, run) = (search.objective, search.run);
    if findings.certifiable {
        return Ok(());
    }
    for _ in 0..MOST_ESCAPES {
        let Some(best) = search.best() else { return Ok(()) };
        run.tell(Event::Phase("asking whether the best point is a minimum"));
        let place = search.found[best].place.clone();
        let (estimate, downhill) = least_curvature(&objective.by_products(), &place, options.seed, run)?;
        findings.strictness = Some(estimate);
        if estimate.least > 0.0 {
            return Ok(());
        }
        let value = search.value(best);
        let size = ESCAPE / objective.largest_change(&place, &downhill, run)?.max(f64::MIN_POSITIVE);
        search.found.remove(best);
        for side in [size, -size] {
            let x: Vec<f64> = place.base.x.iter().zip(&downhill).map(|(x, h)| x + side * h).collect();
            search.descend_from(&x, Origin::Escape)?;
        }
        if search.best().is_none_or(|i| search.value(i) >= value) {
            return Ok(());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is how a test fails
    use super::super::CurvatureMethod;
    use super::super::objective::Objective;
    use super::super::trust_region::DescentOptions;
    use super::*;
    use crate::Run;
    use crate::barrier::Barrier;
    use crate::rows::DenseRows;
    use unhat_testkit::known::minima_cases;

    /// Told that a known saddle is the best point, the search ends in a known minimum below it.
    #[test]
    fn a_saddle_is_left_downhill() {
        let (run, mut tried) = (Run::default(), 0);
        for case in minima_cases().iter().filter(|case| case.complete) {
            let rows = DenseRows::new(&case.a, case.d).unwrap();
            for saddle in case.stationary.iter().filter(|point| !point.minimum) {
                let barrier = Barrier::around(&rows, &case.b, &saddle.x, &run).unwrap();
                let objective = Objective::new(&barrier, &case.c, &case.w, CurvatureMethod::Products, &run).unwrap();
                let descent = DescentOptions { tolerance: 1e-11, max_iterations: 300 };
                let mut search = Search::new(&objective, descent, 0, &run);
                let place = objective.at(&saddle.x, &run).unwrap().unwrap();
                search.keep(place, Origin::Fit).unwrap();
                let mut findings = Found::default();
                leave_saddles(&mut search, &mut findings, &RegularisedOptions::default()).unwrap();
                let value = search.value(search.best().unwrap());
                let known = case.minima();
                let reached = known.iter().any(|m| (m.objective - value).abs() <= 1e-9 * value);
                assert!(value < saddle.objective && reached, "{}: {value} from {}", case.name, saddle.objective);
                assert!(findings.strictness.unwrap().least > 0.0);
                tried += 1;
            }
        }
        assert!(tried >= 8, "{tried}");
    }
}
