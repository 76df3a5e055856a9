"""The rules of subject transfer as checks that run on any estimator, ours or a user's."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone, is_classifier
from sklearn.utils.estimator_checks import check_estimator

from .._checks import INFORMATION_LEVELS
from ..errors import CalibrationError, ContractError, TransferWarning
from ..transfer.state import from_state, to_state
from .any_rows import accepting_any_rows
from .toys import Toy, toy_for
from .toys import toy_problem as toy_problem

Floats = NDArray[np.float64]
DOCSTRING_LINES = ("Consumes", "Before adapt", "Memory")


def check_transfer_estimator(estimator: Any, *, extra_classes: Iterable[type] = ()) -> None:
    """Run every rule of the subject-transfer contract on an estimator.

    Parameters
    ----------
    estimator : TransferEstimator
        Unfitted; it is cloned for each rule.
    extra_classes : iterable of class
        Classes besides eegtl's own that its stored state may hold.

    Raises
    ------
    AssertionError
        When a rule is broken; the message names the rule.

    Examples
    --------
    >>> from eegtl.transfer import SubjectNormalizer
    >>> check_transfer_estimator(SubjectNormalizer("z2"))
    """
    skipped = getattr(type(estimator), "skipped_checks", {})
    with warnings.catch_warnings():
        # what a method has to say about a toy problem is not what is checked here
        warnings.simplefilter("ignore", TransferWarning)
        # "SkipTestWarning": scikit-learn announces checks that do not apply to an estimator
        warnings.filterwarnings("ignore", category=UserWarning, module="sklearn")
        check_estimator(
            accepting_any_rows(clone(estimator)), expected_failed_checks=dict(skipped), on_skip=None
        )
        for rule in RULES:
            rule(estimator)
        check_state(estimator, extra_classes)


def _fit(estimator: Any, toy: Toy, **extra: Any) -> Any:
    return clone(estimator).fit(toy.X, toy.y, subjects=toy.subjects, **extra)


def _adapt(estimator: Any, toy: Toy, T: Floats) -> Any:
    """Adapt with all that the method needs."""
    if estimator.needs_ == "labelled":
        half = len(T) // 2
        return estimator.adapt(T[half:], X_calib=T[:half], y_calib=toy.y_target[:half])
    return estimator.adapt(T)


def _scores(estimator: Any, X: Floats) -> Floats:
    """Give what the estimator says of target rows, as numbers."""
    for method in ("decision_function", "predict_proba", "transform"):
        if hasattr(estimator, method):
            return np.asarray(getattr(estimator, method)(X), dtype=float).reshape(len(X), -1)
    return (estimator.predict(X)[:, None] == estimator.classes_).astype(float)


def _gram(scores: Floats) -> Floats:
    """Give inner products of rows, which no sign or rotation of the columns changes."""
    return scores @ scores.T


def _same(a: Floats, b: Floats, rule: str, tolerance: float = 1e-8) -> None:
    worst = float(np.abs(a - b).max()) / max(1.0, float(np.abs(a).max()))
    assert worst <= tolerance, f"{rule}: results differ by {worst:.1e} (relative)"


def _refuses(call: Callable[[], Any], error: type[Exception], word: str, rule: str) -> None:
    """Check that a call raises an error whose message holds a word."""
    message = None
    try:
        call()
    except error as raised:
        message = str(raised)
    assert message is not None, f"{rule}: must raise {error.__name__}"
    assert word in message, f"{rule}: the message must hold {word!r}; it is {message!r}"


def check_docstring(estimator: Any) -> None:
    """Check that the docstring says what it consumes, is before adapt, and keeps."""
    text = type(estimator).__doc__ or ""
    missing = [line for line in DOCSTRING_LINES if f"{line}:" not in text]
    assert not missing, f"docstring: {type(estimator).__name__} lacks the lines {missing}"
    assert estimator.needs_ in INFORMATION_LEVELS, f"needs_ is {estimator.needs_!r}"


def check_fit_with_target(estimator: Any) -> None:
    """``fit(X, y, X_target=T)`` equals ``fit(X, y).adapt(T)``."""
    if estimator.needs_ == "labelled":
        return
    toy = toy_for(estimator)
    a = _fit(estimator, toy, X_target=toy.T)
    b = _fit(estimator, toy).adapt(toy.T)
    _same(_scores(a, toy.T), _scores(b, toy.T), "fit with X_target equals fit and adapt")
    if hasattr(estimator, "predict"):
        same = np.array_equal(a.predict(toy.T), b.predict(toy.T))
        assert same, "fit with X_target predicts other labels than fit and adapt"
    assert a.information_ == b.information_
    assert a.n_target_windows_ == b.n_target_windows_


def check_adapt_replaces(estimator: Any) -> None:
    """Twice equals once, A then B equals B, and nothing returns to the sources alone."""
    toy, other = toy_for(estimator), toy_for(estimator, seed=1)
    fitted = _fit(estimator, toy)
    before = _scores(fitted, toy.T)
    once = _scores(_adapt(fitted, toy, toy.T), toy.T)
    twice = _scores(_adapt(fitted, toy, toy.T), toy.T)
    _same(once, twice, "adapt twice equals once")
    _adapt(fitted, toy, other.T)
    again = _scores(_adapt(fitted, toy, toy.T), toy.T)
    _same(once, again, "adapt(A) then adapt(B) equals adapt(B)")
    _same(before, _scores(fitted.adapt(), toy.T), "adapt() returns to the sources alone")
    assert fitted.information_ == "inductive"
    assert fitted.n_target_windows_ == 0


def check_information(estimator: Any) -> None:
    """`information_` starts at inductive and says at least what is needed after adapt."""
    toy = toy_for(estimator)
    fitted = _fit(estimator, toy)
    assert fitted.information_ == "inductive", "information_ before adapt is 'inductive'"
    before = _scores(fitted, toy.T)  # nothing is an error before adapt
    _adapt(fitted, toy, toy.T)
    after = _scores(fitted, toy.T)
    levels = INFORMATION_LEVELS
    assert levels.index(fitted.information_) >= levels.index(fitted.needs_), "information_ < needs_"
    if fitted.needs_ != "labelled":
        assert fitted.information_ != "labelled", (
            "information_ is 'labelled' after an adapt without labels"
        )
    if fitted.information_ == "inductive":
        _same(before, after, "information_ is 'inductive', but adapt changes the result", 0.0)
    consumed = fitted.information_ != "inductive"
    assert (fitted.n_target_windows_ > 0) == consumed, "n_target_windows_ disagrees"
    labels = toy.y_target[:10]
    alternating, in_blocks = (
        _scores(fitted.adapt(toy.T[10:], X_calib=toy.T[:10], y_calib=given), toy.T)
        for given in (labels, np.sort(labels))
    )
    if not np.array_equal(alternating, in_blocks):
        assert fitted.information_ == "labelled", (
            f"the calibration labels change the result, but information_ is {fitted.information_!r}"
        )


def check_inputs_unchanged(estimator: Any) -> None:
    """Check that no argument is written to, and that predicting changes nothing."""
    toy = toy_for(estimator)
    arrays = [toy.X, toy.y, toy.subjects, toy.T, toy.y_target]
    copies = [a.copy() for a in arrays]
    fitted = _adapt(_fit(estimator, toy), toy, toy.T)
    first = _scores(fitted, toy.T)
    _scores(fitted, toy.T[:3])
    _same(first, _scores(fitted, toy.T), "predicting changes nothing")
    _same(first[:3], _scores(fitted, toy.T[:3]), "a row's result does not depend on its company")
    for array, copy in zip(arrays, copies, strict=True):
        assert np.array_equal(array, copy), "an input array was changed"


def check_row_order(estimator: Any) -> None:
    """Check that neither the order of the rows nor the names of the subjects matter."""
    toy = toy_for(estimator)
    rng = np.random.default_rng(2)
    source, target = rng.permutation(len(toy.X)), rng.permutation(len(toy.T))
    names = {"ann": "z9", "ben": "m5", "cid": "a1", "dot": "k3"}
    shuffled = Toy(
        toy.X[source],
        toy.y[source],
        np.array([names[s] for s in toy.subjects[source]]),
        toy.T[target] if estimator.needs_ != "labelled" else toy.T,
        toy.y_target,
    )
    a = _adapt(_fit(estimator, toy), toy, toy.T)
    b = _adapt(_fit(estimator, shuffled), shuffled, shuffled.T)
    if type(estimator).label_agreement < 1:
        agreement = np.mean(a.predict(toy.T) == b.predict(toy.T))
        assert agreement >= type(estimator).label_agreement, f"row order: {agreement:.1%} agree"
        return
    _same(_gram(_scores(a, toy.T)), _gram(_scores(b, toy.T)), "row order does not matter")


def check_one_subject(estimator: Any) -> None:
    """``subjects=None`` means one subject."""
    toy = toy_for(estimator)
    a = _adapt(clone(estimator).fit(toy.X, toy.y), toy, toy.T)
    one = np.repeat("only", len(toy.X))
    b = _adapt(clone(estimator).fit(toy.X, toy.y, subjects=one), toy, toy.T)
    _same(_gram(_scores(a, toy.T)), _gram(_scores(b, toy.T)), "subjects=None is one subject")


def check_labels_kept(estimator: Any) -> None:
    """Labels are what the user gave; none of them means "unknown"."""
    if not is_classifier(estimator):
        return
    for labels in ((-1, 0, 1), ("negative", "neutral", "positive"), (0, 7)):
        toy = toy_for(estimator, labels)
        fitted = _adapt(_fit(estimator, toy), toy, toy.T)
        assert fitted.classes_.tolist() == sorted(labels), f"classes_ of {labels} changed"
        predicted = fitted.predict(toy.T)
        assert set(predicted.tolist()) <= set(labels)
        assert predicted.dtype.kind == np.array(labels).dtype.kind, "the labels' kind changed"


def check_calibration(estimator: Any) -> None:
    """Calibration rows count as target rows; labels that cannot be used are refused."""
    toy = toy_for(estimator)
    half = len(toy.T) // 2
    fitted = _fit(estimator, toy)
    if estimator.needs_ == "labelled":
        _refuses(lambda: fitted.adapt(toy.T), CalibrationError, "label", "needs labels, got none")
        return
    parts = fitted.adapt(toy.T[:half], X_calib=toy.T[half:])
    n_parts, by_parts = parts.n_target_windows_, _scores(parts, toy.T)
    whole = fitted.adapt(toy.T)
    _same(_gram(by_parts), _gram(_scores(whole, toy.T)), "calibration rows are target rows")
    assert n_parts == whole.n_target_windows_
    _refuses(
        lambda: fitted.adapt(X_calib=toy.T[:4], y_calib=toy.y_target[:3]),
        CalibrationError,
        "3",
        "4 calibration rows with 3 labels",
    )


def check_partial_adapt(estimator: Any) -> None:
    """``partial_adapt(A).partial_adapt(B)`` equals ``adapt(A and B)``."""
    if not hasattr(estimator, "partial_adapt"):
        return
    toy = toy_for(estimator)
    parts = _fit(estimator, toy)
    for chunk in (toy.T[:1], toy.T[1:11], toy.T[11:]):
        parts.partial_adapt(chunk)
    whole = _fit(estimator, toy).adapt(toy.T)
    _same(_scores(parts, toy.T), _scores(whole, toy.T), "partial_adapt is exact")
    assert parts.n_target_windows_ == whole.n_target_windows_


def check_fit_transform(estimator: Any) -> None:
    """``fit_transform`` with subjects raises, and points to ``transform_source``."""
    if not hasattr(estimator, "fit_transform"):
        return
    toy = toy_for(estimator)
    _refuses(
        lambda: clone(estimator).fit_transform(toy.X, toy.y, subjects=toy.subjects),
        ContractError,
        "transform_source",
        "fit_transform with subjects",
    )
    fitted = _adapt(_fit(estimator, toy), toy, toy.T)
    mapped = fitted.transform_source(toy.X, toy.subjects)
    order = np.random.default_rng(3).permutation(len(toy.X))
    permuted = fitted.transform_source(toy.X[order], toy.subjects[order])
    _same(mapped[order], permuted, "permuting the rows permutes the output rows")


def check_moves_source(estimator: Any) -> None:
    """`moves_source` is set where `adapt` changes what `transform_source` gives."""
    if not hasattr(estimator, "transform_source"):
        return
    toy = toy_for(estimator)
    fitted = _fit(estimator, toy)
    before = fitted.transform_source(toy.X, toy.subjects)
    _adapt(fitted, toy, toy.T + 5)
    after = fitted.transform_source(toy.X, toy.subjects)
    moved = before.shape != after.shape or not np.array_equal(before, after)
    assert not moved or fitted.moves_source, (
        "adapt changes transform_source; set moves_source = True, so that a pipeline refits what "
        "stands behind"
    )


def check_weights(estimator: Any) -> None:
    """Selectors give one weight a source row; neither order, names nor an earlier target matter."""
    toy, other = toy_for(estimator), toy_for(estimator, seed=1)
    fitted = _fit(estimator, toy)
    if not hasattr(fitted, "source_weights_"):
        return
    before = fitted.source_weights_
    _adapt(_adapt(fitted, toy, other.T), toy, toy.T)
    weights = fitted.source_weights_
    assert weights.shape == toy.y.shape, "source_weights_ holds one weight a source row"
    assert np.isfinite(weights.sum()), "weights are finite"
    assert weights.min() >= 0, "weights are 0 or more"
    assert weights.max() > 0, "not all weights are 0"
    order = np.random.default_rng(4).permutation(len(toy.X))
    names = np.array([name[::-1] for name in toy.subjects[order]])
    shuffled = replace(toy, X=toy.X[order], y=toy.y[order], subjects=names)
    again = _adapt(_fit(estimator, shuffled), toy, toy.T).source_weights_
    _same(weights[order], again, "weights go with their rows and depend on the last target alone")
    _same(before, fitted.adapt().source_weights_, "adapt() returns to the weights before", 0.0)
    if estimator.needs_ != "labelled":
        weights = fitted.adapt(toy.T[:1]).source_weights_
        assert np.isfinite(weights.sum()), "one target row gives weights that are not finite"
        assert weights.max() > 0, "one target row gives weights that are all 0"


def check_few_rows(estimator: Any) -> None:
    """One target row gives finite results."""
    if estimator.needs_ == "labelled":
        return
    toy = toy_for(estimator)
    scores = _scores(_fit(estimator, toy).adapt(toy.T[:1]), toy.T)
    assert np.all(np.isfinite(scores)), "one target row gives numbers that are not finite"


def check_state(estimator: Any, extra_classes: Iterable[type] = ()) -> None:
    """Check that the fitted state is plain values and known estimators, and comes back the same.

    Parameters
    ----------
    estimator : TransferEstimator
    extra_classes : iterable of class
        Classes besides eegtl's own that its state may hold.
    """
    toy = toy_for(estimator)
    extra = (type(estimator), *extra_classes)
    fitted = _adapt(_fit(estimator, toy), toy, toy.T)
    again = from_state(to_state(fitted, extra=extra), extra=extra)
    _same(_scores(fitted, toy.T), _scores(again, toy.T), "the stored state is the same", 0.0)
    _same(
        _scores(fitted.adapt(), toy.T),
        _scores(again.adapt(), toy.T),
        "the stored state can be adapted again",
    )


RULES: tuple[Callable[[Any], None], ...] = (
    check_docstring,
    check_inputs_unchanged,
    check_fit_with_target,
    check_adapt_replaces,
    check_information,
    check_row_order,
    check_one_subject,
    check_labels_kept,
    check_calibration,
    check_partial_adapt,
    check_fit_transform,
    check_moves_source,
    check_weights,
    check_few_rows,
)
