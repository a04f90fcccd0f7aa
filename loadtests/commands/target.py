"""`quotalab target`: list, show, check and begin profiles. Bad input is left to the front door."""

import functools
import json
import re
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter
from rich.console import Console
from rich.markup import escape

from loadtests import dry_run, openapi, profile, safe
from loadtests.dry_run import Exchange
from loadtests.profile import Target, Who
from loadtests.profiles import secrecy
from sim.errors import complaint

app = App(
    name="target",
    help="Profiles of the services under test: list, show, check and begin them; reset and clean a service.",
)

Flag = Annotated[bool, Parameter(negative="")]
Json = Annotated[bool, Parameter(name="--json", negative="", help="Print data as JSON.")]
Quiet = Annotated[bool, Parameter(name="--quiet", negative="", help="Print only what was asked for.")]

FINE, INVALID, UNKNOWN = 0, 1, 2
_LONGEST = 600


@app.command(name="list")
def list_shipped(*, as_json: Json = False, quiet: Quiet = False) -> None:
    """List the profiles that come with quotalab; with --quiet, their names only."""
    found = profile.shipped()
    width = max(len(each.name) for each in found)
    if as_json:
        _say(json.dumps([each._asdict() for each in found], indent=2))
    else:
        _say("\n".join(each.name if quiet else f"{each.name:<{width}}  {each.title}" for each in found))


@app.command
def show(name: str, *, as_json: Json = False, quiet: Quiet = False) -> None:
    """Print a profile after it was checked; secrets are not part of it.

    Parameters
    ----------
    name
        Path of a profile file, or name of a shipped one.
    """
    found = profile.load(name)
    if as_json:
        _say(json.dumps(found.model_dump(mode="json", by_alias=True, exclude_unset=True), indent=2))
        return
    _, text = profile.text_of(name)
    has = [op for op in ("setup", "enrol", *profile.OPERATIONS) if getattr(found, op)]
    readings = [key for key in type(found.readings).model_fields if getattr(found.readings, key)]
    if not quiet:
        _say(f"{found.title}\nhas {', '.join(has)}; reads {', '.join(readings) or 'nothing'}\n")
    _say(text.rstrip("\n"))


