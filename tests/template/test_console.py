"""The console's part of `template.yaml`: its address, its limits, and no secret (C2, R5)."""

import json

import pytest

from local.template import adapt_to_emulator, load_template
from mentor_pause.config import ConsoleSettings
from mentor_pause.errors import ConfigurationError
from support.template import FUNCTIONS, RESOURCES, ROLES, TEMPLATE, of_type

PATHS = {("/console", "get"), ("/console", "post")} | {
    ("/console/{proxy+}", "get"), ("/console/{proxy+}", "post")
}  # fmt: skip
URL = {
    "Fn::If": [
        "ConsoleDomainIsSet",
        {"Fn::Sub": "https://${ConsoleDomain}/console"},
        {
            "Fn::Sub": "https://${ApiGateway}.execute-api.${AWS::Region}.${AWS::URLSuffix}"
            "/${Stage}/console"
        },
    ]
}
SETTINGS = {
    "SUPABASE_URL": "https://abcdefgh.supabase.co",
    "SUPABASE_PUBLISHABLE_KEY": "sb_publishable_x",
    "DISPATCHER_FUNCTION": "dispatcher",
}


def test_the_console_is_reached_by_get_and_post_below_its_address_only() -> None:
    """On the same API as the HTTP entry."""
    events = [event["Properties"] for event in FUNCTIONS["Console"]["Events"].values()]
    assert {(event["Path"], event["Method"]) for event in events} == PATHS
    assert all(event["RestApiId"] == {"Ref": "ApiGateway"} for event in events)


def test_each_method_of_the_console_has_the_consoles_limit() -> None:
    """R5: a full console leaves the HTTP entry its requests, and forms have a lower limit."""
    _, *settings = of_type("Serverless::Api")["ApiGateway"]["MethodSettings"]
    limits = {"GET": "ConsoleRequestsPerSecond", "POST": "ConsoleFormsPerSecond"}
    found = {
        (s["ResourcePath"].replace("/~1", "/").replace("~1", "/"), s["HttpMethod"].lower())
        for s in settings
        if s["ThrottlingRateLimit"] == s["ThrottlingBurstLimit"] == {"Ref": limits[s["HttpMethod"]]}
    }
    assert found == PATHS
    assert all("/" not in s["ResourcePath"].removeprefix("/") for s in settings), "AWS wants ~1"


def test_the_console_holds_no_secret_and_no_credential() -> None:
    """C2: it can read the ledger and start runs. The database sees the person's own token."""
    text = json.dumps([FUNCTIONS["Console"], ROLES["ConsoleRole"]])
    assert "ecret" not in text.replace("ReservedConcurrency", "")
    assert "SUPABASE_DB_URL" not in text
    (policy,) = ROLES["ConsoleRole"]["Policies"]
    allowed = [(s["Action"], s["Resource"]) for s in policy["PolicyDocument"]["Statement"]]
    assert allowed == [
        (["logs:CreateLogStream", "logs:PutLogEvents"], {"Fn::GetAtt": ["ConsoleLogs", "Arn"]}),
        (
            ["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query"],
            {"Fn::GetAtt": ["Ledger", "Arn"]},
        ),
        ("lambda:InvokeFunction", {"Fn::GetAtt": ["Dispatcher", "Arn"]}),
    ]


def test_the_console_cannot_take_the_whole_accounts_concurrency() -> None:
    """R5: strangers reach its sign-in page. As for the HTTP entry, 0 is the default."""
    assert TEMPLATE["Parameters"]["ConsoleReservedConcurrency"]["Default"] == 0
    assert FUNCTIONS["Console"]["ReservedConcurrentExecutions"]["Fn::If"][:2] == [
        "ConsoleConcurrencyIsReserved",
        {"Ref": "ConsoleReservedConcurrency"},
    ]


def test_the_e_mails_lead_to_the_console() -> None:
    """W5: to its own host name if it has one; the output is the same address."""
    assert FUNCTIONS["Notifier"]["Environment"]["Variables"]["CONSOLE_URL"] == URL
    assert TEMPLATE["Outputs"]["ConsoleUrl"]["Value"] == URL


def test_a_host_name_needs_its_certificate_and_the_other_way_round() -> None:
    """CloudFormation refuses one without the other; without both there is no host name."""
    assert TEMPLATE["Rules"].keys() == {
        "ConsoleDomainNeedsItsCertificate", "ConsoleCertificateNeedsItsDomain"
    }  # fmt: skip
    for name in ("ConsoleDomainName", "ConsoleDomainMapping"):
        assert RESOURCES[name]["Condition"] == "ConsoleDomainIsSet"
    domain = of_type("ApiGateway::DomainName")["ConsoleDomainName"]
    assert (domain["SecurityPolicy"], domain["EndpointConfiguration"]) == (
        "TLS_1_2",
        {"Types": ["REGIONAL"]},
    )


def test_the_emulators_addresses_take_the_place_of_those_on_aws() -> None:
    """In outputs and variables. Adapting twice changes nothing."""
    adapted = adapt_to_emulator(load_template(), "http://127.0.0.1:4566")
    console = adapted["Outputs"]["ConsoleUrl"]["Value"]["Fn::If"][2]["Fn::Sub"]
    assert console == "http://127.0.0.1:4566/_aws/execute-api/${ApiGateway}/${Stage}/console"
    assert "amazonaws" not in json.dumps(adapted["Outputs"])
    assert "execute-api.$" not in json.dumps(adapted["Resources"])
    once = json.dumps(adapted)
    assert json.dumps(adapt_to_emulator(json.loads(once), "http://127.0.0.1:4566")) == once


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("supabase_url", "http://abcdefgh.supabase.co"),
        ("supabase_url", "https://abcdefgh.supabase.co/"),
        ("supabase_publishable_key", "sb_secret_x"),
    ],
)
def test_a_wrong_setting_is_named(name: str, value: str) -> None:
    """C2: a secret key in place of the publishable one is refused too."""
    assert ConsoleSettings.load(SETTINGS).supabase_url == SETTINGS["SUPABASE_URL"]
    with pytest.raises(ConfigurationError, match=name.upper()):
        ConsoleSettings.load(SETTINGS | {name.upper(): value})
