"""The store in Valkey: every command is one call of one script, which runs alone.

Durable as far as the server is: the one that `quotalab serve` starts has its log on disk before it answers.
The client's own machinery is left out of the path, since it may send a command twice; here a command that
was written and not answered is an error, whose effect nobody knows.
"""

import hashlib
import json
from importlib import resources
from typing import Any

from valkey.asyncio import BlockingConnectionPool
from valkey.exceptions import ConnectionError, NoScriptError, TimeoutError

from loadtests.reference.stores.store import (
    Announced,
    Answer,
    Asked,
    Busy,
    CapFigures,
    Figures,
    Holding,
    Ticket,
    answer_of,
    caps_as_text,
    caps_of_text,
    spec_of_plain,
)
from sim.ledger import (
    Cap,
    Claim,
    Close,
    Command,
    Count,
    Done,
    Open,
    Read,
    Refresh,
    Release,
    SetCap,
    Spec,
)

SCRIPT = resources.files("loadtests.reference.stores").joinpath("valkey.lua").read_text("utf-8")
DIGEST = hashlib.sha1(SCRIPT.encode()).hexdigest()


class ValkeyStore:
    """Connections come from a pool; a claim that waits too long for one was not sent."""

    def __init__(self, url: str, spec: Spec, *, busy_s: float = 5.0, connections: int = 8) -> None:
        self._spec = spec
        self._pool = BlockingConnectionPool.from_url(
            url, max_connections=connections, timeout=busy_s, socket_connect_timeout=busy_s
        )

    async def start(self) -> None:
        self._spec = spec_of_plain(json.loads(await self._call("begin", json.dumps(self._spec.as_plain()))))

    async def close(self) -> None:
        await self._pool.disconnect()

    async def _call(self, *words: object) -> Any:
        try:
            connection = await self._pool.get_connection("EVALSHA")  # type: ignore[no-untyped-call]
        except (ConnectionError, TimeoutError, OSError) as error:
            raise Busy(f"valkey: {error}") from error
        try:
            await connection.send_command("EVALSHA", DIGEST, 0, *words)
            try:
                return await connection.read_response()
            except NoScriptError:  # the server is new, and has done nothing
                await connection.send_command("EVAL", SCRIPT, 0, *words)
                return await connection.read_response()
        except BaseException:
            await connection.disconnect(nowait=True)  # its next answer would be to this command
            raise
        finally:
            await self._pool.release(connection)

    async def apply(
        self, command: Command, *, slot: int | None = None, at: int = 0, unchecked: bool = False
    ) -> Answer:
        sticky = int(self._spec.refusals == "sticky")
        match command:
            case Claim():
                exact = int(self._spec.counter == "exact")
                who = (command.applicant, command.key, command.intake, command.stream)
                found = await self._call("claim", *who, at, exact, sticky, int(unchecked))
            case Release():
                back = int(command.reason in self._spec.gives_back)
                named = "" if slot is None else slot
                who = (command.applicant, command.key, command.intake, str(named))
                found = await self._call("release", *who, at, back, sticky)
            case Read():
                return Answer(Count(int(await self._call("read", command.intake) or 0)), at)
            case Open():
                each = json.dumps([caps_as_text((cap,)) for cap in command.caps])
                found = await self._call("open", command.intake, caps_as_text(command.caps), each)
            case SetCap():
                found = await self._call("set-cap", command.intake, command.cap, command.limit)
            case Refresh():
                found = await self._call("refresh", command.intake)
            case Close():
                found = await self._call("close", command.intake)
        word, number, cap, first_at, is_replay = found
        if word == b"done":
            return Answer(Done(), at)
        return answer_of(word.decode(), int(number), cap.decode(), int(first_at), bool(is_replay))

    async def spec(self) -> Spec:
        self._spec = spec_of_plain(json.loads(await self._call("spec")))
        return self._spec

    async def adopt(self, spec: Spec) -> bool:
        is_adopted = bool(await self._call("adopt", json.dumps(spec.as_plain())))
        await self.spec()
        return is_adopted

    async def announce(
        self, intake: str, caps: tuple[Cap, ...], opens_at: int | None, closes_at: int | None
    ) -> None:
        bounds = ("" if each is None else each for each in (opens_at, closes_at))
        await self._call("announce", intake, caps_as_text(caps), *bounds)

    async def schedule(self) -> list[Announced]:
        return [
            Announced(name.decode(), caps_of_text(row[0]), _moment(row[1]), _moment(row[2]), row[3].decode())
            for name, row in await self._call("schedule")
        ]

    async def figures(self, intake: str) -> Figures | None:
        found = await self._call("figures", intake)
        if not found:
            return None
        (state, granted, used, held, version, opens_at, closes_at, announced), rows = found
        if state == b"announced":
            caps = tuple(CapFigures(cap, 0, 0, 0) for cap in caps_of_text(announced))
        else:
            caps = tuple(self._cap_figures(*row) for row in rows)
        numbers = (int(granted), int(used), int(held), int(version))
        return Figures(state.decode(), *numbers, _moment(opens_at), _moment(closes_at), caps)

    def _cap_figures(self, declared: bytes, *numbers: bytes) -> CapFigures:
        (cap,) = caps_of_text(declared)
        limit, used, held, copied = map(int, numbers)
        judged = used if self._spec.counter == "exact" else copied
        return CapFigures(Cap(cap.name, limit, cap.covers), used, held, judged)

    async def holders(self, intake: str, *, after: int, limit: int) -> list[Holding]:
        found = []
        for applicant, text in await self._call("holders", intake, after, limit):
            slot, stream, key, at = json.loads(text)
            found.append(Holding(int(slot), int(slot), applicant.decode(), stream, key, int(at)))
        return found

    async def asked(self, applicant: str, key: str) -> Asked | None:
        found = await self._call("asked", applicant, key)
        kind, intake, stream = json.loads(found)[:3] if found else ("", "", "")
        return Asked(intake, stream) if kind == "claim" else None

    async def ticket(self, intake: str, applicant: str, at: int, *, issue: bool) -> Ticket | None:
        found = await self._call("ticket", intake, applicant, at, int(issue))
        return Ticket(*map(int, found)) if found else None

    async def reset(self) -> None:
        await self._call("reset")


def _moment(text: bytes) -> int | None:
    return int(text) if text else None
