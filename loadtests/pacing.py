"""Open loop: everything leaves at its due time, however slow the answers are.

An *alarm* wakes a greenlet at a moment of CLOCK_MONOTONIC. Linux has timerfd, which gevent's hub can watch:
the median error is some 40 us without spinning. Elsewhere the event loop's own timer has to do; it rounds to
about a millisecond, and the lateness that was achieved is printed at the end of a run.

The *conductor* owns a timetable: a stream of items in the order of their due times, and whatever is put on it
later by `at`. At its due time an item is fired, in the conductor's own greenlet, so nothing is handed over
and nothing waits for a scheduler; firing must therefore never wait. In the slack between two due times the
next items are fetched ahead, which is when requests are encoded.
"""

import contextlib
import ctypes
import heapq
import os
import struct
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, Final, Protocol

import gevent

AHEAD: Final = 4_000
"""Items fetched ahead of their due time: enough for a burst to find its requests encoded."""
SLICE: Final = 8
"""Items fetched at a time; in between the clock is looked at."""
SLACK_NS: Final = 400_000
"""With less time than this before the next item nothing is fetched."""
RUN: Final = 8
"""Due items fired in a row before answers get their turn. Without that, answers would be read late; with a
smaller number a burst leaves late."""
NEVER: Final = 2**63 - 1

_TFD_NONBLOCK: Final = 0o4000
_TFD_CLOEXEC: Final = 0o2000000
_TFD_TIMER_ABSTIME: Final = 1
_CLOCK_MONOTONIC: Final = 1


class Alarm(Protocol):
    """Wakes one greenlet at a set moment. Setting it anew, from another greenlet too, moves the moment."""

    name: str

    def set(self, due_ns: int) -> None:
        """Ring at this moment of CLOCK_MONOTONIC; at once if it has passed, not at all for NEVER."""

    def wait(self) -> None:
        """Sleep until it rings."""

    def close(self) -> None: ...


class KernelAlarm:
    """timerfd, watched by gevent's hub: os.timerfd_create from Python 3.13 on, ctypes below."""

    name = "timerfd"

    def __init__(self) -> None:
        if sys.version_info >= (3, 13):
            self._fd = os.timerfd_create(time.CLOCK_MONOTONIC, flags=os.TFD_NONBLOCK | os.TFD_CLOEXEC)
        else:
            self._libc = ctypes.CDLL(None, use_errno=True)
            self._fd = self._libc.timerfd_create(_CLOCK_MONOTONIC, _TFD_NONBLOCK | _TFD_CLOEXEC)
            if self._fd < 0:
                raise OSError(ctypes.get_errno(), "timerfd_create")
        self._watcher = gevent.get_hub().loop.io(self._fd, 1)

    def set(self, due_ns: int) -> None:
        # 0 would switch it off, and a moment in the past rings at once
        due_ns = 0 if due_ns == NEVER else max(due_ns, 1)
        if sys.version_info >= (3, 13):
            os.timerfd_settime_ns(self._fd, flags=os.TFD_TIMER_ABSTIME, initial=due_ns)
        else:
            spec = struct.pack("qqqq", 0, 0, *divmod(due_ns, 1_000_000_000))
            if self._libc.timerfd_settime(self._fd, _TFD_TIMER_ABSTIME, spec, None) < 0:
                raise OSError(ctypes.get_errno(), "timerfd_settime")

    def wait(self) -> None:
        gevent.get_hub().wait(self._watcher)
        with contextlib.suppress(BlockingIOError):  # it rang, and was set anew before anybody looked
            os.read(self._fd, 8)

    def close(self) -> None:
        self._watcher.stop()
        self._watcher.close()
        os.close(self._fd)


