"""Which strengths, counts and sample sizes a response type accepts, and what it says to the others."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

_REMEDY = "leave out missing trials, and multiply a proportion by n"


def _numbers(values: ArrayLike, name: str, *, complex_too: bool = False) -> NDArray[Any]:
    try:
        array = np.asarray(values)
        array = array.astype(np.result_type(array.dtype, np.float64), copy=False)
    except (TypeError, ValueError):
        raise TypeError(f"{name} is {values!r}; give a number or an array of numbers") from None
    if array.dtype.kind not in ("fc" if complex_too else "f"):
        allowed = "real or complex numbers" if complex_too else "real numbers"
        raise TypeError(f"{name} has the type {array.dtype}; give {allowed}")
    return array


def _reject(array: NDArray[Any], bad: NDArray[np.bool_], name: str, rule: str) -> None:
    """Raise ``ValueError`` for the first element marked in ``bad``, saying where it stands."""
    if bad.any():
        index = tuple(int(i) for i in np.argwhere(bad)[0])
        where = name + (f"[{', '.join(map(str, index))}]" if index else "")
        raise ValueError(f"{where} is {array[index]:g}; {rule}")


def _whole(array: NDArray[Any], smallest: int) -> NDArray[np.bool_]:
    finite = np.isfinite(array)
    return np.asarray(finite & (array >= smallest) & (array == np.rint(array)))


def check_strength(strength: ArrayLike, *, complex_too: bool = True) -> NDArray[Any]:
    """Strengths as an array of floats (or complex numbers), every one finite."""
    array = _numbers(strength, "strength", complex_too=complex_too)
    rule = "a strength must be a finite number: check the parameters of the run that produced it"
    _reject(array, ~np.isfinite(array), "strength", rule)
    return array


def check_counts(counts: ArrayLike, outcomes: tuple[str, ...], n: ArrayLike | None = None) -> NDArray[Any]:
    """Counts with one column an outcome, whole and not negative; they add up to ``n`` where it is given."""
    array = _numbers(counts, "counts")
    if array.ndim == 0 or array.shape[-1] != len(outcomes):
        raise ValueError(
            f"counts has the shape {array.shape}; its last axis must hold the {len(outcomes)} outcomes "
            f"{', '.join(outcomes)}"
        )
    _reject(array, ~_whole(array, 0), "counts", f"a count must be a whole number, zero or more: {_REMEDY}")
    if n is not None:
        total = array.sum(axis=-1)
        size = check_size(n, smallest=0)
        check_shapes(counts=total, n=size)
        rule = "it must equal n: give every trial exactly one outcome, or leave n out"
        _reject(total + 0 * size, total != size, "the sum of counts", rule)
    return array


def check_size(n: ArrayLike, *, smallest: int) -> NDArray[Any]:
    """Numbers of items or animals as floats, whole and at least ``smallest``."""
    array = _numbers(n, "n")
    least = "one or more" if smallest else "zero or more"
    rule = f"a sample size must be a whole number, {least}"
    _reject(array, ~_whole(array, smallest), "n", rule)
    return array


def check_successes(observed: ArrayLike, n: NDArray[Any], name: str) -> NDArray[Any]:
    """Numbers of successes out of ``n``, whole and between 0 and n."""
    array = _numbers(observed, name)
    check_shapes(**{name: array, "n": n})
    array, size = np.broadcast_arrays(array, n)
    rule = f"it must be a whole number from 0 to n: {_REMEDY}"
    _reject(array, ~(_whole(array, 0) & (array <= size)), name, rule)
    return array


def check_measured(observed: ArrayLike) -> NDArray[Any]:
    """Measured means as floats, every one finite."""
    array = _numbers(observed, "observed")
    rule = "a measured mean must be a finite number: leave out missing observations"
    _reject(array, ~np.isfinite(array), "observed", rule)
    return array


def check_spread(sd: ArrayLike) -> NDArray[Any]:
    """Standard deviations as floats, every one finite and positive."""
    array = _numbers(sd, "sd", complex_too=True)
    rule = "a standard deviation must be positive and finite: give it in the unit of the observations"
    _reject(array, ~(np.isfinite(array) & (array.real > 0)), "sd", rule)
    return array


def check_shapes(**arrays: NDArray[Any]) -> tuple[int, ...]:
    """The shape to which the named arrays broadcast."""
    try:
        return np.broadcast_shapes(*(array.shape for array in arrays.values()))
    except ValueError:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in arrays.items())
        raise ValueError(f"the shapes do not go together: {shapes}; give one value a strength") from None


def check_generator(rng: object) -> np.random.Generator:
    """The random generator, which must be passed in."""
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng is {rng!r}; pass numpy.random.default_rng(seed)")
    return rng
