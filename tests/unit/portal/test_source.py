"""The portal is opened by a switch, a mapping and a secret that operators change (H2)."""

import json
from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from local.portal_example import MAPPING
from mentor_pause.aws.secrets import parameter_reader, read_secret, secret_reader
from mentor_pause.config import PortalSourceSettings, load_portal
from mentor_pause.errors import ConfigurationError, SettingsUnavailable
from mentor_pause.portal import NoPortal
from mentor_pause.portal.dataverse import Dataverse
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


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """AWS inside the test's process."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-north-1")
    with mock_aws():
        yield


def test_a_parameter_is_read_and_a_missing_one_is_named(cloud: None) -> None:
    """As the Lambdas read it; a missing parameter is a configuration error."""
    boto3.client("ssm").put_parameter(Name="read-once", Value="on", Type="String")
    read = parameter_reader()
    assert read("read-once") == "on"
    with pytest.raises(
        ConfigurationError, match="the parameter gone cannot be read: ParameterNotFound"
    ):
        read("gone")


def test_a_change_of_the_switch_reaches_the_next_reader(cloud: None) -> None:
    """H2: and the same reader after half a minute."""
    client = boto3.client("ssm")
    client.put_parameter(Name="flipped", Value="on", Type="String")
    read = parameter_reader()
    assert read("flipped") == "on"
    client.put_parameter(Name="flipped", Value="off", Type="String", Overwrite=True)
    assert read("flipped") == "on"
    assert parameter_reader()("flipped") == "off"


def test_a_secret_is_read_again_after_a_while_and_a_missing_one_is_named(cloud: None) -> None:
    """A warm function notices a rotation; here the next reader does."""
    client = boto3.client("secretsmanager")
    client.create_secret(Name="rotated", SecretString="one")
    read = secret_reader()
    assert read("rotated") == "one"
    client.put_secret_value(SecretId="rotated", SecretString="two")
    assert read("rotated") == "one"
    assert secret_reader()("rotated") == "two"
    with pytest.raises(ConfigurationError, match="the secret gone cannot be read: ResourceNot"):
        read("gone")


def test_a_missing_secret_differs_from_one_that_cannot_be_read_now(
    cloud: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An operator has to create the first; the second error is transient."""
    with pytest.raises(
        ConfigurationError, match="the secret gone cannot be read: ResourceNotFound"
    ):
        read_secret("gone")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(SettingsUnavailable, match="the secret gone cannot be read: "):
        read_secret("gone")
