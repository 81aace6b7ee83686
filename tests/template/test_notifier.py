"""The notifier's part of `template.yaml`: when it runs, and what it learns from SES (W3 to W5)."""

import json
from typing import Any, Literal, get_args
from uuid import UUID

import pytest
from moto.events.models import EventPattern

from local.places import ROOT
from mentor_pause.config.settings import NotifierSettings
from notify.delivery_events import DeliveryEvent
from support.template import FUNCTIONS, OWN_SOURCE, QUEUES, RESOURCES, TEMPLATE, of_type

RULES = of_type("Events::Rule")
EVENTS = ROOT / "events"
ADDRESS = "kari.nordmann@example.com"
SES_RULES = ("DeliveryRule", "BounceRule")
KINDS = {"DeliveryRule": ["Send", "Delivery", "Complaint", "Reject"], "BounceRule": ["Bounce"]}
DIGEST = UUID("5d9c1a8e-4f0b-4b0e-9a57-0c8f3c2d7e61")
ACCOUNT, SET, ORG = "123456789012", "mentor-pause-prod", "0f0e0d0c-0b0a-4908-8706-050403020100"
SUBSTITUTES = {
    "AWS::AccountId": ACCOUNT, "MessageEvents": SET, "HlfOrgId": ORG, "EventBusName": "default",
}  # fmt: skip
SOURCE = OWN_SOURCE["Fn::Sub"].replace("${AWS::StackName}", "prod")


def matches(rule: str, event: Any) -> bool:
    """Whether a rule's pattern matches an event, as moto implements EventBridge's matching."""

    def fill_in(value: dict[str, Any]) -> Any:
        return SOURCE if value == OWN_SOURCE else SUBSTITUTES.get(value.get("Ref", ""), value)

    pattern = json.loads(json.dumps(RULES[rule]["EventPattern"]), object_hook=fill_in)
    return EventPattern.load(json.dumps(pattern)).matches_event(event)


def event_of_ses(kind: str, configuration_set: str = SET) -> dict[str, Any]:
    """Return an event as SES puts it on the bus; each part with an address has one."""
    detail: dict[str, Any] = {
        "eventType": kind,
        "mail": {
            "messageId": "0102018f-e000001",
            "source": "no-reply@example.org",
            "destination": [ADDRESS],
            "commonHeaders": {"to": [ADDRESS], "subject": "Renew your listing"},
            "tags": {"ses:configuration-set": [configuration_set], "digest": [str(DIGEST)]},
        },
        kind.lower(): {"recipients": [ADDRESS], "bouncedRecipients": [{"emailAddress": ADDRESS}]},
    }
    if kind == "Bounce":
        detail["bounce"] |= {"bounceType": "Permanent", "bounceSubType": "General"}
    return {
        "account": ACCOUNT, "source": "aws.ses", "detail-type": f"Email {kind}", "detail": detail,
    }  # fmt: skip


def transformed(rule: str, event: dict[str, Any]) -> str:
    """Return what the rule's target gets: EventBridge puts values into the template as JSON."""
    (target,) = RULES[rule]["Targets"]
    text = target["InputTransformer"]["InputTemplate"]
    for name, path in target["InputTransformer"]["InputPathsMap"].items():
        value: Any = event
        for part in path.removeprefix("$.").split("."):
            value = value[part]
        text = text.replace(f"<{name}>", json.dumps(value))
    return text


@pytest.mark.parametrize(("rule", "kind"), [(r, k) for r in SES_RULES for k in KINDS[r]])
def test_no_address_leaves_the_bus(rule: str, kind: str) -> None:
    """W5: the queue gets what the notifier reads, and nothing else of SES's event."""
    event = event_of_ses(kind)
    assert [name for name in SES_RULES if matches(name, event)] == [rule]
    text = transformed(rule, event)
    assert "@" not in text
    read = DeliveryEvent.model_validate_json(text)
    assert (read.event, read.digest, read.message_id) == (kind, [DIGEST], "0102018f-e000001")
    assert read.bounce_type == ("Permanent" if kind == "Bounce" else None)


@pytest.mark.parametrize(
    ("sample", "rule"), [("notifier_delivery", "DeliveryRule"), ("notifier_bounce", "BounceRule")]
)
def test_a_sample_event_has_the_form_that_the_rule_gives_it(sample: str, rule: str) -> None:
    """O7: `sam local invoke` tries what the queue holds on AWS."""
    for record in json.loads((EVENTS / f"{sample}.json").read_text())["Records"]:
        body = json.loads(record["body"])
        made = json.loads(transformed(rule, event_of_ses(body["event"])))
        assert list(body) == list(made)


@pytest.mark.parametrize("rule", SES_RULES)
def test_events_about_other_e_mails_are_not_passed_on(rule: str) -> None:
    """The account may send e-mails through other configuration sets, or from other programs."""
    kind = KINDS[rule][0]
    assert not matches(rule, event_of_ses(kind, "newsletter"))
    assert not matches(rule, event_of_ses(kind) | {"account": "210987654321"})
    assert not matches(rule, event_of_ses(kind) | {"source": "somebody.else"})


