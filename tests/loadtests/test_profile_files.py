"""Profile files: what is shipped is right; what is wrong is said in full, where it stands, with its mending."""

import re
from importlib import resources
from pathlib import Path
from typing import NamedTuple

import pytest

from loadtests.profile import compiled, load, shipped, target, text_of
from sim.errors import BadInput
from tests.loadtests.profiled import ANA, SMALLEST, target_of

JARGON = re.compile(r"Input should|valid (dict|int|str|tup|bool)|instance of|Traceback|NoneType|\bNone\b")


class Bad(NamedTuple):
    """A fault put into the smallest profile: a piece of it, what stands there instead, and what is said."""

    name: str
    piece: str
    instead: str
    key: str
    said: str
    mend: str = ""


RULE = '{ status = 201, answer = "granted" }'
TOP = 'slot = "applicant"'
# fmt: off
BAD = [
    Bad("a key misspelt", "title =", "titel =", "titel", "there is no such key", "write title"),
    Bad("a table misspelt", "[[claim]]", "[[clam]]", "clam", "there is no such key", "write claim"),
    Bad("single brackets", "[[claim]]", "[claim]", "claim", "this is a table", "write [[claim]]"),
    Bad("no address", 'base_url = "http://127.0.0.1:8080"\n', "", "base_url", "is missing", "base_url ="),
    Bad("an address of nothing", '"http://127.0.0.1:8080"', '"127.0.0.1:8080"', "base_url", "not an address", "http://127"),
    Bad("who asks in the address", ":8080", ":8080/{intake}", "base_url", "cannot depend on who asks"),
    Bad("a whole address in a request", "POST /claims", "POST http://x/claims", "claim.1.request", "is not a request", "write the path alone"),
    Bad("a small method", "POST /claims", "post /claims", "claim.1.request", "is not a request", '"POST /claims"'),
    Bad("no method", "POST /claims", "/claims", "claim.1.request", "is not a request", "GET /claims"),
    Bad("an unknown placeholder", '"{applicant}"', '"{aplicant}"', "claim.1.json.applicant", "{aplicant} is not known", "write {applicant}"),
    Bad("an unknown filter", "{applicant}", "{applicant|emial}", "claim.1.json.applicant", "no filter emial", "write email"),
    Bad("a filter's argument", "{applicant}", "{applicant|hash:crc}", "claim.1.json.applicant", "hash takes"),
    Bad("a stray brace", '"{applicant}"', '"{applicant"', "claim.1.json.applicant", 'a "{" that belongs to no', "{{"),
    Bad("an unknown answer", '"granted"', '"grantd"', "claim.1.rules.1.answer", "is not a choice", '"granted"'),
    Bad("a wrong answer", '"granted"', '"released"', "claim.1.rules.1.answer", "a claim cannot be told released"),
    Bad("a status in words", "201", '"created"', "claim.1.rules.1.status", "neither a status"),
    Bad("a status too large", "201", "2010", "claim.1.rules.1.status", "not among the status codes"),
    Bad("a test of nothing", "201,", '201, equals = "x",', "claim.1.rules.1.equals", "nothing says what is tested", "json ="),
    Bad("a path and no test", "201,", '201, json = "a",', "claim.1.rules.1.json", "what it must be", "exists = true"),
    Bad("a regular expression", "201,", '201, body = "(",', "claim.1.rules.1.body", "regular expression is not right"),
    Bad("two tests of two things", "201,", '201, header = "X", json = "a", exists = true,', "claim.1.rules.1.header", "both given", "also"),
    Bad("a rule of no meaning", ', answer = "granted"', "", "claim.1.rules.1", "what such an answer means"),
    Bad("nowhere to go on", '"granted"', '"granted" }, { status = 202, go = "next"', "claim.1.rules.2.go", "no step after this one"),
    Bad("a rule that is never reached", RULE, f'{RULE}, {{ status = 201, answer = "full" }}', "claim.1.rules.2", "never reached: rule 1"),
    Bad("no grant", '"granted"', '"full"', "claim", "no rule of it says granted"),
    Bad("a slot of nowhere", TOP, 'slot = "answer"', "claim.1.rules.1", "does not say which slot", "take ="),
    Bad("a source without its kind", '"granted"', '"granted", slot = "data.id"', "claim.1.rules.1.slot", "where the value stands", "json:data.id"),
    Bad("a source misspelt", '"granted"', '"granted", slot = "jsn:id"', "claim.1.rules.1.slot", "where the value stands", "json:id"),
    Bad("two bodies", "json = {", 'body = "x"\njson = {', "claim.1.body", "a body already, json", "keep one"),
    Bad("a secret", TOP, f'{TOP}\nheaders = {{ Authorization = "Bearer abc" }}', "headers.Authorization", "a secret is written", "${NAME"),
    Bad("a secret as default", TOP, f'{TOP}\nheaders = {{ X-Api-Key = "${{KEY:-abc}}" }}', "headers.X-Api-Key", "as a default"),
    Bad("a release of nothing", "[[claim]]", '[[release]]\nrequest = "DELETE /c/{claim_id}"\nrules = [{ status = 204, answer = "released" }]\n[[claim]]', "release.1", "no claim takes one", "claim_id ="),
    Bad("no rules", 'rules = [{ status = 201, answer = "granted" }]\n', "", "claim.1.rules", "is missing: nothing says what answers mean"),
    Bad("a step too far", TOP, f"{TOP}\nretry.from_step = 2", "retry.from_step", "the claim has 1 step, not 2"),
    Bad("nothing to read back", TOP, f'{TOP}\nretry.resolve = "read-back"', "retry.resolve", "no reading", "[readings.slot]"),
    Bad("a new key in doubt", TOP, f'{TOP}\nretry.new_key_after = ["error"]', "retry.new_key_after", "might take a second one", "leave error out"),
    Bad("a new key and no try", TOP, f'{TOP}\nretry.new_key_after = ["full"]', "retry.new_key_after", "not among the answers", 'add "full"'),
    Bad("a limit for nobody", TOP, f'{TOP}\nset_cap = [{{ request = "POST /c/{{applicant}}" }}]', "set_cap.1.request", "is asked for nobody"),
    Bad("a limit of a claim", "POST /claims", "POST /claims/{limit}", "claim.1.request", "{limit} is not known"),
    Bad("a page of two ways", TOP, f'{TOP}\nreadings.holders = {{ request = "GET /c", applicant = "json:a", page = {{ next = "json:n", by = "items" }} }}', "readings.holders.page.by", "two ways"),
    Bad("a page of no way", TOP, f'{TOP}\nreadings.holders = {{ request = "GET /c", applicant = "json:a", page = {{ size = 5 }} }}', "readings.holders.page", "how the list continues"),
    Bad("an applicant nobody knows", TOP, f'{TOP}\nreadings.used = {{ request = "GET /{{applicant}}", value = "json:n" }}', "readings.used.request", "is asked for nobody"),
    Bad("a variable that asks", TOP, f'{TOP}\nvariables = {{ a = "{{key}}" }}', "variables.a", "cannot depend on {key}", "${key}"),
    Bad("a key with a colon", TOP, 'slot: "applicant"', "slot", "joined by =", "slot ="),
    Bad("a wait too long", TOP, f"{TOP}\nretry.pause_s = 4000", "retry.pause_s", "more than 3600"),
    Bad("a number in quotes", TOP, f'{TOP}\ntimeout_s = "30"', "timeout_s", "is text", "write 30"),
    Bad("a parent that is not there", TOP, f'{TOP}\nextends = "referenc"', "extends", "no shipped profile", "write reference"),
]
# fmt: on
# ruff: noqa: E501 - a table reads better in lines


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.name)
def test_a_bad_profile_is_answered_where_it_is_wrong(bad: Bad, tmp_path: Path) -> None:
    assert bad.piece in SMALLEST, bad
    with pytest.raises(BadInput) as caught:
        target_of(tmp_path, SMALLEST.replace(bad.piece, bad.instead, 1))
    problem = next(each for each in caught.value.problems if each.key == bad.key)
    assert bad.said in problem.message
    assert bad.mend in problem.mend
    assert not JARGON.search(str(caught.value))
    assert problem.line or bad.key in ("base_url", "claim", "claim.1.rules"), problem


