"""Training and prediction: the command line's bits, files in both directions, Ctrl-C."""

import csv
import pickle

import numpy as np
import pandas
import pytest

import unhat
from test_running import python

MODEL = {"response": "y", "model": "mlp:5", "epochs": 3, "validation": 0.2}
OPTIONS = ["--response", "y", "--model", "mlp:5", "--epochs", "3", "--validation", "0.2"]


@pytest.fixture
def cancer(known):
    return known / "tables" / "breast_cancer_noisy.csv"


@pytest.fixture(scope="session")
def trained(known):
    return unhat.train(known / "tables" / "breast_cancer_noisy.csv", **MODEL)


def timeless(value):
    """Facts without what the clock says."""
    if isinstance(value, dict):
        return {key: timeless(part) for key, part in value.items() if "seconds" not in key}
    return [timeless(part) for part in value] if isinstance(value, list) else value


def same(answer, printed):
    assert set(answer.to_dict()) == set(printed)
    assert timeless(answer.to_dict()) == timeless(printed)


def test_a_training_is_that_of_the_command_line(trained, cancer, command, tmp_path):
    same(trained, command("train", cancer, *OPTIONS, "-o", "model.safetensors"))
    trained.save(tmp_path / "ours.safetensors")
    assert (tmp_path / "ours.safetensors").read_bytes() == (tmp_path / "model.safetensors").read_bytes()
    unhat.train(cancer, output=tmp_path / "third.safetensors", **MODEL)
    assert (tmp_path / "third.safetensors").read_bytes() == (tmp_path / "model.safetensors").read_bytes()


@pytest.mark.parametrize(
    ("options", "arguments"),
    [
        ({"optimizer": "sgd", "lr": 0.01, "momentum": 0.5, "schedule": "constant"}, ["--optimizer", "sgd", "--lr", "0.01", "--momentum", "0.5", "--schedule", "constant"]),
        ({"optimizer": "fngd", "lr": "auto", "controls": True, "share": "by_id"}, ["--optimizer", "fngd", "--lr", "auto", "--controls", "--share", "by_id"]),
        ({"optimizer": "kfac", "lr": 0.1, "factor_every": 2, "inverse_every": 4, "damping": 0.1}, ["--optimizer", "kfac", "--lr", "0.1", "--factor-every", "2", "--inverse-every", "4", "--damping", "0.1"]),
        ({"patience": 1, "record_every": 2, "rank": 3, "weight_decay": 0.1, "batch": 50, "seed": 5}, ["--patience", "1", "--record-every", "2", "--rank", "3", "--weight-decay", "0.1", "--batch", "50", "--seed", "5"]),
        ({"standardize": False, "base": "nesterov", "alpha": 2.0, "refresh": 3, "threads": 1}, ["--no-standardize", "--base", "nesterov", "--alpha", "2", "--refresh", "3", "--threads", "1"]),
    ],
    ids=lambda value: None if isinstance(value, list) else "-".join(value),
)
def test_options_are_those_of_the_command_line(options, arguments, cancer, command):
    same(unhat.train(cancer, **MODEL, **options), command("train", cancer, *OPTIONS, *arguments))


def test_a_model_predicts_here_and_there(trained, cancer, command, tmp_path):
    trained.save(tmp_path / "m.safetensors")
    found = trained.predict(cancer)
    same(found, command("predict", cancer, "--model-file", "m.safetensors"))
    command("predict", cancer, "--model-file", "m.safetensors", "-o", "p.csv")
    with open(tmp_path / "p.csv", newline="", encoding="utf-8") as file:
        header, *records = csv.reader(file)
    assert header == ["row", "prediction", *(f"p({name})" for name in found.classes)]
    assert found.values.tolist() == [record[1] for record in records]
    assert found.probabilities.tolist() == [[float(cell) for cell in record[2:]] for record in records]
    frame = pandas.read_csv(cancer)
    for again in (unhat.predict(frame, tmp_path / "m.safetensors"), unhat.predict(frame.drop(columns="y"), trained)):
        np.testing.assert_array_equal(again.probabilities, found.probabilities)
    assert found.accuracy == np.mean(found.values == frame["y"]) and again.accuracy is None
    assert f"accuracy {found.accuracy:.4f}" in repr(found) and "<table>" in found._repr_html_()
    assert pickle.loads(pickle.dumps(found)).to_dict() == found.to_dict()


def test_numbers_are_predicted_as_numbers(tmp_path):
    frame = pandas.DataFrame({"x": np.arange(20.0), "y": 2 * np.arange(20.0) + 1})
    trained = unhat.train(frame, response="y", model="linear", optimizer="sgd", batch=20, epochs=400)
    found = unhat.predict(frame, trained)
    np.testing.assert_allclose(found.values, frame["y"], atol=1e-3)
    assert found.probabilities is None and found.values.dtype == np.float64


def test_influence_is_that_of_a_trained_model(trained, cancer, command, tmp_path):
    trained.save(tmp_path / "m.safetensors")
    printed = command("influence", cancer, "--model-file", "m.safetensors", "--method", "self")
    for model in (trained, tmp_path / "m.safetensors"):
        found = unhat.influence(cancer, model_file=model, method="self")
        same(found, {**printed, "threads": found.threads})
    for options in ({"penalty": 1.0}, {"model": "mlp"}, {"ensemble": 2}):
        with pytest.raises(unhat.InputError, match="model"):
            unhat.influence(cancer, model_file=trained, **options)


