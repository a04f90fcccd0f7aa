"""Operations of several requests: accepted and polled, tokens, cookies, pages."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from loadtests.conversation import Told, converse
from loadtests.profile import Request, Target
from tests.loadtests.profiled import ANA, SMALLEST, target_of

TOP, _, CLAIM = SMALLEST.partition("[[claim]]")


class Said(NamedTuple):
    """One answer of a service that follows a script."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = {}
    error: str | None = None
    was_written: bool = True


class Scripted:
    """Gives the answers of a script in order, keeps the requests, and a clock that only pauses move."""

    def __init__(self, *answers: Said) -> None:
        self.requests: list[Request] = []
        self.now_s = 0.0
        self._answers: Iterator[Said] = iter(answers)

    def attempt(self, request: Request) -> Said:
        self.requests.append(request)
        return next(self._answers)

    def pause(self, seconds: float) -> None:
        self.now_s += seconds

    def claim(self, target: Target) -> Told:
        return converse(target.claim, ANA, target.variables, self.attempt, self.pause, lambda: self.now_s)


ASYNCHRONOUS = """
[[claim]]
request = "POST /jobs"
json = { who = "{applicant}" }
extract = { job = "json:id" }
rules = [
    { status = 202, go = "next" },
    { status = 201, answer = "granted" },
    { status = 409, answer = "full" },
]

[[claim]]
request = "GET /jobs/{job}"
poll = { first_s = 1.0, every_s = 2.0, deadline_s = 9.0 }
rules = [
    { status = 200, json = "state", matches = "^(queued|running)$", go = "again" },
    { status = 200, json = "state", equals = "done", answer = "granted" },
    { status = 200, json = "state", equals = "failed", answer = "full" },
]
"""
ACCEPTED = Said(202, b'{"id": "j/7"}')
RUNNING = Said(200, b'{"state": "running"}')


def test_an_accepted_claim_is_polled_until_it_is_decided(tmp_path: Path) -> None:
    script = Scripted(ACCEPTED, RUNNING, RUNNING, Said(200, b'{"state": "done"}'))
    told = script.claim(target_of(tmp_path, TOP + ASYNCHRONOUS))
    assert (told.classified.answer, told.requests, script.now_s) == ("granted", 4, 5.0)
    assert {request.path for request in script.requests[1:]} == {"/jobs/j%2F7"}
    assert told.variables == {"job": "j/7"}


def test_a_definite_first_answer_ends_the_claim(tmp_path: Path) -> None:
    told = Scripted(Said(409)).claim(target_of(tmp_path, TOP + ASYNCHRONOUS))
    assert (told.classified.answer, told.requests) == ("full", 1)


def test_a_claim_that_is_not_decided_in_time_stays_unknown(tmp_path: Path) -> None:
    script = Scripted(ACCEPTED, *[RUNNING] * 9)
    told = script.claim(target_of(tmp_path, TOP + ASYNCHRONOUS))
    assert (told.classified.answer, told.classified.result) == ("accepted-async", "info")
    assert told.classified.done
    assert told.classified.note == "not decided within 9 s"
    assert script.now_s <= 10.0


def test_the_service_says_when_to_ask_again(tmp_path: Path) -> None:
    waits = RUNNING._replace(headers={"retry-after": "4"})
    script = Scripted(ACCEPTED, waits, Said(200, b'{"state": "failed"}'))
    assert script.claim(target_of(tmp_path, TOP + ASYNCHRONOUS)).classified.answer == "full"
    assert script.now_s == 5.0


def test_a_step_without_what_the_next_one_needs_is_unmatched(tmp_path: Path) -> None:
    told = Scripted(Said(202, b"{}")).claim(target_of(tmp_path, TOP + ASYNCHRONOUS))
    assert (told.classified.answer, told.classified.note) == ("unmatched", "the answer has no json:id")


