"""Old/new recognition with confidence on a four-point scale: signal detection with ordered criteria.

The equations are in :mod:`engram.recall.ordered_scale`. Effects of emotion on recognition often live in
high-confidence responses alone, so every level is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..parameter import parameter
from .ordered_scale import OrderedScale


@dataclass(frozen=True, kw_only=True)
class OrderedConfidence(OrderedScale):
    """Recognition on the scale definitely old, maybe old, maybe new, definitely new.

    ``sd_old = 1`` is the equal-variance model; item recognition usually needs about 1.25, lures having 0.8 of
    the spread of old items (Ratcliff, Sheu & Gronlund 1992, doi:10.1037/0033-295X.99.3.518; review: Wixted
    2007, doi:10.1037/0033-295X.114.1.152).

    Examples
    --------
    >>> from engram.recall import OrderedConfidence
    >>> response = OrderedConfidence()
    >>> response.probabilities(0.5).round(3)
    array([0.618, 0.223, 0.123, 0.036])
    >>> float(response.corrected_recognition(0.5, level="definitely").round(3))
    0.503
    >>> float(response.d_prime(0.5))
    1.5
    """

    kind: ClassVar[str] = "confidence"
    outcomes: ClassVar[tuple[str, ...]] = ("definitely old", "maybe old", "maybe new", "definitely new")
    old_levels: ClassVar[tuple[str, ...]] = ("definitely", "maybe")
    score_names: ClassVar[tuple[str, ...]] = (
        "hit_definitely", "hit_maybe", "false_alarm_definitely", "false_alarm_maybe",
        "corrected_definitely", "corrected_maybe", "d_prime",
    )  # fmt: skip

    criterion_definitely_old: float = parameter(
        1.2, unit="1", bounds=(-10.0, 20.0), symbol="c_1", source="assumed", verified=False,
        description="evidence above which an item is called definitely old",
    )  # fmt: skip
    gap_maybe_old: float = parameter(
        0.7, unit="1", bounds=(1e-3, 10.0), symbol="c_1 − c_2", source="assumed", verified=False,
        description="from the definitely-old criterion down to the criterion between old and new",
    )  # fmt: skip
    gap_maybe_new: float = parameter(
        0.8, unit="1", bounds=(1e-3, 10.0), symbol="c_2 − c_3", source="assumed", verified=False,
        description="from the criterion between old and new down to the definitely-new criterion",
    )  # fmt: skip
