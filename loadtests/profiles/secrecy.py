"""What must not be shown of a conversation: secrets of the environment, tokens, passwords, cookies.

A value is secret if it came from the environment, if `setup` or `enrol` extracted it, or if the name under
which it stands looks like that of a secret. Shown instead is where it came from: ${NAME} of the environment,
{name} of a variable.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, quote_plus

SHORTEST: Final = 4
"""Shorter values are not hidden wherever they stand: "1" would be, in every figure."""
HIDDEN: Final = "(hidden)"

_SECRET: Final = re.compile(
    r"authoriz|authent|token|secret|passw|cookie|api-?_?key|credential|session", re.IGNORECASE
)
_FIELD: Final = re.compile(r'"([^"\\]{1,60})"(\s*:\s*)"((?:[^"\\]|\\.)*)"')
_PAIR: Final = re.compile(r"(^|[?&;\s])([\w.\[\]-]{1,60})=([^&;\s]+)")


def is_secret(name: str) -> bool:
    """Whether a header, field or variable of this name is likely to hold a secret."""
    return _SECRET.search(name) is not None


def masked(text: str, environment: Mapping[str, str], variables: Mapping[str, str]) -> str:
    """The text without secret values, the longest first, and without those of fields that look secret."""
    named = {value: f"${{{name}}}" for name, value in environment.items()}
    named |= {value: f"{{{name}}}" for name, value in variables.items() if value not in named}
    for value in sorted(named, key=len, reverse=True):
        if len(value) < SHORTEST:
            continue
        for form in dict.fromkeys((value, json.dumps(value)[1:-1], quote(value, safe=""), quote_plus(value))):
            text = text.replace(form, named[value])
    text = _FIELD.sub(lambda found: _field(found[1], found[2], found[3]), text)
    return _PAIR.sub(lambda found: _pair(found[1], found[2], found[3]), text)


def headers(sent: Mapping[str, str]) -> dict[str, str]:
    """Headers with the values of secret ones left out."""
    return {name: HIDDEN if is_secret(name) else value for name, value in sent.items()}


def masked_data(data: Any, environment: Mapping[str, str], variables: Mapping[str, str]) -> Any:
    """Data, each text of it masked."""
    if isinstance(data, dict):
        return {key: masked_data(value, environment, variables) for key, value in data.items()}
    return masked(data, environment, variables) if isinstance(data, str) else data


def _field(name: str, colon: str, value: str) -> str:
    return f'"{name}"{colon}"{HIDDEN if is_secret(name) and not _is_shown(value) else value}"'


def _pair(before: str, name: str, value: str) -> str:
    return f"{before}{name}={HIDDEN if is_secret(name) and not _is_shown(value) else value}"


def _is_shown(value: str) -> bool:
    """Whether a value says already where it came from."""
    return re.fullmatch(r"\$?\{[\w -]+\}|\(hidden\)|", value) is not None
