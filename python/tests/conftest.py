"""What the tests share: where the known answers lie, a random problem, the command that the wheel installed."""

import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def known():
    return ROOT / "crates" / "unhat-testkit" / "data"


@pytest.fixture
def problem():
    """A (60 × 3), b, and the x that is to be recovered."""
    random = np.random.default_rng(7)
    return random.normal(size=(60, 3)), random.normal(size=60), np.array([0.5, -1.0, 2.0])


@pytest.fixture
def command(tmp_path):
    """Runs the command that the wheel installed, in a folder of its own, and reads the JSON it prints."""

    def run(*arguments, codes=(0,)):
        program = pathlib.Path(sys.executable).parent / "unhat"
        done = subprocess.run(
            [program, *map(str, arguments), "--json"], cwd=tmp_path, capture_output=True, text=True, timeout=60
        )
        assert done.returncode in codes, done.stderr
        return json.loads(done.stdout)

    return run
