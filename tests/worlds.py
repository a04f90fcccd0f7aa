"""Small worlds for the ledger: a text form of commands and replies, a naive second opinion, and a walk.

The *second opinion* keeps no state. It answers a command by reading the whole past, a list of (command,
reply) pairs, again and again, in the words of the contract; it shares the ledger's types and no rule. The
*walk* tries every sequence of commands from an alphabet, comparing each reply with the second opinion, and
goes from one sequence to the next by undo, comparing the states.

The text form, one line each. The stream is "main" unless the intake is followed by a slash.

    open 2022 all=3 pilot=1 a+b=2 2022+2023=4     caps: whole intake, one stream, two together, two intakes
    set 2022 2022/pilot 0      refresh 2022      close 2022      read 2022
    ana claims 2022/pilot k1   ana releases 2022 k2 withdrawal
"""

from collections.abc import Iterator
from itertools import product
from typing import get_args

from sim.ledger import (
    REASONS,
    Cap,
    Claim,
    Close,
    Closed,
    Command,
    Count,
    Done,
    Duplicate,
    Full,
    Granted,
    Ledger,
    Mismatch,
    Open,
    Read,
    Reason,
    Refresh,
    Release,
    Released,
    Replayed,
    Reply,
    SetCap,
    Spec,
    Unheld,
    cap_of,
)

Past = list[tuple[Command, Reply]]

ALL_SPECS = [
    Spec(gives_back=gives_back, refusals=refusals, counter=counter)
    for gives_back, refusals, counter in product(
        (frozenset(), frozenset({"withdrawal"}), REASONS), ("fresh", "sticky"), ("exact", 7)
    )
]
"""Every combination of the switches that the ledger heeds."""


def switches(spec: Spec) -> str:
    """A spec as the name of a test."""
    return f"{'+'.join(sorted(spec.gives_back)) or 'nothing'} back, {spec.refusals}, {spec.counter}"


def command(text: str) -> Command:
    match text.split():
        case ["open", intake, *caps]:
            return Open(intake, tuple(_cap(intake, *item.split("=")) for item in caps))
        case ["set", intake, cap, limit]:
            return SetCap(intake, cap, int(limit))
        case ["refresh", intake]:
            return Refresh(intake)
        case ["close", intake]:
            return Close(intake)
        case ["read", intake]:
            return Read(intake)
        case [applicant, "claims", where, key]:
            intake, _, stream = where.partition("/")
            return Claim(applicant, key, intake, stream or "main")
        case [applicant, "releases", intake, key, reason]:
            assert reason in get_args(Reason), text
            return Release(applicant, key, intake, reason)
    raise AssertionError(f"not a command: {text!r}")


def _cap(intake: str, covered: str, limit: str) -> Cap:
    parts = covered.split("+")
    if all(part.isdigit() for part in parts):
        return Cap(covered, int(limit), frozenset((part, None) for part in parts))
    return cap_of(intake, int(limit), *([] if covered == "all" else parts))


def reply(text: str) -> Reply:
    match text.split():
        case ["replayed", *first]:
            return Replayed(reply(" ".join(first)))
        case ["granted", number]:
            return Granted(slot=int(number), position=int(number))
        case ["duplicate", slot]:
            return Duplicate(int(slot))
        case ["full", cap]:
            return Full(cap)
        case ["count", used]:
            return Count(int(used))
        case ["released", *back]:
            assert back in ([], ["back"]), text
            return Released(given_back=bool(back))
        case [word]:
            return {"closed": Closed(), "mismatch": Mismatch(), "unheld": Unheld(), "done": Done()}[word]
    raise AssertionError(f"not a reply: {text!r}")


# --- The second opinion


def answer(spec: Spec, past: Past, asked: Command) -> Reply:
    """What the contract says to the command after this past."""
    is_open = _is_open(past, asked.intake)
    match asked:
        case Claim():
            return _kept(spec, past, asked) or _answer_claim(spec, past, asked)
        case Release():
            return _kept(spec, past, asked) or _answer_release(spec, past, asked)
        case Read():
            return Count(_used(spec, past, frozenset({(asked.intake, None)})))
        case Open() if not _opens(past, asked.intake):
            return _answer_first_open(past, asked)
        case Open() if is_open:
            return Done() if asked.caps == _opens(past, asked.intake)[0].caps else Mismatch()
        case SetCap() if is_open:
            named = [cap for cap in _declared(past).values() if cap.name == asked.cap]
            return Done() if any(asked.intake in _intakes(cap) for cap in named) else Mismatch()
        case Refresh() | Close() if is_open:
            return Done()
    return Closed()


def _kept(spec: Spec, past: Past, asked: Claim | Release) -> Reply | None:
    """The answer out of a receipt, if there is one."""
    for earlier, told in past:
        if isinstance(earlier, Claim | Release) and (earlier.applicant, earlier.key) == (
            asked.applicant,
            asked.key,
        ):
            is_definite = not isinstance(told, Replayed | Mismatch)
            if isinstance(told, Granted | Released) or (spec.refusals == "sticky" and is_definite):
                return Replayed(told) if _request(earlier) == _request(asked) else Mismatch()
    return None


