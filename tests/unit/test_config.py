"""Settings from the environment: one clear sentence when they are wrong."""

import json

import pytest

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
    load_portal_database,
)
from mentor_pause.errors import ConfigurationError

POOLED = {"SUPABASE_DB_URL": "postgresql://job:secret@pooler:6543/postgres"}
REST = {"SUPABASE_URL": "https://p.supabase.co", "SUPABASE_SERVICE_ROLE_KEY": "sb_secret_x"}


def no_secret(secret_id: str) -> str:
    """Fail: nobody should read a secret here."""
    raise AssertionError(secret_id)


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
            "SUPABASE_URL and SUPABASE_DB_URL are both set in the environment; keep one of them",
        ),
        (
            {"SUPABASE_URL": "https://p"},
            "SUPABASE_URL is set in the environment but SUPABASE_SERVICE_ROLE_KEY is not",
        ),
        (
            POOLED | {"SUPABASE_SECRET_ID": "s"},
            "SUPABASE_SECRET_ID and SUPABASE_DB_URL are both set; keep one of them",
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
        ConfigurationError, match=r"is no URL like (postgresql|https)://HOST"
    ) as raised:
        load_database(no_secret, environ)
    assert "TOPSECRET" not in str(raised.value)


def test_white_space_around_a_credential_is_not_part_of_it() -> None:
    """Pasted with the end of its line."""
    pasted = {name: f" {value}\n" for name, value in REST.items()}
    assert load_database(no_secret, pasted) == load_database(no_secret, REST)


@pytest.mark.parametrize("user", ["portal_sync", "portal_sync.abcdefgh"])
def test_who_calls_the_portal_logs_in_as_its_own_role(user: str) -> None:
    """D9: also through a pooler, which wants the project's name behind it."""
    url = f"postgresql://{user}:TOPSECRET@pooler:6543/postgres"
    found = load_portal_database(no_secret, {"SUPABASE_DB_URL": url})
    assert found.url.get_secret_value() == url


@pytest.mark.parametrize("user", ["mentor_pause_api", "mentor_pause_api.project"])
def test_the_http_entry_logs_in_as_its_own_role(user: str) -> None:
    """O3: and as nobody else."""
    url = f"postgresql://{user}:secret@pooler:6543/postgres"
    assert load_api_database(no_secret, {"SUPABASE_DB_URL": url}).url.get_secret_value() == url
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
        {"SUPABASE_DB_URL": "postgresql://pooler/postgres"},
    ],
)
def test_any_other_credential_is_refused_to_who_calls_the_portal(given: dict[str, str]) -> None:
    """D9: whatever an operator put into the secret."""
    with pytest.raises(
        ConfigurationError, match="logs in to the database as portal_sync"
    ) as raised:
        load_portal_database(lambda _: json.dumps(given), {"SUPABASE_SECRET_ID": "s"})
    assert "TOPSECRET" not in str(raised.value)
