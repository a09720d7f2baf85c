"""Wall-clock time of what a user waits for: ``import engram``, ``engram --help``, and ``engram predict`` with kernels
compiled before. Medians of several fresh processes."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from .measurement import Measurement, Skipped, wall_time

PROTOCOL = """\
events = [
  { encode = "scene", at = "0 min", strength = 0.4 },
  { release = "dopamine", at = "30 min" },
  { test = "scene", at = "24 h" },
]
"""


def seconds(command: list[str], repeats: int) -> float:
    """Median wall-clock time (s) of a command that must succeed."""

    def run() -> None:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            last = (done.stderr.strip().splitlines() or ["no message"])[-1]
            raise Skipped(f"`{' '.join(command)}` failed: {last}")

    return wall_time(run, repeats)


def command_line() -> str:
    """Path of the ``engram`` command of this Python."""
    beside = Path(sys.executable).with_name("engram")
    found = str(beside) if beside.exists() else shutil.which("engram")
    if found is None:
        raise Skipped("the command `engram` is not installed: run `pip install -e .` first")
    return found


def measure(quick: bool = False) -> Iterator[Measurement]:
    """Time fresh processes."""
    repeats = 3 if quick else 9
    empty = seconds([sys.executable, "-c", "pass"], repeats)
    taken = seconds([sys.executable, "-c", "import engram"], repeats)
    yield Measurement("start-up", "python, without anything", empty, "s")
    yield Measurement("start-up", "import engram", taken, "s", "<= 0.3")
    engram = command_line()
    yield Measurement("start-up", "engram --help", seconds([engram, "--help"], repeats), "s", "<= 0.5")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "scene.toml")
        file.write_text(PROTOCOL)
        taken = seconds([engram, "predict", "ThresholdCapture", str(file)], repeats)
    yield Measurement("start-up", "engram predict, kernels compiled before", taken, "s", "<= 2.5")
