"""The portal is switched on only if the preflight finds no problem (H2)."""

from collections.abc import Iterator
from typing import Never

import boto3
import click
import pytest
from moto import mock_aws

from cli.portal import switch_on
from cli.stacks import Stack
from local.portal import serving
from local.portal_example import MAPPING
from local.portal_tables import Portal
from mentor_pause.errors import ConfigurationError
from support.portal import settings
from support.portal_mistakes import MISTAKES

OUTPUTS = {"PortalSwitchName": "switch", "PortalMappingName": "map"}
STATUS = "column hlf_likeperson.hlf_status"


@pytest.fixture
def stack(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    """A deployed stack that is switched off, and whose portal is the stand-in."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-north-1")
    with mock_aws(), serving(portal) as url:
        for name, value in {"switch": "off", "map": MAPPING.read_text()}.items():
            boto3.client("ssm").put_parameter(Name=name, Value=value, Type="String", Overwrite=True)
        yield Stack(
            OUTPUTS, boto3.Session(), None, _no_database, lambda: settings(url), lambda _: ""
        )


def _no_database() -> Never:
    raise AssertionError


def switch() -> str:
    """Return the value of the switch."""
    return boto3.client("ssm").get_parameter(Name="switch")["Parameter"].get("Value", "")


def test_a_portal_in_order_is_switched_on(stack: Stack) -> None:
    """It takes effect with the next page."""
    assert switch_on(stack)
    assert switch() == "on"


@pytest.mark.parametrize(
    "mistake", ["a date whose time is hidden", "a lookup", "a set name with a typo"]
)
def test_each_finding_of_the_check_keeps_the_portal_off(
    portal: Portal, stack: Stack, capsys: pytest.CaptureFixture[str], mistake: str
) -> None:
    """The command shows the finding as `portal check` does."""
    make, what, _ = MISTAKES[mistake]
    make(portal)
    assert not switch_on(stack)
    assert switch() == "off"
    assert what.rpartition(".")[2] in capsys.readouterr().out


def test_a_portal_that_cannot_be_asked_stays_off(
    portal: Portal, stack: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    """Such a finding hides the real problem, so `--despite` cannot accept it."""
    portal.client_secret = "another"
    assert not switch_on(stack)
    assert "invalid_client" in capsys.readouterr().out
    with pytest.raises(click.UsageError, match="no such finding to accept: credentials"):
        switch_on(stack, ["credentials"])
    assert switch() == "off"


def test_one_finding_can_be_accepted_by_its_name(portal: Portal, stack: Stack) -> None:
    """Every other finding still keeps the portal off."""
    MISTAKES["a secured column of which the portal says nothing"][0](portal)
    portal.key_index = "Pending"
    assert not switch_on(stack, [STATUS])
    portal.key_index = "Active"
    with pytest.raises(click.UsageError, match="no such finding to accept: column hlf_likeperson"):
        switch_on(stack, ["column hlf_likeperson"])
    assert switch() == "off"
    assert switch_on(stack, [STATUS])
    assert switch() == "on"


def test_a_switch_that_is_on_stays_on_when_the_check_refuses(portal: Portal, stack: Stack) -> None:
    """The command writes nothing: only `portal off` switches the portal off."""
    switch_on(stack)
    portal.privileges.clear()
    assert not switch_on(stack)
    assert switch() == "on"


def test_a_mapping_that_is_not_valid_keeps_the_portal_off(stack: Stack) -> None:
    """The portal gets no request."""
    boto3.client("ssm").put_parameter(Name="map", Value="{}", Overwrite=True)
    with pytest.raises(ConfigurationError, match="the portal's mapping is not valid"):
        switch_on(stack)
    assert switch() == "off"
