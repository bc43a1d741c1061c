"""Seconds and memory of `unhat influence`, beside kronfluence. Run it on a quiet machine; every case is asked for by name.

    UNHAT=target/release/unhat .venv/bin/python bench/influence/speed.py whitened peers logistic memory [--rounds 5]

whitened   4000 rows, networks 64-w-w-10, w = 256 and 512, one thread: from the model to the scores (`phase_seconds`), what
           `wt-ip` and `ip` take beyond `grad-norm`, over `grad-norm` itself, which is a gradient pass (forward, backward,
           lengths); a pass in NumPy beside
peers      1197 digits, 600 validation rows, network 64-128-64-10, one thread: `ip` and `leverage`, from the model to the
           scores (`phase_seconds`), and the whole process, against kronfluence's identity in a running interpreter
logistic   a (100000, 50) table, two threads, penalty given: the whole process for a fit and `one-step` scores of every row,
           less that of reading the table
memory     a (200000, 100) table, softmax with 10 classes under given weights: peak memory of scores without a Hessian, over
           the size of the table; with --fit the model is fitted first
Methods take turns; minimum and median over the rounds. `peers` needs torch and kronfluence, the others NumPy and SciPy.
"""

import argparse
import os
import pathlib
import resource
import statistics
import subprocess
import tempfile
import time

import common
import numpy as np


