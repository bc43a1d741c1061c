//! The demo: what it says holds, and the files it leaves hold it too.

use crate::desk::{Desk, relative_distance};
use std::time::Instant;

#[test]
fn the_story_fits_a_screen() {
    let clock = Instant::now();
    let ran = Desk::new().run("demo").expect(0);
    assert!(clock.elapsed().as_secs_f64() < 10.0, "2 s in a release build");
    assert!(ran.out.lines().count() <= 45);
    for words in ["hidden", "released", "recovered", "proven", "passes", "guess"] {
        assert!(ran.out.contains(words), "{words} in\n{}", ran.out);
    }
    assert_eq!(ran.err, "");
}

#[test]
fn its_files_hold_what_it_says() {
    let desk = Desk::new();
    let report = desk.run("demo --json --out kept").expect(0).json();
    assert_eq!((report["schema"].as_u64(), report["command"].as_str()), (Some(1), Some("demo")));
    let cases = report["cases"].as_array().unwrap();
    assert!(cases.len() >= 2);
    for case in cases {
        let name = case["name"].as_str().unwrap();
        let file = |role: &str| format!("kept/{}", case["files"][role].as_str().unwrap());
        let evaluate = format!("gradient --matrix {} --offset {}", file("matrix"), file("offset"));
        let gradient = desk.run(&format!("{evaluate} --point {}", file("recovered"))).expect(0).numbers();
        let target = desk.numbers(&file("target"));
        assert!(case["certificate"]["euclidean"].as_f64().unwrap() < 1e-6, "{name}");
        if case["files"]["hidden"].is_string() {
            let hidden = desk.numbers(&file("hidden"));
            let released = desk.run(&format!("{evaluate} --point {}", file("hidden"))).expect(0).numbers();
            assert!(relative_distance(&released, &target) < 1e-11, "{name}");
            assert!(relative_distance(&gradient, &target) < 1e-8, "{name}");
            let error = relative_distance(&desk.numbers(&file("recovered")), &hidden);
            assert_eq!(error, case["relative_error"].as_f64().unwrap(), "{name}");
            assert!(error < 1e-10, "{name}: {error:e}");
        } else {
            assert!(case["relative_error"].is_null() && target.iter().all(|c| *c == 0.0), "{name}");
            assert!(gradient.iter().all(|g| g.abs() < 1e-10), "{name}: {gradient:?}");
        }
    }
    let without = desk.run("demo --json").expect(0).json();
    assert_eq!(without["cases"][0]["files"], serde_json::json!({}));
}

#[test]
fn a_folder_that_cannot_be_made_is_an_error() {
    let desk = Desk::new();
    desk.text("file", "");
    assert!(desk.run("demo --out file/kept").expect(2).err.contains("cannot be made a directory"));
    // Two cases that one folder stands for would lose what the first wrote.
    #[cfg(unix)]
    {
        std::fs::create_dir_all(desk.path("linked/polytope-centre")).unwrap();
        std::os::unix::fs::symlink("polytope-centre", desk.path("linked/stackloss-ridge")).unwrap();
        let refused = desk.run("demo --out linked").expect(2).err;
        assert!(refused.contains("--out") && refused.contains("is the file of --out"), "{refused}");
        assert_eq!(std::fs::read_dir(desk.path("linked/polytope-centre")).unwrap().count(), 0);
    }
}
