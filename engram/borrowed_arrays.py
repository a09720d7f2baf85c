"""Arrays in a tuple without reference counts, for loops that call kernels millions of times.

numba counts references to every array that a kernel hands on, one by one or in a tuple: for the state of a network that
is most of the time of an event. Within one compiled call the caller holds all arrays, so that nothing need be counted.
"""

from __future__ import annotations

from typing import Any

import numba
from numba.core import types
from numba.extending import intrinsic


@intrinsic
def _compiled(typing_context: Any, tuple_: Any) -> Any:
    """The same tuple, its arrays uncounted; it must not outlive the call it is made in."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        (kind,) = signature.args
        value = arguments[0]
        for position, element in enumerate(kind.types):
            if isinstance(element, types.Array):
                array = context.make_array(element)(context, builder, builder.extract_value(value, position))
                array.meminfo = array.meminfo.type(None)
                array.parent = array.parent.type(None)
                value = builder.insert_value(value, array._getvalue(), position)
        return value

    return tuple_(tuple_), generate


def _plain(tuple_: Any) -> Any:
    """The same in Python, for ``NUMBA_DISABLE_JIT=1``."""
    return tuple_


borrowed = _plain if numba.config.DISABLE_JIT else _compiled
