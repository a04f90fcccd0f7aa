"""Spreading independent calls over the cores of this machine, or of a cluster.

A *block* is a run of calls that one worker does in a row, so that handing it over costs next to nothing. The
answers come back in the order of the calls, whatever the block size and the number of workers, so nothing
computed from them depends on either. The backend is joblib's: `joblib.parallel_config(backend="dask")` around
a study spreads it over a cluster.

Ctrl-C belongs to the process that was asked: workers never see it, and print nothing of it.
"""

import signal
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

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

    def each(
        self,
        label: str,
        call: Callable[..., Answer],
        arguments: Sequence[tuple[Any, ...]],
        *,
        weight: float = 1.0,
        before: int = 0,
    ) -> Iterator[Answer]:
        """call(*arguments[k]) for every k, in order, each given out once it and all before it are known.

        A call costs `weight` replications; `before` calls of this label were made already.
        """
        total = before + len(arguments)
        for done, answer in enumerate(self._each(call, arguments, self.seconds * weight), before + 1):
            self.progress(label, done, total)
            yield answer

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
            with interrupts.ignored():
                answers = workers(
                    joblib.delayed(_block)(call, part) for part in interrupts.until_asked(parts)
                )
            for block in answers:
                yield from block


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

    @contextmanager
    def ignored(self) -> Iterator[None]:
        """A process started in here ignores Ctrl-C for good, from its first line on."""
        before = signal.signal(signal.SIGINT, signal.SIG_IGN) if self._ours else None
        try:
            yield
        finally:
            if self._ours:
                signal.signal(signal.SIGINT, before)

    def until_asked(self, parts: Iterable[Part]) -> Iterator[Part]:
        """The parts, up to the moment of a Ctrl-C."""
        for part in parts:
            if self._asked:
                return
            yield part


def cores() -> int:
    """How many cores this process may use."""
    import joblib

    return int(joblib.cpu_count())
