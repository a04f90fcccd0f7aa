"""Readings compiled: the figures of a service, and the list of its holders from page to page."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl, quote_plus, urljoin, urlsplit

from loadtests.profiles.classify import statuses
from loadtests.profiles.exchange import NOTHING, Request, Who
from loadtests.profiles.filters import Filter, chained, filter_of
from loadtests.profiles.records import Listing, Page, Profile, Reading, SlotReading
from loadtests.profiles.sources import Answered, Get, as_number, as_text, document_of, getter
from loadtests.profiles.steps import Build, builder
from loadtests.profiles.templates import Compiler, Hole, parts

_GOOD: Final = statuses("2xx")
_LINK: Final = re.compile(r"<([^>]*)>((?:\s*;\s*[\w*-]+\s*=\s*(?:\"[^\"]*\"|[^\s;,]+))*)")


class Unreadable(Exception):
    """An answer to a reading that does not have what the profile says it has."""


class Holder(NamedTuple):
    """One entry of the list of those who hold a slot, as the service shows it."""

    shown: str
    """The applicant as shown; `Target.way_back` gives the applicant of the run."""
    slot: str | None
    claim_id: str | None
    position: int | None


@dataclass(frozen=True, slots=True)
class CompiledReading:
    """A figure of the service: how it is asked, and what an answer says."""

    name: str
    request: Build
    value: Callable[[int, Mapping[str, str], bytes], int]
    """(status, headers, body) -> the figure; raises Unreadable."""
    settle_s: float


@dataclass(frozen=True, slots=True)
class CompiledSlot:
    """The slot of one applicant: None if the service says that there is none."""

    request: Build
    value: Callable[[int, Mapping[str, str], bytes, Who], str | None]
    """(status, headers, body, who) -> the slot; raises Unreadable."""
    claim_id: Callable[[int, Mapping[str, str], bytes, Who], str | None]
    """The same -> the name of the claim, where the profile says where it stands."""
    settle_s: float


@dataclass(frozen=True, slots=True)
class CompiledListing:
    """The list of holders: the request of its first page, and what a page says."""

    request: Build
    page: Callable[[Request, int, Mapping[str, str], bytes], tuple[list[Holder], Request | None]]
    """(the request, its answer) -> entries, and the request of the next page if any; raises Unreadable."""
    shown_as: Filter
    """How the service shows an applicant."""
    most_pages: int
    settle_s: float


def figure(name: str, reading: Reading, profile: Profile, prefix: str, compiler: Compiler) -> CompiledReading:
    get, good = getter(reading.value, compiler), statuses(reading.status)

    def value(status: int, headers: Mapping[str, str], body: bytes) -> int:
        found = get(_read(name, good, status, headers, body))
        number = as_number(found)
        if number is None:
            raise Unreadable(f"the reading {name} has no whole number at {reading.value}, but {found!r}")
        return number

    return CompiledReading(name, builder(reading, profile, prefix, compiler), value, reading.settle_s)


def one_slot(reading: SlotReading, profile: Profile, prefix: str, compiler: Compiler) -> CompiledSlot:
    get, good, none = getter(reading.value, compiler), statuses(reading.status), statuses(reading.none)

    def value(status: int, headers: Mapping[str, str], body: bytes, who: Who) -> str | None:
        if status in none:
            return None
        found = get(_read("slot", good, status, headers, body)._replace(who=who))
        return None if found is None else as_text(found)

    named = getter(reading.claim_id, compiler) if reading.claim_id else None

    def claim_id(status: int, headers: Mapping[str, str], body: bytes, who: Who) -> str | None:
        found = named(_read("slot", good, status, headers, body)._replace(who=who)) if named else None
        return None if found is None else as_text(found)

    return CompiledSlot(builder(reading, profile, prefix, compiler), value, claim_id, reading.settle_s)


def _read(name: str, good: frozenset[int], status: int, headers: Mapping[str, str], body: bytes) -> Answered:
    if status not in good:
        raise Unreadable(f"the reading {name} was answered {status}: {body[:200].decode('utf-8', 'replace')}")
    return Answered(status, headers, body, document_of(body), NOTHING, None)


def listing(of: Listing, profile: Profile, prefix: str, compiler: Compiler) -> CompiledListing:
    entries = getter(of.entries, compiler)
    applicant = getter(of.applicant, compiler)
    further = {
        name: getter(text, compiler)
        for name in ("slot", "claim_id", "position")
        if (text := getattr(of, name))
    }
    build = builder(of, profile, prefix, compiler)
    turn = _turner(of.page, compiler)

    def request(who: Who, variables: Mapping[str, str]) -> Request:
        return turn.first(build(who, variables))

    def page(
        asked: Request, status: int, headers: Mapping[str, str], body: bytes
    ) -> tuple[list[Holder], Request | None]:
        answered = _read("holders", _GOOD, status, headers, body)
        found = entries(answered)
        if not isinstance(found, (list, dict)):
            raise Unreadable(f"the reading holders has no list at {of.entries}")
        pairs = found.items() if isinstance(found, dict) else ((str(k), each) for k, each in enumerate(found))
        holders = [_holder(key, entry, answered, applicant, further, of) for key, entry in pairs]
        return holders, turn.next(asked, answered, len(holders))

    most = of.page.most if of.page else 1
    return CompiledListing(request, page, shown_as(of.shown_as), most, of.settle_s)


def _holder(
    key: str, entry: Any, answered: Answered, applicant: Get, further: dict[str, Get], of: Listing
) -> Holder:
    seen = answered._replace(document=entry, variables={"key": key}, who=Who(applicant="", key=key))
    shown = applicant(seen)
    if shown is None:
        raise Unreadable(f"an entry of the reading holders has no {of.applicant}: {str(entry)[:200]}")
    found = {name: get(seen) for name, get in further.items()}
    told = {
        name: None if value is None else as_text(value) for name, value in found.items() if name != "position"
    }
    return Holder(as_text(shown), told.get("slot"), told.get("claim_id"), as_number(found.get("position")))


def shown_as(template: str) -> Filter:
    """The filter of a template that shows an applicant: constants around {applicant} and its filters."""
    pieces: list[str | Filter] = []
    for part in parts(template):
        if isinstance(part, Hole):
            pieces.append(chained(filter_of(*each) for each in part.filters))
        else:
            assert isinstance(part, str), part
            pieces.append(part)
    return lambda text: "".join(each if isinstance(each, str) else each(text) for each in pieces)


class _Turner(NamedTuple):
    """How pages are turned: what becomes of the first request, and which one comes next."""

    first: Callable[[Request], Request]
    next: Callable[[Request, Answered, int], Request | None]


def _turner(page: Page | None, compiler: Compiler) -> _Turner:
    if page is None:
        return _Turner(lambda request: request, lambda request, answered, count: None)
    sized = {page.size_parameter: str(page.size)} if page.size_parameter else {}
    if page.next is not None:
        return _Turner(lambda request: _asking(request, sized), _by_address(page.next, compiler))
    assert page.parameter, "a page is turned by an address or by a parameter"
    name = page.parameter
    if page.cursor is not None:
        get = getter(page.cursor, compiler)

        def by_cursor(request: Request, answered: Answered, count: int) -> Request | None:
            found = get(answered)
            return (
                None if found in (None, "", False) or not count else _asking(request, {name: as_text(found)})
            )

        return _Turner(lambda request: _asking(request, sized), by_cursor)
    first = (1 if page.by == "pages" else 0) if page.first is None else page.first

    def by_counting(request: Request, answered: Answered, count: int) -> Request | None:
        if not count or (sized and count < page.size):
            return None
        now = int(dict(parse_qsl(urlsplit(request.path).query))[name])
        return _asking(request, {name: str(now + (1 if page.by == "pages" else count))})

    return _Turner(lambda request: _asking(request, {**sized, name: str(first)}), by_counting)


def _by_address(text: str, compiler: Compiler) -> Callable[[Request, Answered, int], Request | None]:
    get = getter(text, compiler)

    def turned(request: Request, answered: Answered, count: int) -> Request | None:
        found = as_text(get(answered) or "")
        address = next_link(found) if found.startswith("<") else found
        if not address:
            return None
        parsed = urlsplit(urljoin(f"http://service{request.path}", address))
        return request._replace(path=parsed.path + (f"?{parsed.query}" if parsed.query else ""))

    return turned


def next_link(header: str) -> str:
    """The address of rel="next" in a Link header; nothing if there is none."""
    for found in _LINK.finditer(header):
        if re.search(r"""\brel\s*=\s*"?(?:[\w-]+\s+)*next\b""", found[2]):
            return found[1]
    return ""


def _asking(request: Request, parameters: Mapping[str, str]) -> Request:
    """The request with these parameters, in place of those of the same name."""
    path, _, query = request.path.partition("?")
    kept = [pair for pair in query.split("&") if pair and pair.split("=")[0] not in parameters]
    kept += [f"{quote_plus(name)}={quote_plus(value)}" for name, value in parameters.items()]
    return request._replace(path=f"{path}?{'&'.join(kept)}" if kept else path)
