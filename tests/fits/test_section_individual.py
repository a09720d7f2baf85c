"""The section on individual differences: what it says of its tables, and that its pieces make them."""

import dataclasses

import matplotlib
import numpy as np
import pandas
import pytest

from fits import simulated
from fits.individual import Account
from fits.individual.paths import PathError
from fits.sections import SECTIONS, individual
from fits.sections.section import PEOPLE, QUICK, Work

matplotlib.use("Agg")
CHAINS = ["amygdala → mFFA → sLOC → memory", "amygdala → sLOC → memory"]


def tables():
    rng = np.random.default_rng(0)
    names = ["positive", "negative", "both"]
    power = [
        dict(truth=truth, people=n, analysis=analysis, found=share, lower=share / 2, upper=(1 + share) / 2, mean_r=0.1,
             cohorts=20, kind="power" if (truth, analysis) in {("networks", "connectome"), ("region", "regions")}
             else "false positives")
        for truth in ("networks", "region", "nothing") for n, share in ((100, 0.05), (400, 0.9))
        for analysis in ("connectome", "regions")
    ]  # fmt: skip
    return {
        "scores": pandas.DataFrame(dict(network=names, r=[0.3, 0.2, 0.35], explained=[0.09, -0.02, 0.12], p=0.001,
                                        null_mean=0.0, null_upper=0.05, permutations=999)),
        "predictions": pandas.DataFrame(dict(observed=rng.normal(size=30), both=rng.normal(size=30))),
        "null": pandas.DataFrame(rng.normal(0, 0.03, (50, 3)), columns=names),
        "networks": pandas.DataFrame(dict(network=[1, 2, 3, 4], sign=[1, 1, 1, -1], edges=[40, 30, 1, 12],
                                          right=[40, 30, 0, 12], simulated=[0, 2, -1, 4])),
        "regions": pandas.DataFrame(dict(region=["region 7"], r=[0.08], p=[0.002], p_family=[0.3], tested=[268])),
        "amygdala": pandas.DataFrame(dict(region=["region 0"], r=[0.01], p=[0.7], p_family=[1.0])),
        "power": pandas.DataFrame(power),
        "paths": pandas.DataFrame(dict(cause=["amygdala"], effect=["mFFA"], coefficient=[0.5])),
        "chains": pandas.DataFrame(dict(chain=CHAINS, effect=[0.045, 0.048], standardised=[0.186, 0.198],
                                        standard_error=0.02, lower=[0.015, 0.005], upper=[0.1, 0.09], p=[0.001, 0.03])),
        "path_fit": pandas.DataFrame([dict(people=28, chi_squared=1.9, df=2, p=0.39, srmr=0.04, resamples=5000)]),
        "path_calibration": pandas.DataFrame(dict(chain=CHAINS, coverage=[0.95, 0.93], power=[0.83, 0.6])),
        "correlated": pandas.DataFrame(dict(region=["mFFA"], r=[0.6], published=[0.57])),
    }  # fmt: skip


def test_the_sentence_counts_what_was_found_and_what_was_not():
    said = individual.sentence(tables())
    assert "r = 0.35 (p = 0.001) and show 2 of the 4 positive and 1 of the 2 negative networks" in said
    assert "the best of 268 regional responses has a family-wise p of 0.3" in said
    assert "Power is at least 80 % from 400 people on; false positives exceed 5 % in 4 of 8 cells" in said
    assert "0.19 (published 0.19) and amygdala → sLOC → memory 0.2 (published 0.2)" in said
    assert said.endswith("both with intervals above zero.")
    low = tables()
    low["power"]["found"] = 0.1
    low["power"]["lower"] = 0.01
    low["chains"].loc[0, "lower"] = -0.01
    said = individual.sentence(low)
    assert "with none of the numbers of people tried; false positives are within error of 5 % in all 8 cells" in said
    assert said.endswith("not both with intervals above zero.")


def test_everything_is_shown():
    shown = individual.SECTION.show(tables())
    assert [drawing.name for drawing in shown.drawings] == [
        "individual-prediction", "individual-power", "individual-paths"
    ]  # fmt: skip
    chains, scores, networks = shown.listings
    assert chains.cells.published.tolist() == ["0.19 (p = 0.01)", "0.2 (p = 0.016)"]
    assert scores.cells["variance explained"].tolist() == ["9 %", "-2 %", "12 %"]
    assert networks.cells["mostly of simulated network"].tolist() == ["1", "3", "none", "5"]
    assert "mFFA 0.6 (paper: 0.57)" in chains.note
    for drawing in shown.drawings:
        assert drawing.figure.axes


def test_pieces_make_the_tables_that_are_shown(monkeypatch, tmp_path):
    """With a small parcellation and few people, from a made-up file of the form of Zhu's."""
    rng = np.random.default_rng(1)
    amygdala = rng.normal(size=28)
    mffa = 0.6 * amygdala + rng.normal(size=28)
    sloc = 0.5 * amygdala + mffa + rng.normal(size=28)
    rows = zip(rng.random(28) + sloc, amygdala + sloc, amygdala, mffa, sloc, strict=True)
    folder = tmp_path / "zhu_2022" / "sem"
    folder.mkdir(parents=True)
    lines = [f"S{k:02d} " + " ".join(f"{v:.3f}" for v in row) for k, row in enumerate(rows)]
    (folder / "example_data.dat").write_text("\n".join(lines), encoding="utf-8")
    monkeypatch.setenv("ENGRAM_DATA", str(tmp_path))
    small = Account(regions=40, network_regions=5)
    monkeypatch.setattr(individual, "Account", lambda: small)
    monkeypatch.setattr(individual, "SCANNED", 60)
    monkeypatch.setattr(individual, "_NUMBERS", (30, 60))
    curve = individual.power_curve
    monkeypatch.setattr(individual, "power_curve", lambda *given, **named: curve(*given, pool=100, **named))
    sizes = dataclasses.replace(QUICK, individual_cohorts=2, individual_permutations=9)
    work = Work((), {}, (), (), sizes, 1, 1)
    made = {}
    for piece in individual.SECTION.pieces(work):
        told = []
        made.update(piece.compute(work, told.append))
        assert len(told) == piece.steps
    shown = individual.SECTION.show(made)
    assert shown.says.startswith("In 60 simulated people") and len(made["power"]) == 3 * 2 * 2
    true = small.network_edges()
    assert set(np.unique(true)) == {-1, 0, 1}


def test_without_the_participants_it_says_what_is_needed(monkeypatch):
    monkeypatch.delenv("ENGRAM_DATA", raising=False)
    with pytest.raises(PathError, match="set ENGRAM_DATA to the folder that contains zhu_2022/"):
        individual.SECTION.pieces(Work((), {}, (), (), QUICK, 1, 1))


def test_sections_on_people_are_computed_alone(monkeypatch, tmp_path):
    assert [section.name for section in SECTIONS if section.family == PEOPLE] == ["people", "calibration", "individual"]
    monkeypatch.delenv("ENGRAM_DATA", raising=False)
    with pytest.raises(SystemExit, match=r"individual cannot be computed: .*set ENGRAM_DATA"):
        simulated.main([str(tmp_path / "out"), "--section", "individual", "--quick"])
