"""What a published staircase makes of a threshold: bias, spread, likelihood."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engram.perception.staircase import Staircase, by_step
from tests.oracle import visual_learning as oracle


@pytest.mark.parametrize(("down", "step", "start"), [(2, 0.05, 3.0), (3, 0.1, 2.0), (2, 0.2, 0.5)])
def test_runs_are_those_of_the_slow_staircase(down, step, start):
    runs = 3000
    generator = np.random.default_rng(11)
    slow = np.array([oracle.staircase(down, step, start, 10, 6, generator) for _ in range(runs)])
    fast, _ = Staircase(down=down, step=step, start=start).estimates(runs, seed=12)
    error = math.hypot(slow.std(), fast.std()) / math.sqrt(runs)
    assert fast.mean() == pytest.approx(slow.mean(), abs=4 * error)
    assert fast.std() == pytest.approx(slow.std(), rel=0.08)


def test_a_run_of_the_default_is_as_long_as_published():
    # Xie et al.: about 40 trials a run
    assert Staircase().behaviour().trials == pytest.approx(40, abs=5)


def test_small_steps_are_biased_by_the_start_and_large_ones_spread():
    table = by_step(Staircase(), [0.01, 0.02, 0.05, 0.1, 0.2])
    assert table.bias.is_monotonic_decreasing and table.spread.is_monotonic_increasing
    assert table.bias[0] > 0.5  # the run ends before it has come down from three thresholds
    assert Staircase(step=0.01, start=1.0).behaviour().bias < 0.2


def test_long_runs_converge_to_the_target():
    for down in (2, 3):
        made = Staircase(down=down, step=0.01, start=1.0, reversals=60, used=50).behaviour(runs=1000)
        assert abs(made.bias) < 0.05


def test_proportion_correct_of_the_rule():
    assert Staircase(down=2).proportion_correct == pytest.approx(0.7071, abs=1e-4)
    assert Staircase(down=3).proportion_correct == pytest.approx(0.7937, abs=1e-4)


@settings(max_examples=20)
@given(st.floats(0.5, 20), st.floats(0.5, 20), st.integers(1, 6), st.floats(0, 1))
def test_likelihood_is_a_normal_density_of_the_log(observed, predicted, runs, between):
    staircase = Staircase()
    made = staircase.behaviour()
    spread = math.hypot(made.spread / math.sqrt(runs), between)
    z = (math.log(observed / predicted) - made.bias) / spread
    expected = -0.5 * z * z - math.log(spread * math.sqrt(2 * math.pi))
    if expected > -600:
        assert staircase.log_likelihood(observed, predicted, between, runs) == pytest.approx(expected, abs=1e-9)


def test_likelihood_is_largest_where_the_prediction_allows_for_the_bias():
    staircase = Staircase()
    best = 3.0 * math.exp(-staircase.behaviour().bias)
    values = [staircase.log_likelihood(3.0, best * factor) for factor in (0.9, 1.0, 1.1)]
    assert max(values) == values[1]


def test_the_same_seed_gives_the_same_bits():
    assert np.array_equal(Staircase().estimates(50, 3)[0], Staircase().estimates(50, 3)[0])
    assert not np.array_equal(Staircase().estimates(50, 3)[0], Staircase().estimates(50, 4)[0])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(down=0), r"Staircase\(down=0\): give a whole number of 1 or more"),
        (dict(used=11), "the last 11 of 10 reversals cannot be averaged"),
        (dict(step=0.0), r"give log10 units above 0 and up to 1"),
        (dict(start=-1.0), "give a multiple of the threshold above 0"),
    ],
)
def test_bad_input_is_named(change, message):
    with pytest.raises(ValueError, match=message):
        Staircase(**change)


def test_what_does_not_converge_says_so():
    with pytest.raises(ValueError, match="converges to chance"):
        Staircase(down=1).estimates(10)
    with pytest.raises(ValueError, match="did not reach 10 reversals in 2000 trials; use a larger step"):
        Staircase(step=1e-4, start=1000.0).estimates(3)
    with pytest.raises(ValueError, match=r"predicted is inf; give a finite threshold above 0"):
        Staircase().log_likelihood(1.0, math.inf)
    with pytest.raises(ValueError, match="runs is 1; give a whole number of two or more"):
        Staircase().behaviour(1)
    for spread in (math.nan, -1.0):
        with pytest.raises(ValueError, match=f"spread_between is {spread}; give a finite number of zero or more"):
            Staircase().log_likelihood(1.0, 1.0, spread_between=spread)
