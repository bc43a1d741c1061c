"""Lewis weights and D-optimal designs on one thread, file to file: passes, products, seconds and certificates.

    cargo build --release -p unhat-cli
    python3 bench/weights.py > bench/record/weights-DATE.jsonl

Normal rows, rows times Student t with two degrees of freedom (heavy), and columns nearly equal (condition 10⁷ to 10⁸).
"""

import array
import json
import os
import random
import struct
import subprocess
import sys
import tempfile

PROGRAM = os.environ.get("UNHAT", "target/release/unhat")
RUNS = [f"lewis --p {p}" for p in (1, 3, 4, 8, 32)] + ["d-optimal"]


def matrix(n, d, kind, path):
    draw = random.Random(1)
    values = array.array("d")
    for _ in range(n):
        row = [draw.gauss(0, 1) for _ in range(d)]
        if kind == "heavy":
            t = draw.gauss(0, 1) / draw.expovariate(1) ** 0.5
            row = [t * v for v in row]
        if kind == "condition":  # each column is a millionth of its own beside the first
            row = [row[0]] + [row[0] + 1e-6 * v for v in row[1:]]
        values.extend(row)
    head = f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({n}, {d}), }}"
    head += " " * (-(len(head) + 11) % 64) + "\n"
    with open(path, "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode() + values.tobytes())


with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "a.npy")
    for n, d in ((2000, 20), (20000, 100)):
        for kind in ("normal", "heavy", "condition"):
            matrix(n, d, kind, path)
            for run in RUNS:
                line = [PROGRAM, "weights", *run.split(), "--matrix", path, "--threads", "1", "--json", "-o", os.path.join(folder, "w.npy")]
                ran = subprocess.run(line, capture_output=True, text=True, check=False)
                found = json.loads(ran.stdout)
                keys = ("status", "residual", "log_error", "gap", "support", "iterations", "passes", "products", "digits", "condition", "seconds")
                print(json.dumps({"rows": n, "columns": d, "data": kind, "run": run} | {k: found[k] for k in keys if k in found}))
                sys.stdout.flush()
