//! `audit outputs`: verdicts and exit codes, what a page to share holds, a second fit, the folder of ACRO, refusals.

use crate::desk::Desk;
use serde_json::Value;

/// 60 rows of two regions; the person of row 18 lives alone in a third.
fn table() -> String {
    let mut text = String::from("income,age,region,person\n");
    for i in 0..60 {
        let wave = (f64::from(i) * 0.9).sin();
        let region = if i == 17 { "island" } else { ["north", "south"][i as usize % 2] };
        text += &format!("{:.4},{},{region},{}\n", 9.0 + 0.02 * f64::from(i % 31) + wave, 20 + i % 31, i / 12);
    }
    text
}

const HONEST: &str = "audit outputs t.csv --formula income~age";
const ISLAND: &str = "audit outputs t.csv --formula income~age+region";

fn desk() -> Desk {
    let desk = Desk::new();
    desk.text("t.csv", &table());
    desk
}

#[test]
fn an_honest_fit_passes_with_0_and_a_region_of_one_person_fails_with_4() {
    let desk = desk();
    let honest = desk.run(HONEST);
    assert_eq!(honest.code, 0, "{}{}", honest.out, honest.err);
    assert!(honest.out.starts_with("PASS: Release."), "{}", honest.out);
    let island = desk.run(&format!("{ISLAND} --remedies"));
    assert_eq!(island.code, 4, "{}{}", island.out, island.err);
    assert!(island.out.contains("regionnorth") || island.out.contains("rows 18"), "{}", island.out);
    assert!(island.out.contains("tried: "), "{}", island.out);
}

#[test]
fn the_object_names_the_row_and_the_one_to_share_does_not() {
    let desk = desk();
    let full = desk.run(&format!("{ISLAND} --json"));
    let object: Value = serde_json::from_str(&full.out).unwrap();
    assert_eq!((object["verdict"].as_str(), object["schema"].as_str()), (Some("fail"), Some("unhat.outputs/1")));
    let findings = object["findings"].as_array().unwrap();
    let own = findings.iter().find(|f| f["attack"] == "own share of a fitted value").unwrap();
    assert_eq!(own["rows"][0], "18");
    assert!((own["value"].as_f64().unwrap() - 1.0).abs() < 1e-9);
    let share = desk.run(&format!("{ISLAND} --json --report-detail share"));
    let object: Value = serde_json::from_str(&share.out).unwrap();
    for finding in object["findings"].as_array().unwrap() {
        assert_eq!((finding["rows"].as_array().unwrap().len(), finding["detail"].as_str()), (0, Some("")), "{finding}");
    }
    assert_eq!(object["tool"]["command"], "unhat audit outputs");
}

#[test]
fn a_second_fit_with_one_row_fewer_fails_and_reads_an_earlier_check() {
    let desk = desk();
    let rows: Vec<String> = (1..=60).filter(|i| *i != 30).map(|i| i.to_string()).collect();
    desk.text("rows.txt", &(rows.join("\n") + "\n"));
    let second = desk.run(&format!("{HONEST} --second-rows rows.txt"));
    assert_eq!(second.code, 4, "{}{}", second.out, second.err);
    assert!(second.out.contains("row 30: the difference says"), "{}", second.out);
    let earlier = desk.run(&format!("{HONEST} --rows rows.txt --json"));
    assert_eq!(earlier.code, 0, "{}", earlier.err);
    desk.text("earlier.json", &earlier.out);
    let again = desk.run(&format!("{HONEST} --second earlier.json"));
    assert_eq!(
        (again.code, again.out.contains("row 30: the difference says")),
        (4, true),
        "{}{}",
        again.out,
        again.err
    );
}

#[test]
fn rows_of_one_person_count_as_one() {
    let desk = desk();
    let alone = desk.run(HONEST);
    let together = desk.run(&format!("{HONEST} --id person"));
    // Five people are fewer than ten.
    assert_eq!((alone.code, together.code), (0, 3), "{}{}", together.out, together.err);
    assert!(together.out.contains("5 people apart"), "{}", together.out);
}

#[test]
fn the_folder_of_acro_is_whole_and_a_taken_one_is_refused() {
    let desk = desk();
    let ran = desk.run(&format!("{HONEST} --acro folder"));
    assert_eq!(ran.code, 0, "{}", ran.err);
    let results: Value = serde_json::from_str(&desk.read("folder/results.json")).unwrap();
    assert_eq!(results["results"]["unhat_output_0"]["status"], "pass");
    assert_eq!(desk.read("folder/checksums/findings.csv.txt").len(), 64);
    let plots = desk.run(&format!("{HONEST} --release coefficients,plot,binned_plot --acro plots --report page.html"));
    assert_eq!(plots.code, 4, "{}", plots.err); // a point a row is read
    let results: Value = serde_json::from_str(&desk.read("plots/results.json")).unwrap();
    let files = results["results"]["unhat_output_0"]["files"].as_array().unwrap();
    let names: Vec<&str> = files.iter().map(|file| file["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["findings.csv", "plot.png", "binned_plot.png", "binned_plot.csv"]);
    assert_eq!(files[1]["sdc"]["summary"]["reading the point"], "fail");
    assert_eq!(files[3]["sdc"]["summary"]["reading the bin"], "pass");
    for name in names {
        let file = std::fs::read(desk.path(&format!("plots/{name}"))).unwrap();
        assert!(!name.ends_with("png") || file.starts_with(b"\x89PNG"));
        assert_eq!(desk.read(&format!("plots/checksums/{name}.txt")), unhat_io::hash_of(&file));
    }
    let table = desk.read("plots/binned_plot.csv");
    assert!(
        table.lines().skip(1).all(|line| line.rsplit(',').next().unwrap().parse::<u64>().unwrap() >= 10),
        "{table}"
    );
    assert!(desk.read("page.html").contains("Plots to be released"));
    // Whoever asked for the release sees no point of a row.
    desk.run(&format!("{HONEST} --release plot,binned_plot --acro shared --report-detail share"));
    assert!(!desk.path("shared/plot.png").exists() && desk.path("shared/binned_plot.png").exists());
    let again = desk.run(&format!("{HONEST} --acro folder"));
    assert_eq!(again.code, 2);
    assert!(again.err.contains("folder that holds something"), "{}", again.err);
}

#[test]
fn what_cannot_be_checked_is_refused_by_name() {
    let desk = desk();
    desk.text("loose.json", "{\"minimum_count\": 0}");
    desk.text("odd.json", "{\"minimal_count\": 3}");
    for (words, expected) in [
        ("--secret weight", "weight"),
        ("--secret person", "not among the columns of the fit"),
        ("--secret income", "is the response"),
        ("--id who", "who"),
        ("--release coefficients,everything", "everything"),
        ("--appetite loose.json", "counts of 0"),
        ("--appetite odd.json", "minimal_count"),
        ("--digits 0", "expected 1 to 17"),
        ("--missing exclude", "expected omit or error"),
        ("--second odd.json", "is no check of outputs"),
    ] {
        let ran = desk.run(&format!("{HONEST} {words}"));
        assert_eq!(ran.code, 2, "{words}: {}{}", ran.out, ran.err);
        assert!(ran.err.contains(expected), "{words}: {}", ran.err);
        assert!(ran.out.is_empty(), "{words}: {}", ran.out);
    }
}
