"""Writes `docs/console-access.md`: `make console-access`."""

from pathlib import Path
from tempfile import TemporaryDirectory

from console_access.matrix import cells_of, table_of
from local.places import ROOT
from support.cluster import open_cluster
from support.console_world import PERSONAS, open_world
from support.roster import Roster


def main() -> None:
    """Ask as each person, each in a world of their own."""
    with TemporaryDirectory() as folder, open_cluster(Path(folder)) as cluster:
        cells = []
        for persona in PERSONAS:
            with (
                cluster.database(with_organisation=True) as db,
                open_world(cluster, Roster(db)) as world,
            ):
                cells += cells_of(world, persona)
    (ROOT / "docs/console-access.md").write_text(table_of(cells), encoding="utf-8")


if __name__ == "__main__":
    main()
