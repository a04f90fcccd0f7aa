"""`quotalab policies`: the catalogue of cap policies: what each does, who uses it, and its keys."""

import json
import sys
from typing import Annotated, Any

from cyclopts import App, Parameter

app = App(name="policies", help="The catalogue of cap policies, and the keys that make them.")


@app.default
def policies(
    *,
    as_json: Annotated[bool, Parameter(name="--json", negative="")] = False,
    quiet: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """The catalogue of cap policies: what each does, which real programme uses it, and the keys that make it.

    Those listed first can be named in any scenario, as in quotalab run NAME --policy lottery. A scenario file
    makes all others, and any mixture of them that fits together, as a table [policies.NAME] with these keys.

    Parameters
    ----------
    as_json
        Print data as JSON.
    quiet
        Print only the names.
    """
    found = catalogue()
    if as_json:
        text = json.dumps(found, indent=1, ensure_ascii=sys.stdout.encoding.lower() != "utf-8")
    elif quiet:
        text = "\n".join(each["name"] for part in found.values() for each in part)
    else:
        text = _told(found)
    print(text)


def catalogue() -> dict[str, list[dict[str, Any]]]:
    """The policies that can be named, and the compositions seen in real programmes, as data."""
    from sim.policy import CATALOGUE
    from sim.seen_policies import POLICIES

    named = [
        {
            "name": name,
            "what": policy.summary,
            "seen_in": policy.seen_in,
            "keys": policy.model_dump(mode="json", exclude_unset=True, exclude={"summary", "seen_in"}),
        }
        for name, policy in CATALOGUE.items()
    ]
    return {"named": named, "compositions": [each._asdict() for each in POLICIES]}


def _told(found: dict[str, list[dict[str, Any]]]) -> str:
    lines = ["These can be named in any scenario (quotalab run NAME --policy lottery):", ""]
    for each in found["named"]:
        lines += _entry(each, [_toml(key, value) for key, value in each["keys"].items()])
    lines += ["A scenario file makes these, and mixtures of them, by keys in a table [policies.NAME]:", ""]
    for each in found["compositions"]:
        lines += _entry(each, list(each["keys"]))
    return "\n".join([*lines, "What every key means: quotalab scenario schema, and scenarios/README.md."])


def _entry(each: dict[str, Any], keys: list[str]) -> list[str]:
    seen = [f"    seen in: {each['seen_in']}"] if each["seen_in"] else []
    return [f"{each['name']}: {each['what']}", *(f"    {key}" for key in keys), *seen, ""]


def _toml(key: str, value: Any) -> str:
    return f"{key} = {_value(value)}"


def _value(value: Any) -> str:
    """A value as TOML writes it, on one line."""
    if isinstance(value, dict):
        return "{ " + ", ".join(_toml(key, inner) for key, inner in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return json.dumps(value)
