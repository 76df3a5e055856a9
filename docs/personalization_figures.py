"""What calibration brings on eegmat, everything nested: the figures of docs/personalization.md.

    python docs/personalization_figures.py ROOT minute|whole TABLE.csv [FIGURE.svg]

ROOT is the folder of eegmat. Each person in turn is the wearer; choice, guard and intervals come
from the others alone, among whom each plays the wearer once more. ``minute`` uses a minute of rest
and of arithmetic, as studies do; ``whole`` all three minutes of rest, so that a minute of rest
leaves rest to be scored.
"""

from __future__ import annotations

import sys
import warnings

import numpy as np
import pandas as pd

import eegtl
from eegtl.personalize import calibration, make_plan
from eegtl.personalize.candidates import SAFE, adapt_to, named_candidates
from eegtl.personalize.prepare import with_baseline
from eegtl.personalize.profile import Profile
from eegtl.personalize.trial_blocks import person_blocks
from eegtl.recordings.recording import Recording

LENGTHS = (10.0, 20.0, 30.0, 60.0)
WINDOW = 2.0


def whole_recordings(root: str) -> list[Recording]:
    """Give the recordings with their trials lasting to the end."""
    out = []
    for recording in eegtl.load("eegmat", root=root):
        seconds = recording.raw.n_times / recording.sfreq
        trials = recording.trials.assign(duration=seconds - recording.trials["onset"])
        out.append(
            Recording(
                recording.raw,
                subject=recording.subject,
                session=recording.session,
                trials=trials,
                dataset=recording.dataset,
                file=recording.file,
                passband=recording.passband,
            )
        )
    return out


def recall(y: np.ndarray, predicted: np.ndarray) -> float:
    """Give the mean of the classes' shares that were found."""
    return float(np.mean([np.mean(predicted[y == label] == label) for label in np.unique(y)]))


def main(root: str, part: str, out: str, figure: str | None = None) -> None:
    """Measure, print, draw."""
    warnings.simplefilter("ignore")
    extractor = eegtl.FeatureExtractor(window=WINDOW)
    whole = part == "whole"
    recordings = whole_recordings(root) if whole else list(eegtl.load("eegmat", root=root))
    table = extractor.extract(recordings)
    used = (~table.meta["settling"] & table.meta["label"].notna()).to_numpy()
    X, meta = table.X[used], table.meta[used].reset_index(drop=True)
    meta = with_baseline(meta, "rest", WINDOW)
    y, who = np.asarray(meta["label"].tolist()), meta["subject"].to_numpy()
    classes = np.unique(y).tolist()
    lines = []
    for wearer in dict.fromkeys(who.tolist()):
        others = who != wearer
        plan, models = make_plan(
            X[others],
            meta[others].reset_index(drop=True),
            WINDOW,
            named_candidates(baseline=True),
            LENGTHS,
        )
        kept = {name: models[name] for name in plan.worth_keeping()}
        laid = person_blocks(meta, np.flatnonzero(~others), WINDOW, LENGTHS, classes)
        base = Profile(
            models[SAFE],
            extractor,
            500.0,
            tuple(recordings[0].ch_names),
            None,
            X[others].mean(axis=0),
            X[others].std(axis=0),
            plan=plan,
        )
        test = laid.test
        for (kind, seconds), block in laid.blocks.items():
            scores = {}
            for name, model in models.items():
                i = plan.names.index(name)
                if plan.sees[i] == "baseline" and kind != "only rest":
                    continue
                if plan.sees[i] == "labelled":
                    continue  # each class is one trial: nothing untouched is left to be scored
                shares = [float(np.mean(y[block] == label)) for label in classes]
                adapt_to(model, plan.sees[i], X[block], y[block], shares)
                scores[name] = recall(y[test], model.predict(X[test]))
            made = calibration._with_day(base, kept, X[block], None, "today", kind, {})
            entry = made.history[-1]
            gains = plan.gains(
                plan.place(seconds, kind), labelled=False, kind=kind, among=tuple(kept)
            )
            best = max(gains, key=lambda name: np.nanmean(gains[name]))
            chosen = recall(y[test], made.model.predict(X[test]))
            expected = entry["expected"]
            lines.append(
                {
                    "wearer": wearer,
                    "kind": kind,
                    "seconds": seconds,
                    **scores,
                    "chosen": chosen,
                    "unguarded": scores[best],
                    "guarded": entry["guarded"],
                    "held back": entry["candidate"] == SAFE != best,
                    "candidate": entry["candidate"],
                    "inside": expected["low"] <= chosen <= expected["high"],
                    "expected": expected["mean"],
                    "covered": expected["coverage"],
                }
            )
        print(f"{wearer} done", flush=True)
    found = pd.DataFrame(lines)
    found.to_csv(out, index=False)
    tell(found)
    if figure is not None:
        draw(found, figure)


