"""The sections on the tag-and-capture network: what they say follows from their tables; they are computed apart."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas
import pytest

from engram.networks import dose_by_stimulus
from fits import networks, simulated, thorough
from fits.sections import eight_hours, store, tag_and_capture
from fits.sections.section import NETWORKS, QUICK, Piece, Section, Shown, Sizes, Work

KINDS = ("to the end", "30 min", "60 min", "release")
ONSETS = [1800.0 * number for number in range(7)]


def readouts(**changes: float) -> dict[str, float]:
    both = {name: pair[1][0] for name, pair in tag_and_capture.REFERENCE.items()}
    return {**both, "outgoing late %": 75.0, "incoming late %": 13.0, "rest late %": 1.0, **changes}


@pytest.fixture
def tables() -> dict[str, pandas.DataFrame]:
    """As if the network did what the reference does, and one trace what the network does."""
    first = {name: pair[0][0] for name, pair in tag_and_capture.REFERENCE.items()}
    learnt = {**readouts(), **first, "core late %": 0.0}
    trials = [dict(seed=seed, recall=when, **values) for seed in (1, 2)
              for when, values in (("10 s", learnt), ("8 h", readouts()))]  # fmt: skip
    doses = [
        {"rate (Hz)": rate, "n": n,
         **readouts(**{"core late %": 500 * n, "outgoing late %": max(0.0, 500 * n - 30), "Q": 0.05 - n / 10})}
        for rate in (30.0, 60.0) for n in (0.0, 0.06, 0.12, 0.18)
    ]  # fmt: skip
    timing = [
        {"kind": kind, "onset (s)": onset,
         **readouts(**{"core late %": 70 - onset / 200, "outgoing late %": 9.0})}
        for kind in KINDS for onset in ONSETS
    ]  # fmt: skip
    traces = [
        dict(group=group, kind=kind, onset=onset, n=0.18, many=math.nan if kind == "release" else 0.1,
             one=(70 - onset / 200) / 100 if group == "core" else 0.2)
        for group in networks.GROUPS for kind in KINDS for onset in ONSETS
    ]  # fmt: skip
    traces += [dict(group=group, kind="dose", onset=0.0, n=n, one=5 * n, many=5 * n)
               for group in networks.GROUPS for n in (0.0, 0.06, 0.12, 0.18)]  # fmt: skip
    learned = [dict(group=group, synapses=9, early=0.67, early_sd=0.1, total=25.0, total_sd=4.0)
               for group in networks.GROUPS]  # fmt: skip
    hours = pandas.DataFrame({"time": [100.0, 28800.0], "weight": [150.0, 190.0], "sd": 3.0, "late": [0.0, 80.0]})
    return {
        "trials": pandas.DataFrame(trials), "dose": pandas.DataFrame(doses), "timing": pandas.DataFrame(timing),
        "traces": pandas.DataFrame(traces), "learned": pandas.DataFrame(learned),
        "trials_2022": pandas.DataFrame([dict(seed=1, n=n, **readouts()) for n in (0.06, 0.12, 0.18)]),
        "single": pandas.DataFrame({"onset": ONSETS, "late": 0.5}), "synapse": hours.assign(protocol="strong tetanus"),
    }  # fmt: skip


def test_it_says_that_the_reference_comes_out(tables):
    shown = tag_and_capture.SECTION.show(tables)
    assert "late weights within the assembly reach 77.20 % of h₀" in shown.says
    assert "every readout of recall lies within two standard deviations" in shown.says
    assert "All 5 published directions come out." in shown.says
    assert [drawing.figure.axes[0].get_title() for drawing in shown.drawings if drawing.name == "network-levels"]


def test_it_says_what_does_not_come_out(tables):
    tables["trials"].loc[tables["trials"].recall == "8 h", "Q"] = 0.9
    tables["dose"].loc[tables["dose"].n == 0.18, "Q"] = 1.0
    tables["timing"].loc[tables["timing"]["onset (s)"] == 10800.0, "core late %"] = 99.0
    says = tag_and_capture.SECTION.show(tables).says
    assert "off by more than two standard deviations of the authors' 50 trials: Q." in says
    assert "Of 5 published directions 3 come out" in says
    assert "lower concentration (2022), read by Q and a neuromodulator works after learning" in says


def test_network_and_traces_are_joined_by_case(tables):
    side = tag_and_capture.compared(tables)
    assert len(side) == len(tables["traces"])
    core = side[side.group == "core"]
    assert (core.network - core.one).abs().max() == pytest.approx(0.0, abs=1e-12)
    error, where = tag_and_capture._error(side, "outgoing", "one")
    assert (error, where) == (pytest.approx(0.3), "n = 0.06 from learning on")


def test_traces_that_are_alike_are_one_trace():
    group = networks.Learned(np.full(7, 0.67), np.full(7, 25.0))
    for onset, duration in ((0.0, math.inf), (3600.0, 1800.0), (9000.0, math.inf)):
        one = networks.one_trace(group, 0.18, onset, duration)
        assert networks.many_traces(group, 0.18, onset, duration) == pytest.approx(one)
    assert networks.trace_after_release(group, 0.0) > networks.trace_after_release(group, 5400.0) > 0.0
    assert networks.release(60.0).at(networks.LEARNED + 60.0) == pytest.approx(networks.RELEASE[0])


def test_the_synapse_of_the_assembly_agrees_with_its_trace():
    """Noise spreads its early weight; until its tag ends by chance, mean late strength is that of the trace."""
    group = networks.Learned(np.full(1, 0.67), np.full(1, 25.0))
    found = networks.synapse_after_step(group, 0.18, [0.0, 3600.0], trials=50, seed=1)
    for late, onset in zip(found, (0.0, 3600.0), strict=True):
        assert late == pytest.approx(networks.one_trace(group, 0.18, onset, math.inf), abs=0.15)


def test_every_trial_and_rate_is_a_piece_of_its_own():
    for sizes in (Sizes(), QUICK):
        names = [piece.name for piece in tag_and_capture.SECTION.pieces(Work((), {}, (), (), sizes, 1, None))]
        assert sum("trial" in name for name in names) == sizes.network_trials
        assert sum(name.endswith("Hz") for name in names) == 10
        assert len(set(names)) == len(names)


def test_eight_hours_says_what_they_took_and_gave():
    run = {"core late %": 77.0, "Q": 0.03, "mutual information (bit)": 0.9}
    quantities = [dict(quantity=name, run=value, skipped=value + 0.1) for name, value in readouts(**run).items()]
    groups, phases = ("core", "outgoing", "incoming", "rest"), ("late", "total")
    rows = {f"{phase}_{name}": 0.5 for phase in ("early", "late") for name in groups}
    extra = [dict(quantity=f"{name} {phase} %", run=1.0, skipped=1.0) for name in groups for phase in phases
             if f"{name} {phase} %" not in readouts()]  # fmt: skip
    shown = eight_hours.SECTION.show({
        "weights": pandas.DataFrame([dict(time=20.0, **rows), dict(time=28810.0, **rows)]),
        "readouts": pandas.DataFrame(quantities + extra),
        "cost": pandas.DataFrame([dict(quantity="processor time (s)", value=2460.0),
                                  dict(quantity="peak memory (MB)", value=300.4)]),
    })  # fmt: skip
    assert "took 41 min of one processor and 300 MB" in shown.says
    assert "end at 77.00 % of h₀, those of the closed-form fast-forward at 77.10 %" in shown.says
    assert eight_hours.SECTION.again == "python -m benchmarks.eight_hours OUT"


def test_networks_are_simulated_and_stored_without_fits_and_go_on_after_an_interrupt(tmp_path, monkeypatch):
    ran = []

    def piece(name: str) -> Piece:
        def compute(work: Work, progress) -> dict[str, pandas.DataFrame]:
            ran.append(name)
            if ran == ["one", "two"]:
                raise KeyboardInterrupt
            progress(0)
            return {"t": pandas.DataFrame({"piece": [name], "seed": [work.seed]})}

        return Piece(name, 1.0, 1, compute)

    section = Section("spiking", "Spiking", lambda work: [piece("one"), piece("two")],
                      lambda tables: Shown("", "", (), (), ""), NETWORKS)  # fmt: skip
    fitted = Section("fitted", "Fitted", lambda work: pytest.fail("not asked for"), lambda tables: None)  # type: ignore
    for module in (simulated, thorough):
        monkeypatch.setattr(module, "SECTIONS", (fitted, section))
    out = tmp_path / "stored"
    command = [str(out), "--seed", "3", "--quick"]
    with pytest.raises(KeyboardInterrupt):
        simulated.main(command)
    simulated.main(command)
    assert ran == ["one", "two", "two"]
    assert [path.name for path in tmp_path.iterdir()] == ["stored"]
    found = store.read(out, "spiking")
    assert found.tables["t"].to_dict("list") == {"piece": ["one", "two"], "seed": [3, 3]}
    made = json.loads((out / "spiking" / "made.json").read_text())
    assert made["command"] == f"python -m fits.simulated {out} --quick --seed 3"
    assert made["sizes"]["network_trials"] == 1


def test_what_is_stored_is_what_the_network_does():
    """One of the stored cases again; other machines may round otherwise, which moves spikes, but weights hardly."""
    stored = store.read(store.shipped(), "tag_and_capture").tables["dose"]
    kept = stored[((stored["rate (Hz)"] - 60).abs() < 1e-9) & ((stored.n - 0.12).abs() < 1e-9)].iloc[0]
    (found,) = dose_by_stimulus(levels=(0.12,), rates=(60.0,)).to_dict("records")
    for name, tolerance in (("core late %", 0.5), ("outgoing late %", 2.0), ("incoming late %", 0.5)):
        assert found[name] == pytest.approx(kept[name], abs=tolerance)
