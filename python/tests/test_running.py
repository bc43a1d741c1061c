"""How calls run: any number of threads, Ctrl-C, forks."""

import subprocess
import sys
import textwrap
import threading

import numpy as np
import pytest

import unhat


def python(program):
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, timeout=60
    )


@pytest.mark.parametrize("threads", [1, 2, 3, 7])
def test_the_number_of_threads_changes_no_bit(threads):
    A = np.random.default_rng(2).normal(size=(9000, 20))
    np.testing.assert_array_equal(unhat.leverage_scores(A, threads=threads), unhat.leverage_scores(A))


def test_calls_from_many_threads_of_python():
    A = np.random.default_rng(2).normal(size=(3000, 10))
    expected, found = unhat.leverage_scores(A), [None] * 8

    def call(k):
        found[k] = unhat.leverage_scores(A, threads=1 + k % 2)

    workers = [threading.Thread(target=call, args=(k,)) for k in range(len(found))]
    [worker.start() for worker in workers]
    [worker.join() for worker in workers]
    for scores in found:
        np.testing.assert_array_equal(scores, expected)


def test_ctrl_c_raises_keyboard_interrupt_soon():
    # The signal comes half a second into an audit that takes minutes.
    done = python(
        """
        import os, signal, threading, time
        import numpy as np
        import unhat

        random = np.random.default_rng(1)
        A, b, x = random.normal(size=(2000, 6)), random.normal(size=2000), random.normal(size=6)
        sent = []

        def interrupt():
            sent.append(time.perf_counter())
            os.kill(os.getpid(), signal.SIGINT)

        threading.Timer(0.5, interrupt).start()
        try:
            unhat.audit(A, b, x, trials=100000)
        except KeyboardInterrupt:
            print(time.perf_counter() - sent[0])
            assert unhat.leverage_scores(A).shape == (2000,)  # and the next call works
        """
    )
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 0.2


def test_other_threads_of_python_go_on_during_work():
    done = python(
        """
        import threading, time
        import numpy as np
        import unhat

        A = np.random.default_rng(1).normal(size=(100000, 60))
        worker = threading.Thread(target=lambda: [unhat.leverage_scores(A, threads=1) for _ in range(3)])
        worker.start()
        longest, last = 0.0, time.perf_counter()
        while worker.is_alive():
            time.sleep(0.001)
            longest, last = max(longest, time.perf_counter() - last), time.perf_counter()
        print(longest)
        """
    )
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 0.1


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="this system has no fork")
def test_a_fork_after_use_does_not_hang():
    done = python(
        """
        import os
        import numpy as np
        import unhat

        A = np.random.default_rng(1).normal(size=(9000, 20))
        before = unhat.leverage_scores(A)
        child = os.fork()
        if child == 0:
            os._exit(0 if (unhat.leverage_scores(A) == before).all() else 1)
        assert os.waitpid(child, 0)[1] == 0
        assert (unhat.leverage_scores(A) == before).all()
        """
    )
    assert done.returncode == 0, done.stderr


def test_progress_is_told_to_a_function(problem):
    A, b, x = problem
    told = []
    c = unhat.leverage_gradient(A, b, x)
    found = unhat.invert_gradient(A, b, c, start=x + 0.01, progress=lambda kind, facts: told.append((kind, facts)))
    steps = [facts for kind, facts in told if kind == "step"]
    assert [step["iteration"] for step in steps] == found.history["iteration"].tolist()
    assert [step["decrement"] for step in steps] == found.history["decrement"].tolist()

    def refuse(kind, facts):
        raise KeyError("enough")

    with pytest.raises(KeyError, match="enough"):
        unhat.invert_gradient(A, b, c, start=x + 0.01, progress=refuse)


@pytest.mark.parametrize("tqdm", [True, False])
def test_progress_is_shown(tqdm, capfd, monkeypatch, problem):
    A, b, x = problem
    if not tqdm:
        monkeypatch.setitem(sys.modules, "tqdm", None)
        monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    unhat.invert_gradient(A, b, unhat.leverage_gradient(A, b, x), start=x + 0.01, progress=True)
    shown = capfd.readouterr().err
    assert ("steps" in shown and "decrement=" in shown) if tqdm else "unhat: iteration 1, passes" in shown


