"""Stock Locust with its own clients, in a process of its own: what the hazards look like.

python stock_locust.py drop|stop|connections ADDRESS
"""

import json
import sys

import locust
from locust import FastHttpUser, constant, task
from locust.env import Environment
from locust.exception import StopUser

# isort: split
import gevent


def run(user: type[FastHttpUser], users: int, seconds: float) -> Environment:
    environment = Environment(user_classes=[user], events=locust.events)
    runner = environment.create_local_runner()
    runner.start(users, users)
    gevent.sleep(seconds)
    runner.quit()
    return environment


def drop(address: str) -> int:
    """One DELETE on a connection that is then dropped; how many events were fired."""

    class Deleter(FastHttpUser):
        host = address

        @task
        def delete(self) -> None:
            self.client.get("/claims")
            self.client.delete("/drop")
            raise StopUser

    return run(Deleter, 1, 1.5).stats.get("/drop", "DELETE").num_requests


def stop(address: str) -> int:
    """Fifty users who wait for slow answers when the run ends; how many requests Locust knows of."""

    class Slow(FastHttpUser):
        host = address

        @task
        def claim(self) -> None:
            self.client.post("/slow?0.4", data="{}", name="/slow")

    return run(Slow, 50, 1.5).stats.get("/slow", "POST").num_requests


def connections(address: str) -> int:
    """1,500 users, four rounds each; how many requests were answered."""

    class Keeper(FastHttpUser):
        host = address
        wait_time = constant(0.5)

        @task
        def look(self) -> None:
            self.client.get("/slow?1", name="/slow")

    return run(Keeper, 1_500, 9.0).stats.total.num_requests


if __name__ == "__main__":
    print(json.dumps({"seen": globals()[sys.argv[1]](sys.argv[2]), "version": locust.__version__}))
