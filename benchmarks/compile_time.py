"""Wall-clock time of the first run of each model on a computer, when its kernels are compiled: a fresh process with an
empty cache, less the same process with a full one."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator

from engram.consolidation import MODELS

from .measurement import Measurement

SCRIPT = """\
from engram import Encode, Protocol, Test, {model}
{model}().run(Protocol(Encode("scene", at=0, strength=0.4), Test("scene", at=3600))).tests
"""


def seconds(model: str, folder: str) -> float:
    """Wall-clock time (s) of a fresh process that runs a model, its kernels kept in ``folder``."""
    environment = os.environ | {"ENGRAM_CACHE_DIR": folder, "ENGRAM_QUIET": "1"}
    begin = time.perf_counter()
    subprocess.run([sys.executable, "-c", SCRIPT.format(model=model)], env=environment, check=True)
    return time.perf_counter() - begin


def measure(quick: bool = False) -> Iterator[Measurement]:
    """Compile every model once (only the smallest, if ``quick``)."""
    for model in list(MODELS)[-1:] if quick else MODELS:
        with tempfile.TemporaryDirectory() as folder:
            cold = seconds(model, folder)
            warm = seconds(model, folder)
        yield Measurement("compile time", f"{model}, first run", cold, "s")
        yield Measurement("compile time", f"{model}, later run", warm, "s")
        yield Measurement("compile time", f"{model}, compilation", cold - warm, "s")
