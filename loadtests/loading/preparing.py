"""What is done to a service that runs already, before the first send: reset if asked, intakes opened.

A profile says how; nothing else is changed. An intake *is open* if the service gives its cap, its count or
what is left of it; one that gives none of them has its `open` sent. The reset is the profile's own command,
run in the folder of the file that says it, and never unasked.
"""

import json
import os
import re
import shlex
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from loadtests import profile, safe
from loadtests.asking import Asker
from loadtests.header import cap_as_plain
from loadtests.profile import Target, Unreadable, Who
from loadtests.profiles.file import folder_of
from loadtests.tracing.nouns import PlannedIntake
from sim.errors import complaint
from sim.ledger import Spec

ADDRESS: Final = "QUOTALAB_BASE_URL"
"""Of the environment that a reset is run in: where the service is."""
LAST_WORDS: Final = 600
_FROM_ENVIRONMENT: Final = re.compile(r"\$\{([A-Za-z_]\w*)(?::-([^{}]*))?\}")
"""Any other brace of a command is the command's own."""


@dataclass(frozen=True, slots=True)
class Resetting:
    """A reset that can be run."""

    command: tuple[str, ...]
    folder: Path
    deadline_s: float
    target: Target

    def sentence(self) -> str:
        """What will be run, and where; secrets by their names."""
        shown = self.target.masked(shlex.join(self.command))
        return f"{shown} in {self.folder}, for {self.deadline_s:g} s at most"

    def run(self) -> str:
        """Run it to its end; what it said. BadInput if it failed or took too long."""
        environment = os.environ | {ADDRESS: self.target.base_url}
        with tempfile.TemporaryFile() as said:
            try:
                child = subprocess.Popen(
                    self.command,
                    cwd=self.folder,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=said,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            except OSError as error:
                raise self._failed(f"cannot be started: {error.strerror}") from None
            try:
                code = child.wait(self.deadline_s)
            except subprocess.TimeoutExpired:
                raise self._failed(f"did not come to its end in {self.deadline_s:g} s") from None
            finally:
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(child.pid, signal.SIGKILL)  # whatever it left running, too
                child.wait()
            said.seek(0)
            words = self.target.masked(said.read().decode("utf-8", "replace").strip())
        if code:
            raise self._failed(f"ended with {code}: {words[-LAST_WORDS:] or 'it said nothing'}")
        return words

    def _failed(self, why: str) -> Exception:
        said = f"the reset {shlex.join(self.command)} {why}"
        return complaint(self.target.masked(said), key="reset.command", file=str(self.folder))


def resetting(path_or_name: str, *, base_url: str | None = None, owned: tuple[str, ...] = ()) -> Resetting:
    """The reset of a profile; BadInput if it has no command, or the service is not ours to change."""
    target = profile.target(path_or_name, base_url=base_url)
    safe.check_host(target.base_url, owned)
    reset = target.reset
    if not reset.command:
        raise complaint(
            "the profile has no command that resets the service",
            key="reset.command",
            file=path_or_name,
            mend=f"by hand: {reset.says}" if reset.says else 'add [reset] command = ["program", "argument"]',
        )
    command = tuple(_FROM_ENVIRONMENT.sub(_said, each) for each in reset.command)
    return Resetting(command, folder_of(path_or_name, ("reset", "command")), reset.deadline_s, target)


def _said(found: re.Match[str]) -> str:
    return os.environ.get(found[1]) or found[2] or ""


def how_to_reset(path_or_name: str, target: Target) -> str:
    """What a person does about slots that are taken already."""
    if target.reset.command:
        shown = target.masked(shlex.join(target.reset.command))
        return f"quotalab target reset {path_or_name}, or --reset here: either runs {shown}"
    return target.reset.says or "reset it (the profile does not say how: [reset])"


def open_intakes(asker: Asker, planned: tuple[PlannedIntake, ...], spec: Spec) -> list[str]:
    """Open what is not open yet, where the profile says how; the names of the intakes that were opened."""
    steps = asker.target.operation("open")
    if not steps:
        return []
    opened = []
    for each in planned:
        if is_open(asker, each.intake):
            continue
        told = asker.converse(steps, Who("", intake=each.intake), announced(each, spec)).classified
        if told.result != "ok":
            why = told.note or told.answer
            raise asker.unusable(f"intake {each.intake} was not opened: {why}", key="open")
        opened.append(each.intake)
    return opened


def is_open(asker: Asker, intake: str) -> bool:
    """Whether the service gives a figure of the intake."""
    for name in ("cap", "used", "available"):
        try:
            if asker.figure(name, intake) is not None:
                return True
        except Unreadable:
            return False
    return False


def check_caps(asker: Asker, planned: tuple[PlannedIntake, ...], *, scale: float) -> None:
    """BadInput if the service gives an intake another cap than the plan has.

    Intakes with several caps, or with a share in one, are not asked for: a single figure does not tell them.
    """
    for each in planned:
        if [cap.covers for cap in each.caps] != [frozenset({(each.intake, None)})]:
            continue
        try:
            limit = asker.figure("cap", each.intake)
        except Unreadable as error:
            raise asker.unusable(str(error), key="readings.cap") from None
        wanted = each.caps[0].limit
        if limit is not None and limit != wanted:
            raise _other_cap(each.intake, limit, wanted, scale)


def _other_cap(intake: str, limit: int, wanted: int, scale: float) -> Exception:
    """The complaint about a cap that is not the plan's."""
    fitting = f" (about {scale * limit / wanted:.4g})" if wanted and limit > 0 else ""
    return complaint(
        f"the service gives intake {intake} a cap of {limit:,}, and the plan has one of {wanted:,}",
        key="--target",
        mend=f"set it there (reference service: PUT /quotas/{intake}, or quotalab serve --cap "
        f"{intake}={wanted}), or give another --scale{fitting}",
    )


def announced(planned: PlannedIntake, spec: Spec) -> Mapping[str, str]:
    """The variables that an order to open an intake may name."""
    whole = next((cap for cap in planned.caps if (planned.intake, None) in cap.covers), None)
    first = whole or next(iter(planned.caps), None)
    return {
        "cap": first.name if first else "",
        "limit": str(first.limit) if first else "",
        "caps": json.dumps([cap_as_plain(cap) for cap in planned.caps]),
        "spec": json.dumps(spec.as_plain()),
    }
