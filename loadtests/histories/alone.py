"""pyarrow in a process of ours: without pandas.

Before its first array pyarrow imports pandas, to know its objects if it is given any; that is a third of what
a command takes to judge a short history, and we give it none.
"""

import sys
from importlib.abc import MetaPathFinder
from typing import Any


class _Hidden(MetaPathFinder):
    """Stands before whatever finds modules, and finds no pandas."""

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> None:
        if fullname == "pandas":
            raise ModuleNotFoundError("pandas is not needed", name=fullname)


def without_pandas() -> None:
    """Let pyarrow look for pandas once, now, and find none; others may import it, before and after.

    For commands only: in a process that others share, pyarrow would no longer know their pandas objects.
    """
    if "pandas" in sys.modules:
        return
    hidden = _Hidden()
    sys.meta_path.insert(0, hidden)
    try:
        import pyarrow  # type: ignore[import-untyped]

        pyarrow.array([0]).to_numpy()  # it looks when it makes an array, and once more when it gives one back
    finally:
        sys.meta_path.remove(hidden)
