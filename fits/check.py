"""A study file read as a careful colleague would: every problem at once, each with what to do about it."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from .checking.design import UNREAD, check_designs, check_term_times
from .checking.finding import SEVERITIES
from .checking.finding import Finding as Finding
from .checking.numbers import check_numbers
from .checking.predictions import check_parameters, check_predictions, informed
from .checking.statistics import check_statistic
from .observation import Observation
from .stimuli import stimuli
from .study import VISION, Study, read_study, shipped_studies, study_file
from .tables import Errors, StudyError, Table, read_toml
from .timeline import timeline
from .trial_layout import trial_layout

_INDEXED = re.compile(r"(condition|observation)\[(\d+)\]")
_DOI = re.compile(r"10\.\d{4,9}/\S+\Z")
_WIDTH = 110
_MOST_PLACES = 4


def check(path: str | Path) -> list[Finding]:
    """Everything about a study file that cannot be right, is probably not meant, or is worth a look.

    A file with errors is read as far as it goes, and what can be read is checked all the same.

    Parameters
    ----------
    path : str or Path
        A .toml file, or the identifier of a shipped study.

    Returns
    -------
    list of Finding
        Errors first, then warnings, then notes; empty where there is nothing to say.

    Examples
    --------
    >>> [finding.place for finding in check("nader_2000") if finding.severity == "error"]
    []
    """
    return _checked(study_file(path))[0]


def refuse_contradictions(path: str | Path) -> None:
    """Raise ``StudyError`` for a study that can be read and whose numbers cannot be right, so that it is not fitted.

    An observation of kind "shown" is not fitted and does not count.
    """
    file = study_file(path)
    table = read_toml(file)
    errors = Errors()
    study = read_study(table, errors)
    if errors:
        raise errors.first(f"engram check {path}")
    rows = _by_name(table.content, "observation")
    shown = tuple(f"{rows[o.name][0]}." for o in study.observations if o.kind == "shown")
    wrong = [f for f in _of_contents(study, table) if f.severity == "error" and not f.place.startswith(shown)]
    if wrong:
        first, more = wrong[0], len(wrong) - 1
        rest = f" (and {more} more, shown by engram check {path})" if more else ""
        left_out = '; or leave it out with kind = "shown"' if first.place.startswith("observation[") else ""
        raise StudyError(f"{file}: {_named(first.place, table.content)}: {first.message}{left_out}{rest}", first.place)


def report(path: str | Path) -> tuple[str, bool]:
    """What ``engram check`` prints, and whether there are errors."""
    file = study_file(path)
    findings, study = _checked(file)
    lines = [str(file), ""]
    for severity in SEVERITIES:
        group = [finding for finding in findings if finding.severity == severity]
        if group:
            lines.append(_counted(len(group), severity))
            lines += [_wrapped(_sentence(finding), "  ") for finding in group]
            lines.append("")
    if study is not None:
        lines += [*_as_read(study), ""]
    errors = any(finding.severity == "error" for finding in findings)
    return "\n".join([*lines, f"{file.name}: {_conclusion(findings)}"]), errors


def _checked(path: Path) -> tuple[list[Finding], Study | None]:
    """All findings, and the study where it could be read without an error."""
    try:
        table = read_toml(path)
    except StudyError as error:
        return [Finding("error", "", str(error).removeprefix(f"{path}: "))], None
    errors = Errors()
    study = read_study(table, errors)
    findings = [Finding("error", error.place, error.problem) for error in errors]
    findings += [f for f in _of_contents(study, table) if not (errors and f.message.endswith(UNREAD))]
    findings += _taken(study, path)
    if errors:
        findings.append(Finding("note", "", "what has an error is not read further: check again once it is corrected"))
    else:
        findings += check_predictions(study)
    return _merged(findings, table.content), None if errors else study


def _merged(findings: Sequence[Finding], content: Mapping[str, Any]) -> list[Finding]:
    """Each message once with all its places in a section of the file, in order of severity."""
    places: dict[tuple[str, str, str], list[str]] = {}
    for finding in dict.fromkeys(findings):
        section = re.split(r"\W", finding.place, maxsplit=1)[0]
        places.setdefault((finding.severity, section, finding.message), []).append(_named(finding.place, content))
    merged = []
    for (severity, _, message), where in places.items():
        more = f" and {len(where) - _MOST_PLACES} more" if len(where) > _MOST_PLACES else ""
        merged.append(Finding(severity, ", ".join(where[:_MOST_PLACES]) + more, message))
    return sorted(merged, key=lambda finding: SEVERITIES.index(finding.severity))


def _of_contents(study: Study, table: Table) -> Iterator[Finding]:
    """Findings about what could be read, whether or not there were errors elsewhere."""
    yield from _source(study)
    yield from check_parameters(study)
    conditions = _by_name(table.content, "condition")
    places = {name: place for name, (place, _) in conditions.items()}
    yield from check_designs(study, places, {name: row for name, (_, row) in conditions.items()})
    rows = _by_name(table.content, "observation")
    for o in study.observations:
        place, row = rows[o.name]
        yield from check_numbers(o, place, row)
        yield from check_statistic(o, place)
        yield from check_term_times(study, o, place)
    yield from _repeats(study.observations, {name: place for name, (place, _) in rows.items()})
    yield from _panels(study.observations)
    if study.trials:
        try:
            trial_layout(study)
        except StudyError as error:
            yield Finding("error", error.place, error.problem)


def _by_name(content: Mapping[str, Any], key: str) -> dict[str, tuple[str, Mapping[str, Any]]]:
    """The tables of an array by their name, the first where several share one, each with its place."""
    rows = content.get(key)
    found: dict[str, tuple[str, Mapping[str, Any]]] = {}
    for number, row in enumerate(rows if isinstance(rows, list) else [], 1):
        if isinstance(row, dict):
            found.setdefault(str(row.get("name")), (f"{key}[{number}]", row))
    return found


def _source(study: Study) -> Iterator[Finding]:
    if not study.citation:
        return  # an error of its own
    if not study.doi:
        yield Finding("note", "study.doi", "is missing; add it where the publication has one")
    elif not _DOI.match(study.doi):
        message = f'is {study.doi!r}, which is not a DOI; write it from its 10 on, such as "10.1038/35021052"'
        yield Finding("warning", "study.doi", message)


def _taken(study: Study, path: Path) -> Iterator[Finding]:
    """A study of one's own that is named like one that comes with engram."""
    known = shipped_studies().get(study.id)
    if known is not None and known.resolve() != path.resolve():
        message = f"is {study.id!r}, a study that comes with engram; name yours otherwise, so that both can be used"
        yield Finding("warning", "study.id", message)


