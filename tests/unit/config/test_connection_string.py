"""The database's URL is read as the driver reads it, and no message repeats it."""

import json
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict

from local.places import ROOT
from mentor_pause.config import HttpSettings, PooledDatabase, load_database, load_portal
from mentor_pause.config.addresses import DOCKER_HOST
from mentor_pause.config.connection_string import CERTIFICATE, read_address
from mentor_pause.errors import ConfigurationError, describe
from support.settings import driver_reads, no_secret


@pytest.mark.parametrize(
    "environ",
    [
        {"SUPABASE_DB_URL": "postgre://job:TOPSECRET@host/db"},
        {"SUPABASE_DB_URL": "host=h password=TOPSECRET"},
        {"SUPABASE_URL": "p.supabase.co", "SUPABASE_SERVICE_ROLE_KEY": "TOPSECRET"},
    ],
)
def test_an_invalid_url_is_reported_without_its_secret(environ: dict[str, str]) -> None:
    """E12: the driver's own message would repeat it."""
    with pytest.raises(
        ConfigurationError, match=r"is not a URL like (postgresql|https)://"
    ) as raised:
        load_database(no_secret, environ)
    assert "TOPSECRET" not in str(raised.value)


JOB = "postgresql://mentor_pause_job.project"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("[TOPSECRET]", "[TOPSECRET]"), ("TOP#SECRET", "TOP#SECRET"), ("TOP?SECRET", "TOP?SECRET"),
        ("TOP%40SECRET%2F%25", "TOP@SECRET/%"), ("TOP:SECRET", "TOP:SECRET"),
    ],
)  # fmt: skip
def test_a_password_is_what_the_driver_reads(written: str, meant: str) -> None:
    """R6: every function reads the URL as libpq does, also with brackets."""
    url = f"{JOB}:{written}@pooler.example:6543/postgres"
    found = load_database(no_secret, {"SUPABASE_DB_URL": url})
    assert isinstance(found, PooledDatabase)
    assert (found.role, driver_reads(found)["password"]) == ("mentor_pause_job", meant)
    assert driver_reads(found)["host"] == "pooler.example"


@pytest.mark.parametrize(
    ("behind_user", "sentence"),
    [
        (":TOPSECRET@h/x?pgbouncer=true", "has the parameter pgbouncer, which PostgreSQL's driver"),
        (":TOPSECRET@h/x?connection_limit=1", "has the parameter connection_limit, which"),
        (":[YOUR-PASSWORD]@h/x", "holds the placeholder [YOUR-PASSWORD]"),
        (":TOP@SECRET@h/x", "has a host or a port that cannot be; percent-encode"),
        (":TOP/SECRET@h/x", "percent-encode each of"),
        (":TOP/a?SECRET=1@h/x", "cannot be read; percent-encode each of"),
        (":TOP%ZZSECRET@h/x", "cannot be read; percent-encode each of"),
        (":TOP\x00SECRET@h/x", "holds a character that cannot be printed"),
        (":TOP\ud800SECRET@h/x", "holds a character that cannot be printed"),
        (":TOPSECRET@/x", "names no host"),
        (":TOPSECRET@h:TOP/x", "has a host or a port that cannot be"),
        (":TOPSECRET@h:6543/x?sslmode=disable", "has the parameter sslmode=disable, which"),
        (":TOPSECRET@h/x?sslmode=prefer", "has the parameter sslmode=prefer, which may send"),
        (":TOPSECRET@127.0.0.1/x?hostaddr=192.0.2.1&sslmode=allow", "sslmode=allow, which may"),
        (":TOPSECRET@127.0.0.1,h/x?sslmode=disable", "sslmode=disable, which may send"),
        (":TOPSECRET@host.docker.internal/x?sslmode=disable", "sslmode=disable, which may send"),
    ],
)  # fmt: skip
def test_an_unusable_url_is_reported_without_any_part_of_it(
    behind_user: str, sentence: str
) -> None:
    """R6: variable and parameter are named. No cause has the driver's sentence."""
    with pytest.raises(ConfigurationError) as raised:
        load_database(no_secret, {"SUPABASE_DB_URL": JOB + behind_user})
    assert str(raised.value).startswith("SUPABASE_DB_URL in the environment ")
    assert sentence in str(raised.value)
    assert "TOP" not in str(raised.value)
    assert "SECRET" not in str(raised.value)
    assert (raised.value.__cause__, raised.value.__context__) == (None, None)
    assert describe(raised.value) == str(raised.value)


