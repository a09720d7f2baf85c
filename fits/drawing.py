"""Figures as files. Many of them are drawn by several processes: matplotlib holds the interpreter's lock."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from engram.figure_style import style

_PNG_DPI = 200
_WORTHWHILE = 8  # figures: for fewer, another process takes longer to start than to draw
_CODE = """
import pickle, sys
from fits.drawing import save_figure
for job in pickle.load(sys.stdin.buffer):
    save_figure(*job)
"""


def save_figure(figure: Figure, folder: Path, name: str) -> None:
    """Write a figure as ``name``.svg and ``name``.png; the same figure gives the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    engine = figure.get_layout_engine()
    if engine is not None:  # once, not for each file: it takes as long as to draw
        with style():
            engine.execute(figure)
        figure.set_layout_engine("none")
    figure.savefig(folder / f"{name}.svg", metadata={"Date": None, "Creator": f"matplotlib {matplotlib.__version__}"})
    figure.savefig(folder / f"{name}.png", dpi=_PNG_DPI)


def save_figures(
    drawn: Mapping[str, Figure], folder: Path, workers: int | None = None, progress: Callable[[], Any] | None = None
) -> None:
    """Write figures by name as :func:`save_figure` does, shared out between processes.

    Parameters
    ----------
    drawn : mapping of str to Figure
    folder : Path
    workers : int, optional
        Processes, this one included; as many as processors by default. The bytes do not depend on it.
    progress : callable, optional
        Called once a figure.

    Raises
    ------
    RuntimeError
        Another process has failed: what it said.
    """
    jobs = [(figure, folder, name) for name, figure in drawn.items()]
    shares = max(1, min(workers or os.cpu_count() or 1, len(jobs) // _WORTHWHILE))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    others: list[tuple[subprocess.Popen[bytes], int]] = []
    try:
        for share in range(1, shares):
            part = jobs[share::shares]
            process = subprocess.Popen(
                [sys.executable, "-c", _CODE], stdin=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
            )
            others.append((process, len(part)))
            assert process.stdin is not None
            process.stdin.write(pickle.dumps(part))
            process.stdin.close()
            process.stdin = None
        for job in jobs[::shares]:
            save_figure(*job)
            if progress is not None:
                progress()
        for process, size in others:
            _, said = process.communicate()
            if process.returncode:
                raise RuntimeError(f"a process that drew figures failed: {said.decode(errors='replace').strip()}")
            if progress is not None:
                for _ in range(size):
                    progress()
    finally:
        for process, _ in others:
            process.kill()
