"""How every kernel of the library is compiled, and where the compiled code is kept.

A kernel is a plain function of arrays and scalars, compiled by numba with `nogil` and NumPy's error model,
never with `fastmath` or in parallel, so that the same numbers come out on one thread or many. The compiled
code is kept on disk and loaded by later sessions, in a folder whose name is a digest of

- every Python source file of `engram` (and of any other package the kernel, or one that it calls, stands in),
- the versions of Python, numba, llvmlite and NumPy, numba's optimisation and bounds-check settings,
- the name and the features of the processor.

numba itself looks only at the file a function stands in: with its plain `cache=True` a kernel goes on
returning the old numbers after a function it calls, or a constant, changes in another file (numba issue
1833). The digest removes that. The settings of numba itself are never touched.

Environment
-----------
ENGRAM_CACHE_DIR
    Folder to keep compiled kernels in, instead of the user's cache folder.
ENGRAM_QUIET
    Set to 1 for no message when kernels are compiled.
"""

import contextlib
import functools
import hashlib
import os
import platform
import shutil
import sys
import tempfile
import time
import types
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, ParamSpec, TypeVar

import llvmlite
import llvmlite.binding
import numba
import numpy
import platformdirs
from numba.core import caching

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")

_PREFIX = "kernels-"  # only folders of this name are ever deleted
_FOLDERS_KEPT = 8
_DAYS_KEPT = 30.0


def kernel(function: Callable[_Arguments, _Result]) -> Callable[_Arguments, _Result]:
    """Compile a function on its first call, and keep the compiled code for later sessions.

    Parameters
    ----------
    function : callable
        A module-level function in numba's subset of Python. What it calls must be module-level kernels too.

    Returns
    -------
    callable
        A numba dispatcher. It releases the GIL; division by zero gives inf or nan, as in NumPy.

    Warns
    -----
    RuntimeWarning
        Once, if the cache folder cannot be written: kernels work, but every session compiles them anew.

    Notes
    -----
    A function that stands in no package (a script, a notebook), or calls one, is compiled in every session:
    nothing would tell when a file next to it has changed.
    """
    # inlined, a kernel does not count references to the arrays it is handed: a quarter of the event loop's time
    dispatcher = numba.njit(nogil=True, error_model="numpy", forceinline=True)(function)
    folder = _folder(function)
    # with NUMBA_DISABLE_JIT=1 the "dispatcher" is the function itself
    if folder is not None and hasattr(dispatcher, "enable_caching") and _ready(folder):
        try:
            cache = _KernelCache(function)
        except (RuntimeError, OSError) as error:
            _warn_uncached(folder, error)
        else:
            # a locator set by NUMBA_CACHE_LOCATOR_CLASSES would bring back stale code
            if folder in Path(cache.cache_path).parents:
                dispatcher._cache = cache
    return dispatcher


def specialise(template: Callable[..., Any], namespace: dict[str, Any], name: str) -> Callable[..., Any]:
    """Compile a copy of a plain function that looks up its global names in another module.

    A template that calls `advance` becomes, for each model, an event loop calling that model's own `advance`:
    a call from compiled to compiled code, cached on disk, which a function passed as an argument is not.

    Parameters
    ----------
    template : callable
        A plain module-level function, not compiled and without free variables.
    namespace : dict
        The globals of the copy, which must hold the kernels it calls already: those that stand in another
        package, or in a script, are looked up here, so that their changes count.
    name : str
        Name of the copy. With the name of the module it must be unique.

    Returns
    -------
    callable
        The compiled copy, as from `kernel`.

    Raises
    ------
    TypeError
        If the template is already compiled, or is a closure.
    """
    if not isinstance(template, types.FunctionType):
        raise TypeError(f"specialise needs a plain Python function as template, got {template!r}.")
    if template.__code__.co_freevars:
        outer = ", ".join(template.__code__.co_freevars)
        raise TypeError(
            f"The template {template.__qualname__} uses {outer} of the function around it; define it at module level."
        )
    copy = types.FunctionType(template.__code__, namespace, name, template.__defaults__)
    copy.__module__ = namespace["__name__"]
    # numba names the cached file after this and the template's line: models must not share one
    copy.__qualname__ = f"{copy.__module__}.{name}"
    copy.__doc__ = template.__doc__
    return kernel(copy)


