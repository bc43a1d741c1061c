"""Python and the command line give the same bits and the same keys."""

import json
import pickle

import numpy as np
import pytest

import unhat

# What differs from call to call, or between a call and a command by nature.
CLOCK = {"seconds", "start", "created_utc", "tool", "phase_seconds"}


@pytest.fixture
def files(problem, tmp_path):
    A, b, x = problem
    released = {"A": A, "b": b, "x": x, "s": np.sign(A @ x - b), "c": unhat.leverage_gradient(A, b, x)}
    released["sigma"] = unhat.leverage_scores(A, offset=b, point=x)
    for name, values in released.items():
        np.save(tmp_path / f"{name}.npy", values)
    return released


def same(answer, printed):
    ours = answer.to_dict()
    assert set(ours) == set(printed)
    for key in set(ours) - CLOCK:
        assert ours[key] == printed[key], key


MATRIX = ["--matrix", "A.npy", "--offset", "b.npy"]


def test_scores(files, command):
    printed = command("scores", "--matrix", "A.npy")
    assert unhat.leverage_scores(files["A"]).tolist() == printed["values"]
    printed = command("scores", "--matrix", "A.npy", "--ridge", "0.5")
    assert unhat.leverage_scores(files["A"], ridge=0.5).tolist() == printed["values"]


def test_gradient(files, command):
    printed = command("gradient", *MATRIX, "--point", "x.npy")
    assert files["c"].tolist() == printed["values"]


@pytest.mark.parametrize("solver", ["auto", "exact", "cg", "coreset", "surrogate"])
def test_inversion_of_the_gradient(files, command, solver):
    printed = command("invert", "gradient", *MATRIX, "--target", "c.npy", "--signs", "s.npy", "--solver", solver)
    same(unhat.invert_gradient(files["A"], files["b"], files["c"], signs=files["s"], solver=solver), printed)


def test_a_target_of_another_scale(files, command, tmp_path):
    np.save(tmp_path / "scaled.npy", -2.0 * files["c"])
    options = ["--signs", "s.npy", "--noise", "0.01", "--target-scale", "-2"]
    printed = command("invert", "gradient", *MATRIX, "--target", "scaled.npy", *options)
    found = unhat.invert_gradient(files["A"], files["b"], -2.0 * files["c"], signs=files["s"], noise=0.01, target_scale=-2)
    same(found, printed)
    assert found.noise == 0.005
    with pytest.raises(unhat.InputError, match="target_scale"):
        unhat.invert_gradient(files["A"], files["b"], files["c"], target_scale=0.0)


def test_inversion_with_noise(files, command):
    options = ["--signs", "s.npy", "--noise", "0.01"]
    printed = command("invert", "gradient", *MATRIX, "--target", "c.npy", *options)
    same(unhat.invert_gradient(files["A"], files["b"], files["c"], signs=files["s"], noise=0.01), printed)


@pytest.mark.filterwarnings("ignore::unhat.ConvergenceWarning")
def test_inversion_with_weights(files, command):
    options = ["--signs", "s.npy", "--weights", "0.1"]
    printed = command("invert", "gradient", *MATRIX, "--target", "c.npy", *options, codes=(0, 1))
    same(unhat.invert_gradient(files["A"], files["b"], files["c"], signs=files["s"], weights=0.1), printed)


def test_centre(tmp_path, command):
    rows, b = np.vstack([np.eye(3), -np.eye(3), np.ones((1, 3))]), np.array([-1.0] * 6 + [-2.0])
    np.save(tmp_path / "A.npy", rows)
    np.save(tmp_path / "b.npy", b)
    same(unhat.volumetric_center(rows, b), command("centre", *MATRIX))


def test_inversion_of_scores(files, command):
    printed = command("invert", "scores", *MATRIX, "--target", "sigma.npy")
    same(unhat.invert_scores(files["A"], files["b"], files["sigma"]), printed)


def test_audit(files, command):
    printed = command("audit", *MATRIX, "--point", "x.npy", "--trials", "2")
    found = unhat.audit(files["A"], files["b"], files["x"], trials=2).to_dict()
    assert set(found) == set(printed)
    assert found["releases"] == printed["releases"]
    assert [f["title"] for f in found["findings"]] == [f["title"] for f in printed["findings"]]


POINT = [-42.0, 0.56, 1.29, -0.02]


def _saved(folder):
    np.save(folder / "point.npy", POINT)
    return "point.npy"


def test_a_table_is_read_as_the_command_line_reads_it(command, known, tmp_path):
    path = known / "regression" / "stackloss.csv"
    printed = command("scores", "--matrix", path, "--intercept")
    assert unhat.leverage_scores(path, intercept=True).tolist() == printed["values"]
    printed = command(
        "gradient", "--matrix", path, "--response", "STACKLOSS", "--intercept", "--point", _saved(tmp_path)
    )
    found = unhat.leverage_gradient(path, None, POINT, response="STACKLOSS", intercept=True)
    assert found.tolist() == printed["values"]


def test_version(command, tmp_path):
    import importlib.metadata

    assert unhat.__version__ == importlib.metadata.version("unhat")
    np.save(tmp_path / "A.npy", np.eye(2))
    assert command("scores", "--matrix", "A.npy")["version"] == unhat.__version__


def drawn(path):
    """The data that a page holds."""
    page = path.read_text(encoding="utf-8")
    assert page.lower().startswith("<!doctype html>") and page.rstrip().endswith("</html>")
    return json.loads(page.split('id="data">')[1].split("</script>")[0])


