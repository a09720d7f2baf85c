"""What blocking protein synthesis does to a strong memory that is reactivated, by the delay of the block."""

from __future__ import annotations

import numpy as np
import pandas

from ..consolidation.model import ConsolidationModel
from ..protocol import Encode, Event, Intervene, Protocol, Reactivate, Release, Test
from ..units import day, hour, minute
from .conditions import Values, check_before_test, check_numbers, checked, run

_MEMORY = "neutral"


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
    times = checked("delays", delays, np.arange(0, 8 * hour + 1, 10 * minute))
    check_numbers(
        memory_age=memory_age, inhibition=inhibition, strength=strength, spacing=spacing, dose=dose, cue=cue,
        prediction_error=prediction_error, duration=duration, test_delay=test_delay,
    )  # fmt: skip
    if isinstance(releases, bool) or not isinstance(releases, (int, np.integer)) or releases < 0:
        raise ValueError(f"releases is {releases!r}; give a whole number of zero or more")
    made: list[Event] = [Encode(_MEMORY, at=0.0, strength=strength)]
    made += [Release(modulator, at=index * spacing, dose=dose) for index in range(releases)]
    reminder = Reactivate(_MEMORY, at=memory_age, cue=cue, prediction_error=prediction_error, duration=duration)
    test = Test(_MEMORY, at=memory_age + test_delay)

    def sessions(delay: float) -> tuple[Protocol, ...]:
        check_before_test("delay", delay, test_delay)
        onset = memory_age + delay
        block = Intervene("protein_synthesis_inhibitor", on=onset, off=onset + inhibition)
        conditions: tuple[list[Event], ...] = ([reminder, block], [reminder], [block])
        return tuple(Protocol(*made, *events, test) for events in conditions)

    table = run(model, "delay", times, sessions, ("strength", "baseline", "unreactivated"))
    table["loss"] = 1 - table.strength / table.baseline.where(table.baseline != 0)
    return table
