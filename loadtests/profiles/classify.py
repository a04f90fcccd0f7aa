"""Rules compiled: what an answer means. The first rule that holds counts; if none does, it is "unmatched".

An unmatched answer is never taken for anything else: a run that has one cannot be valid. So is a grant that
does not say what its rule promised (which slot, which claim), or a step that lacks what the next one needs.
"""

import email.utils
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

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
from loadtests.profiles.unrolled import HeaderIs, KeyIs, KeyMatches, Look, Taken, Test, unrolled
from loadtests.profiles.unrolled import Rule as Ready
from loadtests.protocol import result_of

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


Classify = Callable[..., Classified]
"""(status, headers, body, variables, who) -> Classified. `who` may be left out where no rule names it."""


def classifier(step: Step, rules: Iterable[Rule], compiler: Compiler) -> Classify:
    """The function that says what an answer to a step means."""
    ready = [_compiled(number, rule, step, compiler) for number, rule in enumerate(rules)]
    of_status: dict[int, Classify] = {}

    def classify(
        status: int,
        headers: Mapping[str, str],
        body: bytes,
        variables: Mapping[str, str],
        who: Who | None = None,
    ) -> Classified:
        found = of_status.get(status)
        if found is None:
            left = [rule for rule in ready if status in rule.statuses]
            found = of_status[status] = unrolled(left, retry_after_s)
        return found(status, headers, body, variables, who)

    return classify


def _compiled(number: int, rule: Rule, step: Step, compiler: Compiler) -> Ready:
    """The rule with everything that can be settled before an answer comes."""
    conditions = (rule, *rule.also)
    pending = rule.go is not None
    answer = rule.answer or ("accepted-async" if rule.go == "again" else "")
    takes = {
        name: getattr(rule, name) or (getattr(step.take, name) if _is_taken(name, rule) else None)
        for name in TAKEN
    }
    extracts = step.extract if rule.go == "next" or rule.answer in (*_GRANTS, None) else {}
    wanted = [text for text in (*takes.values(), *extracts.values()) if text is not None]
    must = ("slot", "claim_id") if answer in _GRANTS else ()
    return Ready(
        frozenset.intersection(*(statuses(each.status) for each in conditions)),
        tuple(test for each in conditions for test in _tests(each, compiler)),
        any(each.path is not None for each in conditions) or any(map(needs_document, wanted)),
        Classified(answer, result_of(answer) if answer else "ok", done=not pending, rule=number),
        tuple(
            _taken(name, text, TAKEN[name], name in must, compiler) for name, text in takes.items() if text
        ),
        tuple(_taken(name, text, as_text, True, compiler) for name, text in extracts.items()),
        may_wait=pending or answer not in (*_GRANTS, "released", "count", ""),
        every_s=step.poll.every_s if rule.go == "again" else None,
    )


def _taken(name: str, text: str, read: Callable[[Any], Any], is_due: bool, compiler: Compiler) -> Taken:
    return Taken(name, only_key(text), getter(text, compiler), read, is_due, text)


def _is_taken(name: str, rule: Rule) -> bool:
    """Whether a step's `take` concerns a rule: what was granted for grants, and for others what they tell."""
    if name in ("slot", "claim_id", "position"):
        return rule.answer in (*_GRANTS, "duplicate")
    told = {"value": ("count",), "cap": ("full",), "given_back": ("released", "replayed")}
    return rule.answer in told[name]


def _tests(condition: Condition, compiler: Compiler) -> Iterable[Test | Look]:
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
        key = None if condition.header else only_key(f"json:{condition.path}")
        if key is not None:
            yield KeyMatches(key, find)
        else:
            yield lambda answered: (found := get(answered)) is not None and find(as_text(found)) is not None
    if condition.exists is not None:
        is_wanted = condition.exists
        yield lambda answered: (get(answered) is not None) is is_wanted


def _equal(
    wanted: str | int | float | bool, get: Get, header: str, path_written: str | None, compiler: Compiler
) -> Test | Look:
    """Equality, the commonest test; of a header, or of a key at the top, without a detour."""
    if isinstance(wanted, str) and any(isinstance(part, Hole | FromEnvironment) for part in parts(wanted)):
        filled = compiler.function(compiler.text(wanted))

        def varies(answered: Answered) -> bool:
            found = get(answered)
            return found is not None and as_text(found) == filled(answered.who, answered.variables)

        return varies
    plain = settled(wanted, {}) if isinstance(wanted, str) else as_text(wanted)
    if header:
        return HeaderIs(header.lower(), plain)
    key = only_key(f"json:{path_written}") if path_written is not None else None
    if key is not None:
        return KeyIs(key, plain)
    return lambda answered: (found := get(answered)) is not None and as_text(found) == plain


def _containing(get: Get, wanted: str) -> Test:
    def test(answered: Answered) -> bool:
        found = get(answered)
        if isinstance(found, (list, dict)):
            return any(as_text(each) == wanted for each in found)
        return found is not None and wanted in as_text(found)

    return test


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
