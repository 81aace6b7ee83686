"""The stand-in for PostgREST acts for the person of a token, within the person's limits (C3)."""

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from local.rest_callers import SECRET_KEY
from local.supabase_project import Project
from support.roster import Roster
from support.supabase import call, error, token

FUNCTIONS = """
create function who(out role text, out sub text, out wait text, out read_only text)
language sql stable as $$
    select current_setting('role'), current_setting('request.jwt.claims', true)::json ->> 'sub',
        current_setting('statement_timeout'), current_setting('transaction_read_only') $$;
create function who_changes() returns text language sql volatile
    as $$ select current_setting('transaction_read_only') $$;
create table notes (at timestamptz default now());
grant all on notes to anon, authenticated;
create function change() returns void language sql volatile
    as 'insert into notes default values';
create function change_behind() returns void language plpgsql stable
    as 'begin perform change(); end';
create function wait() returns void language sql as 'select pg_sleep(60)';
"""


@pytest.fixture(autouse=True)
def _functions(roster: Roster) -> None:  # pyright: ignore[reportUnusedFunction]
    roster.db.execute(FUNCTIONS)


def test_the_role_and_the_time_that_a_call_has(client: httpx.Client, project: Project) -> None:
    """Supabase sets the time per role: 3 s for anon, 8 s for authenticated, else its default."""
    person = token(project.key)
    sub = jwt.decode(person, options={"verify_signature": False})["sub"]
    signed_in = {"role": "authenticated", "sub": sub, "wait": "8s", "read_only": "on"}
    assert call(client, "who", token=person).json() == signed_in
    anonymous = {"role": "anon", "sub": None, "wait": "3s", "read_only": "on"}
    assert call(client, "who").json() == anonymous
    client.headers["apikey"] = SECRET_KEY
    service = {"role": "service_role", "sub": None, "wait": "0", "read_only": "on"}
    assert call(client, "who").json() == service


def test_a_call_leaves_nothing_to_the_next(client: httpx.Client, project: Project) -> None:
    """The calls share connections: role and claims end with the transaction."""
    for _ in range(3):
        assert call(client, "who", token=token(project.key)).json()["role"] == "authenticated"
        assert call(client, "who").json()["sub"] is None


def test_a_function_that_is_not_volatile_changes_nothing(
    client: httpx.Client, roster: Roster
) -> None:
    """Plan.hs: its transaction is read only, so a function behind it changes nothing either."""
    assert call(client, "who_changes").json() == "off"
    assert error(call(client, "change_behind")) == (405, "25006")
    assert roster.rows("select from notes") == []
    assert call(client, "change").status_code == 204
    assert len(roster.rows("select from notes")) == 1


@pytest.mark.slow
def test_a_statement_that_takes_too_long(client: httpx.Client) -> None:
    """Error.hs: 57014 is 500."""
    assert error(call(client, "wait")) == (500, "57014")


def test_tokens_that_are_refused(client: httpx.Client, project: Project) -> None:
    """AuthSpec.hs, Jwt.hs: a token is good for 30 s more, because clocks differ."""
    assert call(client, "who", token=token(project.key, -20)).status_code == 200
    assert error(call(client, "who", token=token(project.key, -40))) == (401, "PGRST303")
    foreign = token(ec.generate_private_key(ec.SECP256R1()))
    assert error(call(client, "who", token=foreign)) == (401, "PGRST301")
    unsigned = jwt.encode({"role": "authenticated"}, "", algorithm="none")
    assert error(call(client, "who", token=unsigned)) == (401, "PGRST301")
    shared = jwt.encode({"role": "service_role"}, "s" * 64, algorithm="HS256")
    assert error(call(client, "who", token=shared)) == (401, "PGRST301")
    assert error(call(client, "who", token="no.token")) == (401, "PGRST301")
    told = call(client, "who", token=foreign).headers["WWW-Authenticate"]
    assert told.startswith('Bearer error="invalid_token"')


def test_a_role_that_people_do_not_have(client: httpx.Client, project: Project) -> None:
    """The role authenticator may not switch to it."""
    owner = token(project.key, role="mentor_pause_job")
    assert error(call(client, "who", token=owner)) == (403, "42501")


def test_bodies_that_are_lists(client: httpx.Client, roster: Roster) -> None:
    """Payload.hs, and RpcSpec.hs: "only takes the first object in case of array of objects"."""
    roster.db.execute(
        "create function add(a int, b int) returns int language sql as 'select a + b'"
    )
    assert call(client, "add", [{"a": 1, "b": 2}, {"a": 4, "b": 6}]).json() == 3
    assert error(call(client, "add", [{"a": 1, "b": 2}, {"a": 4}])) == (400, "PGRST102")
    assert error(call(client, "add", [1])) == (400, "PGRST102")
    assert error(call(client, "add", [])) == (404, "PGRST202")
    assert call(client, "who", []).status_code == 200


@pytest.mark.parametrize("query", ["limit=many", "offset=-1", "role=like.a"])
def test_a_query_that_it_cannot_read(client: httpx.Client, query: str) -> None:
    """QuerySpec.hs. Of PostgREST's operators it knows those that the transport uses."""
    assert error(call(client, f"who?{query}")) == (400, "PGRST100")
