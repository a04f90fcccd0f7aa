"""Rules compiled: what an answer means. The first rule that holds counts; if none does, it is "unmatched".

An unmatched answer is never taken for anything else: a run that has one cannot be valid. So is a grant that
does not say what its rule promised (which slot, which claim), or a step that lacks what the next one needs.
"""

import email.utils
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple

from pydantic_core import from_json

from loadtests.profiles.exchange import Classified, Who
from loadtests.profiles.records import Condition, Rule, Step
from loadtests.profiles.sources import (
    Answered,
    Get,
    as_number,
    as_text,
    as_truth,
    fetcher,
    getter,
    needs_document,
    only_key,
    path,
)
from loadtests.profiles.templates import Compiler, FromEnvironment, Hole, parts, settled
from loadtests.protocol import result_of

Test = Callable[[Answered], bool]

TAKEN: Final[dict[str, Callable[[Any], Any]]] = {
    "slot": as_text,
    "claim_id": as_text,
    "position": as_number,
    "value": as_number,
    "cap": as_text,
    "given_back": as_truth,
}
"""Parts of an answer that a rule can take, and what they are read as."""

_GRANTS: Final = ("granted", "replayed")
_NEW: Final = tuple.__new__
_PLACE: Final = {name: Classified._fields.index(name) for name in TAKEN}
_EXTRACTED, _RETRY_AFTER, _POLL = (
    Classified._fields.index(name) for name in ("extracted", "retry_after_s", "poll_s")
)
_EVERY_STATUS: Final = frozenset(range(100, 600))


def statuses(spec: int | str | tuple[int | str, ...]) -> frozenset[int]:
    """The status codes that are meant; ValueError if that cannot be told."""
    if isinstance(spec, tuple):
        return frozenset().union(*map(statuses, spec)) if spec else _EVERY_STATUS
    if isinstance(spec, int):
        low = high = spec
    elif found := re.fullmatch(r"([1-5])xx", spec.lower()):
        low, high = int(found[1]) * 100, int(found[1]) * 100 + 99
    elif found := re.fullmatch(r"(\d{3})(?: ?- ?(\d{3}))?", spec):
        low, high = int(found[1]), int(found[2] or found[1])
    else:
        raise ValueError(f'"{spec}" is neither a status, nor a class as "2xx", nor a range as "500-599"')
    if not 100 <= low <= high <= 599:
        raise ValueError(f"{spec} is not among the status codes from 100 to 599")
    return frozenset(range(low, high + 1))


_Narrowed = tuple[list[tuple[tuple[Test, ...], Callable[[Answered], Classified]]], bool]

UNMATCHED: Final = Classified("unmatched", result_of("unmatched"))


class Compiled(NamedTuple):
    """A rule, ready to be tried."""

    number: int
    statuses: frozenset[int]
    tests: tuple[Test, ...]
    needs_document: bool
    conclude: Callable[[Answered], Classified]


Classify = Callable[..., Classified]
"""(status, headers, body, variables, who) -> Classified. `who` may be left out where no rule names it."""


def classifier(step: Step, rules: Iterable[Rule], compiler: Compiler) -> Classify:
    """The function that says what an answer to a step means."""
    ready = [_compiled(number, rule, step, compiler) for number, rule in enumerate(rules)]
    of_status: dict[int, _Narrowed] = {}

    def narrowed(status: int) -> _Narrowed:
        """The rules that a status leaves, and whether any of them looks into the JSON body."""
        left = [rule for rule in ready if status in rule.statuses]
        found = of_status[status] = (
            [(rule.tests, rule.conclude) for rule in left],
            any(rule.needs_document for rule in left),
        )
        return found

    def classify(
        status: int,
        headers: Mapping[str, str],
        body: bytes,
        variables: Mapping[str, str],
        who: Who | None = None,
    ) -> Classified:
        rules, needs_document = of_status.get(status) or narrowed(status)
        try:
            document = from_json(body) if needs_document else None
        except ValueError:  # it is no JSON
            document = None
        # tuple.__new__ goes past a call by name, which would cost more than the rest of this function.
        answered: Answered = _NEW(Answered, (status, headers, body, document, variables, who))
        for tests, conclude in rules:
            for test in tests:
                if not test(answered):
                    break
            else:
                return conclude(answered)
        return UNMATCHED

    return classify


def _compiled(number: int, rule: Rule, step: Step, compiler: Compiler) -> Compiled:
    conditions = (rule, *rule.also)
    takes = {
        name: getattr(rule, name) or (getattr(step.take, name) if _is_taken(name, rule) else None)
        for name in TAKEN
    }
    extracts = step.extract if rule.go == "next" or rule.answer in (*_GRANTS, None) else {}
    wanted = [text for text in (*takes.values(), *extracts.values()) if text is not None]
    return Compiled(
        number,
        frozenset.intersection(*(statuses(each.status) for each in conditions)),
        tuple(test for each in conditions for test in _tests(each, compiler)),
        any(each.path is not None for each in conditions) or any(map(needs_document, wanted)),
        _conclusion(number, rule, step, {k: v for k, v in takes.items() if v}, extracts, compiler),
    )