def _request(asked: Claim | Release) -> tuple[str, ...]:
    return ("claim", asked.intake, asked.stream) if isinstance(asked, Claim) else ("release", asked.intake)


def _answer_claim(spec: Spec, past: Past, asked: Claim) -> Reply:
    if not _is_open(past, asked.intake):
        return Closed()
    if held := _holdings(past).get((asked.intake, asked.applicant)):
        return Duplicate(held[1].slot)
    for cap in _declared(past).values():
        if _covers(cap.covers, asked) and _judged(spec, past, cap) >= _limit(past, cap):
            return Full(cap.name)
    number = 1 + sum(isinstance(told, Granted) and earlier.intake == asked.intake for earlier, told in past)
    return Granted(slot=number, position=number)


def _answer_release(spec: Spec, past: Past, asked: Release) -> Reply:
    if (asked.intake, asked.applicant) not in _holdings(past):
        return Unheld()
    return Released(given_back=asked.reason in spec.gives_back)


def _answer_first_open(past: Past, asked: Open) -> Reply:
    declared = _declared(past)
    for cap in asked.caps:
        if cap.name in declared and declared[cap.name] != cap:
            return Mismatch()
        if cap.name not in declared and any(_opens(past, intake) for intake in _intakes(cap)):
            return Mismatch()
    return Done()


def _opens(past: Past, intake: str) -> list[Open]:
    return [c for c, told in past if isinstance(c, Open) and isinstance(told, Done) and c.intake == intake]


def _is_open(past: Past, intake: str) -> bool:
    closes = [c for c, told in past if isinstance(c, Close) and isinstance(told, Done) and c.intake == intake]
    return bool(_opens(past, intake)) and not closes


def _declared(past: Past) -> dict[str, Cap]:
    caps: dict[str, Cap] = {}
    for earlier, told in past:
        if isinstance(earlier, Open) and isinstance(told, Done):
            caps |= {cap.name: cap for cap in earlier.caps if cap.name not in caps}
    return caps


def _limit(past: Past, cap: Cap) -> int:
    done = [c for c, told in past if isinstance(c, SetCap) and isinstance(told, Done)]
    changes = [c.limit for c in done if c.cap == cap.name]
    return [cap.limit, *changes][-1]


def _holdings(past: Past) -> dict[tuple[str, str], tuple[Claim, Granted]]:
    held: dict[tuple[str, str], tuple[Claim, Granted]] = {}
    for earlier, told in past:
        if isinstance(earlier, Claim) and isinstance(told, Granted):
            held[earlier.intake, earlier.applicant] = (earlier, told)
        if isinstance(earlier, Release) and isinstance(told, Released):
            del held[earlier.intake, earlier.applicant]
    return held


def _intakes(cap: Cap) -> set[str]:
    return {intake for intake, _ in cap.covers}


def _covers(covers: frozenset[tuple[str, str | None]], claim: Claim) -> bool:
    return any(intake == claim.intake and stream in (None, claim.stream) for intake, stream in covers)


def _used(spec: Spec, past: Past, covers: frozenset[tuple[str, str | None]]) -> int:
    """Grants under the cover, less the releases of such grants that gave back."""
    used = 0
    for length, (earlier, told) in enumerate(past):
        if isinstance(earlier, Claim) and isinstance(told, Granted):
            used += _covers(covers, earlier)
        if isinstance(earlier, Release) and isinstance(told, Released) and earlier.reason in spec.gives_back:
            used -= _covers(covers, _holdings(past[:length])[earlier.intake, earlier.applicant][0])
    return used


def _judged(spec: Spec, past: Past, cap: Cap) -> int:
    if spec.counter == "exact":
        return _used(spec, past, cap.covers)
    copies = [
        length
        for length, (earlier, told) in enumerate(past)
        if isinstance(earlier, Refresh) and earlier.intake in _intakes(cap) and isinstance(told, Done)
    ]
    return _used(spec, past[: copies[-1]], cap.covers) if copies else 0


# --- The walk


def walk(
    ledger: Ledger, past: Past, alphabet: list[Command], depth: int, *, prune: bool
) -> Iterator[tuple[Command, Reply]]:
    """Try every sequence of up to `depth` commands, and yield each step while the ledger stands after it.

    With `prune`, a step that left the state as it was is judged but not followed.
    """
    before = ledger.state()
    for asked in alphabet:
        told = ledger.decide(asked)
        expected = answer(ledger.spec, past, asked)
        assert told == expected, f"{ledger.spec}\n{story(past)}\n{asked}: told {told}, expected {expected}"
        ledger.record(asked, told)
        past.append((asked, told))
        yield asked, told
        if depth > 1 and not (prune and ledger.state() == before):
            yield from walk(ledger, past, alphabet, depth - 1, prune=prune)
        past.pop()
        ledger.undo()
        assert ledger.state() == before, f"undo of {asked} after\n{story(past)}"


def story(past: Past) -> str:
    return "\n".join(f"{asked} -> {told}" for asked, told in past)


def begin(ledger: Ledger, lines: list[str]) -> Past:
    """Apply the commands that set a world up."""
    return [(asked, ledger.apply(asked)) for asked in map(command, lines)]
