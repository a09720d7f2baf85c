"""Fused multiply–add for kernels: ``fma(a, b, c)`` is a b + c, rounded once, on every machine alike.

Nothing is reordered or approximated, as `fastmath` would: the compiler is told exactly which operation is meant.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numba
import numpy as np
from numba.core import types
from numba.extending import intrinsic


def _plain(a: Any, b: Any, c: Any) -> Any:
    """The same in Python, for ``NUMBA_DISABLE_JIT=1``: exact, then rounded (in float32 by way of float64); slow."""
    kind = np.result_type(a, b, c).type
    if not (np.isfinite(a) and np.isfinite(b) and np.isfinite(c)):
        return kind(a * b + c)
    return kind(float(Fraction(float(a)) * Fraction(float(b)) + Fraction(float(c))))


@intrinsic
def _compiled(typingctx: Any, a: Any, b: Any, c: Any) -> Any:
    """a b + c of three floats of one type, for use in kernels only."""
    if not (isinstance(a, types.Float) and a == b == c):
        return None

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.fma(*arguments)

    return a(a, b, c), emit


fma = _plain if numba.config.DISABLE_JIT else _compiled
