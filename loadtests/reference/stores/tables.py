"""The tables of the SQL stores, and everything done with them that is not the hot path.

A *step* is a statement and its values; a generator of steps gets the rows of each as the value of its yield.
So the same lines run on SQLite's connection in a thread and on PostgreSQL's in an event loop. Placeholders
are written `?`. Whoever runs the steps of a writer holds every claim off until they are committed.
"""

import json
from collections.abc import Callable, Generator
from typing import Any, TypeAlias, TypeVar

from loadtests.reference.stores.store import (
    Announced,
    Asked,
    CapFigures,
    Figures,
    Holding,
    Ticket,
    caps_as_text,
    caps_of_text,
    spec_of_plain,
)
from sim.ledger import Cap, Close, Closed, Done, Mismatch, Open, Refresh, Reply, SetCap, Spec

T = TypeVar("T")
Rows: TypeAlias = list[tuple[Any, ...]]
Steps: TypeAlias = Generator[tuple[str, tuple[object, ...]], Rows, T]

SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS intakes (
    name TEXT PRIMARY KEY, seq BIGINT NOT NULL, state TEXT NOT NULL, caps TEXT NOT NULL,
    opens_at BIGINT, closes_at BIGINT, granted BIGINT NOT NULL DEFAULT 0, used BIGINT NOT NULL DEFAULT 0,
    held BIGINT NOT NULL DEFAULT 0, version BIGINT NOT NULL DEFAULT 1);
