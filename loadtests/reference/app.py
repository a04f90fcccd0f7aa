"""The reference service on the wire: every request of the contract, and nothing that a client need not see.

A request is read, passes the gate of the service, and becomes one command to the store; the reply is told as
`protocol.answered` says. First the routes of applicants, then those of readers and administrators.
"""

import contextlib
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Annotated, Literal

from fastapi import Depends, FastAPI, Header, Path, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from loadtests import protocol
from loadtests.reference import models, views
from loadtests.reference.clock import iso
from loadtests.reference.document import ERRORS, describe
from loadtests.reference.logs import log
from loadtests.reference.problems import Refusal, as_json, no, yes
from loadtests.reference.service import Service
from loadtests.reference.stores.store import Answer, Busy
from sim.ledger import Claim, Close, Command, Done, Open, Refresh, Release, SetCap

Intake = Annotated[models.Name, Path(description='An intake, such as "2022"; "current" is the one of now.')]
VISIBLE = r"^[!-~]([ -~]*[!-~])?$"
Key = Annotated[str, Header(alias="Idempotency-Key", min_length=1, max_length=202, pattern=VISIBLE)]
By = Annotated[str, Header(alias="Applicant", min_length=1, max_length=200, pattern=VISIBLE)]
Bearer = Annotated[HTTPAuthorizationCredentials | None, Depends(HTTPBearer(auto_error=False))]


def told(command: Command, answer: Answer) -> Response:
    """The wire's answer to a reply of the store."""
    said = protocol.answered(command, answer.reply)
    headers = {"Idempotent-Replayed": "true"} if said.replayed else None
    if said.problem is not None:
        refusal = no(said.problem, more=said.body)
        refusal.headers.update(headers or {})
        return refusal
    if isinstance(command, Claim):
        return yes({**said.body, "received_at": iso(answer.at)}, said.status, headers)
    return yes(said.body, said.status, headers)


def plain_key(key: str) -> str:
    """The key of a header, with or without the quotes that the draft of the header asks for."""
    return key[1:-1] if len(key) > 2 and key[0] == key[-1] == '"' else key


