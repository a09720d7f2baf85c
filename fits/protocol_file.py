"""A protocol in a TOML file: the events of one condition, with settings of the model.

The keys are those of a condition of a study (:mod:`fits.design`), at the top level; ``[model]`` and
``[modulators.dopamine]`` override parameters::

    events = [
      { encode = "scene", at = "0 min", strength = 0.4 },
      { release = "dopamine", at = "30 min" },
      { test = "scene", at = "24 h" },
    ]
    [model]
    ambient_activity = 0.1
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas

from engram import neuromodulation
from engram.consolidation import ConsolidationModel
from engram.parameter import parameter_fields
from engram.protocol import Protocol

from .design import read_design
from .prediction import model_class
from .study import model_values, modulator_values
from .tables import Errors, Table, read_toml

_EXAMPLE = (
    'start from events = [{ encode = "scene", at = "0 min", strength = 0.4 }, { test = "scene", at = "24 h" }], '
    "one event in braces after another"
)
_DESIGN = ("events", "block", "relatedness", "within_category")


@dataclass(frozen=True)
class ProtocolFile:
    """A protocol and the model it is to be run by.

    Attributes
    ----------
    protocol : Protocol
    model : ConsolidationModel
    unused : tuple of str
        Parameters that the file sets and this model does not have.
    """

    protocol: Protocol
    model: ConsolidationModel
    unused: tuple[str, ...]


def read_protocol(path: str | Path, model: str) -> ProtocolFile:
    """Read a protocol and configure the model named ``model`` as it says.

    Raises
    ------
    StudyError
        A sentence naming the file, the key or line, the value and the remedy.
    """
    table = read_toml(Path(path), _EXAMPLE)
    errors = Errors()
    errors.add(*table.unknown({*_DESIGN, "model", "modulators"}))
    condition = Table(table.path, "", {key: table.content[key] for key in _DESIGN if key in table})
    design = read_design(condition, Path(path).stem, {}, errors)
    made = model_class(model)
    own = {field.name for field in parameter_fields(made)}
    values: dict[str, Any] = model_values(table.table("model"), {}, errors)
    modulator_changes = modulator_values(table.table("modulators"), {}, errors)
    if design is None or errors:
        raise errors.first()
    protocol = design.protocol
    changes: dict[str, dict[str, Any]] = {}
    for (modulator, key), value in modulator_changes.items():
        changes.setdefault(modulator, {})[key] = value
    try:
        modulators = tuple(
            dataclasses.replace(modulator, **changes.get(modulator.name, {}))
            for modulator in neuromodulation.NEUROMODULATORS
        )
        instance = made(neuromodulators=modulators, **{key: value for key, value in values.items() if key in own})
    except ValueError as error:
        raise table.error("model", str(error)) from None
    instance.batch([protocol])  # an unknown modulator is reported before anything runs
    return ProtocolFile(protocol, instance, tuple(key for key in values if key not in own))


def states(file: ProtocolFile, at: list[float]) -> pandas.DataFrame:
    """The state of each trace when it is tested, and of every trace at the times ``at`` (s).

    Returns
    -------
    pandas.DataFrame
        read ("test" or "state"), time (s), trace, early, tag, protein, late, labile, eligibility, competing, strength.
    """
    run = file.model.run(file.protocol)
    parts = [("test", run.tests)] if len(run.tests) else []
    if at:
        parts.append(("state", run.table(at)))
    for kind, part in parts:
        part.insert(0, "read", kind)
    table = pandas.concat([part for _, part in parts])
    return table.sort_values("time", kind="stable", ignore_index=True)
