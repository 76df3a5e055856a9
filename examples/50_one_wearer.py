"""One wearer: train on others, adapt to her unlabelled windows, predict."""

import eegtl
from eegtl.transfer import TCA, SubjectNormalizer, default_classifier, make_transfer_pipeline

table = eegtl.FeatureExtractor(window=2.0).extract(eegtl.load("synthetic"))
me = (table.meta["subject"] == "w01").to_numpy()
mine, others = table.select(me), table.select(~me)

for name, steps in {
    "no normalisation": [],
    "z2": [SubjectNormalizer("z2")],
    "z2 + TCA": [SubjectNormalizer("z2"), TCA(20)],
}.items():
    model = make_transfer_pipeline(*steps, default_classifier())
    model.fit(others.X, others.meta["label"], subjects=others.meta["subject"])
    before = model.score(mine.X, mine.meta["label"])
    model.adapt(mine.X)  # no labels of hers
    after = model.score(mine.X, mine.meta["label"])
    print(
        f"{name:18s} before adapt {before:.2f}, after {after:.2f}; consumed: {model.information_}"
    )
