"""The forward model and the random fields of the invented wearers, against theory and MNE."""

from __future__ import annotations

import mne
import numpy as np
import pytest
from reference.sphere_naive import radial_potential
from scipy.stats import kstest, normaltest

from eegtl.recordings.channels import HEADSETS, TEN_TWENTY
from eegtl.recordings.synthetic.draws import Draws
from eegtl.recordings.synthetic.fields import Shares, draw_field, wander
from eegtl.recordings.synthetic.head import (
    blink_map,
    directions,
    lead_field,
    patches,
    sphere_potential,
)
from eegtl.recordings.synthetic.pattern import class_effects, feeling
from eegtl.recordings.synthetic.spectrum import band_weights, power_density, seen_weights


@pytest.mark.parametrize("depth", [0.0, 0.3, 0.6, 0.8])
def test_potential_is_the_series(depth: float) -> None:
    electrodes, dipoles = directions(TEN_TWENTY), patches()[::5]
    found = sphere_potential(electrodes, dipoles, depth)
    expected = [[radial_potential(list(r), list(n), depth) for n in dipoles] for r in electrodes]
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_a_shallow_dipole_stands_for_one_behind_a_skull() -> None:
    names = list(TEN_TWENTY)
    places = dict(zip(names, 0.09 * directions(names), strict=True))
    info = mne.create_info(names, 100.0, "eeg")
    info.set_montage(mne.channels.make_dig_montage(places, coord_frame="head"))
    skull = mne.make_sphere_model((0, 0, 0), 0.09, verbose="error")
    ours = lead_field(names)
    for number in range(0, len(patches()), 12):
        outwards = patches()[number]
        dipole = mne.Dipole(
            np.zeros(1), (0.8 * 0.09 * outwards)[None], np.ones(1), outwards[None], np.ones(1)
        )
        forward, _ = mne.make_forward_dipole(dipole, skull, info, verbose="error")
        theirs = forward["sol"]["data"][:, 0]
        assert np.corrcoef(ours[:, number], theirs)[0, 1] > 0.99


def test_lead_field_is_scaled_smooth_and_needs_no_other_electrode() -> None:
    assert np.sqrt((lead_field(TEN_TWENTY) ** 2).sum(axis=1).mean()) == pytest.approx(1.0)
    np.testing.assert_array_equal(lead_field(TEN_TWENTY)[[3]], lead_field(TEN_TWENTY[3:4]))
    covariance = lead_field(["F3", "F5", "O2"]) @ lead_field(["F3", "F5", "O2"]).T
    sds = np.sqrt(np.diag(covariance))
    correlation = covariance / np.outer(sds, sds)
    assert correlation[0, 1] > 0.9
    assert correlation[0, 2] < 0.2


def test_blinks_are_frontal_and_even() -> None:
    names = HEADSETS["deap32"]
    values = dict(zip(names, blink_map(names), strict=True))
    assert set(sorted(names, key=lambda name: -values[name])[:4]) == {"Fp1", "Fp2", "AF3", "AF4"}
    assert values["Fp1"] == pytest.approx(values["Fp2"], rel=0.1)
    # As docs/synthetic.md has it.
    assert values["AF3"] == pytest.approx(0.58, abs=0.005)
    assert values["Fz"] == pytest.approx(0.1, abs=0.01)
    assert max(abs(values[name]) for name in ("Cz", "P3", "O1", "T7")) < 0.3


def test_two_electrodes_of_the_cap_stand_where_others_do() -> None:
    np.testing.assert_array_equal(directions(["CB1", "CB2"]), directions(["PO9", "PO10"]))


def test_band_weights_share_all_power() -> None:
    weights = band_weights(np.linspace(0, 64, 1000))
    np.testing.assert_allclose(weights.sum(axis=0), 1.0, atol=1e-12)
    assert weights.min() >= 0.0
    assert band_weights(np.array([3.7, 4.3, 7.5, 8.6, 13.0, 15.0, 29.0, 33.0])).argmax(
        axis=0
    ).tolist() == [0, 1, 1, 2, 2, 3, 3, 4]


