"""The packages as a user gets them: imported from their own place, light, and upgraded as a wheel."""

import importlib
import math
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
PACKAGES = ("engram", "theory", "fits")
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check")

# a kernel in one file (the event loop) calls this line in another one
STATEMENT = "fractions[node] = -np.expm1(exponent * logs[node])"
HALVED = "fractions[node] = -0.5 * np.expm1(exponent * logs[node])"
STRENGTH = """
import engram
protocol = engram.Protocol(engram.Encode("scene", at=0, strength=0.4), engram.Test("scene", at=engram.hour))
print(engram.__file__)
print(engram.EncodingOnly().run(protocol).strength("scene", at=engram.hour))
"""


def run(*command: object, **environment: str) -> str:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "ENGRAM_"))}
    done = subprocess.run(
        [str(word) for word in command],
        env=inherited | environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.parametrize("name", PACKAGES)
def test_each_package_is_this_project_s_own(name):
    assert Path(importlib.import_module(name).__file__) == PROJECT / name / "__init__.py"


def test_importing_engram_loads_nothing_heavy():
    code = "import sys, engram; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = set(run(sys.executable, "-c", code, PYTHONPATH=str(PROJECT)).split())
    assert "engram" in loaded
    assert not loaded & {
        "numba",
        "llvmlite",
        "numpy",
        "scipy",
        "pandas",
        "sympy",
        "matplotlib",
        "fits",
        "theory",
    }


@pytest.fixture(scope="module")
def wheels(tmp_path_factory):
    """Wheels of an older build, whose kernels give half the strength, and of this one."""
    built = []
    for version in ("0.0.1", None):
        tree = tmp_path_factory.mktemp("tree")
        for name in PACKAGES:
            shutil.copytree(PROJECT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("pyproject.toml", "LICENSE", "README.md"):
            if (PROJECT / name).exists():
                shutil.copy(PROJECT / name, tree)
        if version is not None:
            replace(tree / "pyproject.toml", 'version = "0.1.0"', f'version = "{version}"')
            replace(tree / "engram" / "consolidation" / "state.py", STATEMENT, HALVED)
        run(*PIP, "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", tree, tree)
        built += tree.glob("*.whl")
    return built


def replace(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{file.name} should hold {old!r} once: name another line to change"
    file.write_text(text.replace(old, new), encoding="utf-8")


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """The Python of a fresh environment that borrows only the dependencies of this one."""
    environment = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", "--without-pip", environment)
    python = environment / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    packages = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip()
    borrowed = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (Path(packages) / "dependencies.pth").write_text("\n".join(sorted(borrowed)))
    return python


def test_the_wheel_holds_the_packages_and_what_they_read(wheels):
    names = set(zipfile.ZipFile(wheels[-1]).namelist())
    tops = {name.partition("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == set(PACKAGES)
    for package in PACKAGES:
        assert f"{package}/py.typed" in names
    wanted = [PROJECT / "fits" / name for name in ("studies", "templates", "stored")]
    data = {str(path.relative_to(PROJECT)) for folder in wanted for path in folder.rglob("*.*") if path.is_file()}
    assert {Path(name).suffix for name in data} >= {".toml", ".html", ".csv", ".json"}
    assert data <= names


def test_an_upgrade_compiles_once_and_forgets_the_numbers_of_the_older_build(wheels, python, tmp_path):
    install = ("--python", python, "install", "--quiet", "--no-deps", "--no-index")
    strengths = []
    for wheel in wheels:
        run(*PIP, *install, wheel)
        file, strength = run(python, "-I", "-c", STRENGTH, ENGRAM_CACHE_DIR=str(tmp_path)).split()
        assert Path(file).is_relative_to(Path(python).parents[1])
        strengths.append(float(strength))
    older, newer = strengths
    assert newer == pytest.approx(0.4 * math.exp(-3600 / 6884), rel=1e-12)
    assert older == pytest.approx(0.5 * newer, rel=1e-12)
    assert len(list(tmp_path.glob("kernels-*"))) == 2

    compiled = sorted(tmp_path.rglob("*.nbc"))
    run(python, "-I", "-c", STRENGTH, ENGRAM_CACHE_DIR=str(tmp_path))
    assert sorted(tmp_path.rglob("*.nbc")) == compiled, "a second session compiled what the first had kept"
