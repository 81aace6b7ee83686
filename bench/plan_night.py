"""Runs nights of the tree that PYTHONPATH names, for `bench.plan`.

Each line of standard input is the number of mentors who expire, of 100,000. For each it prints the
seconds of the dispatch and of the loop, as JSON.
"""

import json
import sys
import time
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from support.aws import open_clients
from support.cluster import open_cluster
from support.night import open_night
from support.roster import TODAY, YESTERDAY, Roster

_MENTORS = 100_000
_ADD = "insert into peer_mentors (org_id) select %s from generate_series(1, %s) returning id"
_CERTIFY = "insert into certifications (mentor_id, expires_on) select unnest(%s::uuid[]), %s"
_WARN = "insert into warnings select unnest(%s::uuid[]), %s, 30, %s"


def _add(roster: Roster, count: int, days: int) -> None:
    """Add mentors who expire so many days after today, and were warned a month before."""
    expires_on = TODAY + timedelta(days=days)
    mentors = [row["id"] for row in roster.rows(_ADD, roster.org_id, count)]
    roster.db.execute(_CERTIFY, (mentors, expires_on))
    roster.db.execute(_WARN, (mentors, expires_on, expires_on - timedelta(days=30)))


def main() -> None:
    """Wait for numbers, and run a night for each."""
    with (
        TemporaryDirectory() as folder,
        open_cluster(Path(folder)) as cluster,
        open_clients() as aws,
        cluster.database(with_organisation=True) as db,
    ):
        roster = Roster(db)
        _add(roster, _MENTORS, 600)
        with open_night(aws, roster, cluster, page_size=500) as night:
            for number, line in enumerate(sys.stdin):
                _add(roster, int(line), (YESTERDAY - TODAY).days)
                db.execute("vacuum analyze")
                began = time.perf_counter()
                answer = night.fire(f"night-{number}")
                dispatched = time.perf_counter()
                night.work_off()
                took = {"dispatch": dispatched - began, "loop": time.perf_counter() - dispatched}
                if night.summaries()[-1]["paused_count"] != int(line):
                    raise RuntimeError(f"{line} expired: {answer}")
                print(json.dumps(took), flush=True)  # noqa: T201 - the answer


main()
