"""A small study and its trials, simulated: two phases, a shock after some items of the second, a test a day later."""

import numpy as np
import pandas

STUDY = """
[study]
id = "sim"
title = "Simulated trials"
citation = "Nobody (2026), simulated"
species = "simulated"
paradigm = "two phases and a test"

[parameters.strength]
start = 0.5
bounds = [0.05, 0.95]
description = "encoding strength"
[parameters.relatedness]
start = 0.4
bounds = [0.0, 1.0]
description = "relatedness to the shock"
[parameters.dose]
start = 0.7
bounds = [0.01, 5.0]
scale = "log"
description = "dopamine of a shock"
[parameters.criterion]
start = 1.0
bounds = [-1.0, 3.0]
description = "criterion for definitely old"

[response]
type = "confidence"
criterion_definitely_old = "criterion"

[model]
durable_fraction = 0.3
strength_spread = 0.3
ambient_activity = 0.1

[[condition]]
name = "session"
events = [{ encode = "room", at = "0 min", strength = 0.3 }, { test = "*", at = "24 h" }]
relatedness = [{ traces = ["shock", "first/plus"], value = "relatedness" }]
[[condition.block]]
name = "first"
start = "1 min"
trials = 4
spacing = "10 s"
cycle = ["plus", "minus"]
[condition.block.trial]
plus = [{ encode = "{block}/plus/{n}", after = "0 s", strength = "strength" }]
minus = [{ encode = "{block}/minus/{n}", after = "0 s", strength = "strength" }]
[[condition.block]]
name = "second"
start = "10 min"
trials = 4
spacing = "10 s"
cycle = ["shocked", "unshocked"]
[condition.block.trial]
shocked = [
  { encode = "{block}/plus/shocked/{n}", after = "0 s", strength = "strength" },
  { encode = "shock", after = "4 s", strength = 0.8 },
  { release = "dopamine", after = "4 s", dose = "dose" },
]
unshocked = [{ encode = "{block}/plus/unshocked/{n}", after = "0 s", strength = "strength" }]

[trials]
condition = "session"
folder = "events"
[trials.tasks]
encoding = ["early", "late"]
test = ["memory"]
[trials.columns]
condition = "trial_type"
item = "stimulus"
reinforced = "shock"
old = "memory_condition"
[trials.codes]
old = { Old = true, New = false }
reinforced = { CSUS = true, CS = false }
[trials.phases]
early = "first"
late = "second"
[trials.responses]
DO = "definitely old"
MO = "maybe old"
MN = "maybe new"
DN = "definitely new"
[[trials.cell]]
phase = "early"
condition = "plus"
trial = "plus"
traces = "first/plus"
[[trials.cell]]
phase = "early"
condition = "minus"
trial = "minus"
traces = "first/minus"
[[trials.cell]]
phase = "late"
condition = "plus"
reinforced = true
trial = "shocked"
traces = "second/plus"
[[trials.cell]]
phase = "late"
condition = "plus"
reinforced = false
trial = "unshocked"
traces = "second/plus"
"""


def simulated(participants=("01", "02", "03"), seed=5):
    """A tidy table: onsets and answers drawn at random."""
    rng = np.random.default_rng(seed)
    rows = []
    for name in participants:
        for phase in ("early", "late"):
            onset = 0.0
            for k in range(4):
                onset += rng.uniform(8, 12)
                plus = phase == "late" or k % 2 == 0
                rows.append(
                    (
                        name,
                        phase,
                        "plus" if plus else "minus",
                        f"{phase}{k}",
                        round(onset, 3),
                        True,
                        phase == "late" and k % 2 == 0,
                    )
                )
        rows += [(name, "", "plus" if k % 2 else "minus", f"new{k}", np.nan, False, False) for k in range(3)]
    columns = ["participant", "phase", "condition", "item", "onset", "old", "reinforced"]
    frame = pandas.DataFrame(rows, columns=columns)
    frame["response"] = rng.choice(["DO", "MO", "MN", "DN"], len(frame))
    frame["response_time"] = rng.uniform(0.5, 2, len(frame)).round(3)
    return frame


def write_events(folder, frame):
    """The same trials as a folder of BIDS events."""
    for name, mine in frame.groupby("participant"):
        place = folder / f"sub-{name}" / "events"
        place.mkdir(parents=True)
        for phase in ("early", "late"):
            run = mine[mine.phase == phase]
            events = pandas.DataFrame(
                {"onset": run.onset, "duration": 4.0, "trial_type": run.condition, "stimulus": run.item}
            )
            if phase == "late":
                events["shock"] = np.where(run.reinforced, "CSUS", "CS")
            events.to_csv(place / f"sub-{name}_task-{phase}_events.tsv", sep="\t", index=False)
        order = mine.sample(frac=1, random_state=1)
        test = pandas.DataFrame({"onset": np.arange(len(order)) * 5.0, "trial_type": order.condition.to_numpy()})
        test["stimulus"] = order.item.to_numpy()
        test["memory_condition"] = np.where(order.old, "Old", "New")
        test["response"] = order.response.to_numpy()
        test["response_time"] = order.response_time.to_numpy()
        for run, part in enumerate((test[:6], test[6:]), 1):
            part.to_csv(place / f"sub-{name}_task-memory_run-{run:02d}_events.tsv", sep="\t", index=False)
        (place / f"sub-{name}_task-rest_events.tsv").write_text("onset\n", encoding="utf-8")
