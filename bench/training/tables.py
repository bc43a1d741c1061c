"""Fills the tables of docs/natural-gradient.md from the records, and draws docs/natural-gradient.svg.

    python3 bench/training/tables.py

What stands between <!-- table NAME --> and <!-- end --> is replaced. Needs nothing but Python.
"""

import json
import math
import pathlib
import re
import statistics

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/natural-gradient.md"
PLOT = ROOT / "docs/natural-gradient.svg"
BASELINES = ("sgd", "nesterov", "adamw")
METRICS = ("fngd-metric adamw", "fngd-metric nesterov")


def parts(name):
    path = ROOT / f"bench/record/training_{name}.json"
    return json.loads(path.read_text())["parts"] if path.exists() else {}


def table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|" + " --- |" * len(header)]
    return "\n".join(lines + ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows])


def ranged(value, among, form):
    if among is None:
        return "—"
    middle = "—" if value is None else form(value)
    return f"{middle} [{form(among[0])}–{form(among[1])}]"


def steps(value):
    return f"{value:.0f}"


def ms(value):
    return f"{1e3 * value:.0f}"


def accuracy(value):
    return f"{value:.4f}".lstrip("0") if value is not None else "—"


def optimisers():
    blocks = []
    for task, part in parts("optimisers").items():
        rows = []
        for row in part["rules"]:
            main, easy = row["reached"]
            failed = sum(run["status"] != "solved" for run in row["runs"])
            by = f"{main['reached_by']} of {main['of']}" + (f", {failed} diverged" if failed else "")
            rows.append(
                (
                    f"`{row['rule']}`",
                    f"{row['rate']:g}",
                    by,
                    ranged(main["step"], main["step_range"], steps),
                    ranged(main["seconds"], main["seconds_range"], ms),
                    ranged(main["test_accuracy"], main["test_accuracy_range"], accuracy),
                    accuracy(row["end_test_accuracy"]),
                    ranged(easy["step"], easy["step_range"], steps),
                )
            )
        hard, easy = part["losses"]
        header = ("rule", "rate", f"seeds that reach {hard:g}", "steps", "ms", "test accuracy there")
        header = (*header, f"after all {part['epochs']} epochs", f"steps to {easy:g}")
        blocks.append(f"**{task}**\n\n{table(header, rows)}")
    return "\n\n".join(blocks)


def best_baseline(rules, key):
    reached = [rule for rule in BASELINES if rules[rule]["reached"][0][key] is not None]
    return min(reached, key=lambda rule: rules[rule]["reached"][0][key])


def verdicts():
    rows = []
    for task, part in parts("optimisers").items():
        rules = {row["rule"]: row for row in part["rules"]}
        baseline = best_baseline(rules, "seconds")
        base = rules[baseline]["reached"][0]
        for metric in METRICS:
            own = rules[metric]["reached"][0]
            if own["step"] is None:
                rows.append((task, f"`{metric}`", f"`{baseline}`", "not reached", "—", "—", "no"))
                continue
            ratio = own["seconds"] / base["seconds"]
            pairs = zip(rules[metric]["runs"], rules[baseline]["runs"])
            pairs = [(a["reached"][0], b["reached"][0]) for a, b in pairs]
            paired = [a["seconds"] / b["seconds"] for a, b in pairs if a["seconds"] and b["seconds"]]
            # the lowest seed of the baseline is what "worse than the seeds' spread" is measured by
            within = own["test_accuracy"] >= base["test_accuracy_range"][0]
            failed = sum(run["status"] != "solved" for run in rules[metric]["runs"])
            reached = "yes" if ratio <= 0.8 and within else "no"
            rows.append(
                (
                    task,
                    f"`{metric}`",
                    f"`{baseline}`",
                    f"{own['step'] / base['step']:.2f}",
                    f"**{ratio:.2f}** [{min(paired):.2f}–{max(paired):.2f}]",
                    f"{own['test_accuracy'] - base['test_accuracy']:+.4f}, {'within' if within else 'below'} the spread",
                    reached + (f" ({failed} of {len(rules[metric]['runs'])} seeds diverge)" if failed else ""),
                )
            )
    header = ("task", "rule", "best of SGD, Nesterov, AdamW", "steps", "time [by seed]", "test accuracy", "≤ 0.8, accuracy kept")
    return table(header, rows)


