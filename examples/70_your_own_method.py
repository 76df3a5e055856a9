"""Your own method beside ours, held to the same rules."""

import numpy as np

import eegtl
from eegtl.testing import check_transfer_estimator
from eegtl.transfer import default_classifier, make_transfer_pipeline
from eegtl.transfer.base import Aligner


class MeanShift(Aligner):
    """Subtract each domain's mean.

    Consumes: the unlabelled target rows.
    Before adapt: the target is taken to have the sources' mean.
    Memory: two vectors; no rows.
    """

    def _fit_source(self, X, y, subjects, rows):
        self.source_mean_ = X.mean(axis=0)

    def _forget_target(self):
        self.target_mean_ = self.source_mean_

    def _adapt_target(self, target):
        self.target_mean_ = target.X.mean(axis=0)
        return "unlabelled"

    def _transform(self, X):
        return X - self.target_mean_

    def _transform_source(self, X, subjects):
        return X - self.source_mean_


check_transfer_estimator(MeanShift())  # raises ContractError where a rule is broken
print("MeanShift keeps the contract")

people = eegtl.load("synthetic", subjects=["w01", "w02", "w03", "w04"])
table = eegtl.FeatureExtractor(window=5.0).extract(people)
mine = make_transfer_pipeline(MeanShift(), default_classifier())
study = eegtl.run_study(table, methods={"mean shift": mine}, n_shuffles=0)
print(study.table[["method", "normalization", "information", "accuracy_mean"]].to_string())
assert np.isfinite(study.table["accuracy_mean"]).all()
