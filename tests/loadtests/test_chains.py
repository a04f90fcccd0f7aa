"""What follows an answer: told as short stories of one person, without a clock and without a network."""

import pytest

from loadtests.chains import RESOLVING_TRIES, Chain, Turns
from loadtests.profiles.records import Retry
from loadtests.protocol import result_of

RULE = Retry()
S = 1_000_000_000


def chain(*, retries: int = 2) -> Chain:
    return Chain(0, 7, 0, "2022", "key", retries=retries, pause_ns=S // 10)


def told(
    one: Chain,
    answer: str,
    *,
    at: float,
    since: float | None = None,
    wait: float | None = None,
    rule: Retry = RULE,
) -> int | None:
    """One attempt from `since` to `at`, in seconds: when the next is due."""
    if since is not None:
        one.began()
    due = one.answered(
        answer,
        result_of(answer),
        invoked_ns=int((at if since is None else since) * S),
        completed_ns=int(at * S),
        rule=rule,
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


def test_a_profile_says_how_pauses_grow_and_how_far() -> None:
    one, rule = chain(retries=4), Retry(factor=3.0, longest_pause_s=0.5)
    pauses = [(told(one, "throttled", since=n, at=n + 0.5, rule=rule) or 0) / S - n - 0.5 for n in range(4)]
    assert pauses == pytest.approx([0.1, 0.3, 0.5, 0.5])


def test_jitter_is_told_by_a_hash_and_shortens_a_pause_by_its_part_at_most() -> None:
    def dues(person: int) -> list[int | None]:
        one = Chain(0, person, 0, "2022", "key", retries=3, pause_ns=S)
        return [told(one, "throttled", since=n, at=n + 0.5, rule=Retry(jitter=0.5)) for n in range(3)]

    assert dues(7) == dues(7)
    firsts = [(dues(person)[0] or 0) / S - 0.5 for person in range(50)]
    assert 0.5 <= min(firsts) < 0.6 < 0.9 < max(firsts) <= 1.0


def test_a_refusal_is_asked_again_where_the_profile_says_so() -> None:
    one = chain(retries=1)
    assert told(one, "full", since=0, at=1, rule=Retry(after=("full",))) is not None
    assert one.next_try == "again"
    assert told(one, "full", since=2, at=3, rule=Retry(after=("full",))) is None


def test_an_answer_that_is_kept_under_the_key_takes_another_key() -> None:
    rule, one = Retry(after=("full", "error"), new_key_after=("full",)), chain(retries=3)
    assert told(one, "full", since=0, at=1, rule=rule) is not None
    assert one.next_try == "new key"


def test_a_doubt_is_settled_under_the_old_key_before_there_is_a_new_one() -> None:
    rule, one = Retry(after=("full", "error"), new_key_after=("full",)), chain(retries=3)
    one.began()
    one.began()
    assert told(one, "full", at=1, rule=rule) is None  # its twin is still under way
    assert told(one, "error", at=2, rule=rule) is not None
    assert one.next_try == "again"
    assert told(one, "full", since=3, at=4, rule=rule) is not None
    assert one.next_try == "new key"
    assert not one.doubt_ns


READ_BACK = Retry(resolve="read-back")


@pytest.mark.parametrize("found", ["replayed", "duplicate"])
def test_an_unknown_effect_is_read_back(found: str) -> None:
    one = chain(retries=0)
    assert told(one, "error", since=0, at=1, rule=READ_BACK) is not None
    assert one.next_try == "read back"
    assert told(one, found, since=2, at=3, rule=READ_BACK) is None
    assert not one.doubt_ns


def test_what_was_not_done_by_the_reading_is_asked_again_under_the_same_key() -> None:
    one = chain(retries=1)
    told(one, "error", since=0, at=1, rule=READ_BACK)
    assert told(one, "unheld", since=2, at=3, rule=READ_BACK) is not None
    assert (one.next_try, one.doubt_ns) == ("again", 0)
    assert told(one, "granted", since=4, at=5, rule=READ_BACK) is None


def test_a_duplicate_after_an_unknown_effect_may_be_mine_and_is_read_back() -> None:
    one = chain(retries=3)
    told(one, "error", since=0, at=1, rule=READ_BACK)
    told(one, "unheld", since=2, at=3, rule=READ_BACK)
    assert told(one, "duplicate", since=4, at=5, rule=READ_BACK) is not None
    assert one.next_try == "read back"
    assert told(one, "replayed", since=6, at=7, rule=READ_BACK) is None
    assert not one.doubt_ns


def test_a_duplicate_without_any_doubt_ends_a_chain() -> None:
    assert told(chain(), "duplicate", since=0, at=1, rule=READ_BACK) is None
