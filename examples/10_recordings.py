"""Recordings: where the data's path begins.

A collection is lazy: each recording is read, or made, when it is asked for. These wearers are
invented; `eegtl.load("eegmat", root=...)` gives real ones in the same form.
"""

import numpy as np

import eegtl

people = eegtl.load("synthetic")
print(people.name, people.extent())

recording = people[0]
print(recording)
print(recording.trials.head(3).to_string(index=False))

# An MNE raw is inside, so all of MNE works on it.
spectrum = recording.raw.compute_psd(fmin=1, fmax=45, verbose="error")
power, frequencies = spectrum.get_data(return_freqs=True)
alpha = (frequencies >= 7) & (frequencies <= 14)
occipital = [recording.ch_names.index(name) for name in ("O1", "O2")]
# Above the 1/f background, since that falls through the band.
above = np.log(power[occipital].mean(axis=0)[alpha] * frequencies[alpha])
print(f"alpha of {recording.subject} peaks at {frequencies[alpha][above.argmax()]:.1f} Hz")

# Only some channels: a headset, a list, or those that all recordings share.
print(eegtl.load("synthetic", channels=["T3", "T4"])[0].ch_names)