def _repeats(observations: Sequence[Observation], places: Mapping[str, str]) -> Iterator[Finding]:
    seen: dict[tuple[object, ...], str] = {}
    for o in observations:
        if o.kind == "shown":
            continue
        same = (o.kind, o.terms, o.score, o.divide_by, o.value, o.detected, o.n, o.count)
        first = seen.setdefault(same, o.name)
        if first != o.name:
            message = f"is the same in every number as {first!r} and would count twice; correct it, or keep one"
            yield Finding("warning", places[o.name], message)


def _panels(observations: Sequence[Observation]) -> Iterator[Finding]:
    panels: dict[str, list[Observation]] = {}
    for o in observations:
        panels.setdefault(o.panel, []).append(o)
    for panel, group in panels.items():
        for key, values in (
            ("unit", [o.unit for o in group]),
            ("x_unit", [o.x_unit for o in group]),
            ("x", ["labels" if isinstance(o.x, str) else "numbers" for o in group if o.x is not None]),
        ):
            kinds = list(dict.fromkeys(values))
            if len(kinds) > 1:
                mixed = " and ".join(repr(kind) for kind in kinds) if key != "x" else "numbers and labels"
                message = f"the panel {panel!r} mixes {key} {mixed}; make them agree, or use two panels"
                yield Finding("warning", f"observation.{key}", message)


def _named(place: str, content: Mapping[str, Any]) -> str:
    """A place with the name of the condition or observation that it lies in."""
    found = _INDEXED.match(place)
    rows = content.get(found[1]) if found else None
    if found is None or not isinstance(rows, list):
        return place
    name = rows[int(found[2]) - 1].get("name")
    return f'{place} ("{name}")' if isinstance(name, str) else place


def _as_read(study: Study) -> list[str]:
    """The timelines in natural units, and what the study can say of each model."""
    lines = ["As it was read"]
    for name, design in study.conditions.items():
        lines.append(f"  {name}")
        lines += [_wrapped(line, "    ") for line in timeline(design)]
    if study.family == VISION and study.observations:
        lines += ["", "What was shown and measured"]
        lines += [_wrapped(line, "  ") for line in stimuli(study)]
    if any(o.kind != "shown" for o in study.observations):
        lines += ["", "What its predictions feel"]
        for model, (shared, own) in informed(study).items():
            felt = [name for name in study.parameters if name in own]
            words = [f"{_listed(felt)} of the study", f"{_listed(sorted(shared))} of the biology"]
            lines.append(_wrapped(f"{model}: {', '.join(words)}", "  "))
    return lines


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names) or "nothing"


def _sentence(finding: Finding) -> str:
    place = f"{finding.place}: " if finding.place else ""
    return f"{place}{finding.message}{'' if finding.message.endswith('?') else '.'}"


def _wrapped(text: str, indent: str) -> str:
    return textwrap.fill(text, _WIDTH, initial_indent=indent, subsequent_indent=f"{indent}  ", break_on_hyphens=False)


def _counted(number: int, severity: str) -> str:
    return f"{number} {severity}" if number == 1 else f"{number} {severity}s"


def _conclusion(findings: Sequence[Finding]) -> str:
    counts = {severity: sum(f.severity == severity for f in findings) for severity in SEVERITIES}
    said = _listed([_counted(number, severity) for severity, number in counts.items() if number])
    if counts["error"]:
        return f"{said}. It cannot be relied on before the errors are corrected."
    if counts["warning"]:
        return f"{said}. It can be fitted; read the warnings first."
    return f"{said}. It can be fitted." if findings else "nothing to object to. It can be fitted."
