"""What must hold between the parts of a profile, beyond the form of each key. Each rule yields faults."""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from loadtests.profiles import placeholders
from loadtests.profiles.classify import TAKEN, statuses
from loadtests.profiles.records import OPERATIONS, Asking, Condition, Page, Profile, Rule, Step
from loadtests.profiles.sources import path as json_path
from loadtests.profiles.sources import source
from loadtests.profiles.templates import FromEnvironment, Hole, parts
from sim.errors import nearest
from sim.scenario_files.faults import Fault
from sim.scenario_files.schema import Path

ALWAYS: Final = (
    "throttled",
    "conflict",
    "rejected",
    "error",
    "accepted-async",
    "closed",
    "mismatch",
    "ineligible",
)
OF_OPERATION: Final = {
    "claim": ("granted", "replayed", "duplicate", "full", "incomplete", *ALWAYS),
    "release": ("released", "replayed", "unheld", *ALWAYS),
    "read": ("count", *ALWAYS),
    "ticket": ("count", "replayed", "duplicate", "full", *ALWAYS),
}
"""The answers that make sense for an operation. Of any other part: none but what always can be."""

TESTS: Final = ("equals", "contains", "matches", "exists")
SECRET_HEADERS: Final = ("authorization", "proxy-authorization", "cookie", "x-api-key", "x-auth-token")


def steps(profile: Profile) -> Iterator[tuple[Path, str, Step]]:
    """Every step with its path and the name of its part."""
    for part in ("setup", "enrol", *OPERATIONS):
        for number, step in enumerate(getattr(profile, part)):
            yield (part, number), part, step


def rule_lists(profile: Profile) -> Iterator[tuple[Path, str, tuple[Rule, ...]]]:
    """Every list of rules with its path and the name of its part; "" for those of the profile."""
    for path, part, step in steps(profile):
        yield (*path, "rules"), part, step.rules
    yield ("rules",), "", profile.rules


def requests(profile: Profile) -> Iterator[tuple[Path, Asking]]:
    """Everything that asks something of the service, with its path."""
    for path, _, step in steps(profile):
        yield path, step
    if profile.ready:
        yield ("ready",), profile.ready
    for name in type(profile.readings).model_fields:
        reading = getattr(profile.readings, name)
        if reading is not None:
            yield ("readings", name), reading


def a_claim_is_there(profile: Profile) -> Iterator[Fault]:
    if not profile.claim:
        mend = 'add a table [[claim]] with request = "POST /claims" and rules'
        yield Fault(("claim",), "is missing: nothing says how a slot is claimed", mend=mend)


def the_address_is_one(profile: Profile) -> Iterator[Fault]:
    first = next(parts(profile.base_url), "")
    if isinstance(first, str) and not re.match(r"https?://\S", profile.base_url):
        near = f"http://{profile.base_url}" if re.match(r"[\w.-]+(:\d+)?(/|$)", profile.base_url) else ""
        expected = "an address such as http://127.0.0.1:8080"
        yield Fault(
            ("base_url",), "this is not an address of HTTP", expected, f'write "{near}"' if near else ""
        )
    if any(isinstance(part, Hole) for part in parts(profile.base_url)):
        yield Fault(
            ("base_url",), "the address cannot depend on who asks", mend="put {...} into the requests"
        )


def sources_are_sources(profile: Profile) -> Iterator[Fault]:
    places: list[tuple[Path, str]] = []
    for path, _, step in steps(profile):
        places += [((*path, "take", name), text) for name in TAKEN if (text := getattr(step.take, name))]
        places += [((*path, "extract", name), text) for name, text in step.extract.items()]
    for path, _, rules in rule_lists(profile):
        for number, rule in enumerate(rules):
            places += [((*path, number, name), text) for name in TAKEN if (text := getattr(rule, name))]
    for path, asking in requests(profile):
        names = (
            ("value", "entries", "applicant", "slot", "claim_id", "position") if path[0] == "readings" else ()
        )
        places += [((*path, name), text) for name in names if (text := getattr(asking, name, None))]
        page = getattr(asking, "page", None)
        if isinstance(page, Page):
            places += [
                ((*path, "page", name), text) for name in ("next", "cursor") if (text := getattr(page, name))
            ]
    for path, text in places:
        yield from _source(path, text)


def _source(path: Path, text: str) -> Iterator[Fault]:
    expected = "json:a.path, header:NAME, cookie:NAME, body:EXPRESSION, status or text:..."
    try:
        source(text)
    except re.error as error:
        yield Fault(path, f"the regular expression is not right: {error}")
    except ValueError as error:
        word, colon, rest = text.partition(":")
        near = nearest(word, ("json", "header", "cookie", "body", "status", "text")) if colon else ""
        mend = f'write "{near}:{rest}"' if near and near != word else ""
        if not colon and re.fullmatch(r"[\w.\[\]$-]+", text):
            mend = f'write "json:{text.removeprefix("$.")}"'
        yield Fault(path, str(error), expected, mend)


