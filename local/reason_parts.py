"""Names the parts that a reserved reason lacks: `python -m local.reason_parts`.

People may never give a reserved reason; jobs and services may. The database checks the rule behind
it (docs/adding-a-reason.md). Every other reason is the app's own and needs no change here.
"""

import sys
from collections.abc import Mapping

from local.job_parts import LAYER, SCHEMAS, Sources

RESERVED = ("certification_expired", "pause_withdrawn")
"""Reasons that people may never give."""

PLACES: Mapping[str, str] = {
    f"{SCHEMAS}/private/functions/assert_transition_request.sql": "who may give the reason",
    f"{SCHEMAS}/functions/update_mentor_status.sql": "the rule behind the reason",
    f"{SCHEMAS}/tables/peer_mentor_status_history.sql": "the constraint that binds it to the job",
    f"{LAYER}/database/mentor_functions.py": "the method that passes the reason",
    "functions/portal_drift/waiting.py": "whether the portal must show the change within the hour",
    "docs/portal-mapping.json": "the portal's value",
    "docs/access.md": "the refusals",
    "supabase/tests/database/access/matrix.sql": "cells of the access matrix",
}
"""Each file that must name a reserved reason, and for what."""


def missing_parts(reason: str, sources: Sources) -> list[str]:
    """Return a sentence for each part that a reserved reason lacks; none for a complete one."""
    return [f"{path}: {what}" for path, what in PLACES.items() if reason not in sources.text(path)]


def main() -> int:
    """Print what each reserved reason lacks."""
    sources = Sources.read()
    missing = [
        f"{reason}: {part}" for reason in RESERVED for part in missing_parts(reason, sources)
    ]
    sys.stdout.writelines(f"{line}\n" for line in missing)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
