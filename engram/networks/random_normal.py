r"""Normal deviates as a pure function of (seed, stream, step, index): no state, so neither order nor threads matter.

Philox-4x32-10 (Salmon, Moraes, Dror & Shaw 2011, doi:10.1145/2063384.2063405) turns the counter (block, stream, step)
under the key `seed` into 128 random bits; each half makes two deviates (Box & Muller 1958,
doi:10.1214/aoms/1177706645): with u of 40 and v of 24 bits,

    r = sqrt(−2 ln u),   x, y = r cos(2πv), r sin(2πv)

u = (j + ½)/2^40, so deviates reach ±7.5 standard deviations; v is the middle of one of 2^24 angles. Index i is lane
i mod 4 of block i div 4. Logarithm, sine and cosine are series without a branch (relative error below 1e-11), so that
the compiler can work on several blocks at once; fused multiply-add is asked for by name and gives the same bits on
every machine.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic
from numpy.typing import NDArray

from .._jit import kernel

_U = np.uint64
_LOW = _U(0xFFFFFFFF)
_MULTIPLIER_0, _MULTIPLIER_1 = _U(0xD2511F53), _U(0xCD9E8D57)
_WEYL_0, _WEYL_1 = _U(0x9E3779B9), _U(0xBB67AE85)
_ROOT_HALF_BITS = np.int64(0x3FE6A09E667F3BCD)  # sqrt(1/2) as float64: the mantissa is taken from sqrt(1/2) to sqrt(2)
_MINUS_TWO_LN_2 = -2.0 * math.log(2.0)
_QUADRANT = 0.5 * math.pi / 2**22


@intrinsic
def _bits(typing_context: Any, x: Any) -> Any:
    """The 64 bits of a float as an integer."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.IntType(64))

    return types.int64(types.float64), generate


@intrinsic
def _float(typing_context: Any, x: Any) -> Any:
    """The float with these 64 bits."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.DoubleType())

    return types.float64(types.int64), generate


@intrinsic
def fused(typing_context: Any, a: Any, b: Any, c: Any) -> Any:
    """a·b + c, rounded once."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.fma(*arguments)

    return types.float64(types.float64, types.float64, types.float64), generate


@kernel
def philox(c0, c1, c2, c3, key_0, key_1):  # type: ignore[no-untyped-def]
    """Four random 32-bit words of a counter of four and a key of two (all uint64 below 2^32)."""
    c0, c2 = c0 & _LOW, c2 & _LOW
    for _ in range(10):
        product_0, product_1 = _MULTIPLIER_0 * c0, _MULTIPLIER_1 * c2
        c0, c1, c2, c3 = (
            (product_1 >> _U(32)) ^ c1 ^ key_0,
            product_1 & _LOW,
            (product_0 >> _U(32)) ^ c3 ^ key_1,
            product_0 & _LOW,
        )
        key_0, key_1 = (key_0 + _WEYL_0) & _LOW, (key_1 + _WEYL_1) & _LOW
    return c0, c1, c2, c3


@kernel
def _two_normals(a, b):  # type: ignore[no-untyped-def]
    """Two deviates from two 32-bit words."""
    x = np.float64(np.int64((a << _U(8)) | (b & _U(255)))) + 0.5
    bits = _bits(x)
    exponent = (bits - _ROOT_HALF_BITS) >> np.int64(52)
    mantissa = _float(bits - (exponent << np.int64(52)))
    s = (mantissa - 1.0) / (mantissa + 1.0)
    q = s * s
    series = fused(1.0 / 13.0, q, 1.0 / 11.0)
    series = fused(series, q, 1.0 / 9.0)
    series = fused(series, q, 1.0 / 7.0)
    series = fused(series, q, 1.0 / 5.0)
    series = fused(series, q, 1.0 / 3.0)
    series = fused(series, q, 1.0)
    r = math.sqrt(fused(np.float64(exponent - np.int64(40)), _MINUS_TWO_LN_2, -4.0 * s * series))
    angle = np.int64(b >> _U(8))
    h = (np.float64(angle & np.int64(0x3FFFFF)) - 2097151.5) * _QUADRANT  # within ±π/4
    q = h * h
    sine = fused(-1.0 / 39916800.0, q, 1.0 / 362880.0)
    sine = fused(sine, q, -1.0 / 5040.0)
    sine = fused(sine, q, 1.0 / 120.0)
    sine = fused(sine, q, -1.0 / 6.0)
    sine = fused(sine, q, 1.0) * h * r
    cosine = fused(1.0 / 479001600.0, q, -1.0 / 3628800.0)
    cosine = fused(cosine, q, 1.0 / 40320.0)
    cosine = fused(cosine, q, -1.0 / 720.0)
    cosine = fused(cosine, q, 1.0 / 24.0)
    cosine = fused(cosine, q, -0.5)
    cosine = fused(cosine, q, 1.0) * r
    # the other three quadrants: two bits change the sign of the cosine and exchange the two
    cosine = _float(_bits(cosine) ^ ((angle >> np.int64(22)) << np.int64(63)))
    kept = (angle >> np.int64(23)) == 0
    return (cosine if kept else sine), (sine if kept else cosine)


