"""Arrays in a named tuple without reference counts, for loops that call kernels millions of times.

numba counts references to every array of a tuple that a kernel hands on: for the state of a network that is most of
the time of an event. Within one compiled call the caller holds all arrays, so that nothing need be counted.
"""

from __future__ import annotations

from typing import Any

from numba.core import types
from numba.extending import intrinsic


@intrinsic
def borrowed(typing_context: Any, tuple_: Any) -> Any:
    """The same named tuple, its arrays uncounted; it must not outlive the call it is made in."""

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
