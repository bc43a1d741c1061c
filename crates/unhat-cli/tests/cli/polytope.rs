//! `--polytope`: polytopes from files that list their inequalities, with the names that those give.

use crate::desk::{Desk, bits, numbers};
use std::path::Path;

/// A desk with polytopes that others use too on it.
fn desk_with(names: &[&str]) -> Desk {
    let desk = Desk::new();
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../unhat-io/tests/data");
    for name in names {
        desk.bytes(name, &std::fs::read(data.join(name)).unwrap());
    }
    desk
}

/// x, y ≥ 0 below x + y ≤ 4, as a linear program and as a matrix.
fn triangle() -> Desk {
    let desk = Desk::new();
    desk.text(
        "triangle.mps",
        "NAME triangle\nROWS\n N cost\n L sum\nCOLUMNS\n x sum 1\n y sum 1 cost 3\nRHS\n RHS sum 4\nENDATA\n",
    );
    desk.text("a.csv", "-1,-1\n1,0\n0,1\n").text("b.txt", "-4 0 0").text("x.txt", "0.5 2.5");
    desk
}

#[test]
fn the_cube_has_its_centre_at_the_origin() {
    let desk = desk_with(&["cube10.ine"]);
    desk.text("off.txt", "0.9 0.5 0 -0.3 0.1 0.2 -0.95 0 0 0.7");
    let x = desk.run("centre --polytope cube10.ine").expect(0).numbers();
    assert!(x.len() == 10 && x.iter().all(|x| *x == 0.0));
    let x = desk.run("centre --polytope cube10.ine --start off.txt").expect(0).numbers();
    assert!(x.iter().all(|x| x.abs() < 1e-12), "{x:?}");
}

/// The feasible set of israel is unbounded, so it has no centre; the direction proves it.
#[test]
fn an_unbounded_polytope_is_refused_with_the_direction_that_proves_it() {
    let desk = desk_with(&["israel.mps"]);
    let ran = desk.run("centre --polytope israel.mps --json").expect(2);
    assert!(ran.err.contains("cannot be reached") && ran.err.contains("h by name, largest first: "), "{}", ran.err);
    assert!(ran.err.contains("note: left out the objective"), "{}", ran.err);
    let error = &ran.json()["error"];
    assert_eq!(error["kind"], "unattainable");
    let h = numbers(&error["direction"]);
    assert_eq!(h.len(), 142);
    assert!(h.iter().all(|h| *h >= -1e-9), "every variable is bounded below");
    assert!(h.iter().any(|h| h.abs() == 1.0));
}

#[test]
fn an_infeasible_program_names_the_rows_that_contradict_each_other() {
    let desk = desk_with(&["klein1.mps"]);
    let ran = desk.run("centre --polytope klein1.mps --json").expect(2);
    assert!(ran.err.contains("the chosen cell is empty") && ran.err.contains("by name: c1, c2"), "{}", ran.err);
    let error = &ran.json()["error"];
    assert_eq!(error["kind"], "empty_cell");
    let names = error["row_names"].as_array().unwrap();
    assert_eq!(names.len(), error["rows"].as_array().unwrap().len());
    assert!(names.iter().any(|name| name.as_str().unwrap().starts_with("lower bound of x")), "{names:?}");
}

#[test]
fn a_polytope_is_its_matrix_and_offset() {
    let desk = triangle();
    for command in ["scores --point x.txt", "gradient --point x.txt", "centre", "centre --solver surrogate"] {
        let own = desk.run(&format!("{command} --polytope triangle.mps")).expect(0).numbers();
        let same = desk.run(&format!("{command} --matrix a.csv --offset b.txt")).expect(0).numbers();
        let close = own.iter().zip(&same).all(|(p, q)| (p - q).abs() < 1e-12);
        assert!(close && own.len() == same.len(), "{command}: {own:?} {same:?}");
    }
    desk.run("gradient --polytope triangle.mps --point x.txt -o g.csv").expect(0);
    for more in ["", "--solver surrogate", "--start x.txt"] {
        let x = desk.run(&format!("invert gradient --polytope triangle.mps --target g.csv {more}")).expect(0).numbers();
        assert!((x[0] - 0.5).abs() < 1e-10 && (x[1] - 2.5).abs() < 1e-10, "{x:?}");
    }
    let weighted = "invert gradient --polytope triangle.mps --target g.csv --weights 0.5";
    let x = desk.run(weighted).expect(0).numbers();
    assert_eq!(bits(&x), bits(&desk.run(weighted).expect(0).numbers()));
}

#[test]
fn rows_keep_their_names_in_results_and_errors() {
    let desk = triangle();
    desk.run("scores --polytope triangle.mps --point x.txt -o s.csv").expect(0);
    let table = desk.read("s.csv");
    let names: Vec<&str> = table.lines().skip(1).map(|line| line.split(',').next().unwrap()).collect();
    assert_eq!(names, ["sum", "lower bound of x", "lower bound of y"]);
    desk.text("edge.txt", "0 1");
    let ran = desk.run("gradient --polytope triangle.mps --point edge.txt").expect(2);
    assert!(ran.err.contains("row 2 has slack 0") && ran.err.contains("by name: lower bound of x"), "{}", ran.err);
    // The rows of a table have names too.
    desk.text("named.csv", ",x,y\nupper,-1,-1\nleft,1,0\nfloor,0,1\n");
    let ran = desk.run("gradient --matrix named.csv --offset b.txt --point edge.txt --json").expect(2);
    assert!(ran.err.contains("by name: left"), "{}", ran.err);
    assert_eq!(ran.json()["error"]["row_names"][0], "left");
}
