"""A study in full, as text: design, parameters and observations with their sources."""

from __future__ import annotations

import math
import textwrap

from .study import FLAGS, FreeParameter, Observation, Study
from .timeline import relations, timeline


def description(study: Study) -> str:
    """One study in full, as text."""

    def wrapped(text: str, indent: str = "") -> str:
        return textwrap.fill(text, 110, initial_indent=indent, subsequent_indent=f"{indent}  ")

    lines = [f"{study.id}: {study.title}", wrapped(f"{study.citation} {study.doi}"),
             wrapped(f"{study.species}; {study.paradigm}"), "", wrapped(study.notes), "", "Design"]  # fmt: skip
    for name, design in study.conditions.items():
        lines.append(f"  {name}")
        lines += [wrapped(line, "    ") for line in timeline(design) + relations(design)]
    lines += ["", f"Response: {study.response}", "", "Parameters"]
    for parameter in study.parameters.values():
        low, high = parameter.bounds
        unit = "" if parameter.unit == "1" else f" {parameter.unit}"
        lines.append(wrapped(f"{parameter.name}: {parameter.description}; {low:g} to {high:g}{unit}, "
                             f"first start {parameter.start:g}{_prior(parameter)}", "  "))  # fmt: skip
    lines += ["", "Observations"]
    for o in study.observations:
        note = f" ({o.note})" if o.note else ""
        lines.append(wrapped(f"[{o.flag}] {o.name}: {o.measure}: {observed(o)}. {o.source}{note}", "  "))
    lines += ["", *(f"[{flag}] {meaning}" for flag, meaning in FLAGS.items())]
    return "\n".join(lines)


def observed(o: Observation) -> str:
    """What was found, in words."""
    unit = "" if o.unit == "1" else f" {o.unit}"
    shown = " (not fitted)" if o.kind == "shown" else ""
    if o.detected is not None:
        found = "significant" if o.detected else "not significant"
        known = [f"n = {o.n}"] if o.n is not None else []
        known += [f"standard error {o.error:.3g}{unit}"] if math.isfinite(o.error) else []
        given = f" ({', '.join(known)})" if known else ""
        return f"{found}{given}{shown}"
    if o.kind == "counts":
        return f"{o.count} of {o.n} ({o.value:.3g})"
    if o.value is None:
        return f"open{shown}"
    error = f" ± {o.error:.3g}" if math.isfinite(o.error) else ""
    return f"{o.value:g}{error}{unit}{shown}"


def _prior(parameter: FreeParameter) -> str:
    if parameter.prior is None:
        return ""
    mean, sd = parameter.prior
    if parameter.scale == "log":
        return f"; prior of median {mean:g}, SD of its logarithm {sd:g}"
    return f"; prior {mean:g} ± {sd:g} (SD)"
