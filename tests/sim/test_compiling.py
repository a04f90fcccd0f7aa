"""Functions compiled together: what is compiled, and when it is compiled again."""

import os
from pathlib import Path
from typing import Any

import pytest

from sim.engine.compiling import compiled_together

pytest.importorskip("numba", reason="numba, the extra `fast`, is not installed")

WALK = """\
def walk(many):
    place = 0
    while place < many:
        place = step(place)
    return place
"""
STEP = "def step(place):\n    return place + {by}\n"


def names_of(path: Path, text: str, changed: int) -> dict[str, Any]:
    """What a file of this text defines, said to have been changed at that second."""
    path.write_text(text, "utf-8")
    os.utime(path, (changed, changed))
    names: dict[str, Any] = {}
    exec(compile(text, path, "exec"), names)
    return names


def compiled(folder: Path, *, by: int, changed: int) -> dict[str, Any]:
    """`walk` of a file that never changes, with the `step` of another."""
    names = names_of(folder / "walk.py", WALK, 1_000) | names_of(
        folder / "step.py", STEP.format(by=by), changed
    )
    return compiled_together(names, entries=("walk",))


def test_a_change_in_a_file_that_is_called_is_seen(tmp_path: Path) -> None:
    assert compiled(tmp_path, by=3, changed=2_000)["walk"](10) == 12
    kept = compiled(tmp_path, by=3, changed=2_000)["walk"]
    assert (kept(10), sum(kept.stats.cache_hits.values())) == (12, 1)
    assert compiled(tmp_path, by=7, changed=3_000)["walk"](10) == 14


def test_a_number_that_is_known_beforehand_is_no_reason_to_compile_again(tmp_path: Path) -> None:
    made = compiled(tmp_path, by=3, changed=2_000)
    made["walk"](10)
    assert len(made["step"].signatures) == 1
