"""The predicted curves of visual learning: thresholds against the offset from what was trained, and against time.

Every table holds its own control: ``baseline``, the threshold without any training, and for designs with reactivations
``control``, the threshold with the same encoding session and no reactivation: what was released or given with encoding
stays, what was given with reactivations goes (:func:`without_reactivation` says which is which). Improvements are
relative, (baseline − threshold)/baseline, and

    generalisation index = improvement at an offset / improvement at the trained direction

is 1 where learning transfers in full and 0 where it does not; it is not defined (NaN) before anything is learned.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas

from ..protocol import Encode, Event, Intervene, Protocol, Reactivate, Release
from ..units import day, hour
from .designs import last_session, reactivation
from .fisher import threshold as threshold_at
from .manifold import participation_ratio
from .model import Information, PerceptualModel, check_distance, checked_offsets, checked_times

#: After the last session: when "just after" and "two weeks later" are read (s).
JUST_AFTER, TWO_WEEKS = 1 * hour, 14 * day
_SMALLEST = 1e-9  # a relative improvement below which there is nothing to transfer


def generalisation(
    model: PerceptualModel,
    offsets: Sequence[float] | np.ndarray | None = None,
    when: Sequence[float] | np.ndarray | None = None,
    *,
    protocol: Protocol | None = None,
    distance: float = 0.0,
) -> pandas.DataFrame:
    """Threshold against the offset from the trained direction, before and after training.

    Parameters
    ----------
    model : PerceptualModel
        Any of ``engram.perception.MODELS``.
    offsets : (offsets,) array_like, optional
        Degrees from the trained direction, within half a period; every degree to a quarter of the period by default.
    when : (times,) array_like, optional
        Seconds on the protocol's clock; by default the pretest (0), one hour and two weeks after the last session.
    protocol : Protocol, optional
        The training; eight daily sessions of five reactivations by default
        (:func:`engram.perception.designs.reactivation`).
    distance : float
        Degrees of visual angle from the trained location.

    Returns
    -------
    pandas.DataFrame
        A row per time and offset: time (s), offset (degrees), threshold, baseline and control (degrees), improvement,
        generalisation (the index), evc_discriminability and ips_discriminability (d′ per degree), and
        evc_dimension and ips_dimension (participation ratio of the manifold of mean responses).

    Raises
    ------
    ValueError
        An offset outside the range, a time or distance that is negative; the message names it.

    Examples
    --------
    >>> from engram.perception import VisualReactivation
    >>> curve = generalisation(VisualReactivation(), [0, 45, 90])
    >>> bool((curve.threshold <= curve.baseline).all())
    True
    """
    if not isinstance(model, PerceptualModel):
        raise TypeError(f"{model!r} is not a model of visual learning; pass an instance such as VisualReactivation()")
    given = reactivation() if protocol is None else protocol
    reach = int(model.period // 4)
    degrees = checked_offsets(np.arange(-reach, reach + 1) if offsets is None else offsets, model.period)
    times = checked_times(default_times(given) if when is None else when)
    check_distance(distance)
    if distance == 0:  # the trained direction comes along with the others
        known = model.information(given, np.append(degrees, 0.0), times)
        at_trained = threshold_at(known.read_out[:, -1:], model.criterion)
        known = Information(*(values[:, :-1] for values in known))
    else:
        known = model.information(given, degrees, times, distance)
        at_trained = model.thresholds(given, [0.0], times)
    threshold = threshold_at(known.read_out, model.criterion)
    baseline = model.untrained()
    control = model.thresholds(without_reactivation(given), degrees, times, distance)
    improvement = 1 - threshold / baseline
    shape = model.shape(given, times, distance)
    dimensions = (participation_ratio(model.evc, shape.evc), participation_ratio(model.ips, shape.ips))
    n = len(degrees)
    columns = {
        "time": np.repeat(times, n), "offset": np.tile(degrees, len(times)), "threshold": threshold.ravel(),
        "baseline": np.full(threshold.size, baseline), "control": control.ravel(),
        "improvement": improvement.ravel(),
        "generalisation": index_of(improvement, 1 - at_trained / baseline).ravel(),
        "evc_discriminability": np.sqrt(known.evc).ravel(), "ips_discriminability": np.sqrt(known.ips).ravel(),
        "evc_dimension": np.repeat(dimensions[0], n), "ips_dimension": np.repeat(dimensions[1], n),
    }  # fmt: skip
    return pandas.DataFrame(columns)


def time_course(
    model: PerceptualModel,
    when: Sequence[float] | np.ndarray | None = None,
    *,
    protocol: Protocol | None = None,
    offset: float = 90.0,
    distance: float = 0.0,
) -> pandas.DataFrame:
    """Thresholds at the trained and at an untrained stimulus against time.

    Parameters
    ----------
    model, protocol
        As in :func:`generalisation`.
    when : (times,) array_like, optional
        Seconds; every six hours from the pretest to two weeks after the last session by default.
    offset, distance : float
        Of the untrained stimulus: degrees of direction, and of visual angle, from the trained one.

    Returns
    -------
    pandas.DataFrame
        A row per time: time (s), trained, untrained and baseline (degrees), generalisation (the index),
        evc_discriminability and ips_discriminability of the untrained stimulus (d′ per degree), evc_dimension and
        ips_dimension.

    Raises
    ------
    ValueError
        As in :func:`generalisation`.
    """
    given = reactivation() if protocol is None else protocol
    if when is None:
        when = np.arange(0.0, last_session(given) + TWO_WEEKS + 1, 6 * hour)
    times = checked_times(when)
    other = generalisation(model, [offset], times, protocol=given, distance=distance)
    trained = model.thresholds(given, [0.0], times)[:, 0]
    columns = {
        "time": times, "trained": trained, "untrained": other.threshold, "baseline": other.baseline,
        **{name: other[name] for name in (
            "generalisation", "evc_discriminability", "ips_discriminability", "evc_dimension", "ips_dimension",
        )},
    }  # fmt: skip
    return pandas.DataFrame(columns)


def default_times(protocol: Protocol) -> tuple[float, float, float]:
    """Before, just after, and two weeks after training (s)."""
    end = last_session(protocol)
    return 0.0, end + JUST_AFTER, end + TWO_WEEKS


def without_reactivation(protocol: Protocol) -> Protocol:
    """The control: the same protocol without its reactivations and what was given with them.

    A Release or an Intervene belongs to the session, an Encode or a Reactivate, that is nearest to it in time; an
    intervention is at no distance from every session between its onset and its end. What is as near to an Encode as to
    any Reactivate belongs to the Encode: what was given with encoding stays, and so does what lasts over both.
    """
    reactivations = [(e.at, e.at + e.duration) for e in protocol.events if isinstance(e, Reactivate)]
    if not reactivations:
        return protocol
    encodings = [(e.at, e.at) for e in protocol.events if isinstance(e, Encode)]

    def stays(event: Event) -> bool:
        if isinstance(event, Release):
            given = event.at, event.at
        elif isinstance(event, Intervene):
            given = event.on, event.off
        else:
            return not isinstance(event, Reactivate)
        return _apart(given, encodings) <= _apart(given, reactivations)

    return Protocol(*filter(stays, protocol.events))


def _apart(given: tuple[float, float], sessions: list[tuple[float, float]]) -> float:
    """Time (s) between what was given and the nearest session, each from its start to its end; infinite without one."""
    return min((max(start - given[1], given[0] - end, 0.0) for start, end in sessions), default=math.inf)


def index_of(improvement: np.ndarray, trained: np.ndarray) -> np.ndarray:
    """Generalisation index of improvements (times, offsets) given those at the trained stimulus (times, 1)."""
    learned = np.where(np.abs(trained) > _SMALLEST, trained, np.nan)
    return np.asarray(improvement / learned)
