//! Labels that keep out of each other's way.

use crate::charts::frame::Area;

/// Moves labels along a line apart until neighbours are `gap` apart, within `[from, to]`; their order stays.
pub(crate) fn spread(wanted: &[f64], gap: f64, from: f64, to: f64) -> Vec<f64> {
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by(|&a, &b| wanted[a].total_cmp(&wanted[b]));
    let mut placed = wanted.to_vec();
    let mut least = from;
    for &label in &order {
        placed[label] = placed[label].max(least);
        least = placed[label] + gap;
    }
    let mut most = to;
    for &label in order.iter().rev() {
        placed[label] = placed[label].min(most);
        most = placed[label] - gap;
    }
    placed
}

/// Where the label of a point stands: beside it, on the side where there is room.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Placed {
    pub dx: f64,
    pub dy: f64,
    pub anchor: &'static str,
}

/// Width of a figure of a label in units of the drawing: 0.6 of the 11.5 that the style gives labels, with some air.
const CHARACTER: f64 = 7.2;
const LINE: f64 = 12.0;
/// From the middle of a point to the near edge of its label.
const DISTANCE: f64 = 8.0;

/// Places the labels of points in their order; a label that would cover a point or another label is left out.
pub(crate) fn beside(points: &[(f64, f64, usize)], obstacles: &[(f64, f64)], area: Area) -> Vec<Option<Placed>> {
    let mut taken: Vec<[f64; 4]> = Vec::new();
    points
        .iter()
        .map(|&(x, y, length)| {
            let width = CHARACTER * length as f64;
            let sides = [
                (DISTANCE, 4.0),
                (-DISTANCE, 4.0),
                (DISTANCE, -6.0),
                (DISTANCE, 14.0),
                (-DISTANCE, -6.0),
                (-DISTANCE, 14.0),
            ];
            let (dx, dy, rectangle) = sides.into_iter().find_map(|(dx, dy)| {
                let left = if dx > 0.0 { x + dx } else { x + dx - width };
                let rectangle = [left, y + dy - LINE + 2.0, left + width, y + dy + 2.0];
                let inside = rectangle[0] >= area.left
                    && rectangle[2] <= area.right
                    && rectangle[1] >= area.top
                    && rectangle[3] <= area.bottom;
                let free = taken.iter().all(|other| !overlap(rectangle, *other));
                let clear = obstacles.iter().all(|&(px, py)| {
                    (px == x && py == y) || !overlap(rectangle, [px - 4.0, py - 4.0, px + 4.0, py + 4.0])
                });
                (inside && free && clear).then_some((dx, dy, rectangle))
            })?;
            taken.push(rectangle);
            Some(Placed { dx, dy, anchor: if dx > 0.0 { "start" } else { "end" } })
        })
        .collect()
}

fn overlap(a: [f64; 4], b: [f64; 4]) -> bool {
    a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3]
}

/// A name cut to so many characters, the last of them "…".
pub(crate) fn shortened(name: &str, most: usize) -> String {
    if name.chars().count() <= most {
        return name.to_owned();
    }
    let kept: String = name.chars().take(most.saturating_sub(1)).collect();
    format!("{kept}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_at_one_place_are_spread_in_order() {
        let placed = spread(&[50.0, 50.0, 49.0, 98.0], 15.0, 0.0, 100.0);
        let mut sorted = placed.clone();
        sorted.sort_by(f64::total_cmp);
        assert!(sorted.windows(2).all(|pair| pair[1] - pair[0] >= 15.0 - 1e-9));
        assert!(placed[2] < placed[0] && placed[0] < placed[1] && placed[1] < placed[3] && placed[3] <= 100.0);
    }

    #[test]
    fn labels_of_close_points_do_not_overlap() {
        let area = Area { left: 0.0, top: 0.0, right: 200.0, bottom: 200.0 };
        let points = [(100.0, 100.0, 4), (102.0, 101.0, 4), (195.0, 100.0, 4)];
        let placed = beside(&points, &[(100.0, 100.0), (102.0, 101.0), (195.0, 100.0)], area);
        assert_eq!(placed[2].map(|label| label.anchor), Some("end"));
        let rectangle = |index: usize| {
            placed[index].map(|label| {
                let left = points[index].0 + label.dx - if label.dx < 0.0 { 4.0 * CHARACTER } else { 0.0 };
                [left, points[index].1 + label.dy - 10.0, left + 4.0 * CHARACTER, points[index].1 + label.dy]
            })
        };
        if let (Some(a), Some(b)) = (rectangle(0), rectangle(1)) {
            assert!(!overlap(a, b));
        }
    }

    #[test]
    fn a_long_name_is_cut_by_characters() {
        assert_eq!(shortened("Größenwahn", 5), "Größ…");
        assert_eq!(shortened("kurz", 5), "kurz");
    }
}
