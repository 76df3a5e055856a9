"""Reference, selection and harmonising: the steps that mix channels."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import eegtl
from eegtl.errors import InputError, SignalError, SignalWarning
from eegtl.preprocessing import Channels, Harmonise, Reference
from eegtl.preprocessing.harmonise import _centre, spline_weights
from eegtl.recordings.channels import HEADSETS, TEN_TWENTY, positions


def noise(n_channels, n_times=100, seed=0):
    return 1e-5 * np.random.default_rng(seed).standard_normal((n_channels, n_times))


def test_average_reference_makes_the_sum_zero():
    data = noise(5)
    running = Reference("average").start(250.0, list("abcde"))
    out = running.push(data)
    np.testing.assert_allclose(out.sum(axis=0), 0, atol=1e-19)
    np.testing.assert_allclose(out, data - data.mean(axis=0), atol=1e-20)
    assert running.ch_names == tuple("abcde")
    assert running.notes == ("reference: mean of all channels",)


@pytest.mark.parametrize(
    ("names", "pair"),
    [
        (["Fz", "A1", "A2", "M1", "M2", "TP9", "TP10"], ("A1", "A2")),
        (["TP9", "Fz", "M2", "TP10", "M1"], ("M1", "M2")),
        (["A1", "TP9", "Fz", "TP10"], ("TP9", "TP10")),
    ],
)
def test_linked_takes_the_first_pair_that_is_there(names, pair):
    data = noise(len(names))
    running = Reference("linked").start(250.0, names)
    mean = data[[names.index(name) for name in pair]].mean(axis=0)
    assert running.ch_names == tuple(name for name in names if name not in pair)
    assert running.notes == (f"reference: mean of {pair[0]}, {pair[1]}",)
    rows = [names.index(name) for name in running.ch_names]
    np.testing.assert_allclose(running.push(data), data[rows] - mean, atol=1e-20)


def test_named_electrodes_may_stay():
    data = noise(3)
    gone = Reference(["EEG T3"]).start(250.0, ["Fz", "T7", "Cz"])
    assert gone.ch_names == ("Fz", "Cz")
    np.testing.assert_array_equal(gone.push(data), data[[0, 2]] - data[1])
    kept = Reference(["T7", "Cz"], keep=True).start(250.0, ["Fz", "T7", "Cz"])
    assert kept.ch_names == ("Fz", "T7", "Cz")
    np.testing.assert_allclose(kept.push(data)[1:].sum(axis=0), 0, atol=1e-20)


def test_any_reference_before_makes_no_difference_to_the_average():
    data = noise(4)
    step = Reference("average")
    names = ["Fz", "Cz", "Pz", "Oz"]
    other = data - data[2]
    np.testing.assert_allclose(
        step.start(250.0, names).push(data), step.start(250.0, names).push(other), atol=1e-19
    )


@pytest.mark.parametrize(
    ("step", "names", "message"),
    [
        (Reference(), ["Cz"], r"the average reference of one channel \(Cz\) is that channel"),
        (
            Reference("linked"),
            ["Fz", "A1"],
            r"a linked reference needs A1 and A2, M1 and M2, TP9 and TP10; the signal has Fz, A1",
        ),
        (
            Reference(["Cz", "T7"]),
            ["Fz", "Cz"],
            r"reference electrode 'T7' is missing; the signal has Fz, Cz",
        ),
        (
            Reference(["Fz", "Cz"]),
            ["Fz", "Cz"],
            r"all channels \(Fz, Cz\) are reference electrodes, so that none is left; choose keep",
        ),
        (
            Channels(["Fz", "Pz"]),
            ["Fz", "Cz"],
            r"channel 'Pz' is missing \(found 1 of 2 in Fz, Cz\); choose others, or interpolate",
        ),
        (
            Harmonise("ten-twenty"),
            ["TP9", "AF7", "AF8", "TP10"],
            r"electrode 'Fp1' is missing \(19 of 19 are\), and 4 electrodes \(TP9, AF7, AF8, "
            r"TP10\) are too few to interpolate it: 8 are needed",
        ),
        (
            Harmonise(["Cz", "Right AUX"]),
            list(TEN_TWENTY),
            r"channel 'Right AUX' is missing and has no standard position",
        ),
    ],
)
def test_signals_without_the_electrodes(step, names, message):
    with pytest.raises(SignalError, match=message):
        step.start(250.0, names)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Reference("Cz"), r"to is 'Cz'; give 'average', 'linked', or .* \['Cz'\]"),
        (lambda: Reference(3), r"to is 3; give a list of electrodes"),
        (lambda: Channels([]), r"names is \(\); name each electrode once, and one at least"),
        (lambda: Channels(["T3", "T7"]), r"names is \('T7', 'T7'\); name each electrode once"),
        (lambda: Channels("nuse"), r"names is 'nuse'; give a list .* headsets muse, epoc"),
        (lambda: Harmonise("cap"), r"montage is 'cap'; give a list of electrodes, or one of"),
    ],
)
def test_settings_that_name_no_electrodes(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_selection_keeps_the_order_asked_for_and_forgets_gaps_elsewhere():
    data = noise(4)
    data[1, 10:20] = np.nan
    running = Channels(["Oz", "EEG Fz"]).start(250.0, ["Fz", "Cz", "Pz", "Oz"], (1.0, 40.0))
    np.testing.assert_array_equal(running.push(data), data[[3, 0]])
    assert (running.ch_names, running.passband) == (("Oz", "Fz"), (1.0, 40.0))
    assert Channels("muse").names == ("TP9", "AF7", "AF8", "TP10")


def test_harmonising_takes_what_is_there_and_reads_only_what_it_needs():
    data = noise(19)
    data[0, 5] = np.nan  # Fp1, which is not asked for, where nothing is missing
    running = Harmonise(["Pz", "F3"]).start(250.0, TEN_TWENTY)
    rows = [TEN_TWENTY.index(name) for name in ("Pz", "F3")]
    np.testing.assert_array_equal(running.push(data), data[rows])
    assert running.notes == ()
    spread = Harmonise(["Pz", "FCz"]).start(250.0, TEN_TWENTY)
    assert np.isnan(spread.push(data)[:, 5]).all()
    assert spread.notes[0].startswith("interpolated: FCz (")


def test_weights_sum_to_one_and_carry_a_smooth_potential():
    present, missing = tuple(TEN_TWENTY), ("FCz", "CP3", "AF4", "P5")
    weights = spline_weights(present, missing)
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-9)
    # A potential linear in space, as of a far dipole.
    for axis in range(3):
        there, here = positions(missing)[:, axis], positions(present)[:, axis]
        np.testing.assert_allclose(weights @ here, there, atol=0.012)  # head radius 95 mm


def test_the_order_of_the_electrodes_does_not_matter():
    order = np.random.default_rng(1).permutation(19)
    missing = ("FCz", "CP3")
    straight = spline_weights(tuple(TEN_TWENTY), missing)
    shuffled = spline_weights(tuple(TEN_TWENTY[i] for i in order), missing)
    np.testing.assert_allclose(shuffled, straight[:, order], atol=1e-9)


def test_channels_without_a_position_neither_disturb_nor_are_read():
    names = [*TEN_TWENTY, "Right AUX"]
    data = noise(20)
    expected = Harmonise(["FCz"]).start(250.0, names).push(data)
    data[-1] = np.nan
    np.testing.assert_array_equal(Harmonise(["FCz"]).start(250.0, names).push(data), expected)


def test_a_small_headset_grows_to_a_cap():
    message = (
        r"guesses 20 of the 48 electrodes it interpolates: FC1 \(F3 4.9 cm away, noise x 1.9\)"
    )
    with pytest.warns(SignalWarning, match=message) as warned:
        running = Harmonise("seed62").start(128.0, HEADSETS["epoc"])
    assert "and 15 more (limits: 6 cm, noise x 1.5)" in str(warned[0].message)
    out = running.push(noise(14))
    assert (out.shape, running.ch_names) == ((62, 100), HEADSETS["seed62"])
    assert np.isfinite(out).all()
    assert "CB1 (P7 4.5 cm away)" in running.notes[0]


def test_electrodes_that_are_surrounded_are_no_guesses():
    for montage in ("deap32", "seed62", "epoc", "muse"):
        Harmonise(montage).start(128.0, TEN_TWENTY)  # warnings are errors here
    front = ["Fp1", "Fp2", "F7", "F3", "Fz", "F4", "F8", "AFz"]
    message = (
        r"Harmonise rather guesses 1 of the 1 .*: Oz \(F7 17.4 cm away, noise x 5.6\) \(limits"
    )
    with pytest.warns(SignalWarning, match=message):
        Harmonise(["Fz", "Oz"]).start(128.0, front)


def test_the_weights_do_not_depend_on_what_else_is_missing():
    together = spline_weights(TEN_TWENTY, ("FCz", "CP3", "TP9", "Oz"))
    for row, name in zip(together, ("FCz", "CP3", "TP9", "Oz"), strict=True):
        np.testing.assert_allclose(spline_weights(TEN_TWENTY, (name,))[0], row, atol=1e-9)
    # Least squares of a sphere through the 10-20 electrodes, by another way: |p - c| is equal.
    distances = np.linalg.norm(positions(TEN_TWENTY) - np.array(_centre()), axis=1)
    assert distances.std() < 0.06 * distances.mean()


@pytest.mark.realdata
def test_an_electrode_left_out_comes_back_similar(realdata):
    recording = eegtl.load("eegmat", root=realdata / "eegmat")[0]
    names, data = recording.ch_names, recording.get_data(0, 30_000)
    similar = {}
    for name in ("Cz", "F3", "F4", "C3", "P4", "Pz", "T7", "T8", "O1", "O2", "F7", "Fp1"):
        others = [other for other in names if other != name]
        step = Harmonise([name])
        warnings.simplefilter("ignore", SignalWarning)  # C3 and Cz are 7 cm from the nearest
        rows = [names.index(other) for other in others]
        rebuilt = step.start(recording.sfreq, others).push(data[rows])[0]
        similar[name] = np.corrcoef(rebuilt, data[names.index(name)])[0, 1]
    inner, rim = list(similar.values())[:6], list(similar.values())[6:]
    assert np.median(inner) > 0.8
    assert min(inner) > 0.6
    # At the rim an electrode has neighbours on one side only.
    assert np.median(rim) > 0.5
    assert min(rim) > 0.35
