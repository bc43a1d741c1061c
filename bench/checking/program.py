"""Runs `unhat audit outputs` on a frame and returns its report."""

import json
import os
import pathlib
import subprocess
import tempfile

UNHAT = os.environ.get("UNHAT", str(pathlib.Path(__file__).resolve().parents[2] / "target/release/unhat"))


def checked(frame, formula, family="linear", second_rows=None, options=()):
    """The report of a check; None where the fit has no answer (an error of the input)."""
    with tempfile.TemporaryDirectory() as folder:
        table = pathlib.Path(folder, "table.csv")
        frame.to_csv(table, index=False)
        command = [UNHAT, "audit", "outputs", str(table), "--formula", formula, "--json", "--quiet", "--threads", "1", *options]
        if family != "linear":
            command += ["--family", family]
        if second_rows is not None:
            rows = pathlib.Path(folder, "rows.txt")
            rows.write_text("\n".join(str(row + 1) for row in second_rows) + "\n")
            command += ["--second-rows", str(rows)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode not in (0, 3, 4):
            return None, done.stderr.strip()
        return json.loads(done.stdout), ""
