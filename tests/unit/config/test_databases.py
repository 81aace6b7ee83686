"""Each function logs in as its own role, over TLS."""

import json

import pytest

from mentor_pause.config import load_api_database, load_database, load_portal_database
from mentor_pause.errors import ConfigurationError
from support.settings import REST, driver_reads, no_secret


@pytest.mark.parametrize("user", ["portal_sync", "portal_sync.abcdefgh"])
def test_the_portal_sync_logs_in_as_its_own_role(user: str) -> None:
    """D9: also through a pooler, which needs the project's name after the role."""
    url = f"postgresql://{user}:TOPSECRET@pooler:6543/postgres"
    found = load_portal_database(no_secret, {"SUPABASE_DB_URL": url})
    assert (found.role, driver_reads(found)["user"]) == ("portal_sync", user)


@pytest.mark.parametrize("user", ["mentor_pause_api", "mentor_pause_api.project"])
def test_the_http_entry_logs_in_as_its_own_role(user: str) -> None:
    """O3: it accepts no other role."""
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
    """D9: whatever an operator wrote into the secret."""
    with pytest.raises(
        ConfigurationError, match="logs in to the database as portal_sync"
    ) as raised:
        load_portal_database(lambda _: json.dumps(given), {"SUPABASE_SECRET_ID": "s"})
    assert "TOPSECRET" not in str(raised.value)


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
