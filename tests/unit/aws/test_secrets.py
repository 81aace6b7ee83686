"""Reading parameters of SSM and secrets of Secrets Manager, as the Lambdas do (E12, H2)."""

from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from mentor_pause.aws.secrets import parameter_reader, read_secret, secret_reader
from mentor_pause.errors import ConfigurationError, SettingsUnavailable


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
