"""A dry run of a profile: each operation once, by one applicant, with everything that was said.

Operations that change the service for all (open, close, refresh) are left out. What was claimed is released
at the end, if the service has a release. An *exchange* is one request with its answer and the rule that held.
"""

import ssl
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

import urllib3
from urllib3.exceptions import HTTPError

from loadtests.conversation import Reply, converse
from loadtests.profile import Classified, Request, Step, Target, Unreadable, Who

LEFT_OUT = ("open", "close", "refresh")
Verdict = Literal["fine", "unmatched", "unreachable"]


class Response(NamedTuple):
    """An answer, or why there is none."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    error: str | None = None
    was_written: bool = True


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


class Client:
    """Sends one request at a time, once: no retries and no redirects."""

    def __init__(self, target: Target) -> None:
        tls = target.tls
        context = None
        if target.base_url.startswith("https"):
            context = ssl.create_default_context(cafile=tls.ca_file)
            context.check_hostname = tls.verify
            context.verify_mode = ssl.CERT_REQUIRED if tls.verify else ssl.CERT_NONE
            if tls.certificate_file:
                context.load_cert_chain(tls.certificate_file, tls.key_file)
        self._base_url = target.base_url
        timeout = urllib3.Timeout(connect=min(5.0, target.profile.timeout_s), read=target.profile.timeout_s)
        self._pool = urllib3.PoolManager(retries=False, timeout=timeout, ssl_context=context)

    def send(self, request: Request) -> Response:
        headers = urllib3.HTTPHeaderDict(request.headers)
        try:
            found = self._pool.request(
                request.method,
                self._base_url + request.path,
                body=request.body or None,
                headers=headers,
                redirect=False,
            )
        except urllib3.exceptions.NewConnectionError as error:
            return Response(
                0, {}, b"", f"no connection: {error.args[-1]}".rpartition(": ")[2], was_written=False
            )
        except HTTPError as error:
            return Response(0, {}, b"", " ".join(str(error).split()))
        lines = {name.lower(): "\n".join(found.headers.getlist(name)) for name in found.headers}
        return Response(found.status, lines, found.data)


def dry_run(target: Target, who: Who) -> Iterator[Exchange]:
    """Every exchange, as it is had. Ends early when the service cannot be reached."""
    client = Client(target)
    variables: dict[str, str] = dict(target.variables)
    for exchange in _waited_for(target, client, who, variables):
        yield exchange
        if exchange.verdict != "fine":
            return
    for part in ("setup", "enrol", "read", "ticket", "readings", "claim", "listing", "release"):
        if part == "readings":
            exchanges: list[Exchange] = list(_figures(target, client, who, variables))
        elif part == "listing":
            exchanges = list(_listing(target, client, who, variables))
        else:
            exchanges, who = _operation(target, part, client, who, variables)
        yield from exchanges
        if any(each.verdict == "unreachable" for each in exchanges) or (
            part in ("setup", "enrol") and any(each.verdict != "fine" for each in exchanges)
        ):
            return


def _waited_for(target: Target, client: Client, who: Who, variables: dict[str, str]) -> Iterator[Exchange]:
    """The service's own word that it is ready, waited for as long as the profile says."""
    if target.is_ready is None or target.ready is None:
        return
    build, good = target.is_ready
    request = build(who, variables)
    until = time.monotonic() + target.ready.deadline_s
    while True:
        response = client.send(request)
        if response.status in good:
            yield Exchange("ready", request, response, "fine", "ready", "")
            return
        if response.error or time.monotonic() > until:  # a service that is not there is not waited for
            verdict: Verdict = "unreachable" if response.error else "unmatched"
            yield Exchange("ready", request, response, verdict, response.error or "not ready", "")
            return
        time.sleep(target.ready.every_s)


def _operation(
    target: Target, part: str, client: Client, who: Who, variables: dict[str, str]
) -> tuple[list[Exchange], Who]:
    steps: tuple[Step, ...] = getattr(target, part)
    exchanges: list[Exchange] = []
    if not steps or (part == "release" and not _may_release(target, who)):
        return exchanges, who

    def seen(step: Step, request: Request, reply: Reply, told: Classified) -> None:
        exchanges.append(_exchange(step, request, reply, told))

    told = converse(steps, who, variables, client.send, time.sleep, time.monotonic, seen=seen)
    variables.update(told.variables)
    if part == "claim":  # a release is another command, and has another key
        who = who._replace(
            claim_id=told.classified.claim_id or "",
            key=f"{who.key[:-1]}{'1' if who.key[-1:] == '0' else '0'}",
        )
    return exchanges, who


