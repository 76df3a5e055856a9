"""Domain-invariant component analysis (Muandet, Balduzzi, Schoelkopf 2013)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import Tags

from .._checks import check_subjects, unique_subjects
from ..errors import InputError
from .base import Floats, Target
from .moments import Moments
from .projection import AUTO_LANDMARKS, KernelProjection
from .row_design import class_columns, one_hot
from .solvers.column_pairs import definite_pairs, low_rank_pairs
from .solvers.eigen import Solution, effective_mu, unit_columns
from .solvers.krylov import Pairs
from .summary import SourceSummary


class InvariantProjection(KernelProjection):
    """Base of DICA and UDICA: directions on which the source subjects' means agree.

    Nothing of the target is used, and nothing of the sources is kept once they are found. A
    subclass gives ``_pairs(covariance, classes, shares, domains, mu)``.
    """

    needs_ = "inductive"
    moves_source = False
    by_subject = True
    solves_gram = False

    def __init__(
        self,
        n_components: int = 30,
        *,
        kernel: str = "linear",
        gamma: str | float = "median",
        mu: float = 1e-2,
        mu_scale: str = "trace",
        n_landmarks: str | int | None = "auto",
        random_state: int = 0,
    ) -> None:
        super().__init__(
            n_components,
            kernel=kernel,
            gamma=gamma,
            n_landmarks=n_landmarks,
            random_state=random_state,
        )
        self.mu = mu
        self.mu_scale = mu_scale

    def _pairs(
        self, covariance: Floats, classes: Floats, shares: Floats, domains: Floats, mu: float
    ) -> Pairs:
        """Solve the problem of moments.

        `classes` (d, c) holds the class means less the mean of all rows, `shares` (c,) the
        classes' shares of the rows, `domains` (d, k) the domain variance V = CC' as C.
        """
        raise InputError(f"{type(self).__name__} does not define _pairs.")

    def _source_design(
        self, n: int, y: NDArray[Any] | None, subjects: NDArray[Any], rows: Any
    ) -> Floats:
        self.subjects_, codes = unique_subjects(subjects)
        return one_hot(codes, len(self.subjects_))

    def _summary_design(self, summary: SourceSummary) -> Floats:
        return self._source_design(
            len(summary.counts),
            np.array(summary.labels.tolist()),
            check_subjects(summary.subjects, len(summary.subjects)),
            None,
        )

    def _keep_moments(self, moments: Moments) -> None:
        self._install(*self._linear_solution(moments, None))

    def _keep_rows(self, rows: Floats, design: Floats) -> None:
        self._install(*self._rbf_solution(rows, design, len(rows)))

    def _forget_target(self) -> None:
        """Nothing of a target was kept."""

    def _adapt_target(self, target: Target) -> str:
        return "inductive"

    def _landmarks(self, n: int) -> int:
        return min(n, AUTO_LANDMARKS) if self.n_landmarks == "auto" else super()._landmarks(n)

    def _solve_moments(self, source: Moments, target: Moments | None) -> Solution:
        n, mean, joint = source
        n_domains = len(self.subjects_)
        d = len(mean) - n_domains - len(getattr(self, "source_classes_", ()))
        covariance = joint[:d, :d] / n
        variance = float(np.trace(covariance))
        if not variance > 0:
            raise self._nothing_found()
        # what the means of the rows of each column are away from the mean of all rows
        offsets = joint[:d, d:] / (n * mean[d:])
        of_domains, classes = offsets[:, :n_domains], offsets[:, n_domains:]
        domains = (of_domains - of_domains.mean(axis=1, keepdims=True)) / np.sqrt(n_domains)
        gap = float(np.vdot(domains, domains)) / max(n_domains - 1, 1)
        mu = effective_mu(self.mu, self.mu_scale, gap, variance)
        shares = mean[d + n_domains :]
        pairs = self._pairs(covariance, classes, shares, domains, mu).trusted()
        vectors = unit_columns(pairs.vectors)
        return Solution(
            vectors,
            pairs.eigenvalues,
            np.einsum("dm,dm->m", vectors, covariance @ vectors),
            float(pairs.residuals.max(initial=0.0)),
            mu,
            keeps_all=vectors.shape[1] < self.n_components or vectors.shape[1] == d,
            gap=domains.T @ vectors,
        )

    def _report(self, solution: Solution) -> None:
        self.mu_, self.gap_ = solution.mu, solution.relative_gap

    def _check_parameters(self) -> None:
        super()._check_parameters()
        effective_mu(self.mu, self.mu_scale, 1.0, 1.0)  # raises where they cannot be used


class UDICA(InvariantProjection):
    """Unsupervised domain-invariant component analysis: variance on which the subjects agree.

    Consumes: nothing of the target.
    Before adapt: the same; `adapt` changes nothing.
    Memory: ``linear`` the projection, no rows; ``rbf`` the landmarks, which are source rows.

    Parameters
    ----------
    n_components : int
        At most this many; the number of features in which the rows vary bounds it.
    kernel : {"linear", "rbf"}
    gamma : "median" or float
        exp(-gamma |x - y|^2); ``"median"`` is 1 / (2 s^2) with s the median distance between
        source rows (of at most 1000).
    mu : float
        Weight of the length of a direction beside its domain variance. The smaller, the more
        the subjects' means agree.
    mu_scale : {"trace", "absolute"}
        ``"trace"`` multiplies mu by the domain variance of an average direction between the N
        subjects, tr(V) / (N - 1), with a floor of 1e-6 of the rows' variance; ``"absolute"``
        takes it as given. The paper has 1, absolute.
    n_landmarks : "auto", int or None
        For ``rbf``: how many source rows span the directions. ``"auto"`` is all rows up to 2000
        (then nothing is approximated), and 2000 beyond; None is always all rows.
    random_state : int
        Draws the landmarks.

    Attributes
    ----------
    mu_ : float
        The regulariser that was used.
    gap_ : float
        Root mean square distance of the subjects' means from their mean in the projection, in
        units of the rows' spread there.
    subjects_ : ndarray of shape (n_subjects,)
    n_components_ : int
    eigenvalues_ : ndarray of shape (n_components_,)
    residual_ : float
        Largest |Aa - lBa| / (|Aa| + |l||Ba|) over the components.
    approximation_ : str
        ``"exact"``, or how many landmarks of how many rows.

    Notes
    -----
    The directions a are the leading eigenvectors of T a = lambda (V + mu I) a, with T the
    covariance of the rows and V = 1/N sum_k (m_k - m)(m_k - m)' the domain variance, m_k the mean
    of subject k and m the mean of these means: each subject counts alike, however many rows it
    has. Each direction is scaled to length 1. It is the paper's 1/n K^2 B = (KQK + K + lambda I) B
    Gamma, with K centred, in feature coordinates a = X'b; see docs/methods/dica.md.

    With equal means of all subjects V is 0 and UDICA is PCA: so the linear kernel is behind
    ``SubjectNormalizer("z2")``.

    Time: linear O(n d^2 + d^3); landmarks p: O(n p^2 + n p d + p^3).

    References
    ----------
    Muandet, Balduzzi, Schoelkopf, "Domain generalization via invariant feature representation",
    ICML 2013; arXiv 1301.2115.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X, subjects = rng.standard_normal((90, 5)), np.arange(90) % 3
    >>> X[:, 0] += 4 * subjects
    >>> udica = UDICA(2).fit(X, subjects=subjects)
    >>> udica.transform(X).shape, bool(udica.gap_ < 0.2)
    ((90, 2), True)
    """

    def _pairs(
        self, covariance: Floats, classes: Floats, shares: Floats, domains: Floats, mu: float
    ) -> Pairs:
        return definite_pairs(covariance, domains, mu, self.n_components)

    def _report(self, solution: Solution) -> None:
        super()._report(solution)
        if solution.keeps_all and self.kernel == "linear" and len(self.subjects_) > 1:
            self._warn_of_nothing_left_out()


class DICA(InvariantProjection):
    """Domain-invariant component analysis: class means on which the subjects agree.

    Consumes: nothing of the target; the labels of the sources.
    Before adapt: the same; `adapt` changes nothing.
    Memory: ``linear`` the projection, no rows; ``rbf`` the landmarks, which are source rows.

    `UDICA` is the form without labels.

    Parameters
    ----------
    n_components : int
        At most this many, and at most the number of classes less one.
    kernel : {"linear", "rbf"}
    gamma : "median" or float
        exp(-gamma |x - y|^2); ``"median"`` is 1 / (2 s^2) with s the median distance between
        source rows (of at most 1000).
    mu : float
        Weight of the length of a direction beside its domain variance. The smaller, the more
        the subjects' means agree.
    mu_scale : {"trace", "absolute"}
        ``"trace"`` multiplies mu by the domain variance of an average direction between the N
        subjects, tr(V) / (N - 1), with a floor of 1e-6 of the rows' variance; ``"absolute"``
        takes it as given. The paper has 1, absolute.
    epsilon : float
        Regulariser of the labels: a class with a share p of the rows counts p^2 / (p + epsilon).
        0 needs none, since the classes are few; with balanced classes it changes nothing.
    n_landmarks : "auto", int or None
        For ``rbf``: how many source rows span the directions. ``"auto"`` is all rows up to 2000
        (then nothing is approximated), and 2000 beyond; None is always all rows.
    random_state : int
        Draws the landmarks.

    Attributes
    ----------
    mu_ : float
        The regulariser that was used.
    gap_ : float
        Root mean square distance of the subjects' means from their mean in the projection, in
        units of the rows' spread there.
    subjects_, source_classes_ : ndarray of shape (n_subjects,), (n_classes,)
    n_components_ : int
    eigenvalues_ : ndarray of shape (n_components_,)
    residual_ : float
        Largest |Aa - lBa| / (|Aa| + |l||Ba|) over the components.
    approximation_ : str
        ``"exact"``, or how many landmarks of how many rows.

    Notes
    -----
    The directions a are the leading eigenvectors of M a = lambda (V + mu I) a, with V as in
    `UDICA` and M = sum_c p_c^2 / (p_c + epsilon) (m_c - m)(m_c - m)' over the classes: for
    epsilon 0 the covariance between the classes. Its rank, and so the number of components, is at
    most the number of classes less one. Nothing in it knows the spread within the classes: with
    one subject, or equal means of all, DICA is PCA of the class means, and linear discriminant
    analysis only where that spread is the same in all directions.

    It is the paper's problem with the label kernel 1 for equal classes, 0 else, and a symmetric
    left side: 1/n K L (L + n epsilon I)^-1 K in place of 1/n L (L + n epsilon I)^-1 K^2, which
    is the covariance of the class means that the paper derives; see docs/methods/dica.md.

    Time: linear O(n d^2), the problem itself O(d^2 (subjects + classes)); landmarks p:
    O(n p^2 + n p d + p^3).

    References
    ----------
    Muandet, Balduzzi, Schoelkopf, "Domain generalization via invariant feature representation",
    ICML 2013; arXiv 1301.2115.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X, subjects = rng.standard_normal((90, 5)), np.arange(90) % 3
    >>> y = np.where(X[:, 1] + 0.1 * rng.standard_normal(90) > 0, "up", "down")
    >>> X[:, 0] += 4 * subjects
    >>> dica = DICA().fit(X, y, subjects=subjects)
    >>> dica.n_components_, bool(dica.gap_ < 0.2)
    (1, True)
    """

    def __init__(
        self,
        n_components: int = 30,
        *,
        kernel: str = "linear",
        gamma: str | float = "median",
        mu: float = 1.0,
        mu_scale: str = "trace",
        epsilon: float = 0.0,
        n_landmarks: str | int | None = "auto",
        random_state: int = 0,
    ) -> None:
        super().__init__(
            n_components,
            kernel=kernel,
            gamma=gamma,
            mu=mu,
            mu_scale=mu_scale,
            n_landmarks=n_landmarks,
            random_state=random_state,
        )
        self.epsilon = epsilon

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags

    def _source_design(
        self, n: int, y: NDArray[Any] | None, subjects: NDArray[Any], rows: Any
    ) -> Floats:
        self.source_classes_ = self._check_classes(y)
        domains = super()._source_design(n, y, subjects, rows)
        return np.hstack([domains, class_columns(y, self.source_classes_)])

    def _pairs(
        self, covariance: Floats, classes: Floats, shares: Floats, domains: Floats, mu: float
    ) -> Pairs:
        factor = classes * (shares / np.sqrt(shares + self.epsilon))
        if np.vdot(factor, factor) <= 1e-24 * np.trace(covariance):  # rounding of equal means
            raise self._nothing_found()
        return low_rank_pairs(factor, domains, mu, self.n_components)

    def _nothing_found(self) -> InputError:
        return InputError(
            f"DICA found no direction in which the means of the classes "
            f"{', '.join(map(str, self.source_classes_))} differ. Check features and labels."
        )

    def _check_parameters(self) -> None:
        super()._check_parameters()
        epsilon = self.epsilon
        if not isinstance(epsilon, int | float | np.number) or not 0 <= epsilon < np.inf:
            raise InputError(f"DICA: epsilon must be a number of at least 0; got {epsilon!r}.")
