"""Every parameter knows its unit, bounds, default and source; a value out of bounds is named with them."""

import dataclasses
import math

import pytest

import engram
from engram import EncodingOnly, LinearCapture, ThresholdCapture
from engram.neuromodulation import DOPAMINE, Neuromodulator
from engram.parameter import parameter_fields

MODELS = (ThresholdCapture, LinearCapture, EncodingOnly)
EVERY_PARAMETER = [(kind, field) for kind in (*MODELS, Neuromodulator) for field in parameter_fields(kind)]


def named(pair):
    kind, field = pair
    return f"{kind.__name__}-{field.name}"


def changed(kind, name, value):
    if kind is Neuromodulator:
        return dataclasses.replace(DOPAMINE, **{name: value})
    return kind(**{name: value})


@pytest.mark.parametrize("pair", EVERY_PARAMETER, ids=named)
def test_every_parameter_says_what_it_is(pair):
    _, field = pair
    assert field.metadata["unit"] in ("s", "1")
    assert field.metadata["description"]
    assert field.metadata["symbol"]
    assert field.metadata["source"]
    if field.metadata["verified"]:
        assert "doi:" in field.metadata["source"]


@pytest.mark.parametrize("pair", EVERY_PARAMETER, ids=named)
def test_defaults_lie_within_bounds_and_bounds_are_admitted(pair):
    kind, field = pair
    low, high = field.metadata["bounds"]
    assert low <= field.default <= high
    for value in (low, high):
        assert getattr(changed(kind, field.name, value), field.name) == value


@pytest.mark.parametrize("pair", EVERY_PARAMETER, ids=named)
def test_a_value_out_of_bounds_is_named_with_the_bounds(pair):
    kind, field = pair
    low, high = field.metadata["bounds"]
    for bad in (low - 1, high * 1.01 + 1, math.nan, math.inf):
        with pytest.raises(ValueError) as caught:
            changed(kind, field.name, bad)
        assert str(caught.value) == (
            f"{kind.__name__}({field.name}={bad!r}): {field.name} ({field.metadata['description']}) must lie "
            f"between {low:g} and {high:g} (unit {field.metadata['unit']})"
        )


@pytest.mark.parametrize("bad", ["2 h", None, [3600]])
def test_a_value_that_is_no_number_is_named_with_the_unit(bad):
    with pytest.raises(TypeError) as caught:
        ThresholdCapture(tau_early=bad)
    rule = "tau_early must be a number between 60 and 2.592e+06 (unit s)"
    assert str(caught.value) == f"ThresholdCapture(tau_early={bad!r}): {rule}"


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("bad", [0, -1, 4097, 2.0, True, "16"])
def test_nodes_are_a_whole_number(kind, bad):
    with pytest.raises(ValueError) as caught:
        kind(nodes=bad)
    assert str(caught.value) == f"{kind.__name__}(nodes={bad!r}): give a whole number from 1 to 4096"


def test_neuromodulators_have_distinct_names():
    with pytest.raises(ValueError, match=r"neuromodulators must have distinct names, got \['dopamine', 'dopamine'\]"):
        ThresholdCapture(neuromodulators=(DOPAMINE, DOPAMINE))
    with pytest.raises(ValueError, match=r"neuromodulators must have distinct names, got \[\]"):
        ThresholdCapture(neuromodulators=())


def test_an_unknown_parameter_is_answered_with_the_known_ones():
    message = r"ThresholdCapture has no parameter 'tau'; it has tau_early, .*epsilon, nodes"
    with pytest.raises(ValueError, match=message):
        ThresholdCapture().with_(tau=1.0)


def test_with_changes_a_copy():
    model = ThresholdCapture()
    assert model.with_(tag_threshold=0.3).tag_threshold == 0.3
    assert model.tag_threshold == 0.2
    with pytest.raises(dataclasses.FrozenInstanceError):
        model.tag_threshold = 0.3


@pytest.mark.parametrize("kind", MODELS)
def test_table_of_parameters_has_a_row_for_each(kind):
    table = engram.parameters(kind)
    assert list(table.index) == [field.name for field in parameter_fields(kind)]
    assert list(table.columns) == [
        "symbol", "unit", "default", "lower", "upper", "status", "source", "description"
    ]  # fmt: skip
    assert table.index.name == "parameter"
    assert set(table.status) <= {"verified", "assumed"}
    assert not table.isna().any(axis=None)


def test_table_of_an_instance_shows_its_values():
    table = engram.parameters(ThresholdCapture(tag_threshold=0.3))
    assert table.loc["tag_threshold", "value"] == 0.3
    assert table.loc["tag_threshold", "default"] == 0.2
    assert table.loc["tau_early", "value"] == 6884.0


def test_table_of_something_else_is_an_error():
    with pytest.raises(TypeError, match="'threshold' is not a model; pass a model class or instance"):
        engram.parameters("threshold")


@pytest.mark.parametrize(
    ("name", "default"),
    [("tau_early", 6884), ("tag_threshold", 0.2), ("tau_protein", 3600), ("tau_late", 3600), ("epsilon", 0.001)],
)
def test_defaults_are_those_of_the_single_synapse_model(name, default):
    row = engram.parameters(ThresholdCapture).loc[name]
    assert row["default"] == default
    assert row["status"] == "verified"