def _is_taken(name: str, rule: Rule) -> bool:
    """Whether a step's `take` concerns a rule: what was granted for grants, and for others what they tell."""
    if name in ("slot", "claim_id", "position"):
        return rule.answer in (*_GRANTS, "duplicate")
    told = {"value": ("count",), "cap": ("full",), "given_back": ("released", "replayed")}
    return rule.answer in told[name]


def _tests(condition: Condition, compiler: Compiler) -> Iterable[Test]:
    """The tests of one condition, its status aside."""
    if condition.body:
        search = re.compile(condition.body).search
        yield lambda answered: search(answered.body.decode("utf-8", "replace")) is not None
    if not condition.header and condition.path is None:
        return
    get = (
        getter(f"header:{condition.header}", compiler)
        if condition.header
        else fetcher(path(condition.path or ""), compiler)
    )
    if condition.equals is not None:
        yield _equal(condition.equals, get, condition.header, condition.path, compiler)
    if condition.contains is not None:
        yield _containing(get, as_text(condition.contains))
    if condition.matches is not None:
        find = re.compile(condition.matches).search
        yield lambda answered: (found := get(answered)) is not None and find(as_text(found)) is not None
    if condition.exists is not None:
        is_wanted = condition.exists
        yield lambda answered: (get(answered) is not None) is is_wanted


def _equal(
    wanted: str | int | float | bool, get: Get, header: str, path_written: str | None, compiler: Compiler
) -> Test:
    """Equality, the commonest test; of a header, or of a key at the top, without a detour."""
    if isinstance(wanted, str) and any(isinstance(part, Hole | FromEnvironment) for part in parts(wanted)):
        filled = compiler.function(compiler.text(wanted))

        def varies(answered: Answered) -> bool:
            found = get(answered)
            return found is not None and as_text(found) == filled(answered.who, answered.variables)

        return varies
    plain = settled(wanted, {}) if isinstance(wanted, str) else as_text(wanted)
    if header:
        name = header.lower()
        return lambda answered: answered[1].get(name) == plain

    key = only_key(f"json:{path_written}") if path_written is not None else None
    if key is not None:

        def at_key(answered: Answered) -> bool:
            document = answered[3]
            found = document.get(key) if type(document) is dict else None
            return found == plain if type(found) is str else found is not None and as_text(found) == plain

        return at_key
    return lambda answered: (found := get(answered)) is not None and as_text(found) == plain


def _containing(get: Get, wanted: str) -> Test:
    def test(answered: Answered) -> bool:
        found = get(answered)
        if isinstance(found, (list, dict)):
            return any(as_text(each) == wanted for each in found)
        return found is not None and wanted in as_text(found)

    return test


def _conclusion(
    number: int, rule: Rule, step: Step, takes: dict[str, str], extracts: dict[str, str], compiler: Compiler
) -> Callable[[Answered], Classified]:
    """What the rule makes of an answer."""
    pending = rule.go is not None
    answer = rule.answer or ("accepted-async" if rule.go == "again" else "")
    result = result_of(answer) if answer else "ok"
    must = [name for name in ("slot", "claim_id") if name in takes and answer in _GRANTS]
    taken: list[tuple[int, str | None, Get, Callable[[Any], Any], bool, str]] = [
        (_PLACE[name], only_key(text), getter(text, compiler), TAKEN[name], name in must, text)
        for name, text in takes.items()
    ]
    fetched = [(name, getter(text, compiler), text) for name, text in extracts.items()]
    may_wait = pending or answer not in (*_GRANTS, "released", "count", "")
    base = list(Classified(answer, result, done=not pending, rule=number))
    every_s = step.poll.every_s if rule.go == "again" else None

    def conclude(answered: Answered) -> Classified:
        fields = base.copy()
        document = answered[3]
        is_table = type(document) is dict
        for place, key, get, read, is_due, text in taken:
            # A key at the top of the document is the commonest source, and is looked up without a call.
            found = document.get(key) if is_table and key is not None else get(answered)
            if found is not None:
                fields[place] = read(found)
            elif is_due:
                return _broken_promise(number, f"the answer has no {text}")
        if fetched:
            extracted = {}
            for name, get, text in fetched:
                found = get(answered)
                if found is None:
                    return _broken_promise(number, f"the answer has no {text}")
                extracted[name] = as_text(found)
            fields[_EXTRACTED] = extracted
        if may_wait and "retry-after" in answered[1]:
            fields[_RETRY_AFTER] = retry_after_s(answered[1])
        if every_s is not None:
            fields[_POLL] = every_s if fields[_RETRY_AFTER] is None else fields[_RETRY_AFTER]
        return _NEW(Classified, fields)

    return conclude


def _broken_promise(number: int, note: str) -> Classified:
    return Classified("unmatched", result_of("unmatched"), rule=number, note=note)


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """The seconds that Retry-After asks for; a date is taken against the answer's own Date."""
    said = headers.get("retry-after", "").strip()
    try:
        return max(0.0, float(said))
    except ValueError:
        pass
    try:
        until = email.utils.parsedate_to_datetime(said)
        now = email.utils.parsedate_to_datetime(headers.get("date", ""))
        return max(0.0, (until - now).total_seconds())
    except (TypeError, ValueError):  # no date, or one with and one without a zone
        return None
