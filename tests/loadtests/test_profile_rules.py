"""What requests are made of, and what answers mean: rules as rows of a table."""

import json
import re
import uuid
from pathlib import Path

import pytest

from loadtests.profile import Classified, Who, target
from loadtests.profiles.classify import retry_after_s, statuses
from loadtests.profiles.filters import filter_of, way_back
from loadtests.profiles.readings import next_link
from loadtests.profiles.sources import cookies, fetch, path
from loadtests.protocol import ANSWERS, PROBLEMS, problem_type, result_of
from tests.loadtests.profiled import ANA, SMALLEST, target_of, with_rules

WRITTEN = """
    { status = 201, header = "Replayed", equals = "true", answer = "replayed" },
    { status = 201, json = "ok", equals = true, answer = "granted" },
    { status = 200, json = "error.code", equals = "SOLD_OUT", answer = "full", cap = "json:error.cap" },
    { status = 200, json = "errors[0].message", contains = "already", answer = "duplicate" },
    { status = 200, json = "tags", contains = "late", answer = "closed" },
    { status = 200, json = "holders.{applicant|slug}", equals = "{key}", answer = "replayed" },
    { status = 409, body = "(?i)sold out", answer = "full" },
    { status = 409, json = "code", matches = "^E4[0-9]$", answer = "conflict" },
    { status = 409, json = "code", exists = false, answer = "rejected" },
    { status = [410, "420-421"], answer = "closed" },
    { status = 422, json = "a", exists = true, also = [{ header = "X", equals = "1" }], answer = "incomplete" },
    { status = "5xx", header = "Retry-After", exists = true, answer = "throttled" },
    { status = "500-599", answer = "error" },
"""
TABLE = """
    201  Replayed:true  {"ok": true}                                  replayed   ok
    201  -              {"ok": true}                                  granted    ok
    201  -              {"ok": "true"}                                granted    ok
    201  -              {"ok": false}                                 unmatched  info
    201  -              not JSON                                      unmatched  info
    200  -              {"error": {"code": "SOLD_OUT", "cap": "c"}}   full       ok
    200  -              {"errors": [{"message": "it is already so"}]} duplicate  ok
    200  -              {"errors": []}                                unmatched  info
    200  -              {"tags": ["early", "late"]}                   closed     ok
    200  -              {"tags": ["later"]}                           unmatched  info
    200  -              {"holders": {"ana-1": "k-1"}}                 replayed   ok
    200  -              {"holders": {"ana-1": "k-2"}}                 unmatched  info
    409  -              <p>SOLD OUT</p>                               full       ok
    409  -              {"code": "E42"}                               conflict   fail
    409  -              {"code": null}                                rejected   fail
    409  -              {"code": "F"}                                 unmatched  info
    410  -              -                                             closed     ok
    421  -              -                                             closed     ok
    422  X:1            {"a": 0}                                      incomplete fail
    422  X:2            {"a": 0}                                      unmatched  info
    503  Retry-After:2  -                                             throttled  fail
    503  -              -                                             error      info
    304  -              -                                             unmatched  info
"""
ROWS = [re.split(r"\s{2,}", line.strip()) for line in TABLE.strip().splitlines()]
ROWS = [[*row[:2], *(" ".join(row[2:]).rsplit(None, 2))] for row in ROWS]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: " ".join(row))
def test_the_first_rule_that_holds_says_what_an_answer_means(row: list[str], tmp_path: Path) -> None:
    status, header, body, answer, result = row
    name, _, value = header.partition(":")
    step = target_of(tmp_path, with_rules(WRITTEN)).claim[0]
    headers = {name.lower(): value} if value else {}
    told = step.classify(int(status), headers, body.strip("-").encode(), {}, ANA)
    assert (told.answer, told.result) == (answer, result)
    assert told.done


def test_every_answer_a_rule_may_give_is_one_of_the_protocol() -> None:
    from typing import get_args

    from loadtests.profiles.records import Answer

    assert {*get_args(Answer), "unmatched"} == set(ANSWERS)


def test_a_grant_that_does_not_say_its_slot_is_unmatched() -> None:
    step = target("reference", environment={}).claim[0]
    told = step.classify(201, {}, b'{"status": "granted", "claim_id": "2022-1"}', {})
    assert (told.answer, told.result, told.note) == ("unmatched", "info", "the answer has no json:slot")


PROBLEM_ANSWERS = {
    "exhausted": (409, "full"),
    "already-holds-slot": (409, "duplicate"),
    "idempotency-in-progress": (409, "conflict"),
    "key-reused": (422, "mismatch"),
    "incomplete": (422, "incomplete"),
    "ineligible": (403, "ineligible"),
    "intake-closed": (410, "closed"),
    "unknown": (404, "rejected"),
    "malformed": (400, "rejected"),
    "not-admitted": (429, "throttled"),
    "broken": (500, "error"),
}


@pytest.mark.parametrize("problem", PROBLEM_ANSWERS)
def test_the_reference_profile_knows_the_problems_of_the_wire(problem: str) -> None:
    assert problem in PROBLEMS
    status, answer = PROBLEM_ANSWERS[problem]
    body = json.dumps({"type": problem_type(problem), "cap": "2022/pilot", "claim_id": "2022-7"}).encode()
    told = target("reference", environment={}).claim[0].classify(status, {}, body, {})
    assert (told.answer, told.result) == (answer, result_of(answer))
    assert told.cap == ("2022/pilot" if answer == "full" else None)
    assert told.claim_id == ("2022-7" if answer == "duplicate" else None)


