"""What would tell accounts of visual reactivation apart: four experiments, each a function that predicts its outcome.

Every function changes one thing about eight daily sessions of five reactivations (or ``design``, the keywords of
:func:`engram.perception.designs.reactivation`) and returns a row per value with

    trained, untrained                  thresholds (degrees) just after the last session
    trained_late, untrained_late        two weeks after it
    baseline                            threshold without any training
    control, control_late               the untrained stimulus without the manipulation that the function varies
    generalisation, generalisation_late the index of :mod:`engram.perception.curves`

The untrained stimulus is ``offset`` degrees of direction and ``distance`` degrees of visual angle from the trained one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
import pandas

from ..protocol import Protocol
from ..units import day, hour, minute
from .curves import default_times, index_of
from .designs import reactivation
from .model import PerceptualModel, checked_times

Values: TypeAlias = Sequence[float] | np.ndarray

_DOSES = tuple(np.linspace(0, 2, 11).tolist())
_DELAYS = tuple((np.arange(0, 125, 5) * minute).tolist())


def retention(
    model: PerceptualModel,
    sessions: Sequence[int] = tuple(range(9)),
    *,
    offset: float = 90.0,
    distance: float = 0.0,
    **design: Any,
) -> pandas.DataFrame:
    """Generalisation, and how well it is retained for two weeks, by the number of reactivation sessions.

    ``control`` is the encoding session alone. All designs are tested at the same time, that of the longest.

    Raises
    ------
    ValueError
        A number of sessions that is not a whole number of zero or more.
    """  # fmt: skip
    numbers = list(sessions)
    if not numbers:
        raise ValueError("sessions is empty; give at least one number of sessions")
    protocols = [reactivation(number, **design) for number in numbers]
    times = default_times(max(protocols, key=lambda protocol: default_times(protocol)[1]))
    table = _compare(model, "sessions", numbers, protocols, [reactivation(0, **design)] * len(numbers), offset,
                     distance, lambda _: times)  # fmt: skip
    return table


def release_at_reactivation(
    model: PerceptualModel,
    doses: Values = _DOSES,
    *,
    modulator: str = "dopamine",
    offset: float = 90.0,
    distance: float = 0.0,
    **design: Any,
) -> pandas.DataFrame:
    """A neuromodulator released at each reactivation, by its dose; ``control`` has no release.

    Noradrenaline has no quantitative effect by default (see :mod:`engram.neuromodulation`): to predict one, give the
    model's consolidation a table in which it drives synthesis. Without prediction error the release is all that drives
    synthesis, which is the cleaner experiment: pass ``prediction_error=0.0``.

    Raises
    ------
    ValueError
        A dose below 0, an unknown modulator, or ``dose`` in the design.
    """  # fmt: skip
    _not_in(design, "dose", "doses")
    values = [float(dose) for dose in doses]
    protocols = [reactivation(**{**design, "modulator": modulator, "dose": dose}) for dose in values]
    controls = [reactivation(**{**design, "dose": 0.0})] * len(values)
    return _compare(model, "dose", values, protocols, controls, offset, distance)


def blocked_consolidation(
    model: PerceptualModel,
    delays: Values = _DELAYS,
    *,
    offset: float = 90.0,
    distance: float = 0.0,
    **design: Any,
) -> pandas.DataFrame:
    """Protein synthesis blocked for six hours after each reactivation, by the onset (s) of the block.

    ``control`` is not blocked. Stands for any agent or task that stops consolidation.

    Raises
    ------
    ValueError
        A delay below 0, or ``blocked_after`` in the design.
    """  # fmt: skip
    _not_in(design, "blocked_after", "delays")
    values = [float(delay) for delay in checked_times(delays, "delays")]
    protocols = [reactivation(**{**design, "blocked_after": delay}) for delay in values]
    return _compare(model, "delay", values, protocols, [reactivation(**design)] * len(values), offset, distance)


def spacing(
    model: PerceptualModel,
    intervals: Values = (10 * minute, 1 * hour, 3 * hour, 6 * hour, 12 * hour, 1 * day, 2 * day, 4 * day),
    *,
    offset: float = 90.0,
    distance: float = 0.0,
    **design: Any,
) -> pandas.DataFrame:
    """The same number of sessions at other intervals (s), tested as long after the last; ``control`` is daily.

    Raises
    ------
    ValueError
        An interval below a second, or ``spacing`` in the design.
    """  # fmt: skip
    _not_in(design, "spacing", "intervals")
    values = [float(interval) for interval in checked_times(intervals, "intervals")]
    protocols = [reactivation(**{**design, "spacing": interval}) for interval in values]
    daily = [reactivation(**{**design, "spacing": 1 * day})] * len(values)
    return _compare(model, "spacing", values, protocols, daily, offset, distance)


def _not_in(design: dict[str, Any], name: str, varied: str) -> None:
    if name in design:
        raise ValueError(f"{name} is {design[name]!r}, but this experiment varies it; give its values as {varied}")


def _compare(
    model: PerceptualModel,
    name: str,
    values: Sequence[float],
    protocols: Sequence[Protocol],
    controls: Sequence[Protocol],
    offset: float,
    distance: float,
    times_of: Callable[[Protocol], tuple[float, float, float]] = default_times,
) -> pandas.DataFrame:
    if not isinstance(model, PerceptualModel):
        raise TypeError(f"{model!r} is not a model of visual learning; pass an instance such as VisualReactivation()")
    baseline = model.untrained()
    rows = []
    for value, protocol, control in zip(values, protocols, controls, strict=True):
        _, after, late = times_of(protocol)
        own = times_of(control)[1:]
        trained = model.thresholds(protocol, [0.0], [after, late])[:, 0]
        untrained = model.thresholds(protocol, [offset], [after, late], distance)[:, 0]
        without = model.thresholds(control, [offset], own, distance)[:, 0]
        index = index_of(1 - untrained / baseline, 1 - trained / baseline)
        rows.append((value, trained[0], untrained[0], trained[1], untrained[1], baseline, *without, *index))
    columns = ["trained", "untrained", "trained_late", "untrained_late", "baseline", "control", "control_late",
               "generalisation", "generalisation_late"]  # fmt: skip
    return pandas.DataFrame(rows, columns=[name, *columns])
