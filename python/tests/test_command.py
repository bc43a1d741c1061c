"""Python and the command line give the same bits and the same keys."""

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
