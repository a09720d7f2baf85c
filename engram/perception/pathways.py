"""One protocol, two pathways: the memory traces of EVC and IPS, and what is passed between them.

A protocol speaks of one trained stimulus. Each pathway holds a trace of it, run by the consolidation model's own
kernels: an Encode (a practice session) acts on the EVC trace in full and on the IPS trace by a share; a Reactivate is
shared out, cue·(1 − ρ) to EVC and cue·ρ to IPS, where the top-down share moves with the excitation–inhibition shift E
of a stimulation that is on,

    ρ = logistic(logit ρ_0 + γ E)

Releases, antagonists, synthesis inhibitors and sleep act on both. The late strength of the IPS trace, z (with its
labile part), is handed on to EVC by systems transfer,

    τ_x ẋ = z − x,    x(t + h) = z(t+h) − sτ_x + (x(t) − z(t) + sτ_x) e^{−h/τ_x}    where z has the slope s

z is read at knots that stand close after each event and wide apart later, and taken as linear between them; x is then
exact. Against reads every two minutes this cost at most 5e-5 in x in 120 designs.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from ..consolidation.batch import Batch
from ..consolidation.model import ConsolidationModel
from ..consolidation.state import LABILE, LATE, STRENGTH
from ..protocol import Encode, Event, Extinguish, Intervene, Protocol, ProtocolError, Reactivate, Test, begins
from ..units import minute

PATHWAYS = ("EVC", "IPS")
# s after an event at which z is read, and just before the next
_KNOTS = np.array([0, 10, 20, 30, 45, 60, 80, 100, 120, 150, 180, 240, 300, 360, 540, 720, 1440]) * minute
_BEFORE = 1e-3


class Course(NamedTuple):
    """What the two pathways hold at each time asked for, (times,) each, dimensionless."""

    evc: np.ndarray  # strength of the trained stimulus' trace in EVC
    ips: np.ndarray  # the same in IPS
    transferred: np.ndarray  # x, what EVC has taken over from IPS


class _Layout(NamedTuple):
    batch: Batch
    rows: np.ndarray  # (knots, pathways) output rows
    knots: np.ndarray  # (knots,) s
    asked: np.ndarray  # (times,) index among the knots
    encoded: np.ndarray  # timeline rows of IPS encodings
    reactivated: np.ndarray  # (reactivations, pathways) timeline rows
    shift: np.ndarray  # (reactivations,) excitation-inhibition shift present


def trained_stimulus(protocol: Protocol) -> str | None:
    """Name of the one trace of a protocol, or None where there is none.

    Raises
    ------
    ProtocolError
        More than one trace.
    """
    if not isinstance(protocol, Protocol):
        raise TypeError(f"{protocol!r} is not a Protocol; write Protocol(Encode('trained', ...), ..., Test(...))")
    if len(protocol.traces) > 1:
        raise ProtocolError(
            f"the protocol trains {', '.join(protocol.traces)}; visual learning takes one trained stimulus, and reads "
            "others through their offset from it"
        )
    return protocol.traces[0] if protocol.traces else None


def course(
    consolidation: ConsolidationModel,
    protocol: Protocol,
    times: tuple[float, ...],
    *,
    practice_share: float,
    top_down: float,
    stimulation_shift: float,
    transfer_time: float,
) -> Course:
    """Run both pathways and the transfer between them; each read sees all events at its time.

    Parameters
    ----------
    times : tuple of float
        Seconds, on the protocol's clock, in any order.
    practice_share, top_down : float
        Share of an encoding that reaches IPS, and ρ_0.
    stimulation_shift : float
        γ, change of the log-odds of ρ per unit of stimulation.
    transfer_time : float
        τ_x (s).

    Raises
    ------
    ProtocolError
        More than one trained stimulus.
    ValueError
        A time that is negative or not finite.
    """
    trained_stimulus(protocol)
    for time in times:
        if not 0 <= time < math.inf:
            raise ValueError(f"cannot read at {time!r}; give times of zero or more seconds, such as 14 * day")
    if not protocol.traces:
        nothing = np.zeros(len(times))
        return Course(nothing, nothing.copy(), nothing.copy())
    layout = _layout(protocol.events, times, consolidation.neuromodulators)
    value = layout.batch.timeline.value.copy()
    value[layout.encoded, 0] *= practice_share
    share = _top_down_share(top_down, stimulation_shift * layout.shift)
    value[layout.reactivated[:, 0], 0] *= 1 - share
    value[layout.reactivated[:, 1], 0] *= share
    batch = layout.batch.with_timeline(layout.batch.timeline._replace(value=value))
    states = consolidation.simulate(batch)[layout.rows]
    late = states[:, 1, LATE] + states[:, 1, LABILE]
    transferred = transfer(layout.knots, late, transfer_time)
    strength = states[layout.asked][:, :, STRENGTH]
    return Course(strength[:, 0], strength[:, 1], transferred[layout.asked])


def transfer(times: np.ndarray, source: np.ndarray, transfer_time: float) -> np.ndarray:
    """x of τ_x ẋ = z − x from 0 at the first time, exact for a source z (times,) that is linear between times (s)."""
    span = np.diff(times)
    lag = np.diff(source) / np.where(span > 0, span, 1.0) * transfer_time
    kept = np.exp(-span / transfer_time)
    ahead = (source[1:] - lag).tolist()
    behind = (source[:-1] - lag).tolist()
    x = [0.0]
    for end, begin, share in zip(ahead, behind, kept.tolist(), strict=True):
        x.append(end + (x[-1] - begin) * share)
    return np.array(x)


def _top_down_share(top_down: float, log_odds: np.ndarray) -> np.ndarray:
    if top_down in (0.0, 1.0):  # no stimulation moves what is all or nothing
        return np.full(len(log_odds), top_down)
    return 1 / (1 + (1 - top_down) / top_down * np.exp(-log_odds))


@lru_cache(maxsize=256)
def _layout(events: tuple[Event, ...], times: tuple[float, ...], modulators: tuple[object, ...]) -> _Layout:
    """The protocol of both pathways laid out, with whole cues: a fit changes the shares and not the layout."""
    pathway_events: list[Event] = []
    shift = []
    for event in events:
        if isinstance(event, Encode):
            pathway_events += [Encode(name, at=event.at, strength=event.strength) for name in PATHWAYS]
        elif isinstance(event, Reactivate):
            rest = dict(
                at=event.at, cue=event.cue, prediction_error=event.prediction_error, duration=event.duration
            )  # fmt: skip
            pathway_events += [Reactivate(name, **rest) for name in PATHWAYS]
            shift.append(_shift_at(events, event.at))
        elif isinstance(event, Extinguish):
            pathway_events += [Extinguish(name, at=event.at, strength=event.strength) for name in PATHWAYS]
        elif isinstance(event, Test):
            if event.reactivates:
                raise ProtocolError(
                    f"{event}: a visual test that reactivates has no top-down share; add a Reactivate at its time"
                )
            pathway_events += [Test(name, at=event.at) for name in PATHWAYS]
        else:
            pathway_events.append(event)
    protocol = Protocol(*pathway_events)
    knots = _knots(events, times)
    batch = Batch([protocol], modulators, reads=knots.tolist())  # type: ignore[arg-type]
    tests = set(batch.tests.tolist())
    rows = np.array([row for row in range(len(batch.rows)) if row not in tests]).reshape(len(knots), len(PATHWAYS))
    index = batch.event_index[0]
    encoded = [index[k] for k, e in enumerate(protocol.events) if isinstance(e, Encode) and e.trace == "IPS"]
    reactivated = [index[k] for k, e in enumerate(protocol.events) if isinstance(e, Reactivate)]
    return _Layout(
        batch, rows, knots, np.searchsorted(knots, times), np.array(encoded, dtype=np.intp),
        np.array(reactivated, dtype=np.intp).reshape(-1, len(PATHWAYS)), np.array(shift),
    )  # fmt: skip


def _shift_at(events: tuple[Event, ...], at: float) -> float:
    """Sum of the stimulation that is on at a time: from its onset on, up to its end."""
    return sum(
        float(event.dose)
        for event in events
        if isinstance(event, Intervene) and event.agent == "tdcs" and event.on <= at < event.off
    )


def _knots(events: tuple[Event, ...], times: tuple[float, ...]) -> np.ndarray:
    """When z is read: after every event that can change it, until the next, and at the times asked for."""
    starts = np.unique([begins(event) for event in events if not isinstance(event, Test)])
    after = starts[:, None] + _KNOTS
    ends = np.append(starts[1:], math.inf)[:, None]
    before = starts[1:] - np.minimum(_BEFORE, np.diff(starts) / 2)
    return np.unique(np.concatenate([after[after < ends], before, np.asarray(times, float)]))
