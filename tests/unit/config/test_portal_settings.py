"""A pasted address of the portal is accepted, or refused with one plain sentence (H2)."""

import pytest

from mentor_pause.config import PortalSettings
from mentor_pause.errors import ConfigurationError

GIVEN = {"PORTAL_TENANT": "hlf.no", "PORTAL_CLIENT_ID": "id", "PORTAL_CLIENT_SECRET": "secret"}
ALONE = "write https://hlf.crm4.dynamics.com alone"
EXAMPLE = "write scheme and host alone, such as https://hlf.crm4.dynamics.com"
NO_SCHEME = "does not begin with https://, and a secret is sent to it"
BEHIND = "has something behind its host, such as a page or a query"


@pytest.mark.parametrize(
    "address",
    [
        "https://hlf.crm4.dynamics.com", "https://hlf.crm4.dynamics.com/", "https://hlf.example:444",
        "http://127.0.0.1:9", " https://hlf.crm4.dynamics.com\n",
    ],
)  # fmt: skip
def test_an_address_of_an_environment_is_accepted(address: str) -> None:
    """Blanks around the pasted address are dropped."""
    found = PortalSettings.load(GIVEN | {"PORTAL_URL": address, "PORTAL_TENANT": " hlf.no "})
    assert (found.portal_url, found.portal_tenant) == (address.strip(), "hlf.no")


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("hlf.crm4.dynamics.com", f"{NO_SCHEME}; {ALONE}"),
        ("hlf.crm4.dynamics.com/main.aspx?id=TOPSECRET", f"{NO_SCHEME}; {ALONE}"),
        ("http://hlf.api.crm4.dynamics.com",
         f"{NO_SCHEME}; write https://hlf.api.crm4.dynamics.com alone"),
        ("http://localhost:90", f"{NO_SCHEME}; {EXAMPLE}"),
        ("http://host.docker.internal:90", f"{NO_SCHEME}; {EXAMPLE}"),
        ("http://host.docker.internal.evil.org:90", f"{NO_SCHEME}; {EXAMPLE}"),
        ("http://hostxdocker.internal:90", f"{NO_SCHEME}; {EXAMPLE}"),
        ("TOPSECRET.token", f"{NO_SCHEME}; {EXAMPLE}"),
        ("https://hlf.crm4.dynamics.com/main.aspx?appid=TOPSECRET&from=https://hlf.no",
         f"{BEHIND}; {ALONE}"),
        ("https://hlf.crm4.dynamics.com?code=TOPSECRET", f"{BEHIND}; {ALONE}"),
        ("https://hlf.example/api/data/v9.2/", f"{BEHIND}; {EXAMPLE}"),
        ("https://me:TOPSECRET@hlf.crm4.dynamics.com",
         f"has a user name or a password in it; {ALONE}"),
        ("https://", f"is not the address of an environment; {EXAMPLE}"),
        ("https://hlf.example:99999", f"is not the address of an environment; {EXAMPLE}"),
    ],
)  # fmt: skip
def test_any_other_address_is_refused_and_not_repeated(address: str, sentence: str) -> None:
    """The sentence names a host only if it is the host of an environment."""
    with pytest.raises(ConfigurationError) as raised:
        PortalSettings.load(GIVEN | {"PORTAL_URL": address})
    assert str(raised.value) == f"PORTAL_URL {sentence}"


def test_a_tenant_is_an_id_or_a_domain() -> None:
    """An address of the login is refused."""
    address = "https://login.microsoftonline.com/TOPSECRET"
    given = GIVEN | {"PORTAL_URL": "https://hlf.example", "PORTAL_TENANT": address}
    with pytest.raises(ConfigurationError) as raised:
        PortalSettings.load(given)
    assert str(raised.value) == (
        "PORTAL_TENANT is not the id of a directory (tenant), or its domain, such as hlf.no"
    )
