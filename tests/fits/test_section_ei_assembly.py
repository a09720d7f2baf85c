"""The section on the E/I-assembly network: what it says is computed from its tables."""

from __future__ import annotations

import numpy as np
import pandas
import pytest

from engram.networks.ei_assembly.assemblies import REGIMES
from engram.networks.ei_assembly.experiment import CONTROLS, SIMPLE_REGIMES
from engram.networks.ei_assembly.setting import setting
from fits.sections import ei_assembly as section
from fits.sections import store
from fits.sections.section import NETWORKS, QUICK, Sizes, Work


def work(sizes: Sizes, seed: int = 1) -> Work:
    return Work((), {}, (), (), sizes, seed, 1)


def runaway(theory: float, simulated: float) -> pandas.DataFrame:
    """An assembly that fires ten times as fast as the others from some enrichment on."""
    enrichment = np.array(section.ENRICHMENTS)
    return pandas.DataFrame(
        {
            "family": "A", "enrichment": enrichment, "background": 1.0,
            "theory": np.where(enrichment >= theory, np.nan, 3.0),
            "simulated": np.where(enrichment >= simulated, 25.0, 4.0),
            "population": np.where(enrichment >= 5.0, 1.4, 1.0),
        }
    )  # fmt: skip


def test_gains_are_where_assemblies_run_away() -> None:
    (row,) = section._gains(runaway(3.6, 4.4)).itertuples()
    assert (row.theory, row.simulated, row.population) == (3.6, 4.4, 5.0)


def test_every_network_has_a_seed_of_its_own_and_another_run_has_others() -> None:
    seeds = {section._seed(work(Sizes()), k, begin) for k in range(99) for begin in (0, 100_000, 200_000, 300_000)}
    assert len(seeds) == 4 * 99 and min(abs(a - b) for a in seeds for b in seeds if a != b) >= 1000
    assert section._seed(work(Sizes(), seed=2), 0) not in seeds


def test_pieces_are_as_many_as_the_sizes_say() -> None:
    names = [piece.name for piece in section._pieces(work(QUICK))]
    assert names[0] == "assemblies, network 1" and not any("controls" in name for name in names)
    sizes = Sizes(assembly_networks=2, assembly_controls=1, assembly_simple=1, assembly_odours=5)
    steps = {piece.name: piece.steps for piece in section._pieces(work(sizes))}
    assert steps["assemblies, network 1"] == len(REGIMES)
    assert steps["controls of assemblies, network 1"] == len(CONTROLS)
    assert steps["simple assemblies, network 1"] == len(SIMPLE_REGIMES)
    assert sum(name.startswith("odours") for name in steps) == sizes.assembly_odours - sizes.assembly_networks


def test_the_share_of_activated_inputs_is_counted() -> None:
    given = setting(1, learned=2, novel=1)
    expected = []
    for odour in (0, 1):
        inputs = given.base.weights["o_e"].toarray()[:, given.members[0][odour]]
        expected.append(inputs[given.odours.activated(odour)].sum() / inputs.sum())
    assert section._activated_share(given) == pytest.approx(np.mean(expected))
    assert np.mean(expected) > 0.2  # of 10 % activated cells: members have most inputs from them


def test_stored_results_are_shown_with_every_claim() -> None:
    stored = store.read(store.shipped(), section.SECTION.name)
    assert section.SECTION.family == NETWORKS and "--networks" in stored.origin.command
    shown = section.SECTION.show(stored.tables)
    claims = next(listing for listing in shown.listings if listing.title == "Claims")
    assert claims.cells.claim.tolist() == [f"O{number}" for number in range(1, 20)]
    held = claims.cells.holds.value_counts()
    assert f"Of {19 - held.get('not measured', 0)} ordinal claims of the paper {held['yes']} hold" in shown.says
    assert {drawing.name for drawing in shown.drawings} >= {"ei-assembly-claims", "ei-assembly-theory"}
    for drawing in shown.drawings:
        drawing.figure.canvas.draw()
