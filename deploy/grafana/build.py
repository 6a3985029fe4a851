"""Write the dashboards, or with `--check` compare them: `python -m deploy.grafana.build`."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from deploy.grafana import fleet, reliability, store
from deploy.grafana.panels import Dashboard

FOLDER: Final = Path(__file__).parent / "dashboards"
DASHBOARDS: Final[dict[str, Dashboard]] = {
    "fleet": fleet.DASHBOARD,
    "store": store.DASHBOARD,
    "reliability": reliability.DASHBOARD,
}


def rendered(dashboard: Dashboard) -> str:
    """Return the text of a dashboard's file; the same dashboard always gives the same text."""
    return json.dumps(dashboard.as_json(), indent=2, sort_keys=True) + "\n"


def stale() -> list[str]:
    """Return the names of the files that are not what the builder makes."""
    return [
        name
        for name, dashboard in DASHBOARDS.items()
        if not _file(name).exists() or _file(name).read_text() != rendered(dashboard)
    ]


def write() -> None:
    """Write every dashboard to its file."""
    FOLDER.mkdir(exist_ok=True)
    for name, dashboard in DASHBOARDS.items():
        _file(name).write_text(rendered(dashboard))


def _file(name: str) -> Path:
    return FOLDER / f"{name}.json"


def main(arguments: Sequence[str]) -> int:
    """Write, or with `--check` only compare; 1 when something is not up to date."""
    if "--check" not in arguments:
        write()
        return 0
    old = stale()
    for name in old:
        sys.stderr.write(f"{_file(name)} is not what the builder makes; run it without --check\n")
    return 1 if old else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
