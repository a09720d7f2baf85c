"""How processor time grows with the number of events and traces: proportional to events times related traces.

- *events*: encodings in turn of 10 unrelated traces, one a minute;
- *events with releases*: every tenth of them is a release of dopamine;
- *traces in categories*: traces in categories of 10, each encoded once, then a release and one test;
- *category size*: 2000 traces in categories of 1, 10 and 100: an encoding concerns the whole category;
- *traces x releases*: every trace encoded once, then releases an hour apart, then every trace is tested. A release
  concerns every trace, so this is one unit of work for each trace and release.

A slope is that of log time against log size; 1 is proportional.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np

from engram import Batch, Encode, Protocol, Release, Test, ThresholdCapture, hour, minute
from engram.protocol import Event

from .measurement import Measurement, processor_time

MODEL = ThresholdCapture()
SIZES = (100, 316, 1000, 3162, 10_000)
QUICK_SIZES = (100, 1000)
TRACES = 10
IN_CATEGORY = 10
OF_SIZES = 2000


def many_events(number: int) -> Protocol:
    """Encodings in turn of a few unrelated traces."""
    return Protocol(*(encoded(index) for index in range(number)))


def many_events_with_releases(number: int) -> Protocol:
    """The same, with every tenth event a release."""
    releases = (index % 10 == 9 for index in range(number))
    return Protocol(
        *(
            Release("dopamine", at=index * minute, dose=0.1) if release else encoded(index)
            for index, release in enumerate(releases)
        )
    )


def encoded(index: int) -> Event:
    """One of the encodings in turn."""
    return Encode(f"trace {index // 7 % TRACES}", at=index * minute, strength=0.2 + 0.5 * (index % 5) / 5)


def many_traces(number: int, size: int = IN_CATEGORY) -> Protocol:
    """Every trace encoded once, in categories of equal size, then a release and one test."""
    names = [f"trace {index}" for index in range(number)]
    events: list[Event] = [Encode(name, at=float(index), strength=0.4) for index, name in enumerate(names)]
    return Protocol(
        *events,
        Release("dopamine", at=number + 5 * minute),
        Test(names[-1], at=number + 24 * hour),
        categories={name: f"category {index // size}" for index, name in enumerate(names)},
        within_category=0.3,
    )


def traces_and_releases(traces: int, releases: int) -> Protocol:
    """Every trace encoded once, releases an hour apart, every trace tested."""
    names = [f"trace {index}" for index in range(traces)]
    end = (releases + 24) * hour
    return Protocol(
        *(Encode(name, at=0, strength=0.4) for name in names),
        *(Release("dopamine", at=(index + 1) * hour) for index in range(releases)),
        *(Test(name, at=end) for name in names),
    )


def time_of(protocol: Protocol, repeats: int) -> float:
    """Processor time (s) of one protocol."""
    batch = Batch([protocol])
    return processor_time(lambda: MODEL.simulate(batch), repeats)


def grown(name: str, of_size: Callable[[int], Protocol], sizes: tuple[int, ...], repeats: int) -> Iterator[Measurement]:
    """Time per event at the smallest and largest size, and the slope over all."""
    times = [time_of(of_size(size), repeats) for size in sizes]
    for size, taken in ((sizes[0], times[0]), (sizes[-1], times[-1])):
        yield Measurement("scaling", f"{name}, {size}", taken / size * 1e6, "us/event")
    slope = float(np.polyfit(np.log(sizes), np.log(times), 1)[0])
    yield Measurement("scaling", f"{name}, slope", slope, "log/log", "<= 1.1")


def measure(quick: bool = False) -> Iterator[Measurement]:
    """Time growing protocols."""
    sizes, repeats = (QUICK_SIZES, 3) if quick else (SIZES, 7)
    yield from grown("events", many_events, sizes, repeats)
    yield from grown("events with releases", many_events_with_releases, sizes, repeats)
    yield from grown("traces in categories", many_traces, sizes, repeats)
    for size in (1, 10, 100):
        taken = time_of(many_traces(OF_SIZES, size), repeats)
        name = f"category size {size}"
        yield Measurement("scaling", name, taken / OF_SIZES * 1e6, "us/event")
        yield Measurement("scaling", f"{name}, per related trace", taken / OF_SIZES / size * 1e6, "us/event/trace")
    for number in (math.isqrt(sizes[0]), math.isqrt(sizes[-1])):
        taken = time_of(traces_and_releases(number, number), repeats)
        quantity = f"traces x releases, {number} x {number}"
        yield Measurement("scaling", quantity, taken / number**2 * 1e6, "us/trace/release")
