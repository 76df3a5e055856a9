"""How far two domains lie apart: plain functions of their rows, and what they make of nothing.

Each takes the rows of two domains and gives a number. Which one answers which question, and what
each makes of few rows, is in docs/methods/distances.md.
"""

from collections.abc import Callable

from .day_drift import Drift, day_drift, drifts_between_days, usual_drift
from .divergence import gaussian_kl, histogram_js, kl_of_gaussians
from .mean import mean_gap
from .mmd import mmd_linear, mmd_multi, mmd_rbf
from .noise import split_noise, trial_halves
from .permutation import PermutationTest, permutation_test
from .proxy import proxy_a_distance
from .wasserstein import gaussian_w2, sliced_wasserstein, w2_of_gaussians

__all__ = [
    "DISTANCES",
    "Drift",
    "PermutationTest",
    "day_drift",
    "drifts_between_days",
    "gaussian_kl",
    "gaussian_w2",
    "histogram_js",
    "kl_of_gaussians",
    "mean_gap",
    "mmd_linear",
    "mmd_multi",
    "mmd_rbf",
    "permutation_test",
    "proxy_a_distance",
    "sliced_wasserstein",
    "split_noise",
    "trial_halves",
    "usual_drift",
    "w2_of_gaussians",
]

#: Distances by name; each takes the rows of two domains, and their order does not matter.
#: `proxy_a_distance` needs the trials, too.
DISTANCES: dict[str, Callable[..., float]] = {
    "mean_gap": mean_gap,
    "mmd_linear": mmd_linear,
    "mmd_rbf": mmd_rbf,
    "mmd_multi": mmd_multi,
    "gaussian_kl": gaussian_kl,
    "histogram_js": histogram_js,
    "gaussian_w2": gaussian_w2,
    "sliced_wasserstein": sliced_wasserstein,
}
