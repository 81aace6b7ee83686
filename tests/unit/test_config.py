"""Settings from the environment: one clear sentence when they are wrong."""

import json
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict

from mentor_pause.config import (
    HttpSettings,
    LedgerSettings,
    OrgSettings,
    PooledDatabase,
    QueueSettings,
    RestDatabase,
    load_api_database,
    load_database,
    load_http_secrets,
    load_portal,
    load_portal_database,
)
from mentor_pause.config.addresses import DOCKER_HOST
from mentor_pause.config.connection_string import CERTIFICATE, read_address
from mentor_pause.errors import ConfigurationError, describe

ROOT = Path(__file__).parent.parent.parent

POOLED = {"SUPABASE_DB_URL": "postgresql://job:secret@pooler:6543/postgres"}
REST = {"SUPABASE_URL": "https://p.supabase.co", "SUPABASE_SERVICE_ROLE_KEY": "sb_secret_x"}


def no_secret(secret_id: str) -> str:
    """Fail: nobody should read a secret here."""
    raise AssertionError(secret_id)


def driver_reads(found: PooledDatabase) -> dict[str, str]:
    """What the driver makes of a URL."""
    return {k: str(v) for k, v in conninfo_to_dict(found.url.get_secret_value()).items()}


def test_each_way_to_the_database_is_found() -> None:
    """In the environment."""
    assert isinstance(load_database(no_secret, POOLED), PooledDatabase)
    assert isinstance(load_database(no_secret, REST), RestDatabase)


@pytest.mark.parametrize("content", [POOLED, REST])
def test_the_secret_that_the_environment_names_is_read(content: dict[str, str]) -> None:
    """E12."""
    asked: list[str] = []

    def read(secret_id: str) -> str:
        asked.append(secret_id)
        return json.dumps(content)

    assert load_database(read, {"SUPABASE_SECRET_ID": "arn"}) == load_database(no_secret, content)
    assert asked == ["arn"]


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        ({}, "neither SUPABASE_URL nor SUPABASE_DB_URL is set in the environment"),
        (
            POOLED | REST,
            "SUPABASE_URL and SUPABASE_DB_URL are both set in the environment; set only one",
        ),
        (
            {"SUPABASE_URL": "https://p"},
            "SUPABASE_URL is set in the environment but SUPABASE_SERVICE_ROLE_KEY is not",
        ),
        (
            POOLED | {"SUPABASE_SECRET_ID": "s"},
            "SUPABASE_SECRET_ID and SUPABASE_DB_URL are both set; set only one",
        ),
        (
            {"SUPABASE_URL": "", "SUPABASE_DB_URL": ""},
            "neither SUPABASE_URL nor SUPABASE_DB_URL is set in the environment",
        ),
    ],
)
def test_missing_or_contradictory_settings_are_one_sentence(
    environ: dict[str, str], sentence: str
) -> None:
    """Naming the variables."""
    with pytest.raises(ConfigurationError) as raised:
        load_database(no_secret, environ)
    assert str(raised.value) == sentence


@pytest.mark.parametrize("text", ["", "no json", "[]", '"x"'])
def test_a_secret_that_is_no_object_is_said_without_its_content(text: str) -> None:
    """E12: never in a message."""
    with pytest.raises(ConfigurationError, match="the secret s is not a JSON object"):
        load_database(lambda _: text, {"SUPABASE_SECRET_ID": "s"})


def test_a_credential_does_not_show_when_settings_are_printed() -> None:
    """E12: never logged."""
    assert "secret" not in repr(load_database(no_secret, POOLED))
    assert "sb_secret_x" not in repr(load_database(no_secret, REST))


def test_every_missing_or_wrong_variable_is_named() -> None:
    """At once, not one by one."""
    with pytest.raises(ConfigurationError) as raised:
        QueueSettings.load(
            {"PAGE_SIZE": "501", "HLF_SYNC_QUEUE_URL": "u", "WAITING_RUNS_QUEUE_URL": "w"}
        )
    assert str(raised.value) == (
        "CERTIFICATION_EXPIRY_QUEUE_URL is not set; "
        "PAGE_SIZE: Input should be less than or equal to 500"
    )
    with pytest.raises(ConfigurationError, match="HLF_ORG_ID: Input should be a valid UUID"):
        OrgSettings.load({"HLF_ORG_ID": "hlf"})


