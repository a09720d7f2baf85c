"""Compiled kernels are kept between sessions, and never return the numbers of another version.

Every test writes a small package with its own copy of ``engram/_jit.py`` and runs it in fresh sessions.
"""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engram import _jit

SOURCES = {
    "__init__.py": "",
    "constants.py": "HALF_LIFE = 2.0\n",
    "decay.py": """
        from memory._jit import kernel
        from memory.constants import HALF_LIFE

        @kernel
        def decayed(x):
            return x / HALF_LIFE
        """,
    "loop.py": """
        def run(x):
            for _ in range(3):
                x = advance(x)
            return x
        """,
    "weak.py": """
        from memory import loop
        from memory._jit import kernel, specialise
        from memory.decay import decayed

        @kernel
        def advance(x):
            return decayed(x) + 1.0

        run = specialise(loop.run, globals(), "run")
        """,
    "strong.py": """
        from memory import loop
        from memory._jit import kernel, specialise
        from memory.decay import decayed

        @kernel
        def advance(x):
            return decayed(x) + 100.0

        run = specialise(loop.run, globals(), "run")
        """,
}
RUN = "from memory import weak; print(weak.run(8.0), sum(weak.run.stats.cache_hits.values()))"
WITH_HALF_LIFE_2, WITH_HALF_LIFE_4 = "2.75", "1.4375"  # x = 8, three times x / half-life + 1


class Project:
    """A package `memory` in a folder of its own, and a cache folder beside it."""

    def __init__(self, folder: Path) -> None:
        self.package = folder / "memory"
        self.cache = folder / "cache"
        self.package.mkdir()
        shutil.copy(_jit.__file__, self.package / "_jit.py")
        for name, text in SOURCES.items():
            self.write(name, text)

    def write(self, name: str, text: str) -> None:
        lines = text.strip("\n").split("\n")
        indent = len(lines[0]) - len(lines[0].lstrip())
        (self.package / name).write_text("\n".join(line[indent:] for line in lines) + "\n")

    def start(self, code: str, **environment: str) -> subprocess.Popen[str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("ENGRAM_", "NUMBA_"))}
        paths = {"PYTHONPATH": str(self.package.parent), "ENGRAM_CACHE_DIR": str(self.cache)}
        return subprocess.Popen(
            [sys.executable, "-c", code],
            env=inherited | paths | environment,
            cwd=self.package.parent,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def session(self, code: str = RUN, **environment: str) -> tuple[list[str], str]:
        """The words that a fresh session prints, and its standard error."""
        process = self.start(code, **environment)
        out, error = process.communicate(timeout=120)
        assert process.returncode == 0, error
        return out.split(), error

    def kept(self) -> list[Path]:
        return sorted(path for path in self.cache.rglob("*.nb?"))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_a_kernel_follows_a_constant_in_another_file(project):
    compiled, said = project.session()
    assert compiled == [WITH_HALF_LIFE_2, "0"]
    assert said.startswith("engram: compiling") and said.count("\n") == 1

    loaded, said = project.session()
    assert loaded == [WITH_HALF_LIFE_2, "1"]
    assert said == ""

    project.write("constants.py", "HALF_LIFE = 4.0")
    assert project.session()[0] == [WITH_HALF_LIFE_4, "0"]
    project.write("constants.py", "HALF_LIFE = 2.0")
    assert project.session()[0] == [WITH_HALF_LIFE_2, "1"]


def test_models_that_share_a_template_keep_their_own_code(project):
    code = "from memory import weak, strong; print(weak.run(8.0), strong.run(8.0), {})"
    hits = "len(weak.run.stats.cache_hits), len(strong.run.stats.cache_hits)"
    assert project.session(code.format(hits))[0] == ["2.75", "176.0", "0", "0"]
    assert project.session(code.format(hits))[0] == ["2.75", "176.0", "1", "1"]


def test_a_parameter_class_that_no_later_session_would_find_is_named(project):
    project.write(
        "model.py",
        """
        from collections import namedtuple
        from memory._jit import kernel

        PARAMETERS = namedtuple("Parameters", ["tau"])

        @kernel
        def decayed(parameters, x):
            return x / parameters.tau
        """,
    )
    code = "from memory.model import PARAMETERS, decayed; print(decayed(PARAMETERS(2.0), 8.0))"
    words, said = project.session(code)
    assert words == ["4.0"]
    assert "RuntimeWarning: engram cannot keep the compiled decayed: memory.model has no Parameters" in said
    assert "Name the class after its variable." in said
    assert project.kept() == []


def test_numba_itself_is_left_as_it_was(project, tmp_path):
    code = """
import os, numba
environment = dict(os.environ)
from memory import weak
weak.run(8.0)
print(numba.config.CACHE_DIR, os.environ == environment)
"""
    words, _ = project.session(code, NUMBA_CACHE_DIR=str(tmp_path / "other"))
    assert words == [str(tmp_path / "other"), "True"]
    assert not (tmp_path / "other").exists()
    assert project.kept()


def test_without_a_writable_folder_kernels_work_and_one_sentence_says_so(project, tmp_path):
    (tmp_path / "file").write_text("")
    words, said = project.session(ENGRAM_CACHE_DIR=str(tmp_path / "file" / "cache"))
    assert words == [WITH_HALF_LIFE_2, "0"]
    assert said.count("RuntimeWarning: engram cannot keep its compiled kernels") == 1
    assert "set the environment variable ENGRAM_CACHE_DIR to a folder you can write to" in said
    assert not list(tmp_path.rglob("*.nb?"))


@pytest.mark.skipif(sys.platform == "win32", reason="limits of a process are POSIX")
def test_a_full_disk_costs_the_cache_and_nothing_else(project):
    code = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)); {RUN}"
    words, said = project.session(code)
    assert words == [WITH_HALF_LIFE_2, "0"]
    assert said.count("RuntimeWarning: engram cannot keep its compiled kernels") == 1


