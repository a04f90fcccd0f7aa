"""What a study has finished, kept as it goes, so that it can be continued after it was stopped or killed.

A study asks its calls in *stages* (replications, replications with assumptions drawn, ...), those of a stage
in the order of their numbers. Every answer is a pure function of the question, so one that is kept need never
be computed again. The file, `finished.jsonl.gz`, holds one line an answer: [stage, number, answer], floats
with all their digits. While the study runs each line is a gzip member of its own, appended: after a kill the
file is whole up to the line that was being written. At the end it is written anew, stage by stage, with the
answers that the result rests on and no others, so that it does not tell in what order they were made.

Only one process may keep to a folder at a time; the system gives the folder free when that process dies.
"""

import gzip
import io
import json
import os
import zlib
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import numpy as np

from sim.errors import complaint

FILE: Final = "finished.jsonl.gz"
WHILE_RUNNING, AT_THE_END = 1, 6
"""Levels of compression: quick, then small."""


class Kept:
    """The answers of one study: those of an earlier session are known, new ones are added to the file."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._lines: dict[str, list[str]] = {}
        self._used: dict[str, int] = {}
        self._lock = _locked(folder)
        found, is_whole = _lines_of(self._path)
        for line in found:
            stage, number, _ = json.loads(line)
            lines = self._lines.setdefault(stage, [])
            assert number == len(lines), (stage, number, len(lines))
            lines.append(line)
        self._first = {stage: len(lines) for stage, lines in self._lines.items()}
        if not is_whole:
            self._write(self._first, WHILE_RUNNING)  # without the torn end
        self._file = self._path.open("ab")

    def count(self, stage: str) -> int:
        """How many answers of a stage are known."""
        return len(self._lines.get(stage, ()))

    def known(self, stage: str, first: int, to: int) -> list[Any]:
        """The answers of a stage from number `first` up to `to`, those known, as JSON holds them."""
        return [json.loads(line)[2] for line in self._lines.get(stage, [])[first:to]]

    def add(self, stage: str, number: int, answer: Any) -> None:
        """Keep an answer; those of a stage come in order."""
        lines = self._lines.setdefault(stage, [])
        assert number == len(lines), (stage, number, len(lines))
        line = text_of([stage, number, answer]) + "\n"
        lines.append(line)
        self._file.write(gzip.compress(line.encode(), WHILE_RUNNING, mtime=0))
        self._file.flush()

    def use(self, stage: str, count: int) -> None:
        """The result rests on the first `count` answers of a stage; of stages never named, on none."""
        self._used[stage] = count

    def settle(self) -> None:
        """The result is known: the file is written as it shall stay."""
        self._file.close()
        self._write({stage: self._used[stage] for stage in sorted(self._used)}, AT_THE_END)

    def undo(self) -> None:
        """The result is not wanted: the file is again as it was settled before."""
        self._file.close()
        self._write(self._first, AT_THE_END)

    def __enter__(self) -> "Kept":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        if self._lock is not None:
            os.close(self._lock)

    def _write(self, counts: dict[str, int], level: int) -> None:
        """So many answers of each stage as one gzip member, in place of the file."""
        temporary = self._path.with_name(self._path.name + ".unfinished")
        with temporary.open("wb") as raw, gzip.GzipFile("", "wb", level, raw, mtime=0) as file:
            for stage, count in counts.items():
                file.writelines(line.encode() for line in self._lines.get(stage, [])[:count])
        os.replace(temporary, self._path)


def answers(folder: Path, stage: str) -> list[Any]:
    """The answers of one stage that a folder holds."""
    found = (json.loads(line) for line in _lines_of(folder / FILE)[0])
    return [answer for its, _, answer in found if its == stage]


def text_of(answer: Any) -> str:
    """An answer as JSON, all digits of every float: two answers are the same bits if these texts are."""
    return json.dumps(answer, default=_plain, separators=(",", ":"))


def as_it_is(answer: Any) -> Any:
    """How an answer is read back that JSON holds as it is."""
    return answer


Reader = Callable[[Any], Any]


def _lines_of(path: Path) -> tuple[list[str], bool]:
    """The lines of the file up to the first that is torn, and whether there is no such line."""
    text, is_whole = io.BytesIO(), True
    try:
        with gzip.open(path) as file:
            while piece := file.read1(1 << 20):
                text.write(piece)
    except FileNotFoundError:
        return [], True
    except (EOFError, gzip.BadGzipFile, zlib.error):
        is_whole = False  # killed while a line was being written
    lines = text.getvalue().decode("utf-8", "ignore").splitlines(keepends=True)
    return [each for each in lines if each.endswith("\n")], is_whole


def _plain(value: Any) -> Any:
    """NumPy's numbers and arrays as JSON has them."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    raise TypeError(f"{value!r} cannot be kept")


def _locked(folder: Path) -> int | None:
    """The folder, held for this process; None where the system has no such locks."""
    try:
        import fcntl
    except ImportError:
        return None
    held = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(held)
        raise complaint(
            "another process is still working on this run",
            file=str(folder),
            mend="wait until it ends, or end it; what it has finished stays",
        ) from None
    return held