def test_ses_publishes_each_kind_of_event_that_the_notifier_reads() -> None:
    """And no other: openings and clicks are not counted (W5)."""
    kinds: set[str] = set(get_args(DeliveryEvent.model_fields["event"].annotation))
    assert kinds == {kind for rule in SES_RULES for kind in KINDS[rule]}
    destination = of_type("SES::ConfigurationSetEventDestination")["MessageEventsToBus"]
    assert set(destination["EventDestination"]["MatchingEventTypes"]) == {k.upper() for k in kinds}
    assert destination["ConfigurationSetName"] == {"Ref": "MessageEvents"}


def test_the_configuration_set_tracks_nobody_and_requires_tls() -> None:
    """W5: without tracking options SES rewrites no link and adds no image."""
    (found,) = of_type("SES::ConfigurationSet").values()
    assert "TrackingOptions" not in found
    assert "VdmOptions" not in found
    assert found["DeliveryOptions"] == {"TlsPolicy": "REQUIRE"}
    assert found["SuppressionOptions"] == {"SuppressedReasons": ["BOUNCE", "COMPLAINT"]}


def test_only_the_two_rules_may_put_events_into_the_queue() -> None:
    """SES's events come as often as SQS needs; then they go where undelivered triggers go."""
    queue = QUEUES["DeliveryEventsQueue"]
    assert queue["VisibilityTimeout"] >= 6 * FUNCTIONS["Notifier"]["Timeout"]
    assert queue["RedrivePolicy"]["deadLetterTargetArn"] == {
        "Fn::GetAtt": ["TriggerDeadLetterQueue", "Arn"]
    }
    policy = of_type("SQS::QueuePolicy")["DeliveryEventsQueuePolicy"]
    assert policy["Queues"] == [{"Ref": "DeliveryEventsQueue"}]
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "events.amazonaws.com"}
    assert statement["Action"] == "sqs:SendMessage"
    assert statement["Condition"] == {
        "ArnEquals": {"aws:SourceArn": [{"Fn::GetAtt": [rule, "Arn"]} for rule in SES_RULES]}
    }
    for rule in SES_RULES:
        (target,) = RULES[rule]["Targets"]
        assert target["Arn"] == {"Fn::GetAtt": ["DeliveryEventsQueue", "Arn"]}
        assert "State" not in RULES[rule]
    (source,) = (event["Properties"] for event in FUNCTIONS["Notifier"]["Events"].values())
    assert source["Queue"] == {"Fn::GetAtt": ["DeliveryEventsQueue", "Arn"]}
    assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


@pytest.mark.parametrize(
    ("kind", "detail", "is_heard"),
    [
        ("RunCompleted", {"dry_run": False}, True),
        ("RunCompleted", {"dry_run": True}, False),
        ("MessagesLeft", {"sent_count": 200}, True),
        ("SomethingElse", {}, False),
    ],
)
def test_the_notifier_runs_after_a_run_and_after_itself(
    kind: Literal["RunCompleted", "MessagesLeft", "SomethingElse"],
    detail: dict[str, Any],
    is_heard: bool,
) -> None:
    """W3: a dry run writes no message. Events of other stacks and organisations do not count."""
    event = {
        "account": ACCOUNT, "source": SOURCE, "detail-type": kind,
        "detail": detail | {"org_id": ORG},
    }  # fmt: skip
    assert matches("MessagesRule", event) == is_heard
    assert not matches("MessagesRule", event | {"source": "mentor-pause.staging"})
    assert not matches("MessagesRule", event | {"detail": detail | {"org_id": str(DIGEST)}})


def test_the_notifier_runs_every_hour_and_no_parameter_stops_it() -> None:
    """W3: it settles old messages although no sender is configured."""
    assert RULES["HourlyMessagesRule"]["ScheduleExpression"] == "cron(10 * * * ? *)"
    for rule in ("HourlyMessagesRule", "MessagesRule"):
        (target,) = RULES[rule]["Targets"]
        assert target["Arn"] == {"Fn::GetAtt": ["Notifier", "Arn"]}
        assert "State" not in RULES[rule]


@pytest.mark.parametrize("alarm", ["UndeliveredMessagesAlarm", "BouncedDigestsAlarm"])
def test_alarms_about_e_mails_are_there_only_with_a_sender(alarm: str) -> None:
    """W4, W7: without a sender every message would wait for more than an hour."""
    assert RESOURCES[alarm]["Condition"] == "SendingIsEnabled"
    assert TEMPLATE["Conditions"]["SendingIsEnabled"] == {
        "Fn::Not": [{"Fn::Equals": [{"Ref": "MessageSender"}, ""]}]
    }
    assert "Condition" not in RESOURCES["PausedUnwarnedAlarm"]
    said = TEMPLATE["Outputs"]["SendsMessages"]["Value"]
    assert said == {"Fn::If": ["SendingIsEnabled", "yes", "no"]}


def test_nothing_is_sent_until_an_operator_names_a_sender() -> None:
    """W4: the parameter is empty, and the notifier reads an empty variable as no sender."""
    assert TEMPLATE["Parameters"]["MessageSender"]["Default"] == ""
    console = "https://a1b2.execute-api.eu-north-1.amazonaws.com/prod/console"
    settings = NotifierSettings.load(
        {"MESSAGE_SENDER": "", "CONSOLE_URL": console, "CONFIGURATION_SET": SET}
    )
    assert (settings.message_sender, settings.console_url) == (None, console)
