"""Figures of a diagnosis by matplotlib: the command line's counts, what may leave, what is refused."""

import csv
import pathlib
import subprocess
import sys

import matplotlib
import numpy as np
import pandas
import pytest

import unhat

matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402


@pytest.fixture
def frame():
    draw = np.random.default_rng(3)
    x = draw.normal(size=3000)
    z = x + draw.normal(size=3000)
    y = 1 + x - z + draw.standard_t(3, size=3000)
    return pandas.DataFrame({"y": y, "x": x, "z": z}, index=[f"${i}$" for i in range(3000)])


def table(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def hexagons(ax):
    return ax.collections[0].get_array().astype(int).tolist()


def test_hexagons_are_those_of_the_command_line(frame, command, tmp_path):
    frame.to_csv(tmp_path / "t.csv", index=False)
    command("diagnose", "t.csv", "--formula", "y ~ x + z", "--plots", "figures", "-o", "d.csv")
    program = pathlib.Path(sys.executable).parent / "unhat"
    words = ["diagnose", "t.csv", "--formula", "y ~ x + z", "--plots", "safe", "--safe"]
    done = subprocess.run([program, *words], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == ""
    found = unhat.diagnose(frame, "y ~ x + z")
    figures = [(name, None, name) for name in ("residuals_fitted", "scale_location", "normal_quantiles", "residuals_leverage")]
    for name, column, file in [*figures, ("partial", "x", "partial_1"), ("partial", "z", "partial_2")]:
        cells = [int(row["rows"]) for row in table(tmp_path / "figures" / f"{file}.csv") if row["drawn"] == "hexagon"]
        _, ax = pyplot.subplots()
        assert found.plot(name, column, ax=ax) is ax
        assert hexagons(ax) == cells and sum(cells) == 3000
        safe = [int(row["rows"]) for row in table(tmp_path / "safe" / f"{file}.csv")]
        shown = found.plot(name, column, safe=True)
        assert hexagons(shown) == safe and min(safe) >= 10
        # Labels are those of the table, a dollar in one is a dollar; a figure that may leave has none.
        assert ax.texts[0].get_text().startswith("$") and not shown.texts
        ax.figure.canvas.draw()
        pyplot.close("all")
    assert min(hexagons(found.plot(safe=30))) >= 30
    assert found.plot("cooks").get_title() == "Cook's distances in the order of the table"
    pyplot.close("all")


def test_the_points_of_few_rows_are_the_columns_and_a_partial_regression_has_the_slope_of_its_coefficient(frame):
    found = unhat.diagnose(frame[:60], "y ~ x + z")
    ax = found.plot()
    x, y = (np.concatenate([line.get_xydata()[:, k] for line in ax.lines]) for k in (0, 1))
    order, expected = np.argsort(x), np.argsort(found.fitted)
    np.testing.assert_array_equal(x[order], found.fitted[expected])
    np.testing.assert_array_equal(y[order], found.residual[expected])
    ax = found.plot("partial", "z")
    points = np.concatenate([line.get_xydata() for line in ax.lines if line.get_linestyle() == "None"])
    slope = points[:, 0] @ points[:, 1] / (points[:, 0] @ points[:, 0])
    np.testing.assert_allclose(slope, found.coefficients[2].estimate, rtol=1e-10)
    # What x and the intercept leave of z.
    rest = np.column_stack([np.ones(60), frame["x"][:60]])
    left = frame["z"][:60] - rest @ np.linalg.lstsq(rest, frame["z"][:60], rcond=None)[0]
    np.testing.assert_allclose(np.sort(points[:, 0]), np.sort(left), atol=1e-12)
    pyplot.close("all")


def test_what_cannot_be_drawn_is_refused_by_name(frame, monkeypatch):
    found = unhat.diagnose(frame[:60], "y ~ x + z")
    for words, message in [
        ({"figure": "resids"}, "expected one of residuals_fitted"),
        ({"figure": "partial", "column": "q"}, "'x', 'z'"),
        ({"column": "x"}, "goes with figure"),
        ({"figure": "cooks", "safe": True}, "cannot leave the house"),
        ({"safe": 2}, "at least 3 rows"),
    ]:
        with pytest.raises(unhat.InputError, match=message):
            found.plot(**words)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match="pip install matplotlib"):
        found.plot()