class LoopAlarm:
    """gevent's own timer, for systems without timerfd."""

    name = "gevent"

    def __init__(self) -> None:
        self._due_ns = NEVER
        self._sleeper: Any = None

    def set(self, due_ns: int) -> None:
        self._due_ns = due_ns
        if self._sleeper is not None:
            gevent.get_hub().loop.run_callback(self._wake)

    def wait(self) -> None:
        while (left_ns := self._due_ns - time.monotonic_ns()) > 0:
            self._sleeper = gevent.getcurrent()
            hub = gevent.get_hub()
            timer = hub.loop.timer(min(left_ns / 1e9, 3600.0))
            timer.start(self._wake, update=True)
            try:
                hub.switch()
            finally:
                self._sleeper = None
                timer.close()

    def close(self) -> None:
        pass

    def _wake(self) -> None:
        if self._sleeper is not None:
            self._sleeper.switch()


def alarm() -> Alarm:
    """The best alarm of this system."""
    try:
        return KernelAlarm()
    except (AttributeError, OSError, TypeError):
        return LoopAlarm()


class Conductor:
    """Fires each item at its due time. `run` returns when nothing is left, or soon after `stop`."""

    def __init__(
        self,
        timetable: Iterator[tuple[int, Any]],
        fire: Callable[[Any], None],
        *,
        is_over: Callable[[], bool] = lambda: True,
    ) -> None:
        self._timetable = timetable
        self._fire = fire
        self._is_over = is_over  # with an empty timetable: whether nothing can be put on it any more
        self._alarm: Alarm
        self._ahead: deque[tuple[int, Any]] = deque()
        self._later: list[tuple[int, int, Any]] = []
        self._count = 0
        self._waits_until_ns = 0
        self._is_stopped = False
        self._has_more = True

    def at(self, due_ns: int, item: Any) -> None:
        """Put an item on the timetable."""
        self._count += 1  # of two that are due together the earlier one first; items are not compared
        heapq.heappush(self._later, (due_ns, self._count, item))
        if due_ns < self._waits_until_ns:
            self._ring(due_ns)

    def look_again(self) -> None:
        """What `is_over` tells may have changed."""
        if self._waits_until_ns == NEVER:
            self._ring(1)

    def stop(self) -> None:
        """Fire nothing more."""
        self._is_stopped = True
        if self._waits_until_ns:
            self._ring(1)

    def run(self, alarm: Alarm) -> None:
        """Fire everything, each at its due time; the alarm is closed at the end."""
        self._alarm = alarm
        fired = 0
        try:
            while not self._is_stopped:
                due_ns = self._next_due_ns()
                left_ns = due_ns - time.monotonic_ns()
                if left_ns <= 0:
                    if fired >= RUN:
                        fired = 0
                        gevent.sleep(0)  # answers may put things on the timetable, so look again
                        continue
                    fired += 1
                    self._fire(self._pop())
                    continue
                fired = 0
                if due_ns == NEVER and self._is_over():
                    return
                if left_ns > SLACK_NS and self._has_more and len(self._ahead) < AHEAD:
                    self._fetch(SLICE)
                    gevent.sleep(0)
                    continue
                self._waits_until_ns = due_ns
                self._alarm.set(due_ns)
                self._alarm.wait()
                self._waits_until_ns = 0
        finally:
            self._alarm.close()

    def _ring(self, due_ns: int) -> None:
        self._waits_until_ns = due_ns
        self._alarm.set(due_ns)

    def _next_due_ns(self) -> int:
        if not self._ahead and self._has_more:
            self._fetch(1)
        due_ns = self._ahead[0][0] if self._ahead else NEVER
        return min(due_ns, self._later[0][0]) if self._later else due_ns

    def _pop(self) -> Any:
        if self._later and (not self._ahead or self._later[0][0] < self._ahead[0][0]):
            return heapq.heappop(self._later)[2]
        return self._ahead.popleft()[1]

    def _fetch(self, count: int) -> None:
        for _ in range(count):
            item = next(self._timetable, None)
            if item is None:
                self._has_more = False
                return
            self._ahead.append(item)