def test_every_fault_of_a_file_is_said_at_once(tmp_path: Path) -> None:
    text = SMALLEST.replace("title =", "titel =").replace("201", '"many"').replace("{applicant}", "{who}")
    with pytest.raises(BadInput) as caught:
        target_of(tmp_path, text)
    assert [problem.key for problem in caught.value.problems] == ["titel"]  # the form comes first
    with pytest.raises(BadInput) as caught:
        target_of(tmp_path, text.replace("titel", "title"))
    assert [each.key for each in caught.value.problems] == [
        "claim.1.json.applicant",
        "claim.1.rules.1.status",
    ]


def test_the_caret_stands_under_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(BadInput) as caught:
        target_of(tmp_path, SMALLEST.replace('"granted"', '"grantd"'))
    (problem,) = caught.value.problems
    assert problem.text[problem.column - 1 :][: problem.width] == '"grantd"'


@pytest.mark.parametrize("name", [each.name for each in shipped()])
def test_a_shipped_profile_is_right_and_named_after_its_file(name: str) -> None:
    assert load(name).name == name
    assert compiled(load(name), environment={}).claim


def test_every_shipped_file_is_listed_and_readable() -> None:
    files = {
        each.name for each in resources.files("loadtests.targets").iterdir() if each.name.endswith(".toml")
    }
    assert {f"{each.name}.toml" for each in shipped()} == files
    assert text_of("reference")[0] == "loadtests/targets/reference.toml"


