"""What a run has done so far, seen from outside: the workers' rows are read while they are written.

So the figures are those of the record itself, of all workers that share this disk, also of one that died.
"""

import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from loadtests import signs
from loadtests.protocol import ANSWERS, OPS
from loadtests.recorder import MARK, ROW, ROW_BYTES


@dataclass(eq=False)
class Watch:
    """Counts that grow from look to look."""

    folder: Path
    late_ns: int
    sent: int = 0
    answered: int = 0
    late: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    last_ns: int = 0
    """The latest invocation or completion seen, by the clock of its host."""

    def __post_init__(self) -> None:
        self._begun: dict[Path, int] = {}  # rows whose invocation was counted
        self._open: dict[Path, NDArray[np.int64]] = {}  # rows that were not completed at the last look

    @property
    def unmatched(self) -> int:
        """Answers that no rule of the profile matches."""
        return sum(count for name, count in self.outcomes.items() if name.endswith("unmatched"))

    def look(self) -> None:
        """Count what has come since the last look."""
        for path in self.folder.glob("*.rows"):
            self._look_at(path)
        self.hear()

    def hear(self) -> None:
        """Take the counts of the master, where the records are on other hosts until the end."""
        said = signs.progress(self.folder.parent)
        if said is not None and said["sent"] >= self.sent:
            self.sent, self.late = said["sent"], said["late"]
            self.answered = self.sent - said["in_flight"]
            self.outcomes = Counter(
                {name.removeprefix("claim "): count for name, count in said["answers"].items()}
            )

    def _look_at(self, path: Path) -> None:
        begun = self._begun.get(path, 0)
        waiting = self._open.get(path, np.empty(0, dtype=np.int64))
        first = int(waiting[0]) if len(waiting) else begun
        with path.open("rb") as file:
            room = os.fstat(file.fileno()).st_size // ROW_BYTES
            rows = np.fromfile(file, dtype=ROW, offset=first * ROW_BYTES, count=room - first)
        is_begun = rows["invoked"] == MARK
        whole = len(rows) if is_begun.all() else int(np.argmin(is_begun))
        rows = rows[:whole]
        new = rows[begun - first :]
        if len(new):
            self.sent += len(new)
            self.late += int((new["invoked_ns"] - new["due_ns"] > self.late_ns).sum())
            self.last_ns = max(self.last_ns, int(new["invoked_ns"].max()))
        numbers = np.concatenate([waiting, np.arange(begun, first + whole, dtype=np.int64)])
        seen = rows[numbers - first]
        is_done = seen["completed"] == MARK
        done = seen[is_done]
        if len(done):
            self.answered += len(done)
            self.last_ns = max(self.last_ns, int(done["completed_ns"].max()))
            kinds = done["op"].astype(np.int64) * 256 + done["answer"].astype(np.uint8)
            for kind, count in zip(
                *(part.tolist() for part in np.unique(kinds, return_counts=True)), strict=True
            ):
                op, answer = divmod(kind, 256)
                word = ANSWERS[answer] if answer < len(ANSWERS) else "done"
                self.outcomes[word if OPS[op] == "claim" else f"{OPS[op]} {word}"] += count
        self._begun[path] = first + whole
        self._open[path] = numbers[~is_done]
