"""A pipeline on sufficient statistics gives what it gives on rows, and keeps no rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from transfer.transfer_problems import HALF, TOY, fitted, values

from eegtl.errors import ContractError, InputError
from eegtl.transfer import (
    KPCA,
    TCA,
    SourceSummary,
    SubjectNormalizer,
    TransferPipeline,
    default_classifier,
    make_transfer_pipeline,
)
from eegtl.transfer.sources import RowSources, SummarySources


class RowsLDA(LinearDiscriminantAnalysis):
    """The default classifier under another class, so that the pipeline keeps rows."""


def lda_on_rows() -> RowsLDA:
    plain = default_classifier()
    return RowsLDA(solver=plain.solver, covariance_estimator=plain.covariance_estimator)


CHAINS: dict[str, list[Any]] = {
    "lda": [],
    "z0": [SubjectNormalizer("z0")],
    "z2": [SubjectNormalizer("z2")],
    "tca": [TCA(3, kernel="linear")],
    "z0, tca": [SubjectNormalizer("z0"), TCA(3, kernel="linear")],
    "z2, kpca": [SubjectNormalizer("z2"), KPCA(3, kernel="linear")],
    "kpca, z2": [KPCA(4, kernel="linear"), SubjectNormalizer("z2")],
    "z0, tca, z1": [SubjectNormalizer("z0"), TCA(4, kernel="linear"), SubjectNormalizer("z1")],
    "tca, kpca": [TCA(4, kernel="linear"), KPCA(3, kernel="linear")],
}


@pytest.mark.parametrize("chain", CHAINS)
class TestSummaryPath:
    """A summary is an economy: it may not change any result."""

    def pair(self, chain: str) -> tuple[TransferPipeline, TransferPipeline]:
        a = fitted(*CHAINS[chain], default_classifier())
        b = fitted(*CHAINS[chain], lda_on_rows())
        assert isinstance(a.sources_, SummarySources)
        assert isinstance(b.sources_, RowSources)
        return a, b

    def test_before_and_after_adapt(self, chain: str) -> None:
        a, b = self.pair(chain)
        np.testing.assert_allclose(values(a), values(b), atol=1e-8)
        for target in (TOY.T, TOY.T[:1], TOY.T[3:20]):
            np.testing.assert_allclose(values(a.adapt(target)), values(b.adapt(target)), atol=1e-8)
            assert a.information_ == b.information_
            assert a.n_target_windows_ == b.n_target_windows_
        np.testing.assert_allclose(values(a.adapt()), values(b.adapt()), atol=1e-8)

    def test_labelled_calibration(self, chain: str) -> None:
        a, b = self.pair(chain)
        for pipeline in (a, b):
            pipeline.adapt(TOY.T[HALF:], X_calib=TOY.T[:HALF], y_calib=TOY.y_target[:HALF])
        np.testing.assert_allclose(values(a), values(b), atol=1e-8)
        assert (a.information_, a.n_pooled_windows_) == ("labelled", HALF)
        assert (b.information_, b.n_pooled_windows_) == ("labelled", HALF)

    def test_blocks(self, chain: str) -> None:
        a, _ = self.pair(chain)
        summary = SourceSummary()
        for part in np.array_split(np.random.default_rng(0).permutation(96), 5):
            summary.add(TOY.X[part], TOY.y[part], TOY.subjects[part])
        steps = make_transfer_pipeline(*CHAINS[chain], default_classifier())
        blocks = steps.fit_summary(summary)
        assert blocks.classes_.tolist() == ["calm", "tense"]
        np.testing.assert_allclose(values(blocks), values(a), atol=1e-8)
        np.testing.assert_allclose(values(blocks.adapt(TOY.T)), values(a.adapt(TOY.T)), atol=1e-8)

    def test_nothing_grows_with_the_rows(self, chain: str) -> None:
        many = np.tile(np.arange(96), 20)
        pipeline = make_transfer_pipeline(*CHAINS[chain], default_classifier())
        pipeline.fit(TOY.X[many], TOY.y[many], subjects=TOY.subjects[many]).adapt(TOY.T)
        assert max(array.shape[0] for array in arrays_in(pipeline)) <= 2 * 4 * 6


def arrays_in(value: Any) -> list[np.ndarray]:
    """All arrays of at least one axis in an object and in what it holds."""
    if isinstance(value, np.ndarray):
        return [value] if value.ndim else []
    if isinstance(value, dict):
        return [array for item in value.values() for array in arrays_in(item)]
    if isinstance(value, list | tuple):
        return [array for item in value for array in arrays_in(item)]
    return arrays_in(vars(value)) if hasattr(value, "__dict__") else []


def test_adapt_from_a_summary_works_without_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline = fitted(SubjectNormalizer("z0"), TCA(3, kernel="linear"), default_classifier())

    def refuse(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("a source row was touched")

    monkeypatch.setattr(TCA, "transform_source", refuse)
    monkeypatch.setattr(SubjectNormalizer, "transform_source", refuse)
    monkeypatch.setattr(SourceSummary, "add", refuse)
    monkeypatch.setattr(RowSources, "fit", refuse)
    assert pipeline.adapt(TOY.T).information_ == "unlabelled"


# A fitted pipeline may not depend on what happens later to the arguments of fit.
def test_keeps_its_own_summary() -> None:
    summary = SourceSummary().add(TOY.X, TOY.y, TOY.subjects)
    steps = [KPCA(3, kernel="linear"), SubjectNormalizer("z2"), default_classifier()]
    pipeline = make_transfer_pipeline(*steps).fit_summary(summary)
    before = values(pipeline.adapt(TOY.T))
    summary.add(5 * TOY.X, TOY.y, TOY.subjects)
    np.testing.assert_array_equal(values(pipeline.adapt(TOY.T)), before)


def test_keeps_its_own_rows() -> None:
    X = TOY.X.copy()
    pipeline = make_transfer_pipeline(TCA(3), LogisticRegression()).fit(X, TOY.y)
    before = values(pipeline.adapt(TOY.T))
    X[:] = X[::-1].copy()
    np.testing.assert_array_equal(values(pipeline.adapt(TOY.T)), before)


def test_fit_summary_names_the_steps_that_need_rows() -> None:
    message = (
        r"the steps tca, logisticregression need rows of the sources, not a summary; fit on rows, "
        r"or use steps that see the sources through counts, means and scatters only\."
    )
    summary = SourceSummary().add(TOY.X, TOY.y, TOY.subjects)
    pipeline = make_transfer_pipeline(SubjectNormalizer("z2"), TCA(3), LogisticRegression())
    with pytest.raises(ContractError, match=message):
        pipeline.fit_summary(summary)


# numpy's "cannot reshape array of size 0" came from three calls below
def test_fit_summary_of_nothing() -> None:
    pipeline = make_transfer_pipeline(SubjectNormalizer("z2"), default_classifier())
    with pytest.raises(InputError):
        pipeline.fit_summary(SourceSummary())
