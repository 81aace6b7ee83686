"""Settings from the environment: each error is one clear sentence."""

import json

import pytest

from mentor_pause.config import (
    HttpSettings,
    LedgerSettings,
    OrgSettings,
    PooledDatabase,
    QueueSettings,
    RestDatabase,
    load_database,
    load_http_secrets,
)
from mentor_pause.domain.jobs import MAX_PAGE_SIZE
from mentor_pause.errors import ConfigurationError
from mentor_pause.ledger.runs import CLAIM_SECONDS
from support.settings import POOLED, REST, no_secret


def test_each_way_to_the_database_is_found() -> None:
    """From its variables in the environment."""
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
    """It names the variables."""
    with pytest.raises(ConfigurationError) as raised:
        load_database(no_secret, environ)
    assert str(raised.value) == sentence


@pytest.mark.parametrize("text", ["", "no json", "[]", '"x"'])
def test_a_secret_that_is_not_an_object_is_reported_without_its_content(text: str) -> None:
    """E12: a message never has it."""
    with pytest.raises(ConfigurationError, match="the secret s is not a JSON object"):
        load_database(lambda _: text, {"SUPABASE_SECRET_ID": "s"})


def test_a_credential_does_not_show_when_settings_are_printed() -> None:
    """E12: so it is never logged."""
    assert "secret" not in repr(load_database(no_secret, POOLED))
    assert "sb_secret_x" not in repr(load_database(no_secret, REST))


def test_every_missing_or_wrong_variable_is_named() -> None:
    """All in one error."""
    with pytest.raises(ConfigurationError) as raised:
        QueueSettings.load(
            {
                "PAGE_SIZE": str(MAX_PAGE_SIZE + 1),
                "HLF_SYNC_QUEUE_URL": "u",
                "WAITING_RUNS_QUEUE_URL": "w",
            }
        )
    assert str(raised.value) == (
        "CERTIFICATION_EXPIRY_QUEUE_URL is not set; "
        f"PAGE_SIZE: Input should be less than or equal to {MAX_PAGE_SIZE}"
    )
    with pytest.raises(ConfigurationError, match="HLF_ORG_ID: Input should be a valid UUID"):
        OrgSettings.load({"HLF_ORG_ID": "hlf"})


def test_an_empty_variable_counts_as_missing_and_takes_the_default() -> None:
    """CloudFormation passes empty parameters as empty strings."""
    settings = LedgerSettings.load({"LEDGER_TABLE": "t", "RUN_LEASE_SECONDS": ""})
    assert (settings.dispatch_lease_seconds, settings.run_lease_seconds) == (45, 2700)


def test_a_dispatch_lease_that_is_as_short_as_the_claim_is_refused() -> None:
    """E8: a dead holder's claim has ended when the run is resumed."""
    with pytest.raises(ConfigurationError, match="DISPATCH_LEASE_SECONDS: Input should be greater"):
        LedgerSettings.load({"LEDGER_TABLE": "t", "DISPATCH_LEASE_SECONDS": str(CLAIM_SECONDS)})


def test_white_space_around_a_credential_is_not_part_of_it() -> None:
    """A person may paste it with the end of its line."""
    pasted = {name: f" {value}\n" for name, value in REST.items()}
    assert load_database(no_secret, pasted) == load_database(no_secret, REST)


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
def test_a_secret_that_is_easy_to_guess_is_refused(given: dict[str, str], reason: str) -> None:
    """D3: the error does not show it."""
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


def test_a_secret_is_named_without_the_account_that_it_is_in() -> None:
    """R6: the ARN would appear in a run's row."""
    arn = "arn:aws:secretsmanager:eu-north-1:123456789012:secret:database-AbCdEf"
    with pytest.raises(ConfigurationError) as raised:
        load_database(lambda _: "", {"SUPABASE_SECRET_ID": arn})
    assert str(raised.value).startswith("the secret database-AbCdEf is not a JSON object with ")
