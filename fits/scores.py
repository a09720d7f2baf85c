"""The values that a score can take: proportions lie between 0 and 1, percentages between 0 and 100."""

from __future__ import annotations

import math

_PROPORTION = (0.0, 1.0)

#: Lowest and highest value of every score of the responses of :mod:`engram.recall` and :mod:`fits.visual_response`.
SCORE_RANGES: dict[str, tuple[float, float]] = {
    "correct": _PROPORTION,
    "correct_high": _PROPORTION,
    "correct_low": _PROPORTION,
    "high": _PROPORTION,
    "hit_definitely": _PROPORTION,
    "hit_maybe": _PROPORTION,
    "false_alarm_definitely": _PROPORTION,
    "false_alarm_maybe": _PROPORTION,
    "corrected_definitely": (-1.0, 1.0),
    "corrected_maybe": (-1.0, 1.0),
    "d_prime": (-math.inf, math.inf),
    "recalled": _PROPORTION,
    "freezing": (0.0, 100.0),
    "slope": (0.0, math.inf),
    "threshold": (0.0, math.inf),
    "percent_gain": (-math.inf, 100.0),
    **dict.fromkeys(("log_gain", "scaled_gain", "standardised_gain", "generalisation"), (-math.inf, math.inf)),
    **dict.fromkeys(("evc_discriminability", "ips_discriminability"), (-math.inf, math.inf)),
}
PERCENTAGES = ("freezing", "slope", "percent_gain")
#: Scores of which 0 means no memory, or nothing learned, so that a single one may be tested against 0.
FROM_ZERO = ("corrected_definitely", "corrected_maybe", "d_prime", "log_gain", "percent_gain", "scaled_gain",
             "standardised_gain", "generalisation", "evc_discriminability", "ips_discriminability")  # fmt: skip


def is_probability(score: str) -> bool:
    return SCORE_RANGES.get(score) == _PROPORTION


def score_range(score: str) -> tuple[float, float]:
    """Lowest and highest value of a score; unlimited where nothing is known of it."""
    return SCORE_RANGES.get(score, (-math.inf, math.inf))
