"""The REST transport reads each answer by its code, and sends its key correctly."""

import os
from contextlib import closing
from uuid import uuid4

import httpx
import pytest

from local.rest_callers import LEGACY_JWT, SECRET_KEY
from local.supabase import postgrest
from mentor_pause.database.client import Database
from mentor_pause.database.rest import RestTransport
from mentor_pause.errors import (
    DatabaseMisconfigured,
    DatabaseUnavailable,
    NotFound,
    RetryableDatabaseError,
)
from support.cluster import Cluster
from support.database_client import pause
from support.played_http import played
from support.roster import ORG, TODAY, Roster


def rest(answer: httpx.Response | Exception, key: str = "key") -> Database:
    """The REST transport to a server that gives one fixed answer."""

    def handler(request: httpx.Request) -> httpx.Response:
        if isinstance(answer, Exception):
            raise answer
        return answer

    return Database(RestTransport("http://project", key, played(handler)))


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.Response(503, json={"code": "PGRST001", "message": "x"}), DatabaseUnavailable),
        (httpx.Response(504, json={"code": "PGRST003", "message": "x"}), DatabaseUnavailable),
        (httpx.Response(500, json={"code": "40P01", "message": "x"}), RetryableDatabaseError),
        (httpx.Response(500, json={"code": "57014", "message": "x"}), DatabaseUnavailable),
        (httpx.Response(401, json={"code": "PGRST301", "message": "x"}), DatabaseMisconfigured),
        (httpx.Response(404, json={"code": "PGRST202", "message": "x"}), DatabaseMisconfigured),
        (httpx.Response(502, text="<html>Bad Gateway</html>"), DatabaseUnavailable),
        (httpx.Response(429, text="slow down"), DatabaseUnavailable),
        (httpx.Response(403, text="<html>no</html>"), DatabaseMisconfigured),
        (httpx.Response(200, text="<html>login</html>"), DatabaseUnavailable),
        (httpx.LocalProtocolError("Illegal header value b'key'"), DatabaseMisconfigured),
        (httpx.ReadTimeout("too slow"), DatabaseUnavailable),
        (httpx.ConnectError("nobody there"), DatabaseUnavailable),
    ],
)
def test_rest_answers_are_read_by_code_and_then_by_status(
    answer: httpx.Response | Exception, error: type[Exception]
) -> None:
    """PostgREST's documentation, "Errors". Gateways in front of it may give any answer."""
    with pytest.raises(error) as raised:
        rest(answer).notify_coordinators(uuid4())
    assert type(raised.value) is error


@pytest.mark.parametrize(
    ("key", "accepted"), [(SECRET_KEY, True), (LEGACY_JWT, True), ("?", False)]
)
def test_both_kinds_of_key_are_sent_as_they_must_be(
    roster: Roster, cluster: Cluster, key: str, accepted: bool
) -> None:
    """PostgREST would refuse a secret key in a Bearer header (PGRST301)."""
    owner_url = cluster.server.url(str(roster.db.info.dbname))
    with postgrest(owner_url) as url, closing(RestTransport(url, key)) as transport:
        if accepted:
            assert Database(transport).assert_org_scope(ORG, "hlf").slug == "hlf"
        else:
            with pytest.raises(DatabaseMisconfigured, match="check SUPABASE_SERVICE_ROLE_KEY"):
                Database(transport).assert_org_scope(ORG, "hlf")


@pytest.mark.skipif("SUPABASE_TEST_URL" not in os.environ, reason="SUPABASE_TEST_URL is not set")
def test_a_real_project_gives_the_documented_errors() -> None:
    """It requests only rows that cannot exist, so it changes nothing in the project."""
    database = Database(
        RestTransport(os.environ["SUPABASE_TEST_URL"], os.environ["SUPABASE_TEST_KEY"])
    )
    with pytest.raises(NotFound):
        pause(database, uuid4())
    with pytest.raises(NotFound):
        database.assert_org_scope(uuid4(), "hlf")
    assert database.list_run_outcomes(uuid4(), uuid4(), TODAY, [uuid4()]) == {}
