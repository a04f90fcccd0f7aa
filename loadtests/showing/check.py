"""What `quotalab check` says of histories: for people, for programs, for CI."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from xml.etree import ElementTree

from rich.console import Console

from loadtests.history import History
from loadtests.showing import verdict as show_verdict
from loadtests.verdict import Verdict

REFUSED: Final = 3
GRAVITY: Final = (0, 2, REFUSED, 1)
"""Exit codes, the gravest last: a service that was convicted stays so, whatever the other files are."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A file that was judged."""

    file: str
    history: History
    verdict: Verdict
    read_s: float
    judged_s: float

    @property
    def exit_code(self) -> int:
        return self.verdict.exit_code

    def as_plain(self) -> dict[str, Any]:
        header = self.history.header.as_plain()
        about = {
            "file": self.file,
            "operations": len(self.history),
            "caps": header["caps"],
            "spec": header["spec"],
            "read_s": round(self.read_s, 3),
            "judged_s": round(self.judged_s, 3),
        }
        return about | show_verdict.as_plain(self.verdict, self.history)


@dataclass(frozen=True, slots=True)
class Refused:
    """A file that cannot be a history."""

    file: str
    why: str

    @property
    def exit_code(self) -> int:
        return REFUSED

    def as_plain(self) -> dict[str, Any]:
        return {"file": self.file, "verdict": None, "exit_code": REFUSED, "refused": self.why}


def exit_code(found: Sequence[Judged | Refused]) -> int:
    """The gravest of all."""
    return max((each.exit_code for each in found), key=GRAVITY.index, default=0)


def show(found: Judged, console: Console, *, brief: bool, is_one: bool) -> None:
    """Print one verdict; brief: without what was found right."""
    if not is_one:
        console.print(f"{found.file}", soft_wrap=True, highlight=False, markup=False, style="bold")
    show_verdict.show(found.verdict, found.history, console, brief=brief)
    if not brief:
        took = f"read in {found.read_s:.1f} s, judged in {found.judged_s:.1f} s"
        said = f"{len(found.history):,} operations, {_caps(found.history)}; {took}"
        console.print(said, soft_wrap=True, highlight=False, markup=False)


def _caps(history: History) -> str:
    caps = history.header.caps
    return "caps " + ", ".join(f"{cap.name}: {cap.limit:,}" for cap in caps) if caps else "no cap"


def as_json(found: Sequence[Judged | Refused]) -> str:
    """Everything that was found, for programs."""
    plain = {"exit_code": exit_code(found), "histories": [each.as_plain() for each in found]}
    return json.dumps(plain, indent=1, ensure_ascii=False)


def junit(found: Sequence[Judged | Refused]) -> bytes:
    """JUnit XML: a suite a file, a test case a finding; a file that was refused is an error."""
    root = ElementTree.Element("testsuites", name="quotalab check")
    for each in found:
        if isinstance(each, Judged):
            cases = show_verdict.cases(each.verdict, each.history)
            root.append(show_verdict.suite(each.file, cases, took_s=each.read_s + each.judged_s))
            continue
        case = ElementTree.Element("testcase", classname="quotalab.file", name="can be read")
        ElementTree.SubElement(case, "error", type="refused", message=each.why)
        root.append(show_verdict.suite(each.file, [case], took_s=0.0))
    return show_verdict.as_bytes(root)
