"""All diagnostics of a linear fit: unhat, R's `influence.measures`, statsmodels' `summary_frame`, in turns.

    python bench/diagnose_vs_peers.py [--rounds 5] [--small] > bench/record/diagnose_vs_peers.json

Needs NumPy, pandas, statsmodels, and `Rscript` (Debian: r-base-core). Times are processor seconds on one thread. For unhat they are
those of the whole process, from the CSV file to the last number of the last coefficient's change in a file; for R and statsmodels
those of fit and diagnostics alone, the table being read already. A peer is left out where it took more than a quarter of a minute at a
smaller size.
"""

import argparse
import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from machine import settle_environment

settle_environment(1)
import numpy as np
import pandas as pd

UNHAT = os.environ.get("UNHAT", str(pathlib.Path(__file__).resolve().parents[1] / "target/release/unhat"))
LIMIT = 15.0

R = """
words <- commandArgs(TRUE)
size <- as.integer(words[2:3])
table <- as.data.frame(matrix(readBin(words[1], "double", prod(size)), size[1], size[2]))
names(table) <- c(paste0("x", seq_len(size[2] - 1)), "y")
spent <- system.time({ fit <- lm(y ~ ., table); found <- influence.measures(fit) })
cat(sprintf("%.3f %.17g\\n", sum(spent[1:2]), max(cooks.distance(fit))))
"""

STATSMODELS = """
import sys, time, warnings
import numpy as np, statsmodels.api as sm
warnings.filterwarnings("ignore")
size = [int(word) for word in sys.argv[2:4]]
table = np.fromfile(sys.argv[1]).reshape(size[::-1]).T
y, x = table[:, -1], sm.add_constant(table[:, :-1])
before = time.process_time()
frame = sm.OLS(y, x).fit().get_influence().summary_frame()
print(time.process_time() - before, frame["cooks_d"].max())
"""


def table(n, d, path):
    rng = np.random.default_rng(18)
    x = rng.normal(size=(n, d))
    frame = pd.DataFrame(x, columns=[f"x{k}" for k in range(d)])
    frame["y"] = x @ (1 / (1 + np.arange(d))) + rng.normal(size=n)
    frame.to_csv(path, index=False)
    frame.to_numpy().T.tofile(path.with_suffix(".bin"))


def unhat(path, folder):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    out = pathlib.Path(folder, "out.npy")
    command = [UNHAT, "diagnose", str(path), "--formula", "y ~ .", "-o", str(out), "--threads", "1", "--json", "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return spent, json.loads(done.stdout)["most_influential"][0]["cooks"]


def of_peer(command, path, size):
    try:
        done = subprocess.run([*command, str(path.with_suffix(".bin")), *size], capture_output=True, text=True, timeout=60 * LIMIT)
    except subprocess.TimeoutExpired:
        return None, None
    if done.returncode:
        print(done.stderr, file=sys.stderr)
        return None, None
    spent, cooks = done.stdout.split()
    return float(spent), float(cooks)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--small", action="store_true", help="seconds, to see that it works")
    args = parser.parse_args()
    sizes = [(500, 5), (1000, 10)] if args.small else [(1000, 10), (5000, 20), (20000, 20), (50000, 50), (200000, 50)]
    gone, record = set(), []
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "table.csv")
        scripts = {"R": pathlib.Path(folder, "peer.R"), "statsmodels": pathlib.Path(folder, "peer.py")}
        scripts["R"].write_text(R)
        scripts["statsmodels"].write_text(STATSMODELS)
        peers = {"R": ["Rscript", str(scripts["R"])], "statsmodels": [sys.executable, str(scripts["statsmodels"])]}
        for n, d in sizes:
            table(n, d, path)
            spent = {name: [] for name in ("unhat", *peers)}
            for turn in range(args.rounds):
                names = [name for name in spent if name not in gone]
                answers = {}
                for name in names if turn % 2 == 0 else reversed(names):
                    if turn and spent[name] and spent[name][0] > 20:
                        continue  # one turn says enough
                    seconds, answers[name] = unhat(path, folder) if name == "unhat" else of_peer(peers[name], path, (str(n), str(d + 1)))
                    if seconds is None:
                        gone.add(name)
                    else:
                        spent[name].append(seconds)
                for name, cooks in answers.items():
                    if cooks is not None and "unhat" in answers:
                        assert abs(cooks - answers["unhat"]) < 1e-8 * cooks, (name, cooks, answers)
            least = {name: min(values) for name, values in spent.items() if values}
            gone |= {name for name, seconds in least.items() if seconds > LIMIT}
            line = {"rows": n, "columns": d + 1, "processor_seconds": spent, "least": least}
            line["times_unhat"] = {name: seconds / least["unhat"] for name, seconds in least.items() if name != "unhat"}
            record.append(line)
            print(json.dumps({k: line[k] for k in ("rows", "columns", "least", "times_unhat")}), file=sys.stderr, flush=True)
    json.dump(record, sys.stdout, indent=1)
    print()


main()
