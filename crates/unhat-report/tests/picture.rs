//! Pictures of figures: PNG whatever is in them, the same every time, and nothing of a row that is not in the figure.
#![allow(clippy::unwrap_used)] // a panic is how a test fails

use unhat_models::figures::{Axis, Figure, Shown};
use unhat_report::figure_png;

fn picture(x: &[f64], y: &[f64], label: &str, shown: Shown) -> Vec<u8> {
    let axis = |name: &str| Axis::linear(name, name);
    let marked: Vec<(usize, String)> = if x.is_empty() { Vec::new() } else { vec![(0, label.into())] };
    let figure = Figure::of("f", (axis("x"), x), (axis("y"), y), &marked, shown).titled("<b>Title</b>");
    figure_png(&figure).unwrap()
}

#[test]
fn a_picture_is_a_png_of_one_size_whatever_is_in_it_and_the_same_every_time() {
    let wild = [1.0, -1e300, f64::NAN, f64::INFINITY, 0.0];
    let flat = [2.0; 5];
    let label = "\u{1b}[31m\u{202e}行\n";
    for (x, y) in [(&wild[..], &flat[..]), (&flat, &flat), (&[], &[]), (&wild, &wild)] {
        for shown in [Shown::Rows { points: 100 }, Shown::Rows { points: 0 }, Shown::Safe { least: 3 }] {
            let found = picture(x, y, label, shown);
            assert_eq!(&found[..8], b"\x89PNG\r\n\x1a\n");
            assert_eq!((&found[16..20], &found[20..24]), (&[0, 0, 4, 176][..], &[0, 0, 3, 132][..])); // 1200 × 900
            assert!(found == picture(x, y, label, shown));
            // The head, the pixels and the end: nothing beside what is seen.
            let holds = |kind: &[u8]| found.windows(4).any(|window| window == kind);
            assert!(!["tEXt", "iTXt", "tIME", "eXIf"].iter().any(|kind| holds(kind.as_bytes())));
        }
    }
}

#[test]
fn the_picture_of_a_figure_that_may_leave_does_not_change_with_a_row_far_out() {
    let mut x: Vec<f64> = (0..300).map(|i| f64::from(i % 15)).collect();
    let y: Vec<f64> = (0..300).map(|i| f64::from(i / 15 % 14)).collect();
    x[0] = 50.0;
    let near = picture(&x, &y, "the person", Shown::Safe { least: 10 });
    x[0] = 5e7;
    assert!(near == picture(&x, &y, "somebody else", Shown::Safe { least: 10 }));
    assert!(near != picture(&x, &y, "the person", Shown::Rows { points: 0 }));
}
