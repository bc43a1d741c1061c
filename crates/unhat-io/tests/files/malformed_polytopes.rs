//! Broken polytopes, each with what its message must say: the line, what was found, what was expected.

use super::malformed::{Case, check};
use super::{gzipped, message};
use unhat_io::read_polytope;

/// A program with one row of each kind; `part` takes the place of the section of that name.
fn with(section: &str, part: &str) -> Vec<u8> {
    let sections = [
        ("NAME", "NAME t\n"),
        ("ROWS", "ROWS\n N cost\n G low\n L high\n"),
        ("COLUMNS", "COLUMNS\n x low 1 high 2\n y low 3 cost 1\n"),
        ("RHS", "RHS\n rhs low 4\n"),
        ("BOUNDS", "BOUNDS\n UP b x 5\n"),
        ("ENDATA", "ENDATA\n"),
    ];
    sections.iter().map(|(name, text)| if *name == section { part } else { text }).collect::<String>().into_bytes()
}

#[test]
fn programs() {
    let text = |text: &str| text.as_bytes().to_vec();
    let rows = |lines: &str| with("ROWS", &format!("ROWS\n N cost\n G low\n L high\n{lines}"));
    let columns = |lines: &str| with("COLUMNS", &format!("COLUMNS\n x low 1 high 2\n y low 3 cost 1\n{lines}"));
    let rhs = |lines: &str| with("RHS", &format!("RHS\n rhs low 4\n{lines}"));
    let bounds = |lines: &str| with("BOUNDS", &format!("BOUNDS\n{lines}"));
    let cases: Vec<Case<'_>> = vec![
        // Sections.
        ("mps", text(""), &["the file is empty"]),
        ("mps", text("* nothing\n\n"), &["line 3", "end of the file", "expected ENDATA"]),
        ("mps", text("hello\n"), &["line 1", "\"hello\"", "expected NAME, OBJSENSE, ROWS"]),
        ("mps", text(" x low 1\n"), &["line 1", "\"x low 1\"", "name of a section"]),
        ("mps", text("NAME t\n x low 1\n"), &["line 2", "\"x low 1\"", "name of a section"]),
        ("mps", text("COLUMNS\n x low 1\n"), &["line 1", "found COLUMNS", "section ROWS before it"]),
        ("mps", text("NAME\nROWS\n G low\nRHS\n"), &["line 4", "found RHS", "section COLUMNS before it"]),
        ("mps", text("ENDATA\n"), &["line 1", "found ENDATA", "section COLUMNS before it"]),
        ("mps", with("NAME", "OBJSENSE\n UPWARD\n"), &["line 2", "\"UPWARD\"", "MAX or MIN"]),
        ("mps", with("NAME", "OBJSENSE UPWARD\n"), &["line 1", "\"UPWARD\"", "MAX or MIN"]),
        ("mps", with("ENDATA", ""), &["line 13", "end of the file in section BOUNDS", "expected ENDATA", "cut short"]),
        ("mps", with("ENDATA", "ROWS\n"), &["line 13", "a second section ROWS", "line 2"]),
        ("mps", with("RHS", "RHS low 4\n"), &["line 9", "\"low 4\" after RHS", "expected RHS alone"]),
        ("mps", with("RHS", "QUADOBJ\n x x one\n"), &["line 10", "\"one\"", "a number"]),
        ("mps", with("RHS", "QSECTION low\n x x 1\n"), &["line 9, row \"low\"", "a quadratic constraint is no"]),
        ("mps", with("RHS", "QSECTION lwo\n x x 1\n"), &["line 9", "found row \"lwo\"", "expected one of ROWS"]),
        ("mps", with("RHS", "QCMATRIX low\n x x 1\n"), &["line 9", "QCMATRIX", "a quadratic constraint is no"]),
        ("mps", with("RHS", "CSECTION k\n x\n"), &["line 9", "CSECTION", "a cone is no polytope"]),
        ("mps", with("RHS", "SOS\n S1 s\n"), &["line 9", "special ordered sets"]),
        ("mps", text("ROWS\n G low\nCOLUMNS\nENDATA\n"), &["line 4", "0 columns", "at least one row and one column"]),
        (
            "mps",
            text("ROWS\n N c\nCOLUMNS\n x c 1\nBOUNDS\n FR x\nENDATA\n"),
            &["line 7", "0 rows", "at least one row"],
        ),
        ("mps", rows(&"x".repeat(70_000)), &["line 6", "65536 bytes"]),
        ("mps", b"NAME\nROWS\n G low\xff\n".to_vec(), &["line 3", "UTF-8"]),
        ("mps", b"\xff\xfeN\0A\0".to_vec(), &["UTF-16"]),
        ("mps.gz", gzipped(&rows(""))[..40].to_vec(), &["ends too early"]),
        ("mps.gz", rows(""), &["cannot be read", "gzip"]),
        // Rows.
        ("mps", rows(" E same\n"), &["line 6, row \"same\"", "an E row", "equality form is not supported yet"]),
        ("mps", rows(" Q odd\n"), &["line 6, row \"odd\"", "found kind \"Q\"", "expected N, L or G"]),
        ("mps", rows(" L low\n"), &["line 6, row \"low\"", "a second time"]),
        ("mps", rows(" L\n"), &["line 6", "found \"L\"", "the name of a row"]),
        // Columns.
        ("mps", columns(" z lwo 1\n"), &["line 9, column \"z\"", "found row \"lwo\"", "expected one of ROWS"]),
        ("mps", columns(" z low\n"), &["line 9", "found \"z low\"", "its value"]),
        ("mps", columns(" z low 1 high\n"), &["line 9", "found \"z low 1 high\"", "its value"]),
        ("mps", columns(" z low one\n"), &["line 9, column \"z\", row \"low\"", "found \"one\"", "expected a number"]),
        ("mps", columns(" z low 1 high 1,5\n"), &["line 9, column \"z\", row \"high\"", "\"1,5\"", "a number"]),
        ("mps", columns(" z low NaN\n"), &["line 9, column \"z\", row \"low\"", "\"NaN\"", "finite"]),
        ("mps", columns(" z low -Inf\n"), &["line 9, column \"z\", row \"low\"", "\"-Inf\"", "finite"]),
        ("mps", columns(" z low 1e999\n"), &["line 9, column \"z\", row \"low\"", "\"1e999\"", "finite"]),
        ("mps", columns(" y low 1\n"), &["line 9, column \"y\", row \"low\"", "a second coefficient"]),
        ("mps", columns(" z high 1 high 2\n"), &["line 9, column \"z\", row \"high\"", "a second coefficient"]),
        ("mps", columns(" x cost 1\n"), &["line 9, column \"x\"", "again", "follow each other"]),
        ("mps", columns(" m 'MARKER' 'SOSORG'\n"), &["line 9", "\"SOSORG\"", "'INTORG' or 'INTEND'"]),
        ("mps", columns(" m 'MARKER' 'INTEND'\n"), &["line 9", "'INTEND'", "expected 'INTORG' before it"]),
        ("mps", columns(" m 'MARKER' 'INTORG'\n y high 1\n"), &["line 10, column \"y\"", "both sides of a marker"]),
        // Right-hand sides and ranges.
        ("mps", rhs(" rhs lwo 1\n"), &["line 11", "found row \"lwo\"", "expected one of ROWS"]),
        ("mps", rhs(" rhs low 5\n"), &["line 11, row \"low\"", "a second right-hand side"]),
        ("mps", rhs(" two high 5\n"), &["line 11", "second set of right-hand sides, \"two\"", "only \"rhs\""]),
        ("mps", rhs(" rhs high x\n"), &["line 11, row \"high\"", "\"x\"", "a number"]),
        ("mps", rhs(" rhs high inf\n"), &["line 11, row \"high\"", "\"inf\"", "finite"]),
        ("mps", rhs(" high\n"), &["line 11", "found \"high\"", "its value"]),
        ("mps", rhs("RANGES\n rng high 0\n"), &["line 12, row \"high\"", "a range of 0", "equality form is not"]),
        ("mps", rhs("RANGES\n rng high 5\n rng high 6\n"), &["line 13, row \"high\"", "a second range"]),
        ("mps", rhs("RANGES\n rng high x\n"), &["line 12, row \"high\"", "\"x\"", "a number"]),
        ("mps", rhs("RANGES\n r high 5\n s low 6\n"), &["line 13", "second set of ranges, \"s\"", "only \"r\""]),
        (
            "mps",
            text("ROWS\n G low\n G none\nCOLUMNS\n x low 1\nRHS\n r none 2\nENDATA\n"),
            &["row \"none\"", "0 ≥ 2.0", "no point satisfies"],
        ),
        ("mps", rhs("RANGES\n rng hgih 5\n"), &["line 12", "found row \"hgih\"", "expected one of ROWS"]),
        // Bounds.
        ("mps", bounds(" UP b z 5\n"), &["line 12", "found column \"z\"", "expected one of COLUMNS"]),
        ("mps", bounds(" FX b x 5\n"), &["line 12, column \"x\"", "an FX bound", "equality form is not supported yet"]),
        ("mps", bounds(" LO b x 3\n UP b x 3\n"), &["line 13, column \"x\"", "bound 3.0", "equality form"]),
        ("mps", bounds(" UP b x 0\n"), &["line 12, column \"x\"", "bound 0.0", "equality form"]),
        ("mps", bounds(" LO b x 3\n UP b x 2\n"), &["line 13, column \"x\"", "lower bound 3.0 above upper bound 2.0"]),
        (
            "mps",
            bounds(" LO b x 0\n UP b x -1\n"),
            &["line 13, column \"x\"", "lower bound 0.0 above upper bound -1.0"],
        ),
        ("mps", bounds(" UP b x 5\n UP b x 6\n"), &["line 13, column \"x\"", "a second upper bound", "line 12"]),
        ("mps", bounds(" FR b x\n MI b x\n"), &["line 13, column \"x\"", "a second lower bound", "line 12"]),
        ("mps", bounds(" SC b x 5\n"), &["line 12, column \"x\"", "kind \"SC\"", "expected LO, UP"]),
        ("mps", bounds(" UP b x five\n"), &["line 12, column \"x\"", "\"five\"", "a number"]),
        ("mps", bounds(" UP b x NaN\n"), &["line 12, column \"x\"", "\"NaN\"", "finite"]),
        ("mps", bounds(" LO b x inf\n"), &["line 12, column \"x\"", "\"inf\"", "finite"]),
        ("mps", bounds(" UP b x\n"), &["line 12, column \"x\"", "found no value", "after UP"]),
        ("mps", bounds(" UP\n"), &["line 12", "found \"UP\"", "a bound"]),
        ("mps", bounds(" UP b x 5\n UP c y 5\n"), &["line 13", "second set of bounds, \"c\"", "only \"b\""]),
        ("xyz", rows(""), &["unknown suffix", ".xyz", ".mps or .ine"]),
    ];
    check(&cases, |path| message(read_polytope(path)));
}