def test_an_interrupted_solve_goes_on_to_the_same_bits(tmp_path):
    random = np.random.default_rng(1)
    A, b = random.normal(size=(300, 8)), random.normal(size=300)
    x = random.normal(size=8)
    c, s = unhat.leverage_gradient(A, b, x), np.sign(A @ x - b)
    whole = unhat.invert_gradient(A, b, c, signs=s, solver="exact")
    state = tmp_path / "state"

    with pytest.warns(unhat.ConvergenceWarning):
        unhat.invert_gradient(A, b, c, signs=s, solver="exact", max_iter=3, checkpoint=state)
    assert state.is_file()
    with pytest.raises(unhat.InputError, match="another problem"):
        unhat.invert_gradient(A, b, 2 * c, signs=s, solver="exact", checkpoint=state)
    resumed = unhat.invert_gradient(A, b, c, signs=s, solver="exact", checkpoint=state)
    assert resumed.x.tolist() == whole.x.tolist() and resumed.iterations == whole.iterations
    assert not state.exists()
    with pytest.raises(unhat.InputError, match="checkpoint"):
        unhat.invert_gradient(A, b, c, signs=s, weights=1.0, solver="diagonal", checkpoint=state)
    kept = unhat.invert_gradient(A, b, c, signs=s, weights=1.0, minima="first", checkpoint=state)
    assert kept.x.tolist() == unhat.invert_gradient(A, b, c, signs=s, weights=1.0, minima="first").x.tolist()
    assert kept.search == "none" and not state.exists()


def test_a_checkpoint_of_the_command_line_is_one_of_python(tmp_path, command):
    random = np.random.default_rng(1)
    A, b, x = random.normal(size=(300, 8)), random.normal(size=300), random.normal(size=8)
    c, s = unhat.leverage_gradient(A, b, x), np.sign(A @ x - b)
    for name, values in {"A": A, "b": b, "c": c, "s": s}.items():
        np.save(tmp_path / f"{name}.npy", values)
    options = ["--target", "c.npy", "--signs", "s.npy", "--max-iter", "3", "--checkpoint", "state"]
    command("invert", "gradient", "--matrix", "A.npy", "--offset", "b.npy", *options, codes=(1,))
    resumed = unhat.invert_gradient(A, b, c, signs=s, checkpoint=tmp_path / "state")
    assert resumed.x.tolist() == unhat.invert_gradient(A, b, c, signs=s).x.tolist()


def test_ctrl_c_leaves_a_checkpoint(tmp_path):
    done = python(
        f"""
        import os, signal
        import numpy as np
        import unhat

        random = np.random.default_rng(1)
        # large enough for many looks at the signals, which are 20 ms apart, before the end
        A, b, x = random.normal(size=(60000, 30)), random.normal(size=60000), random.normal(size=30)
        c, s = unhat.leverage_gradient(A, b, x), np.sign(A @ x - b)
        stop = lambda kind, facts: facts.get("iteration", 0) > 1 and os.kill(os.getpid(), signal.SIGINT)
        options = dict(signs=s, solver="cg", threads=1)
        try:
            unhat.invert_gradient(A, b, c, checkpoint={str(tmp_path / "state")!r}, progress=stop, **options)
        except KeyboardInterrupt:
            print(os.path.exists({str(tmp_path / "state")!r}))
        resumed = unhat.invert_gradient(A, b, c, checkpoint={str(tmp_path / "state")!r}, **options)
        print((resumed.x == unhat.invert_gradient(A, b, c, **options).x).all())
        """
    )
    assert done.stdout == "True\nTrue\n", done.stdout + done.stderr


def test_ctrl_c_ends_the_reading_of_a_file_soon(tmp_path):
    path = tmp_path / "long.csv"
    with path.open("w") as file:
        file.write("a,b,c,d\n")
        block = "".join(f"{k}.5,{k * k},{k % 7},-{k}\n" for k in range(20000))
        for _ in range(150):
            file.write(block)
    done = python(
        f"""
        import os, signal, threading, time
        import unhat

        sent = []

        def interrupt():
            sent.append(time.perf_counter())
            os.kill(os.getpid(), signal.SIGINT)

        threading.Timer(0.05, interrupt).start()
        try:
            unhat.leverage_scores({str(path)!r})
        except KeyboardInterrupt:
            print(time.perf_counter() - sent[0])
        """
    )
    assert float(done.stdout) < 0.5, done.stderr