def cache_directory() -> Path:
    """Folder of the compiled kernels of this version of engram on this computer.

    It stands in the folder named by `ENGRAM_CACHE_DIR`, otherwise in the user's cache folder, beside the
    folders of other versions; it need not exist yet.
    """
    return _root() / (_PREFIX + _ENGRAM.digest)


def clear_cache() -> int:
    """Delete the compiled kernels of every version of engram from the cache folder.

    Kernels already loaded in a running session go on working; they are compiled again in the next one.

    Returns
    -------
    int
        Bytes freed.
    """
    freed = 0
    for folder in _folders(_root()):
        before = _size(folder)
        shutil.rmtree(folder, ignore_errors=True)
        freed += before - _size(folder)
    _ready.cache_clear()
    return freed


class _Sources(NamedTuple):
    """The Python files of a package, as they were when it was first imported."""

    digest: str
    stamps: tuple[tuple[str, int, int], ...]  # path, time of change in ns, size in bytes

    def unchanged(self) -> bool:
        """Whether the digest still holds: code imported from files changed since must not be kept."""
        try:
            return all(_stamp(path) == (path, changed, size) for path, changed, size in self.stamps)
        except OSError:
            return False


def _stamp(path: str) -> tuple[str, int, int]:
    status = os.stat(path)
    return path, status.st_mtime_ns, status.st_size


@functools.cache
def _sources(package: str) -> _Sources | None:
    """Read the sources of a top-level package; None for what is not a package or has no source files."""
    module = sys.modules.get(package)
    file = getattr(module, "__file__", None)
    if file is None or not hasattr(module, "__path__"):
        return None
    top = Path(file).parent.absolute()
    digest = hashlib.sha256()
    stamps = []
    for path in sorted(top.rglob("*.py")):
        stamps.append(_stamp(str(path)))
        content = path.read_bytes()
        digest.update(f"{path.relative_to(top).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    if not stamps:
        return None
    digest.update(_platform().encode())
    return _Sources(digest.hexdigest()[:24], tuple(stamps))


@functools.cache
def _platform() -> str:
    """Everything but the sources that decides what machine code a kernel becomes."""
    python = (platform.python_implementation(), platform.python_version())
    libraries = (numba.__version__, llvmlite.__version__, numpy.__version__)
    settings = (str(numba.config.OPT), str(numba.config.BOUNDSCHECK))
    features = llvmlite.binding.get_host_cpu_features().flatten()
    machine = (llvmlite.binding.get_process_triple(), llvmlite.binding.get_host_cpu_name(), features)
    return "\n".join(python + libraries + settings + machine)


def _folder(function: Callable[..., Any]) -> Path | None:
    """Where a kernel is kept; None if it cannot be kept safely."""
    others = sorted(_packages(function) - {_OWN})
    parts = [_sources(package) for package in (_OWN, *others)]
    if any(part is None or not part.unchanged() for part in parts):
        return None
    return _root() / (_PREFIX + "-".join(part.digest for part in parts if part is not None))


def _packages(function: Callable[..., Any]) -> set[str]:
    """The top-level packages of a function and of the kernels that it calls, directly or not."""
    found, waiting, seen = set(), [function], set()
    while waiting:
        one = waiting.pop()
        found.add(one.__module__.partition(".")[0])
        values = [one.__globals__.get(name) for name in one.__code__.co_names]
        modules = [value for value in values if isinstance(value, types.ModuleType)]
        values += [vars(module).get(name) for module in modules for name in one.__code__.co_names]
        for value in values:
            called = getattr(value, "py_func", None)
            if isinstance(called, types.FunctionType) and called not in seen:
                seen.add(called)
                waiting.append(called)
    return found


def _root() -> Path:
    chosen = os.environ.get("ENGRAM_CACHE_DIR") or platformdirs.user_cache_dir("engram", appauthor=False)
    return Path(chosen).expanduser().absolute()


def _folders(root: Path) -> list[Path]:
    try:
        return [path for path in root.iterdir() if path.name.startswith(_PREFIX) and path.is_dir()]
    except OSError:
        return []


def _size(folder: Path) -> int:
    total = 0
    for directory, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(directory, name)).st_size
            except OSError:  # deleted meanwhile by another process
                continue
    return total


@functools.cache
def _ready(folder: Path) -> bool:
    """Make the folder and mark it as used now; if it is new, drop the folders of versions no longer used."""
    try:
        new = not folder.exists()
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
        os.utime(folder)
    except OSError as error:
        _warn_uncached(folder, error)
        return False
    if new:
        _prune(folder.parent)
    return True


