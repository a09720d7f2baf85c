"""The closed forms of visual learning are what the estimators of ``engram.geometry`` find in simulated trials."""

import numpy as np
import pytest

from engram import geometry
from engram.perception import VisualReactivation, designs
from engram.perception.curves import default_times, generalisation
from engram.perception.few_shot import few_shot
from engram.perception.trials import simulated_responses

MODEL = VisualReactivation(evc_units=40, ips_units=40, evc_gain=6.0)
PROTOCOL = designs.reactivation(2)
TIMES = default_times(PROTOCOL)
SHAPE = MODEL.shape(PROTOCOL, TIMES)
CURVE = generalisation(MODEL, [0.0, 70.0], TIMES, protocol=PROTOCOL)
AREAS = {"evc": (MODEL.evc, SHAPE.evc), "ips": (MODEL.ips, SHAPE.ips)}
SEPARATION = 8.0  # degrees
later = pytest.mark.parametrize("when", [0, 1, 2], ids=["before", "just after", "two weeks later"])
each_area = pytest.mark.parametrize("area", AREAS)


def trials(area, when, direction, number, generator):
    population, gains = AREAS[area]
    return simulated_responses(population, np.full(number, direction), gains[when], generator)


@later
@each_area
def test_participation_ratio_is_that_of_the_signal_in_simulated_trials(area, when):
    generator = np.random.default_rng(11)
    around = np.linspace(-180, 180, 30, endpoint=False)
    found = [geometry.signal_participation_ratio([trials(area, when, d, 40, generator) for d in around])
             for _ in range(3)]  # fmt: skip
    curve = CURVE[(CURVE.time == TIMES[when]) & (CURVE.offset == 0)]
    assert np.mean(found) == pytest.approx(curve[f"{area}_dimension"].iloc[0], rel=0.03)  # one varies by 1.5 %
    means = AREAS[area][1][when] * AREAS[area][0].counts(np.linspace(-180, 180, 90, endpoint=False))
    exact = geometry.participation_ratio_of_covariance(np.cov(means, rowvar=False))
    assert exact == pytest.approx(curve[f"{area}_dimension"].iloc[0], rel=1e-9)


@later
@each_area
@pytest.mark.parametrize("offset", [0.0, 70.0])
def test_discriminability_is_the_cross_validated_distance_of_simulated_trials(area, when, offset):
    """40 trials a direction, 400 times: the mean distance is that of the closed form, within 2 % and chance."""
    generator = np.random.default_rng(12)
    population, gains = AREAS[area]
    noise = population.covariance(offset, gains[when])
    curve = CURVE[(CURVE.time == TIMES[when]) & (CURVE.offset == offset)]
    found = np.array([
        geometry.squared_crossnobis_distance(
            trials(area, when, offset - SEPARATION / 2, 40, generator),
            trials(area, when, offset + SEPARATION / 2, 40, generator), noise,
        ) for _ in range(400)
    ]) / SEPARATION**2  # fmt: skip
    predicted = curve[f"{area}_discriminability"].iloc[0] ** 2
    chance = found.std(ddof=1) / np.sqrt(len(found))
    assert found.mean() == pytest.approx(predicted, rel=0.02, abs=3 * chance)
    assert chance < 0.06 * predicted


def test_expansion_of_ips_is_that_of_its_trials():
    generator = np.random.default_rng(13)
    around = np.linspace(-180, 180, 12, endpoint=False)
    before, after = ([trials("ips", when, d, 40, generator) for d in around] for when in (0, 1))
    gain = AREAS["ips"][1][1, 0]
    assert np.ptp(AREAS["ips"][1][1]) < 1e-12 and gain > 1.5
    assert geometry.expansion_factor(before, after) == pytest.approx(gain, rel=0.02)


def test_few_shot_terms_are_those_of_simulated_trials():
    generator = np.random.default_rng(14)
    population, gains = AREAS["evc"]
    found = geometry.few_shot_geometry(*(trials("evc", 1, d, 4000, generator) for d in (0.0, 25.0)))
    exact = few_shot(population, gains[1], 25.0)
    assert found.signal == pytest.approx(exact.signal, rel=0.02)
    assert geometry.few_shot_snr(found, 5) == pytest.approx(exact.snr, rel=0.03)
