"""Preprocessing: steps that take a recording in one piece, or a live signal in chunks.

Every step states its delay, and both faces give the same samples.
"""

import numpy as np

import eegtl
from eegtl.preprocessing import ArtefactMarks, Chain, Notch, Reference, Resample

recording = eegtl.load("synthetic")[0]
chain = Chain([ArtefactMarks(), Notch(50.0), Reference("average"), Resample(100.0)])
for step in chain.describe():
    print(step)

cleaned = chain.apply(recording)  # a new recording; the old one stays as it is
print(f"{recording.sfreq:g} Hz -> {cleaned.sfreq:g} Hz, causal: {cleaned.causal}")

# The same live: chunks of any size.
running = chain.start(recording.sfreq, recording.ch_names)
print(f"delay {1000 * running.delay:.0f} ms")
data = recording.get_data()
rng = np.random.default_rng(0)
cuts = np.sort(rng.integers(0, data.shape[1], 200))
pieces = [running.push(chunk) for chunk in np.split(data, cuts, axis=1)]
pieces.append(running.finish())  # what the delay still holds back
live = np.concatenate(pieces, axis=1)
print(f"largest difference between live and offline: {abs(live - cleaned.get_data()).max():.1e} V")