def test_an_answer_shows_itself_and_can_be_kept(trained, cancer, tmp_path):
    assert "solved: mlp:5 by fngd-metric" in repr(trained)
    assert "data:image/svg+xml;base64," in trained._repr_html_()
    trained.save_html(tmp_path / "page.html")
    assert "Learning curves" in (tmp_path / "page.html").read_text(encoding="utf-8")
    copy = pickle.loads(pickle.dumps(trained))
    assert copy.to_dict() == trained.to_dict()
    assert copy.predict(cancer).to_dict()["predictions"] == trained.predict(cancer).to_dict()["predictions"]
    assert [entry.step for entry in trained.history] == sorted(entry.step for entry in trained.history)


def test_a_divergence_is_a_status_and_a_warning(known):
    with pytest.warns(unhat.ConvergenceWarning, match="diverged at step"):
        found = unhat.train(
            known / "regression" / "stackloss.csv", response="STACKLOSS", model="linear", optimizer="sgd", lr=1e9, epochs=60
        )
    assert found.status == "diverged" and found.diverged.step > 0 and "diverged" in repr(found)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"model": "tree"}, "model: found"),
        ({"optimizer": "magic"}, "optimizer: found \"magic\""),
        ({"response": "z"}, "response: .*z"),
        ({"lr": -1.0}, "lr: found \"-1.0\""),
        ({"lr": "quick"}, "lr: found \"quick\""),
        ({"batch": 0}, "batch: found 0"),
        ({"momentum": 0.9}, "momentum: is an option of"),
        ({"factor_every": 2}, "factor_every: is an option of kfac"),
        ({"patience": 1, "validation": None}, "patience: needs validation rows"),
        ({"output": "model.txt"}, "model.txt"),
        ({"schedule": "wave"}, "schedule: found \"wave\""),
        ({"validation": 0.0001}, "validation: "),
        ({"batch": -1}, "batch: .*negative"),
        ({"epochs": 1.5}, "epochs: .*float"),
    ],
)
def test_what_cannot_be_used_is_named(options, message, cancer):
    with pytest.raises(unhat.InputError, match=message):
        unhat.train(cancer, **MODEL | options)


def test_a_training_that_was_interrupted_goes_on_in_the_command_line(cancer, command, tmp_path):
    done = python(
        f"""
        import os, signal
        import unhat

        sent = []

        def stop(kind, facts):
            if kind == "evaluated" and facts["epoch"] == 3 and not sent:
                sent.append(os.kill(os.getpid(), signal.SIGINT))

        try:
            unhat.train({str(cancer)!r}, response="y", model="mlp:20", epochs=400, batch=8,
                        checkpoint={str(tmp_path / "state")!r}, output={str(tmp_path / "no.safetensors")!r}, progress=stop)
        except KeyboardInterrupt:
            print(os.path.exists({str(tmp_path / "state")!r}), os.path.exists({str(tmp_path / "no.safetensors")!r}))
        """
    )
    assert done.stdout == "True False\n", done.stdout + done.stderr
    arguments = ["--response", "y", "--model", "mlp:20", "--epochs", "400", "--batch", "8"]
    (tmp_path / "copy").write_bytes((tmp_path / "state").read_bytes())
    resumed = command("train", cancer, *arguments, "--checkpoint", "state", "-o", "m.safetensors")
    options = {"response": "y", "model": "mlp:20", "epochs": 400, "batch": 8}
    ours = unhat.train(cancer, checkpoint=tmp_path / "copy", **options)
    (note,) = resumed.pop("warnings")
    assert note.startswith("resuming after step ")
    same(ours, resumed | {"warnings": []})
    assert not (tmp_path / "state").exists() and not (tmp_path / "copy").exists()
    whole = unhat.train(cancer, output=tmp_path / "whole.safetensors", **options)
    assert timeless(whole.to_dict()) == timeless(ours.to_dict())
    assert (tmp_path / "whole.safetensors").read_bytes() == (tmp_path / "m.safetensors").read_bytes()


def test_ctrl_c_raises_keyboard_interrupt_soon(known):
    done = python(
        f"""
        import os, signal, threading, time
        import unhat

        sent = []

        def interrupt():
            sent.append(time.perf_counter())
            os.kill(os.getpid(), signal.SIGINT)

        table = {str(known / "tables" / "breast_cancer_noisy.csv")!r}
        for call in (
            lambda: unhat.train(table, response="y", model="mlp:64,32", epochs=100000),
            lambda: unhat.influence(table, response="y", model="mlp:64,32", ensemble=100000),
        ):
            threading.Timer(0.5, interrupt).start()
            try:
                call()
            except KeyboardInterrupt:
                print(time.perf_counter() - sent[-1])
        """
    )
    assert done.returncode == 0, done.stderr
    times = [float(line) for line in done.stdout.split()]
    assert len(times) == 2 and max(times) < 0.2


def test_progress_is_told(cancer):
    told = []
    unhat.train(cancer, progress=lambda kind, facts: told.append((kind, facts)), **MODEL)
    evaluated = [facts for kind, facts in told if kind == "evaluated"]
    assert [facts["epoch"] for facts in evaluated] == [0, 1, 2, 3]
    assert evaluated[-1]["train_loss"] < evaluated[0]["train_loss"] and 0 < evaluated[-1]["validation_accuracy"] <= 1
