"""What is written about unhat.torch and unhat.jax: examples, docstrings, stubs."""

import doctest
import importlib
import inspect
import re
import subprocess
import sys

import pytest

import unhat.jax
import unhat.torch

PUBLIC = [getattr(module, name) for module in (unhat.torch, unhat.jax) for name in module.__all__]


# Made by a call whose own example shows them.
ANSWERS = (unhat.torch.LayerFactors, unhat.torch.Coverage, unhat.torch.Top)


@pytest.mark.parametrize("public", [p for p in PUBLIC if p not in ANSWERS])
def test_examples_run(public):
    finder = doctest.DocTestFinder(recurse=False)
    (found,) = finder.find(public, public.__name__, globs={})
    assert found.examples and doctest.DocTestRunner(optionflags=doctest.FAIL_FAST).run(found).failed == 0


@pytest.mark.parametrize("public", PUBLIC, ids=lambda p: f"{p.__module__}.{p.__name__}")
def test_every_option_is_documented(public):
    text = inspect.getdoc(public)
    listed = {name for line in re.findall(r"^(\w[\w, ]*)(?: :|$)", text, re.M) for name in line.split(", ")}
    assert set(inspect.signature(public).parameters) <= listed
    sections = ["Attributes"] if public in ANSWERS else ["Parameters", "Raises", "Examples"]
    for section in sections:
        assert f"\n{section}\n{'-' * len(section)}\n" in text


def test_stubs_agree_with_the_modules():
    done = subprocess.run(
        [sys.executable, "-m", "mypy.stubtest", "unhat.torch", "unhat.jax", "--ignore-missing-stub"],
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
