"""A study: every person is the wearer once; a report that can be attached to a paper."""

from pathlib import Path

import eegtl
from eegtl.report import write_report

people = eegtl.load("synthetic", subjects=["w01", "w02", "w03", "w04", "w05", "w06"])
table = eegtl.FeatureExtractor(window=5.0).extract(people)
study = eegtl.run_study(
    table, methods=["tca"], n_shuffles=10, out="runs/example", if_exists="overwrite"
)
print(study)
print(f"chance: {study.chance['low']:.2f} to {study.chance['high']:.2f}")

worst = study.distances.query("distance == 'mean_gap'").sort_values("value").iloc[-1]
print(f"farthest from the others: {worst['subject']} ({worst['normalization']})")
print(write_report(study, Path("runs/example/report.html")))

# All of it is in results.sqlite: read it again, or go on after a crash with if_exists="resume".
again = type(study).load("runs/example")
print(again.table.equals(study.table))
