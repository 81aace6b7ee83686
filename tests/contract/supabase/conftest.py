"""The stand-in for a Supabase project, over a test's database."""

from collections.abc import Iterator

import httpx
import pytest

from local.supabase import serving
from local.supabase_project import Project, make_project
from support.cluster import Cluster
from support.roster import Roster
from support.supabase import Sent, add_coordinator, visitor


@pytest.fixture
def project(roster: Roster, cluster: Cluster) -> Project:
    """A project in which one coordinator has an account."""
    add_coordinator(roster.db)
    made = make_project(cluster.server.url(str(roster.db.info.dbname)))
    made.auth.sender = Sent()
    return made


@pytest.fixture
def client(project: Project) -> Iterator[httpx.Client]:
    """A client of the project, with its publishable key."""
    with serving(project) as url, visitor(url) as found:
        yield found
