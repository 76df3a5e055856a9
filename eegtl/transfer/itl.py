"""Information-theoretic learning of a subspace (Shi and Sha 2012).

The objective and its gradient are plain functions; all neighbourhoods are soft and all pairs of
rows count, so the number of rows is bounded.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from sklearn.base import ClassNamePrefixFeaturesOutMixin

from .._threads import one_thread
from ..errors import InputError
from ..kernels.gram import canonical_order
from .base import Aligner, Floats, Target
from .distances.domains import check_matrix
from .moments import row_moments
from .solvers.subspaces import check_n_components, completed_basis, principal_basis, source_basis

_TINY = np.finfo(np.float64).tiny
#: the ascent ends after so many iterations, as published, or when one gains less, in nats
_MAX_ITER, _LEAST_GAIN = 100, 1e-6


def mutual_information(
    queries: Floats, neighbours: Floats, sizes: NDArray[np.intp], *, leave_one_out: bool = False
) -> tuple[float, Floats, Floats]:
    """Give the information between rows and the classes of their soft nearest neighbours.

    Parameters
    ----------
    queries : ndarray of shape (n, k)
    neighbours : ndarray of shape (m, k)
        Labelled rows, class by class.
    sizes : ndarray of int, shape (n_classes,)
        How many rows each class has, none of them 0.
    leave_one_out : bool
        Whether both are the same rows, of which none is its own neighbour.

    Returns
    -------
    information : float
        In nats, from 0 to the logarithm of the number of classes.
    to_queries : ndarray of shape (n, k)
        Its gradient with respect to the queries.
    to_neighbours : ndarray of shape (m, k)
        With respect to the neighbours; where both are the same rows the gradient is the sum.

    Notes
    -----
    p_ij is proportional to exp(-|v_i - z_j|^2), q_ic is the sum of p_ij over the neighbours j of
    class c, q_c its mean over i, and the information H(q_c) - mean H(q_i) = 1/n sum_ic q_ic
    ln(q_ic / q_c). With g_ic = ln(q_ic / q_c) / n, whose own derivatives cancel, the derivative
    with respect to the exponent of the pair i, j is w_ij = p_ij (g_ic - sum_c q_ic g_ic), c the
    class of j. The sums over j vanish, so the gradients are 2 sum_j w_ij z_j and -2 (z_j sum_i
    w_ij - sum_i w_ij v_i). Time n m k, memory n m.

    Examples
    --------
    >>> points = np.array([[0.0], [9.0]])
    >>> round(mutual_information(points, points, np.array([1, 1]))[0], 6)  # ln 2
    0.693147
    """
    centre = neighbours.mean(axis=0)
    V, Z = queries - centre, neighbours - centre
    # |v|^2 is the same for all neighbours of v and falls out
    right = np.column_stack([2 * Z, -np.einsum("jk,jk->j", Z, Z)])
    E = np.column_stack([V, np.ones(len(V))]) @ right.T
    if leave_one_out:
        np.fill_diagonal(E, -np.inf)
    E -= E.max(axis=1, keepdims=True)
    np.exp(E, out=E)
    ends = np.cumsum(sizes)
    Q = np.add.reduceat(E, ends - sizes, axis=1)
    total = Q.sum(axis=1, keepdims=True)
    Q /= total
    g = np.log(np.maximum(Q, _TINY) / np.maximum(Q.mean(axis=0), _TINY)) / len(V)
    by_row = np.einsum("ic,ic->i", Q, g)
    A = (g - by_row[:, None]) / total  # w_ij = E_ij A_ic
    to_queries = np.zeros_like(V)
    to_neighbours = np.empty_like(Z)
    for c, (start, end) in enumerate(zip(ends - sizes, ends, strict=True)):
        own = slice(start, end)
        to_queries += A[:, c, None] * (E[:, own] @ Z[own])
        sums = E[:, own].T @ np.column_stack([A[:, c, None] * V, A[:, c]])
        to_neighbours[own] = sums[:, :-1] - sums[:, -1:] * Z[own]
    return float(by_row.sum()), 2 * to_queries, 2 * to_neighbours


def itl_objective(
    L: Floats, source: Floats, target: Floats, sizes: NDArray[np.intp], lam: float
) -> tuple[float, Floats, tuple[float, float]]:
    """Give what ITL maximises, for a map z = L'x.

    Parameters
    ----------
    L : ndarray of shape (d, k)
    source : ndarray of shape (n_source, d)
        Class by class.
    target : ndarray of shape (n_target, d)
    sizes : ndarray of int, shape (n_classes,)
        How many source rows each class has.
    lam : float
        Weight of the domain term; 0 leaves it out.

    Returns
    -------
    value : float
        Label information - lam domain information, in nats.
    gradient : ndarray of shape (d, k)
    parts : (float, float)
        Both informations; the second is NaN where it is left out.

    Notes
    -----
    Label: of the target rows, whose neighbours are the source rows. Domain: of all rows, whose
    neighbours are all others, with two classes, source and target.
    """
    Z, V = source @ L, target @ L
    label, to_target, to_source = mutual_information(V, Z, sizes)
    if not lam:
        return label, source.T @ to_source + target.T @ to_target, (label, float("nan"))
    n = len(Z)
    rows = np.vstack([Z, V])
    domain, to_queries, to_neighbours = mutual_information(
        rows, rows, np.array([n, len(V)]), leave_one_out=True
    )
    to_rows = lam * (to_queries + to_neighbours)
    gradient = source.T @ (to_source - to_rows[:n]) + target.T @ (to_target - to_rows[n:])
    return label - lam * domain, gradient, (label, domain)


def on_the_sphere(
    M: Floats, source: Floats, target: Floats, sizes: NDArray[np.intp], lam: float
) -> tuple[float, Floats, Floats]:
    """Give the objective of ITL for the map sqrt(k) M / |M|, which has tr(L'L) = k.

    Parameters
    ----------
    M : ndarray of shape (d, k)
        Not 0.
    source, target, sizes, lam
        As in `itl_objective`.

    Returns
    -------
    value : float
    gradient : ndarray of shape (d, k)
        With respect to M; orthogonal to it.
    L : ndarray of shape (d, k)
    """
    norm = float(np.linalg.norm(M))
    factor = np.sqrt(M.shape[1]) / norm
    value, gradient, _ = itl_objective(factor * M, source, target, sizes, lam)
    return value, factor * (gradient - np.vdot(M, gradient) / norm**2 * M), factor * M


def itl_ascent(
    start: Floats, source: Floats, target: Floats, sizes: NDArray[np.intp], lam: float
) -> tuple[Floats, Floats]:
    """Maximise the objective of ITL over maps with tr(L'L) = k.

    Parameters
    ----------
    start : ndarray of shape (d, k)
        Where the ascent begins; scaled to keep the constraint.
    source, target, sizes, lam
        As in `itl_objective`.

    Returns
    -------
    L : ndarray of shape (d, k)
    trace : ndarray of shape (n_iter + 1,)
        The objective at the start and after each iteration; it never falls.

    Notes
    -----
    L-BFGS over M of `on_the_sphere`: the constraint always holds, and the line search takes
    uphill steps only. It ends after 100 iterations, or with one that gains less than 1e-6 nats.
    """

    def descend(flat: Floats) -> tuple[float, Floats]:
        value, gradient, _ = on_the_sphere(flat.reshape(start.shape), source, target, sizes, lam)
        return -value, -gradient.ravel()

    with one_thread():
        trace = [-descend(start.ravel())[0]]
        found = minimize(
            descend,
            start.ravel(),
            jac=True,
            method="L-BFGS-B",
            callback=lambda intermediate_result: trace.append(-float(intermediate_result.fun)),
            options={"maxiter": _MAX_ITER, "ftol": _LEAST_GAIN, "gtol": 1e-6},
        )
        L = on_the_sphere(found.x.reshape(start.shape), source, target, sizes, lam)[2]
    return L, np.array(trace)


class ITL(ClassNamePrefixFeaturesOutMixin, Aligner):
    """Information-theoretic learning: a subspace in which neighbours tell classes, not domains.

    Consumes: the unlabelled target rows; all sources count as one domain, with their labels.
    Before adapt: principal components of the sources.
    Memory: at most `max_rows` source rows with their classes, and the d x d scatter of all.

    Parameters
    ----------
    n_components : int
        At most this many; the rank of the sources bounds it.
    lam : float
        Weight of the domain term; 0 leaves it out.
    max_rows : int
        The map is learned from at most this many rows of the sources, drawn class by class, and
        as many of the target; it is applied to all. All pairs are formed: time and memory grow
        with the square.
    random_state : int
        Draws the rows.

    Attributes
    ----------
    components_ : ndarray of shape (n_features, n_components_)
        The map L.
    n_components_ : int
    scale_ : float
        What one unit of distance is: the root mean variance of the sources' leading
        `n_components_` principal components.
    objective_ : ndarray of shape (n_iter + 1,)
        Label information - lam domain information at the start and after each iteration, in nats;
        it never falls. Empty before `adapt`.
    label_information_, domain_information_ : float
        Both at the end, in nats; NaN before `adapt`, the second also where `lam` is 0.

    Notes
    -----
    A target row's class is guessed from its soft nearest source rows, with weights proportional
    to exp(-|L'(x_i - x_j)|^2 / scale_^2). L maximises the information between the target rows
    and these guesses (each row is sure of its class, and all classes occur) minus `lam` times that
    between all rows and their domain, guessed in the same way from all other rows, subject to
    tr(L'L) = k. It starts at the target's principal directions; where the target has fewer than
    k, the sources' are added.

    The constraint fixes the sharpness of the neighbourhoods only together with a unit of
    distance. `scale_` brings the start to unit variance a component on average, so that the units
    of the features do not matter.

    The objective is not concave: the result is a local maximum near the start. An ascent
    amplifies rounding: rows that differ in the last digit give another map in more than that.

    References
    ----------
    Shi, Sha, "Information-theoretical learning of discriminative clusters for unsupervised domain
    adaptation", ICML 2012.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X, y = rng.standard_normal((60, 4)), np.arange(60) % 2
    >>> X[:, 0] += 4 * y
    >>> T = rng.standard_normal((30, 4)) + 4 * np.eye(4)[0] * (np.arange(30) % 2)[:, None]
    >>> itl = ITL(2).fit(X, y).adapt(T)
    >>> itl.transform(T).shape, bool(itl.objective_[-1] > itl.objective_[0])
    ((30, 2), True)
    """

    moves_source = True
    by_subject = False

    def __init__(
        self,
        n_components: int = 30,
        *,
        lam: float = 1.0,
        max_rows: int = 400,
        random_state: int = 0,
    ) -> None:
        self.n_components = n_components
        self.lam = lam
        self.max_rows = max_rows
        self.random_state = random_state

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags

    @property
    def _n_features_out(self) -> int:
        return self.n_components_

    def _fit_source(self, X: Floats, y: NDArray[Any] | None, subjects: Any, rows: Any) -> None:
        self._check_parameters()
        classes = self._check_classes(y)
        order = canonical_order(X)  # sums in this order have the same last digits, too
        moments = row_moments(X[order])
        basis = source_basis("ITL", moments, int(self.n_components))
        spread = np.einsum("ik,ij,jk->", basis, moments[2], basis) / moments[0]
        codes = np.searchsorted(classes, np.asarray(y))
        by_class = [np.flatnonzero(codes == c) for c in range(len(classes))]
        taken = quotas([len(own) for own in by_class], int(self.max_rows))
        rng = np.random.default_rng(self.random_state)
        drawn = [
            own[canonical_order(X[own])][_draw(rng, len(own), n)]
            for own, n in zip(by_class, taken, strict=True)
        ]
        self.source_mean_, self.source_scatter_ = moments[1], moments[2]
        self.source_basis_ = basis
        self.source_rows_ = X[np.concatenate(drawn)]
        self.class_sizes_ = np.array(taken)
        self.n_components_ = basis.shape[1]
        self.scale_ = float(np.sqrt(spread / self.n_components_))

    def _forget_target(self) -> None:
        self.components_ = self.source_basis_
        self.objective_ = np.empty(0)
        self.label_information_ = self.domain_information_ = float("nan")

    def _adapt_target(self, target: Target) -> str:
        T = target.X[canonical_order(target.X)]
        start = completed_basis(
            principal_basis(row_moments(T), self.n_components_),
            self.source_scatter_,
            self.n_components_,
        )
        T = T[_draw(np.random.default_rng(self.random_state), len(T), int(self.max_rows))]
        n_rows = len(self.source_rows_) + len(T)
        check_matrix(n_rows, n_rows, "the pairs of rows of sources and target", "lower max_rows")
        source, T = ((rows - self.source_mean_) / self.scale_ for rows in (self.source_rows_, T))
        lam = float(self.lam)
        L, trace = itl_ascent(start, source, T, self.class_sizes_, lam)
        parts = itl_objective(L, source, T, self.class_sizes_, lam)[2]
        self.components_, self.objective_ = L, trace
        self.label_information_, self.domain_information_ = parts
        return "unlabelled"

    def _transform(self, X: Floats) -> Floats:
        return (X - self.source_mean_) @ self.components_

    def _check_parameters(self) -> None:
        check_n_components("ITL", self.n_components)
        if not isinstance(self.lam, int | float | np.number) or not 0 <= self.lam < np.inf:
            raise InputError(f"ITL: lam must be a number of at least 0; got {self.lam!r}.")
        if not isinstance(self.max_rows, int | np.integer) or self.max_rows < 2:
            raise InputError(
                f"ITL: max_rows must be an integer of at least 2; got {self.max_rows!r}."
            )


def quotas(counts: list[int], n_rows: int) -> list[int]:
    """Divide a number of rows among classes in proportion to their sizes.

    Parameters
    ----------
    counts : list of int
        Sizes of the classes, none of them 0.
    n_rows : int
        How many rows there may be.

    Returns
    -------
    list of int
        The counts themselves where they are few enough. Each class has one row at least, even
        where the classes are more than `n_rows`; the largest remainders take what is left.

    Examples
    --------
    >>> quotas([50, 30, 1], 8), quotas([3, 2], 8)
    ([4, 3, 1], [3, 2])
    """
    total = sum(counts)
    if total <= n_rows:
        return counts
    taken = [max(1, n_rows * count // total) for count in counts]
    by_remainder = sorted(range(len(counts)), key=lambda c: (-(n_rows * counts[c] % total), c))
    for c in by_remainder:
        if sum(taken) >= n_rows:
            break
        taken[c] += 1
    return taken


def _draw(rng: np.random.Generator, n: int, most: int) -> NDArray[np.intp]:
    """Draw places, in their order; all where they are few enough."""
    return np.sort(rng.choice(n, most, replace=False)) if n > most else np.arange(n)