def test_damaged_files_are_compiled_anew(project):
    project.session()
    assert project.kept()
    for path in project.kept():
        path.write_bytes(path.read_bytes()[:20])
    assert project.session(ENGRAM_QUIET="1") == ([WITH_HALF_LIFE_2, "0"], "")
    assert min(path.stat().st_size for path in project.kept()) > 20


def test_sessions_that_compile_at_the_same_time_do_not_mix_their_code(project):
    hits = "sum(weak.run.stats.cache_hits.values())"
    code = f"from memory import weak; print(*(weak.run(x) for x in ({{}})), {hits})"
    processes = [project.start(code.format(x)) for x in ("8.0,", "8j,")]
    for process in processes:
        _, error = process.communicate(timeout=120)
        assert process.returncode == 0, error
    assert project.session(code.format("8.0, 8j"))[0] == ["2.75", "(1.75+1j)", "2"]
    # no file is shared: an index and the code for each of two signatures of three kernels
    assert [path.suffix for path in project.kept()].count(".nbi") == 6
    assert len(project.kept()) == 12


def test_code_of_files_changed_while_a_session_runs_is_not_kept(project):
    code = f"""
import memory._jit
from pathlib import Path
Path({str(project.package / "constants.py")!r}).write_text("HALF_LIFE = 4.0  # longer")
{RUN}
"""
    assert project.session(code)[0] == [WITH_HALF_LIFE_4, "0"]
    project.write("constants.py", "HALF_LIFE = 2.0")
    assert project.session()[0] == [WITH_HALF_LIFE_2, "0"]


def test_a_rule_from_a_script_is_never_kept(project):
    (project.package.parent / "rule.py").write_text(
        "from memory._jit import kernel\n\n@kernel\ndef advance(x):\n    return x + 1.0\n"
    )
    code = """
from memory import loop
from memory._jit import specialise
from rule import advance
run = specialise(loop.run, {"__name__": "memory.loop", "advance": advance}, "mine")
print(run(8.0))
"""
    assert project.session(code)[0] == ["11.0"]
    assert project.kept() == []


def test_without_compilation_kernels_are_plain_functions(project):
    code = "from memory import weak; print(weak.run(8.0))"
    assert project.session(code, NUMBA_DISABLE_JIT="1")[0] == [WITH_HALF_LIFE_2]
    assert project.kept() == []


def test_old_versions_are_dropped_and_nothing_else(tmp_path, monkeypatch):
    monkeypatch.setenv("ENGRAM_CACHE_DIR", str(tmp_path))
    now, day = time.time(), 86400
    ages = {"photos": 31 * day, "kernels-old": 31 * day} | {f"kernels-{days}": days * day for days in range(1, 10)}
    for name, age in ages.items():
        (tmp_path / name).mkdir()
        os.utime(tmp_path / name, (now - age, now - age))
    assert _jit._ready(_jit.cache_directory())
    newest = {f"kernels-{days}" for days in range(1, 8)}
    assert {path.name for path in tmp_path.iterdir()} == newest | {_jit.cache_directory().name, "photos"}


def test_clear_cache_frees_every_version_and_nothing_else(tmp_path, monkeypatch):
    monkeypatch.setenv("ENGRAM_CACHE_DIR", str(tmp_path))
    assert _jit.cache_directory().parent == tmp_path
    for name in (_jit.cache_directory().name, "kernels-another", "photos"):
        (tmp_path / name / "deep").mkdir(parents=True)
        (tmp_path / name / "deep" / "file").write_bytes(bytes(1000))
    assert _jit.clear_cache() == 2000
    assert _jit.clear_cache() == 0
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]


def test_clear_cache_of_a_folder_that_is_not_there_frees_nothing(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "none", tmp_path / "file", tmp_path / "file" / "none"):
        monkeypatch.setenv("ENGRAM_CACHE_DIR", str(folder))
        assert _jit.clear_cache() == 0


def test_specialise_refuses_what_it_cannot_copy():
    def outer(y: float) -> object:
        def inner(x: float) -> float:
            return x + y

        return inner

    with pytest.raises(TypeError, match="uses y of the function around it; define it at module level"):
        _jit.specialise(outer(1.0), {"__name__": "engram"}, "inner")
    with pytest.raises(TypeError, match="needs a plain Python function as template, got <built-in function len>"):
        _jit.specialise(len, {"__name__": "engram"}, "len")
