"""Honest fits to check: tables of incomes and of health drawn from a seed, tables of R, and models that people fit to them.

Honest means: levels and cells of fewer than ten rows are merged, there are four rows a column and thirty more, and nobody is singled
out on purpose. Half of the skewed regressors are logged, as half of the people do.
"""

import pathlib

import numpy as np
import pandas as pd

LEAST = 10  # rows of a level


def income(n, rng):
    """Incomes: log-normal with heavier tails, wealth of a Pareto's tail, rare levels, whole numbers."""
    share = np.array([1 / (i + 1.5) for i in range(9)])
    frame = pd.DataFrame({
        "age": rng.integers(18, 80, n).astype(float),
        "hours": np.clip(rng.normal(36, 10, n), 1, 80).round(),
        "education": rng.choice(list("abcde"), n, p=[0.12, 0.35, 0.28, 0.18, 0.07]),
        "region": rng.choice([f"r{i}" for i in range(12)], n, p=[0.2, 0.15, 0.12, 0.1, 0.09, 0.08, 0.07, 0.06, 0.05, 0.04, 0.025, 0.015]),
        "sex": rng.choice(["f", "m"], n),
        "occupation": rng.choice([f"o{i}" for i in range(9)], n, p=share / share.sum()),
        "union": rng.choice(["no", "yes"], n, p=[0.8, 0.2]),
        "disabled": rng.choice(["no", "yes"], n, p=[0.985, 0.015]),
        "tenure": rng.exponential(8, n).round(1),
        "wealth": rng.lognormal(10, 1.2, n),
        "savings": (1000 * rng.pareto(2.5, n)).round(),
        "children": rng.poisson(0.9, n).astype(float),
    })
    steps = frame.education.map({"a": 0, "b": 0.1, "c": 0.25, "d": 0.5, "e": 0.8}).astype(float)
    log = 8 + 0.03 * frame.age - 0.0003 * frame.age**2 + 0.01 * frame.hours + steps + 0.15 * (frame.sex == "m") + 0.02 * frame.tenure
    frame["log_income"] = log + 0.4 * rng.standard_t(5, n)
    frame["income"] = np.exp(frame.log_income).round()
    frame["owner"] = (rng.random(n) < 1 / (1 + np.exp(9.6 - frame.log_income))).astype(float)
    return frame


def health(n, rng):
    """Costs of illness: skewed, with sites of unequal size and rare diagnoses."""
    frame = pd.DataFrame({
        "age": rng.integers(40, 90, n).astype(float),
        "bmi": rng.gamma(30, 0.9, n),
        "sex": rng.choice(["f", "m"], n),
        "smoker": rng.choice(["never", "ex", "now"], n, p=[0.55, 0.28, 0.17]),
        "diabetes": rng.choice(["no", "yes"], n, p=[0.9, 0.1]),
        "rare": rng.choice(["no", "yes"], n, p=[0.98, 0.02]),
        "site": rng.choice([f"s{i}" for i in range(8)], n, p=[0.3, 0.2, 0.15, 0.12, 0.09, 0.07, 0.05, 0.02]),
        "visits": rng.poisson(3, n).astype(float),
        "creatinine": rng.lognormal(0, 0.35, n),
        "crp": rng.lognormal(0.5, 1.1, n).round(1) + 0.1,
    })
    frame["pressure"] = 105 + 0.4 * frame.age + 0.5 * frame.bmi + 5 * (frame.sex == "m") + rng.normal(0, 15, n)
    frame["cost"] = np.exp(6 + 0.02 * frame.age + 0.6 * (frame.diabetes == "yes") + rng.normal(0, 1, n)).round(2)
    frame["log_cost"] = np.log(frame.cost)
    frame["died"] = (rng.random(n) < 1 / (1 + np.exp(7 - 0.07 * frame.age - 0.5 * (frame.smoker == "now")))).astype(float)
    return frame


