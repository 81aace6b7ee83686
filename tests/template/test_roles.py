"""The roles of `template.yaml`: each may do what it needs, and nothing else (D9, H2, R5, W4)."""

import json

import pytest

from mentor_pause.aws.event_bus import SOURCE
from support.template import (
    FUNCTIONS,
    OWN_SOURCE,
    RESOURCES,
    ROLES,
    TEMPLATE,
    of_type,
    variables,
)


def who_can_reach_the_portal() -> list[str]:
    """Return the functions whose environment or role names the portal's secret."""
    return [
        name
        for name, function in FUNCTIONS.items()
        if "PortalSecretArn" in json.dumps([function, ROLES[function["Role"]["Fn::GetAtt"][0]]])
    ]


def test_who_reaches_the_portal_never_holds_the_service_roles_credential() -> None:
    """D9: their environment and their policy name only the secret of the role portal_sync."""
    assert who_can_reach_the_portal() == ["HlfSyncWorker", "PortalDrift"]
    for name in who_can_reach_the_portal():
        function = FUNCTIONS[name]
        role = ROLES[function["Role"]["Fn::GetAtt"][0]]
        own = function["Environment"]["Variables"]
        assert own["SUPABASE_SECRET_ID"] == {"Ref": "PortalSyncSecretArn"}
        assert "DatabaseSecretArn" not in json.dumps([function, role, TEMPLATE["Globals"]])
        assert not {"SUPABASE_SERVICE_ROLE_KEY", "SUPABASE_DB_URL"} & variables(name)
        secrets = [
            statement["Resource"]
            for policy in role["Policies"]
            for statement in policy["PolicyDocument"]["Statement"]
            if statement["Action"] == "secretsmanager:GetSecretValue"
        ]
        assert secrets == [[{"Ref": "PortalSyncSecretArn"}, {"Ref": "PortalSecretArn"}]]


def test_the_portal_is_off_until_an_operator_switches_it_on() -> None:
    """H2: the template sets both SSM parameters once, and operators change them later."""
    parameters = of_type("SSM::Parameter")
    assert parameters["PortalSwitch"]["Value"] == "off"
    assert parameters["PortalMapping"]["Value"] == "{}"
    for name in who_can_reach_the_portal():
        own = FUNCTIONS[name]["Environment"]["Variables"]
        assert own["PORTAL_SWITCH"] == {"Ref": "PortalSwitch"}
        assert own["PORTAL_MAPPING"] == {"Ref": "PortalMapping"}


def test_a_function_publishes_one_kind_of_event_of_this_stack_only() -> None:
    """R5: IAM allows only the event source that this stack's rules match."""
    statements = [
        (role, statement)
        for role, properties in ROLES.items()
        for policy in properties["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
        if "events:PutEvents" in statement["Action"]
    ]
    announcing = {n for n, f in FUNCTIONS.items() if "EVENT_SOURCE" in variables(n) and f}
    assert {role for role, _ in statements} == {f"{name}Role" for name in announcing}
    for role, statement in statements:
        kind = "MessagesLeft" if role == "NotifierRole" else "RunCompleted"
        assert statement["Condition"] == {
            "StringEquals": {"events:source": OWN_SOURCE, "events:detail-type": kind}
        }
    for name in announcing:
        assert FUNCTIONS[name]["Environment"]["Variables"]["EVENT_SOURCE"] == OWN_SOURCE
    assert OWN_SOURCE["Fn::Sub"].startswith(f"{SOURCE}.")


@pytest.mark.parametrize("role", sorted(ROLES))
def test_a_role_may_do_named_actions_on_named_resources_only(role: str) -> None:
    """Least privilege: policies have no wildcard, and roles have no managed policy."""
    assert "ManagedPolicyArns" not in ROLES[role]
    for policy in ROLES[role]["Policies"]:
        for statement in policy["PolicyDocument"]["Statement"]:
            assert "*" not in json.dumps(statement)
    users = [f for f, p in FUNCTIONS.items() if p["Role"] == {"Fn::GetAtt": [role, "Arn"]}]
    assert len(users) == 1


def test_the_notifier_holds_its_own_credential_and_no_other_function_holds_it() -> None:
    """W3: its role in the database cannot change a mentor, and no other role reads an address."""
    assert FUNCTIONS["Notifier"]["Environment"]["Variables"]["SUPABASE_SECRET_ID"] == {
        "Ref": "NotifierSecretArn"
    }
    holders = {
        name: json.dumps([function, ROLES[function["Role"]["Fn::GetAtt"][0]]])
        for name, function in FUNCTIONS.items()
    }
    assert [name for name, text in holders.items() if "NotifierSecretArn" in text] == ["Notifier"]
    assert "DatabaseSecretArn" not in holders["Notifier"]
    assert "Ledger" not in holders["Notifier"]


def test_the_notifier_may_send_only_from_its_sender_and_only_if_there_is_one() -> None:
    """W4: no other role can send. In SES's sandbox a recipient is an identity too, hence the star.

    The condition limits the sender. GetAccount knows no resources.
    """
    assert of_type("IAM::Policy").keys() == {"NotifierMaySend"}
    assert RESOURCES["NotifierMaySend"]["Condition"] == "SendingIsEnabled"
    policy = of_type("IAM::Policy")["NotifierMaySend"]
    assert policy["Roles"] == [{"Ref": "NotifierRole"}]
    send, quota = policy["PolicyDocument"]["Statement"]
    assert (send["Action"], quota["Action"]) == ("ses:SendEmail", "ses:GetAccount")
    assert send["Condition"] == {"StringEquals": {"ses:FromAddress": {"Ref": "MessageSender"}}}
    ours = "arn:${AWS::Partition}:ses:${AWS::Region}:${AWS::AccountId}:"
    assert [resource["Fn::Sub"] for resource in send["Resource"]] == [
        f"{ours}identity/*", f"{ours}configuration-set/${{MessageEvents}}"
    ]  # fmt: skip
    assert "ses:" not in json.dumps(ROLES)
