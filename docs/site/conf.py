"""How the documentation site is made: of the pages of docs/, the README, and the docstrings of the package."""

import pathlib
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[2]

project = "unhat"
author = "The unhat authors"
copyright = author
release = tomllib.loads((ROOT / "Cargo.toml").read_text(encoding="utf-8"))["workspace"]["package"]["version"]

extensions = ["sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.mathjax", "numpydoc", "myst_nb"]
# The sources are the repository itself, so that the pages stand where their links expect each other.
include_patterns = ["docs/**", "bench/README.md", "README.md", "SECURITY.md"]
include_patterns += ["NOTATION.md", "ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md"]
root_doc = "docs/site/index"
myst_heading_anchors = 3
myst_enable_extensions = ["dollarmath"]

autosummary_generate = True
autodoc_typehints = "none"  # the docstrings say it in words
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False
# The words of numpydoc that are no types to look up.
nitpicky = False

nb_execution_mode = "off"  # a test of the package executes the notebook

html_theme = "furo"
html_title = f"unhat {release}"
html_copy_source = False
