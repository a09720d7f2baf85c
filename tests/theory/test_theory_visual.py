"""The theory of the two-population code holds in the code that computes it."""

import math

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from engram import day
from engram.perception import Population, VisualReactivation, designs
from engram.perception.few_shot import few_shot
from engram.perception.fisher import information
from engram.perception.populations import concentration
from theory import few_shot as few
from theory import visual_code as code
from theory.notation import value_of

PHYSICAL = dict(units=500, window=0.2, peak_rate=30.0, fano=1.3, period=360.0)


def silent_between(width):
    """Independent units without a baseline to speak of."""
    return Population(units=500, tuning_width=width, baseline_rate=1e-9, correlation=0.0)


@pytest.mark.parametrize("width", [10.0, 25.0, 60.0])
def test_information_of_von_mises_units_is_a_bessel_function(width):
    kappa = concentration(width, 360.0)
    derived = value_of(code.independent_information(), kappa=kappa, **PHYSICAL)
    assert information(silent_between(width), np.ones(500), 7.0) == pytest.approx(derived, rel=1e-6)


def test_the_integral_behind_it():
    for kappa in (0.3, 2.0, 20.0):
        x = np.linspace(-np.pi, np.pi, 4001)
        direct = np.trapezoid(np.sin(x) ** 2 * np.exp(kappa * np.cos(x)), x) / (2 * np.pi)
        assert float(sympy.besseli(1, kappa).evalf() / kappa) == pytest.approx(direct, rel=1e-10)


def test_narrow_units_reach_the_gaussian():
    gaussian = value_of(code.gaussian_information(), width=5.0, **PHYSICAL)
    assert gaussian == pytest.approx(math.sqrt(2 * math.pi) * 500 * 0.2 * 30 / (1.3 * 5 * 360))
    assert information(silent_between(5.0), np.ones(500)) == pytest.approx(gaussian, rel=0.01)


def test_threshold_is_that_of_the_model():
    model = VisualReactivation(efficiency=0.4, input_noise=1.5)
    protocol = designs.reactivation(3)
    known = model.information(protocol, [40.0], [9 * day])
    total = known.evc[0, 0] + known.ips[0, 0]
    derived = value_of(
        code.threshold_of(code.before),
        before=total,
        criterion=model.criterion,
        efficiency=0.4,
        stimulus_variance=1.5**2,
    )
    assert model.thresholds(protocol, [40.0], [9 * day])[0, 0] == pytest.approx(derived, rel=1e-12)


@given(st.floats(1e-3, 10), st.floats(1e-3, 10), st.floats(0.01, 5), st.floats(0.1, 9))
def test_the_index_is_1_exactly_where_both_stimuli_gained_the_same(before, gain, variance, other):
    values = dict(before=before, trained=before + gain, stimulus_variance=variance)
    index = value_of(code.generalisation_index(), untrained=before + gain, **values)
    assert index == pytest.approx(1, rel=1e-9)
    less = value_of(code.generalisation_index(), untrained=before + gain * other / 10, **values)
    assert less < 1


def test_thresholds_fall_with_information():
    slope = code.threshold_slope()
    assert sympy.simplify(slope + 1 / (2 * code.before * (1 + code.stimulus_variance * code.before))) == 0


def test_little_learning_shows_the_general_share_whatever_the_task():
    assert sympy.simplify(code.index_of_little_learning() - code.general / (code.general + code.specific)) == 0
    # in the model: tiny gains, one general and one specific
    model = VisualReactivation(evc_gain=1e-4, ips_gain=2e-4, transfer_gain=0.0)
    for task in (model, model.with_(input_noise=5.0, criterion=1.5, efficiency=0.3)):
        known = task.information(designs.reactivation(4), [0.0, 90.0], [9 * day])
        start = task.information(designs.reactivation(4), [0.0, 90.0], [0.0])
        gained = (known.evc + known.ips - start.evc - start.ips)[0]
        thresholds = task.thresholds(designs.reactivation(4), [0.0, 90.0], [9 * day])[0]
        index = (1 - thresholds[1] / task.untrained()) / (1 - thresholds[0] / task.untrained())
        assert index == pytest.approx(gained[1] / gained[0], rel=1e-3)


def test_at_the_floor_of_the_stimulus_learning_looks_general_whatever_the_code():
    assert code.index_at_the_floor() == 1
    specific = VisualReactivation(top_down=0.3, input_noise=0.0)
    floored = specific.with_(input_noise=20.0, peak_rate=1000.0, window=10.0)
    indices = []
    for model in (specific, floored):
        thresholds = model.thresholds(designs.practice(5), [0.0, 90.0], [9 * day])[0]
        indices.append((1 - thresholds[1] / model.untrained()) / (1 - thresholds[0] / model.untrained()))
    # an index near the little-learning limit: both ends are at the floor before learning already
    assert (floored.untrained() / floored.criterion) == pytest.approx(20.0, rel=1e-3)
    before, after = 0.05, 5e4
    values = dict(before=before, trained=before + 2 * after, untrained=before + after, stimulus_variance=4.0)
    assert value_of(code.generalisation_index(), **values) > 0.999


def test_few_shot_moments_are_the_sums_of_the_docstring():
    mean, variance = few.moments()
    m = few.examples
    expected_mean, expected_variance = sympy.Integer(0), sympy.Integer(0)
    for axis in range(2):
        delta = sympy.Symbol(f"delta_{axis}", real=True)
        a, b = sympy.symbols(f"a_{axis} b_{axis}", positive=True)
        expected_mean += delta**2 / 2 + (b - a) / (2 * m)
        expected_variance += delta**2 * a + delta**2 * b / m + (a**2 + a * b) / m + (a**2 + b**2) / (2 * m**2)
    assert sympy.simplify(mean - expected_mean) == 0
    assert sympy.simplify(variance - expected_variance) == 0


@pytest.mark.parametrize("examples", [1, 5, 50])
def test_few_shot_signal_to_noise_is_that_of_the_populations(examples):
    # stimuli half a period apart have covariances of the same spectrum, mirrored
    population = Population(units=60)
    found = few_shot(population, 2.0, 1e-3, examples)  # so close that both covariances are alike
    derived = value_of(
        few.snr_of_alike_manifolds(), signal=found.signal, dimension=found.dimension, overlap=found.overlap,
        examples=examples,
    )  # fmt: skip
    assert found.snr == pytest.approx(derived, rel=1e-3)


def test_expansion_pays_as_the_gain_where_examples_are_few_and_as_its_root_where_they_are_not():
    assert few.gain_exponents() == (sympy.Rational(1, 2), 1)
    population = Population(units=60)
    slope = []
    for separation in (0.5, 60.0):  # little and much noise along the signal
        pair = [few_shot(population, gain, separation, 5).snr for gain in (1.0, 1.01)]
        slope.append(math.log(pair[1] / pair[0]) / math.log(1.01))
    assert slope[0] == pytest.approx(1, abs=0.01)
    assert 0.5 < slope[1] < 0.7
