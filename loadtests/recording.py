"""A history recorded by a test of another project, around its own client's calls, and judged.

    recording = Recording(caps={"2022": 500})

    def apply(person):                                     # in as many threads or tasks as you like
        with recording.claim(person, key=f"{person}-1") as claim:
            reply = client.post("/claims", json={"person": person})
            if reply.status_code == 201:
                claim.granted(slot=reply.json()["slot"])
            elif reply.status_code == 409:
                claim.full()
            else:
                claim.error()                              # nobody knows what it did

    ...
    recording.audit(used=client.used(), holders=client.holders())
    recording.assert_valid()

An operation is invoked when its block begins and complete when its answer is told, so put nothing but the
call into the block. A block that raises has an unknown effect: it may have happened, then or later. A block
that ends and told nothing was not understood, and the verdict is then UNKNOWN.
"""

import threading
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from loadtests.checking import caps_of, judged, with_caps
from loadtests.header import Header, Initial
from loadtests.history import AUDIT, NOT_ELIGIBLE, History, history_of, read, write
from loadtests.opening import with_switches
from loadtests.protocol import ANSWERS, OPS, result_of
from loadtests.showing.verdict import as_text
from loadtests.verdict import Verdict
from sim.errors import complaint
from sim.ledger import Cap, Spec


class Operation:
    """One operation under way; tell it its answer once, or let an exception leave the block."""

    def __init__(self, recording: "Recording", row: dict[str, Any]) -> None:
        self._recording, self._row = recording, row

    def __enter__(self) -> Self:
        self._row["invoked_ns"] = time.monotonic_ns()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if "answer" in self._row:
            return
        if kind is None:
            self.tell("unmatched")
        else:
            self._row |= {"answer": "error", "result": "info", "note": f"{kind.__name__}: {error}"[:200]}

    def granted(self, *, slot: object = None, claim_id: object = None, position: int | None = None) -> None:
        """A slot was granted; say which, if the service does."""
        self.tell("granted", slot=slot, claim_id=claim_id, position=position)

    def replayed(self, *, slot: object = None, claim_id: object = None) -> None:
        """The service said that the key was used before, and repeated its answer."""
        self.tell("replayed", slot=slot, claim_id=claim_id)

    def full(self, *, cap: str | None = None) -> None:
        """Refused, because a cap is reached; say which, if the service does."""
        self.tell("full", cap=cap)

    def duplicate(self) -> None:
        """Refused, because the applicant holds a slot already."""
        self.tell("duplicate")

    def closed(self) -> None:
        """Refused, because the intake is not open."""
        self.tell("closed")

    def ineligible(self, rule: str = "") -> None:
        """Refused, because this applicant may not have a slot."""
        self.tell("ineligible", note=NOT_ELIGIBLE + (rule or "it says so"))

    def released(self, *, given_back: bool | None = None) -> None:
        """A release was done; say whether the slot can be granted again, if the service does."""
        self.tell("released", given_back=given_back)

    def unheld(self) -> None:
        """A release was refused: the applicant holds no slot."""
        self.tell("unheld")

    def count(self, used: int) -> None:
        """A reading saw so many slots taken."""
        self.tell("count", value=used)

    def throttled(self) -> None:
        """Turned away for now, and certainly nothing was done."""
        self.tell("throttled")

    def rejected(self) -> None:
        """Not accepted as a request, and certainly nothing was done."""
        self.tell("rejected")

    def error(self) -> None:
        """Nobody knows what was done: an error of the service, or of the way to it."""
        self.tell("error")

    def tell(self, answer: str, **details: object) -> None:
        """Any answer that loadtests/protocol.py lists, with columns of the history."""
        done = time.monotonic_ns()
        _check_word("answer", answer, ANSWERS)
        if "answer" in self._row:
            told = f"it was told {self._row['answer']!r} before, and now {answer!r}"
            raise complaint(f"an operation has one answer: {told}", key=str(self._row["op"]))
        said = {name: value for name, value in details.items() if value is not None}
        self._row |= {"completed_ns": done, "answer": answer, "result": result_of(answer), **said}


class Recorded:
    """A history that can be judged, and asserted on."""

    def __init__(self, history: History, *, folder: Path | None = None) -> None:
        self._history, self._folder = history, folder

    def history(self) -> History:
        """What is judged."""
        return self._history

    def verdict(self, *, only: Collection[str] = ()) -> Verdict:
        """What the checks find: all, or those that are named (see loadtests.checking)."""
        return judged(self.history(), only=only)

    def assert_valid(self, *, only: Collection[str] = ()) -> None:
        """Fail, with what clashes or what would settle it, unless the verdict is VALID."""
        __tracebackhide__ = True  # whoever reads the failure wants to see the clash
        history = self.history()
        verdict = judged(history, only=only)
        if verdict.judgement == "VALID":
            return
        text = as_text(verdict, history)
        if self._folder is not None:
            path = self._folder / "history.jsonl"
            write(history, path)
            text += f"\nto look again: quotalab check {path}"
        raise AssertionError(text)

    def save(self, path: Path | str) -> None:
        """Write the history: Parquet, or JSON lines if the name ends in .jsonl."""
        write(self.history(), Path(path))


