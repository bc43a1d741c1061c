//! `train` and `predict`: files round, states that resume, endings, and what is refused.

use crate::desk::{Desk, Ran, bits, numbers};
use serde_json::Value;
use unhat_io::read_model;

/// Rows of two classes, with words, a missing cell and names of rows.
fn desk() -> Desk {
    let mut u = vec![0.0; 240];
    unhat::random::uniform_rows_into(5, 1, 0, &mut u);
    let row = |i: usize| {
        let (a, b) = (u[2 * i], u[2 * i + 1]);
        let word = ["gas", "oil", "coal"][i % 3];
        let size = if i == 7 { String::new() } else { format!("{}", 40.0 + 60.0 * a) };
        let class = if a + 0.3 * f64::from(i % 3 == 1) > 0.2 + 0.6 * b { "yes" } else { "no" };
        format!("h{i},{size},{b},{word},{class},{}\n", 3.0 * a - b)
    };
    let table =
        |from: usize, to: usize| format!(",size,age,heat,sold,price\n{}", (from..to).map(row).collect::<String>());
    let desk = Desk::new();
    desk.text("t.csv", &table(0, 90)).text("v.csv", &table(90, 120));
    desk
}

const TRAIN: &str =
    "train t.csv --missing indicator --response sold --model mlp:5 --validation v.csv --batch 16 --epochs 6";

/// The report without what the clock says.
fn timeless(ran: &Ran) -> Value {
    let mut object = ran.json();
    for key in ["seconds", "seconds_per_step", "wall_seconds", "warnings"] {
        object.as_object_mut().unwrap().remove(key);
    }
    for entry in object["history"].as_array_mut().unwrap() {
        entry.as_object_mut().unwrap().remove("seconds");
    }
    object
}

fn weights(desk: &Desk, name: &str) -> Vec<u64> {
    bits(&read_model(desk.path(name).to_str().unwrap()).unwrap().network.flatten())
}

#[test]
fn a_model_is_trained_predicts_and_is_scored() {
    let desk = desk();
    let object = desk.run(&format!("{TRAIN} -o m.safetensors --json")).expect(0).json();
    assert_eq!((&object["status"], &object["optimizer"]), (&"solved".into(), &"fngd-metric".into()));
    assert_eq!((&object["steps"], &object["epochs"]), (&36.into(), &6.into()));
    assert_eq!(object["history"].as_array().unwrap().len(), 7);
    assert_eq!(object["model"]["classes"], serde_json::json!(["no", "yes"]));
    assert!(object["controls"].is_null() && object["diverged"].is_null());

    let line = "predict v.csv --missing indicator --model-file m.safetensors";
    let predicted = desk.run(&format!("{line} --json")).expect(0).json();
    let last = &object["history"][6];
    let near = |a: &Value, b: &Value| assert!((a.as_f64().unwrap() - b.as_f64().unwrap()).abs() < 1e-12, "{a} and {b}");
    near(&predicted["loss"], &last["validation_loss"]);
    near(&predicted["accuracy"], &last["validation_accuracy"]);
    let rows = predicted["predictions"].as_array().unwrap();
    assert_eq!((rows.len(), &rows[0]["row"]), (30, &"h90".into()));
    for row in rows {
        let p = numbers(&row["probabilities"]);
        assert!((p[0] + p[1] - 1.0).abs() < 1e-12);
        assert_eq!(row["prediction"], if p[1] > 0.5 { "yes" } else { "no" });
    }
    desk.run(&format!("{line} -o p.csv")).expect(0);
    let table = desk.read("p.csv");
    let first = format!("h90,{},", rows[0]["prediction"].as_str().unwrap());
    assert!(table.starts_with("row,prediction,p(no),p(yes)\nh90,") && table.contains(&first), "{table}");
    let printed = desk.run(line).expect(0).out;
    let words: Vec<&str> = printed.lines().collect();
    assert!(words.iter().zip(rows).all(|(word, row)| row["prediction"] == *word));

    let scored = desk
        .run("influence t.csv --missing indicator --model-file m.safetensors --validation v.csv --json")
        .expect(0)
        .json();
    assert_eq!((&scored["model"]["name"], &scored["model"]["training_rows"]), (&"mlp:5".into(), &90.into()));
}

