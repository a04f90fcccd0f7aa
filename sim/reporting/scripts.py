"""Vega, Vega-Lite and Vega-Embed as one script, as vl-convert has them inside.

Putting the script together takes vl-convert a second or two, so it is kept in the user's cache folder under
vl-convert's version. Where that cannot be written it is put together again.
"""

import contextlib
import hashlib
import os
from importlib import metadata
from pathlib import Path


def bundle() -> str:
    """The script; it defines vegaEmbed."""
    kept = _cache() / f"vega-{metadata.version('vl-convert-python')}.js"
    with contextlib.suppress(OSError, UnicodeDecodeError):
        head, _, text = kept.read_text("utf-8").partition("\n")
        if head == _head(text):
            return text
    made = _made()
    with contextlib.suppress(OSError):
        kept.parent.mkdir(parents=True, exist_ok=True)
        beside = kept.with_name(f"{kept.name}.{os.getpid()}")
        beside.write_text(f"{_head(made)}\n{made}", "utf-8")
        beside.replace(kept)
    return made


def _made() -> str:
    import vl_convert

    text = vl_convert.javascript_bundle()  # type: ignore[call-arg]  # without a snippet, whatever the stub says
    assert "</script" not in text.lower(), "the script would end early"
    return text


def _head(text: str) -> str:
    return f"// {hashlib.sha256(text.encode()).hexdigest()}"


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "quotalab")