@kernel
def fill_normals(out, first_block, blocks, key_0, key_1, stream, step):  # type: ignore[no-untyped-def]
    """out[: 4·blocks] = the deviates of `blocks` blocks from `first_block` on."""
    counter_1, counter_2, counter_3 = _U(stream), _U(step) & _LOW, _U(step) >> _U(32)
    for block in range(blocks):
        a, b, c, d = philox(_U(first_block + block), counter_1, counter_2, counter_3, key_0, key_1)
        w, x = _two_normals(a, b)
        y, z = _two_normals(c, d)
        out[4 * block] = w
        out[4 * block + 1] = x
        out[4 * block + 2] = y
        out[4 * block + 3] = z


@kernel
def one_normal(index, key_0, key_1, stream, step):  # type: ignore[no-untyped-def]
    """The deviate of one index; the same bits as `fill_normals`."""
    a, b, c, d = philox(_U(index >> 2), _U(stream), _U(step) & _LOW, _U(step) >> _U(32), key_0, key_1)
    lane = index & 3
    x, y = _two_normals(a, b) if lane < 2 else _two_normals(c, d)
    return x if lane & 1 == 0 else y


@kernel
def normals_of(indices, count, out, key_0, key_1, stream, step):  # type: ignore[no-untyped-def]
    """out[: count] = the deviates of the first `count` indices, several at once; the same bits as `one_normal`."""
    counter_1, counter_2, counter_3 = _U(stream), _U(step) & _LOW, _U(step) >> _U(32)
    for number in range(count):
        index = indices[number]
        a, b, c, d = philox(_U(index >> 2), counter_1, counter_2, counter_3, key_0, key_1)
        first = (index & 2) == 0
        x, y = _two_normals(a if first else c, b if first else d)
        out[number] = x if (index & 1) == 0 else y


def key(seed: int) -> tuple[np.uint64, np.uint64]:
    """The two halves of a seed between 0 and 2^64 − 1."""
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or not 0 <= seed < 2**64:
        raise ValueError(f"seed {seed!r} must be a whole number from 0 to 2**64 - 1")
    return _U(int(seed) & 0xFFFFFFFF), _U(int(seed) >> 32)


def normal_deviates(count: int, *, seed: int, stream: int = 0, step: int = 0) -> NDArray[np.float64]:
    """The first deviates of a stream at a step.

    Parameters
    ----------
    count : int
        How many.
    seed : int
        0 … 2^64 − 1.
    stream, step : int
        0 … 2^32 − 1 and 0 … 2^63 − 1: any two give independent numbers.

    Returns
    -------
    (count,) array
        Standard normal, equal bits for equal arguments whatever was drawn before.

    Examples
    --------
    >>> bool((normal_deviates(10, seed=1, step=5)[:4] == normal_deviates(4, seed=1, step=5)).all())
    True
    """
    if count < 0 or not 0 <= stream < 2**32 or not 0 <= step < 2**63:
        raise ValueError(f"count {count}, stream {stream} and step {step} must not be negative, nor too large")
    blocks = (count + 3) // 4
    out = np.empty(4 * blocks)
    fill_normals(out, 0, blocks, *key(seed), stream, step)
    return out[:count]
