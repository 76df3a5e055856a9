"""Label shift: what per-person normalisation costs when a wearer's block lacks a class.

Every person in turn is the wearer. The first half of their trials gives blocks of equal length:
all classes alike, one of three classes missing, four fifths of one class, one class only (each
class in turn, averaged), and 20 s of one class. All are scored on the same rows: the second half.
"kept" is a method's gain over source-only as a share of what z2 gains on balanced blocks.

    python examples/85_label_shift.py                         # invented wearers
    python examples/85_label_shift.py eegmat ~/data/eegmat    # any data set, and where it lies
"""

import sys
from collections import defaultdict

import numpy as np
import pandas as pd

import eegtl
from eegtl.transfer import (
    MatchedBaseline,
    ShiftAwareNormalizer,
    SubjectNormalizer,
    default_classifier,
    make_transfer_pipeline,
)

QUIET = {"synthetic": "neutral", "eegmat": "rest"}  # what everybody can record for 20 s


def halves(meta, own, label):
    """Give a class's rows of one person: those of the first half of its trials, and the rest."""
    rows = own[(meta["label"].to_numpy() == label)[own]]
    sitting = meta["session"].astype(str) + " " + meta["trial"].astype(str)
    trial = sitting.to_numpy()[rows]
    names = list(dict.fromkeys(trial))
    if len(names) == 1:
        return rows[: len(rows) // 2], rows[len(rows) // 2 :]
    early = np.isin(trial, names[: len(names) // 2])
    return rows[early], rows[~early]


def spread(rows, n):
    return rows[np.unique(np.linspace(0, len(rows) - 1, n).round().astype(int))] if n else rows[:0]


def blocks(early, quiet):
    """Give (kind, rows) for each block that is made of a person's early rows, a list a class."""
    n, others = min(map(len, early)), len(early) - 1
    yield "balanced", np.concatenate([spread(rows, n // len(early)) for rows in early])
    for c, own in enumerate(early):
        few = round(0.2 * n / others)
        rest = [spread(rows, few) for k, rows in enumerate(early) if k != c]
        if others > 1:  # of two classes, one is left, which is "one class"
            even = [spread(rows, n // others) for k, rows in enumerate(early) if k != c]
            yield "missing class", np.concatenate(even)
        yield "80/20", np.concatenate([spread(own, n - few * others), *rest])
        yield "one class", own[:n]
    if quiet is not None:
        yield "20 s of one", early[quiet][:10]


def fitted(step, X, y, **about):
    return make_transfer_pipeline(step, default_classifier()).fit(X, y, **about)


def one_person(table, who, quiet_name):
    """Give the accuracies of each (kind of block, method) for one wearer."""
    X, meta = table.X, table.meta
    y, people = meta["label"].to_numpy(), meta["subject"].to_numpy()
    classes = sorted(set(y))
    quiet = classes.index(quiet_name) if quiet_name else None
    parts = [halves(meta, np.flatnonzero(people == who), label) for label in classes]
    test = np.concatenate([late for _, late in parts])
    source = people != who
    about = {"subjects": people[source]}
    baseline = np.zeros(len(X), dtype=bool)
    if quiet is not None:
        for person in set(people):
            baseline[halves(meta, np.flatnonzero(people == person), quiet_name)[0][:10]] = True
    models = {
        "source-only z0": fitted(SubjectNormalizer("z0"), X[source], y[source], **about),
        "z2": fitted(SubjectNormalizer("z2"), X[source], y[source], **about),
        "aware, mix estimated": fitted(ShiftAwareNormalizer(), X[source], y[source], **about),
    }
    if quiet is not None:
        about["rows"] = pd.DataFrame({"baseline": baseline[source]})
        for name, scale in (("matched baseline", False), ("matched baseline, scale", True)):
            step = MatchedBaseline(scale=scale)
            models[name] = fitted(step, X[source], y[source], **about)
    scores = defaultdict(list)
    for kind, block in blocks([early for early, _ in parts], quiet):
        mix = [(label, float(np.mean(y[block] == label))) for label in classes]
        given = fitted(ShiftAwareNormalizer(mix), X[source], y[source], subjects=people[source])
        for name, model in (models | {"aware, mix given": given}).items():
            if name.startswith("matched") and kind != "20 s of one":
                continue
            score = model.adapt(X[block]).score(X[test], y[test])
            scores[kind, name].append(score)
    return {key: np.mean(values) for key, values in scores.items()}


def main(name="synthetic", root=None):
    table = eegtl.FeatureExtractor(window=2.0).extract(eegtl.load(name, root=root))
    table = table.select(
        ~table.meta["settling"].to_numpy()
    )  # filters settle for 4 s, as in studies
    people = list(dict.fromkeys(table.meta["subject"]))
    results = [one_person(table, who, QUIET.get(name)) for who in people]
    print(f"{name}, {len(people)} people; accuracy in %, share of people below source-only, kept")
    methods = list(dict.fromkeys(method for _, method in results[0]))
    gain = np.mean([r["balanced", "z2"] - r["balanced", "source-only z0"] for r in results])
    for kind in dict.fromkeys(kind for kind, _ in results[0]):
        print(kind)
        plain = np.array([r[kind, "source-only z0"] for r in results])
        for method in methods:
            if (kind, method) in results[0]:
                own = np.array([r[kind, method] for r in results])
                below = np.mean(own < plain - 1e-9)
                kept = (own - plain).mean() / gain
                print(f"  {method:24s} {100 * own.mean():5.1f}  {100 * below:3.0f} %  {kept:5.2f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
