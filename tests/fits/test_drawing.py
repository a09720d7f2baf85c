"""Figures written by several processes: the bytes of one, and errors that are told."""

import pickle

import pandas
import pytest

from engram.figure_style import canvas
from fits import drawing
from fits.mechanism_figures import intervals


def _figures(number):
    made = {}
    for k in range(number):
        figure, ax = canvas(None, (2, 2))
        ax.plot([0, 1], [0, k])
        ax.set_title(f"figure {k}")
        made[f"figure-{k}"] = figure
    return made


def test_several_processes_write_the_bytes_of_one(tmp_path, monkeypatch):
    monkeypatch.setattr(drawing, "_WORTHWHILE", 2)
    counted = []
    drawing.save_figures(_figures(5), tmp_path / "two", workers=2, progress=lambda: counted.append(1))
    drawing.save_figures(_figures(5), tmp_path / "one", workers=1)
    written = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert len(written) == 10 and len(counted) == 5
    assert sorted(path.name for path in (tmp_path / "two").iterdir()) == written
    for name in written:
        assert (tmp_path / "two" / name).read_bytes() == (tmp_path / "one" / name).read_bytes()


def test_a_process_that_fails_says_why(tmp_path, monkeypatch):
    monkeypatch.setattr(drawing, "_CODE", "import sys; sys.stdin.buffer.read(); sys.exit('no ink')")
    monkeypatch.setattr(drawing, "_WORTHWHILE", 2)
    with pytest.raises(RuntimeError, match="no ink"):
        drawing.save_figures(_figures(4), tmp_path, workers=2)


def test_times_on_a_logarithmic_axis_can_be_drawn_by_another_process_and_are_few(tmp_path):
    table = pandas.DataFrame(
        [
            {"model": "ThresholdCapture", "quantity": "tau_early", "estimate": 7200.0, "lower": 900.0, "upper": 2e4},
            {"model": "LinearCapture", "quantity": "tau_tag", "estimate": 1800.0, "lower": 900.0, "upper": 4000.0},
        ]
    )
    figure = pickle.loads(pickle.dumps(intervals(table)))
    drawing.save_figure(figure, tmp_path, "times")
    (axes,) = figure.axes
    low, high = axes.get_xlim()
    places, texts = axes.get_xticks(), [label.get_text() for label in axes.get_xticklabels()]
    shown = [text for place, text in zip(places, texts, strict=True) if low <= place <= high]
    assert {text.strip("0.") for text in shown} <= {"1", "2", "5"} and 3 <= len(shown) <= 8
    assert not any(label.get_text() for label in axes.get_xticklabels(minor=True))
