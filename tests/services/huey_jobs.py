"""Claims that are jobs of huey, a task queue: taken in at once, decided by its workers, asked for by id.

With `--fault twice` the queue hands every job out twice, as queues that promise "at least once" sometimes do;
the job, which takes the next slot whenever it runs, was not written for that.
"""

import threading
from typing import Any

from flask import Flask, request
from huey import MemoryHuey
from huey.consumer import Consumer

from tests.services.serving import parser, serve

options = parser(__doc__)
options.add_argument("--fault", choices=["twice"])
told = options.parse_args()
app = Flask(__name__)
queue = MemoryHuey("claims")
lock = threading.Lock()
slots: dict[str, dict[int, str]] = {}  # intake -> slot -> who holds it
ever: dict[str, int] = {}  # intake -> the last slot that was given out
jobs: dict[tuple[str, str], str] = {}  # (applicant, key) -> the job


@queue.task()
def claim(applicant: str, intake: str) -> dict[str, Any]:
    """The next slot, if there is one."""
    with lock:
        held = slots.setdefault(intake, {})
        if len(held) >= told.cap:
            return {"state": "failed", "reason": "full"}
        slot = ever[intake] = ever.get(intake, 0) + 1
        held[slot] = applicant
        return {"state": "done", "slot": slot}


@app.post("/jobs")
def accept() -> tuple[dict[str, Any], int]:
    """Put a claim into the queue; the same key again finds its job."""
    said = request.get_json()
    applicant, intake = said["applicant"], said["intake"]
    with lock:
        job = jobs.get((applicant, said["key"]))
        if job is None:
            mine = [slot for slot, who in slots.get(intake, {}).items() if who == applicant]
            if mine:
                return {"error": "holder", "slot": mine[0]}, 409
            task = claim.s(applicant, intake)
            job = jobs[applicant, said["key"]] = task.id
            for _ in range(2 if told.fault else 1):
                queue.enqueue(task)
    return {"job": job}, 202


@app.get("/jobs/<job>")
def state(job: str) -> tuple[dict[str, Any], int]:
    """What has become of a job."""
    return queue.result(job, preserve=True) or {"state": "queued"}, 200


@app.delete("/intakes/<intake>/slots/<int:slot>")
def give_back(intake: str, slot: int) -> tuple[str, int]:
    """Give a slot back; only its holder can."""
    with lock:
        held = slots.get(intake, {})
        if held.get(slot) != request.headers["Applicant"]:
            return "", 404
        del held[slot]
    return "", 204


@app.get("/intakes/<intake>")
def figures(intake: str) -> dict[str, int]:
    """The cap and the count of an intake."""
    return {"cap": told.cap, "used": len(slots.get(intake, {}))}


@app.get("/intakes/<intake>/slots")
def holders(intake: str) -> list[dict[str, Any]]:
    """A page of those who hold a slot."""
    first, count = int(request.args["offset"]), int(request.args["limit"])
    with lock:
        held = sorted(slots.get(intake, {}).items())
    return [{"slot": slot, "applicant": who} for slot, who in held[first : first + count]]


if __name__ == "__main__":
    workers = Consumer(queue, workers=2, periodic=False, initial_delay=0.002, max_delay=0.01)
    for _, worker in workers.worker_threads:
        worker.start()
    serve(app, told.port)