def conditions_are_whole(profile: Profile) -> Iterator[Fault]:
    for path, _, rules in rule_lists(profile):
        for number, rule in enumerate(rules):
            yield from _condition((*path, number), rule)
            for further, condition in enumerate(rule.also):
                yield from _condition((*path, number, "also", further), condition)
    for path, asking in requests(profile):
        for name in ("status", "none"):
            if (spec := getattr(asking, name, None)) is not None:
                yield from _status((*path, name), spec)


def _condition(path: Path, condition: Condition) -> Iterator[Fault]:
    yield from _status((*path, "status"), condition.status)
    given = [name for name in TESTS if getattr(condition, name) is not None]
    if condition.header and condition.path is not None:
        mend = "put one of them into also = [{ ... }]"
        yield Fault((*path, "header"), "header and json are both given, and one is tested", mend=mend)
    elif given and not condition.header and condition.path is None:
        mend = 'add json = "a.path" or header = "NAME" beside it'
        yield Fault((*path, given[0]), f"nothing says what is tested by {given[0]}", mend=mend)
    elif (condition.header or condition.path is not None) and not given:
        key = "header" if condition.header else "json"
        mend = "add exists = true, or another test, beside it"
        yield Fault((*path, key), "nothing says what it must be", f"one of {', '.join(TESTS)}", mend)
    if condition.path is not None:
        try:
            json_path(condition.path)
        except ValueError as error:
            yield Fault((*path, "json"), str(error))
    for name in ("matches", "body"):
        try:
            re.compile(getattr(condition, name) or "")
        except re.error as error:
            yield Fault((*path, name), f"the regular expression is not right: {error}")


def _status(path: Path, spec: Any) -> Iterator[Fault]:
    try:
        statuses(spec)
    except ValueError as error:
        yield Fault(path, str(error))


def rules_conclude(profile: Profile) -> Iterator[Fault]:
    for path, part, rules in rule_lists(profile):
        allowed = (
            OF_OPERATION.get(part, ALWAYS)
            if part
            else sorted({a for each in OF_OPERATION.values() for a in each})
        )
        for number, rule in enumerate(rules):
            here: Path = (*path, number)
            if rule.answer is None and rule.go is None:
                yield Fault(
                    here, "nothing says what such an answer means", mend='add answer = "granted" or another'
                )
            elif rule.go and rule.answer not in (None, "accepted-async"):
                yield Fault(
                    (*here, "answer"),
                    f'"{rule.answer}" ends the operation, and go = "{rule.go}" goes on',
                    mend="leave one of the two out",
                )
            elif rule.answer and rule.answer not in allowed:
                what = (
                    f"a {part} cannot be told {rule.answer}"
                    if part in OF_OPERATION
                    else f"{part} grants nothing"
                )
                yield Fault((*here, "answer"), what, f"one of {', '.join(allowed)}")
            is_last = part in OPERATIONS and path[1] == len(getattr(profile, part)) - 1
            if rule.go == "next" and is_last and part in OF_OPERATION:
                yield Fault(
                    (*here, "go"),
                    f"there is no step after this one of {part}",
                    mend=f"add another [[{part}]]",
                )


def operations_have_rules(profile: Profile) -> Iterator[Fault]:
    for path, part, step in steps(profile):
        if not step.rules and part in OF_OPERATION:
            mend = 'add rules = [{ status = 200, answer = "..." }]'
            yield Fault((*path, "rules"), "is missing: nothing says what answers mean", mend=mend)


def every_rule_can_hold(profile: Profile) -> Iterator[Fault]:
    for path, _, rules in rule_lists(profile):
        sweeping: list[tuple[int, frozenset[int]]] = []
        for number, rule in enumerate(rules):
            try:
                meant = statuses(rule.status)
            except ValueError:
                continue
            before = next((k for k, taken in sweeping if meant <= taken), None)
            if before is not None:
                message = f"this rule is never reached: rule {before + 1} holds for every such status"
                yield Fault((*path, number), message, mend="put it before that one")
            if not (rule.header or rule.path is not None or rule.body or rule.also):
                sweeping.append((number, meant))


def a_grant_names_its_slot(profile: Profile) -> Iterator[Fault]:
    grants = [
        (path, number, rule, step)
        for path, part, step in steps(profile)
        for number, rule in enumerate(step.rules)
        if part == "claim" and rule.answer in ("granted", "replayed")
    ]
    if profile.claim and not any(rule.answer == "granted" for _, _, rule, _ in grants):
        yield Fault(
            ("claim",),
            "no rule of it says granted",
            mend='add { status = 201, answer = "granted" } to its rules',
        )
    for path, number, rule, step in grants:
        if profile.slot == "answer" and not (rule.slot or step.take.slot):
            mend = 'add take = { slot = "json:id" } to the step, or slot = "applicant" at the top of the file'
            yield Fault((*path, "rules", number), "a grant that does not say which slot it is", mend=mend)


