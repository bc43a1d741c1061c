"""Figures of a diagnosis, drawn by matplotlib; what they show is counted by the core."""

import json

import numpy as np

from unhat import _unhat
from unhat._errors import InputError

# Rows that are labelled, those with the largest Cook's distances first, and how much of a label is shown.
_LABELLED = 8
_LABEL = 24


def figure_of(diagnosis, figure, column, safe):
    """What a figure shows, as a dictionary."""
    parts = diagnosis._parts
    drawn, columns = parts["drawn"], dict(parts["columns"])
    partial = None
    if figure == "partial":
        names = [name for name, *_ in drawn["partial"]]
        if column not in names:
            listed = ", ".join(map(repr, names)) or "none"
            raise InputError(f"column: found {column!r}, expected one that a partial regression is kept of: {listed}")
        place = names.index(column)
        partial = (column, place + 1, *drawn["partial"][place][1:])
    elif column is not None:
        raise InputError('column: goes with figure="partial"')
    if safe is not None and safe is not False:
        safe = 10 if safe is True else int(safe)
    else:
        safe = None
    is_linear = diagnosis.model == "lm"
    index, positions = diagnosis._labels.index, parts["positions"].tolist()
    called = parts["labels"]
    if index is not None:
        rows = zip(positions, parts["flag"], strict=True)
        called = [str(index[place]) if flag else "" for place, flag in rows]
    given = {
        "is_linear": is_linear, "is_weighted": drawn["is_weighted"], "rank": diagnosis.rank,
        "across": columns["fitted" if is_linear else "linear_predictor"], "residual": drawn["residual"],
        "score": drawn["residual"] if is_linear else columns["residual_pearson"], "rstandard": columns["rstandard"],
        "rstandard_pearson": columns.get("rstandard_pearson", columns["rstandard"]), "rstudent": columns["rstudent"],
        "hat": columns["hat"], "cooks": columns["cooks"], "positions": positions, "flag": parts["flag"],
        "labels": called,
    }
    return json.loads(_unhat.diagnosis_figure(figure, safe, given, partial))


def draw(shown, ax=None):
    """Draw what a figure shows on axes of matplotlib, new ones where none are given."""
    try:
        from matplotlib import pyplot
        from matplotlib.collections import PolyCollection
        from matplotlib.colors import LogNorm
    except ImportError as missing:
        raise ImportError("plot needs matplotlib: pip install matplotlib") from missing
    if ax is None:
        _, ax = pyplot.subplots()
    if shown["cells"]:
        cells = np.array(shown["cells"], dtype=np.float64)
        corners = _corners(shown, cells)
        counts = cells[:, 2]
        norm = LogNorm(max(counts.min(), 0.5), max(counts.max(), counts.min() + 1))
        hexagons = PolyCollection(corners, array=counts, norm=norm, cmap="Blues", edgecolors="none", zorder=1)
        ax.add_collection(hexagons)
        ax.figure.colorbar(hexagons, ax=ax, label="rows")
        ax.update_datalim(corners.reshape(-1, 2))
        ax.autoscale_view()
    if shown["points"]:
        points = np.array(shown["points"])
        ax.plot(points[:, 0], points[:, 1], "o", color="#1557a0", alpha=0.7, markersize=4, zorder=2)
    for k, curve in enumerate(shown["curves"]):
        points = np.array(curve["points"])
        is_first = all(other["name"] != curve["name"] for other in shown["curves"][:k])
        label = curve["name"] if is_first else None
        ax.plot(points[:, 0], points[:, 1], "--", color="#b0430f", linewidth=1.2, zorder=3, label=label)
    if shown["named"]:
        x, y = ([named[key] for named in shown["named"]] for key in "xy")
        ax.plot(x, y, "s", color="#b0430f", markersize=5, zorder=4, label="flagged rows")
    for named in shown["named"][:_LABELLED]:
        row = named["row"] if len(named["row"]) <= _LABEL else named["row"][: _LABEL - 1] + "…"
        # Labels are text: a dollar in one begins no formula.
        ax.annotate(row, (named["x"], named["y"]), (6, 0), textcoords="offset points", va="center", fontsize=8, parse_math=False)
    for axis, name in (("x", shown["x"]), ("y", shown["y"])):
        getattr(ax, f"set_{axis}label")(name["label"], parse_math=False)
        if name["log"]:
            getattr(ax, f"set_{axis}scale")("log")
    ax.set_title(shown["title"], parse_math=False)
    if shown["curves"] or shown["named"]:
        ax.legend(fontsize=8)
    return ax


def _corners(shown, cells):
    """The six corners of each hexagon: n × 6 × 2."""
    width, height = shown["hexagon"]
    across = np.array([0, 1, 1, 0, -1, -1]) * width / 2
    up = np.array([2, 1, -1, -2, -1, 1]) * height / 3
    places = []
    for middle, offset, axis in ((cells[:, 0], across, "x"), (cells[:, 1], up, "y")):
        log = shown[axis]["log"]
        place = (np.log10(middle) if log else middle)[:, None] + offset
        places.append(10**place if log else place)
    return np.stack(places, axis=2)