@pytest.mark.parametrize(
    ("said", "body", "kind"),
    [
        ('json = { a = "{applicant}", b = "{certificate}", n = 1 }', b'{"a":"Ana-1","b":true,"n":1}', "application/json"),
        ('json = ["x{applicant}", "{chain}", "{{x}}"]', b'["xAna-1",0,"{x}"]', "application/json"),
        ('json = { t = "{letter|upper}", n = "{key|digits:4|number}" }', b'{"t":"TRUE","n":7394}', "application/json"),
        ('form = { "a b" = "{applicant}&=", e = "{applicant|email}" }', b"a+b=Ana-1%26%3D&e=ana-1%40applicants.invalid", "application/x-www-form-urlencoded"),
        ('graphql = { query = "{ a(x: 1) }", variables = { x = "{key}" } }', b'{"query":"{ a(x: 1) }","variables":{"x":"k-1"}}', "application/json"),
        ('body = "<a>{applicant|lower}</a>{ }"', b"<a>ana-1</a>{ }", None),
    ],
)  # fmt: skip
def test_a_body_is_built_as_it_is_written(said: str, body: bytes, kind: str | None, tmp_path: Path) -> None:
    made = target_of(tmp_path, SMALLEST.replace('json = { applicant = "{applicant}" }', said))
    request = made.claim[0].request(ANA, {})
    if "digits" in said:
        assert re.fullmatch(rb'\{"t":"TRUE","n":\d{1,4}\}', request.body)
    else:
        assert request.body == body
    assert dict(request.headers).get("Content-Type") == kind


def test_paths_and_parameters_are_escaped(tmp_path: Path) -> None:
    text = SMALLEST.replace('"POST /claims"', '"POST /c/{applicant}"\nquery = { q = "a {stream}" }')
    made = target_of(tmp_path, text.replace(":8080", ":8080/api/"))
    who = ANA._replace(applicant="a/b?c é", stream="x&y")
    assert made.claim[0].request(who, {}).path == "/api/c/a%2Fb%3Fc%20%C3%A9?q=a%20x%26y"


def test_an_extracted_text_cannot_add_headers(tmp_path: Path) -> None:
    text = SMALLEST.replace('"POST /claims"', '"POST /claims"\nheaders = { X = "{t}" }')
    text = text.replace("title", 'variables = { t = "" }\ntitle')
    request = target_of(tmp_path, text).claim[0].request(ANA, {"t": "a\r\nEvil: 1"})
    assert dict(request.headers)["X"] == "a  Evil: 1"


@pytest.mark.parametrize(
    ("name", "argument", "text", "made"),
    [
        ("raw", "", "Ana 1", "Ana 1"),
        ("slug", "", "Ana É 1!", "ana-1"),
        ("email", "x.test", "Ana 1", "ana-1@x.test"),
        ("hash", "md5-8", "ana", "276b6c46"),
        ("hash", "12", "ana", "24d4b96f58da"),
        ("base64", "", "a:b", "YTpi"),
        ("next", "", "41", "42"),
    ],
)
def test_a_filter_makes(name: str, argument: str, text: str, made: str) -> None:
    assert filter_of(name, argument)(text) == made


def test_a_name_made_of_a_uuid_is_one() -> None:
    assert uuid.UUID(filter_of("uuid5", "")("ana")).version == 5


def test_the_way_back_is_a_table_and_refuses_what_it_cannot_tell_apart() -> None:
    assert way_back(filter_of("hash", ""), ["a", "b"])[filter_of("hash", "")("b")] == "b"
    with pytest.raises(ValueError, match="both listed as a-1"):
        way_back(filter_of("slug", ""), ["a 1", "a-1"])


@pytest.mark.parametrize(
    ("written", "found"),
    [("a.b", 1), ("$.a.b", 1), ("l[-1].x", 2), ('["k.k"]', 3), ("a.z", None), ("l[9]", None), ("l.x", None)],
)
def test_a_path_leads_to(written: str, found: object) -> None:
    assert fetch({"a": {"b": 1}, "l": [{"x": 0}, {"x": 2}], "k.k": 3}, path(written)) == found


@pytest.mark.parametrize(
    ("header", "jar"),
    [
        ("a=1; Path=/; HttpOnly", {"a": "1"}),
        ("a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT, b=2", {"a": "1", "b": "2"}),
        ("a=1\nb=x=y; Secure", {"a": "1", "b": "x=y"}),
        ("", {}),
    ],
)
def test_cookies_are_read(header: str, jar: dict[str, str]) -> None:
    assert cookies(header) == jar


@pytest.mark.parametrize(
    ("header", "address"),
    [
        ('<https://h/a?p=2>; rel="next", <https://h/a?p=9>; rel="last"', "https://h/a?p=2"),
        ("</a?x=1,2>; rel=prev, </a?x=3>; title=t; rel=next", "/a?x=3"),
        ('</a>; rel="last"', ""),
    ],
)
def test_the_next_page_stands_in_a_link(header: str, address: str) -> None:
    assert next_link(header) == address


def test_the_wait_that_is_asked_for_is_seconds_or_a_date() -> None:
    assert retry_after_s({"retry-after": "1.5"}) == 1.5
    dated = {"retry-after": "Wed, 21 Oct 2026 07:28:10 GMT", "date": "Wed, 21 Oct 2026 07:28:00 GMT"}
    assert retry_after_s(dated) == 10.0
    assert retry_after_s({"retry-after": "soon"}) is None


@pytest.mark.parametrize(
    ("spec", "count"), [(200, 1), ("2xx", 100), ("500-503", 4), ((200, "3xx"), 101), ((), 500)]
)
def test_statuses_are_counted(spec: int | str | tuple[int | str, ...], count: int) -> None:
    assert len(statuses(spec)) == count


def test_who_and_classified_keep_their_order() -> None:
    assert Who._fields[0] == "applicant"
    assert Classified._fields[:2] == ("answer", "result")


# ruff: noqa: E501 - a table reads better in lines