class Recording(Recorded):
    """A history in the making; every method may be called from any thread."""

    def __init__(
        self,
        caps: Mapping[str, int] | Collection[Cap],
        *,
        spec: Spec | Mapping[str, str] | None = None,
        used: Mapping[str, int] | None = None,
        shared: bool = False,
        source: str = "",
        folder: Path | None = None,
    ) -> None:
        """`caps`: limits by intake or intake/stream. `spec`: the service's switches, such as
        {"gives_back": "withdrawal"}. `used`: what was taken before; nothing if left out. `shared`: whether
        others may claim meanwhile. `folder`: where a history that fails is kept.
        """
        switches = spec if isinstance(spec, Spec) else with_switches(Spec(), spec or {})
        initial = None if used is None else Initial(dict(used))
        header = Header(spec=switches, initial=initial, shared=shared, source=source)
        self._header = with_caps(header, caps_of(caps))
        self._rows: list[dict[str, Any]] = []
        self._lock = threading.Lock()
        self._folder = folder

    def claim(
        self, applicant: object, *, key: object = None, intake: object = None, stream: object = None
    ) -> Operation:
        """A claim, around the call that makes it. Attempts under one key are one request."""
        return self._begun("claim", intake, applicant=applicant, key=key, stream=stream)

    def release(
        self, applicant: object, *, key: object = None, intake: object = None, stream: object = None
    ) -> Operation:
        """The release of the slot that an applicant holds."""
        return self._begun("release", intake, applicant=applicant, key=key, stream=stream)

    def read(self, intake: object = None) -> Operation:
        """A reading of how many slots are taken."""
        return self._begun("read", intake)

    def record(self, op: str, *, invoked_ns: int, answer: str | None = None, **columns: object) -> None:
        """An operation by its columns (see loadtests/history.py), for whoever has times of their own.

        Times are of one monotonic clock, such as time.monotonic_ns().
        """
        _check_word("op", op, OPS)
        if answer is not None:
            _check_word("answer", answer, ANSWERS)
        row = {"intake": self._intake(None), **columns, "op": op, "invoked_ns": invoked_ns, "answer": answer}
        if "result" not in row and answer is not None:
            row["result"] = result_of(answer)
        history_of(self._header, [row])  # complains here, where the mistake is
        self._keep(row)

    def audit(
        self,
        intake: object = None,
        *,
        used: int | None = None,
        holders: Mapping[Any, object] | Iterable[object] | None = None,
    ) -> None:
        """What the service says of itself when everything is answered: its count, and who holds a slot.

        `holders`: applicants, or a mapping of applicants to their slots; None if it does not list them.
        """
        now, name = time.monotonic_ns(), self._intake(intake)
        begins = min(now, 1 + self._last_answer())
        row = {"op": "read", "intake": name, "invoked_ns": begins, "completed_ns": now, "result": "ok"}
        listed = "" if holders is None else "; listed"
        self._keep(row | {"answer": "count", "value": used, "note": AUDIT + listed})
        held = holders.items() if isinstance(holders, Mapping) else ((who, None) for who in holders or ())
        for who, slot in held:
            self._keep(row | {"op": "hold", "applicant": who, "slot": slot})

    def _last_answer(self) -> int:
        """When the last answer came; BadInput while there are operations under way."""
        with self._lock:
            rows = list(self._rows)
        waiting = sum("invoked_ns" in row and "answer" not in row and row["op"] != "hold" for row in rows)
        if waiting:
            what = f"{waiting:,} operations are under way, so an audit shows nothing certain"
            raise complaint(what, key="audit", mend="wait for their answers first")
        return max((row.get("completed_ns") or row.get("invoked_ns", 0) for row in rows), default=0)

    def history(self) -> History:
        """What was recorded until now; what is under way counts as not answered."""
        with self._lock:
            rows = [dict(row) for row in self._rows if "invoked_ns" in row]
        rows.sort(key=lambda row: int(row["invoked_ns"]))
        return history_of(self._header, rows)

    def _begun(self, op: str, intake: object, **who: object) -> Operation:
        row: dict[str, Any] = {"op": op, "intake": self._intake(intake), **who}
        self._keep(row)
        return Operation(self, row)

    def _keep(self, row: dict[str, Any]) -> None:
        with self._lock:
            self._rows.append(row)

    def _intake(self, intake: object) -> str:
        if intake is not None:
            return str(intake)
        known = sorted({name for cap in self._header.caps for name, _ in cap.covers})
        if len(known) == 1:
            return known[0]
        what = "it is not said which intake this is about"
        raise complaint(what, key="intake", expected=" or ".join(known) or "its name")


def _check_word(key: str, word: str, known: Collection[str]) -> None:
    if word not in known:
        raise complaint(f"{word!r} is no {key}", key=key, expected=", ".join(known))


def read_recorded(path: Path | str, *, caps: Mapping[str, int] | Collection[Cap] | None = None) -> Recorded:
    """The history of a file; `caps`: limits instead of those of the same names in its header."""
    history = read(Path(path))
    if caps is not None:
        history = replace(history, header=with_caps(history.header, caps_of(caps)))
    return Recorded(history)