@pytest.mark.parametrize(
    ("answers", "result"),
    [
        ([Said(0, error="reset")], "info"),
        ([Said(0, error="refused", was_written=False)], "fail"),
        ([ACCEPTED, Said(0, error="refused", was_written=False)], "info"),
    ],
)
def test_no_answer_is_a_failure_only_if_nothing_was_written(
    answers: list[Said], result: str, tmp_path: Path
) -> None:
    told = Scripted(*answers).claim(target_of(tmp_path, TOP + ASYNCHRONOUS))
    assert (told.classified.answer, told.classified.result) == ("error", result)


def test_a_jar_of_cookies_is_kept(tmp_path: Path) -> None:
    made = target_of(tmp_path, TOP.replace("slot =", "cookies = true\nslot =") + ASYNCHRONOUS)
    first = ACCEPTED._replace(headers={"set-cookie": "s=1; Path=/\nt=2"})
    script = Scripted(first, RUNNING._replace(headers={"set-cookie": "t="}), Said(200, b'{"state":"done"}'))
    script.claim(made)
    assert [dict(each.headers).get("Cookie") for each in script.requests] == [None, "s=1; t=2", "s=1"]


def test_a_token_is_fetched_for_each_applicant(tmp_path: Path) -> None:
    enrol = """
[[enrol]]
request = "POST /login"
form = { user = "{applicant|slug}", password = "{secret}" }
extract = { token = "json:access" }
"""
    top = TOP + 'headers = { Authorization = "Bearer {token}" }\n'
    top += 'variables = { secret = "${PASSWORD:-none}", token = "" }\n'
    made = target_of(tmp_path, top + enrol + "[[claim]]" + CLAIM, {"PASSWORD": "p&w"})
    script = Scripted(Said(200, b'{"access": "t-1"}'), Said(201))
    told = converse(made.enrol, ANA, made.variables, script.attempt, script.pause, lambda: 0.0)
    assert (told.classified.answer, told.variables) == ("", {"token": "t-1"})
    converse(made.claim, ANA, {**made.variables, **told.variables}, script.attempt, script.pause, lambda: 0.0)
    assert script.requests[0].body == b"user=ana-1&password=p%26w"
    assert dict(script.requests[1].headers)["Authorization"] == "Bearer t-1"


PAGES = {
    "offset": 'parameter = "offset", by = "items", size_parameter = "limit", size = 2',
    "pages": 'parameter = "page", by = "pages"',
    "cursor": 'parameter = "after", cursor = "json:items[-1].id"',
    "address": 'next = "json:next"',
    "link": 'next = "header:Link"',
}


@pytest.mark.parametrize("way", PAGES)
def test_a_list_is_read_to_its_end_however_it_is_paged(way: str, tmp_path: Path) -> None:
    reading = f"""
[readings.holders]
request = "GET /claims?state=held"
entries = "json:items"
applicant = "json:who"
shown_as = "{{applicant|email}}"
slot = "json:id"
page = {{ {PAGES[way]} }}
"""
    listing = target_of(tmp_path, TOP + "[[claim]]" + CLAIM + reading).readings.holders
    assert listing is not None
    entries = [b'{"id": 1, "who": "a@x"}', b'{"id": 2, "who": "b@x"}', b'{"id": 3, "who": "c@x"}']
    asked, seen = listing.request(ANA, {}), []
    paths = [asked.path]
    for items in (entries[:2], entries[2:], []):
        more = b'"/claims?state=held&p=2"' if len(items) == 2 else b"null"
        body = b'{"items": [' + b",".join(items) + b'], "next": ' + more + b"}"
        headers = {"link": '</claims?state=held&p=2>; rel="next"'} if len(items) == 2 else {}
        found, following = listing.page(asked, 200, headers, body)
        seen += found
        if following is None:
            break
        asked = following
        paths.append(asked.path)
    assert [(holder.shown, holder.slot) for holder in seen] == [("a@x", "1"), ("b@x", "2"), ("c@x", "3")]
    expected = {
        "offset": ["limit=2&offset=0", "limit=2&offset=2"],
        "pages": ["page=1", "page=2", "page=3"],
        "cursor": ["", "after=2", "after=3"],
        "address": ["", "p=2"],
        "link": ["", "p=2"],
    }[way]
    assert paths == [f"/claims?state=held{'&' * bool(each)}{each}" for each in expected]