def processor_seconds():
    """Of this process and of the programs that it has run."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


def timed(action):
    """Seconds, processor seconds, which other work disturbs less, and what unhat says it took from the model to the scores."""
    begin, used = time.perf_counter(), processor_seconds()
    told = action()
    seconds, processor = time.perf_counter() - begin, processor_seconds() - used
    return seconds, processor, told["phase_seconds"]["score"] if isinstance(told, dict) else seconds


def in_turns(actions, rounds):
    """Seconds of each action, all in one round before the next, in an order reversed every time; one round warms up."""
    found = {name: [] for name in actions}
    for k in range(rounds + 1):
        order = list(actions.items())
        for name, action in order if k % 2 else reversed(order):
            pair = timed(action)
            if k:
                found[name].append(pair)
    return {name: of_rounds(*zip(*pairs)) for name, pairs in found.items()}


def of_rounds(seconds, processor, score):
    return {
        "score_minimum": min(score),
        "score_seconds": score,
        "minimum": min(seconds),
        "median": statistics.median(seconds),
        "processor_minimum": min(processor),
        "seconds": seconds,
        "processor_seconds": processor,
    }


KEYS = ("minimum", "processor_minimum", "score_minimum")


def ratio(a, b):
    """Of minima: of seconds, of processor seconds, and of seconds from the model to the scores."""
    return {key: a[key] / b[key] for key in KEYS}


def shown(rows):
    for name, value in rows.items():
        told = f"{value['minimum']:.4f}, processor {value['processor_minimum']:.4f}, model to scores {value['score_minimum']:.4f}"
        print(f"  {name:44} {told}", flush=True)


def random_network(random, widths):
    return [random.standard_normal((b, a + 1)) / np.sqrt(a) for a, b in zip(widths[:-1], widths[1:])]


def gradient_pass(layers, x, y):
    """Forward, backward and the summed gradient of every layer, in NumPy."""
    inputs, z = [], x
    for k, layer in enumerate(layers):
        a = common.with_one(np.maximum(z, 0) if k else z)
        inputs.append(a)
        z = a @ layer.T
    d, gradients = common.residuals(z, y), []
    for k in reversed(range(len(layers))):
        gradients.append(d.T @ inputs[k])
        if k:
            d = (d @ layers[k][:, :-1]) * (inputs[k][:, :-1] > 0)
    return gradients


def whitened(folder, rounds, random):
    found = {}
    for width in (256, 512):
        widths = [64, width, width, 10]
        layers = random_network(random, widths)
        x, y = random.standard_normal((4500, 64)), random.integers(0, 10, 4500)
        np.save(folder / "train.npy", np.column_stack([x[:4000], y[:4000]]))
        np.save(folder / "held.npy", np.column_stack([x[4000:], y[4000:]]))
        model = folder / "model.safetensors"
        common.write_model(model, f"mlp:{width},{width}", layers, 10, 1.0, first=1, response="x65")
        call = [folder / "train.npy", "--model-file", model, "--validation", folder / "held.npy", "--top", 1]
        actions = {m: lambda m=m: common.unhat(*call, "--method", m) for m in ("loss", "grad-norm", "ip", "wt-ip")}
        actions["gradient pass in NumPy"] = lambda: gradient_pass(layers, x[:4000], y[:4000])
        rows = in_turns(actions, rounds)
        for method in ("ip", "wt-ip"):
            beyond = {key: rows[method][key] - rows["grad-norm"][key] for key in KEYS}
            rows[f"({method} − grad-norm) / grad-norm"] = ratio(beyond, rows["grad-norm"])
        print(f"wt-ip, width {width}")
        shown(rows)
        found[width] = rows
    return found


def peers(folder, rounds, random):
    import nets

    x, y = common.numbers_of("digits.csv.gz", "digit")
    order = random.permutation(len(y))
    x, y = x[order] / 16, y[order]
    layers = random_network(random, [64, 128, 64, 10])
    common.write_numbers(folder / "train.csv", x[:1197], y[:1197])
    common.write_numbers(folder / "held.csv", x[1197:], y[1197:])
    model = folder / "model.safetensors"
    common.write_model(model, "mlp:128,64", layers, 10, 1.0)
    call = [folder / "train.csv", "--model-file", model, "--validation", folder / "held.csv", "--top", 1]
    net = nets.from_weights(layers)
    training, held = nets.tensors(x[:1197], y[:1197]), nets.tensors(x[1197:], y[1197:])
    actions = {
        "unhat ip": lambda: common.unhat(*call, "--method", "ip"),
        "unhat leverage": lambda: common.unhat(*call, "--method", "leverage"),
        "kronfluence identity": lambda: nets.kronfluence(net, training, held, "identity"),
    }
    rows = in_turns(actions, rounds)
    for method in ("ip", "leverage"):
        rows[f"kronfluence / unhat {method}"] = ratio(rows["kronfluence identity"], rows[f"unhat {method}"])
    shown(rows)
    return rows


def logistic(folder, rounds, random):
    x = random.standard_normal((100_000, 50))
    y = (x @ random.standard_normal(50) / 5 + random.logistic(size=len(x)) > 0).astype(float)
    np.save(folder / "table.npy", np.column_stack([x, y]))
    common.write_model(folder / "model.safetensors", "logistic", [np.zeros((1, 51))], 2, 1.0, first=1, response="x51")
    held = folder / "held.npy"  # so that every row of the table is scored
    np.save(held, np.column_stack([x[:1000], y[:1000]]))
    fit = [folder / "table.npy", "--response", "x51", "--model", "logistic", "--penalty", 1, "--validation", held]
    given = [folder / "table.npy", "--model-file", folder / "model.safetensors", "--validation", held]
    actions = {
        "fit and one-step": lambda: common.unhat(*fit, "--task", "loo", "--top", 1, threads=2),
        "loss under given weights": lambda: common.unhat(*given, "--method", "loss", "--top", 1, threads=2),
    }
    rows = in_turns(actions, rounds)
    shown(rows)
    return rows


MEMORY_METHODS = ("loss", "grad-norm", "ip", "self", "wt-ip", "cg2", "rank-sum")


def memory(folder, rounds, random, fit, methods):
    x = random.standard_normal((200_000, 100))
    y = (x @ random.standard_normal((100, 10)) / 10 + random.gumbel(size=(len(x), 10))).argmax(1)
    np.save(folder / "table.npy", np.column_stack([x, y]))
    np.save(folder / "held.npy", np.column_stack([x[:2000], y[:2000]]))
    size = os.path.getsize(folder / "table.npy") / 1e6
    model = folder / "model.safetensors"
    layers = [random.standard_normal((10, 101)) / 10]
    common.write_model(model, "softmax", layers, 10, 1.0, first=1, response="x101")
    how = ["--model-file", model]
    if fit:
        how = ["--response", "x101", "--model", "softmax", "--penalty", "1", "--no-standardize"]
    found = {"table_megabytes": size}
    for method in methods:
        command = [common.UNHAT, "influence", folder / "table.npy", *how, "--validation", folder / "held.npy"]
        command += ["--method", method, "--threads", "2", "--quiet"]
        process = subprocess.Popen([str(part) for part in command], stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        if status:
            raise SystemExit(f"{method} ended with {status}")
        peak = usage.ru_maxrss * 1024 / 1e6
        found[method] = {"peak_megabytes": peak, "beyond_the_table": peak - size, "processor_seconds": usage.ru_utime}
        print(f"  {method:12} peak {peak:.0f} MB, {peak - size:.0f} MB beyond the table, {usage.ru_utime:.1f} s", flush=True)
    return found


def main():
    cases = {"whitened": whitened, "peers": peers, "logistic": logistic, "memory": memory}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("case", nargs="+", choices=[*cases])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--fit", action="store_true", help="memory: fit the model, too")
    parser.add_argument("--method", action="append", help="memory: only this one; may be repeated")
    chosen = parser.parse_args()
    for case in chosen.case:
        random = np.random.default_rng(1)
        with tempfile.TemporaryDirectory() as folder:
            print(case)
            more = {"fit": chosen.fit, "methods": chosen.method or MEMORY_METHODS} if case == "memory" else {}
            found = cases[case](pathlib.Path(folder), chosen.rounds, random, **more)
        packages = ("torch", "kronfluence") if case == "peers" else ()
        name = f"{case}_fitted" if case == "memory" and chosen.fit else case
        common.record(f"speed_{name}", {"rounds": chosen.rounds, "load_average": os.getloadavg(), "found": found}, packages)


if __name__ == "__main__":
    main()