CREATE TABLE IF NOT EXISTS caps (
    name TEXT PRIMARY KEY, seq BIGINT NOT NULL, declared TEXT NOT NULL, lim BIGINT NOT NULL,
    used BIGINT NOT NULL DEFAULT 0, held BIGINT NOT NULL DEFAULT 0, copied BIGINT NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS covers (
    intake TEXT NOT NULL, stream TEXT NOT NULL, cap TEXT NOT NULL, PRIMARY KEY (intake, stream, cap));
CREATE TABLE IF NOT EXISTS receipts (
    applicant TEXT NOT NULL, key TEXT NOT NULL, kind TEXT NOT NULL, intake TEXT NOT NULL,
    stream TEXT NOT NULL, slot BIGINT, reply TEXT NOT NULL, number BIGINT NOT NULL, cap TEXT NOT NULL,
    at BIGINT NOT NULL, PRIMARY KEY (applicant, key));
CREATE TABLE IF NOT EXISTS holdings (
    intake TEXT NOT NULL, applicant TEXT NOT NULL, slot BIGINT NOT NULL, stream TEXT NOT NULL,
    key TEXT NOT NULL, at BIGINT NOT NULL, PRIMARY KEY (intake, applicant), UNIQUE (intake, slot));
CREATE TABLE IF NOT EXISTS tickets (
    intake TEXT NOT NULL, applicant TEXT NOT NULL, position BIGINT NOT NULL, at BIGINT NOT NULL,
    PRIMARY KEY (intake, applicant), UNIQUE (intake, position));
"""
TABLES = ("meta", "intakes", "caps", "covers", "receipts", "holdings", "tickets")
ANY_STREAM = ""  # in `covers`; no stream has this name


def run(execute: Callable[[str, tuple[object, ...]], Rows], steps: Steps[T]) -> T:
    """Run the steps one by one; what they return."""
    try:
        statement, values = next(steps)
        while True:
            statement, values = steps.send(execute(statement, values))
    except StopIteration as end:
        return end.value


def administer(command: Open | SetCap | Refresh | Close) -> Steps[Reply]:
    """The commands that do not concern a single applicant."""
    found = yield "SELECT state, caps FROM intakes WHERE name = ?", (command.intake,)
    state = found[0][0] if found else "unknown"
    if isinstance(command, Open):
        return (yield from _open(command, state, found))
    if state != "open":
        return Closed()
    match command:
        case SetCap():
            over = yield (
                "SELECT 1 FROM covers WHERE intake = ? AND cap = ?",
                (command.intake, command.cap),
            )
            if not over:
                return Mismatch()
            yield "UPDATE caps SET lim = ? WHERE name = ?", (command.limit, command.cap)
        case Refresh():
            yield (
                "UPDATE caps SET copied = used WHERE name IN (SELECT cap FROM covers WHERE intake = ?)",
                (command.intake,),
            )
        case Close():
            yield "UPDATE intakes SET state = 'closed' WHERE name = ?", (command.intake,)
    yield "UPDATE intakes SET version = version + 1 WHERE name = ?", (command.intake,)
    return Done()


def _open(command: Open, state: str, found: Rows) -> Steps[Reply]:
    text = caps_as_text(command.caps)
    if state == "closed":
        return Closed()
    if state == "open":
        return Done() if found[0][1] == text else Mismatch()
    declared: dict[str, str] = dict((yield "SELECT name, declared FROM caps", ()))
    opened = {row[0] for row in (yield "SELECT name FROM intakes WHERE state <> 'announced'", ())}
    new = [cap for cap in command.caps if cap.name not in declared]
    same = all(declared[cap.name] == caps_as_text((cap,)) for cap in command.caps if cap.name in declared)
    # A newcomer to an earlier intake would have to count, or to forget, the slots granted there before.
    if not same or any(cap.touches(intake) for cap in new for intake in opened):
        return Mismatch()
    if state == "unknown":
        yield from announce(command.intake, (), None, None)
    yield (
        "UPDATE intakes SET state = 'open', caps = ?, version = version + 1 WHERE name = ?",
        (text, command.intake),
    )
    for number, cap in enumerate(new, len(declared)):
        yield (
            "INSERT INTO caps (name, seq, declared, lim) VALUES (?, ?, ?, ?)",
            (cap.name, number, caps_as_text((cap,)), cap.limit),
        )
        for intake, stream in cap.covers:
            values = (intake, ANY_STREAM if stream is None else stream, cap.name)
            yield "INSERT INTO covers (intake, stream, cap) VALUES (?, ?, ?)", values
    return Done()


def announce(intake: str, caps: tuple[Cap, ...], opens_at: int | None, closes_at: int | None) -> Steps[None]:
    text = caps_as_text(caps)
    count = (yield "SELECT count(*) FROM intakes", ())[0][0]
    yield (
        "INSERT INTO intakes (name, seq, state, caps, opens_at, closes_at)"
        " VALUES (?, ?, 'announced', ?, ?, ?)"
        " ON CONFLICT (name) DO UPDATE SET opens_at = excluded.opens_at, closes_at = excluded.closes_at,"
        " version = intakes.version + 1,"
        " caps = CASE intakes.state WHEN 'announced' THEN excluded.caps ELSE intakes.caps END",
        (intake, count, text, opens_at, closes_at),
    )


def schedule() -> Steps[list[Announced]]:
    rows = yield "SELECT name, caps, opens_at, closes_at, state FROM intakes ORDER BY seq", ()
    return [Announced(row[0], caps_of_text(row[1]), *row[2:]) for row in rows]


def used(intake: str) -> Steps[int]:
    rows = yield "SELECT used FROM intakes WHERE name = ?", (intake,)
    return rows[0][0] if rows else 0


def figures(intake: str, spec: Spec) -> Steps[Figures | None]:
    """Two statements: whoever runs them does so on one snapshot."""
    rows = yield (
        "SELECT state, granted, used, held, version, opens_at, closes_at, caps FROM intakes WHERE name = ?",
        (intake,),
    )
    if not rows:
        return None
    state, granted, used, held, version, opens_at, closes_at, text = rows[0]
    over = yield (
        "SELECT declared, lim, used, held, copied FROM caps"
        " WHERE name IN (SELECT cap FROM covers WHERE intake = ?) ORDER BY seq",
        (intake,),
    )
    if state == "announced":
        caps = tuple(CapFigures(cap, 0, 0, 0) for cap in caps_of_text(text))
    else:
        caps = tuple(_cap_figures(spec, *row) for row in over)
    return Figures(state, granted, used, held, version, opens_at, closes_at, caps)


def _cap_figures(spec: Spec, declared: str, limit: int, used: int, held: int, copied: int) -> CapFigures:
    (cap,) = caps_of_text(declared)
    judged = used if spec.counter == "exact" else copied
    return CapFigures(Cap(cap.name, limit, cap.covers), used, held, judged)


def holders(intake: str, after: int, limit: int) -> Steps[list[Holding]]:
    rows = yield (
        "SELECT slot, slot, applicant, stream, key, at FROM holdings"
        " WHERE intake = ? AND slot > ? ORDER BY slot LIMIT ?",
        (intake, after, limit),
    )
    return [Holding(*row) for row in rows]


def asked(applicant: str, key: str) -> Steps[Asked | None]:
    rows = yield (
        "SELECT intake, stream FROM receipts WHERE applicant = ? AND key = ? AND kind = 'claim'",
        (applicant, key),
    )
    return Asked(*rows[0]) if rows else None


def ticket(intake: str, applicant: str) -> Steps[Ticket | None]:
    rows = yield (
        "SELECT t.position, t.at, f.at FROM tickets t, tickets f WHERE t.intake = ? AND t.applicant = ?"
        " AND f.intake = t.intake AND f.position = 1",
        (intake, applicant),
    )
    return Ticket(*rows[0]) if rows else None


def issue(intake: str, applicant: str, at: int) -> Steps[Ticket | None]:
    before = yield from ticket(intake, applicant)
    if before is not None:
        return before
    last = yield "SELECT coalesce(max(position), 0) FROM tickets WHERE intake = ?", (intake,)
    values = (intake, applicant, last[0][0] + 1, at)
    yield "INSERT INTO tickets (intake, applicant, position, at) VALUES (?, ?, ?, ?)", values
    return (yield from ticket(intake, applicant))


def read_spec() -> Steps[Spec | None]:
    rows = yield "SELECT value FROM meta WHERE name = 'spec'", ()
    return spec_of_plain(json.loads(rows[0][0])) if rows else None


def first_spec(spec: Spec) -> Steps[Spec]:
    """The spec that is kept; where there is none yet, this one from now on."""
    found = yield from read_spec()
    if found is None:
        yield from adopt(spec)
    return found or spec


def adopt(spec: Spec) -> Steps[bool]:
    if (yield from read_spec()) == spec:
        return True
    if (yield "SELECT 1 FROM intakes WHERE state <> 'announced'", ()):
        return False
    yield (
        "INSERT INTO meta (name, value) VALUES ('spec', ?)"
        " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (json.dumps(spec.as_plain()),),
    )
    return True


def reset() -> Steps[None]:
    for table in TABLES[1:]:
        yield f"DELETE FROM {table}", ()
