//! Help, completions, version, and what the streams are for.

use crate::desk::{Desk, UNHAT};
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

/// Every option of every command stands in its help, and nothing else does.
#[test]
fn help_lists_every_option() {
    let desk = Desk::new();
    let text = "--delimiter --decimal --thousands --header --no-header --row-names --na --missing";
    let table = format!("--matrix --polytope --integer-bounds --columns --response --without --intercept {text}");
    let common = "--seed --threads --memory --json --checkpoint --quiet --verbose --help";
    let solver =
        "--offset --start --signs --upper --solver --scores --tol --max-iter --certify --report --history --output";
    let scores = "--offset --point --ridge --free-intercept --penalise-intercept --case-weights --absorb --absorb-method \
                  --probes --standard-errors --rank --centre --transpose --strict --report --output --formula --factor --interaction --levels \
                  --no-intercept --weights";
    let backward = "--target --target-scale --weights --minima --prove --noise";
    let released = "--offset --target --rows --method --start --signs --upper --noise --tol --max-iter --report --history \
                    --output";
    let errors = "--digits --decimals --widths --noise";
    let hat = "--target --ridge --digits --decimals --widths --noise --tol --max-iter --family --link --trials --offset --theta \
               --coefficients --history --report --output";
    let audit = "--matrix --columns --response --without --intercept --offset --point --release --noise --round --clip --top \
                 --rows --target-error --trials --delta --report --report-detail --family --link --theta --weights \
                 --predictor-offset --hidden";
    let model = "--formula --response --columns --factor --interaction --no-intercept --family --link --weights --trials \
                 --offset --levels";
    let diagnose =
        format!("{model} --rule --loo --one-step --no-dfbeta --dfbeta --top --output --report --plots --safe");
    let outputs = format!(
        "{model} --release --digits --secret --rows --second --second-rows --id --appetite --remedies --report --report-detail \
         --acro"
    );
    let words = "--formula --columns --factor --interaction --levels";
    let study = "--response --model --model-file --validation --test --group --without --penalty --no-standardize --task \
                 --impact --method --v --temperature --damping --ensemble --top --output --report";
    let train = "--response --model --optimizer --batch --epochs --lr --weight-decay --momentum --schedule --share --scope \
                 --refresh --damping --alpha --factor-every --inverse-every --rank --base --validation --patience \
                 --record-every --controls --without --no-standardize --output --report";
    let commands = [
        ("scores", format!("{table} {scores}")),
        ("gradient", format!("{table} --offset --point --output")),
        ("weights lewis", format!("{table} --p --tol --max-iter --output")),
        ("weights d-optimal", format!("{table} --gap --lift --max-iter --output")),
        ("invert gradient", format!("{table} {solver} {backward}")),
        ("invert scores", format!("{table} {released} --digits --decimals --widths")),
        ("invert hat", format!("{table} {hat}")),
        ("invert outcomes", format!("{table} {errors} --target --cook --deviance --pearson --report --output")),
        ("invert column", format!("{table} {errors} --target --magnitudes --report --output")),
        ("centre", format!("{table} {solver}")),
        ("audit", format!("{audit} {text}")),
        ("audit outputs", format!("{outputs} {text}")),
        ("diagnose", format!("{diagnose} {text}")),
        ("influence", format!("{study} {words} {text}")),
        ("influence check", format!("{study} {words} {text}")),
        ("influence trim", format!("{study} {words} {text} --fraction --truth")),
        ("train", format!("{train} {words} {text}")),
        ("predict", format!("--model-file --output {text}")),
        ("demo", "--out".to_string()),
    ];
    for (command, own) in commands {
        let help = desk.run(&format!("{command} --help")).expect(0).out;
        // An option stands at the beginning of a line, what is said of it farther to the right.
        let lines = help.lines().filter(|line| line.len() - line.trim_start().len() <= 6);
        // Of an option whose value may be left out, `--safe[=<COUNT>]`, the name.
        let named = |line: &str| {
            let word = line.split_whitespace().take(2).find(|word| word.starts_with("--"))?;
            Some(word.split('[').next().unwrap_or(word).to_string())
        };
        let found: BTreeSet<String> =
            lines.filter(|line| line.trim_start().starts_with('-')).filter_map(named).collect();
        let expected: BTreeSet<String> = own.split_whitespace().chain(common.split(' ')).map(str::to_string).collect();
        assert_eq!(found, expected, "{command}\n{help}");
    }
    let help = desk.run("centre --help").out;
    for solver in ["auto", "exact", "cg", "coreset", "surrogate"] {
        let explained = |line: &str| line.trim_start().starts_with(&format!("- {solver}:"));
        assert!(help.lines().any(explained), "{solver}: {help}");
    }
    assert!(!help.contains("--weights"));
}

