"""A small study whose people differ, and their trials: 16 items in one run, 12 of them early; a test a day later."""

import numpy as np
import pandas

from engram import EncodingOnly
from fits.study import load_study
from fits.trials import read_trials

MODEL = EncodingOnly(nodes=4)

_PARAMETERS = {
    "strength": ("start = 0.5\nbounds = [0.05, 0.95]", "encoding strength"),
    "dose": ('start = 0.5\nbounds = [0.01, 5.0]\nscale = "log"', "noradrenaline at arousing items"),
    "criterion": ("start = 1.0\nbounds = [-1.0, 3.0]", "criterion for definitely old"),
    "gap": ("start = 0.7\nbounds = [0.01, 3.0]", "from definitely old to maybe old"),
}
_FIXED = {"strength": "0.6", "dose": "0.5", "criterion": "1.0", "gap": "0.7"}

_STUDY = """
[study]
id = "{name}"
title = "Simulated people"
citation = "Nobody (2026), simulated"
species = "simulated"
paradigm = "one run and a test"
{parameters}
[response]
type = "confidence"
sensitivity = 4.0
criterion_definitely_old = {criterion}
gap_maybe_old = {gap}

[model]
durable_fraction = 0.6
strength_spread = 0.3

[modulators.noradrenaline]
encoding_gain = 1.0
clearance = "2 s"

[[condition]]
name = "session"
events = [{{ test = "*", at = "{delay}" }}]
[[condition.block]]
name = "run"
start = "0 min"
trials = {items}
spacing = "10 s"
cycle = ["calm", "arousing"]
[condition.block.trial]
calm = [{{ encode = "{{block}}/calm/{{n}}", after = "0 s", strength = {strength} }}]
arousing = [
  {{ release = "noradrenaline", after = "0 s", dose = {dose} }},
  {{ encode = "{{block}}/arousing/{{n}}", after = "0 s", strength = {strength} }},
]

[trials]
condition = "session"
[trials.phases]
study = "run"
[trials.responses]
DO = "definitely old"
MO = "maybe old"
MN = "maybe new"
DN = "definitely new"
[[trials.cell]]
phase = "study"
condition = "calm"
trial = "calm"
traces = "run/calm"
[[trials.cell]]
phase = "study"
condition = "arousing"
trial = "arousing"
traces = "run/arousing"
"""


def people_study(folder, free=("strength", "dose", "criterion", "gap"), items=16, delay="24 h", name="people"):
    """The study with some of its parameters free, written to a folder and read."""
    tables = ""
    for parameter in free:
        bounds, description = _PARAMETERS[parameter]
        tables += f'[parameters.{parameter}]\n{bounds}\ndescription = "{description}"\n'
    values = {key: f'"{key}"' if key in free else value for key, value in _FIXED.items()}
    path = folder / f"{name}.toml"
    path.write_text(_STUDY.format(parameters=tables, items=items, delay=delay, name=name, **values), encoding="utf-8")
    return load_study(path)


def people_trials(folder, people=4, items=16, lures=16, answers=None, seed=3):
    """Trials with answers drawn at random, or given by ``answers(rng, row)``, read back with a design of ``items``."""
    rng = np.random.default_rng(seed)
    rows = []
    for k in range(people):
        for n in range(items):
            rows.append((f"p{k}", "study", "arousing" if n % 2 else "calm", f"old{n}", 10.0 * n, True))
        rows += [(f"p{k}", "", "calm", f"new{n}", np.nan, False) for n in range(lures)]
    frame = pandas.DataFrame(rows, columns=["participant", "phase", "condition", "item", "onset", "old"])
    codes = ["DO", "MO", "MN", "DN"]
    if answers is None:
        frame["response"] = [
            rng.choice(codes, p=[0.4, 0.3, 0.2, 0.1] if old else [0.1, 0.2, 0.3, 0.4]) for old in frame.old
        ]
    else:
        frame["response"] = [answers(rng, row) for row in frame.itertuples()]
    return frame


def read_people(folder, frame, study):
    path = folder / "trials.csv"
    frame.to_csv(path, index=False)
    return read_trials(path, study, missing="drop")