def test_an_empty_variable_counts_as_missing_and_takes_the_default() -> None:
    """CloudFormation passes empty parameters on as empty strings."""
    settings = LedgerSettings.load({"LEDGER_TABLE": "t", "RUN_LEASE_SECONDS": ""})
    assert (settings.dispatch_lease_seconds, settings.run_lease_seconds) == (45, 2700)


@pytest.mark.parametrize(
    "environ",
    [
        {"SUPABASE_DB_URL": "postgre://job:TOPSECRET@host/db"},
        {"SUPABASE_DB_URL": "host=h password=TOPSECRET"},
        {"SUPABASE_URL": "p.supabase.co", "SUPABASE_SERVICE_ROLE_KEY": "TOPSECRET"},
    ],
)
def test_a_url_that_is_none_is_said_without_the_secret_in_it(environ: dict[str, str]) -> None:
    """E12: a driver's own message would repeat it."""
    with pytest.raises(
        ConfigurationError, match=r"is not a URL like (postgresql|https)://"
    ) as raised:
        load_database(no_secret, environ)
    assert "TOPSECRET" not in str(raised.value)


def test_white_space_around_a_credential_is_not_part_of_it() -> None:
    """Pasted with the end of its line."""
    pasted = {name: f" {value}\n" for name, value in REST.items()}
    assert load_database(no_secret, pasted) == load_database(no_secret, REST)


@pytest.mark.parametrize("user", ["portal_sync", "portal_sync.abcdefgh"])
def test_the_portal_sync_logs_in_as_its_own_role(user: str) -> None:
    """D9: also through a pooler, which wants the project's name behind it."""
    url = f"postgresql://{user}:TOPSECRET@pooler:6543/postgres"
    found = load_portal_database(no_secret, {"SUPABASE_DB_URL": url})
    assert (found.role, driver_reads(found)["user"]) == ("portal_sync", user)


@pytest.mark.parametrize("user", ["mentor_pause_api", "mentor_pause_api.project"])
def test_the_http_entry_logs_in_as_its_own_role(user: str) -> None:
    """O3: and as nobody else."""
    url = f"postgresql://{user}:secret@pooler:6543/postgres"
    found = load_api_database(no_secret, {"SUPABASE_DB_URL": url})
    assert (found.role, driver_reads(found)["user"]) == ("mentor_pause_api", user)
    for other in ("mentor_pause_job", "postgres", "portal_sync"):
        given = {"SUPABASE_DB_URL": f"postgresql://{other}:TOPSECRET@pooler/postgres"}
        with pytest.raises(ConfigurationError, match="in to the database as mentor_pause_api"):
            load_api_database(no_secret, given)
    with pytest.raises(ConfigurationError, match="and with no other credential"):
        load_api_database(no_secret, REST)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({}, "SCHEDULER_SECRET is not set"),
        ({"SCHEDULER_SECRET": ""}, "SCHEDULER_SECRET is not set"),
        ({"SCHEDULER_SECRET": "short"}, "SCHEDULER_SECRET: .* at least 32"),
        (
            {"SCHEDULER_SECRET": "x" * 32, "SCHEDULER_SECRET_PREVIOUS": "short"},
            "SCHEDULER_SECRET_PREVIOUS: .* at least 32",
        ),
        (
            {"SCHEDULER_SECRET": "x" * 32, "SUPABASE_JWT_SECRET": "short"},
            "SUPABASE_JWT_SECRET: .* at least 32",
        ),
    ],
)
def test_a_secret_that_is_easily_guessed_is_none(given: dict[str, str], reason: str) -> None:
    """D3: nobody is let in by it; what it is does not show."""
    with pytest.raises(ConfigurationError, match=f"in the secret s: {reason}") as raised:
        load_http_secrets("s", lambda _: json.dumps(given))
    assert "short" not in str(raised.value)


@pytest.mark.parametrize(
    "url",
    [
        "http://project.supabase.co/auth/v1", "project.supabase.co", "https://", "ftp://x/auth/v1",
        "https://user@project.supabase.co/auth/v1", "https://project.supabase.co/auth/v1?x=y",
        "http://127.0.0.1/auth/v1", "http://127.0.0.1.evil.org:80/auth/v1",
        "http://host.docker.internal:4321/auth/v1", "http://host.docker.internal.evil.org:80/auth/v1",
    ],
)  # fmt: skip
def test_the_keys_of_tokens_are_read_over_tls(url: str) -> None:
    """Or from a program on this machine."""
    given = {"DISPATCHER_FUNCTION": "d", "API_SECRET_ID": "s"}
    with pytest.raises(ConfigurationError, match="AUTH_URL"):
        HttpSettings.load(given | {"AUTH_URL": url})
    HttpSettings.load(given | {"AUTH_URL": "https://project.supabase.co/auth/v1"})
    HttpSettings.load(given | {"AUTH_URL": "http://127.0.0.1:4321/auth/v1"})