#[test]
fn the_first_help_shows_an_example_and_the_exit_codes() {
    let desk = Desk::new();
    let help = desk.run("--help").expect(0).out;
    for words in ["unhat invert gradient --matrix", "unhat demo", "130", "center"] {
        assert!(help.contains(words), "{words} in\n{help}");
    }
    assert_eq!(desk.run("--version").expect(0).out, format!("unhat {}\n", env!("CARGO_PKG_VERSION")));
    assert!(desk.run("").expect(2).err.contains("Usage"));
    assert!(desk.run("invert").expect(2).err.contains("gradient"));
}

#[test]
fn every_shell_has_completions() {
    let desk = Desk::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = desk.run(&format!("completions {shell}")).expect(0).out;
        assert!(script.contains("target-scale"), "{shell}");
    }
    desk.run("completions cmd").expect(2);
}

/// `unhat scores … | head -1`: not all of the answer has arrived, which pipefail shows.
#[test]
fn a_reader_that_stops_reading_has_not_got_the_answer() {
    let desk = Desk::new();
    let tall: Vec<f64> = (0..60_000_u64).map(|i| ((i * i) % 97) as f64).collect();
    desk.matrix("a.npy", &tall, 2);
    let mut child = Command::new(UNHAT)
        .args(["scores", "--matrix", "a.npy", "--quiet"])
        .current_dir(desk.path(""))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    BufReader::with_capacity(64, child.stdout.take().unwrap()).read_line(&mut first).unwrap();
    let ended = child.wait_with_output().unwrap();
    assert!(first.trim().parse::<f64>().is_ok());
    let said = String::from_utf8(ended.stderr).unwrap();
    assert!(said.contains("standard output: was closed before everything was written"), "{said}");
    assert_eq!(ended.status.code(), Some(2));
}

#[test]
fn quiet_leaves_warnings_and_verbose_adds_the_history() {
    let desk = Desk::new();
    desk.text("a.csv", "x,name,y\n1,a,1\n2,b,4\n4,c,9\n");
    let loud = desk.run("scores --matrix a.csv -o s.csv").expect(0);
    assert!(loud.err.contains("name") && loud.err.contains("digits"), "{}", loud.err);
    assert_eq!(loud.out, "");
    assert_eq!(desk.run("scores --matrix a.csv -o s.csv --quiet").expect(0).err, "");
    desk.text("b.txt", "-1 -1 -1 -1").text("square.csv", "1,0\n-1,0\n0,1\n0,-1\n").text("x.txt", "0.3 0.2");
    let verbose = desk.run("centre --matrix square.csv --offset b.txt --start x.txt -v").expect(0);
    assert!(verbose.err.contains("iteration") && verbose.err.contains("decrement"), "{}", verbose.err);
    assert!(verbose.err.contains("proven: within"), "{}", verbose.err);
    desk.text("twice.csv", "1,1\n2,2\n3,3\n");
    let warned = desk.run("scores --matrix twice.csv --quiet").expect(0);
    assert!(warned.err.starts_with("warning: ") && warned.err.contains("rank 1"), "{}", warned.err);
    let noted = desk.run("scores --matrix a.csv --checkpoint k.json").expect(0);
    assert!(noted.err.contains("--checkpoint has no effect"));
}