def tell(found: pd.DataFrame) -> None:
    """Print the tables."""
    methods = [c for c in (*named_names(), "chosen") if c in found]
    percent = found.assign(**{m: 100 * found[m] for m in methods})
    print(percent.groupby(["kind", "seconds"])[methods].mean().round(1).to_string())
    print("choice: share inside the 80 % interval, mean expected and found, guard, harmed")
    rows = []
    for (kind, seconds), own in found.groupby(["kind", "seconds"]):
        rows.append(
            {
                "kind": kind,
                "seconds": seconds,
                "n": len(own),
                "inside": own["inside"].mean(),
                "said to hold": own["covered"].mean(),
                "expected": own["expected"].mean(),
                "found": own["chosen"].mean(),
                "unguarded": own["unguarded"].mean(),
                "signs": own["guarded"].mean(),
                "held back": own["held back"].mean(),
                "harmed": (own["chosen"] < own[SAFE] - 1e-9).mean(),
                "harmed unguarded": (own["unguarded"] < own[SAFE] - 1e-9).mean(),
                "candidates": ", ".join(
                    f"{name} {n}x" for name, n in own["candidate"].value_counts().items()
                ),
            }
        )
    print(pd.DataFrame(rows).round(3).to_string())


def named_names() -> list[str]:
    """List the candidates."""
    return [one.name for one in named_candidates(baseline=True)]


def draw(found: pd.DataFrame, path: str) -> None:
    """Draw the curves of the balanced and the chronological block side by side."""
    from scipy import stats

    from eegtl.report.figures.canvas import (
        CLASS_COLOURS,
        CLASS_MARKERS,
        FAINT,
        label,
        legend,
        new_figure,
        plain_axes,
    )
    from eegtl.report.figures.files import save_figure

    figure = new_figure(9.2, 4.2)
    panels = figure.subplots(1, 2, sharey=True)
    shown = [SAFE, "z2", "shift-aware", "mix known", "chosen"]
    titles = {"balanced": "balanced by design", "first": "chronological (rest only)"}
    for axes, (kind, title) in zip(panels, titles.items(), strict=True):
        plain_axes(axes, grid="y")
        own = found[found["kind"] == kind]
        durations = sorted(own["seconds"].unique())
        for place, name in enumerate(shown):
            groups = [100 * own[own["seconds"] == s][name].to_numpy() for s in durations]
            mean = [g.mean() for g in groups]
            half = [
                stats.t.ppf(0.975, len(g) - 1) * g.std(ddof=1) / np.sqrt(len(g)) for g in groups
            ]
            x = np.array(durations) + 0.6 * (place - 2)
            colour = CLASS_COLOURS[place]
            axes.vlines(x, np.subtract(mean, half), np.add(mean, half), color=colour, alpha=0.5)
            axes.plot(x, mean, color=colour, marker=CLASS_MARKERS[place], label=name, zorder=3)
        axes.axhline(50, color=FAINT, linestyle="--", linewidth=1)
        axes.set_xticks(durations)
        label(axes, x="seconds of calibration, no labels", title=title)
    label(panels[0], y="balanced accuracy of a new person, %")
    handles = panels[0].get_legend_handles_labels()[0]
    legend(figure, handles, loc="outside upper left", ncols=5)
    save_figure(figure, path)


if __name__ == "__main__":
    main(*sys.argv[1:])
