"""What TCA, kernel PCA, MIDA and DICA share: kernels, landmarks, and the map of new rows."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from functools import reduce
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import linalg
from sklearn.base import ClassNamePrefixFeaturesOutMixin

from ..errors import InputError, MemoryEstimateError, TransferWarning
from ..kernels.gram import (
    BLOCK_ROWS,
    canonical_order,
    median_gamma,
    rbf_kernel,
    rbf_product,
)
from .base import Aligner, Floats, Target
from .moments import Moments, merge_moments, row_moments
from .solvers.eigen import Solution
from .summary import SourceSummary

#: The largest kernel matrix that is formed.
GRAM_LIMIT_BYTES = 2 * 2**30
#: Landmarks used with ``n_landmarks="auto"`` beyond that limit.
AUTO_LANDMARKS = 2000


class KernelProjection(ClassNamePrefixFeaturesOutMixin, Aligner):
    """Base of the projections that solve one eigenproblem on the pooled rows.

    A subclass gives ``_solve_moments(source, target)`` and ``_solve_gram(K, design, n_source)``.
    What it wants to know of each row besides the features (whose it is, its class) are the
    columns of a *design*, from ``_source_design``, ``_target_design`` and ``_summary_design``.
    Moments are those of the features with the design appended, so that their scatter holds the
    sums of the features over each of its columns.
    """

    moves_source = True
    by_subject = False
    #: whether the kernel matrix itself is solved where it fits, and not landmark features
    solves_gram = True

    def __init__(
        self,
        n_components: int = 30,
        *,
        kernel: str = "rbf",
        gamma: str | float = "median",
        n_landmarks: str | int | None = "auto",
        random_state: int = 0,
    ) -> None:
        self.n_components = n_components
        self.kernel = kernel
        self.gamma = gamma
        self.n_landmarks = n_landmarks
        self.random_state = random_state

    @property
    def _n_features_out(self) -> int:
        return self.n_components_

    def _solve_moments(self, source: Moments, target: Moments | None) -> Solution:
        raise InputError(f"{type(self).__name__} does not solve by moments.")

    def _solve_gram(self, K: Floats, design: Floats, n_source: int) -> Solution:
        raise InputError(f"{type(self).__name__} does not solve by kernel matrix.")

    def _source_design(
        self, n: int, y: NDArray[Any] | None, subjects: NDArray[Any], rows: Any
    ) -> Floats:
        """Give what is known of each source row; the default is nothing."""
        return np.empty((n, 0))

    def _target_design(self, target: Target) -> Floats:
        """Give the same columns for the target rows."""
        return np.empty((len(target.X), 0))

    def _summary_design(self, summary: SourceSummary) -> Floats:
        """Give the same columns for the groups of a summary."""
        return np.empty((len(summary.counts), 0))

    def _extended(self, X: Floats, design: Floats) -> Floats:
        """Give the features that the kernel sees; the default is the rows themselves."""
        return X

    def _fit_source(self, X: Floats, y: NDArray[Any] | None, subjects: Any, rows: Any) -> None:
        self._check_parameters()
        if len(X) < 2:
            raise InputError(
                f"{type(self).__name__} needs at least 2 source rows; got n_samples = {len(X)}."
            )
        design = self._source_design(len(X), y, subjects, rows)
        if self.kernel == "linear":
            self._keep_moments(self._joint_moments(X, design))
            return
        order = canonical_order(X)
        X, design = X[order], design[order]
        extended = self._extended(X, design)
        self.gamma_ = median_gamma(extended) if self.gamma == "median" else float(self.gamma)
        self._keep_rows(extended, design)

    def accepts_summary(self) -> bool:
        """Say whether `fit_summary` gives what `fit` on the rows would give."""
        return self.kernel == "linear"

    def fit_summary(self, summary: SourceSummary) -> Self:
        """Fit the linear kernel from sufficient statistics instead of rows.

        Parameters
        ----------
        summary : SourceSummary

        Returns
        -------
        self
        """
        self._check_parameters()
        if self.kernel != "linear":
            raise InputError(
                f"{type(self).__name__} can be fitted from a summary with kernel='linear' only; "
                f"kernel is {self.kernel!r}. Fit on rows instead."
            )
        design = self._summary_design(summary)
        means = np.hstack([self._extended(summary.means, design), design])
        self._keep_moments(_summary_moments(summary, means))
        self.n_features_in_ = summary.n_features
        return self._before_adapt()

    def map_summary(self, summary: SourceSummary) -> SourceSummary:
        """Give the summary of the projected source rows.

        Parameters
        ----------
        summary : SourceSummary

        Returns
        -------
        SourceSummary
        """
        return summary.affine(lambda _: self.center_, lambda _: self.components_)

    def _joint_moments(self, X: Floats, design: Floats) -> Moments:
        """Give the moments of the features with the design appended, in blocks of rows."""
        if design.shape[1] == 0:
            return row_moments(X)
        parts = (
            np.hstack([self._extended(X[block], design[block]), design[block]])
            for block in _blocks(len(X))
        )
        return _pooled_blocks(parts)

    def _keep_moments(self, moments: Moments) -> None:
        """Keep what the linear kernel needs of the sources."""
        self.source_count_, self.source_mean_, self.source_scatter_ = moments

    def _keep_rows(self, rows: Floats, design: Floats) -> None:
        """Keep what the Gaussian kernel needs of the sources."""
        self.source_rows_, self.source_design_ = rows, design

    def _forget_target(self) -> None:
        self._solve(None)

    def _adapt_target(self, target: Target) -> str:
        self._solve(target)
        return "unlabelled"

    def _solve(self, target: Target | None) -> None:
        """Solve for sources and target, or for the sources alone."""
        if self.kernel == "linear":
            source = (self.source_count_, self.source_mean_, self.source_scatter_)
            pooled = None
            if target is not None:
                pooled = self._joint_moments(target.X, self._target_design(target))
            self._install(*self._linear_solution(source, pooled))
            return
        rows, known = self.source_rows_, self.source_design_
        n_source = len(rows)
        if target is not None:
            order = canonical_order(target.X)
            design = self._target_design(target)[order]
            known = np.vstack([known, design])
            rows = np.vstack([rows, self._extended(target.X[order], design)])
        self._install(*self._rbf_solution(rows, known, n_source))

    def _install(self, solution: Solution, fitted: dict[str, Any]) -> None:
        """Take over a solution, and the fitted attributes that map new rows."""
        if solution.vectors.shape[1] == 0:
            raise self._nothing_found()
        for name, value in fitted.items():
            setattr(self, name, value)
        self.n_components_ = solution.vectors.shape[1]
        self.eigenvalues_ = solution.eigenvalues
        self.residual_ = solution.residual
        self._report(solution)

    def _nothing_found(self) -> InputError:
        """Give the error that says why there is no component."""
        return InputError(
            f"{type(self).__name__} found no direction in which the rows vary; all rows are equal. "
            "Check the features."
        )

    def _linear_solution(
        self, source: Moments, target: Moments | None
    ) -> tuple[Solution, dict[str, Any]]:
        solution = self._solve_moments(source, target)
        center = pooled_moments(source, target)[1][: len(solution.vectors)]
        # the spread of equal rows is what rounding left of their mean
        if solution.variances.sum() <= 1e-28 * (center @ center):
            raise self._nothing_found()
        fitted = {"components_": solution.vectors, "center_": center, "approximation_": "exact"}
        return solution, fitted

    def _rbf_solution(
        self, rows: Floats, design: Floats, n_source: int
    ) -> tuple[Solution, dict[str, Any]]:
        n = len(rows)
        n_landmarks = self._landmarks(n)
        exact = n_landmarks >= n
        if exact and self.solves_gram:
            K = rbf_kernel(rows, rows, self.gamma_)
            solution = self._solve_gram(K, design, n_source)
            return solution, {
                "anchors_": rows,
                "weights_": solution.vectors,
                "source_rows_": rows[:n_source],  # a view: the rows are held once
                "offset_": solution.offset,
                "approximation_": "exact",
            }
        anchors = rows if exact else rows[self._draw(n_source, n, n_landmarks)]
        # phi(x) = R'k(x, anchors) has phi(x)'phi(y) = the Nystroem kernel, so the linear problem
        # on phi is the kernel problem on the approximated matrix
        root = _inverse_root(rbf_kernel(anchors, anchors, self.gamma_))
        source = self._feature_moments(rows[:n_source], design[:n_source], anchors, root)
        target = None
        if n > n_source:
            target = self._feature_moments(rows[n_source:], design[n_source:], anchors, root)
        solution = self._solve_moments(source, target)
        mean = pooled_moments(source, target)[1][: root.shape[1]]
        approximated = f"Nystroem, {n_landmarks} landmarks of {n} rows"
        return solution, {
            "anchors_": anchors,
            "weights_": root @ solution.vectors,
            "offset_": mean @ solution.vectors,
            "approximation_": "exact" if exact else approximated,
        }

    def _feature_moments(
        self, rows: Floats, design: Floats, anchors: Floats, root: Floats
    ) -> Moments:
        """Give the moments of the landmark features with the design appended, in blocks."""
        parts = (
            np.hstack([rbf_kernel(rows[block], anchors, self.gamma_) @ root, design[block]])
            for block in _blocks(len(rows))
        )
        return _pooled_blocks(parts)

    def _landmarks(self, n: int) -> int:
        """Give the number of landmarks; n or more means the exact problem."""
        if self.n_landmarks == "auto":
            if 8 * n * n <= GRAM_LIMIT_BYTES:
                return n
            warnings.warn(
                f"the kernel matrix of {n} rows would need {_gib(n)}, above "
                f"{GRAM_LIMIT_BYTES / 2**30:.0f} GiB: {AUTO_LANDMARKS} Nystroem landmarks are "
                "used. Set n_landmarks to choose their number.",
                TransferWarning,
                stacklevel=2,
            )
            return AUTO_LANDMARKS
        size = n if self.n_landmarks is None else min(int(self.n_landmarks), n)
        if 8 * size * size > GRAM_LIMIT_BYTES:
            raise MemoryEstimateError(
                f"the kernel matrix of {size} rows needs {_gib(size)}, above "
                f"{GRAM_LIMIT_BYTES / 2**30:.0f} GiB; pass n_landmarks={AUTO_LANDMARKS} for the "
                "Nystroem approximation, or kernel='linear', which needs no such matrix."
            )
        return size

    def _draw(self, n_source: int, n: int, n_landmarks: int) -> NDArray[np.intp]:
        """Draw landmarks from sources and target in proportion, in canonical order."""
        generator = np.random.default_rng(self.random_state)
        n_target = n - n_source
        from_target = min(n_target, max(min(n_target, 1), round(n_landmarks * n_target / n)))
        parts = [generator.choice(n_source, min(n_source, n_landmarks - from_target), False)]
        if from_target:
            parts.append(n_source + generator.choice(n_target, from_target, False))
        return np.sort(np.concatenate(parts))

    def _transform(self, X: Floats) -> Floats:
        return self._project(X)

    def _project(self, X: Floats) -> Floats:
        """Project rows of the features that the kernel sees."""
        if self.kernel == "linear":
            return (X - self.center_) @ self.components_
        return rbf_product(X, self.anchors_, self.gamma_, self.weights_) - self.offset_

    def _report(self, solution: Solution) -> None:
        """Keep what the method says about its solution; the base has nothing to say."""

    def _warn_of_nothing_left_out(self) -> None:
        warnings.warn(
            f"{type(self).__name__} with the linear kernel keeps all {self.n_components_} "
            "directions in which the rows vary, so it leaves nothing out and cannot bring the "
            "domains together; set n_components below that number.",
            TransferWarning,
            stacklevel=2,
        )

    def _check_parameters(self) -> None:
        name = type(self).__name__
        if self.kernel not in ("linear", "rbf"):
            raise InputError(f"{name}: kernel must be 'linear' or 'rbf'; got {self.kernel!r}.")
        if not isinstance(self.n_components, int | np.integer) or self.n_components < 1:
            raise InputError(
                f"{name}: n_components must be a positive integer; got {self.n_components!r}."
            )
        if self.gamma != "median" and not (
            isinstance(self.gamma, int | float | np.number) and 0 < self.gamma < np.inf
        ):
            raise InputError(
                f"{name}: gamma must be 'median' or a positive number; got {self.gamma!r}."
            )
        if self.n_landmarks not in (None, "auto") and not (
            isinstance(self.n_landmarks, int | np.integer) and self.n_landmarks >= 2
        ):
            raise InputError(
                f"{name}: n_landmarks must be 'auto', None or an integer of at least 2; got "
                f"{self.n_landmarks!r}."
            )


def pooled_moments(source: Moments, target: Moments | None) -> Moments:
    """Pool the moments of sources and target.

    Parameters
    ----------
    source, target : (count, mean, scatter)
        `target` may be None.

    Returns
    -------
    (count, mean, scatter)
    """
    return source if target is None else merge_moments(source, target)


def _summary_moments(summary: SourceSummary, means: Floats) -> Moments:
    """Pool groups to whose means columns were appended that are constant within a group."""
    count = float(summary.counts.sum())
    mean = summary.counts @ means / count
    offsets = (means - mean) * np.sqrt(summary.counts)[:, None]
    scatter = offsets.T @ offsets
    d = summary.n_features
    scatter[:d, :d] += summary.scatters.sum(axis=0)
    return count, mean, scatter


def _blocks(n: int) -> Iterator[slice]:
    """Cut rows into blocks."""
    return (slice(start, min(start + BLOCK_ROWS, n)) for start in range(0, n, BLOCK_ROWS))


def _pooled_blocks(parts: Iterable[Floats]) -> Moments:
    """Give the moments of all blocks of rows together."""
    return reduce(merge_moments, map(row_moments, parts))


def _gib(n: int) -> str:
    """Say how much memory an n x n matrix takes."""
    return f"{8 * n * n / 2**30:.1f} GiB"


def _inverse_root(K: Floats) -> Floats:
    """Give R with R'KR = I on the numerical range of K."""
    values, vectors = linalg.eigh(K)
    keep = values > 1e-10 * values[-1]
    return vectors[:, keep] / np.sqrt(values[keep])