def _prune(root: Path) -> None:
    """Delete all but the folders used last. A session still using one only has to compile again next time."""
    used = []
    for folder in _folders(root):
        try:
            used.append((folder.stat().st_mtime, folder))
        except OSError:  # deleted meanwhile by another process
            continue
    oldest = time.time() - _DAYS_KEPT * 86400
    for position, (when, folder) in enumerate(sorted(used, reverse=True)):
        if position >= _FOLDERS_KEPT or when < oldest:
            shutil.rmtree(folder, ignore_errors=True)


@functools.cache
def _warn_once(message: str) -> None:
    warnings.warn(message, RuntimeWarning, stacklevel=2)


def _warn_uncached(folder: Path, error: Exception) -> None:
    reason = getattr(error, "strerror", None) or error
    _warn_once(
        f"engram cannot keep its compiled kernels in {folder.parent} ({reason}), so every session compiles "
        "them anew: set the environment variable ENGRAM_CACHE_DIR to a folder you can write to."
    )


@functools.cache
def _announce() -> None:
    """Say, once per session, why the first call takes long."""
    if os.environ.get("ENGRAM_QUIET", "0") in ("", "0"):
        print(
            "engram: compiling, once per version on this computer, up to half a minute for each model ...",
            file=sys.stderr,
            flush=True,
        )


def _named_tuples(signature: Any) -> list[type]:
    """The NamedTuple classes among the types of a call's arguments."""
    return [kind.instance_class for kind in signature if isinstance(kind, numba.types.BaseNamedTuple)]


class _Locator(caching._CacheLocator):
    """Where numba keeps a kernel: in the folder of its version instead of beside its source."""

    def __init__(self, function: types.FunctionType, file: str) -> None:
        folder = _folder(function)
        if folder is None:
            raise RuntimeError(f"the sources of {function.__module__} changed while it was imported")
        self._folder = folder
        self._line = function.__code__.co_firstlineno
        self._py_file = file  # named in a warning of numba's

    @classmethod
    def from_function(cls, function: types.FunctionType, file: str) -> "_Locator":
        locator = cls(function, file)
        locator.ensure_cache_path()
        return locator

    def get_cache_path(self) -> str:
        return str(self._folder / self.get_suitable_cache_subpath(self._py_file))

    def get_source_stamp(self) -> str:
        return self._folder.name

    def get_disambiguator(self) -> str:
        return str(self._line)


class _Implementation(caching.CompileResultCacheImpl):
    _locator_classes = (_Locator,)


class _KernelCache(caching.FunctionCache):
    """numba's cache of one kernel, safe with several processes, damaged files and a full disk."""

    _impl_class = _Implementation
    _cache_file: Any

    def load_overload(self, signature: Any, target_context: Any) -> Any:
        self._select(signature)
        try:
            found = super().load_overload(signature, target_context)
        except Exception:  # whatever a damaged file does: compile again, and write it again
            found = None
            with contextlib.suppress(OSError):
                self.flush()
        if found is None:
            _announce()
        return found

    def save_overload(self, signature: Any, data: Any) -> None:
        for made in _named_tuples(signature):
            if getattr(sys.modules.get(made.__module__), made.__qualname__, None) is not made:
                # a later session would read the class as another one and never find its code
                _warn_once(
                    f"engram cannot keep the compiled {self._py_func.__name__}: {made.__module__} has no "
                    f"{made.__qualname__}, the type of its argument. Name the class after its variable."
                )
                return
        self._select(signature)
        try:
            super().save_overload(signature, data)
        except OSError as error:  # for example a full disk
            _warn_uncached(Path(self.cache_path).parent, error)

    def _select(self, signature: Any) -> None:
        # numba keeps all signatures of a function under one index, where two processes that compile different
        # ones at the same time may exchange their code. numba's compiler lock is held here.
        classes = [f"{made.__module__}.{made.__qualname__}" for made in _named_tuples(signature)]
        name = hashlib.sha256(f"{signature} {classes}".encode()).hexdigest()[:16]
        self._cache_file = caching.IndexDataCacheFile(
            cache_path=self.cache_path,
            filename_base=f"{self._impl.filename_base}-{name}",
            source_stamp=self._cache_file._source_stamp,
        )


_OWN = __name__.partition(".")[0]
_ENGRAM = _sources(_OWN) or _Sources("unknown", ())  # read before the modules with kernels
