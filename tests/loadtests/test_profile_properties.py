"""Laws of profiles: what is written arrives, whatever it is; rules are tried in order; nothing crashes."""

import json
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.profile import compiled
from loadtests.profiles.classify import statuses
from loadtests.profiles.exchange import Who
from loadtests.profiles.filters import way_back
from loadtests.profiles.readings import shown_as
from loadtests.profiles.records import Profile
from loadtests.profiles.sources import as_number, as_text, as_truth, cookies, document_of, path
from loadtests.profiles.templates import expanded, parts, settled

ANYTHING = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
PLAIN = {"format": 1, "name": "p", "title": "p", "base_url": "http://127.0.0.1", "slot": "applicant"}


def claim(**said: object) -> dict[str, object]:
    rules = ({"status": 200, "answer": "granted"},)
    return {**PLAIN, "claim": ({"request": "POST /{applicant}", "rules": rules, **said},)}


BOTH = compiled(
    Profile.model_validate(claim(json={"a": "{applicant}", "b": ["x{key}"]}, query={"q": "{stream}"})),
    environment={},
).claim[0]
FORM = compiled(Profile.model_validate(claim(form={"f": "{stream}"})), environment={}).claim[0]


@given(ANYTHING, ANYTHING, ANYTHING)
def test_what_is_asked_arrives_unchanged(applicant: str, key: str, stream: str) -> None:
    request = BOTH.request(Who(applicant, stream, key=key), {})
    assert json.loads(request.body) == {"a": applicant, "b": [f"x{key}"]}
    address = urlsplit(request.path)
    assert unquote(address.path) == f"/{applicant}"
    assert parse_qs(address.query, keep_blank_values=True) == {"q": [stream]}
    assert request.path.isascii()
    form = FORM.request(Who(applicant, stream), {}).body.decode()
    assert parse_qs(form, keep_blank_values=True) == {"f": [stream]}


@given(ANYTHING)
def test_a_text_of_the_environment_is_never_a_template(value: str) -> None:
    assert settled("a${X:-d}b", {"X": value}) == f"a{value or 'd'}b"
    assert all(isinstance(part, str) for part in parts(expanded("${X:-d}", {"X": value})))


@given(
    st.lists(st.sampled_from([*range(200, 206), "2xx", "201-203"]), min_size=1, max_size=5),
    st.integers(199, 207),
)
def test_the_first_rule_whose_status_fits_is_taken(specs: list[int | str], status: int) -> None:
    answers = ["granted", "full", "closed", "duplicate", "conflict"]
    rules = tuple({"status": spec, "answer": answers[number]} for number, spec in enumerate(specs))
    step = compiled(Profile.model_validate(claim(rules=rules)), environment={}).claim[0]
    told = step.classify(status, {}, b"", {})
    first = next((number for number, spec in enumerate(specs) if status in statuses(spec)), -1)
    assert told.rule == first
    assert told.answer == (answers[first] if first >= 0 else "unmatched")


@given(st.binary(max_size=60), st.integers(100, 599))
def test_no_answer_breaks_the_rules(body: bytes, status: int) -> None:
    rules = (
        {"status": 200, "json": "a.b[0]", "contains": "x", "answer": "full"},
        {"status": 200, "json": "a", "matches": "x", "answer": "full"},
        {"body": "x{2}", "answer": "closed"},
        {"status": "2xx", "answer": "granted", "slot": "json:s", "position": "json:p"},
    )
    step = compiled(Profile.model_validate(claim(rules=rules)), environment={}).claim[0]
    told = step.classify(status, {"retry-after": body.decode("latin-1")}, body, {}, Who("a"))
    assert told.answer in ("full", "closed", "granted", "unmatched")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | ANYTHING,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANYTHING, inner, max_size=3),
    max_leaves=6,
)


@given(JSON)
def test_any_value_can_be_read_as_anything(value: object) -> None:
    assert isinstance(as_text(value), str)
    assert isinstance(as_number(value), int | None)
    assert isinstance(as_truth(value), bool | None)


@given(st.binary(max_size=40), ANYTHING)
def test_documents_cookies_and_paths_are_read_or_refused(body: bytes, text: str) -> None:
    document_of(body)
    cookies(text)
    try:
        path(text)
    except ValueError as error:
        if "is not a path" not in str(error):
            raise


@given(st.sets(st.from_regex(r"[A-Z]{1,3}-[0-9]{1,4}", fullmatch=True), max_size=20))
def test_the_way_back_undoes_what_the_service_shows(applicants: set[str]) -> None:
    for template in ("{applicant}", "u-{applicant|hash:md5}", "{applicant|uuid5}", "{applicant|email}"):
        shown = shown_as(template)
        assert {shown(each): each for each in applicants} == way_back(shown, applicants)


@pytest.mark.parametrize("name", ["reference", "kinto"])
def test_compiling_twice_gives_the_same_requests(name: str) -> None:
    from loadtests.profile import target

    variables = {"generation": "1", "login": "a", "cap": "1"}
    first, second = (target(name, environment={}).claim for _ in range(2))
    assert [step.request(Who("a"), variables) for step in first] == [
        step.request(Who("a"), variables) for step in second
    ]
