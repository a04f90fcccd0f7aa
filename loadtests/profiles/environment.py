"""What a profile takes from the environment: the address of the service, and secrets that no file sees."""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from loadtests.profiles.records import Profile
from loadtests.profiles.templates import FromEnvironment, parts, settled
from sim.errors import BadInput, Problem, complaint

_SHORTEST_SECRET = 4
"""Shorter values of the environment are not hidden: "1" would be, wherever it stands."""


def texts(data: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Every text of some data, with its path."""
    if isinstance(data, str):
        yield path, data
    elif isinstance(data, dict):
        for key, inner in data.items():
            yield from texts(inner, (*path, key))
    elif isinstance(data, (list, tuple)):
        for number, inner in enumerate(data):
            yield from texts(inner, (*path, number))


def wanted(profile: Profile) -> Iterator[tuple[str, FromEnvironment]]:
    """What the profile takes from the environment, with the keys that ask for it."""
    for path, text in texts(profile.model_dump(by_alias=True, exclude_defaults=True)):
        if "${" in text:
            key = ".".join(str(step + 1) if isinstance(step, int) else step for step in path)
            yield from ((key, part) for part in parts(text) if isinstance(part, FromEnvironment))


def secrets(profile: Profile, environment: Mapping[str, str], *, ignore_base_url: bool) -> dict[str, str]:
    """What comes from the environment, the address aside; raises BadInput for what is not set."""
    found: dict[str, str] = {}
    problems: list[Problem] = []
    for key, part in wanted(profile):
        value = environment.get(part.name)
        if key == "base_url" and ignore_base_url:
            continue
        if not value and part.default is None:
            mend = f"export {part.name}=..., or give it a default: ${{{part.name}:-text}}"
            problems.append(Problem(f"{part.name} is not set in the environment", key=key, mend=mend))
        elif value and key != "base_url":
            found[part.name] = value
    if problems:
        raise BadInput(problems)
    return found


def base_url(profile: Profile, environment: Mapping[str, str], instead: str | None) -> str:
    """The address of the service; raises BadInput. One given instead, without a path, keeps the profile's."""
    key = "base_url" if instead is None else "--base-url"
    url = settled(profile.base_url, environment) if instead is None else instead
    wanted_form = "an address such as http://127.0.0.1:8080"
    try:
        parsed = urlsplit(url)
        is_right = parsed.scheme in ("http", "https") and bool(parsed.hostname) and parsed.port != 0
    except ValueError as error:
        raise complaint(f"{url} is not an address: {error}", key=key, expected=wanted_form) from None
    if not is_right:
        mend = f"write http://{url}" if re.fullmatch(r"[\w.-]+(:\d+)?(/.*)?", url) else ""
        raise complaint(f"{url} is not an address of HTTP", key=key, expected=wanted_form, mend=mend)
    if parsed.query or parsed.fragment:
        raise complaint(f"{url} has more than a path", key=key, expected=wanted_form)
    if instead is not None and parsed.path in ("", "/"):
        whole = parts(profile.base_url)
        written = "".join("x" if isinstance(part, FromEnvironment) else str(part) for part in whole)
        return url.rstrip("/") + urlsplit(written if "://" in written else f"http://{written}").path
    return url


def masked(text: str, hidden: Mapping[str, str]) -> str:
    """The text with the names of secrets for their values, the longest first."""
    for name, value in sorted(hidden.items(), key=lambda item: -len(item[1])):
        if len(value) >= _SHORTEST_SECRET:
            text = text.replace(value, f"${{{name}}}")
    return text