def test_power_density_is_a_slope_and_a_peak() -> None:
    f = np.array([2.0, 20.0, 40.0])
    slope = power_density(f, exponent=1.7, alpha_hz=10.0, alpha_gain=0.0)
    np.testing.assert_allclose(slope / 0.8, np.tile((f / 10) ** -1.7, (24, 1)))
    f = np.arange(5, 16, 0.01)
    peak = power_density(f, exponent=1.5, alpha_hz=9.3, alpha_gain=2.0)
    peak -= power_density(f, exponent=1.5, alpha_hz=9.3, alpha_gain=0.0)
    assert f[peak[0].argmax()] == pytest.approx(9.3)
    assert peak.sum(axis=1).mean() * 0.01 == pytest.approx(4 * 13.0, rel=1e-3)


@pytest.mark.parametrize("n_classes", [2, 3, 5])
def test_class_effects_have_unit_size_at_the_cap(n_classes: int) -> None:
    seen = np.einsum("bep,cpb->ceb", seen_weights(), class_effects(n_classes))
    assert seen.var(axis=0, ddof=1).mean() == pytest.approx(1.0)
    assert class_effects(n_classes).any(axis=(1, 2))[[0, -1]].all()


def test_feeling_is_odd_in_valence_but_for_the_posterior_alpha() -> None:
    up, down, middle = feeling(1.0), feeling(-1.0), feeling(0.0)
    x, y, _ = patches().T
    np.testing.assert_allclose(np.delete(up, 2, axis=1), -np.delete(down, 2, axis=1))
    np.testing.assert_allclose(up[y > 0], -down[y > 0])
    assert (up[(x < 0) & (y > 0), 2] < 0).all()
    assert (up[(x > 0) & (y > 0), 2] > 0).all()
    assert not np.delete(middle, 2, axis=1).any()
    assert (middle[y < -0.01, 2] > 0).all()
    assert up[np.abs(x).argmax(), 4] > 0.5


@pytest.mark.parametrize(
    "shares",
    [Shares(1, 0, 0, 0), Shares(0, 1, 0, 0), Shares(0, 0, 1, 0), Shares(0.2, 0.3, 0.2, 0.3)],
)
def test_fields_have_unit_size_at_the_electrodes(shares: Shares) -> None:
    fields = draw_field(Draws(1, "test"), shares, 3000)
    seen = np.einsum("bep,pbn->ebn", seen_weights(), fields)
    assert seen.var(axis=2).mean() == pytest.approx(1.0, rel=0.05)


def test_wandering_forgets_as_it_says() -> None:
    field = wander(Draws(2, "test"), Shares(0, 0, 0, 1), 4000, 0.5, {1.0: 0.6, 10.0: 0.4})
    rows = field.reshape(-1, 4000)
    size = (rows**2).mean()
    for lag in (1, 4, 10):
        expected = 0.6 * np.exp(-lag * 0.5) + 0.4 * np.exp(-lag * 0.05)
        assert (rows[:, lag:] * rows[:, :-lag]).mean() / size == pytest.approx(expected, abs=0.02)
    # It begins in its stationary state.
    assert (rows[:, 0] ** 2).mean() / size == pytest.approx(1.0, abs=0.25)


def test_draws_are_even_normal_and_their_own() -> None:
    draws = Draws(3, "test", 1)
    assert kstest(draws.uniform((20000,)), "uniform").pvalue > 0.01
    normal = draws.normal((20001,))
    assert abs(normal.mean()) < 0.03
    assert normal.std() == pytest.approx(1.0, abs=0.02)
    assert normaltest(normal).pvalue > 0.01
    both = draws.complex_normal((20000,))
    assert abs(np.corrcoef(both.real, both.imag)[0, 1]) < 0.03
    assert sorted(draws.order(50)) == list(range(50))
    for key in (("test", 2), ("tests", 1), ("test",)):
        other = Draws(3, *key).normal((20001,))
        again = Draws(3, "test", 1)
        again.uniform((20000,))
        assert abs(np.corrcoef(other, again.normal((20001,)))[0, 1]) < 0.03
