"""Mean-field rates of the E/I-assembly network against simulation, and what they say about stability."""

from __future__ import annotations

import numpy as np
import pytest

from engram.networks.ei_assembly import (
    EIAssemblyModel,
    choose_members,
    draw_odours,
    make_regime,
    odour_blocks,
    random_network,
    run,
)
from engram.networks.ei_assembly.perturbations import inhibitory_current_response
from engram.networks.ei_assembly.setting import setting
from theory.balanced_network import Mitral, assembly_rate, mean_field, runaway_enrichment, stability, step_of

# members have at least 7 of their 31 inputs from the 10 % activated cells, which fire with 19 Hz instead of 5.8 Hz
OWN_MITRAL = (7.35 * 19.0 + 23.65 * 5.8) / 31


@pytest.mark.parametrize("family", ["A", "B", "C", "D"])
def test_responses_to_odours_are_inhibition_stabilised_and_spontaneous_activity_is_not(family: str) -> None:
    model = EIAssemblyModel.family(family)
    rates = mean_field(model, Mitral.odour())
    again = step_of(model, Mitral.odour(), rates)
    assert again.excitatory == pytest.approx(rates.excitatory, abs=1e-5)
    assert again.inhibitory == pytest.approx(rates.inhibitory, abs=1e-5)
    linear = stability(model, Mitral.odour(), rates)
    assert linear.inhibition_stabilised and linear.loop_e_e > 4
    quiet = mean_field(model, Mitral.baseline())
    assert quiet.excitatory < 0.1 and not stability(model, Mitral.baseline(), quiet).inhibition_stabilised


@pytest.mark.parametrize("family", ["A", "B", "C", "D"])
def test_driven_inhibitory_neurons_fire_less_during_odours_and_more_before(family: str) -> None:
    """The sign and, within 10 % (spreads are held in the linear response), the size of the change."""
    model = EIAssemblyModel.family(family)
    for mitral, sign in ((Mitral.odour(), -1), (Mitral.baseline(), 1)):
        rates = mean_field(model, mitral)
        linear = stability(model, mitral, rates)
        drive = step_of(model, mitral, rates, 0.01).inhibitory - rates.inhibitory
        driven = mean_field(model, mitral, rates, into_inhibitory=0.01)
        assert np.sign(linear.inhibitory_gain) == sign and linear.excitatory_gain < 0 < drive
        assert (driven.inhibitory - rates.inhibitory) / drive == pytest.approx(linear.inhibitory_gain, rel=0.1)
        assert (driven.excitatory - rates.excitatory) / drive == pytest.approx(linear.excitatory_gain, rel=0.1)


def test_simulated_inhibitory_neurons_do_so_too() -> None:
    given = setting(301, "C")
    without, driven = (inhibitory_current_response(given, current) for current in (0.0, 1.0))
    assert driven["i_odour"] < 0.75 * without["i_odour"] and driven["i_quiet"] > without["i_quiet"]
    assert driven["e_odour"] < without["e_odour"]


@pytest.mark.parametrize(("family", "error"), [("A", -0.09), ("B", 0.40), ("C", -0.05), ("D", -0.25)])
def test_mean_field_rates_are_as_far_from_the_simulated_ones_as_stated(family: str, error: float) -> None:
    model = EIAssemblyModel.family(family)
    expected = mean_field(model, Mitral.odour())
    done = run(random_network(model, seed=21), odour_blocks(draw_odours(2, seed=22), seed=23), precision="float32")
    patterns = done.patterns()
    assert expected.excitatory / patterns[:, :4000].mean() - 1 == pytest.approx(error, abs=0.1)


def test_assemblies_without_more_inhibition_run_away_where_theory_says() -> None:
    model = EIAssemblyModel()
    threshold = runaway_enrichment(model, Mitral.odour(), own_mitral=OWN_MITRAL)
    assert threshold == 3.75
    network, odours = random_network(seed=1001), draw_odours(4, seed=1002)
    members = choose_members(network, odours, seed=1003)
    mitral = odour_blocks(odours, [0, 1], seed=7)
    rates = {}
    for enrichment in (1, 3, 4):
        built = make_regime(network, members, "scaled I", seed=4, scaling=1.0, targets={"e_e": 5 * enrichment})
        patterns = run(built, mitral, maximum_rate=60.0, precision="float32").patterns()
        rates[enrichment] = np.mean([patterns[k, members[0][k]].mean() for k in range(2)])
    for enrichment in (1, 3):
        expected = assembly_rate(model, Mitral.odour(), enrichment, own_mitral=OWN_MITRAL)
        assert rates[enrichment] == pytest.approx(expected, rel=0.15)
    assert rates[4] > 2.5 * rates[3]