#[test]
fn a_table_without_the_response_is_predicted_and_strange_levels_are_named() {
    let desk = desk();
    desk.run(&format!("{TRAIN} -o m.safetensors -q")).expect(0);
    desk.text("new.csv", "age,heat,price,size\n0.5,gas,1,70\n0.2,wood,2,80\n");
    let ran = desk.run("predict new.csv --missing indicator --model-file m.safetensors --json").expect(0);
    let object = ran.json();
    assert_eq!((&object["rows"], &object["accuracy"], &object["loss"]), (&2.into(), &Value::Null, &Value::Null));
    assert!(object["warnings"].to_string().contains("wood") && ran.err.contains("wood"));
    desk.text("short.csv", "age,heat,price\n0.5,gas,1\n");
    let refused = desk.run("predict short.csv --missing indicator --model-file m.safetensors").expect(2);
    assert!(refused.err.contains("there is no column \"size\""), "{}", refused.err);
    desk.text("odd.csv", "age,heat,price,size,sold\n0.5,gas,1,70,maybe\n");
    let odd = desk.run("predict odd.csv --missing indicator --model-file m.safetensors --json").expect(0).json();
    assert!(odd["warnings"].to_string().contains("maybe") && odd["accuracy"].is_null());
    desk.run("predict new.csv --missing indicator --model-file t.csv").expect(2);
}

#[test]
fn numbers_are_predicted_in_their_units() {
    let desk = desk();
    let line = "train t.csv --missing indicator --response price --model linear --epochs 60 --batch 30 --lr auto -o m.safetensors --json";
    let object = desk.run(line).expect(0).json();
    let trials = object["range_test"].as_array().unwrap();
    assert!(trials.iter().any(|t| t["learning_rate"] == object["learning_rate"]));
    let values = desk.run("predict v.csv --missing indicator --model-file m.safetensors").expect(0).numbers();
    let exact: Vec<f64> =
        desk.read("v.csv").lines().skip(1).map(|l| l.rsplit(',').next().unwrap().parse().unwrap()).collect();
    let worst = values.iter().zip(&exact).map(|(v, e)| (v - e).abs()).fold(0.0, f64::max);
    assert!(worst < 0.35, "off by {worst} on prices of −1 to 3");
}

