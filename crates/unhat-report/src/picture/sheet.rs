//! The sheet that pictures are drawn on: lines, hexagons, dots and letters in units, each 1.5 pixels.

use super::text::Size;
use tiny_skia::{
    Color, FillRule, LineJoin, Paint, Path, PathBuilder, Pixmap, PremultipliedColorU8, Stroke, StrokeDash, Transform,
};
use unhat::{Error, ErrorKind, Result};

/// Pixels to a unit.
const PIXELS: f64 = 1.5;

/// The colours, those of the charts on light paper.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Ink {
    Black,
    Quiet,
    Line,
    Grid,
    Point,
    Marked,
    Curve,
    /// Of a hexagon, from light to dark.
    Shade(usize),
}

impl Ink {
    /// Red, green, blue, and how much it covers.
    fn colour(self) -> [u8; 4] {
        let shades = [[219, 230, 242], [179, 204, 230], [128, 169, 211], [69, 128, 187], [21, 80, 143]];
        let opaque = |[r, g, b]: [u8; 3]| [r, g, b, 255];
        match self {
            Ink::Black => opaque([22, 25, 29]),
            Ink::Quiet => opaque([86, 93, 104]),
            Ink::Line => opaque([150, 157, 167]),
            Ink::Grid => opaque([232, 235, 239]),
            Ink::Point => [21, 87, 160, 170],
            Ink::Marked | Ink::Curve => opaque([176, 67, 15]),
            Ink::Shade(shade) => opaque(shades[shade.min(shades.len() - 1)]),
        }
    }

    fn paint(self) -> Paint<'static> {
        let [red, green, blue, cover] = self.colour();
        let mut paint = Paint::default();
        paint.set_color_rgba8(red, green, blue, cover);
        paint.anti_alias = true;
        paint
    }
}

pub(super) struct Sheet(Pixmap);

fn failed(reason: impl std::fmt::Display) -> Error {
    ErrorKind::Numerical { reason: format!("the picture cannot be drawn: {reason}") }.into()
}

impl Sheet {
    pub fn new(width: f64, height: f64) -> Result<Sheet> {
        let pixels = |units: f64| (units * PIXELS).round() as u32;
        let mut sheet = Pixmap::new(pixels(width), pixels(height)).ok_or_else(|| failed("it has no pixels"))?;
        sheet.fill(Color::WHITE);
        Ok(Sheet(sheet))
    }

    pub fn png(&self) -> Result<Vec<u8>> {
        self.0.encode_png().map_err(failed)
    }

    pub fn line(&mut self, points: &[(f64, f64)], ink: Ink, width: f64, is_dashed: bool) {
        let Some(path) = path(points, false) else { return };
        let dash = |on: f32, off: f32| StrokeDash::new(vec![on, off], 0.0);
        let stroke = Stroke {
            width: (width * PIXELS) as f32,
            line_join: LineJoin::Round,
            dash: if is_dashed { dash(9.0, 6.0) } else { None },
            ..Stroke::default()
        };
        self.0.stroke_path(&path, &ink.paint(), &stroke, Transform::identity(), None);
    }

    pub fn filled(&mut self, corners: &[(f64, f64)], ink: Ink) {
        if let Some(path) = path(corners, true) {
            self.0.fill_path(&path, &ink.paint(), FillRule::Winding, Transform::identity(), None);
        }
    }

    pub fn dot(&mut self, (x, y): (f64, f64), radius: f64, ink: Ink) {
        let [x, y, radius] = [x, y, radius].map(|v| (v * PIXELS) as f32);
        if let Some(path) = PathBuilder::from_circle(x, y, radius) {
            self.0.fill_path(&path, &ink.paint(), FillRule::Winding, Transform::identity(), None);
        }
    }

    pub fn square(&mut self, (x, y): (f64, f64), half: f64, ink: Ink) {
        self.filled(&[(x - half, y - half), (x + half, y - half), (x + half, y + half), (x - half, y + half)], ink);
    }

    /// Words whose upper left corner is there.
    pub fn text(&mut self, at: (f64, f64), words: &str, size: Size, ink: Ink) {
        let (left, top) = ((at.0 * PIXELS).round() as i64, (at.1 * PIXELS).round() as i64);
        self.letters(words, size, ink, |across, down| (left + across, top + down));
    }

    /// Words of the ordinary size around a middle.
    pub fn centred(&mut self, (x, y): (f64, f64), words: &str, ink: Ink) {
        self.text((x - length(words) / 2.0, y), words, Size::Words, ink);
    }

    /// Words of the ordinary size that end there.
    pub fn ending_at(&mut self, (x, y): (f64, f64), words: &str, ink: Ink) {
        self.text((x - length(words), y), words, Size::Words, ink);
    }

    /// Words from below to above, around a middle.
    pub fn upwards(&mut self, (x, y): (f64, f64), words: &str) {
        let (left, bottom) = ((x * PIXELS).round() as i64, ((y + length(words) / 2.0) * PIXELS).round() as i64);
        self.letters(words, Size::Words, Ink::Black, |across, down| (left + down, bottom - across));
    }

    /// Letters side by side; `place` turns pixels to the right and down into those of the sheet.
    fn letters(&mut self, words: &str, size: Size, ink: Ink, place: impl Fn(i64, i64) -> (i64, i64)) {
        for (k, letter) in words.chars().enumerate() {
            let Some(letter) = size.letter(letter) else { continue };
            let start = (k * size.advance()) as i64;
            for (down, row) in letter.rows().enumerate() {
                for (across, cover) in row.iter().enumerate().filter(|(_, cover)| **cover > 0) {
                    self.blend(place(start + across as i64, down as i64), ink, *cover);
                }
            }
        }
    }

    /// Lays ink over a pixel of the sheet, which is opaque.
    fn blend(&mut self, (x, y): (i64, i64), ink: Ink, cover: u8) {
        let (width, height) = (i64::from(self.0.width()), i64::from(self.0.height()));
        if !(0..width).contains(&x) || !(0..height).contains(&y) {
            return;
        }
        let pixel = &mut self.0.pixels_mut()[(y * width + x) as usize];
        let [red, green, blue, _] = ink.colour();
        let mixed = |under: u8, over: u8| {
            let sum = u32::from(under) * u32::from(255 - cover) + u32::from(over) * u32::from(cover);
            ((sum + 127) / 255) as u8
        };
        let [red, green, blue] =
            [(pixel.red(), red), (pixel.green(), green), (pixel.blue(), blue)].map(|(u, o)| mixed(u, o));
        if let Some(colour) = PremultipliedColorU8::from_rgba(red, green, blue, 255) {
            *pixel = colour;
        }
    }
}

/// Length of words of the ordinary size in units.
fn length(words: &str) -> f64 {
    (words.chars().count() * Size::Words.advance()) as f64 / PIXELS
}

fn path(points: &[(f64, f64)], is_closed: bool) -> Option<Path> {
    let mut builder = PathBuilder::new();
    for (k, (x, y)) in points.iter().enumerate() {
        let (x, y) = ((x * PIXELS) as f32, (y * PIXELS) as f32);
        if k == 0 { builder.move_to(x, y) } else { builder.line_to(x, y) }
    }
    if is_closed {
        builder.close();
    }
    builder.finish()
}
