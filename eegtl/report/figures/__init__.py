"""Figures of a study: plain functions from a result to a matplotlib figure.

None of them opens a window or touches matplotlib's global state, so that they work in notebooks,
scripts and threads alike.

Examples
--------
>>> import eegtl
>>> people = eegtl.load("synthetic").select(subjects=["w01", "w02", "w03"])
>>> table = eegtl.FeatureExtractor(window=10.0).extract(people)
>>> study = eegtl.run_study(table, methods=[], n_shuffles=0)
>>> figure = subjects_figure(study, rows=["source-only [none]", "source-only [z2]"])
>>> figure.axes[0].get_xlabel()  # figure.savefig("subjects.pdf") writes it for a paper
'accuracy of one person, %'
"""

from .calibration_curve import calibration_figure
from .confusion import confusion_figure
from .cross_day import cross_day_figure
from .differences import differences_figure
from .distances import distances_figure
from .shift import shift_figure
from .subjects import subjects_figure
from .topography import class_effect_figure

__all__ = [
    "calibration_figure",
    "class_effect_figure",
    "confusion_figure",
    "cross_day_figure",
    "differences_figure",
    "distances_figure",
    "shift_figure",
    "subjects_figure",
]
