"""The portal is opened by a switch, a mapping and a secret that operators change (H2)."""

import json

import pytest

from local.portal_example import MAPPING
from mentor_pause.config import PortalSettings, PortalSourceSettings, load_portal
from mentor_pause.errors import ConfigurationError
from mentor_pause.portal import NoPortal
from mentor_pause.portal.dataverse import Dataverse
from mentor_pause.portal.login import KeptToken, Token
from mentor_pause.portal.source import PortalSource

NAMES = PortalSourceSettings(portal_switch="switch", portal_mapping="map", portal_secret_id="vault")
SECRET = {
    "PORTAL_URL": "https://hlf.crm4.dynamics.com",
    "PORTAL_TENANT": "hlf.example",
    "PORTAL_CLIENT_ID": "mentor-pause",
    "PORTAL_CLIENT_SECRET": "TOPSECRET",
}


def source(
    switch: str = "on", mapping: str = MAPPING.read_text(), secret: str = json.dumps(SECRET)
) -> PortalSource:
    """Return a source that reads these texts."""
    return PortalSource(
        NAMES, {"switch": switch, "map": mapping}.__getitem__, {"vault": secret}.__getitem__
    )


@pytest.mark.parametrize(
    ("switch", "kind"), [("on", Dataverse), (" ON\n", Dataverse), ("off", NoPortal)]
)
def test_the_switch_decides_which_client_it_is(switch: str, kind: type) -> None:
    """H2."""
    portal = source(switch).open(lambda: 60)
    assert isinstance(portal, kind)
    portal.close()


def test_while_the_switch_is_off_neither_mapping_nor_secret_is_read() -> None:
    """A stack can be deployed before there is a portal."""
    assert isinstance(source("off", "", "").open(lambda: 60), NoPortal)


WRONG: list[tuple[dict[str, str], str]] = [
    ({"switch": "perhaps"}, "the parameter switch is neither on nor off"),
    (
        {"mapping": "{}"},
        "the portal's mapping is not valid: mentors is missing; certifications is missing",
    ),
    ({"secret": "{}"}, "in the secret vault: PORTAL_URL is not set; PORTAL_TENANT is not set; "),
    ({"secret": "TOPSECRET"}, "the secret vault is not a JSON object with PORTAL_URL, PORTAL_T"),
    (
        {"secret": json.dumps(SECRET | {"PORTAL_URL": "http://TOPSECRET.example"})},
        "in the secret vault: PORTAL_URL does not begin with https://",
    ),
]


@pytest.mark.parametrize(("given", "sentence"), WRONG)
def test_a_wrong_setting_is_an_error_of_one_sentence_without_the_secret(
    given: dict[str, str], sentence: str
) -> None:
    """E12: the sentence names the setting that has to be changed."""
    with pytest.raises(ConfigurationError) as raised:
        source(**given).open(lambda: 60)
    assert str(raised.value).startswith(sentence)
    assert "TOPSECRET" not in str(raised.value)


def test_a_secret_does_not_show_when_settings_are_printed() -> None:
    """E12."""
    assert "TOPSECRET" not in repr(load_portal("vault", lambda _: json.dumps(SECRET)))


class RecordingToken(KeptToken):
    """Records whose token was asked for."""

    def __init__(self) -> None:
        """Nobody has asked."""
        super().__init__()
        self.secrets: list[str] = []

    def of(self, settings: PortalSettings) -> Token:
        """Record the client secret."""
        self.secrets.append(settings.portal_client_secret.get_secret_value())
        return super().of(settings)


def test_each_page_asks_for_the_kept_token_of_the_present_secret() -> None:
    """H3: a secret that an operator changes takes effect with the next page."""
    kept, vault = RecordingToken(), {"vault": json.dumps(SECRET)}
    parameters = {"switch": "on", "map": MAPPING.read_text()}
    opened = PortalSource(NAMES, parameters.__getitem__, vault.__getitem__, kept=kept)
    opened.open(lambda: 60).close()
    vault["vault"] = json.dumps(SECRET | {"PORTAL_CLIENT_SECRET": "ANOTHER"})
    opened.open(lambda: 60).close()
    parameters["switch"] = "off"
    opened.open(lambda: 60).close()
    assert kept.secrets == ["TOPSECRET", "ANOTHER"]
