"""How often `unhat audit outputs` alarms at honest fits, and at pairs of a fit and a subgroup of its rows.

    python bench/checking/honest_fits.py TABLES [--count 1000] [--pairs 300] [--seed 1] [--squares] > bench/record/honest_fits.json

TABLES is the folder that `Rscript bench/checking/r_tables.R TABLES` writes. Needs NumPy and pandas, and the program, `UNHAT=PROGRAM`
or `target/release/unhat`. Half of the fits are on drawn tables, half on those of R. Every alarm is printed to standard error with the
attack and the number, and stands in the record.
"""

import argparse
import collections
import json
import sys

import numpy as np

from program import checked
from tables import honest, tables_of


def alarms(report):
    return [
        {"attack": f["attack"], "verdict": f["verdict"], "value": f["value"], "summary": f["summary"]}
        for f in report["findings"]
        if f["verdict"] in ("review", "fail")
    ]


def measured(args, tables, count, pairs):
    rng = np.random.default_rng(args.seed + (1000 if pairs else 0))
    counts = {True: collections.Counter(), False: collections.Counter()}
    listed, attempts, seen = [], 0, set()
    while sum(sum(c.values()) for c in counts.values()) < count:
        generated = attempts % 2 == 0 if pairs else sum(counts[True].values()) <= sum(counts[False].values())
        attempts += 1
        source, frame, formula, family = honest(rng, tables, generated, args.squares)
        if not pairs and not generated and (source, formula, family) in seen:
            continue  # of a small table there are few models
        seen.add((source, formula, family))
        second = None
        if pairs:
            alone, _ = checked(frame, formula, family)
            kept = np.flatnonzero(rng.random(len(frame)) < rng.uniform(0.3, 0.9))
            if alone is None or alone["verdict"] != "pass" or len(kept) < 40:
                continue
            other, _ = checked(frame.iloc[kept], formula, family)
            if other is None or other["verdict"] != "pass":
                continue
            second = kept
        report, error = checked(frame, formula, family, second)
        if report is None:
            print(f"no fit: {source} {formula}: {error}", file=sys.stderr)
            continue
        counts[generated][report["verdict"]] += 1
        if report["verdict"] != "pass":
            line = {
                "source": source, "formula": formula, "family": family, "rows": report["table"]["used"],
                "rank": report["model"]["rank"], "verdict": report["verdict"], "alarms": alarms(report),
            }
            if pairs:
                line["rows_of_second"] = len(second)
            listed.append(line)
            print(json.dumps(line), file=sys.stderr, flush=True)
    whole = counts[True] + counts[False]
    return {
        "generated": dict(counts[True]), "tables_of_r": dict(counts[False]),
        "fail_percent": 100 * whole["fail"] / count, "review_percent": 100 * whole["review"] / count, "alarms": listed,
    }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tables")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--pairs", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--squares", action="store_true", help="also squares of skewed columns, which do give people away")
    args = parser.parse_args()
    tables = tables_of(args.tables)
    record = {"seed": args.seed, "squares": args.squares, "tables": len(tables)}
    if args.count:
        record["single_fits"] = measured(args, tables, args.count, False)
    if args.pairs:
        record["subgroup_pairs"] = measured(args, tables, args.pairs, True)
    json.dump(record, sys.stdout, indent=1)
    print()


main()
