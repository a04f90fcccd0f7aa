"""Functions that call one another, compiled together by numba: once, for a few that are called from Python.

What one of them costs to compile is mostly what it calls, again: its callees are put into it and made into
machine code with it. So as little as possible is compiled:

* Only *entries* are called from Python. The others get no code that unpacks Python's objects, which for a
  record of twenty arrays is longer than most of the functions.
* A number that is known beforehand, as the 0 in `place = 0`, has for numba a type of its own, and a function
  that is called with it would be compiled once more. Here it is a number like any other.
* The machine code of the entries is kept for the next process, next to the source. numba looks whether the
  file of the entry has changed, not whether another has, whose functions are part of it: a change there would
  be ignored. Hence every function is said to stand in the file that changed last.
"""

import os
import types
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any


def compiled_together(names: Mapping[str, Any], *, entries: Collection[str]) -> dict[str, Any]:
    """The names with their functions compiled, `entries` to be called; ImportError without numba.

    `names` has everything that the functions mention: functions by their names, and constants.
    """
    import numba

    functions = {name: each for name, each in names.items() if isinstance(each, types.FunctionType)}
    assert functions.keys() >= set(entries), sorted(set(entries) - functions.keys())
    changed_last = last_changed(each.__code__.co_filename for each in functions.values())
    # With the name of a module numba finds its way back from the machine code that was kept.
    namespace = {"__name__": functions[next(iter(entries))].__module__, **names}
    for name, function in functions.items():
        code = function.__code__.replace(co_filename=changed_last)
        is_entry = name in entries
        jit = numba.njit(cache=is_entry, nogil=True, no_cpython_wrapper=not is_entry, no_cfunc_wrapper=True)
        namespace[name] = _once(jit(types.FunctionType(code, namespace, name)), numba.types.unliteral)
    return namespace


def last_changed(paths: Iterable[str]) -> str:
    """Of these files the one that was changed last."""
    return max(set(paths), key=lambda path: (os.stat(path).st_mtime_ns, path))


def _once(function: Any, plain_type: Callable[[Any], Any]) -> Any:
    """The function, asking of numba one version for all numbers where it is called by another."""
    found = function.get_call_template
    function.get_call_template = lambda args, kws: found(
        tuple(map(plain_type, args)), {name: plain_type(each) for name, each in kws.items()}
    )
    return function
