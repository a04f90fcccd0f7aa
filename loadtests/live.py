"""The live tab in Locust's own web page: what was answered, slots against their caps, what looks wrong.

Locust's page has room for tabs of others: tables whose rows come with the statistics that it asks for every
two seconds. So there is no script here, only rows.
"""

import json
from collections.abc import Callable
from typing import Any, Final

from loadtests.tally import Tally, over_the_cap

KEY: Final = "allocation"
COLUMNS: Final = (("kind", "Kind"), ("what", "What"), ("count", "Count"), ("of", "Of"), ("share", "Share"))

Source = Callable[[], tuple[Tally, dict[str, int]]]


def rows(tally: Tally, caps: dict[str, int]) -> list[dict[str, Any]]:
    """The table: slots first, then what looks wrong, the pace, and every answer."""
    found = [row("slots granted", intake, tally.granted[intake], cap) for intake, cap in sorted(caps.items())]
    found += [
        row("slots granted", each, tally.granted[each]) for each in sorted(set(tally.granted) - set(caps))
    ]
    wrong = {name: count for name, count in over_the_cap(tally, caps).items() if count}
    found += [row("anomaly", name, count) for name, count in sorted(wrong.items())]
    if not wrong:
        found.append(row("anomaly", "none so far", 0))
    found += [
        row("sends", "first sends made", tally.first_sends, tally.planned),
        row("sends", f"late, by more than {tally.late_ns / 1e6:g} ms", tally.late, tally.sent),
        row("sends", "under way", tally.in_flight),
        row("sends", "not made, the person being in doubt", tally.dropped, tally.planned),
    ]
    answers = sum(tally.answers.values())
    return found + [row("answer", name, count, answers) for name, count in sorted(tally.answers.items())]


def row(kind: str, what: str, count: int, of: int | None = None) -> dict[str, Any]:
    """One row; the share where there is a whole."""
    share = f"{count / of:.2%}" if of else ""
    return {"kind": kind, "what": what, "count": count, "of": "" if of is None else of, "share": share}


def attach(web_ui: Any, source: Source) -> None:
    """Add the tab to Locust's page, and its rows to the statistics."""
    structure = [{"key": key, "title": title} for key, title in COLUMNS]
    web_ui.template_args["extended_tabs"] = [{"title": "Allocation", "key": KEY}]
    web_ui.template_args["extended_tables"] = [{"key": KEY, "structure": structure}]
    address = f"{web_ui.app.config.get('APPLICATION_ROOT', '/').rstrip('/')}/stats/requests"

    def with_rows(response: Any) -> Any:
        from flask import request

        if request.path.endswith(address) and response.status_code == 200:
            said = json.loads(response.get_data())
            said["extended_stats"] = [{"key": KEY, "data": rows(*source())}]
            response.set_data(json.dumps(said))
        return response

    web_ui.app.after_request(with_rows)
