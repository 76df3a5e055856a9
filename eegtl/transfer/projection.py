"""What TCA and kernel PCA share: kernels, exact or by landmarks, and the map of new rows."""

from __future__ import annotations

import warnings
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
from .eigen import Solution
from .moments import Moments, merge_moments, row_moments
from .summary import SourceSummary

#: The largest kernel matrix that is formed.
GRAM_LIMIT_BYTES = 2 * 2**30
#: Landmarks used with ``n_landmarks="auto"`` beyond that limit.
AUTO_LANDMARKS = 2000


class KernelProjection(ClassNamePrefixFeaturesOutMixin, Aligner):
    """Base of the projections that solve one eigenproblem on the pooled rows.

    A subclass gives ``_solve_moments(source, target)`` and ``_solve_gram(K, n_source)``.
    """

    moves_source = True
    by_subject = False

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

    def _solve_gram(self, K: Floats, n_source: int) -> Solution:
        raise InputError(f"{type(self).__name__} does not solve by kernel matrix.")

    def _fit_source(self, X: Floats, y: NDArray[Any] | None, subjects: Any, rows: Any) -> None:
        self._check_parameters()
        if len(X) < 2:
            raise InputError(
                f"{type(self).__name__} needs at least 2 source rows; got n_samples = {len(X)}."
            )
        if self.kernel == "linear":
            self._set_source_moments(*row_moments(X))
            return
        self.source_rows_ = X[canonical_order(X)]
        self.gamma_ = (
            median_gamma(self.source_rows_) if self.gamma == "median" else float(self.gamma)
        )

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
        self._set_source_moments(*summary.pooled())
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

    def _set_source_moments(self, count: float, mean: Floats, scatter: Floats) -> None:
        self.source_count_, self.source_mean_, self.source_scatter_ = count, mean, scatter

    def _forget_target(self) -> None:
        self._solve(None)

    def _adapt_target(self, target: Target) -> str:
        self._solve(target.X)
        return "unlabelled"

    def _solve(self, X_target: Floats | None) -> None:
        """Solve for sources and target, or for the sources alone."""
        self.approximation_ = "exact"
        if self.kernel == "linear":
            source = (self.source_count_, self.source_mean_, self.source_scatter_)
            target = None if X_target is None else row_moments(X_target)
            solution = self._solve_moments(source, target)
            self.components_ = solution.vectors
            self.center_ = pooled_moments(source, target)[1]
        else:
            solution = self._solve_rbf(X_target)
        self.n_components_ = solution.vectors.shape[1]
        if self.n_components_ == 0:
            raise InputError(
                f"{type(self).__name__} found no direction in which the rows vary; all rows are "
                "equal. Check the features."
            )
        self.eigenvalues_ = solution.eigenvalues
        self.residual_ = solution.residual
        self._report(solution)

    def _solve_rbf(self, X_target: Floats | None) -> Solution:
        n_source = len(self.source_rows_)
        rows = self.source_rows_
        if X_target is not None:
            rows = np.vstack([rows, X_target[canonical_order(X_target)]])
        n_landmarks = self._landmarks(len(rows))
        if n_landmarks >= len(rows):
            K = rbf_kernel(rows, rows, self.gamma_)
            solution = self._solve_gram(K, n_source)
            self.anchors_, self.weights_ = rows, solution.vectors
            self.source_rows_ = rows[:n_source]  # a view: the rows are held once
            self.offset_ = solution.offset
            return solution
        self.approximation_ = f"Nystroem, {n_landmarks} landmarks of {len(rows)} rows"
        self.anchors_ = rows[self._draw(n_source, len(rows), n_landmarks)]
        # phi(x) = R'k(x, anchors) has phi(x)'phi(y) = the Nystroem kernel, so the linear problem
        # on phi is the kernel problem on the approximated matrix
        root = _inverse_root(rbf_kernel(self.anchors_, self.anchors_, self.gamma_))
        source = self._feature_moments(rows[:n_source], root)
        target = None if X_target is None else self._feature_moments(rows[n_source:], root)
        solution = self._solve_moments(source, target)
        self.weights_ = root @ solution.vectors
        self.offset_ = pooled_moments(source, target)[1] @ solution.vectors
        return solution

    def _feature_moments(self, rows: Floats, root: Floats) -> Moments:
        """Give the moments of the landmark features, in blocks of rows."""
        blocks = (
            rbf_kernel(rows[start : start + BLOCK_ROWS], self.anchors_, self.gamma_) @ root
            for start in range(0, len(rows), BLOCK_ROWS)
        )
        return reduce(merge_moments, map(row_moments, blocks))

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
        if self.kernel == "linear":
            return (X - self.center_) @ self.components_
        return rbf_product(X, self.anchors_, self.gamma_, self.weights_) - self.offset_

    def _report(self, solution: Solution) -> None:
        """Keep what the method says about its solution; the base has nothing to say."""

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


def _gib(n: int) -> str:
    """Say how much memory an n x n matrix takes."""
    return f"{8 * n * n / 2**30:.1f} GiB"


def _inverse_root(K: Floats) -> Floats:
    """Give R with R'KR = I on the numerical range of K."""
    values, vectors = linalg.eigh(K)
    keep = values > 1e-10 * values[-1]
    return vectors[:, keep] / np.sqrt(values[keep])
