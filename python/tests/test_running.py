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
