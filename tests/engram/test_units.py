"""Times in natural units: written with a unit, read as seconds, shown as a person would write them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engram import day, hour, minute, second
from engram.units import format_time, parse_time


def test_units_are_in_seconds():
    assert (second, minute, hour, day) == (1, 60, 3600, 86400)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30 min", 1800.0),
        ("30min", 1800.0),
        ("  1.5  days ", 129600.0),
        ("2 h", 7200.0),
        ("-2 h", -7200.0),
        ("+2 hours", 7200.0),
        ("250 ms", 0.25),
        ("0 s", 0.0),
        (".5 h", 1800.0),
        ("3. d", 259200.0),
        ("1e3 s", 1000.0),
        ("1.5E-1 min", 9.0),
        ("1 week", 604800.0),
        ("2 weeks", 1209600.0),
        ("10 sec", 10.0),
        ("1 second", 1.0),
        ("5 minutes", 300.0),
    ],
)
def test_text_with_a_unit_is_a_time(text, seconds):
    assert parse_time(text) == seconds


@pytest.mark.parametrize("bad", [30, 30.0, None, math.nan])
def test_a_bare_number_is_answered_with_the_missing_unit(bad):
    with pytest.raises(ValueError) as caught:
        parse_time(bad)
    assert str(caught.value) == f'{bad!r} is a time without a unit; write it as text with one, such as "{bad} min"'


@pytest.mark.parametrize("bad", ["", "min", "30", "soon", "3 0 min", "30 min later", "1,5 h", "nan s", "--2 h", "1e s"])
def test_text_that_is_no_time_is_named_with_an_example(bad):
    with pytest.raises(ValueError) as caught:
        parse_time(bad)
    assert str(caught.value) == f'{bad!r} is not a time; write a number and a unit, such as "30 min"'


@pytest.mark.parametrize(("bad", "unit"), [("30 mn", "mn"), ("2 H", "H"), ("1 year", "year"), ("3 m", "m")])
def test_an_unknown_unit_is_answered_with_the_known_ones(bad, unit):
    with pytest.raises(ValueError) as caught:
        parse_time(bad)
    assert str(caught.value) == f"{bad!r} has the unknown unit {unit!r}; use one of s, min, h, day, week"


def test_a_number_too_large_for_a_time_is_an_error():
    with pytest.raises(ValueError, match="'1e999 s' is not a finite time"):
        parse_time("1e999 s")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (45, "45 s"),
        (0.25, "0.25 s"),
        (90, "1.5 min"),
        (5400, "1.5 h"),
        (86400, "1 day"),
        (-129600, "-1.5 days"),
        (30 * day, "30 days"),
    ],
)
def test_a_time_is_shown_in_the_unit_a_person_would_use(seconds, text):
    assert format_time(seconds) == text


@given(seconds=st.floats(1e-3, 1e9))
def test_a_shown_time_reads_back_to_four_digits(seconds):
    assert parse_time(format_time(seconds)) == pytest.approx(seconds, rel=6e-4)
