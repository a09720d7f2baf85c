"""A study: citation, design timeline, what was observed and where each number comes from. One TOML file each.

Its parts are read by :mod:`fits.free_parameter`, :mod:`fits.design` and :mod:`fits.observation`.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

from engram import consolidation, neuromodulation, perception, recall
from engram.parameter import parameter_fields

from .design import Design, read_design
from .free_parameter import FreeParameter as FreeParameter
from .free_parameter import Parameters, read_parameters, start_of, unknown_parameter
from .observation import FLAGS as FLAGS
from .observation import KINDS as KINDS
from .observation import Observation as Observation
from .observation import Term as Term
from .observation import read_observation
from .observation import rows_of as rows_of
from .tables import Errors, StudyError, Table, read_toml
from .visual_design import check_visual
from .visual_response import DiscriminationThreshold

_SECTIONS = {"study", "parameters", "response", "model", "modulators", "condition", "observation", "trials"}
MEMORY, VISION = "memory", "vision"  # families of studies, and of the models that predict them
RESPONSES: dict[str, Any] = {**recall.RESPONSES, DiscriminationThreshold.kind: DiscriminationThreshold}
_MOST_CORNERS = 8  # parameters of a response whose bounds are tried in every combination


@dataclass(frozen=True)
class Study:
    """A study as its file describes it; see :func:`load_study`."""

    id: str
    title: str
    citation: str
    doi: str
    species: str
    paradigm: str
    notes: str
    path: str
    parameters: Mapping[str, FreeParameter]
    conditions: Mapping[str, Design]
    observations: tuple[Observation, ...]
    response: str
    response_values: Mapping[str, float | str]
    model_values: Mapping[str, float | str]
    modulator_values: Mapping[tuple[str, str], float | str]
    # as the file writes them, for fits.trial_layout: the table [trials], and each condition by its name
    trials: Mapping[str, Any] = field(default_factory=dict)
    condition_tables: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def family(self) -> str:
        """Which models predict it: those of memory traces ("memory") or of visual learning ("vision")."""
        return family_of_response(self.response)


def family_of_response(kind: str) -> str:
    return VISION if kind == DiscriminationThreshold.kind else MEMORY


def shipped_studies() -> dict[str, Path]:
    """The studies that come with the library: identifier -> file."""
    folder = Path(str(files("fits"))) / "studies"
    return {path.stem: path for path in sorted(folder.glob("*.toml"))}


@functools.cache
def load_shipped(family: str) -> tuple[Study, ...]:
    """The shipped studies of one family, ``MEMORY`` or ``VISION``, in alphabetical order."""
    return tuple(study for study in map(load_study, shipped_studies()) if study.family == family)


def study_file(study: str | Path) -> Path:
    """The file of a study, or of a shipped one by its identifier."""
    path = Path(study)
    if path.suffix == ".toml":
        return path
    shipped = shipped_studies()
    if str(study) not in shipped:
        raise StudyError(
            f"unknown study {str(study)!r}; shipped studies are {', '.join(shipped)}, or give the path of a .toml file"
        )
    return shipped[str(study)]


def load_study(study: str | Path) -> Study:
    """Read a study from its file, or a shipped one by its identifier.

    Raises
    ------
    StudyError
        A sentence naming the file, the key or line, the value and the remedy.
    """
    table = read_toml(study_file(study))
    errors = Errors()
    read = read_study(table, errors)
    if errors:
        raise errors.first(f"engram check {study}")
    return read


def read_study(table: Table, errors: Errors) -> Study:
    """A study from the table of its file; without the parts whose errors have been added to ``errors``."""
    errors.add(*table.unknown(_SECTIONS))
    head = _head(table, errors)
    parameters: dict[str, FreeParameter | None] = {}
    with errors.gathered():
        parameters = read_parameters(table.table("parameters"), errors)
    kind, response_values = _response(table, parameters, errors)
    conditions = _conditions(table, parameters, errors)
    scores = [RESPONSES[kind]] if kind else RESPONSES.values()
    names = tuple(dict.fromkeys(name for response in scores for name in response.score_names))
    trials: Mapping[str, Any] = {}
    with errors.gathered():
        trials = table.table("trials").content
    visual = family_of_response(kind) == VISION
    if visual:
        check_visual(table, conditions, errors)
    study = Study(
        **head,
        path=table.path,
        parameters={name: parameter for name, parameter in parameters.items() if parameter is not None},
        conditions={name: design for name, design in conditions.items() if design is not None},
        observations=_observations(table, conditions, names, visual, errors),
        response=kind,
        response_values=response_values,
        model_values=_gathered_section(table, "model", visual_values if visual else model_values, parameters, errors),
        modulator_values=_gathered_section(table, "modulators", modulator_values, parameters, errors),
        trials=trials,
        condition_tables={str(row.content.get("name")): row.content for row in table.tables("condition")},
    )
    _check_use(table, study, errors)
    return study


def _head(table: Table, errors: Errors) -> dict[str, str]:
    keys = {"id": None, "title": None, "citation": None, "doi": "", "species": None, "paradigm": None, "notes": ""}
    values: dict[str, str] = dict.fromkeys(keys, "")
    with errors.gathered():
        head = table.table("study", required=True)
        errors.add(*head.unknown(keys))
        for key, default in keys.items():
            with errors.gathered():
                values[key] = head.text(key, default)
        own, name = values["id"], Path(table.path).name
        if own and own != Path(table.path).stem:
            errors.add(head.error("id", f"is {own!r} but the file is named {name!r}; make them agree"))
    return values


def _conditions(table: Table, parameters: Parameters, errors: Errors) -> dict[str, Design | None]:
    conditions: dict[str, Design | None] = {}
    with errors.gathered():
        for row in table.tables("condition", required=True):
            errors.add(*row.unknown({"name", "events", "block", "relatedness", "within_category"}))
            name = ""
            with errors.gathered():
                name = row.text("name")
            if name in conditions:
                errors.add(row.error("name", f"the condition {name!r} is already there; give each its own name"))
            design = read_design(row, name, parameters, errors)
            if name:
                conditions.setdefault(name, design)
    return conditions


def _observations(
    table: Table, conditions: Mapping[str, Design | None], scores: tuple[str, ...], visual: bool, errors: Errors
) -> tuple[Observation, ...]:
    found: list[Observation] = []
    names: list[object] = []
    with errors.gathered():
        for row in table.tables("observation", required="trials" not in table):
            name = row.content.get("name")
            if name is not None and name in names:
                errors.add(row.error("name", f"{name!r} is there twice; give each observation its own name"))
            names.append(name)
            observation = read_observation(row, conditions, scores, errors, visual)
            if observation is not None:
                found.append(observation)
    return tuple(found)


def _settings(model: Any) -> dict[str, tuple[float, float, str]]:
    """Lower bound, upper bound and unit of each parameter of a model or response."""
    return {f.name: (*f.metadata["bounds"], f.metadata["unit"]) for f in parameter_fields(model)}


def _values(
    table: Table, known: Mapping[str, tuple[float, float, str]], parameters: Parameters, errors: Errors
) -> dict[str, float | str]:
    """Numbers, times with a unit, or names of study parameters, each within the bounds of what it stands for."""
    errors.add(*table.unknown(known))
    values: dict[str, float | str] = {}
    for key in table.content:
        if key in known:
            with errors.gathered():
                values[key] = _value(table, key, *known[key], parameters)
    return values


def _value(table: Table, key: str, low: float, high: float, unit: str, parameters: Parameters) -> float | str:
    value = table.content[key]
    if isinstance(value, str) and value in parameters:
        start_of(table, key, value, low, high, parameters)
        return value
    if isinstance(value, str) and not value.strip()[:1].isdigit():
        raise unknown_parameter(table, key, value, parameters)
    if unit != "s":
        return table.number(key, low, high)
    number = table.time(key)
    if not low <= number <= high:
        raise table.error(key, f"is {value!r}; it must lie between {low:g} and {high:g} s")
    return number


def _response(table: Table, parameters: Parameters, errors: Errors) -> tuple[str, dict[str, float | str]]:
    kind = ""
    values: dict[str, float | str] = {}
    with errors.gathered():
        section = table.table("response", required=True)
        kind = section.choice("type", RESPONSES)
        rest = Table(table.path, "response", {key: value for key, value in section.content.items() if key != "type"})
        before = len(errors)
        values = _values(rest, _settings(RESPONSES[kind]), parameters, errors)
        if len(errors) == before:
            _check_response(section, kind, values, parameters)
    return kind, values


def _check_response(table: Table, kind: str, values: Mapping[str, float | str], parameters: Parameters) -> None:
    """Whether the numbers of a response go together, at every combination of its parameters' bounds."""
    for own in _corners(values, parameters):
        try:
            RESPONSES[kind](**{key: own[value] if isinstance(value, str) else value for key, value in values.items()})
        except ValueError as error:
            where = ", ".join(f"{name} = {value:g}" for name, value in own.items())
            remedy = f"; narrow the bounds (this is at {where})" if own else ""
            raise table.error("", f"{error}{remedy}") from None


