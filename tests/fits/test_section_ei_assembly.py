"""The section on the E/I-assembly network: what it says is computed from its tables."""

from __future__ import annotations

import numpy as np
import pandas
import pytest

from engram.networks.ei_assembly.assemblies import REGIMES
from engram.networks.ei_assembly.experiment import CONTROLS, SIMPLE_REGIMES
from engram.networks.ei_assembly.setting import setting
from fits.sections import ei_assembly as section
from fits.sections import ei_assembly_words as words
from fits.sections import store
from fits.sections.section import NETWORKS, QUICK, Sizes, Work


def work(sizes: Sizes, seed: int = 1) -> Work:
    return Work((), {}, (), (), sizes, seed, 1)


def runaway(theory: float, simulated: float) -> pandas.DataFrame:
    """An assembly that fires ten times as fast as the others from some enrichment on."""
    enrichment = np.array(words.ENRICHMENTS)
    return pandas.DataFrame(
        {
            "family": "A", "enrichment": enrichment, "background": 1.0,
            "theory": np.where(enrichment >= theory, np.nan, 3.0),
            "simulated": np.where(enrichment >= simulated, 25.0, 4.0),
            "population": np.where(enrichment >= 5.0, 1.4, 1.0),
        }
    )  # fmt: skip


def test_gains_are_where_assemblies_run_away() -> None:
    (row,) = words.gains(runaway(3.6, 4.4)).itertuples()
    assert (row.theory, row.simulated, row.population) == (3.6, 4.4, 5.0)


def test_a_claim_within_its_error_is_not_called_sure() -> None:
    table = pandas.DataFrame(
        {"holds": [True, True, False, None], "strength": [9.0, 1.0, -3.0, np.nan]}, index=["O1", "O3", "O7", "O14"]
    )
    published = pandas.DataFrame({"claim": ["O2", "O5"], "part": ["rates", "g"], "mean": [0.1, -0.1]})
    told = words.verdict(table, published)
    assert "Of 3 ordinal claims of the paper 2 hold on networks of our own, O1 by more than two standard" in told
    assert "O3 on average only" in told and "not so O7 (morphs)" in told and "Not measured: O14." in told
    assert told.endswith("The published means decide O2 and O5 alone, and miss O5 (g) themselves.")


def test_rates_and_geometry_are_lost_where_the_table_says() -> None:
    limits = pandas.DataFrame(
        {"regime": "tuned I", "memories": [15, 30, 60], "rate_kept": [True, False, False], "geometry_kept": True,
         "rate_oldest": [1.0, 1.2, 1.3], "rate_newest": [1.1, 1.0, 0.7]}
    )  # fmt: skip
    told = words.held(limits)
    assert "from 15 to 60, tuned I is off its rate at 30 and 60 and keeps its geometry to 60" in told
    assert "1.00 and 1.10 at 15, 1.30 and 0.70 at 60" in told


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
    assert section.SECTION.family == NETWORKS
    assert any(command in stored.origin.command for command in ("--networks", "fits.simulated"))
    shown = section.SECTION.show(stored.tables)
    claims = next(listing for listing in shown.listings if listing.title == "Claims")
    assert claims.cells.claim.tolist() == [f"O{number}" for number in range(1, 20)]
    held = claims.cells.holds.value_counts()
    assert f"Of {19 - held.get('not measured', 0)} ordinal claims of the paper {held['yes']} hold" in shown.says
    assert {drawing.name for drawing in shown.drawings} >= {"ei-assembly-claims", "ei-assembly-theory"}
    for drawing in shown.drawings:
        drawing.figure.canvas.draw()
