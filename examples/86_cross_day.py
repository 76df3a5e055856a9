"""A first day and the sessions nearest to it, a later day: the curve over added sessions.

Run it for its figure: python examples/86_cross_day.py curve.png (or .svg, .pdf).
"""

import sys

import eegtl
from eegtl.evaluation import cross_day_curve, table_drifts
from eegtl.report.figures import cross_day_figure

people = eegtl.load("synthetic-days")
table = eegtl.FeatureExtractor(window=10.0).extract(people)
print(table_drifts(table).round(2).to_string(index=False))
curve = cross_day_curve(table, n_sources=(0, 2, None))
print(curve.table.drop(columns="ranking").round(3).to_string(index=False))
figure = cross_day_figure(curve)
if len(sys.argv) > 1:
    figure.savefig(sys.argv[1], dpi=150)
