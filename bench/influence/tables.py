"""Fills the tables of docs/influence-measured.md from the records: what stands between <!-- table NAME --> and <!-- end -->.

    python3 bench/influence/tables.py

Needs nothing but Python.
"""

import json
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/influence-measured.md"


def record(name):
    path = ROOT / f"bench/record/influence_{name}.json"
    return json.loads(path.read_text()) if path.exists() else None


def table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|" + " --- |" * len(header)]
    return "\n".join(lines + ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows])


def pair(value):
    if value is None:
        return "—"
    few = f" ({value[2]} of 10 seeds)" if len(value) > 2 and value[2] < 10 else ""
    return f"{value[0]:.3f} ± {value[1]:.3f}{few}"


def identities():
    rows = []
    for name in ("identities", "identities_pydvl"):
        for row in (record(name) or {"rows": []})["rows"]:
            difference = f"{row['largest_relative_difference']:.0e}"
            rows.append((row["identity"], row["on"], f"{row['spearman']:.6f}", difference))
    return table(("identity", "on", "Spearman", "largest difference / largest score"), rows)


def leave_one_out():
    rows = []
    for one in record("leave_one_out")["sets"]:
        for method, s in one["summary"].items():
            error = s["median_relative_error"]
            error = "—" if error is None or method == "ip" else f"{100 * error:.2f} %"
            rows.append((one["set"], f"`{method}`", f"{s['median']:.4f}", f"{s['worst']:.4f}", error))
    return table(("set, seeds: 5", "score", "median Spearman", "worst seed", "median relative error"), rows)


NOISE = {
    "loss": "loss",
    "loss, mean of 7 checkpoints": "loss, 7 checkpoints",
    "grad-norm": "‖g‖",
    "ip": "`ip`",
    "wt-ip": "`wt-ip`",
    "cg2": "`cg2`",
    "default": "default (rank sum)",
    "kronfluence ekfac": "EK-FAC, default",
    "kronfluence ekfac, damping 0.1 × mean": "EK-FAC, heuristic damping",
}


def noise():
    rows = []
    for one in record("noise")["sets"]:
        means = one["mean_and_deviation"]
        accuracy = sum(run["train_accuracy"] for run in one["runs"]) / len(one["runs"])
        rows.append((one["set"], f"{accuracy:.2f}", *(pair(means.get(key)) for key in NOISE)))
    return table(("set, 10 seeds", "training accuracy", *NOISE.values()), rows)


def noise_verdicts():
    rows = []
    for one in record("noise")["sets"]:
        runs, means = one["runs"], one["mean_and_deviation"]

        def against(ours, theirs):
            pairs = [(run["auc"].get(ours), run["auc"].get(theirs)) for run in runs]
            pairs = [(a, b) for a, b in pairs if a is not None and b is not None]
            if not pairs:
                return "not measured"
            lead = sum(a - b for a, b in pairs) / len(pairs)
            return f"{lead:+.3f}, {sum(a > b for a, b in pairs)} of {len(pairs)}"

        influence = "cg2" if "cg2" in means else "wt-ip"
        rows.append(
            (
                one["set"],
                against("wt-ip", "kronfluence ekfac"),
                against(influence, "kronfluence ekfac, damping 0.1 × mean"),
                against("default", "loss"),
                against("default", "loss, mean of 7 checkpoints"),
            )
        )
    header = ("set", "`wt-ip` − EK-FAC, wins", "`wt-ip` (wide: `cg2`) − EK-FAC with heuristic damping", "rank sum − loss")
    return table((*header, "rank sum − loss over checkpoints"), rows)


def trim():
    found = record("trim")["sets"]
    names = []
    for one in found:
        names += [name for name in one["mean_and_deviation"] if name not in names]
    first = [n for n in ("none", "V added to training", "random", "loss") if n in names]
    last = [n for n in ("oracle",) if n in names]
    order = first + [n for n in names if n not in first + last] + last
    rows = [(f"`{n}`" if n in ("ip", "wt-ip", "cg2") else n, *(pair(one["mean_and_deviation"].get(n)) for one in found)) for n in order]
    return table(("trim", *(f"{one['set']}, {100 * one['share']:.0f} % trimmed" for one in found)), rows)


def fairness():
    rows = []
    for one in record("fairness")["sets"]:
        for trim in ("none", "random 10 %", "ip", "pcg:2", "exact", "reweighing", "V added"):
            m = one["medians"][trim]
            values = ("—" if m[k] is None else f"{m[k]:+.3f}" for k in ("f_on_v", "f_on_test"))
            name = f"`{trim}`" if trim in ("ip", "pcg:2", "exact") else trim
            rows.append((one["set"], name, f"{m['hard_gap']:.3f}", f"{m['test_accuracy']:.3f}", f"{m['removed']:.0f}", *values))
    return table(("set, impact", "trim", "gap of decisions, test", "test accuracy", "rows removed", "f on V", "f on test"), rows)


TABLES = {
    "identities": identities,
    "leave-one-out": leave_one_out,
    "noise": noise,
    "noise-verdicts": noise_verdicts,
    "trim": trim,
    "fairness": fairness,
}


def main():
    page = PAGE.read_text()
    for name, make in TABLES.items():
        pattern = re.compile(rf"(<!-- table {name} -->\n).*?(<!-- end -->)", re.S)
        page = pattern.sub(lambda m: f"{m[1]}{make()}\n{m[2]}", page)
    PAGE.write_text(page)


if __name__ == "__main__":
    main()