def _may_release(target: Target, who: Who) -> bool:
    """Whether the claim left what its release needs."""
    from loadtests.profiles.placeholders import names

    needs = set().union(*(names(step) for step in target.profile.release))
    return bool(who.claim_id) or "claim_id" not in needs


def _exchange(step: Step, request: Request, reply: Reply, told: Classified) -> Exchange:
    rule = shown(step.rules[told.rule]) if told.rule >= 0 else ""
    if reply.error is not None:
        return Exchange(step.name, request, reply, "unreachable", reply.error, rule)
    if told.answer == "unmatched":
        meaning = f"unmatched: {told.note}" if told.note else "unmatched: no rule holds for this answer"
        return Exchange(step.name, request, reply, "unmatched", meaning, rule)
    parts = {
        "slot": told.slot,
        "claim_id": told.claim_id,
        "position": told.position,
        "value": told.value,
        "cap": told.cap,
        "given_back": told.given_back,
        "retry_after_s": told.retry_after_s,
        **told.extracted,
    }
    said = ", ".join(f"{name} = {value}" for name, value in parts.items() if value is not None)
    words = told.answer if told.done else f"{told.answer or 'go on'}, ask again" if told.poll_s else "go on"
    return Exchange(step.name, request, reply, "fine", f"{words or 'done'}{': ' * bool(said)}{said}", rule)


def shown(rule: object) -> str:
    """A rule on one line, nearly as a file has it."""
    from loadtests.profiles.records import Rule

    assert isinstance(rule, Rule), rule
    given = rule.model_dump(by_alias=True, exclude_unset=True)
    return ", ".join(f"{name} = {_toml(value)}" for name, value in given.items())


def _toml(value: object) -> str:
    import json

    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{key} = {_toml(each)}' for key, each in value.items())} }}"
    return json.dumps(value, ensure_ascii=False)


def _figures(target: Target, client: Client, who: Who, variables: dict[str, str]) -> Iterator[Exchange]:
    """The readings of the service, each once."""
    for name in ("cap", "used", "held", "available"):
        reading = getattr(target.readings, name)
        if reading is None:
            continue
        request = reading.request(who, variables)
        response = client.send(request)
        try:
            meaning = str(reading.value(response.status, response.headers, response.body))
            yield Exchange(f"readings.{name}", request, response, "fine", meaning, "")
        except Unreadable as error:
            yield _unread(f"readings.{name}", request, response, error)


def _listing(target: Target, client: Client, who: Who, variables: dict[str, str]) -> Iterator[Exchange]:
    """What the service says of the applicant's slot, and the list of holders to its end."""
    slot, holders = target.readings.slot, target.readings.holders
    if slot is not None:
        request = slot.request(who, variables)
        response = client.send(request)
        try:
            found = slot.value(response.status, response.headers, response.body, who)
            yield Exchange("readings.slot", request, response, "fine", found or "none", "")
        except Unreadable as error:
            yield _unread("readings.slot", request, response, error)
    if holders is None:
        return
    back = target.way_back([who.applicant])
    following: Request | None = holders.request(who, variables)
    count = ours = pages = 0
    while following is not None and pages < holders.most_pages:
        request, pages = following, pages + 1
        response = client.send(request)
        try:
            found_page, following = holders.page(request, response.status, response.headers, response.body)
        except Unreadable as error:
            yield _unread("readings.holders", request, response, error)
            return
        count += len(found_page)
        ours += sum(holder.shown in back for holder in found_page)
        meaning = f"{count} so far, {ours} of them {who.applicant}"
        yield Exchange("readings.holders", request, response, "fine", meaning, "")


def _unread(name: str, request: Request, response: Response, error: Unreadable) -> Exchange:
    if response.error is not None:
        return Exchange(name, request, response, "unreachable", response.error, "")
    return Exchange(name, request, response, "unmatched", str(error), "")
