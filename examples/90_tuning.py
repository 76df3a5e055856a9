"""Tuning without the target's labels: each source person plays the wearer."""

import eegtl
from eegtl.evaluation.tuning import search
from eegtl.transfer import TCA, SubjectNormalizer, default_classifier, make_transfer_pipeline

table = eegtl.FeatureExtractor(window=10.0).extract(eegtl.load("synthetic"))
me = (table.meta["subject"] == "w01").to_numpy()
others = table.select(~me)
pipeline = make_transfer_pipeline(
    SubjectNormalizer("z2"), TCA(kernel="linear"), default_classifier()
)
found = search(
    pipeline,
    {"tca__n_components": [5, 10, 20, 40]},
    others.X,
    others.meta["label"],
    others.meta["subject"],
)
print(found.scores.to_string())
print(f"best of {found.n_configurations}: {found.best_params}")
