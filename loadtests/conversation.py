"""An operation from its first step to a definite answer, for any client: send, classify, go on or ask again.

Nothing here sends or waits: the caller gives functions for both, so that greenlets, threads and tests hold
the same conversation. Each attempt is sent once; what was not answered ends the operation undecided.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

from loadtests.profiles.exchange import Classified, Request, Who
from loadtests.profiles.steps import CompiledStep as Step


class Reply(Protocol):
    """What a client gives back for one request."""

    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def body(self) -> bytes: ...
    @property
    def error(self) -> str | None:
        """Why there is no answer; None if there is one."""

    @property
    def was_written(self) -> bool:
        """Whether any of the request may have reached the service."""


class Told(NamedTuple):
    """How an operation ended."""

    classified: Classified
    variables: dict[str, str]
    """What the answers left for later requests of this applicant."""
    requests: int
    """How many were sent."""
    step: int
    """Which of the steps gave the last answer, from 1."""


Seen = Callable[[Step, Request, Reply, Classified], None]


def converse(
    steps: Sequence[Step],
    who: Who,
    variables: Mapping[str, str],
    attempt: Callable[[Request], Reply],
    pause: Callable[[float], None],
    now: Callable[[], float],
    *,
    seen: Seen | None = None,
) -> Told:
    """Hold the conversation of one operation; `seen` is told of every exchange."""
    assert steps, "an operation has at least one step"
    known: dict[str, str] = dict(variables)
    new: dict[str, str] = {}
    sent = 0
    answer = Classified("", "ok")
    for number, step in enumerate(steps, 1):
        if step.poll.first_s:
            pause(step.poll.first_s)
        until = now() + step.poll.deadline_s
        while True:
            request = step.request(who, known)
            reply = attempt(request)
            sent += 1
            answer = _classified(step, reply, known, who, is_first=sent == 1)
            if seen is not None:
                seen(step, request, reply, answer)
            known.update(answer.extracted)
            new.update(answer.extracted)
            if answer.poll_s is None:
                break
            if now() + answer.poll_s > until:
                late = f"not decided within {step.poll.deadline_s:g} s"
                return Told(answer._replace(done=True, note=late, poll_s=None), new, sent, number)
            pause(answer.poll_s)
        if answer.done:
            return Told(answer, new, sent, number)
    return Told(answer._replace(done=True), new, sent, len(steps))


def _classified(
    step: Step, reply: Reply, variables: Mapping[str, str], who: Who, *, is_first: bool
) -> Classified:
    if reply.error is None:
        return step.classify(reply.status, reply.headers, reply.body, variables, who)
    # Certainly without effect only if nothing of the whole operation was written: an earlier step may have
    # done it.
    result = "info" if reply.was_written or not is_first else "fail"
    return Classified("error", result, note=reply.error)
