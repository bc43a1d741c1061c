//! A folder of its own for every test, and the program run in it.

use serde_json::Value;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use tempfile::TempDir;
use unhat_io::{read_vector, write_matrix_npy, write_vector};
use unhat_testkit::generate::Polytope;

/// The program under test.
pub const UNHAT: &str = env!("CARGO_BIN_EXE_unhat");

/// A temporary folder in which the program runs.
pub struct Desk(TempDir);

/// How a call ended.
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Desk {
    pub fn new() -> Desk {
        Desk(tempfile::tempdir().unwrap())
    }

    /// A desk with a polytope on it: a.npy, b.npy, the gradient at its hidden point as c.npy.
    pub fn with_polytope(polytope: &Polytope) -> Desk {
        let desk = Desk::new();
        desk.matrix("a.npy", &polytope.a, polytope.d);
        desk.vector("b.npy", &polytope.b);
        desk.vector("hidden.npy", &polytope.hidden);
        desk.run("gradient --matrix a.npy --offset b.npy --point hidden.npy -o c.npy").expect(0);
        desk
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn text(&self, name: &str, content: &str) -> &Self {
        self.bytes(name, content.as_bytes())
    }

    pub fn bytes(&self, name: &str, content: &[u8]) -> &Self {
        std::fs::write(self.path(name), content).unwrap();
        self
    }

    pub fn matrix(&self, name: &str, values: &[f64], columns: usize) -> &Self {
        write_matrix_npy(self.path(name).to_str().unwrap(), values, columns).unwrap();
        self
    }

    pub fn vector(&self, name: &str, values: &[f64]) -> &Self {
        write_vector(self.path(name).to_str().unwrap(), "value", None, values).unwrap();
        self
    }

    pub fn numbers(&self, name: &str) -> Vec<f64> {
        read_vector(self.path(name).to_str().unwrap(), "vector").unwrap()
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// The names on the desk, hidden ones included.
    pub fn names(&self) -> BTreeSet<String> {
        let entries = std::fs::read_dir(self.0.path()).unwrap();
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
    }

    /// The program, ready to run with the words of `line`.
    pub fn command(&self, line: &str) -> Command {
        let mut command = Command::new(UNHAT);
        command.args(line.split_whitespace()).current_dir(self.0.path()).stdin(Stdio::null());
        command
    }

    pub fn run(&self, line: &str) -> Ran {
        Ran::of(self.command(line))
    }
}

impl Ran {
    pub fn of(mut command: Command) -> Ran {
        let output = command.output().unwrap();
        Ran {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Fails unless the program ended with this exit code.
    pub fn expect(self, code: i32) -> Ran {
        assert_eq!(self.code, code, "stdout: {}\nstderr: {}", self.out, self.err);
        assert!(!self.err.contains("panicked"), "{}", self.err);
        self
    }

    /// Standard output as one JSON object on one line.
    pub fn json(&self) -> Value {
        assert_eq!(self.out.matches('\n').count(), 1, "one line: {}", self.out);
        serde_json::from_str(&self.out).unwrap()
    }

    /// Standard output as numbers, one a line.
    pub fn numbers(&self) -> Vec<f64> {
        self.out.lines().map(|line| line.parse().unwrap()).collect()
    }
}

/// A JSON array of numbers.
pub fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

/// The keys at the top of a line of JSON, in their order.
pub fn keys_in_order(line: &str) -> Vec<String> {
    let object: Value = serde_json::from_str(line).unwrap();
    let mut keys: Vec<(usize, String)> = object
        .as_object()
        .unwrap()
        .keys()
        .map(|key| (line.find(&format!("\"{key}\":")).unwrap(), key.clone()))
        .collect();
    keys.sort();
    keys.into_iter().map(|(_, key)| key).collect()
}

pub fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|v| v.to_bits()).collect()
}

/// ‖v − w‖ / ‖w‖.
pub fn relative_distance(v: &[f64], w: &[f64]) -> f64 {
    let norm = |v: &mut dyn Iterator<Item = f64>| v.map(|x| x * x).sum::<f64>().sqrt();
    assert_eq!(v.len(), w.len());
    norm(&mut v.iter().zip(w).map(|(a, b)| a - b)) / norm(&mut w.iter().copied())
}
