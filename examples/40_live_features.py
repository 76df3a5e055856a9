"""Live features: chunks in, windows out, equal to the table of the whole recording."""

import numpy as np

import eegtl
from eegtl.features import LDS

recording = eegtl.load("synthetic")[0]
extractor = eegtl.FeatureExtractor(window=2.0, smoothing=LDS(mode="filter"))
stream = extractor.start(recording.sfreq, recording.ch_names)

onset, duration = recording.trials.loc[1, ["onset", "duration"]]
first, last = (round(t * recording.sfreq) for t in (onset, onset + duration))
data = recording.get_data()
stream.push(data[:, :first])
stream.mark()  # a trial begins: windows and smoothing restart
rows, onsets = [], []
for start in range(first, last, 32):  # a headset sends some samples at a time
    X, t = stream.push(data[:, start : min(start + 32, last)])
    rows.append(X)
    onsets.append(t)
live = np.concatenate(rows)
print(f"{len(live)} windows, the first at {np.concatenate(onsets)[0]:.2f} s")

table = extractor.extract([recording])
offline = table.X[(table.meta["trial"] == recording.trials.loc[1, "trial"]).to_numpy()]
print(f"largest difference to the table: {abs(live - offline).max():.1e} nats")