def test_another_machine_is_reached_over_tls() -> None:
    """R6: TLS is required unless the URL has its own setting, which stays."""

    def mode(behind: str, **environ: str) -> str | None:
        url = f"{JOB}:secret@{behind}"
        found = load_database(no_secret, {"SUPABASE_DB_URL": url} | environ)
        assert isinstance(found, PooledDatabase)
        return driver_reads(found).get("sslmode")

    assert mode("pooler.example:6543/postgres") == "require"
    assert mode("pooler.example/postgres?sslmode=verify-full") == "verify-full"
    assert mode("pooler.example/postgres", PGSSLMODE="verify-ca") == "verify-ca"
    assert mode("host.docker.internal.evil.org/postgres") == "require"
    assert mode(f"{DOCKER_HOST}/postgres") == "require"
    for here in ("127.0.0.1:5432", "localhost", "[::1]", "127.0.0.1,localhost"):
        assert mode(f"{here}/postgres") is None
        assert mode(f"{here}/postgres?sslmode=disable") == "disable"


def test_dockers_name_of_this_machine_counts_only_in_a_container_of_sam(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """SAM sets AWS_SAM_LOCAL there. In a deployed Lambda the name may lead to any machine."""
    host = f"{DOCKER_HOST}:4321"
    monkeypatch.setenv("AWS_SAM_LOCAL", "true")
    database = load_database(no_secret, {"SUPABASE_DB_URL": f"{JOB}:secret@{host}/x"})
    assert isinstance(database, PooledDatabase)
    assert "sslmode" not in driver_reads(database)
    http = {"DISPATCHER_FUNCTION": "d", "API_SECRET_ID": "s", "AUTH_URL": f"http://{host}/auth/v1"}
    assert DOCKER_HOST in HttpSettings.load(http).auth_url
    text = json.dumps(
        {
            "PORTAL_URL": f"http://{host}",
            "PORTAL_TENANT": "t",
            "PORTAL_CLIENT_ID": "i",
            "PORTAL_CLIENT_SECRET": "s",
        }
    )
    assert DOCKER_HOST in load_portal("s", lambda _: text).portal_url
    for other in (f"x.{DOCKER_HOST}", f"{DOCKER_HOST}.evil.org", "hostxdocker.internal"):
        with pytest.raises(ConfigurationError, match="AUTH_URL does not have the required form"):
            HttpSettings.load(http | {"AUTH_URL": f"http://{other}:4321/auth/v1"})
    for value in ("", "false", "1"):
        monkeypatch.setenv("AWS_SAM_LOCAL", value)
        with pytest.raises(ConfigurationError, match="PORTAL_URL does not begin with https://"):
            load_portal("s", lambda _: text)


def test_a_server_is_verified_with_the_certificate_beside_the_package(tmp_path: Path) -> None:
    """R6: one URL works for functions and operators. A path in the URL takes precedence."""
    certificate = tmp_path / "supabase-ca.crt"

    def used(query: str) -> object:
        found = read_address(f"{JOB}:secret@pooler.example/x{query}", certificate=certificate)
        return conninfo_to_dict(found.conninfo).get("sslrootcert")

    assert used("?sslmode=verify-full") is None
    certificate.touch()
    assert used("?sslmode=verify-full") == str(certificate)
    assert used("?sslmode=verify-full&sslrootcert=/other.crt") == "/other.crt"
    assert used("") is None
    assert CERTIFICATE == ROOT / "layers/shared/supabase-ca.crt"
