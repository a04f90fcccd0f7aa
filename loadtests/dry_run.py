"""A dry run of a profile: each operation once, by one applicant, with everything that was said.

What was claimed is released at the end, if the service has a release. Of the orders of the administration a
cap is set to the limit that it has, which changes nothing; the others (open, refresh, close) would change the
service for all, and are sent only when asked for. An *exchange* is one request with its answer and the rule
that held.
"""

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from loadtests.asking import Asker
from loadtests.conversation import Reply
from loadtests.profile import Classified, Request, Step, Target, Unreadable, Who
from loadtests.profiles import secrecy
from loadtests.profiles.placeholders import names
from loadtests.profiles.records import Rule
from loadtests.profiles.sources import as_text, document_of

FOR_ALL: Final = ("open", "refresh", "close")
"""Orders that change the service for everybody."""
PARTS: Final = (
    *("setup", "open", "enrol", "read", "ticket", "figures", "set_cap", "refresh"),
    *("claim", "listing", "release", "close"),
)
"""In which order a dry run asks."""
Verdict = Literal["fine", "unmatched", "unreachable"]


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request, its answer, and what was made of it."""

    name: str
    """The step or the reading: claim 1, readings.used."""
    request: Request
    response: Reply
    verdict: Verdict
    meaning: str
    """What the answer means by the profile, or why it means nothing."""
    rule: str
    """The rule that held, as the profile has it; empty if none did."""
    secrets: Mapping[str, str]
    """Variables whose values must not be shown: what setup and enrol left, and what looks like a secret."""


@dataclass(eq=False)
class _Session:
    """Who asks, on which line, and what the answers have left so far."""

    target: Target
    asker: Asker
    who: Who
    secrets: dict[str, str] = field(default_factory=dict)
    limit: int | None = None
    """What the reading `cap` said."""
    named: str | None = None
    """The intake by the name that this reading gave it; None if it gave none. `current` is not a name."""

    @property
    def variables(self) -> dict[str, str]:
        return self.asker.variables

    def exchange(
        self, name: str, request: Request, reply: Reply, verdict: Verdict, meaning: str, rule: str = ""
    ) -> Exchange:
        return Exchange(name, request, reply, verdict, meaning, rule, dict(self.secrets))


def dry_run(target: Target, who: Who, *, orders: bool = False) -> Iterator[Exchange]:
    """Every exchange, as it is had; with those of `orders` if wanted. Ends early if nobody answers."""
    session = _Session(target, Asker(target), who)
    session.secrets |= {name: text for name, text in target.variables.items() if secrecy.is_secret(name)}
    try:
        for exchange in _waited_for(session):
            yield exchange
            if exchange.verdict != "fine":
                return
        for part in PARTS:
            if part in FOR_ALL and not orders:
                continue
            exchanges = list(_of_part(session, part))
            yield from exchanges
            if any(each.verdict == "unreachable" for each in exchanges) or (
                part in ("setup", "enrol") and any(each.verdict != "fine" for each in exchanges)
            ):
                return
    finally:
        session.asker.close()


def _of_part(session: _Session, part: str) -> Iterator[Exchange]:
    if part == "figures":
        yield from _figures(session)
    elif part == "listing":
        yield from _slot(session)
        yield from _listing(session)
    else:
        yield from _operation(session, part)


def _waited_for(session: _Session) -> Iterator[Exchange]:
    """The service's own word that it is ready, waited for as long as the profile says."""
    target = session.target
    if target.is_ready is None or target.ready is None:
        return
    build, good = target.is_ready
    request = build(session.who, session.variables)
    until = time.monotonic() + target.ready.deadline_s
    while True:
        reply = session.asker.attempt(request)
        if reply.error is None and reply.status in good:
            yield session.exchange("ready", request, reply, "fine", "ready")
            return
        if reply.error or time.monotonic() > until:  # a service that is not there is not waited for
            verdict: Verdict = "unreachable" if reply.error else "unmatched"
            meaning = reply.error or f"not ready within {target.ready.deadline_s:g} s"
            yield session.exchange("ready", request, reply, verdict, meaning)
            return
        time.sleep(target.ready.every_s)


def _operation(session: _Session, part: str) -> list[Exchange]:
    """All exchanges of one part; what its answers leave is kept for the parts after it."""
    steps: tuple[Step, ...] = getattr(session.target, part)
    exchanges: list[Exchange] = []
    about = _about(session, part)
    if not steps or about is None:
        return exchanges

    def seen(step: Step, request: Request, reply: Reply, told: Classified) -> None:
        is_given = part in ("setup", "enrol")
        session.secrets |= {k: v for k, v in told.extracted.items() if is_given or secrecy.is_secret(k)}
        if step is steps[-1] and told.poll_s is None:
            told = told._replace(done=True)  # nothing comes after it
        exchange = _exchange(session, step, request, reply, told)
        is_refused = part == "set_cap" and exchange.verdict == "fine" and told.result != "ok"
        if is_refused:  # it orders what is so already: nothing speaks against that but a wrong request
            meaning = f"{exchange.meaning}: the cap that was read, ordered again, is not accepted"
            exchange = replace(exchange, verdict="unmatched", meaning=meaning)
        exchanges.append(exchange)

    told = session.asker.converse(steps, session.who, about, seen=seen)
    session.variables.update(told.variables)
    if part == "claim":  # a release is another command, and has another key
        key = session.who.key
        other = f"{key[:-1]}{'1' if key[-1:] == '0' else '0'}"
        session.who = session.who._replace(claim_id=told.classified.claim_id or "", key=other)
    return exchanges


