"""Assemblies as strong as a consolidation trace."""

from __future__ import annotations

import numpy as np
import pytest

from engram import ThresholdCapture, day, hour
from engram.networks.ei_assembly import EIAssemblyModel, choose_members, draw_odours, random_network
from engram.networks.ei_assembly.consolidation import consolidated_network, one_among_many
from engram.networks.ei_assembly.setting import Setting

NAMES = ["a", "b", "c"]


def test_an_emotional_memory_has_the_stronger_assembly_a_day_later() -> None:
    model = EIAssemblyModel(n_excitatory=600, n_inhibitory=150, n_mitral=300, probability_e_e=0.1)
    base = random_network(model, seed=1)
    odours = draw_odours(3, seed=2, n_mitral=300, n_raised=30, n_lowered=15)
    given = Setting(base, odours, choose_members(base, odours, seed=3, n_excitatory=40, n_inhibitory=10), 1)
    inside = {}
    for condition in ("neutral", "emotional", "reactivated"):
        trace = ThresholdCapture(durable_fraction=0.3).run(one_among_many(condition, NAMES))
        network = consolidated_network(given, trace, NAMES, 2 * day, "scaled I")
        for pathway in network.weights:
            np.testing.assert_allclose(network.in_degree(pathway), base.in_degree(pathway), atol=1e-3)
        before, after = base.weights["e_e"], network.weights["e_e"]
        inside[condition] = [float((after - before)[own][:, own].sum()) for own in network.excitatory_members]
    assert inside["emotional"][0] > 2 * inside["neutral"][0] and inside["reactivated"][0] > 2 * inside["neutral"][0]
    assert inside["emotional"][2] == pytest.approx(inside["neutral"][2], rel=0.1)


def test_others_are_not_rescued_by_what_comes_a_day_later() -> None:
    model = ThresholdCapture(durable_fraction=0.3)
    runs = {name: model.run(one_among_many(name, NAMES)) for name in ("neutral", "emotional")}
    others = [done.strength("b", at=day + hour) for done in runs.values()]
    assert others[0] == pytest.approx(others[1])
    with pytest.raises(ValueError, match="condition 'sad' is not one of neutral, emotional, reactivated"):
        one_among_many("sad", NAMES)
