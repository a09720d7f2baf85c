"""Slope of the field excitatory postsynaptic potential (fEPSP), percent of baseline.

    slope = 100 (1 + s·S),   mean over n slices ~ N(slope, sd²/n)

With ``weight_early = weight_late = 1`` the strength of a trace is S = (w − h_0)/h_0, the change of the total
synaptic weight w = h + h_0 z relative to its resting value h_0 in Luboeinski & Tetzlaff (2021),
doi:10.1038/s42003-021-01778-y; s = 1 then reads the slope as proportional to the total weight.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from numpy.typing import ArrayLike, NDArray

from ..parameter import parameter
from .mean_with_error import MeanWithError
from .observations import check_strength


@dataclass(frozen=True, kw_only=True)
class FieldPotential(MeanWithError):
    """fEPSP slope in percent of baseline.

    Examples
    --------
    >>> from engram.recall import FieldPotential
    >>> FieldPotential().slope([-0.25, 0.0, 0.5])
    array([ 75., 100., 150.])
    """

    kind: ClassVar[str] = "field_potential"
    score_names: ClassVar[tuple[str, ...]] = ("slope",)
    unit: ClassVar[str] = "%"

    scale: float = parameter(
        1.0, unit="1", bounds=(0.0, 10.0), symbol="s", verified=False,
        source="assumed: slope proportional to total synaptic weight",
        description="change of slope, relative to baseline, for a strength of 1",
    )  # fmt: skip
    sd: float = parameter(
        15.0, unit="%", bounds=(0.1, 200.0), symbol="sd", source="assumed", verified=False,
        description="standard deviation of the slope across slices",
    )  # fmt: skip

    def slope(self, strength: ArrayLike) -> NDArray[Any]:
        """Expected slope in percent of baseline, of the shape of strength (finite; else ``ValueError``)."""
        return 100.0 * (1.0 + self.scale * check_strength(strength))

    def predict(self, strength: ArrayLike) -> NDArray[Any]:
        """The same as ``slope``."""
        return self.slope(strength)
