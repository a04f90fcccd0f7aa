"""Whether a server that was named by its URL can be used: asked once, before any worker is started.

What is complained of never repeats the URL, which may have a password in it.
"""

from urllib.parse import urlsplit

from sim.errors import complaint

KEY = "--store-url"
PATIENCE_S = 5
SCHEMES = {"postgres": ("postgresql", "postgres"), "valkey": ("valkey", "valkeys", "redis", "rediss")}
EXAMPLES = {
    "postgres": "postgresql://user:password@127.0.0.1:5432/database",
    "valkey": "valkey://:password@127.0.0.1:6379/0",
}


def check(store: str, url: str) -> None:
    """Connect, and ask for something; BadInput says what is wrong with the URL or behind it."""
    try:
        parts = urlsplit(url)
        is_url = parts.scheme in SCHEMES[store] and (bool(parts.hostname) or store == "postgres")
        port = parts.port
    except ValueError:
        is_url = False
    if not is_url:
        raise complaint("this is no URL of such a server", key=KEY, expected=f"as in {EXAMPLES[store]}")
    where = f"{parts.hostname or 'this machine'}{'' if port is None else f', port {port}'}"
    try:
        said = _said_by_postgres(url) if store == "postgres" else _said_by_valkey(url)
    except ImportError as error:
        mend = "install quotalab with its extra, as in quotalab[servers]"
        raise complaint(f"{error.name} is not installed", key="--store", mend=mend) from error
    if said:
        raise complaint(f"the {store} at {where} cannot be used: {said}", key=KEY)


def _said_by_postgres(url: str) -> str:
    """What is wrong with the server; nothing if it can keep tables."""
    import psycopg

    try:
        with psycopg.connect(url, connect_timeout=PATIENCE_S) as connection:
            found = connection.execute(
                "SELECT current_schema() IS NOT NULL AND has_schema_privilege(current_schema(), 'CREATE'),"
                " pg_is_in_recovery()"
            ).fetchone()
    except psycopg.Error as error:
        return _plain(error)
    assert found is not None
    may_create, is_copy = found
    if is_copy:
        return "it is a standby, and takes no changes"
    return "" if may_create else "this user may not make tables in it"


def _said_by_valkey(url: str) -> str:
    """What is wrong with the server; nothing if it runs scripts that write."""
    from valkey import Valkey
    from valkey.exceptions import ValkeyError

    try:
        with Valkey.from_url(url, socket_connect_timeout=PATIENCE_S, socket_timeout=PATIENCE_S) as client:
            client.eval("return server.call('DEL', KEYS[1])", 1, "quotalab:nothing")
    except (ValkeyError, OSError) as error:
        return _plain(error)
    return ""


def _plain(error: Exception) -> str:
    """What a driver says, without how it tried and what it would ask us."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip() and not line.endswith("?")]
    return lines[-1].rpartition("failed: ")[2] if lines else type(error).__name__