IDENTITIES = {"id", "pid", "rownames", "seqno", "subject", "patient", "case.id", "clinic", "inst"}


def tables_of(folder):
    """The tables of `r_tables.R` that have forty complete rows, without columns that are mostly missing or number the rows."""
    found = {}
    for path in sorted(pathlib.Path(folder).glob("*.csv")):
        frame = pd.read_csv(path)
        frame = frame.dropna(axis=1, thresh=int(0.7 * len(frame))).dropna().reset_index(drop=True)
        frame = frame.drop(columns=[c for c in frame if c.lower() in IDENTITIES])
        if len(frame) >= 40:
            found[path.stem] = frame
    return found


def is_number(column):
    return column.dtype.kind in "fi" and column.nunique() > 8


def merged(column):
    """A factor whose levels below ten rows are joined, by one another and, if that is not enough, with the commonest."""
    column = column.astype(str)
    counts = column.value_counts()
    column = column.where(~column.isin(counts[counts < LEAST].index), "other")
    counts = column.value_counts()
    return column.replace("other", counts.index[0]) if counts.min() < LEAST else column


def honest(rng, tables, generated, squares=False):
    """(source, frame, formula, family): one model on one table. `squares`: also squares of skewed columns."""
    while True:
        if generated:
            n = int(np.exp(rng.uniform(np.log(80), np.log(20000))))
            frame, source = (income if rng.random() < 0.5 else health)(n, rng), "generated"
        else:
            source = list(tables)[rng.integers(len(tables))]
            frame = tables[source]
        model = drawn(frame, rng, squares)
        if model is not None:
            return (source, *model)


def drawn(frame, rng, squares):
    numbers = [c for c in frame if is_number(frame[c])]
    factors = [c for c in frame if c not in numbers and 2 <= frame[c].nunique() <= 15 and merged(frame[c]).nunique() > 1]
    outcomes = [c for c in frame if frame[c].nunique() == 2 and frame[c].dtype.kind in "fi" and frame[c].value_counts().min() >= 30]
    family = "binomial" if outcomes and rng.random() < 0.3 else "linear"
    choice = outcomes if family == "binomial" else numbers
    if not choice:
        return None
    response = choice[rng.integers(len(choice))]
    same = response.replace("log_", "")
    rest = [c for c in numbers + factors if c != response and c.replace("log_", "") != same]
    if not rest:
        return None
    taken = list(rng.choice(rest, min(len(rest), rng.integers(1, 8)), replace=False))
    out, terms, width = pd.DataFrame(), [], 1
    for c in taken:
        if c in numbers:
            out[c] = frame[c]
            skewed = abs(frame[c].skew()) > 2
            terms.append(f"log({c})" if frame[c].min() > 0 and skewed and rng.random() < 0.5 else c)
            width += 1
            if rng.random() < 0.15 and (squares or not skewed):
                terms.append(f"I({c}^2)")
                width += 1
        else:
            out[c] = merged(frame[c]).map(lambda level: f"l{level}")
            terms.append(c)
            width += out[c].nunique() - 1
    fs, ns = [c for c in taken if c in factors], [c for c in taken if c in numbers]
    if rng.random() < 0.3 and len(fs) >= 2 and pd.crosstab(out[fs[0]], out[fs[1]]).to_numpy().min() >= LEAST:
        terms.append(f"{fs[0]}:{fs[1]}")
        width += (out[fs[0]].nunique() - 1) * (out[fs[1]].nunique() - 1)
    elif rng.random() < 0.3 and fs and ns:
        terms.append(f"{fs[0]}:{ns[0]}")
        width += out[fs[0]].nunique() - 1
    if len(frame) < 4 * width + 30:
        return None
    y = frame[response].astype(float)
    out[response] = (y == y.max()).astype(int) if family == "binomial" else y
    return out, f"{response} ~ {' + '.join(terms)}", family
