"""What an emotional event does to a neutral memory: by its time, its salience and its relatedness."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas

from ..consolidation.model import ConsolidationModel
from ..protocol import Encode, Event, Protocol, Release, Test
from ..units import hour, minute
from .conditions import Values, check_before_test, check_numbers, checked, run

_NEUTRAL, _EMOTIONAL = "neutral", "emotional"


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
    times = checked("intervals", intervals, np.arange(0, 3 * hour + 1, 5 * minute))
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
    times = checked("intervals", intervals, np.arange(0, 9 * hour + 1, 10 * minute))
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
    amounts = checked("doses", doses, np.linspace(0, 5, 51))
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
    shares = checked("relatednesses", relatednesses, np.linspace(0, 1, 51), high=1.0)
    return _enhancement(
        model, "relatedness", shares, interval=interval, strength=strength, dose=dose,
        emotional_strength=emotional_strength, modulator=modulator, test_delay=test_delay,
    )  # fmt: skip


def _enhancement(model: ConsolidationModel, name: str, x: np.ndarray, **session: Any) -> pandas.DataFrame:
    conditions = ("strength", "baseline")
    check_numbers(**{key: value for key, value in session.items() if key not in ("modulator", "proactive")})
    table = run(model, name, x, lambda value: _sessions(**{**session, name: value}), conditions)
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
        check_before_test("interval", interval, test_delay)
    neutral_at, emotional_at = (interval, 0.0) if proactive else (0.0, interval)
    neutral = Encode(_NEUTRAL, at=neutral_at, strength=strength)
    test = Test(_NEUTRAL, at=neutral_at + test_delay)

    def session(event_strength: float, *released: Event) -> Protocol:
        emotional: list[Event] = [Encode(_EMOTIONAL, at=emotional_at, strength=event_strength), *released]
        events = [*emotional, neutral] if proactive else [neutral, *emotional]
        return Protocol(*events, test, relatedness={(_NEUTRAL, _EMOTIONAL): relatedness})

    return session(emotional_strength, Release(modulator, at=emotional_at, dose=dose)), session(0.0)
