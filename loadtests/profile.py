"""Target profiles: how the harness speaks to a deployed service, without code.

A *profile* is what a file says (loadtests/profiles/records.py is its manual); a *target* is a profile made
ready: for each operation its steps, each with a function that builds the request and one that says what an
answer means. An operation goes on from step to step until an answer is definite; `loadtests.conversation`
does that for any client. A target holds secrets and is never written anywhere; a profile holds none.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from loadtests.profiles import environment as surroundings
from loadtests.profiles import filters, placeholders, reading_back, readings, steps
from loadtests.profiles.classify import statuses
from loadtests.profiles.exchange import Classified, Request, Who
from loadtests.profiles.file import load, shipped, text_of
from loadtests.profiles.readings import Holder, Unreadable
from loadtests.profiles.records import OPERATIONS, Capabilities, Profile, Ready, Reset, Retry, Tls
from loadtests.profiles.steps import Build
from loadtests.profiles.steps import CompiledStep as Step
from loadtests.profiles.templates import Compiler
from sim.scenario_files.files import Shipped

__all__ = [
    "OPERATIONS",
    "Classified",
    "Holder",
    "Profile",
    "Request",
    "Shipped",
    "Step",
    "Target",
    "Unreadable",
    "Who",
    "compiled",
    "load",
    "shipped",
    "target",
    "text_of",
]


@dataclass(frozen=True, slots=True)
class Readings:
    """The figures that the service gives; None where it does not."""

    cap: readings.CompiledReading | None
    used: readings.CompiledReading | None
    held: readings.CompiledReading | None
    available: readings.CompiledReading | None
    slot: readings.CompiledSlot | None
    holders: readings.CompiledListing | None


@dataclass(frozen=True, slots=True)
class Target:
    """A service under test. Of an operation that it does not have, the steps are ()."""

    profile: Profile
    base_url: str
    """Scheme, host and port; the path of the profile's base URL is in the requests already."""
    variables: Mapping[str, str]
    """The profile's variables, to which `setup` adds what it extracts, and an applicant what concerns it."""
    secrets: Mapping[str, str]
    """What came from the environment, by its name there."""
    setup: tuple[Step, ...]
    enrol: tuple[Step, ...]
    claim: tuple[Step, ...]
    release: tuple[Step, ...]
    read: tuple[Step, ...]
    ticket: tuple[Step, ...]
    open: tuple[Step, ...]
    close: tuple[Step, ...]
    refresh: tuple[Step, ...]
    set_cap: tuple[Step, ...]
    readings: Readings
    read_back: Mapping[str, tuple[Step, ...]]
    """Operation -> the step by which its unknown effect is read back; nothing without a reading `slot`."""
    is_ready: tuple[Build, frozenset[int]] | None
    """The request that tells whether the service is ready, and the statuses that say yes."""

    @property
    def retry(self) -> Retry:
        return self.profile.retry

    @property
    def capabilities(self) -> Capabilities:
        return self.profile.capabilities

    @property
    def tls(self) -> Tls:
        return self.profile.tls

    @property
    def ready(self) -> Ready | None:
        return self.profile.ready

    @property
    def reset(self) -> Reset:
        return self.profile.reset

    @property
    def keeps_variables(self) -> bool:
        """Whether what an operation's answers leave may be needed by the applicant's later requests."""
        left = {name for op in OPERATIONS for step in getattr(self.profile, op) for name in step.extract}
        return self.profile.cookies or bool(left - set(Who._fields))

    @property
    def slot_is_applicant(self) -> bool:
        """Whether nothing but the applicant names a slot; Classified.slot is then None."""
        return self.profile.slot == "applicant"

    def operation(self, op: str) -> tuple[Step, ...]:
        """The steps of an operation of the history; () if the profile has none."""
        part = op.replace("-", "_")
        found: tuple[Step, ...] = getattr(self, part) if part in OPERATIONS else ()
        return found

    def set_up_by(self, intakes: Sequence[str]) -> tuple[Who, ...]:
        """For whom `setup` is sent: once, or once for each intake where its requests name that."""
        if not self.setup:
            return ()
        named = set().union(*(placeholders.names(step) for step in self.profile.setup))
        return (
            tuple(Who("", intake=each) for each in intakes or ("current",))
            if "intake" in named
            else (Who(""),)
        )

    def way_back(self, applicants: Iterable[str]) -> dict[str, str]:
        """As the list of holders shows them -> the applicants of a run."""
        assert self.readings.holders is not None, "asked only where there is a list"
        return filters.way_back(self.readings.holders.shown_as, applicants)

    def masked(self, text: str) -> str:
        """The text without what is secret: each value of the environment by its name."""
        return surroundings.masked(text, self.secrets)


def target(
    path_or_name: str | Path,
    *,
    environment: Mapping[str, str] | None = None,
    base_url: str | None = None,
) -> Target:
    """The target of a profile file, or of a shipped profile; raises BadInput."""
    return compiled(load(path_or_name), environment=environment, base_url=base_url)


def compiled(
    profile: Profile, *, environment: Mapping[str, str] | None = None, base_url: str | None = None
) -> Target:
    """The profile made ready; the base URL replaces the profile's. Raises BadInput for what is not set."""
    environ = os.environ if environment is None else environment
    secrets = surroundings.secrets(profile, environ, ignore_base_url=base_url is not None)
    url = urlsplit(surroundings.base_url(profile, environ, base_url))
    prefix = url.path.rstrip("/")
    compiler = Compiler(environ)

    def ready_steps(name: str) -> tuple[Step, ...]:
        written = getattr(profile, name)
        return tuple(
            steps.compiled(f"{name} {number}", step, profile, prefix, compiler)
            for number, step in enumerate(written, 1)
        )

    said = profile.readings
    figures = {
        name: readings.figure(name, reading, profile, prefix, compiler) if reading else None
        for name, reading in (
            ("cap", said.cap),
            ("used", said.used),
            ("held", said.held),
            ("available", said.available),
        )
    }
    is_ready = None
    if profile.ready is not None:
        build = steps.builder(profile.ready, profile, prefix, compiler)
        is_ready = (build, statuses(profile.ready.status))
    slot = readings.one_slot(said.slot, profile, prefix, compiler) if said.slot else None
    return Target(
        profile=profile,
        base_url=f"{url.scheme}://{url.netloc}",
        variables=steps.constants(profile.variables, environ),
        secrets=secrets,
        **{name: ready_steps(name) for name in ("setup", "enrol", *OPERATIONS)},
        readings=Readings(
            **figures,
            slot=slot,
            holders=readings.listing(said.holders, profile, prefix, compiler) if said.holders else None,
        ),
        read_back=reading_back.read_back(slot, profile),
        is_ready=is_ready,
    )