def _corners(values: Mapping[str, float | str], parameters: Parameters) -> Iterator[dict[str, float]]:
    free = [found for found in map(parameters.get, _named(values)[:_MOST_CORNERS]) if found is not None]
    for corner in itertools.product(*(parameter.bounds for parameter in free)):
        yield {parameter.name: value for parameter, value in zip(free, corner, strict=True)}


def _named(values: Mapping[Any, float | str]) -> list[str]:
    """The study parameters that values name."""
    return list(dict.fromkeys(value for value in values.values() if isinstance(value, str)))


def _gathered_section(table: Table, key: str, reader: Any, parameters: Parameters, errors: Errors) -> Any:
    try:
        return reader(table.table(key), parameters, errors)
    except StudyError as error:
        errors.add(error)
        return {}


def model_values(table: Table, parameters: Parameters, errors: Errors) -> dict[str, float | str]:
    known: dict[str, tuple[float, float, str]] = {}
    for name in consolidation.MODELS:
        known = _settings(getattr(consolidation, name)) | known
    return _values(table, known, parameters, errors)


def visual_values(table: Table, parameters: Parameters, errors: Errors) -> dict[str, float | str]:
    """The same for a study of visual learning, whose models are those of :mod:`engram.perception`."""
    known: dict[str, tuple[float, float, str]] = {}
    for name in perception.MODELS:
        known = _settings(getattr(perception, name)) | known
    return _values(table, known, parameters, errors)


