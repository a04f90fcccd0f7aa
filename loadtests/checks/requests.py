"""Operations by request: all attempts under one key, what they were told, and when they took effect.

Attempts of one applicant under one key are one request, however often it was sent; it takes effect at most
once. Its *window* is where that may have been: from the first invocation of an attempt that may have done it
to the first completion of an attempt that says it was done.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from loadtests.history import ABSENT, NEVER, History
from loadtests.protocol import ANSWERS, OPS, RESULTS

CURRENT = "current"
"""The intake of a claim that left the choice to the service and was not told which it was."""


@dataclass(slots=True)
class Request:
    """All attempts of one claim, or of one release; rows are positions in the history."""

    applicant: str
    key: str
    intake: str | None
    """None if it is not known: the service was to choose, and did not say."""
    stream: str | None
    rows: list[int] = field(default_factory=list)
    done: list[int] = field(default_factory=list)
    """Attempts that were told that it was done: granted or released, now or before."""
    unknown: list[int] = field(default_factory=list)
    """Attempts of which it is not known whether they did it."""
    begins_ns: int = NEVER
    """The earliest at which it can have taken effect; NEVER if it cannot have."""
    ends_ns: int = NEVER
    """The latest at which it took effect; NEVER if it may not have."""

    grants: dict[object, int] = field(default_factory=dict)
    """What it was told that it was given, by slot, with the latest at which that was; one, if all is well."""

    @property
    def may_have(self) -> bool:
        """Whether it may have taken effect."""
        return bool(self.done or self.unknown)

    def concerns(self, intake: str) -> bool:
        """Whether it is about the intake, or may be."""
        return self.intake is None or self.intake == intake


def claims(history: History) -> list[Request]:
    """Claims by applicant and key, in the order of their first invocation."""
    return _requests(history, "claim", ("granted", "replayed"))


def releases(history: History) -> list[Request]:
    """Releases by applicant and key, in the order of their first invocation."""
    return _requests(history, "release", ("released", "replayed"))


def is_grant(history: History, row: int) -> bool:
    """Whether a claim was told that it has a slot: granted now, or replayed from a grant.

    Where refusals leave a receipt, a replay may be of a refusal; that names a cap, or nothing.
    """
    answer = history["answer"][row]
    if answer == GRANTED:
        return True
    if answer != REPLAYED:
        return False
    has_slot = history["slot"][row] is not None or history["claim_id"][row] is not None
    return has_slot or (history.header.spec.refusals == "fresh" and history["cap"][row] is None)


def _requests(history: History, op: str, done: Sequence[str]) -> list[Request]:
    found: dict[tuple[str, str], Request] = {}
    done_codes = {ANSWERS.index(word) for word in done}
    unknown_codes = {RESULTS.index("info"), RESULTS.index("pending")}
    invoked, completed = (column.tolist() for column in history.widened())
    answer, result = history["answer"].tolist(), history["result"].tolist()
    applicant, key, intake, stream = (history[name] for name in ("applicant", "key", "intake", "stream"))
    incomplete_counts = history.header.spec.counts == "received"
    for row in history.is_op(op).nonzero()[0].tolist():
        # Without a key every attempt is a request of its own.
        name = (str(applicant[row]), str(key[row]) if key[row] is not None else f"#{row}")
        request = found.get(name)
        if request is None:
            request = found[name] = Request(*name, intake=None, stream=stream[row])
        if request.intake is None and intake[row] not in (None, CURRENT):
            request.intake = intake[row]
        request.rows.append(row)
        if answer[row] in done_codes and (op != "claim" or is_grant(history, row)):
            request.done.append(row)
            request.ends_ns = min(request.ends_ns, completed[row])
        elif result[row] in unknown_codes or (incomplete_counts and answer[row] == INCOMPLETE):
            request.unknown.append(row)
        else:
            continue
        request.begins_ns = min(request.begins_ns, invoked[row])
    for request in found.values():
        request.grants = _grants(history, request.done, completed)
    return list(found.values())


def _grants(history: History, done: list[int], completed: list[int]) -> dict[object, int]:
    """What attempts were told that they were given: told apart by a name that all of them bear, if any."""
    for name in ("slot", "claim_id"):
        column = history[name]
        if all(column[row] is not None for row in done):
            grants: dict[object, int] = {}
            for row in done:
                grants[column[row]] = min(grants.get(column[row], NEVER), completed[row])
            return grants
    return {None: min(completed[row] for row in done)}


def initial_holders(history: History, intake: str) -> frozenset[str] | None:
    """Who held a slot of the intake before the run; None if that is not known."""
    initial = history.header.initial
    if initial is None:
        return frozenset()
    return None if initial.holders is None else frozenset(initial.holders.get(intake, ()))


def intakes(history: History) -> list[str]:
    """The intakes that appear in the history, in order."""
    return sorted({str(each) for each in history["intake"] if each is not None and each != CURRENT})


GRANTED, REPLAYED, INCOMPLETE = (ANSWERS.index(word) for word in ("granted", "replayed", "incomplete"))
CLAIM = OPS.index("claim")
assert ABSENT < 0 < NEVER
