"""Kernel principal component analysis of sources and target together."""

from __future__ import annotations

from .moments import Floats, Moments
from .projection import KernelProjection, pooled_moments
from .solvers.eigen import Solution, gram_pca, linear_pca


class KPCA(KernelProjection):
    """Kernel PCA of the pooled source and target rows, as a baseline of transfer.

    Consumes: the unlabelled target rows.
    Before adapt: kernel PCA of the sources.
    Memory: ``linear`` d x d moments of the sources, no rows; ``rbf`` the source rows, and after
    `adapt` the target rows or the landmarks, too.

    Parameters
    ----------
    n_components : int
        At most this many; the rank of the centred kernel matrix bounds it.
    kernel : {"rbf", "linear"}
    gamma : "median" or float
        exp(-gamma |x - y|^2); ``"median"`` is 1 / (2 s^2) with s the median distance between
        source rows (of at most 1000).
    n_landmarks : "auto", int or None
        For ``rbf``: the Nystroem approximation by that many rows. ``"auto"`` is exact as long as
        the kernel matrix fits into 2 GiB (16 384 rows) and takes 2000 landmarks beyond;
        None is always exact and refuses a larger matrix.
    random_state : int
        Draws the landmarks.

    Attributes
    ----------
    n_components_ : int
    eigenvalues_ : ndarray of shape (n_components_,)
        Of HKH.
    residual_ : float
        Largest |Aw - lBw| / (|Aw| + |l||Bw|) over the components.
    approximation_ : str
        ``"exact"``, or how many landmarks of how many rows.

    Notes
    -----
    Components are projections on unit vectors of the kernel's feature space, centred: their
    variance over the pooled rows is eigenvalue / n, as in scikit-learn's `KernelPCA`.
    There is no term that brings the domains together: what it gains it gains by choosing
    directions of large variance, and by the normalisation before it.
    Time: linear O(n d^2 + d^3); rbf about 10 n_components n^2 + n^2 d; landmarks p:
    O(n p^2 + n p d + p^3).

    References
    ----------
    Schoelkopf, Smola, Mueller, "Nonlinear component analysis as a kernel eigenvalue problem",
    Neural Computation 10(5), 1998. As subject transfer: Zheng et al., ACII 2015.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.random.default_rng(0).standard_normal((40, 5))
    >>> KPCA(2, kernel="linear").fit(X[:30], X_target=X[30:]).transform(X[30:]).shape
    (10, 2)
    """

    def _solve_moments(self, source: Moments, target: Moments | None) -> Solution:
        n, _, scatter = pooled_moments(source, target)
        return linear_pca(scatter, n, self.n_components)

    def _solve_gram(self, K: Floats, design: Floats, n_source: int) -> Solution:
        return gram_pca(K, self.n_components)