def same_page(answer, tmp_path, **called):
    """The answer saves the page that the command line wrote as `theirs.html`, but for what `called` names."""
    answer.save_html(tmp_path / "ours.html")
    ours, theirs = drawn(tmp_path / "ours.html"), drawn(tmp_path / "theirs.html")
    assert set(ours) == set(theirs) and "tool" in ours
    for key in set(ours) - {"tool", "created_utc", *called}:
        assert ours[key] == theirs[key], key
    assert {key: ours[key] for key in called} == called
    assert ours["tool"]["seed"] == theirs["tool"]["seed"] and ours["tool"]["threads"] == theirs["tool"]["threads"]
    return ours


PAGE = ["--report", "theirs.html"]
ARRAYS = {"matrix": "table", "target": "target"}


@pytest.mark.filterwarnings("ignore::unhat.ConvergenceWarning")
@pytest.mark.parametrize("option", [{}, {"noise": 0.01}, {"max_iter": 1}, {"weights": 0.1}], ids=str)
def test_the_page_of_an_inversion_is_that_of_the_command_line(files, command, tmp_path, option):
    words = [word for name, value in option.items() for word in (f"--{name.replace('_', '-')}", value)]
    command("invert", "gradient", *MATRIX, "--target", "c.npy", "--signs", "s.npy", *words, *PAGE, codes=(0, 1))
    found = unhat.invert_gradient(files["A"], files["b"], files["c"], signs=files["s"], **option)
    page = same_page(found, tmp_path, **ARRAYS)
    assert page["tool"]["command"] == "unhat.invert_gradient" and page["status"] == found.status.replace("_", " ")
    assert page["iterations"] == found.iterations and page["residual"] == pytest.approx(found.residual, rel=1e-3)
    assert len(page["standard_errors"]) == (3 if "noise" in option else 0)
    assert pickle.loads(pickle.dumps(found)).to_html() == found.to_html()


def test_the_page_of_a_centre_or_of_the_diagonal_form_is_that_of_the_command_line(tmp_path, command):
    rows, b = np.vstack([np.eye(3), -np.eye(3), np.ones((1, 3))]), np.array([-1.0] * 6 + [-2.0])
    for name, values in {"A": rows, "b": b, "c": np.full(3, 0.1)}.items():
        np.save(tmp_path / f"{name}.npy", values)
    command("centre", *MATRIX, *PAGE)
    found = unhat.volumetric_center(rows, b)
    page = same_page(found, tmp_path, matrix="table")
    assert page["tool"]["command"] == "unhat.volumetric_center" and (page["kind"], page["target"]) == ("centre", "")
    assert page["proof"]["euclidean"] == pytest.approx(found.certificate.euclidean, rel=1e-3)
    command("invert", "gradient", *MATRIX, "--target", "c.npy", "--weights", "20", "--solver", "diagonal", *PAGE)
    found = unhat.invert_gradient(rows, b, tmp_path / "c.npy", weights=20, solver="diagonal")
    page = same_page(found, tmp_path, matrix="table")  # a target that was read has its file's name
    assert page["target"] == "c.npy" and page["objective"] == pytest.approx(found.objective, rel=1e-3)


@pytest.mark.filterwarnings("ignore::unhat.ConvergenceWarning")
def test_the_page_of_scores_is_that_of_the_command_line(files, command, tmp_path):
    command("invert", "scores", *MATRIX, "--target", "sigma.npy", *PAGE)
    found = unhat.invert_scores(files["A"], files["b"], files["sigma"])
    page = same_page(found, tmp_path, **ARRAYS)
    assert page["tool"]["command"] == "unhat.invert_scores" and page["values_released"] == 60
    assert page["candidates"][0]["residual"] == pytest.approx(found.candidates[0].residual, rel=1e-3)
    np.save(tmp_path / "few.npy", files["sigma"][:2])
    (tmp_path / "rows.txt").write_text("1\n2\n")
    command("invert", "scores", *MATRIX, "--target", "few.npy", "--rows", "rows.txt", *PAGE, codes=(1,))
    found = unhat.invert_scores(files["A"], files["b"], files["sigma"][:2], rows=[0, 1])
    page = same_page(found, tmp_path, **ARRAYS)
    assert page["status"] == "not identified" and [part["name"] for part in page["null_direction"]] == ["x1", "x2", "x3"]


def test_the_page_of_a_table_names_its_columns(known, command, tmp_path):
    path = known / "regression" / "stackloss.csv"
    table = ["--matrix", path, "--response", "STACKLOSS", "--intercept"]
    np.save(tmp_path / "c.npy", unhat.leverage_gradient(path, None, POINT, response="STACKLOSS", intercept=True))
    start = ["--start", _saved(tmp_path), "--noise", "0.001"]
    command("invert", "gradient", *table, "--target", "c.npy", *start, *PAGE)
    options = {"response": "STACKLOSS", "intercept": True, "start": POINT, "noise": 0.001}
    page = same_page(unhat.invert_gradient(path, None, tmp_path / "c.npy", **options), tmp_path)
    assert page["matrix"] == "stackloss.csv" and page["target"] == "c.npy"
    named = [part["name"] for part in page["standard_errors"]]
    assert named == ["(Intercept)", "AIRFLOW", "WATERTEMP", "ACIDCONC"]
