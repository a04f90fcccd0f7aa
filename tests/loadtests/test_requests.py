"""Requests: attempts grouped as arrays, against the same told row by row."""

from collections import defaultdict
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from loadtests.checks.requests import claims, releases
from loadtests.header import Header
from loadtests.history import NEVER, History, history_of
from sim.ledger import Spec, cap_of
from tests.loadtests.histories import drawn

ANSWERED = [("granted", "ok"), ("replayed", "ok"), ("full", "ok"), ("incomplete", "fail"), (None, "info")]
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "op": st.sampled_from(["claim", "claim", "release"]),
            "applicant": st.sampled_from(["ana", "bo"]),
            "key": st.sampled_from(["k1", "k2", None]),
            "intake": st.sampled_from(["2022", "2023", "current", None]),
            "invoked_ns": st.integers(0, 9),
            "told": st.sampled_from(ANSWERED),
            "slot": st.sampled_from(["1", "2", None]),
            "claim_id": st.sampled_from(["a", "b", None]),
            "cap": st.sampled_from(["2022", None]),
        }
    ),
    max_size=9,
)


def history_with(rows: list[dict[str, Any]], **spec: Any) -> History:
    plain = []
    for row in rows:
        answer, result = row["told"]
        told = "released" if row["op"] == "release" and answer == "granted" else answer
        kept = {name: value for name, value in row.items() if name != "told"}
        plain.append(kept | {"answer": told, "result": result, "completed_ns": row["invoked_ns"] + 2})
    return history_of(Header(caps=(cap_of("2022", 1),), spec=Spec(**spec)), plain)


def is_done(row: dict[str, Any], *, is_sticky: bool) -> bool:
    answer = row["told"][0]
    if row["op"] == "release" or answer == "granted":
        return answer in ("granted", "replayed")
    has_slot = row["slot"] is not None or row["claim_id"] is not None
    return answer == "replayed" and (has_slot or (not is_sticky and row["cap"] is None))


@settings(max_examples=300, deadline=None)
@given(ROWS, st.booleans(), st.booleans())
def test_requests_are_what_their_rows_say(
    rows: list[dict[str, Any]], is_sticky: bool, has_incomplete: bool
) -> None:
    spec = {
        "refusals": "sticky" if is_sticky else "fresh",
        "counts": "received" if has_incomplete else "accepted",
    }
    history = history_with(rows, **spec)
    for op, found in (("claim", claims(history)), ("release", releases(history))):
        groups: dict[tuple[str, object], list[int]] = defaultdict(list)
        for number, row in enumerate(rows):
            if row["op"] == op:
                groups[row["applicant"], row["key"] or number].append(number)
        assert [request.rows for request in found] == list(groups.values())
        for number, mine in enumerate(groups.values()):
            done = [each for each in mine if is_done(rows[each], is_sticky=is_sticky)]
            unknown = [
                each
                for each in mine
                if each not in done
                and (rows[each]["told"][1] == "info"
                     or (op == "claim" and has_incomplete and rows[each]["told"][0] == "incomplete"))
            ]  # fmt: skip
            named = [rows[each]["intake"] for each in mine if rows[each]["intake"] in ("2022", "2023")]
            request = found[number]
            assert (request.done, request.unknown) == (done, unknown)
            assert request.intake == (named[0] if named else None)
            assert (found.was_done[number], found.may_have[number]) == (bool(done), request.may_have)
            begins = [rows[each]["invoked_ns"] for each in done + unknown]
            assert found.begins_ns[number] == min(begins, default=NEVER)
            ends = [rows[each]["invoked_ns"] + 2 for each in done]
            assert found.ends_ns[number] == min(ends, default=NEVER)
            assert sorted(found.grants().ends_ns[found.grants().request == number]) == grants(rows, done)


def grants(rows: list[dict[str, Any]], done: list[int]) -> list[int]:
    """The latest at which each grant of a request was, told apart by slot, else by claim id."""
    ends: dict[object, int] = {}
    names = [name for name in ("slot", "claim_id") if all(rows[each][name] is not None for each in done)]
    for each in done:
        name = rows[each][names[0]] if names else None
        ends[name] = min(ends.get(name, NEVER), rows[each]["invoked_ns"] + 2)
    return sorted(ends.values())


def test_the_first_request_is_that_of_the_first_row() -> None:
    found = claims(drawn("bo claim 1-5 full\nana claim 2-6 granted slot=1\nbo claim 7-9 granted slot=2"))
    assert [request.applicant for request in found] == ["bo", "ana"]
    assert found.first_done.tolist() == [2, 1]
    assert found.counts_in(cap_of("2022", 1)).tolist() == [True, True]
    assert found.counts_in(cap_of("2022", 1, "pilot")).tolist() == [False, False]