@app.command
def check(
    file: str,
    /,
    *,
    base_url: str | None = None,
    intake: str = "current",
    applicant: str = "quotalab-dry-run-1",
    stream: str = "all",
    i_own: str | None = None,
    orders: Flag = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Send each operation of a profile once, and show what the answers mean by its rules.

    Ends with 0 if every answer was understood, 1 if one was not, 2 if the service could not be reached.

    Parameters
    ----------
    file
        Path of a profile file, or name of a shipped one.
    base_url
        Where the service is, instead of the profile's address.
    intake
        What {intake} stands for.
    applicant
        Who claims.
    stream
        What {stream} stands for.
    i_own
        The host of a service elsewhere that is yours to test; without it, only this machine is asked.
    orders
        Also send open, refresh and close, which change the service for everybody. A cap is set to the limit
        that it has in any case, if the profile can read it.
    """
    target = profile.target(file, base_url=base_url)
    safe.check_host(target.base_url, (i_own,) if i_own else ())
    who = Who(applicant, stream, intake=intake, key=_key(applicant))
    console = _console()
    if not (quiet or as_json):
        console.print(escape(_announced(target, who, orders=orders)))
    exchanges = []
    for number, exchange in enumerate(dry_run.dry_run(target, who, orders=orders), 1):
        exchanges.append(exchange)
        if not as_json and (not quiet or exchange.verdict != "fine"):
            _show(console, number, exchange, target)
    if as_json:
        _say(json.dumps([_plain(each, target) for each in exchanges], indent=2, ensure_ascii=False))
    verdicts = {each.verdict for each in exchanges}
    code = UNKNOWN if "unreachable" in verdicts else INVALID if "unmatched" in verdicts else FINE
    if not as_json:
        console.print(escape(_summed_up(exchanges, target)))
    return code


@app.command
def new(*, from_openapi: Path, out: Path | None = None, as_json: Json = False, quiet: Quiet = False) -> None:
    """Begin a profile from an OpenAPI document (JSON), with a comment at every guess.

    Parameters
    ----------
    from_openapi
        The document.
    out
        The file to write; printed if left out.
    """
    text = openapi.starter(from_openapi)
    if out is None:
        _say(json.dumps({"text": text}) if as_json else text.rstrip("\n"))
        return
    try:
        with out.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise complaint("the file is there already", file=str(out), mend="choose another --out") from None
    except OSError as error:
        raise complaint(f"it cannot be written: {error.strerror}", file=str(out)) from None
    guesses = text.count("CHECK")
    if as_json:
        _say(json.dumps({"file": str(out), "guesses": guesses}))
    elif not quiet:
        _say(f"{out}: written, with {guesses} guesses marked CHECK")


def _announced(target: Target, who: Who, *, orders: bool) -> str:
    """What will be sent, before it is."""
    parts = [each for each in dry_run.PARTS if orders or each not in dry_run.FOR_ALL]
    has = [f"{part} ({len(steps)})" for part in parts if (steps := getattr(target, part, ()))]
    left_out = [] if orders else [part for part in dry_run.FOR_ALL if getattr(target, part)]
    lines = [
        f"{target.profile.title}, at {target.base_url}",
        f"as {who.applicant}, intake {who.intake}: {', '.join(has)}, and the readings, once each",
    ]
    if left_out:
        lines.append(f"not sent without --orders, since all are concerned: {', '.join(left_out)}")
    if not target.release:
        lines.append("the profile has no release: a slot that is granted stays taken")
    return "\n".join(lines) + "\n"


def _show(console: Console, number: int, exchange: Exchange, target: Target) -> None:
    style = {"fine": "green", "unmatched": "red", "unreachable": "red"}[exchange.verdict]
    request, response = exchange.request, exchange.response
    console.print(f"[bold]{number}. {escape(exchange.name)}[/]", highlight=False)
    hide = functools.partial(secrecy.masked, environment=target.secrets, variables=exchange.secrets)
    lines = [f"   > {request.method} {request.path}", *_headers(dict(request.headers), ">")]
    lines += [f"   > {_brief(request.body)}"] if request.body else []
    if response.error is None:
        lines += [f"   < {response.status}", *_headers(response.headers, "<")]
        lines += [f"   < {_brief(response.body)}"] if response.body else []
    console.print(escape(hide("\n".join(lines))), highlight=False)
    if exchange.rule:
        console.print(escape(f"   rule: {hide(exchange.rule)}"), highlight=False)
    console.print(f"   [{style}]{escape(hide(exchange.meaning))}[/]\n", highlight=False)


_DULL = re.compile(
    "(content-(length|type|security.*)|date|server|connection|transfer-encoding|keep-alive|access-control-.*"
    "|x-content-type-options|x-frame-options|referrer-policy|cross-origin-.*|allow|vary|expires|pragma)$"
)
"""Headers that a person who checks rules seldom looks for; --json has them all."""


def _headers(headers: Mapping[str, str], mark: str) -> list[str]:
    """The headers that say something; secrets are named only."""
    shown = secrecy.headers(headers).items()
    return [f"   {mark} {name}: {value}" for name, value in shown if not _DULL.match(name.lower())]


def _brief(body: bytes) -> str:
    text = " ".join(body.decode("utf-8", "replace").split())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} ... ({len(body)} bytes)"


def _plain(exchange: Exchange, target: Target) -> dict[str, Any]:
    """An exchange as data, without secrets."""
    request, response = exchange.request, exchange.response
    data = {
        "name": exchange.name,
        "request": {
            "method": request.method,
            "path": request.path,
            "headers": secrecy.headers(dict(request.headers)),
            "body": request.body.decode("utf-8", "replace"),
        },
        "response": {
            "status": response.status,
            "headers": secrecy.headers(response.headers),
            "body": response.body.decode("utf-8", "replace"),
            "error": response.error,
        },
        "verdict": exchange.verdict,
        "meaning": exchange.meaning,
        "rule": exchange.rule,
    }
    masked: dict[str, Any] = secrecy.masked_data(data, target.secrets, exchange.secrets)
    return masked


def _summed_up(exchanges: list[Exchange], target: Target) -> str:
    bad = [each for each in exchanges if each.verdict != "fine"]
    if not bad:
        return f"{len(exchanges)} answers, each understood by {target.profile.name}"
    names = ", ".join(dict.fromkeys(each.name for each in bad))
    if any(each.verdict == "unreachable" for each in bad):
        return f"the service at {target.base_url} gave no answer to {names}: {bad[-1].meaning}"
    return f"{len(bad)} of {len(exchanges)} answers are not understood ({names}): add a rule for each"


def _key(applicant: str) -> str:
    """A fresh key, so that a second dry run is not answered with the first one's receipt."""
    import uuid

    return str(uuid.uuid5(uuid.uuid4(), applicant))


def _console() -> Console:
    return Console(file=sys.stdout, soft_wrap=True)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")


@app.command
def clean(
    profile_name: str,
    /,
    *,
    run: str,
    intake: Annotated[tuple[str, ...], Parameter(negative="")] = (),
    folder: Path | None = None,
    i_own: Annotated[tuple[str, ...], Parameter(negative="")] = (),
    as_json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Release every slot that a run holds, or list what is left where the profile cannot release.

    Parameters
    ----------
    profile_name
        Path of a profile file, or name of a shipped one.
    run
        Id of the run, as `quotalab load` printed it.
    intake
        Intake to clean; may be given again. Those of the run's folder if left out.
    folder
        The run's folder; looked for in results/runs if left out.
    i_own
        A host that is not this machine and whose service you may change.
    """
    from loadtests.loading.cleaning import clean as cleaned

    found = cleaned(profile_name, run, intakes=intake, owned=i_own, folder=folder)
    if as_json:
        _say(json.dumps([asdict(each) for each in found], indent=2))
    elif not quiet:
        _say("\n".join(each.sentence() for each in found))
    return UNKNOWN if any(each.left for each in found) else FINE


@app.command
def reset(
    profile_name: str,
    /,
    *,
    base_url: str | None = None,
    i_own: Annotated[tuple[str, ...], Parameter(negative="")] = (),
    quiet: Quiet = False,
) -> int:
    """Run the command by which a profile brings its service to a clean state.

    Parameters
    ----------
    profile_name
        Path of a profile file, or name of a shipped one.
    base_url
        Where the service is, instead of the profile's address; the command finds it in QUOTALAB_BASE_URL.
    i_own
        A host that is not this machine and whose service you may change.
    """
    from loadtests.loading.preparing import resetting

    found = resetting(profile_name, base_url=base_url, owned=i_own)
    if not quiet:
        _say(f"running {found.sentence()}")
    said = found.run()
    if not quiet:
        _say("\n".join([*(f"  | {line}" for line in said.splitlines()), "the service was reset"]))
    return FINE


def main() -> int:
    """This command by itself, with the exit codes of the front door."""
    from sim.errors import BadInput

    try:
        code = app(result_action="return_value")
    except BadInput as error:
        print(error, file=sys.stderr)
        return 3
    return code if isinstance(code, int) else 0


if __name__ == "__main__":
    sys.exit(main())