#[test]
fn h_representations() {
    let all = |text: &str| text.as_bytes().to_vec();
    let text = |rest: &str| format!("t\nH-representation\n{rest}").into_bytes();
    let body = |rest: &str| format!("t\nH-representation\nbegin\n2 3 rational\n{rest}").into_bytes();
    let cases: Vec<Case<'_>> = vec![
        ("ine", all(""), &["the file is empty"]),
        ("ine", all("t\n"), &["line 2", "end of the file", "expected begin"]),
        ("ine", all("begin\n"), &["line 2", "end of the file", "line of sizes"]),
        ("ine", all("linearity 1 2\nbegin\n1 2 real\n"), &["line 1", "\"linearity\" for rows \"2\""]),
        ("ine", all("V-representation\nbegin\n"), &["line 1", "\"V-representation\"", "expected H-representation"]),
        ("ine", text(""), &["line 3", "end of the file", "expected begin"]),
        ("ine", text("begin\n"), &["line 4", "end of the file", "line of sizes"]),
        ("ine", text("linearity 2 1 4\nbegin\n"), &["line 3", "\"linearity\" for rows \"1 4\"", "not supported yet"]),
        ("ine", text("linearity\nbegin\n"), &["line 3: found \"linearity\": equality form is not supported yet"]),
        ("ine", text("nonnegative\nbegin\n"), &["line 3", "\"nonnegative\"", "x ≥ 0 as rows"]),
        ("ine", text("begin\n2 rational\n"), &["line 4", "\"2 rational\"", "number of rows"]),
        ("ine", text("begin\n2 3 complex\n"), &["line 4", "\"2 3 complex\"", "real, rational or integer"]),
        ("ine", text("begin\n***** 3 real\n"), &["line 5", "end of the file", "line of sizes"]),
        ("ine", text("begin\n-2 3 real\n"), &["line 4", "\"-2 3 real\"", "number of rows"]),
        ("ine", text("begin\n0 3 real\nend\n"), &["line 4", "found 0 rows", "at least 1 row"]),
        ("ine", text("begin\n2 1 real\n"), &["line 4", "rows of 1 numbers", "2 numbers"]),
        ("ine", text("begin\n99999999999999 3 real\n1 2 3\nend\n"), &["line 6", "after 1 rows", "99999999999999 rows"]),
        (
            "ine",
            text("begin\n2 4294967296 real\n1 2\nend\n"),
            &["line 6", "0 rows and 2 numbers of the next", "2 rows"],
        ),
        ("ine", text("begin\n2 99999999999 real\n1 2\nend\n"), &["line 4", "99999999998 columns", "4294967295"]),
        ("ine", text("begin\n99999999999999999999 3 real\n"), &["line 4", "99999999999999999999", "number of rows"]),
        ("ine", body("1 2 3\n"), &["line 6", "end of the file after 1 rows", "2 rows and end as line 4"]),
        ("ine", body("1 2 3\n4 5 6\n"), &["line 7", "end of the file after 2 rows", "and end"]),
        (
            "ine",
            body("1 2 3\nend\n"),
            &["line 6", "end after 1 rows", "expected 2 rows of 3 numbers as line 4 promises"],
        ),
        (
            "ine",
            body("1 2 3\n4 5 6\n7 8 9\nend\n"),
            &["line 7", "\"7\"", "expected end after 2 rows of 3 numbers", "line 4"],
        ),
        ("ine", body("1 2\n4 5 6\nend\n"), &["line 7", "1 rows and 2 numbers of the next", "2 rows of 3 numbers"]),
        ("ine", body("1 2 3\n4 5\nend\n"), &["line 7", "1 rows and 2 numbers of the next", "expected 2 rows"]),
        ("ine", body("1 x 3\n"), &["line 5, row 1, number 2", "\"x\"", "a number"]),
        ("ine", body("1 2 3\n4\n5 NaN\n"), &["line 7, row 2, number 3", "\"NaN\"", "finite"]),
        ("ine", body("1 2 inf\n"), &["line 5, row 1, number 3", "\"inf\"", "finite"]),
        ("ine", body("1 2/0 3\n"), &["line 5, row 1, number 2", "\"2/0\"", "q above 0"]),
        ("ine", body("1 2/-3 3\n"), &["line 5, row 1, number 2", "\"2/-3\"", "q above 0"]),
        ("ine", body("1 2/ 3\n"), &["line 5, row 1, number 2", "\"2/\"", "p/q"]),
        ("ine", body("1 0.5/2 3\n"), &["line 5, row 1, number 2", "\"0.5/2\"", "two integers"]),
        (
            "ine",
            body(&format!("1 {}/3 3\n", "9".repeat(400))),
            &["line 5, row 1, number 2", "beyond the largest double"],
        ),
        ("ine", text("begin\n1 2 integer\n1 2.5\nend\n"), &["line 5, row 1, number 2", "\"2.5\"", "an integer"]),
        ("ine", text("begin\n1 2 real\n1 1/2\nend\n"), &["line 5, row 1, number 2", "\"1/2\"", "a number"]),
        ("ine", body("1 2 3\n4 5 6\nend\nlinearity 1 2\n"), &["line 8", "for rows \"2\"", "not supported yet"]),
        (
            "ine",
            body(&format!("1 {}/3 3\n", "9".repeat(20_001))),
            &["line 5, row 1, number 2", "20001 digits", "at most 20000"],
        ),
        ("ine", body("-1 0 0\n4 5 6\nend\n"), &["row \"1\"", "0 ≥ 1.0", "no point satisfies"]),
        ("ine", [body("1 2 "), b"\xff\n".to_vec()].concat(), &["line 5", "UTF-8"]),
    ];
    check(&cases, |path| message(read_polytope(path)));
}