/// Killed or interrupted, the training goes on to the same bits; a finished one leaves no state.
#[cfg(unix)]
#[test]
fn a_killed_and_an_interrupted_training_resume_to_the_same_bits() {
    use std::process::{Command, Stdio};
    let desk = desk();
    let base = "train t.csv --missing indicator --response sold --model mlp:64,64 --validation v.csv --batch 8 --epochs 400 --record-every 5 \
                --optimizer fngd --lr 0.01 --threads 1 --json";
    let whole = desk.run(&format!("{base} -o whole.safetensors")).expect(0);
    let line = format!("{base} --checkpoint run.state -o m.safetensors");
    for (signal, code) in [("-KILL", None), ("-INT", Some(130))] {
        let child = desk.command(&line).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let clock = std::time::Instant::now();
        while !desk.path("run.state").exists() {
            assert!(clock.elapsed().as_secs() < 60, "no state was written");
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
        let ended = child.wait_with_output().unwrap();
        assert_eq!(ended.status.code(), code, "{}", String::from_utf8_lossy(&ended.stderr));
        if code.is_some() {
            let object: Value = serde_json::from_slice(&ended.stdout).unwrap();
            assert_eq!(object["status"], "interrupted");
            assert!(
                weights(&desk, "m.safetensors") != weights(&desk, "whole.safetensors"),
                "the last weights were written"
            );
        }
        assert!(desk.path("run.state").exists());
        let resumed = desk.run(&line).expect(0);
        assert!(resumed.err.contains("resuming after step"), "{}", resumed.err);
        assert_eq!(timeless(&resumed), timeless(&whole));
        assert_eq!(weights(&desk, "m.safetensors"), weights(&desk, "whole.safetensors"));
        assert!(!desk.path("run.state").exists(), "there is nothing left to resume");
    }
}

#[test]
fn a_state_of_another_training_or_of_nothing_is_refused() {
    let desk = desk();
    desk.text("notes.txt", "buy milk");
    let refused = desk.run(&format!("{TRAIN} --checkpoint notes.txt -o m.safetensors")).expect(2);
    assert!(refused.err.contains("no intact checkpoint of a training"), "{}", refused.err);
    assert_eq!(desk.read("notes.txt"), "buy milk");
}

#[test]
fn a_diverged_training_ends_with_one_and_keeps_finite_weights() {
    let desk = desk();
    let line = "train t.csv --missing indicator --response price --model mlp:4 --optimizer sgd --lr 1e9 --no-standardize -o m.safetensors \
                --report r.html --json";
    let ran = desk.run(line).expect(1);
    let object = ran.json();
    assert_eq!(object["status"], "diverged");
    assert!(object["diverged"]["step"].as_u64().unwrap() >= 1);
    let history = object["history"].as_array().unwrap();
    assert!(history[0]["train_loss"].is_number() && history.last().unwrap()["train_loss"].is_null());
    assert!(ran.err.contains("diverged at step") && ran.err.contains("layer"), "{}", ran.err);
    assert!(!ran.out.contains("NaN") && !ran.out.contains("inf"));
    read_model(desk.path("m.safetensors").to_str().unwrap()).unwrap();
    assert!(desk.read("r.html").contains("Diverged."));
}

#[test]
fn patience_ends_early_and_controls_are_printed() {
    let desk = desk();
    let line = "train t.csv --missing indicator --response sold --model mlp:16 --validation v.csv --batch 16 --optimizer adamw --lr 0.1";
    let object = desk.run(&format!("{line} --epochs 200 --patience 4 --json")).expect(0).json();
    let (epochs, kept) = (object["epochs"].as_u64().unwrap(), object["kept"]["epoch"].as_u64().unwrap());
    assert!(epochs < 200 && epochs == kept + 4);
    let losses: Vec<f64> =
        object["history"].as_array().unwrap().iter().map(|e| e["validation_loss"].as_f64().unwrap()).collect();
    assert_eq!(losses.iter().copied().fold(f64::INFINITY, f64::min), losses[kept as usize]);
    let ran = desk.run(&format!("{TRAIN} --optimizer fngd --lr 0.02 --controls --report r.html")).expect(0);
    for words in ["permuted coefficients", "layer mean", "correlation of stored and fresh", "one seed"] {
        assert!(ran.out.contains(words), "{words} in\n{}", ran.out);
    }
    assert!(desk.read("r.html").contains("layer mean"));
}

#[test]
fn what_cannot_be_trained_is_refused_before_anything_is_written() {
    let desk = desk();
    let before = desk.names();
    let cases = [
        ("--model mlp:5 --optimizer adam", "fngd-metric"),
        ("--model mlp:5 --optimizer adamw --momentum 0.5", "--momentum: is an option of"),
        ("--model mlp:5 --optimizer fngd --rank 3", "--rank"),
        ("--model mlp:5 --optimizer ngd --damping 1 --alpha 1", "--damping"),
        ("--model mlp:5 --optimizer sgd --controls", "--controls"),
        ("--model mlp:5 --batch 0", "--batch"),
        ("--model mlp:5 --epochs 0", "--epochs"),
        ("--model mlp:5 --lr -1", "positive"),
        ("--model mlp:5 --lr fast", "auto"),
        ("--model mlp:5 --weight-decay -1", "--weight-decay"),
        ("--model mlp:5 --patience 3", "--patience: needs validation rows"),
        ("--model mlp:5 --validation 1.5", "between 0 and 1"),
        ("--model mlp:5 --schedule steps", "cosine"),
        ("--model mlp:5 --share nothing", "layer_mean"),
        ("--model poisson", "text"),
        ("--model mlp:5 --report r.txt", ".html"),
        ("--model mlp:5 -o m.bin", ".safetensors"),
    ];
    for (words, expected) in cases {
        let output = if words.contains("-o ") { "" } else { "-o m.safetensors" };
        let ran = desk.run(&format!("train t.csv --missing indicator --response sold {words} {output}")).expect(2);
        assert!(ran.err.contains(expected), "{words}: {}", ran.err);
    }
    assert!(desk.run("train t.csv --missing indicator --response rooms --model mlp:5").expect(2).err.contains("rooms"));
    assert_eq!(desk.names(), before, "nothing was written");
}
