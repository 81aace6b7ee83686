"""Settings and parameters of `template.yaml` and `samconfig.toml` (O6, O7)."""

import json
import re
import tomllib

import pytest

from local.deployment import ORG_ID, ORG_SLUG
from local.places import ROOT
from mentor_pause import config
from support.template import FUNCTIONS, TEMPLATE, of_type, variables

SETTINGS = {
    "Dispatcher": (
        config.OrgSettings,
        config.LedgerSettings,
        config.QueueSettings,
        config.BusSettings,
    ),
    "ExpiryWorker": (
        config.OrgSettings,
        config.LedgerSettings,
        config.WorkerSettings,
        config.BusSettings,
    ),
    "HlfSyncWorker": (
        config.OrgSettings,
        config.LedgerSettings,
        config.WorkerSettings,
        config.BusSettings,
        config.PortalSourceSettings,
    ),
    "PortalDrift": (
        config.OrgSettings,
        config.PortalSourceSettings,
    ),
    "Api": (
        config.OrgSettings,
        config.LedgerSettings,
        config.HttpSettings,
    ),
    "Console": (
        config.OrgSettings,
        config.LedgerSettings,
        config.ConsoleSettings,
    ),
    "Monitor": (
        config.OrgSettings,
        config.LedgerSettings,
        config.BusSettings,
    ),
    "Notifier": (
        config.OrgSettings,
        config.NotifierSettings,
        config.BusSettings,
    ),
}


@pytest.mark.parametrize("function", sorted(FUNCTIONS))
def test_every_setting_that_a_function_reads_is_given_to_it_and_no_other(function: str) -> None:
    """A variable without a setting, or a setting without a variable, is an error."""
    read = {name.upper() for settings in SETTINGS[function] for name in settings.model_fields}
    own = {name for name in variables(function) if not name.startswith(("POWERTOOLS_", "AWS_"))}
    assert own == read | ({"SUPABASE_SECRET_ID"} if function != "Console" else set())


def test_the_example_environment_names_what_each_function_reads() -> None:
    """O7: sam local invoke --env-vars reads it; it has each variable and no other."""
    example = json.loads((ROOT / "env.example.json").read_text())
    assert example.keys() == FUNCTIONS.keys()
    for function, values in example.items():
        assert values.keys() == variables(function) - {"AWS_ENDPOINT_URL"}, function
        assert all(isinstance(value, str) and value for value in values.values())
        for settings in SETTINGS[function]:
            settings.load(values)
        assert {values["HLF_ORG_ID"], values["HLF_ORG_SLUG"]} == {str(ORG_ID), ORG_SLUG}


@pytest.mark.parametrize("function", sorted(FUNCTIONS))
def test_a_function_logs_json_to_a_group_that_forgets(function: str) -> None:
    """The log group has a retention, and the handler exists."""
    logging = (
        TEMPLATE["Globals"]["Function"]["LoggingConfig"] | FUNCTIONS[function]["LoggingConfig"]
    )
    assert logging["LogFormat"] == "JSON"
    assert "RetentionInDays" in of_type("Logs::LogGroup")[logging["LogGroup"]["Ref"]]
    package, module, handler = FUNCTIONS[function]["Handler"].split(".")
    assert f"\ndef {handler}(" in (ROOT / f"functions/{package}/{module}.py").read_text()


def test_every_parameter_is_described_and_used_and_secrets_are_named_not_given() -> None:
    """`sam deploy --guided` shows the descriptions. Parameters name secrets and hold none."""
    text = json.dumps({k: TEMPLATE[k] for k in ("Globals", "Resources", "Outputs")})
    for name, parameter in TEMPLATE["Parameters"].items():
        assert len(parameter["Description"]) > 20, name
        assert f'"Ref": "{name}"' in text or f"${{{name}}}" in text, name
    assert not re.search(r"service_role_key|password", text, re.IGNORECASE)


def test_sam_asks_before_it_changes_production() -> None:
    """O6: `sam deploy` shows the changes first."""
    stages = tomllib.loads((ROOT / "samconfig.toml").read_text())
    assert stages["prod"]["deploy"]["parameters"]["confirm_changeset"] is True


def test_the_stages_of_samconfig_are_those_of_the_template() -> None:
    """Each stage sets only parameters that the template has."""
    stages = tomllib.loads((ROOT / "samconfig.toml").read_text())
    allowed = TEMPLATE["Parameters"]["Stage"]["AllowedValues"]
    assert set(stages) - {"version", "default"} == set(allowed)
    for stage in allowed:
        overrides = stages[stage]["deploy"]["parameters"]["parameter_overrides"]
        names = {override.split("=")[0] for override in overrides}
        assert f"Stage={stage}" in overrides
        assert names <= set(TEMPLATE["Parameters"])
