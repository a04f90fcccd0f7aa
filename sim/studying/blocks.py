"""Spreading independent calls over the cores of this machine, or of a cluster.

A *block* is a run of calls that one worker does in a row, so that handing it over costs next to nothing. The
answers come back in the order of the calls, whatever the block size and the number of workers, so nothing
computed from them depends on either. The backend is joblib's: within `cluster.joined` it is a Dask cluster.

Ctrl-C belongs to the process that was asked: workers never see it, and print nothing of it.
"""

import signal
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from sim.studying.keeping import Kept, Reader, as_it_is

Answer = TypeVar("Answer")
Part = TypeVar("Part")
Progress = Callable[[str, int, int], None]
"""Told what is going on, how much of it is done, and how much there is."""

BLOCK_S = 0.2
"""What a block should be worth: handing one over costs about 1 ms."""
WORTH_WORKERS_S = 1.5
"""Below this much work, starting workers costs more than it saves."""


@dataclass(slots=True)
class Crew:
    """Whoever does the work, and what a replication was seen to cost."""

    jobs: int
    """Workers."""
    progress: Progress
    seconds: float = 0.0
    """Of one replication; decides where and in which portions work is done, never what comes out."""

    kept: Kept | None = None
    """Answers of an earlier session, which are not computed again, and where new ones are kept."""

    def each(
        self,
        label: str,
        call: Callable[..., Answer],
        arguments: Sequence[tuple[Any, ...]],
        *,
        weight: float = 1.0,
        before: int = 0,
        here: int = 0,
        read: Reader = as_it_is,
    ) -> Iterator[Answer]:
        """call(*arguments[k]) for every k, in order, each given out once it and all before it are known.

        A call costs `weight` replications; `before` calls of this label were made already. Those numbered
        below `here` are made in this process, so that bad input is found early and the cost is known; `read`
        makes an answer of what JSON kept of it. A label stands for the same calls whenever it is asked.
        """
        done, total = before, before + len(arguments)
        if self.kept is not None:
            self.kept.use(label, before)
        for answer, is_new in self._answers(label, call, arguments, weight, before, here):
            if self.kept is not None:
                if is_new:
                    self.kept.add(label, done, answer)
                self.kept.use(label, done + 1)
            done += 1
            yield answer if is_new else read(answer)
            self.progress(label, done, total)  # told only once whoever asked has it

    def forget(self, label: str, answers: list[Any], beyond: int) -> None:
        """Drop answers made ahead of what was wanted; how many there are depends on the portions."""
        del answers[beyond:]
        if self.kept is not None:
            self.kept.use(label, beyond)

    def _answers(
        self,
        label: str,
        call: Callable[..., Answer],
        arguments: Sequence[tuple[Any, ...]],
        weight: float,
        before: int,
        here: int,
    ) -> Iterator[tuple[Any, bool]]:
        """Every answer, and whether it is new: the known ones, those made here, then those of the workers."""
        known = [] if self.kept is None else self.kept.known(label, before, before + len(arguments))
        yield from ((answer, False) for answer in known)
        rest = arguments[len(known) :]
        first = max(here - before - len(known), 0 if self.seconds else 1)
        for each in rest[:first]:
            yield timed(self, call, *each, weight=weight), True
        for answer in self._each(call, rest[first:], self.seconds * weight):
            yield answer, True

    def _each(
        self, call: Callable[..., Answer], arguments: Sequence[tuple[Any, ...]], seconds: float
    ) -> Iterator[Answer]:
        if self.jobs == 1 or len(arguments) < 2 or len(arguments) * seconds < WORTH_WORKERS_S:
            yield from (call(*each) for each in arguments)
            return
        import joblib

        # At least four blocks a worker, so that none is idle for long at the end.
        size = max(1, min(round(BLOCK_S / seconds), len(arguments) // (4 * self.jobs)))
        parts = (arguments[k : k + size] for k in range(0, len(arguments), size))
        workers = joblib.Parallel(
            n_jobs=self.jobs, return_as="generator", max_nbytes=None, pre_dispatch="3*n_jobs"
        )
        with _Interrupts() as interrupts:
            with ctrl_c_ignored():
                answers = workers(
                    joblib.delayed(_block)(call, part) for part in interrupts.until_asked(parts)
                )
            for block in answers:
                yield from block


def timed(crew: Crew, call: Callable[..., Answer], *arguments: Any, weight: float = 1.0) -> Answer:
    """call(*arguments), made here; the crew learns what a replication costs: a call costs `weight`."""
    began = time.perf_counter()
    answer = call(*arguments)
    spent = (time.perf_counter() - began) / weight
    crew.seconds = min(crew.seconds or spent, spent)
    return answer


def _block(call: Callable[..., Answer], arguments: Sequence[tuple[Any, ...]]) -> list[Answer]:
    return [call(*each) for each in arguments]


class _Interrupts:
    """Ctrl-C while workers work: nothing new is handed out, what is under way is awaited, then it is raised.

    Workers cannot be stopped half-way without leaving a mess, and a block takes a fraction of a second. Who
    is impatient presses again, which raises at once. Outside the main thread nothing is changed, since only
    the main thread may say what a signal does.
    """

    def __init__(self) -> None:
        self._asked = False
        self._before: Any = None
        self._ours = True

    def __enter__(self) -> "_Interrupts":
        try:
            self._before = signal.signal(signal.SIGINT, self._ask)
        except ValueError:
            self._ours = False
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._ours:
            signal.signal(signal.SIGINT, self._before)
        if self._asked and kind is None:
            raise KeyboardInterrupt

    def _ask(self, *_: object) -> None:
        if self._asked:
            raise KeyboardInterrupt
        self._asked = True

    def until_asked(self, parts: Iterable[Part]) -> Iterator[Part]:
        """The parts, up to the moment of a Ctrl-C."""
        for part in parts:
            if self._asked:
                return
            yield part


@contextmanager
def ctrl_c_ignored() -> Iterator[None]:
    """A process started in here ignores Ctrl-C for good, from its first line on."""
    try:
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    except ValueError:  # only the main thread may say what a signal does
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def cores() -> int:
    """How many cores this process may use."""
    import joblib

    return int(joblib.cpu_count())
