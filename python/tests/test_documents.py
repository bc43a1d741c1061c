"""What is written about the package: examples, README, stubs, docstrings."""

import doctest
import importlib.resources
import inspect
import re
import subprocess
import sys

import numpy as np
import pytest

import unhat
from conftest import ROOT

FUNCTIONS = [getattr(unhat, name) for name in unhat.__all__ if inspect.isfunction(getattr(unhat, name))]


@pytest.mark.parametrize("module", ["unhat._functions", "unhat._barrier", "unhat.sklearn"])
def test_examples_of_docstrings(module):
    found = doctest.testmod(importlib.import_module(module))
    assert found.attempted > 3 and found.failed == 0


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
def test_every_option_is_documented(function):
    text = inspect.getdoc(function)
    for section in ("Parameters", "Returns", "Raises", "Examples"):
        assert f"\n{section}\n{'-' * len(section)}\n" in text
    listed = {name for line in re.findall(r"^(\w[\w, ]*)(?: :|$)", text, re.M) for name in line.split(", ")}
    assert set(inspect.signature(function).parameters) <= listed


def test_the_example_of_the_readme(tmp_path, monkeypatch):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    section = text[text.index("\n## Python\n") :]
    example = re.search(r"```python\n(.*?)```", section, re.S)[1]
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(compile(example, "README.md", "exec"), names)
    np.testing.assert_allclose(names["found"].x, names["hidden"], rtol=1e-8)


def test_stubs_agree_with_the_module():
    assert (importlib.resources.files("unhat") / "py.typed").is_file()
    done = subprocess.run(
        [
            *(sys.executable, "-m", "mypy.stubtest", "unhat", "--ignore-missing-stub", "--ignore-disjoint-bases"),
            *("--mypy-config-file", ROOT / "pyproject.toml"),
        ],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