def a_release_knows_its_claim(profile: Profile) -> Iterator[Fault]:
    taken = any(rule.claim_id or step.take.claim_id for step in profile.claim for rule in step.rules)
    if taken:
        return
    for number, step in enumerate(profile.release):
        if "claim_id" in placeholders.names(step):
            mend = 'add take = { claim_id = "json:id" } to [[claim]]'
            yield Fault(("release", number), "it needs {claim_id}, and no claim takes one", mend=mend)


def one_body(profile: Profile) -> Iterator[Fault]:
    names = {"json": "json_body", "form": "form", "graphql": "graphql", "body": "body"}
    for path, asking in requests(profile):
        given = [key for key, field in names.items() if getattr(asking, field) is not None]
        if len(given) > 1:
            yield Fault(
                (*path, given[1]), f"the request has a body already, {given[0]}", mend="keep one of the two"
            )
        if asking.graphql is not None and not isinstance(asking.graphql.get("query"), str):
            yield Fault((*path, "graphql"), "there is no query in it", mend='add query = "mutation { ... }"')


def pages_turn_one_way(profile: Profile) -> Iterator[Fault]:
    page = profile.readings.holders.page if profile.readings.holders else None
    if page is None:
        return
    here: Path = ("readings", "holders", "page")
    ways = [name for name in ("next", "cursor", "by") if getattr(page, name) is not None]
    if len(ways) != 1:
        message = (
            "nothing says how the list continues"
            if not ways
            else f"{' and '.join(ways)} are two ways to continue"
        )
        mend = 'write next = "json:next", or parameter = "offset" and by = "items"'
        yield Fault((*here, ways[1]) if ways else here, message, "one of next, cursor, by", mend)
    elif ways != ["next"] and not page.parameter:
        yield Fault(
            (*here, ways[0]), "no parameter of the query is named", mend='add parameter = "after" beside it'
        )


def retries_fit_the_claim(profile: Profile) -> Iterator[Fault]:
    count = len(profile.claim)
    if count and profile.retry.from_step > count:
        message = f"the claim has {count} step{'s' * (count > 1)}, not {profile.retry.from_step}"
        yield Fault(("retry", "from_step"), message)
    for answer in profile.retry.new_key_after:
        if answer in ("error", "accepted-async"):
            says = (
                f"after {answer} nobody knows whether a slot was taken; another key might take a second one"
            )
            yield Fault(("retry", "new_key_after"), says, mend=f"leave {answer} out")
        elif answer not in profile.retry.after:
            says = f"{answer} is not among the answers after which a claim is tried again"
            yield Fault(("retry", "new_key_after"), says, mend=f'add "{answer}" to retry.after')
    if profile.retry.resolve == "read-back" and profile.readings.slot is None:
        mend = "add [readings.slot], with request and value"
        yield Fault(
            ("retry", "resolve"), "there is no reading of one applicant's slot to read back", mend=mend
        )


def secrets_stay_outside(profile: Profile) -> Iterator[Fault]:
    places = [((), profile.headers), *((path, asking.headers) for path, asking in requests(profile))]
    for path, headers in places:
        for name, value in headers.items():
            said = list(parts(value))
            if name.lower() in SECRET_HEADERS and value and all(isinstance(part, str) for part in said):
                mend = 'write "${NAME_OF_IT}", and set that in the environment'
                yield Fault((*path, "headers", name), "a secret is written in the file", mend=mend)
            if (
                any(isinstance(part, FromEnvironment) and part.default for part in said)
                and name.lower() in SECRET_HEADERS
            ):
                mend = 'leave the default out: "${NAME}"'
                yield Fault(
                    (*path, "headers", name), "a secret is written in the file, as a default", mend=mend
                )


RULES: Final[tuple[Callable[[Profile], Iterable[Fault]], ...]] = (
    a_claim_is_there,
    the_address_is_one,
    sources_are_sources,
    conditions_are_whole,
    rules_conclude,
    operations_have_rules,
    every_rule_can_hold,
    a_grant_names_its_slot,
    a_release_knows_its_claim,
    one_body,
    pages_turn_one_way,
    retries_fit_the_claim,
    secrets_stay_outside,
    placeholders.all_are_known,
)


def broken(profile: Profile) -> list[Fault]:
    """What is wrong between the parts of a profile; one fault a place."""
    found: dict[Path, Fault] = {}
    for rule in RULES:
        for fault in rule(profile):
            found.setdefault(fault.path, fault)
    return list(found.values())
