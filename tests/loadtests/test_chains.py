"""What follows an answer: told as short stories of one person, without a clock and without a network."""

from types import SimpleNamespace

import pytest

from loadtests.chains import RESOLVING_TRIES, Chain, Turns
from loadtests.protocol import result_of

RULE = SimpleNamespace(after=("throttled", "conflict", "error"), most=3, resolve="same-key")
S = 1_000_000_000


def chain(*, retries: int = 2) -> Chain:
    return Chain(0, 7, 0, "2022", "key", retries=retries, pause_ns=S // 10)


def told(
    one: Chain, answer: str, *, at: float, since: float | None = None, wait: float | None = None
) -> int | None:
    """One attempt from `since` to `at`, in seconds: when the next is due."""
    if since is not None:
        one.began()
    due = one.answered(
        answer,
        result_of(answer),
        invoked_ns=int((at if since is None else since) * S),
        completed_ns=int(at * S),
        rule=RULE,
        retry_after_s=wait,
    )
    return due


@pytest.mark.parametrize(
    "answer", ["granted", "full", "duplicate", "closed", "mismatch", "ineligible", "rejected"]
)
def test_a_decision_ends_a_chain(answer: str) -> None:
    one = chain()
    assert told(one, answer, since=0, at=1) is None
    assert one.is_over


def test_pauses_double_and_retries_run_out() -> None:
    one = chain(retries=2)
    assert told(one, "throttled", since=0, at=1) == 1.1 * S
    assert told(one, "throttled", since=1.1, at=2) == 2.2 * S
    assert told(one, "throttled", since=2.2, at=3) is None
    assert one.is_over
    assert not one.doubt_ns


def test_the_service_says_when_to_come_again() -> None:
    assert told(chain(), "throttled", since=0, at=1, wait=5) == 6 * S


def test_a_doubt_is_resolved_although_no_retries_are_left() -> None:
    one = chain(retries=0)
    assert told(one, "error", since=0, at=1) is not None
    assert told(one, "granted", since=1.1, at=2) is None
    assert not one.doubt_ns


def test_a_doubt_that_is_never_resolved_stays() -> None:
    one = chain()
    dues = [told(one, "error", since=n, at=n + 0.5) for n in range(RESOLVING_TRIES + 1)]
    assert dues[-1] is None
    assert None not in dues[:-1]
    assert one.is_over
    assert one.doubt_ns


def test_an_older_refusal_does_not_settle_what_a_twin_left_in_doubt() -> None:
    one = chain()
    one.began()
    one.began()
    assert told(one, "error", at=2) is None  # the twin is still under way
    assert one.answered("full", "ok", invoked_ns=0, completed_ns=3 * S, rule=RULE) is not None
    assert told(one, "full", since=4, at=5) is None


def test_an_older_grant_does() -> None:
    one = chain()
    one.began()
    one.began()
    assert told(one, "error", at=2) is None
    assert one.answered("granted", "ok", invoked_ns=0, completed_ns=3 * S, rule=RULE) is None
    assert one.is_over


def test_one_chain_of_a_person_at_a_time() -> None:
    turns: Turns[str] = Turns()
    assert turns.take(1, "first")
    assert not turns.take(1, "second")
    assert turns.take(2, "other")
    assert turns.leave(1, in_doubt=False) == "second"
    assert turns.leave(1, in_doubt=False) is None
    assert turns.take(1, "third")


def test_a_person_in_doubt_for_good_does_nothing_more() -> None:
    turns: Turns[str] = Turns()
    turns.take(1, "first")
    turns.take(1, "second")
    assert turns.leave(1, in_doubt=True) is None
    assert not turns.take(1, "third")
    assert turns.dropped == 2


def test_nobody_never_waits() -> None:
    turns: Turns[str] = Turns()
    assert turns.take(-1, "read")
    assert turns.take(-1, "read")
