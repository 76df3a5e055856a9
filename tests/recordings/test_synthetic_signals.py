"""What is in the signals of the invented wearers, and what is not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from recordings.plain_study import log_variances, loso_accuracy
from scipy.signal import welch

from eegtl.recordings import HEADSETS, SyntheticSettings, make_synthetic
from eegtl.recordings.synthetic import draw_wearer
from eegtl.recordings.synthetic.activity import _CLIP, clip_course
from eegtl.recordings.synthetic.artefacts import blink_times
from eegtl.recordings.synthetic.draws import Draws
from eegtl.recordings.synthetic.fields import draw_field
from eegtl.recordings.synthetic.head import lead_field
from eegtl.recordings.synthetic.spectrum import power_density
from eegtl.recordings.synthetic.wearer import MOST_BLINKS, own_level

#: Nothing but the usual brain and the electrodes' noise.
CALM = SyntheticSettings(
    n_subjects=1,
    subject_shift=0.0,
    day_shift=0.0,
    trial_effect=0.0,
    class_effect=0.0,
    drift=0.0,
    blinks=0.0,
    mains=0.0,
)
SMALL = SyntheticSettings(n_subjects=3, trials_per_class=2, trial_seconds=6.0, pause_seconds=2.0)


def microvolts(settings: SyntheticSettings, which: int = 0) -> np.ndarray:
    return np.asarray(1e6 * make_synthetic(settings)[which].get_data())


def courses(settings: SyntheticSettings, which: int) -> dict[str, np.ndarray]:
    """Log power of every second of every clip, above 14 Hz."""
    recording = make_synthetic(settings)[which]
    data, sfreq = recording.get_data(), round(recording.sfreq)
    found = {}
    for trial in recording.trials.itertuples():
        first = round(trial.onset * sfreq)
        part = data[:, first : first + round(trial.duration) * sfreq]
        spectra = np.abs(np.fft.rfft(part.reshape(len(data), -1, sfreq), axis=2)) ** 2
        course = 0.5 * np.log(spectra[:, :, 14:45].sum(axis=2))
        found[trial.stimulus] = course - course.mean(axis=1, keepdims=True)
    return found


def test_the_spectrum_is_the_one_set() -> None:
    settings = replace(CALM, channels=HEADSETS["deap32"])
    recording = make_synthetic(settings)[0]
    f, found = welch(1e6 * recording.get_data(), 128.0, nperseg=512)
    density = power_density(
        f, exponent=1.5, alpha_hz=draw_wearer(settings, 1).alpha_hz, alpha_gain=1.0
    )
    # 0.4 uV of white noise up to 64 Hz, on electrodes whose contacts differ.
    expected = lead_field(settings.channels) ** 2 @ density + 0.16 * np.exp(2 * 0.09) / 64
    for low, high in ((1.5, 4), (4, 8), (8, 14), (14, 31), (31, 60)):
        inside = (f >= low) & (f < high)
        ratio = found[:, inside].sum(axis=1) / expected[:, inside].sum(axis=1)
        assert ratio.mean() == pytest.approx(1.0, abs=0.05), (low, high)


def test_every_wearer_has_an_alpha_peak_of_its_own() -> None:
    settings = replace(
        CALM,
        n_subjects=6,
        trials_per_class=2,
        channels=("O1", "O2"),
        subject_shift=0.19,
        alpha_hz=9.5,
    )
    found, wanted = [], []
    for number, recording in enumerate(make_synthetic(settings), start=1):
        wearer = draw_wearer(settings, number)
        f, power = welch(recording.get_data(), 128.0, nperseg=512)
        inside = (f > 6) & (f < 15)
        flat = (power.sum(axis=0) * np.maximum(f, 0.5) ** wearer.exponent)[inside]
        above = np.clip(flat - np.median(flat), 0, None)
        found.append((above * f[inside]).sum() / above.sum())
        wanted.append(wearer.alpha_hz)
    assert np.ptp(wanted) > 1.0
    np.testing.assert_allclose(found, wanted, atol=0.4)


def test_alpha_is_strongest_at_the_back() -> None:
    f, power = welch(microvolts(replace(CALM, channels=("Fp1", "Cz", "O1"))), 128.0, nperseg=512)
    peak = power[:, (f >= 8) & (f < 13)].sum(axis=1) / power[:, (f >= 16) & (f < 30)].sum(axis=1)
    assert peak[2] > 1.5 * peak[1] > 1.5 * peak[0]


def test_blinks_are_all_that_blinks_add() -> None:
    calm = replace(CALM, n_subjects=2, trials_per_class=1, channels=HEADSETS["deap32"])
    blinking = replace(calm, blinks=15.0)
    added = microvolts(blinking, 1) - microvolts(calm, 1)
    wearer = draw_wearer(blinking, 2)
    peak = added[calm.channels.index("Fp1")].max()
    assert peak == pytest.approx(wearer.blink_uv, rel=0.8)
    assert added.min() > -0.3 * peak
    # One course seen through one map.
    singular = np.linalg.svd(added, compute_uv=False)
    assert singular[1] < 1e-9 * singular[0]
    course = added[0] / added[0].max()
    assert (course > 0.01).mean() == pytest.approx(
        0.3 * len(blink_times(blinking, wearer, 2, 1, 110.0)) / 110.0, rel=0.2
    )


@pytest.mark.parametrize("typical", [12.0, 50.0])
def test_blinks_come_at_the_wearers_rate(typical: float) -> None:
    settings = SyntheticSettings(n_subjects=20, blinks=typical)
    rates = []
    for number in range(1, 21):
        wearer = draw_wearer(settings, number)
        starts = blink_times(settings, wearer, number, 1, 3600.0)
        assert np.diff(starts).min() >= 0.6
        assert starts.min() >= 0.0
        assert starts.max() < 3600.0 - 0.35
        rates.append(len(starts) / 60)
        assert rates[-1] == pytest.approx(wearer.blinks_per_minute, rel=0.15)
    assert max(rates) > 2 * min(rates)
    assert np.median(rates) == pytest.approx(typical, rel=0.3)
    assert max(rates) < 1.1 * MOST_BLINKS
    assert len(blink_times(settings, replace(wearer, blinks_per_minute=0.0), 1, 1, 3600.0)) == 0


@pytest.mark.parametrize("mains", [50.0, 60.0])
def test_hum_is_all_that_mains_add(mains: float) -> None:
    calm = replace(SMALL, blinks=0.0, mains=0.0)
    humming = replace(calm, mains=mains)
    added = microvolts(humming, 2) - microvolts(calm, 2)
    f = np.fft.rfftfreq(added.shape[1], 1 / 128.0)
    spectrum = np.abs(np.fft.rfft(added, axis=1)) ** 2
    assert (spectrum[:, np.abs(f - mains) < 0.5].sum(axis=1) > 0.99 * spectrum.sum(axis=1)).all()
    loud = added.std(axis=1)
    assert 0.1 < np.median(loud) < 2.5
    assert loud.max() > 2 * loud.min()


def test_near_electrodes_are_more_alike_than_far_ones() -> None:
    names = ("AF3", "F3", "F7", "P8", "O1", "O2")
    correlation = np.corrcoef(microvolts(replace(CALM, channels=names)))
    assert correlation[0, 1] > 0.65
    assert correlation[4, 5] > 0.3
    assert correlation[1, 2] > correlation[1, 3] + 0.5
    assert correlation[1, 4] < 0.3


def test_without_class_effect_nothing_tells_the_label() -> None:
    # Six clips in the same order, once of three classes and once of two.
    three = replace(SMALL, class_effect=0.0, trials_per_class=2)
    two = replace(three, classes=("low", "high"), trials_per_class=3)
    a, b = make_synthetic(three)[1], make_synthetic(two)[1]
    assert a.trials["stimulus"].tolist() == b.trials["stimulus"].tolist()
    np.testing.assert_array_equal(a.get_data(), b.get_data())
    felt = [microvolts(replace(s, class_effect=0.1), 1) for s in (three, two)]
    assert (felt[0] - felt[1]).std() > 0.01 * felt[0].std()


def test_a_class_effect_changes_the_classes_as_it_says() -> None:
    settings = replace(CALM, class_effect=0.5, trials_per_class=6, channels=("T7", "C5", "T8"))
    recording = make_synthetic(settings)[0]
    levels: dict[str, list] = {}
    for trial in recording.trials.itertuples():
        first = round(128 * trial.onset)
        f, power = welch(recording.get_data()[:, first : first + 30 * 128], 128.0, nperseg=256)
        levels.setdefault(trial.label, []).append(power[:, (f > 32) & (f < 50)].sum(axis=1).mean())
    mean = {label: 0.5 * np.log(np.mean(values)) for label, values in levels.items()}
    assert mean["positive"] - mean["neutral"] > 0.3
    assert mean["neutral"] - mean["negative"] > 0.2


def test_a_clip_does_the_same_to_everybody_at_the_same_moment() -> None:
    settings = replace(
        CALM, n_subjects=2, trials_per_class=1, stimulus_effect=0.4, channels=HEADSETS["epoc"]
    )
    one, two = courses(settings, 0), courses(settings, 1)
    same = [np.corrcoef(one[clip].ravel(), two[clip].ravel())[0, 1] for clip in one]
    other = [np.corrcoef(one[a].ravel(), two[b].ravel())[0, 1] for a in one for b in two if a != b]
    assert min(same) > 0.6
    assert max(np.abs(other)) < 0.5
    none = replace(settings, stimulus_effect=0.0)
    one, two = courses(none, 0), courses(none, 1)
    assert max(abs(np.corrcoef(one[c].ravel(), two[c].ravel())[0, 1]) for c in one) < 0.2


def test_clips_of_a_round_play_one_course_from_another_place() -> None:
    settings = SyntheticSettings(classes=("low", "high"), trial_seconds=20.0)
    times = np.arange(160) / 8
    first, second, third = (clip_course(settings, f"clip{k:02d}", times) for k in (1, 2, 3))
    np.testing.assert_allclose(second, np.roll(first, -80, axis=2), rtol=0, atol=1e-12)
    np.testing.assert_allclose(first.mean(axis=2), 0.0, atol=1e-12)
    assert abs(np.corrcoef(first.ravel(), third.ravel())[0, 1]) < 0.3
    many = np.stack([clip_course(settings, f"clip{2 * k + 1:02d}", times) for k in range(20)])
    size = (many**2).mean()
    # Of correlated patches, the electrodes see 1; the patches themselves vary more.
    assert size == pytest.approx((draw_field(Draws(5), _CLIP, 3000) ** 2).mean(), rel=0.05)
    ring = np.exp(-np.minimum(np.arange(160), 160 - np.arange(160)) / 32)
    found = (many[..., 16:] * many[..., :-16]).mean() / size
    assert found == pytest.approx((ring[16] - ring.mean()) / (1 - ring.mean()), abs=0.05)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_clips_tell_nothing_of_the_label(seed: int) -> None:
    settings = replace(
        CALM,
        n_subjects=6,
        trials_per_class=2,
        trial_seconds=12.0,
        pause_seconds=2.0,
        stimulus_effect=0.6,
        seed=seed,
    )
    found = loso_accuracy([log_variances(recording) for recording in make_synthetic(settings)])
    # 216 windows at a third; clips with courses of their own gave .55 to .72 here.
    assert found == pytest.approx(1 / 3, abs=3.3 * np.sqrt(2 / 9 / 216))


def test_persons_and_days_have_levels_of_their_own() -> None:
    settings = SyntheticSettings(n_sessions=2, subject_shift=0.3, day_shift=0.0)
    np.testing.assert_array_equal(own_level(settings, 1, 1), own_level(settings, 1, 2))
    assert np.abs(own_level(settings, 1, 1) - own_level(settings, 2, 1)).max() > 0.1
    settings = replace(settings, subject_shift=0.0, day_shift=0.2)
    assert np.abs(own_level(settings, 1, 1) - own_level(settings, 1, 2)).max() > 0.1
    assert not own_level(replace(settings, day_shift=0.0), 1, 1).any()


#: Recording, channel, sample, uV.
FROZEN = (
    ("one day", 0, 0, -7.9945570001),
    ("one day", 1, 1234, 3.8536177676),
    ("one day", 2, 4321, 3.5222805705),
    ("one day", 3, 27200, 2.0439893887),
    ("one day", 0, 18133, -5.5798388892),
    ("one day", 2, 54399, -3.8076300287),
    ("all at once", 0, 0, -7.2967108727),
    ("all at once", 1, 1234, 10.5089949362),
    ("all at once", 2, 4321, -0.0201059075),
    ("all at once", 3, 9000, 1.4947543670),
    ("all at once", 0, 5546, 2.5886757656),
    ("all at once", 2, 16639, -2.2980486031),
)


@pytest.mark.parametrize("which", ["one day", "all at once"])
def test_one_seed_gives_these_samples_on_every_machine(which: str) -> None:
    several = SyntheticSettings(
        n_sessions=2,
        channels=HEADSETS["muse"],
        sfreq=256.0,
        trial_seconds=5.0,
        trials_per_class=2,
        mains=60.0,
        stimulus_effect=0.1,
        label_shift=0.5,
        seed=7,
    )
    data = microvolts(SyntheticSettings(), 1) if which == "one day" else microvolts(several, 3)
    rows = [row for row in FROZEN if row[0] == which]
    assert len(rows) == 6
    for _, channel, time, value in rows:
        assert data[channel, time] == pytest.approx(value, abs=1e-8)  # 1e-9 of 10 uV
