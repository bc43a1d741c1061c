"""A noisy text set as bags of words, generated: no package was found that carries a text set under a clear licence.

    .venv/bin/python bench/influence/text_set.py TEXT.csv [--seed 0] [--rate .3]

Every word distribution is a draw of its own: WORDS words with Zipf frequencies, TOPICS topics that favour words at random,
CLASSES classes that favour topics. A document mixes topics of its class, drawn for it, with the background and holds about
LENGTH words. Cells are counts. The column `class` holds the label after the noise, `bad` is 1 where it was exchanged.
"""

import argparse

import common
import numpy as np

WORDS, TOPICS, CLASSES, LENGTH = 400, 12, 4, 40
# Weight of the background in each document, and how evenly a class favours the topics (smaller: fewer topics). Choices: a
# hard set, on which a softmax regression of 700 rows without their bad labels is right in about two documents of three.
BACKGROUND, TOPIC_SKEW = 0.6, 0.4


def documents(count, seed):
    """Counts (count × WORDS) and classes."""
    language = np.random.default_rng([seed, 1])
    zipf = 1.0 / np.arange(1, WORDS + 1)
    background = zipf / zipf.sum()
    topics = language.dirichlet(np.full(WORDS, 0.1), TOPICS)
    favour = language.dirichlet(np.full(TOPICS, TOPIC_SKEW), CLASSES)
    random = np.random.default_rng([seed, 2])
    y = random.integers(0, CLASSES, count)
    x = np.empty((count, WORDS))
    for i, label in enumerate(y):
        mixture = random.dirichlet(5.0 * favour[label] + 0.02)
        words = BACKGROUND * background + (1 - BACKGROUND) * mixture @ topics
        x[i] = random.multinomial(random.poisson(LENGTH) + 1, words / words.sum())
    return x, y


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("path")
    parser.add_argument("--rows", type=int, default=700)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rate", type=float, default=0.3)
    chosen = parser.parse_args()
    x, y = documents(chosen.rows, chosen.seed)
    labels, bad = common.flipped(y, CLASSES, chosen.rate, np.random.default_rng([chosen.seed, 3]))
    common.write_numbers(chosen.path, x, labels, response="class", extra={"bad": bad.astype(int)})
