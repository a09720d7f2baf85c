"""Figures written by several processes: the bytes of one, and errors that are told."""

import pytest

from engram.figure_style import canvas
from fits import drawing


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