def build(service: Service) -> FastAPI:
    """The service as an ASGI application."""

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield  # it has begun before: what prevents it is told in words, by the worker
        await service.store.close()

    app = FastAPI(
        title="quotalab reference service",
        version="1",
        description="A quota service that is exact: one slot a person, never more than the cap.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    for add in (_applicants, _readers, _administrators):
        add(app, service)
    _refusals(app)
    if service.settings.logs_requests:
        app.middleware("http")(_logged)
    describe(app)
    return app


def _applicants(app: FastAPI, service: Service) -> None:
    @app.post(
        "/quotas/{intake}/claims", status_code=201, response_model=models.Grant, responses=ERRORS["claim"]
    )
    async def claim(intake: Intake, body: models.ClaimBody, key: Key) -> Response:
        """Ask for one slot. With the same key and applicant the first answer comes again."""
        with service.at_work(body.applicant, plain_key(key)):
            if intake == protocol.CURRENT:
                return told(*await service.claim_current(body, plain_key(key)))
            known = await service.intake(intake)
            await service.check(known, body)
            return told(*await service.claim(known, body, plain_key(key)))

    @app.delete(
        "/quotas/{intake}/claims/{claim_id}", response_model=models.ReleaseDone, responses=ERRORS["release"]
    )
    async def release(
        intake: Intake,
        claim_id: Annotated[str, Path(min_length=1, max_length=80)],
        applicant: By,
        key: Key,
        reason: Literal["refusal", "withdrawal", "expiry"] = "withdrawal",
    ) -> Response:
        """End a holding. Whether that gives the slot back depends on the reason and the spec."""
        where = claim_id.rpartition("-")[0] if intake == protocol.CURRENT else intake
        known = await service.intake(where or intake)
        slot = protocol.slot_of(claim_id, known.intake)
        if slot is None:
            raise Refusal("not-held")
        command = Release(applicant, plain_key(key), known.intake, reason)
        return told(command, await service.store.apply(command, slot=slot, at=service.clock.now_ms()))

    @app.post("/quotas/{intake}/tickets", response_model=models.Place, responses=ERRORS["ticket"])
    async def ticket(intake: Intake, body: models.TicketBody) -> Response:
        """Take a place in the waiting room; the same applicant keeps the first one."""
        known = await service.intake(intake)
        place = await service.store.ticket(known.intake, body.applicant, service.clock.now_ms(), issue=True)
        assert place is not None
        admitted_at = service.admitted_at(known, place)
        return yes({"position": place.position, "admitted_at": iso(admitted_at)})


def _readers(app: FastAPI, service: Service) -> None:
    @app.get("/quotas/{intake}", response_model=models.Quota, responses=ERRORS["read"])
    async def read(
        intake: Intake, if_none_match: Annotated[str | None, Header(max_length=200)] = None
    ) -> Response:
        """The figures of an intake at one moment."""
        known = await service.intake(intake)
        figures = await service.store.figures(known.intake)
        if figures is None:
            raise Refusal("unknown")
        said = as_json(views.quota(known.intake, figures, service.keeper.spec))
        etag = f'"{zlib.crc32(said):08x}-{figures.version}"'
        if if_none_match == etag:
            return Response(status_code=304, headers={"ETag": etag})
        return Response(said, 200, {"ETag": etag}, "application/json")

    @app.get("/quotas/{intake}/claims", response_model=models.Audit, responses=ERRORS["audit"])
    async def audit(
        intake: Intake,
        after: Annotated[int, Query(ge=0, le=models.MOST_SLOTS)] = 0,
        limit: Annotated[int, Query(ge=1, le=10_000)] = 1_000,
    ) -> Response:
        """The holders, by the commit position of their grants."""
        known = await service.intake(intake)
        found = await service.store.holders(known.intake, after=after, limit=limit)
        last = found[-1].position if len(found) == limit else None
        return yes({"claims": [views.holder(known.intake, each) for each in found], "next": last})

    @app.get("/quotas", response_model=models.Quotas, responses=ERRORS["list"])
    async def intakes() -> Response:
        """The intakes that the service knows."""
        await service.keeper.turn()
        known = {each.intake: each.state for each in service.keeper.intakes.values()}
        return yes({"current": service.keeper.current(), "intakes": known})

    @app.get("/clock", response_model=models.Time)
    async def now() -> Response:
        """The service's clock."""
        return yes(views.clock_of(service.clock))

    @app.get("/health", response_model=models.Health, responses=ERRORS["list"])
    async def health() -> Response:
        """Whether the service and its store answer."""
        await service.store.spec()
        about = service.settings
        return yes(
            {
                "status": "ok",
                "store": about.store,
                "workers": about.workers,
                "worker": about.worker,
                "fault": about.fault,
            }
        )


def _administrators(app: FastAPI, service: Service) -> None:
    async def command(intake: str, make: Callable[[str], Command]) -> Response:
        known = await service.intake(intake)
        asked = make(known.intake)
        answer = await service.store.apply(asked, at=service.clock.now_ms())
        await service.keeper.changed()
        if isinstance(answer.reply, Done):
            return await shown(known.intake)
        return told(asked, answer)

    async def shown(intake: str) -> Response:
        figures = await service.store.figures(intake)
        assert figures is not None
        return yes(views.quota(intake, figures, service.keeper.spec))

    @app.put("/quotas/{intake}", response_model=models.Quota, responses=ERRORS["open"])
    async def put(intake: Intake, body: models.QuotaBody, bearer: Bearer) -> Response:
        """Open an intake; with `opens_at` in the future, announce it."""
        service.admit(bearer)
        caps = views.caps_of(intake, body)
        opens_at, closes_at = views.moment(body.opens_at), views.moment(body.closes_at)
        await service.keeper.turn()
        if body.spec is not None:
            if not await service.store.adopt(body.spec.spec()):
                raise Refusal("other-spec")
            await service.keeper.changed()
        known = service.keeper.intakes.get(intake)
        is_now = opens_at is None or opens_at <= service.clock.now_ms()
        if is_now or (known is not None and known.state != "announced"):
            asked = Open(intake, caps)
            answer = await service.store.apply(asked)
            if not isinstance(answer.reply, Done):
                await service.keeper.changed()
                return told(asked, answer)
        await service.store.announce(intake, caps, opens_at, closes_at)
        await service.keeper.changed()
        await service.keeper.turn()
        return await shown(intake)

    @app.post("/quotas/{intake}/caps", response_model=models.Quota, responses=ERRORS["set-cap"])
    async def set_cap(intake: Intake, body: models.LimitBody, bearer: Bearer) -> Response:
        """Change a limit at once."""
        service.admit(bearer)
        return await command(intake, lambda name: SetCap(name, body.cap, body.limit))

    @app.post("/quotas/{intake}/refresh", response_model=models.Quota, responses=ERRORS["close"])
    async def refresh(intake: Intake, bearer: Bearer) -> Response:
        """Copy the count that claims are judged by."""
        service.admit(bearer)
        return await command(intake, Refresh)

    @app.post("/quotas/{intake}/close", response_model=models.Quota, responses=ERRORS["close"])
    async def close(intake: Intake, bearer: Bearer) -> Response:
        """End the intake for good."""
        service.admit(bearer)
        return await command(intake, Close)

    @app.delete("/quotas", response_model=models.Quotas, responses=ERRORS["admin"])
    async def forget(bearer: Bearer) -> Response:
        """Forget every intake, claim, receipt and ticket. The spec stays."""
        service.admit(bearer)
        await service.forget()
        log("forgot everything")
        return yes({"current": None, "intakes": {}})

    @app.post("/clock", response_model=models.Time, responses=ERRORS["clock"])
    async def step(body: models.ClockBody, bearer: Bearer) -> Response:
        """Step the service's clock. An intake that has closed stays closed."""
        service.admit(bearer)
        service.clock.board.step_ms += round(body.step_s * 1000)
        service.clock.board.changed()
        await service.keeper.turn()
        return yes(views.clock_of(service.clock))


def _refusals(app: FastAPI) -> None:
    @app.exception_handler(Refusal)
    async def refused(_: Request, error: Refusal) -> Response:
        return no(error.problem, retry_s=error.retry_s, more=error.more)

    @app.exception_handler(RequestValidationError)
    async def malformed(_: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        return no("malformed", more={"detail": f"{where}: {first['msg']}"})

    @app.exception_handler(HTTPException)
    async def other(request: Request, error: HTTPException) -> Response:
        if error.status_code == 400:
            return no("malformed", more={"detail": str(error.detail)})
        said = {"type": "about:blank", "title": str(error.detail), "status": error.status_code}
        headers = {"Allow": _allowed(app, request)} if error.status_code == 405 else {}
        return Response(as_json(said), error.status_code, headers, "application/problem+json")

    @app.exception_handler(Busy)
    async def busy(_: Request, error: Busy) -> Response:
        log("busy", why=str(error))
        return no("unavailable", retry_s=1)

    @app.exception_handler(Exception)
    async def broken(request: Request, error: Exception) -> Response:
        log("broken", path=request.url.path, why=f"{type(error).__name__}: {error}")
        return no("broken")


def _allowed(app: FastAPI, request: Request) -> str:
    """All methods of a path. The framework would name those of its first route."""
    routes = [route for route in app.routes if isinstance(route, Route)]
    here = [route for route in routes if route.path_regex.match(request.url.path)]
    return ", ".join(sorted({method for route in here for method in route.methods or ()}))


async def _logged(request: Request, call: Callable[[Request], Awaitable[Response]]) -> Response:
    response = await call(request)
    log("request", method=request.method, path=request.url.path, status=response.status_code)
    return response
