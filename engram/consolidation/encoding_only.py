"""The rival without capture: modulators act at encoding, and nothing is added to a memory later.

    τ_e ė = −e,    ż = 0

An Encode moves e by f = 1 − (1 − |s|)^(1 + gain) and leaves the durable part ``durable_fraction·f`` in z; a Release
changes only the gain of what is encoded while the ligand is present; a Reactivate only moves e.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from .._jit import kernel
from .event_loop import bind
from .model import ConsolidationModel, kernel_parameters
from .state import OK


@dataclass(frozen=True, kw_only=True)
class EncodingOnly(ConsolidationModel):
    """Modulators act at encoding only; what lasts is the durable part laid down then (module docstring)."""

    label: ClassVar[str] = "encoding only"
    biology: ClassVar[tuple[str, ...]] = ("tau_early",)

    @property
    def _kernel(self) -> Callable[..., Any]:
        return simulate

    def _kernel_parameters(self) -> Any:
        return EncodingOnlyParameters(*self._values(EncodingOnlyParameters))


EncodingOnlyParameters = kernel_parameters("EncodingOnlyParameters", EncodingOnly, __name__)


@kernel
def prepare(parameters: Any, span: float, constant: Any, blocked: bool, sources: Any, leap: Any) -> None:
    """Nothing to prepare."""


@kernel
def capture(
    parameters: Any,
    traces: Any,
    synapses: Any,
    trace: int,
    span: float,
    constant: Any,
    blocked: bool,
    sources: Any,
    leap: Any,
) -> int:
    """Nothing is captured: proteins, late and labile strength stay as they are."""
    return OK


@kernel
def tag_of(parameters: Any, early: Any, tag: Any) -> Any:
    return 0.0


simulate = bind("encoding_only", prepare, capture, tag_of)
