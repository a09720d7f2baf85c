"""The predicted curves: what a consolidation model says an experiment will find.

Every curve is a table that holds its own control condition. All protocols of a curve run in one batch.

A *neutral* memory is encoded at ``strength``; an *emotional event* is an Encode of a second trace, related to
the first through ``relatedness``, and a release of ``dose`` of ``modulator`` in the same moment. The control
session has the emotional event without its strength and without its release. The paradigm is behavioural
tagging (Moncada & Viola 2007, doi:10.1523/JNEUROSCI.1083-07.2007, in rats; Dunsmoor et al. 2015,
doi:10.1038/nature14106, in humans), after synaptic tagging (Frey & Morris 1997, doi:10.1038/385533a0).

Times are in seconds; strengths, doses and relatedness are dimensionless.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
import pandas

from .consolidation.model import ConsolidationModel
from .perception.curves import generalisation
from .protocol import Encode, Event, Intervene, Protocol, Reactivate, Release, Test
from .sensitivity import sensitivity
from .units import day, hour, minute

Values: TypeAlias = Sequence[float] | np.ndarray

__all__ = [
    "generalisation", "proactive_enhancement", "reconsolidation_window", "relatedness_response",
    "retroactive_enhancement", "salience_response", "sensitivity",
]  # fmt: skip

_NEUTRAL, _EMOTIONAL = "neutral", "emotional"
_TIMES = ("interval", "test_delay", "memory_age", "inhibition", "spacing", "duration")


def retroactive_enhancement(
    model: ConsolidationModel,
    intervals: Values | None = None,
    *,
    relatedness: float = 0.5,
    strength: float = 0.4,
    emotional_strength: float = 0.8,
    dose: float = 1.0,
    modulator: str = "dopamine",
    test_delay: float = 24 * hour,
) -> pandas.DataFrame:
    """What an emotional event does to a neutral memory encoded *before* it.

    Parameters
    ----------
    model : ConsolidationModel
    intervals : array_like, shape (n,), optional
        Time (s) from the neutral encoding to the emotional event; 0 to 3 h in steps of 5 min by default.
    relatedness : float
        How far the two memories share proteins, 0 to 1.
    strength, emotional_strength : float
        Encoding strength of the neutral and of the emotional memory, between −1 and 1.
    dose : float
        Dose of the release; 1 is full drive for dopamine.
    modulator : str
        What is released: a name in the model's table of neuromodulators.
    test_delay : float
        Time (s) from the neutral encoding to its test.

    Returns
    -------
    pandas.DataFrame
        interval (s), strength of the neutral memory at test, baseline (the same without the emotional event)
        and enhancement (strength − baseline).

    Raises
    ------
    ValueError
        An interval that is negative, not finite or not before the test; any value outside its range; an
        unknown modulator. The message names the value.

    Examples
    --------
    >>> from engram import ThresholdCapture, curves, hour, minute
    >>> curve = curves.retroactive_enhancement(ThresholdCapture(), [5 * minute, 30 * minute, 2 * hour])
    >>> list(curve.columns)
    ['interval', 'strength', 'baseline', 'enhancement']
    >>> (curve.enhancement > 0.1).tolist()
    [True, True, False]
    """
    times = _checked("intervals", intervals, np.arange(0, 3 * hour + 1, 5 * minute))
    return _enhancement(
        model, "interval", times, relatedness=relatedness, strength=strength, dose=dose,
        emotional_strength=emotional_strength, modulator=modulator, test_delay=test_delay,
    )  # fmt: skip


def proactive_enhancement(
    model: ConsolidationModel,
    intervals: Values | None = None,
    *,
    relatedness: float = 0.5,
    strength: float = 0.4,
    emotional_strength: float = 0.8,
    dose: float = 1.0,
    modulator: str = "dopamine",
    test_delay: float = 24 * hour,
) -> pandas.DataFrame:
    """What an emotional event does to a neutral memory encoded *after* it.

    Parameters
    ----------
    model : ConsolidationModel
    intervals : array_like, shape (n,), optional
        Time (s) from the emotional event to the neutral encoding; 0 to 9 h in steps of 10 min by default.
    relatedness, strength, emotional_strength, dose, modulator, test_delay
        As in :func:`retroactive_enhancement`; ``test_delay`` still counts from the neutral encoding.

    Returns
    -------
    pandas.DataFrame
        interval (s), strength, baseline and enhancement, as in :func:`retroactive_enhancement`.

    Raises
    ------
    ValueError
        An interval that is negative or not finite; any value outside its range; an unknown modulator.

    Examples
    --------
    >>> from engram import ThresholdCapture, curves, hour
    >>> curve = curves.proactive_enhancement(ThresholdCapture(), [1 * hour, 4 * hour, 20 * hour])
    >>> curve.enhancement.is_monotonic_decreasing
    True
    """
    times = _checked("intervals", intervals, np.arange(0, 9 * hour + 1, 10 * minute))
    return _enhancement(
        model, "interval", times, proactive=True, relatedness=relatedness, strength=strength, dose=dose,
        emotional_strength=emotional_strength, modulator=modulator, test_delay=test_delay,
    )  # fmt: skip


def salience_response(
    model: ConsolidationModel,
    doses: Values | None = None,
    *,
    interval: float = 30 * minute,
    relatedness: float = 0.5,
    strength: float = 0.4,
    emotional_strength: float = 0.8,
    modulator: str = "dopamine",
    test_delay: float = 24 * hour,
) -> pandas.DataFrame:
    """Retroactive enhancement against the salience of the emotional event: the dose that it releases.

    This tells models apart: under threshold capture proteins are all or none and the tag runs out, so that
    the response saturates; under linear capture it grows with the dose.

    Parameters
    ----------
    model : ConsolidationModel
    doses : array_like, shape (n,), optional
        Doses of the release; 0 to 5 in steps of 0.1 by default. 1 is full drive for dopamine.
    interval : float
        Time (s) from the neutral encoding to the emotional event.
    relatedness, strength, emotional_strength, modulator, test_delay
        As in :func:`retroactive_enhancement`.

    Returns
    -------
    pandas.DataFrame
        dose, strength, baseline and enhancement, as in :func:`retroactive_enhancement`.

    Raises
    ------
    ValueError
        A dose that is negative or not finite; any other value outside its range; an unknown modulator.

    Examples
    --------
    >>> from engram import LinearCapture, ThresholdCapture, curves
    >>> models = ThresholdCapture(), LinearCapture()
    >>> threshold, linear = (curves.salience_response(model, [1, 3]).enhancement for model in models)
    >>> bool(threshold[1] / threshold[0] < 1.2), bool(linear[1] / linear[0] > 2)
    (True, True)
    """
    amounts = _checked("doses", doses, np.linspace(0, 5, 51))
    return _enhancement(
        model, "dose", amounts, interval=interval, relatedness=relatedness, strength=strength,
        emotional_strength=emotional_strength, modulator=modulator, test_delay=test_delay,
    )  # fmt: skip


def relatedness_response(
    model: ConsolidationModel,
    relatednesses: Values | None = None,
    *,
    interval: float = 30 * minute,
    strength: float = 0.4,
    emotional_strength: float = 0.8,
    dose: float = 1.0,
    modulator: str = "dopamine",
    test_delay: float = 24 * hour,
) -> pandas.DataFrame:
    """Retroactive enhancement against how closely the neutral memory is related to the emotional one.

    To enhance related memories alone takes little ambient activity (``ambient_activity`` of about 0.1).

    Parameters
    ----------
    model : ConsolidationModel
    relatednesses : array_like, shape (n,), optional
        Relatedness of the two memories, 0 to 1; in steps of 0.02 by default.
    interval : float
        Time (s) from the neutral encoding to the emotional event.
    strength, emotional_strength, dose, modulator, test_delay
        As in :func:`retroactive_enhancement`.

    Returns
    -------
    pandas.DataFrame
        relatedness, strength, baseline and enhancement, as in :func:`retroactive_enhancement`.

    Raises
    ------
    ValueError
        A relatedness outside 0 to 1; any other value outside its range; an unknown modulator.

    Examples
    --------
    >>> from engram import ThresholdCapture, curves
    >>> curve = curves.relatedness_response(ThresholdCapture(ambient_activity=0.1), [0.0, 1.0])
    >>> (curve.enhancement > 0.1).tolist()
    [False, True]
    """
    shares = _checked("relatednesses", relatednesses, np.linspace(0, 1, 51), high=1.0)
    return _enhancement(
        model, "relatedness", shares, interval=interval, strength=strength, dose=dose,
        emotional_strength=emotional_strength, modulator=modulator, test_delay=test_delay,
    )  # fmt: skip


def reconsolidation_window(
    model: ConsolidationModel,
    delays: Values | None = None,
    *,
    memory_age: float = 1 * day,
    inhibition: float = 6 * hour,
    strength: float = 0.9,
    releases: int = 1,
    spacing: float = 10 * minute,
    dose: float = 1.0,
    modulator: str = "dopamine",
    cue: float = 0.9,
    prediction_error: float = 1.0,
    duration: float = 1 * minute,
    test_delay: float = 24 * hour,
) -> pandas.DataFrame:
    """What blocking protein synthesis does to a strong memory, by the delay of the block after a reminder.

    Parameters
    ----------
    model : ConsolidationModel
    delays : array_like, shape (n,), optional
        Time (s) from the reminder to the onset of the block; 0 to 8 h in steps of 10 min by default.
    memory_age : float
        Time (s) from encoding to the reminder.
    inhibition : float
        How long (s) protein synthesis stays blocked.
    strength : float
        Encoding strength of the memory, between −1 and 1.
    releases : int
        Number of releases that make it last, the first with the encoding.
    spacing : float
        Time (s) between those releases.
    dose, modulator
        Of each release, as in :func:`retroactive_enhancement`.
    cue, prediction_error, duration : float
        Of the reminder: completeness and surprise, 0 to 1, and duration (s).
    test_delay : float
        Time (s) from the reminder to the test.

    Returns
    -------
    pandas.DataFrame
        delay (s), strength at test, baseline (reminded, not blocked), unreactivated (blocked, not reminded)
        and loss, the fraction 1 − strength/baseline (NaN where the baseline is 0).

    Raises
    ------
    ValueError
        A delay that is negative, not finite or not before the test; any other value outside its range; an
        unknown modulator.

    References
    ----------
    Nader, Schafe & LeDoux 2000, doi:10.1038/35021052: fear memories of 1 and 14 days; amnesia when synthesis
    is blocked shortly after the reminder, none when it is blocked 6 h later or without a reminder.

    Examples
    --------
    >>> from engram import ThresholdCapture, curves, hour
    >>> curve = curves.reconsolidation_window(ThresholdCapture(), [0, 6 * hour])
    >>> (curve.loss > 0.5).tolist()
    [True, False]
    """
    times = _checked("delays", delays, np.arange(0, 8 * hour + 1, 10 * minute))
    _check_numbers(
        memory_age=memory_age, inhibition=inhibition, strength=strength, spacing=spacing, dose=dose, cue=cue,
        prediction_error=prediction_error, duration=duration, test_delay=test_delay,
    )  # fmt: skip
    if isinstance(releases, bool) or not isinstance(releases, (int, np.integer)) or releases < 0:
        raise ValueError(f"releases is {releases!r}; give a whole number of zero or more")
    made: list[Event] = [Encode(_NEUTRAL, at=0.0, strength=strength)]
    made += [Release(modulator, at=index * spacing, dose=dose) for index in range(releases)]
    reminder = Reactivate(_NEUTRAL, at=memory_age, cue=cue, prediction_error=prediction_error, duration=duration)
    test = Test(_NEUTRAL, at=memory_age + test_delay)

    def sessions(delay: float) -> tuple[Protocol, ...]:
        _check_before_test("delay", delay, test_delay)
        onset = memory_age + delay
        block = Intervene("protein_synthesis_inhibitor", on=onset, off=onset + inhibition)
        conditions: tuple[list[Event], ...] = ([reminder, block], [reminder], [block])
        return tuple(Protocol(*made, *events, test) for events in conditions)

    table = _run(model, "delay", times, sessions, ("strength", "baseline", "unreactivated"))
    table["loss"] = 1 - table.strength / table.baseline.where(table.baseline != 0)
    return table


def _enhancement(model: ConsolidationModel, name: str, x: np.ndarray, **session: Any) -> pandas.DataFrame:
    conditions = ("strength", "baseline")
    _check_numbers(**{key: value for key, value in session.items() if key not in ("modulator", "proactive")})
    table = _run(model, name, x, lambda value: _sessions(**{**session, name: value}), conditions)
    table["enhancement"] = table.strength - table.baseline
    return table


def _sessions(
    *,
    interval: float,
    relatedness: float,
    strength: float,
    emotional_strength: float,
    dose: float,
    modulator: str,
    test_delay: float,
    proactive: bool = False,
) -> tuple[Protocol, Protocol]:
    """The session with the emotional event, and its control, alike in every time."""
    if not proactive:
        _check_before_test("interval", interval, test_delay)
    neutral_at, emotional_at = (interval, 0.0) if proactive else (0.0, interval)
    neutral = Encode(_NEUTRAL, at=neutral_at, strength=strength)
    test = Test(_NEUTRAL, at=neutral_at + test_delay)

    def session(event_strength: float, *released: Event) -> Protocol:
        emotional: list[Event] = [Encode(_EMOTIONAL, at=emotional_at, strength=event_strength), *released]
        events = [*emotional, neutral] if proactive else [neutral, *emotional]
        return Protocol(*events, test, relatedness={(_NEUTRAL, _EMOTIONAL): relatedness})

    return session(emotional_strength, Release(modulator, at=emotional_at, dose=dose)), session(0.0)


def _run(
    model: ConsolidationModel,
    name: str,
    values: np.ndarray,
    sessions: Callable[[float], tuple[Protocol, ...]],
    conditions: tuple[str, ...],
) -> pandas.DataFrame:
    """All sessions of all values in one batch: a row per value, a column per condition."""
    if not isinstance(model, ConsolidationModel):
        raise TypeError(f"{model!r} is not a model; pass an instance such as ThresholdCapture()")
    batch = model.batch(session for value in values.tolist() for session in sessions(value))
    strengths = model.strengths(batch).reshape(len(values), len(conditions))
    table = pandas.DataFrame(strengths, columns=list(conditions))
    table.insert(0, name, values)
    return table


def _checked(name: str, given: Values | None, default: np.ndarray, high: float = math.inf) -> np.ndarray:
    """The given values, or the default, as a one-dimensional array of finite numbers from 0 to ``high``."""
    if given is None:
        return default
    rule = "give numbers between 0 and 1" if high == 1 else "give finite numbers of zero or more"
    try:
        raw = np.atleast_1d(np.asarray(given))
    except ValueError:  # lists of unlike lengths
        raise ValueError(f"{name} is {given!r}, which are not numbers; {rule}") from None
    if raw.dtype.kind not in "iuf":  # numbers as text, truth values and complex numbers are mistakes here
        raise ValueError(f"{name} is {given!r}, which are not numbers; {rule}")
    values = raw.astype(float)
    if values.ndim != 1 or not len(values):
        raise ValueError(f"{name} has the shape {values.shape}; give a list of at least one number")
    wrong = ~(np.isfinite(values) & (values >= 0) & (values <= high))
    if wrong.any():
        index = int(np.argmax(wrong))
        raise ValueError(f"{name}[{index}] is {values[index]:g}; {rule}")
    return values


def _check_numbers(**given: Any) -> None:
    for name, value in given.items():
        if isinstance(value, bool) or not isinstance(value, numbers.Real):
            unit = " of seconds, such as 30 * minute" if name in _TIMES else ""
            raise ValueError(f"{name} is {value!r}; give a number{unit}")


def _check_before_test(name: str, time: float, test_delay: float) -> None:
    if time >= test_delay:
        raise ValueError(
            f"the {name} of {time:g} s is not before the test at {test_delay:g} s, and what comes after the "
            f"test changes nothing; keep every {name} below test_delay or test later"
        )
