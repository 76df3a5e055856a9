"""Transfer component analysis (Pan, Tsang, Kwok, Yang 2011)."""

from __future__ import annotations

import warnings

import numpy as np

from ..errors import TransferWarning
from .moments import Floats, Moments
from .projection import KernelProjection, pooled_moments
from .solvers.eigen import Solution, effective_mu, gram_pca, gram_tca, linear_pca, linear_tca


class TCA(KernelProjection):
    """Transfer component analysis: keep variance, close the gap between the domains' means.

    Consumes: the unlabelled target rows; all sources count as one domain.
    Before adapt: kernel PCA of the sources.
    Memory: ``linear`` d x d moments of the sources, no rows; ``rbf`` the source rows, and after
    `adapt` the target rows or the landmarks, too.

    Parameters
    ----------
    n_components : int
        At most this many; the rank of the kernel matrix bounds it.
    kernel : {"rbf", "linear"}
    gamma : "median" or float
        exp(-gamma |x - y|^2); ``"median"`` is 1 / (2 s^2) with s the median distance between
        source rows (of at most 1000).
    mu : float
        Weight of the regulariser, on the identity as in the paper. Packages that put it on the
        other term (skada, adapt: I + mu KLK) have the reciprocal.
    mu_scale : {"trace", "absolute"}
        ``"trace"`` multiplies mu by tr(KLK)/n, with a floor of 1e-6 tr(KHK)/n; ``"absolute"``
        takes it as given.
    n_landmarks : "auto", int or None
        For ``rbf``: the Nystroem approximation by that many rows. ``"auto"`` is exact as long as
        the kernel matrix fits into 2 GiB (16 384 rows) and takes 2000 landmarks beyond;
        None is always exact and refuses a larger matrix.
    random_state : int
        Draws the landmarks.

    Attributes
    ----------
    mu_ : float
        The regulariser on the identity that was used; NaN before `adapt`.
    gap_ : float
        Distance between the domains' means in the projection, in units of the pooled rows'
        spread there (root of the summed variances); NaN before `adapt`.
    n_components_ : int
    eigenvalues_ : ndarray of shape (n_components_,)
    residual_ : float
        Largest |Aw - lBw| / (|Aw| + |l||Bw|) over the components.
    approximation_ : str
        ``"exact"``, or how many landmarks of how many rows.

    Notes
    -----
    W holds the leading eigenvectors of KHK w = lambda (KLK + mu I) w, which is symmetric and
    definite; new rows are mapped by k(x, X)W, centred on the pooled rows. Each column is scaled
    to w'Kw = 1, the projection on a unit vector of the kernel's feature space as in kernel PCA.
    (The paper's W'KHKW = I gives all components one variance; the space they span is the same.)

    With equal means of both domains KLK is 0 for the linear kernel and TCA *is* PCA: so it is
    behind ``SubjectNormalizer("z2")``; a `TransferWarning` says so.

    With as many components as there are directions in which the rows vary, the linear kernel's
    projection is an invertible map that removes nothing; a `TransferWarning` says so, too.
    The regulariser mu |w|^2 sees the rows as they are: a mean that is large against the spread
    takes part in it. Put a `SubjectNormalizer` before it.

    The linear kernel is solved exactly through d x d matrices with the dual problem's own
    regulariser (mu on the identity of w, that is mu (X'X)^+ for directions a = X'w), in
    O(n d^2 + d^3). The Gaussian kernel is solved by a block Krylov method that uses that KLK has
    rank one; about 10 n_components n^2 + n^2 d, memory n^2. See `eegtl.transfer.solvers` (`eigen`,
    `krylov`).

    References
    ----------
    Pan, Tsang, Kwok, Yang, "Domain adaptation via transfer component analysis", IEEE
    Transactions on Neural Networks 22(2), 2011, eq. 11 and 12.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X, T = rng.standard_normal((60, 4)), rng.standard_normal((30, 4)) + [3, 0, 0, 0]
    >>> tca = TCA(2, kernel="linear").fit(X).adapt(T)
    >>> tca.transform(T).shape, bool(tca.gap_ < 0.1)
    ((30, 2), True)
    """

    def __init__(
        self,
        n_components: int = 30,
        *,
        kernel: str = "rbf",
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

    def _solve_moments(self, source: Moments, target: Moments | None) -> Solution:
        n, mean, scatter = pooled_moments(source, target)
        if target is None:
            return linear_pca(scatter, n, self.n_components)
        gap = source[1] - target[1]
        return linear_tca(scatter, mean, gap, n, self.n_components, self.mu, self.mu_scale)

    def _solve_gram(self, K: Floats, design: Floats, n_source: int) -> Solution:
        n_target = len(K) - n_source
        if n_target == 0:
            return gram_pca(K, self.n_components)
        e = np.concatenate([np.full(n_source, 1 / n_source), np.full(n_target, -1 / n_target)])
        return gram_tca(K, e, self.n_components, self.mu, self.mu_scale)

    def _report(self, solution: Solution) -> None:
        self.mu_ = self.gap_ = float("nan")
        if solution.gap is None:
            return
        self.mu_ = solution.mu
        self.gap_ = solution.relative_gap
        if solution.equal_means and self.kernel == "linear":
            warnings.warn(
                "sources and target have (nearly) equal means, as they always have behind z2, so "
                "TCA with the linear kernel is PCA of the pooled rows. Another kernel (rbf) still "
                "tells them apart.",
                TransferWarning,
                stacklevel=2,
            )
        elif solution.keeps_all and self.kernel == "linear":
            self._warn_of_nothing_left_out()

    def _check_parameters(self) -> None:
        super()._check_parameters()
        effective_mu(self.mu, self.mu_scale, 1.0, 1.0)  # raises where they cannot be used
