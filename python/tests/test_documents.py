"""What is written about the package: examples, the page docs/python.md, stubs, docstrings."""

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


@pytest.mark.parametrize("module", ["unhat._functions", "unhat._barrier", "unhat._influence", "unhat._diagnose", "unhat._outputs", "unhat._training", "unhat.sklearn"])
def test_examples_of_docstrings(module):
    found = doctest.testmod(importlib.import_module(module))
    assert found.attempted > 2 and found.failed == 0


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
def test_every_option_is_documented(function):
    text = inspect.getdoc(function)
    for section in ("Parameters", "Returns", "Raises", "Examples"):
        assert f"\n{section}\n{'-' * len(section)}\n" in text
    listed = {name for line in re.findall(r"^(\w[\w, ]*)(?: :|$)", text, re.M) for name in line.split(", ")}
    assert set(inspect.signature(function).parameters) <= listed


def test_the_examples_of_the_python_page(monkeypatch):
    page = ROOT / "docs" / "python.md"
    examples = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.S)
    monkeypatch.chdir(ROOT)  # the second example reads a table of the repository
    names = {}
    for example in examples:
        exec(compile(example, str(page), "exec"), names)
    np.testing.assert_allclose(names["found"].x, names["hidden"], rtol=1e-8)
    assert len(names["study"].scores) == len(names["study"].positions) > 0


def test_the_help_of_the_package_is_a_page_with_every_name():
    page = inspect.getdoc(unhat)
    missing = [name for name in unhat.__all__ if not re.search(rf"(?<![\w.]){re.escape(name)}\b|unhat\.{re.escape(name)}\b", page)]
    assert not missing
    # A line each for what is called, and the two lines at the top run.
    lines = [line for line in page.splitlines() if line.startswith("    ")]
    for function in FUNCTIONS:
        assert [line for line in lines if line.split()[0] == function.__name__ and len(line.split()) > 3], function.__name__
    found = doctest.testmod(unhat)
    assert found.attempted == 2 and found.failed == 0
    assert max(len(line) for line in page.splitlines()) <= 130


@pytest.mark.parametrize("other", ["torch", "jax"])
def test_what_needs_another_package_says_which(other, monkeypatch):
    for name in [name for name in sys.modules if name.startswith(f"unhat.{other}")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, other, None)
    with pytest.raises(ImportError, match=f"unhat.{other} needs .* pip install {other}"):
        importlib.import_module(f"unhat.{other}")


def test_stubs_agree_with_the_module(tmp_path):
    assert (importlib.resources.files("unhat") / "py.typed").is_file()
    # these two are held against their stubs where torch and JAX are: python/test-torch
    (tmp_path / "allowed").write_text("unhat\\.(torch|jax)(\\..*)?\n")
    (tmp_path / "mypy.ini").write_text("[mypy]\nignore_missing_imports = true\n")
    own = ["--allowlist", tmp_path / "allowed", "--ignore-unused-allowlist", "--mypy-config-file", tmp_path / "mypy.ini"]
    done = subprocess.run(
        [sys.executable, "-m", "mypy.stubtest", "unhat", "--ignore-missing-stub", "--ignore-disjoint-bases", *own],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
