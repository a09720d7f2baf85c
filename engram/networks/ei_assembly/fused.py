"""Fused multiply–add for kernels: ``fma(a, b, c)`` is a b + c, rounded once, on every machine alike.

Nothing is reordered or approximated, as `fastmath` would: the compiler is told exactly which operation is meant.
"""

from __future__ import annotations

from typing import Any

from numba.core import types
from numba.extending import intrinsic


@intrinsic
def fma(typingctx: Any, a: Any, b: Any, c: Any) -> Any:
    """a b + c of three floats of one type, for use in kernels only."""
    if not (isinstance(a, types.Float) and a == b == c):
        return None

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.fma(*arguments)

    return a(a, b, c), emit