@pytest.mark.parametrize(
    "given",
    [
        REST,
        {"SUPABASE_DB_URL": "postgresql://postgres:TOPSECRET@pooler/postgres"},
        {"SUPABASE_DB_URL": "postgresql://service_role:TOPSECRET@pooler/postgres"},
        {"SUPABASE_DB_URL": "postgresql://mentor_pause_job:TOPSECRET@pooler/postgres"},
        {"SUPABASE_DB_URL": "postgresql://portal_synchronous:TOPSECRET@pooler/postgres"},
        {"SUPABASE_DB_URL": "postgresql://portal_sync:TOPSECRET@pooler/postgres?user=postgres"},
    ],
)
def test_any_other_credential_is_refused_to_the_portal_sync(given: dict[str, str]) -> None:
    """D9: whatever an operator put into the secret."""
    with pytest.raises(
        ConfigurationError, match="logs in to the database as portal_sync"
    ) as raised:
        load_portal_database(lambda _: json.dumps(given), {"SUPABASE_SECRET_ID": "s"})
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
    """R6: every function reads the URL as libpq does, brackets and all."""
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
def test_a_url_that_cannot_be_used_is_said_without_a_part_of_it(
    behind_user: str, sentence: str
) -> None:
    """R6: variable and parameter are named; no cause holds the driver's sentence."""
    with pytest.raises(ConfigurationError) as raised:
        load_database(no_secret, {"SUPABASE_DB_URL": JOB + behind_user})
    assert str(raised.value).startswith("SUPABASE_DB_URL in the environment ")
    assert sentence in str(raised.value)
    assert "TOP" not in str(raised.value)
    assert "SECRET" not in str(raised.value)
    assert (raised.value.__cause__, raised.value.__context__) == (None, None)
    assert describe(raised.value) == str(raised.value)


def test_another_machine_is_reached_over_tls() -> None:
    """R6: required where the URL says nothing; what it asks for beyond that stays."""

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
    """SAM sets AWS_SAM_LOCAL there; in a deployed Lambda the name may lead to any machine."""
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
    """R6: one URL serves the functions and the operator's machine; a path in it goes first."""
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


@pytest.mark.parametrize(
    "environ",
    [
        {"SUPABASE_URL": "http://project.supabase.co"},
        {"SUPABASE_URL": "http://10.0.0.7:54321"},
        {"SUPABASE_URL": "http://127.0.0.1.evil.org"},
        {"SUPABASE_URL": "http://127.0.0.1@evil.org"},
        {"SUPABASE_URL": "http://host.docker.internal:54321"},
        {"SUPABASE_URL": "https://TOPSECRET@project.supabase.co"},
        {"SUPABASE_URL": "https://project.supabase.co/rest/v1"},
        {"SUPABASE_URL": "https://project.supabase.co/?key=TOPSECRET"},
        {"SUPABASE_SERVICE_ROLE_KEY": "TOP SECRET"},
        {"SUPABASE_SERVICE_ROLE_KEY": "TOPSECRET\u2026"},
        {"SUPABASE_SERVICE_ROLE_KEY": "sb_publishable_TOPSECRET"},
    ],
)
def test_the_service_role_key_goes_to_its_project_over_tls_only(environ: dict[str, str]) -> None:
    """R6: as every other secret."""
    name = next(iter(environ))
    with pytest.raises(ConfigurationError, match=f"^{name} in the environment is n") as raised:
        load_database(no_secret, REST | environ)
    assert "TOP" not in str(raised.value)
    for here in ("http://127.0.0.1:54321", "http://localhost:54321/", "http://[::1]:54321"):
        assert load_database(no_secret, REST | {"SUPABASE_URL": here})


def test_a_secret_is_named_without_the_account_that_it_is_in() -> None:
    """R6: its ARN would end in a run's row."""
    arn = "arn:aws:secretsmanager:eu-north-1:123456789012:secret:database-AbCdEf"
    with pytest.raises(ConfigurationError) as raised:
        load_database(lambda _: "", {"SUPABASE_SECRET_ID": arn})
    assert str(raised.value).startswith("the secret database-AbCdEf is not a JSON object with ")
