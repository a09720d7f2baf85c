"""Conditioned freezing, percent of the test time, between a floor and a ceiling.

    F = floor + (ceiling − floor) Φ(aS − θ),   mean over n animals ~ N(F, sd²/n)

Floor is freezing without the memory, ceiling the most that animals freeze. The form is an assumption of ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..parameter import parameter
from .mean_with_error import MeanWithError
from .normal import cumulative
from .observations import check_strength


@dataclass(frozen=True, kw_only=True)
class Freezing(MeanWithError):
    """Percent of time spent freezing.

    Examples
    --------
    >>> from engram.recall import Freezing
    >>> Freezing(floor=5.0, ceiling=75.0).percent([-1.0, 0.375, 2.0]).round(1)
    array([ 5., 40., 75.])
    """

    kind: ClassVar[str] = "freezing"
    score_names: ClassVar[tuple[str, ...]] = ("freezing",)
    unit: ClassVar[str] = "%"

    floor: float = parameter(
        5.0, unit="%", bounds=(0.0, 100.0), symbol="F_0", source="assumed", verified=False,
        description="freezing without the memory",
    )  # fmt: skip
    ceiling: float = parameter(
        75.0, unit="%", bounds=(0.0, 100.0), symbol="F_1", source="assumed", verified=False,
        description="freezing with the strongest memory",
    )  # fmt: skip
    sensitivity: float = parameter(
        4.0, unit="1", bounds=(0.0, 50.0), symbol="a", source="assumed", verified=False,
        description="evidence from a memory of strength 1",
    )  # fmt: skip
    threshold: float = parameter(
        1.5, unit="1", bounds=(-10.0, 30.0), symbol="θ", source="assumed", verified=False,
        description="evidence at which freezing is half way between floor and ceiling",
    )  # fmt: skip
    sd: float = parameter(
        15.0, unit="%", bounds=(0.1, 100.0), symbol="sd", source="assumed", verified=False,
        description="standard deviation of freezing across animals",
    )  # fmt: skip

    def __post_init__(self) -> None:
        super().__post_init__()
        if np.real(self.floor) >= np.real(self.ceiling):
            raise ValueError(
                f"Freezing has the floor {self.floor:g} % and the ceiling {self.ceiling:g} %; "
                f"the floor must lie below the ceiling"
            )

    def percent(self, strength: ArrayLike) -> NDArray[Any]:
        """Expected freezing in percent, of the shape of strength (finite; else ``ValueError``)."""
        evidence = self.sensitivity * check_strength(strength) - self.threshold
        return self.floor + (self.ceiling - self.floor) * cumulative(evidence)

    def predict(self, strength: ArrayLike) -> NDArray[Any]:
        """The same as ``percent``."""
        return self.percent(strength)
