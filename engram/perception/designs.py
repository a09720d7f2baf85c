"""Training designs as protocols: days of reactivation after one encoding session, or days of full practice.

The clock starts with the pretest: a read at time 0 finds nothing learned. The first session, in which the stimulus is
encoded, is at ``FIRST``; the others follow at the spacing.
"""

from __future__ import annotations

import math

from ..protocol import Encode, Event, Intervene, Protocol, Reactivate, Release
from ..units import day, hour, minute
from .checks import check_count, check_number

#: Time (s) of the first session, after the pretest at 0.
FIRST = 1 * hour
_STIMULATION = 20 * minute


def session_cue(cue: float, trials: int) -> float:
    """Cue of a session of trials that move the trace one after the other, each by ``cue``: 1 − (1 − cue)^trials.

    >>> round(session_cue(0.25, 5), 3)
    0.763
    """
    check_number("cue", cue, 0, 1)
    check_count("trials", trials)
    return float(1 - (1 - cue) ** trials)


def reactivation(
    sessions: int = 8,
    *,
    trials: int = 5,
    spacing: float = 1 * day,
    encoding: float = 0.5,
    cue: float = 0.25,
    prediction_error: float = 0.5,
    trial_duration: float = 4.0,
    stimulation: float = 0.0,
    modulator: str = "dopamine",
    dose: float = 0.0,
    blocked_after: float | None = None,
    blocked_for: float = 6 * hour,
) -> Protocol:
    """One encoding session, then sessions of a few reactivation trials; a session is one Reactivate.

    Parameters
    ----------
    sessions : int
        Reactivation sessions; 0 leaves the encoding session alone. The defaults are the schedule of Song et al. 2026
        (eight daily sessions of five trials); encoding, cue, prediction error and duration are assumed.
    trials : int
        Trials of each session.
    spacing : float
        Time (s) between sessions, also from the encoding to the first reactivation.
    encoding : float
        Strength of the encoding session, −1 to 1.
    cue, prediction_error, trial_duration : float
        Of each trial: completeness and surprise, 0 to 1, and duration (s).
    stimulation : float
        Excitation-inhibition shift (tdcs) for 20 min around each reactivation session; 0 is sham.
    modulator, dose
        What is released at each reactivation session; nothing at dose 0.
    blocked_after, blocked_for : float
        Onset (s) after each reactivation, and duration (s), of a block of protein synthesis; None for no block.

    Raises
    ------
    ValueError
        A number outside its range, or a block that lasts into the next session's block.
    """
    check_count("sessions", sessions)
    check_number("spacing", spacing, 1, math.inf)
    check_number("dose", dose, 0, math.inf)
    if blocked_after is not None:
        check_number("blocked_after", blocked_after, 0, math.inf)
        check_number("blocked_for", blocked_for, 0, math.inf)
        if sessions > 1 and blocked_for > spacing:
            raise ValueError(
                f"blocked_for is {blocked_for:g} s, and spacing {spacing:g} s: a block would last into the next "
                "session's block; give a shorter block or a wider spacing"
            )
    total = session_cue(cue, trials)
    events: list[Event] = [Encode("trained", at=FIRST, strength=encoding)]
    for number in range(1, sessions + 1):
        at = FIRST + number * spacing
        if stimulation:
            events.append(_stimulated(at, stimulation))
        events.append(
            Reactivate("trained", at=at, cue=total, prediction_error=prediction_error, duration=trials * trial_duration)
        )
        if dose:
            events.append(Release(modulator, at=at, dose=dose))
        if blocked_after is not None:
            onset = at + blocked_after
            events.append(Intervene("protein_synthesis_inhibitor", on=onset, off=onset + blocked_for))
    return Protocol(*events)


def practice(
    sessions: int = 5, *, spacing: float = 1 * day, strength: float = 0.5, stimulation: float = 0.0
) -> Protocol:
    """Sessions of full practice; a session is one Encode of ``strength``, with 20 min of stimulation around it."""
    check_count("sessions", sessions)
    check_number("spacing", spacing, 1, math.inf)
    events: list[Event] = []
    for number in range(sessions):
        at = FIRST + number * spacing
        if stimulation:
            events.append(_stimulated(at, stimulation))
        events.append(Encode("trained", at=at, strength=strength))
    return Protocol(*events)


def last_session(protocol: Protocol) -> float:
    """Time (s) of the last Encode or Reactivate; 0 where there is none."""
    if not isinstance(protocol, Protocol):
        raise TypeError(
            f"{protocol!r} is not a Protocol; call a design, such as designs.practice(), or write Protocol(...)"
        )
    return max((event.at for event in protocol.events if isinstance(event, (Encode, Reactivate))), default=0.0)


def _stimulated(at: float, shift: float) -> Intervene:
    return Intervene("tdcs", on=at - _STIMULATION / 2, off=at + _STIMULATION / 2, dose=shift)