def test_a_profile_extends_another_key_by_key(tmp_path: Path) -> None:
    target_of(tmp_path, SMALLEST)
    child = tmp_path / "child.toml"
    child.write_text('extends = "profile.toml"\nname = "child"\nretry.most = 7\nheaders = { X = "1" }\n')
    profile = load(child)
    assert (profile.name, profile.title, profile.retry.most) == ("child", "the smallest profile", 7)
    assert profile.claim == load(tmp_path / "profile.toml").claim


def test_a_fault_is_placed_in_the_file_that_says_it(tmp_path: Path) -> None:
    (tmp_path / "parent.toml").write_text(SMALLEST.replace("201", '"many"'))
    child = tmp_path / "child.toml"
    child.write_text('extends = "parent.toml"\ntimeout_s = -1.0\n')
    with pytest.raises(BadInput) as caught:
        load(child)
    assert [Path(each.file).name for each in caught.value.problems] == ["child.toml"]
    child.write_text('extends = "parent.toml"\n')
    with pytest.raises(BadInput) as caught:
        load(child)
    assert [Path(each.file).name for each in caught.value.problems] == ["parent.toml"]


def test_a_profile_that_extends_itself_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "loop.toml"
    file.write_text('extends = "loop.toml"\n')
    with pytest.raises(BadInput, match="extends itself"):
        load(file)


def test_what_is_not_set_in_the_environment_is_named(tmp_path: Path) -> None:
    text = SMALLEST.replace("title =", 'headers = { Authorization = "Bearer ${TOKEN}" }\ntitle =')
    with pytest.raises(BadInput, match=r"headers.Authorization: TOKEN is not set"):
        target_of(tmp_path, text)


def test_a_secret_is_in_the_request_and_nowhere_else(tmp_path: Path) -> None:
    text = SMALLEST.replace("title =", 'headers = { Authorization = "Bearer ${TOKEN}" }\ntitle =')
    made = target_of(tmp_path, text, {"TOKEN": "s3cr3t-{x}"})
    headers = dict(made.claim[0].request(ANA, made.variables).headers)
    assert headers["Authorization"] == "Bearer s3cr3t-{x}"
    assert "s3cr3t" not in repr(made.profile)
    assert made.masked("got s3cr3t-{x}") == "got ${TOKEN}"


def test_an_address_given_instead_keeps_the_path_of_the_profile() -> None:
    made = target("kinto", environment={}, base_url="http://127.0.0.1:1")
    assert made.base_url == "http://127.0.0.1:1"
    assert made.claim[0].request(ANA, {"login": "a"}).path.startswith("/v1/buckets/")


@pytest.mark.parametrize(
    "address", ["127.0.0.1:80", "ftp://x", "http://", "http://h:0", "http://h:port", "http://h/?q=1"]
)
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(BadInput, match="--base-url"):
        target("reference", environment={}, base_url=address)


def test_orders_of_the_administration_say_what_they_are_about() -> None:
    made = target("reference", environment={"QUOTALAB_ADMIN_TOKEN": "abcd"})
    about = {**made.variables, "cap": "2022/pilot", "limit": "7", "caps": "[]", "spec": "{}"}
    [step] = made.operation("set-cap")
    asked = step.request(ANA._replace(intake="2022"), about)
    assert (asked.method, asked.path) == ("POST", "/quotas/2022/caps")
    assert asked.body == b'{"cap":"2022/pilot","limit":7}'
    assert ("Authorization", "Bearer abcd") in asked.headers
    [step] = made.operation("open")
    assert step.request(ANA, about).body == b'{"caps": [], "spec": {}}'