def modulator_values(table: Table, parameters: Parameters, errors: Errors) -> dict[tuple[str, str], float | str]:
    names = [modulator.name for modulator in neuromodulation.NEUROMODULATORS]
    known = _settings(neuromodulation.Neuromodulator)
    errors.add(*table.unknown(names))
    values: dict[tuple[str, str], float | str] = {}
    for name in table.content:
        if name in names:
            with errors.gathered():
                own = _values(table.table(name), known, parameters, errors)
                values.update({(name, key): value for key, value in own.items()})
    return values


def _check_use(table: Table, study: Study, errors: Errors) -> None:
    """Whether each parameter is named somewhere; in a file with errors, anywhere at all counts."""
    used: set[str] = set()
    if errors:
        used |= _texts({key: value for key, value in table.content.items() if key != "parameters"})
    for design in study.conditions.values():
        used |= {slot.parameter for slot in design.slots} | {*design.within.values(), *design.pairs.values()}
    for values in (study.response_values, study.model_values, study.modulator_values):
        used |= set(_named(values))
    for name in study.parameters:
        if name not in used:
            errors.add(table.error(f"parameters.{name}", "is used nowhere; refer to it by its name, or remove it"))


def _texts(content: Any) -> set[str]:
    """Every text in nested tables and lists."""
    if isinstance(content, str):
        return {content}
    inside = content.values() if isinstance(content, dict) else content if isinstance(content, list) else ()
    return {text for part in inside for text in _texts(part)}
