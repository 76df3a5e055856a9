"""Optimal transport as a step of your own: the solver is POT's, the contract is ours."""

import numpy as np
from sklearn.metrics import pairwise_distances_argmin

import eegtl
from eegtl.testing import check_transfer_estimator
from eegtl.transfer import TCA, SubjectNormalizer, default_classifier, make_transfer_pipeline
from eegtl.transfer.base import Aligner

try:
    import ot
except ImportError:
    print("left out: it needs POT; install it with: pip install 'eegtl[ot]'")
    raise SystemExit(0) from None


class OptimalTransport(Aligner):
    """Move the source rows onto the wearer's (Courty, Flamary, Tuia and Rakotomamonjy 2017).

    Consumes: the unlabelled target rows.
    Before adapt: nothing is moved.
    Memory: the source rows, as they were and as they are moved.
    """

    moves_source = True
    by_subject = False

    def __init__(self, reg=0.2, class_reg=0.1):
        self.reg = reg  # of the entropy, in units of the median cost: at POT's 1 all blurs
        self.class_reg = class_reg  # keeps rows of one class together

    def _fit_source(self, X, y, subjects, rows):
        self.source_ = X.copy()
        self.codes_ = None if y is None else np.unique(y, return_inverse=True)[1]

    def _forget_target(self):
        self.moved_ = self.source_

    def _adapt_target(self, target):
        if self.codes_ is None:
            plan = ot.da.SinkhornTransport(reg_e=self.reg, norm="median")
        else:
            plan = ot.da.SinkhornLpl1Transport(reg_e=self.reg, reg_cl=self.class_reg, norm="median")
        self.moved_ = plan.fit_transform(Xs=self.source_, ys=self.codes_, Xt=target.X)
        return "unlabelled"

    def _transform(self, X):
        return X.copy()

    def _transform_source(self, X, subjects):
        nearest = pairwise_distances_argmin(X, self.source_)  # itself, for rows of the sources
        return X + (self.moved_ - self.source_)[nearest]


check_transfer_estimator(OptimalTransport())
print("OptimalTransport keeps the contract")

people = eegtl.load("synthetic", subjects=["w01", "w02", "w03", "w04"])
table = eegtl.FeatureExtractor(window=5.0).extract(people)
steps = {"z2 + optimal transport": OptimalTransport(), "z2 + TCA": TCA(20)}
study = eegtl.run_study(
    table,
    methods={
        name: make_transfer_pipeline(SubjectNormalizer("z2"), step, default_classifier())
        for name, step in steps.items()
    },
    n_shuffles=0,
)
print(study.table[["method", "normalization", "information", "accuracy_mean"]].to_string())