def number(value):
    return "diverged" if value is None else f"{value:.3g}"


def against_itself(runs, name, median):
    """The median, and in how many of the seeds a control has the larger loss."""
    own = "as it is"
    if name == own:
        return number(median)
    worse = sum(run["losses"][name] is None or (run["losses"][own] or math.inf) < run["losses"][name] for run in runs)
    return f"{number(median)} (worse in {worse} of {len(runs)})"


def controls():
    blocks = []
    for rule in ("fngd by_id", "fngd-metric adamw"):
        rows, header = [], None
        for task, part in parts("controls").items():
            row = next(row for row in part["rules"] if row["rule"] == rule)
            header = header or [f"`{rule}`: loss after equally many steps", *row["median"]]
            cells = [f"{task}, epoch {row['epochs']}", *(against_itself(row["runs"], name, v) for name, v in row["median"].items())]
            if row["correlation"] or rule.startswith("fngd "):
                told = list(row["correlation"].items())
                cells.append("—" if not told else ", ".join(f"{told[k][1]:.2f} ({told[k][0]})" for k in sorted({0, len(told) // 2, len(told) - 1})))
            rows.append(cells)
        if rows:
            header += ["stored with fresh coefficients: correlation (epoch)"] * (len(rows[0]) - len(header))
            blocks.append(table(header, rows))
    return "\n\n".join(blocks)


def alpha():
    rows = []
    for task, part in parts("alpha").items():
        for row in part["alphas"]:
            m = row["median"]
            loss = "—" if m["loss_there"] is None else f"{m['loss_there']:.3f}"
            step = "—" if m["step"] is None else f"{m['step']:.0f}"
            cells = [task, f"{row['alpha']:g}", f"{row['rate']:g}", step, accuracy(m["accuracy_there"]), loss]
            rows.append([*cells, f"{m['smallest_loss']:.3f}", accuracy(m["accuracy_at_smallest_loss"])])
    header = ("task", "α", "rate", "steps", "accuracy there", "loss there", "smallest loss of all steps", "accuracy at it")
    return table(header, rows)


def step_cost():
    rows = []
    for name, part in parts("step_cost").items():
        for row in part["rules"]:
            if row["rule"] == row["beside"]:
                continue
            least, middle = row["minimum"], row["median"]
            wanted = {"fngd by_id": "≤ 1.10", "fngd-metric adamw": "≤ 1.15"}.get(row["rule"], "") if name.startswith("width") else ""
            ratio = f"{least['ratio']:.2f}, {middle['ratio']:.2f}"
            first = f"{least['first_epoch_ratio']:.2f}"
            cells = [part["width"], part["batch"], f"`{row['rule']}`", f"`{row['beside']}`", f"{least['ms']:.2f}", ratio, first]
            rows.append([*cells, wanted])
    header = ("width", "batch", "rule", "over", "ms", "ratio: of minima, of medians", "in the first epoch", "wanted")
    return table(header, rows)


# ---- the plot ------------------------------------------------------------------------------------------------------

COLOURS = {
    "sgd": "#999999",
    "nesterov": "#555555",
    "adamw": "#4477aa",
    "kfac 10/10": "#ccbb44",
    "ngd": "#aa3377",
    "fngd by_id": "#ee6677",
    "fngd layer_mean": "#ee9988",
    "fngd-metric adamw": "#228833",
    "fngd-metric nesterov": "#66ccaa",
}
WIDTH, HEIGHT, LEFT, TOP, GAP = 300, 260, 56, 40, 60
LARGEST = 10.0


def median_curve(runs):
    """Median loss over the seeds at every step; a run that diverged counts as the largest loss from there on."""
    at = {}
    longest = max((run["curve"] for run in runs), key=len)
    for k, (step, _) in enumerate(longest):
        values = []
        for run in runs:
            loss = run["curve"][k][1] if k < len(run["curve"]) else None
            values.append(LARGEST if loss is None else loss)
        at[step] = statistics.median(values)
    return at


def panel(task, part, left):
    hard = part["losses"][0]
    low, high = math.log10(hard / (5 if hard < 0.1 else 3)), math.log10(4 if hard < 0.1 else 0.8)
    last = 240 if hard < 0.1 else 1280
    x = lambda step: left + WIDTH * step / last  # noqa: E731
    y = lambda loss: TOP + HEIGHT * (high - math.log10(loss)) / (high - low)  # noqa: E731
    lines = [
        f"<rect x='{left}' y='{TOP}' width='{WIDTH}' height='{HEIGHT}' fill='none' stroke='#888'/>",
        f"<text x='{left + WIDTH / 2}' y='{TOP - 14}' text-anchor='middle' font-size='14'>{task}</text>",
        f"<text x='{left + WIDTH / 2}' y='{TOP + HEIGHT + 36}' text-anchor='middle'>steps</text>",
        f"<line x1='{left}' x2='{left + WIDTH}' y1='{y(hard):.1f}' y2='{y(hard):.1f}' stroke='#888' stroke-dasharray='4 3'/>",
    ]
    for k in range(5):
        lines.append(f"<text x='{x(last * k / 4):.1f}' y='{TOP + HEIGHT + 18}' text-anchor='middle'>{last * k // 4}</text>")
    for tick in [v * 10.0**e for e in range(-3, 1) for v in (1, 3)] if hard < 0.1 else (0.1, 0.2, 0.28, 0.4, 0.6):
        if low <= math.log10(tick) <= high:
            lines.append(f"<text x='{left - 6}' y='{y(tick) + 4:.1f}' text-anchor='end'>{tick:g}</text>")
    for row in part["rules"]:
        colour = COLOURS.get(row["rule"])
        if not colour:
            continue
        inside = []
        for step, loss in median_curve(row["runs"]).items():
            inside.append(f"{x(step):.1f},{min(max(y(loss), TOP), TOP + HEIGHT):.1f}")
            # what goes on below the frame is not drawn
            if step >= last or math.log10(loss) < low:
                break
        wide = 2.4 if row["rule"].startswith("fngd-metric") else 1.4
        lines.append(f"<polyline points='{' '.join(inside)}' fill='none' stroke='{colour}' stroke-width='{wide}'/>")
    return lines


def draw():
    found = parts("optimisers")
    whole = LEFT + len(found) * (WIDTH + GAP), TOP + HEIGHT + 84
    lines = [
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{whole[0]}' height='{whole[1]}' viewBox='0 0 {whole[0]} {whole[1]}' "
        "font-family='sans-serif' font-size='12'>",
        f"<title>Training loss against steps, median of the seeds, {', '.join(found)}</title>",
        f"<rect width='{whole[0]}' height='{whole[1]}' fill='white'/>",
    ]
    for k, (task, part) in enumerate(found.items()):
        lines += panel(task, part, LEFT + k * (WIDTH + GAP))
    at = LEFT
    for rule, colour in COLOURS.items():
        y = TOP + HEIGHT + 64
        lines.append(f"<line x1='{at}' x2='{at + 18}' y1='{y - 4}' y2='{y - 4}' stroke='{colour}' stroke-width='3'/>")
        lines.append(f"<text x='{at + 22}' y='{y}'>{rule}</text>")
        at += 40 + 6.4 * len(rule)
    PLOT.write_text("\n".join([*lines, "</svg>"]) + "\n")


def main():
    page = PAGE.read_text()
    for name in re.findall(r"<!-- table (\S+) -->", page):
        filled = globals()[name.replace("-", "_")]()
        page = re.sub(rf"(<!-- table {name} -->\n).*?(<!-- end -->)", lambda m: m[1] + filled + "\n" + m[2], page, flags=re.S)
    PAGE.write_text(page)
    draw()
    print(f"filled: {PAGE.relative_to(ROOT)}, {PLOT.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
