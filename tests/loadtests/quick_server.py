"""A server that grants every claim and does nothing else, so that what is measured is whoever asks.

One process, epoll and a constant answer: it costs less than any client here. It takes what arrives in one
piece for one request, so it is for clients that send one at a time, and small ones.
"""

import contextlib
import select
import socket
import subprocess
import sys
from collections.abc import Iterator

from strange_server import KEPT


def serve() -> None:
    """Say the port, then answer until standard input closes."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=4096)
    print(listening.getsockname()[1], flush=True)
    poll = select.epoll()
    poll.register(listening, select.EPOLLIN)
    poll.register(sys.stdin, select.EPOLLIN)
    connections: dict[int, socket.socket] = {}
    while True:
        for file, _ in poll.poll():
            connection = connections.get(file)
            if connection is not None:
                if not _answered(connection):
                    poll.unregister(file)
                    connections.pop(file).close()
            elif file == listening.fileno():
                connection, _ = listening.accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                connections[connection.fileno()] = connection
                poll.register(connection, select.EPOLLIN)
            else:
                return


def _answered(connection: socket.socket) -> bool:
    """Grant a claim; False if the connection is at its end."""
    try:
        if connection.recv(65_536):
            connection.sendall(KEPT)
            return True
    except OSError:
        pass
    return False


@contextlib.contextmanager
def running() -> Iterator[str]:
    """The server as a child; its address."""
    command = [sys.executable, __file__]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        yield f"http://127.0.0.1:{int(child.stdout.readline())}"
        child.communicate(timeout=10)


if __name__ == "__main__":
    serve()