def _about(session: _Session, part: str) -> dict[str, str] | None:
    """What a part's requests may name besides; None if it cannot be sent, or must not be."""
    intake = session.who.intake
    if part == "release":
        needs = set().union(*(names(step) for step in session.target.profile.release))
        return {} if session.who.claim_id or "claim_id" not in needs else None
    if part == "set_cap":
        limit = session.limit
        return None if limit is None else {"cap": session.named or intake, "limit": str(limit)}
    if part == "open":
        cap = {"name": intake, "limit": 1, "covers": [[intake, None]]}
        return {"cap": intake, "limit": "1", "caps": json.dumps([cap]), "spec": "{}"}
    return {}


def _exchange(session: _Session, step: Step, request: Request, reply: Reply, told: Classified) -> Exchange:
    rule = shown(step.rules[told.rule]) if told.rule >= 0 else ""
    if reply.error is not None:
        return session.exchange(step.name, request, reply, "unreachable", reply.error, rule)
    if told.answer == "unmatched":
        meaning = f"unmatched: {told.note}" if told.note else "unmatched: no rule holds for this answer"
        return session.exchange(step.name, request, reply, "unmatched", meaning, rule)
    parts = {
        "slot": told.slot,
        "claim_id": told.claim_id,
        "position": told.position,
        "value": told.value,
        "cap": told.cap,
        "given_back": told.given_back,
        "retry_after_s": told.retry_after_s,
        **{
            name: secrecy.HIDDEN if name in session.secrets else text for name, text in told.extracted.items()
        },
    }
    said = ", ".join(f"{name} = {as_text(value)}" for name, value in parts.items() if value is not None)
    words = told.answer if told.done else f"{told.answer or 'go on'}, ask again" if told.poll_s else "go on"
    meaning = f"{words or 'done'}{': ' * bool(said)}{said}"
    return session.exchange(step.name, request, reply, "fine", meaning, rule)


def shown(rule: Rule) -> str:
    """A rule on one line, nearly as a file has it."""
    given = rule.model_dump(by_alias=True, exclude_unset=True)
    return ", ".join(f"{name} = {_toml(value)}" for name, value in given.items())


def _toml(value: object) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{key} = {_toml(each)}' for key, each in value.items())} }}"
    return json.dumps(value, ensure_ascii=False)


def _figures(session: _Session) -> Iterator[Exchange]:
    """The readings of the service, each once."""
    for name in ("cap", "used", "held", "available"):
        reading = getattr(session.target.readings, name)
        if reading is None:
            continue
        request = reading.request(session.who, session.variables)
        reply = session.asker.attempt(request)
        try:
            figure = reading.value(reply.status, reply.headers, reply.body)
        except Unreadable as error:
            yield _unread(session, f"readings.{name}", request, reply, error)
            continue
        if name == "cap":
            session.limit, session.named = figure, _named(reply)
        yield session.exchange(f"readings.{name}", request, reply, "fine", str(figure))


def _named(reply: Reply) -> str | None:
    """The name of the intake in an answer about it, where the answer has one."""
    document = document_of(reply.body)
    name = document.get("intake") if isinstance(document, dict) else None
    return name if isinstance(name, str) and name else None


def _slot(session: _Session) -> Iterator[Exchange]:
    """What the service says of the applicant's slot."""
    slot = session.target.readings.slot
    if slot is None:
        return
    request = slot.request(session.who, session.variables)
    reply = session.asker.attempt(request)
    try:
        found = slot.value(reply.status, reply.headers, reply.body, session.who)
        yield session.exchange("readings.slot", request, reply, "fine", found or "none")
    except Unreadable as error:
        yield _unread(session, "readings.slot", request, reply, error)


def _listing(session: _Session) -> Iterator[Exchange]:
    """The list of holders to its end."""
    holders, who = session.target.readings.holders, session.who
    if holders is None:
        return
    back = session.target.way_back([who.applicant])
    following: Request | None = holders.request(who, session.variables)
    count = ours = pages = 0
    while following is not None and pages < holders.most_pages:
        request, pages = following, pages + 1
        reply = session.asker.attempt(request)
        try:
            page, following = holders.page(request, reply.status, reply.headers, reply.body)
        except Unreadable as error:
            yield _unread(session, "readings.holders", request, reply, error)
            return
        count += len(page)
        ours += sum(holder.shown in back for holder in page)
        meaning = f"{count} so far, {ours} of them {who.applicant}"
        yield session.exchange("readings.holders", request, reply, "fine", meaning)


def _unread(session: _Session, name: str, request: Request, reply: Reply, error: Unreadable) -> Exchange:
    if reply.error is not None:
        return session.exchange(name, request, reply, "unreachable", reply.error)
    return session.exchange(name, request, reply, "unmatched", str(error))
