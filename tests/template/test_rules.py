"""The rules of `template.yaml`: when functions run, and what they are sent (D1, H4, H5, O1)."""

import json
from datetime import timedelta

import pytest

from mentor_pause import config
from mentor_pause.domain.jobs import JOBS
from mentor_pause.domain.messages import DispatchRequest, RunCompleted
from monitor.nightly_check import GRACE, NIGHTLY
from support.template import FUNCTIONS, OWN_SOURCE, of_type, variables


@pytest.mark.parametrize(
    ("rule", "job", "schedule"),
    [
        ("CertificationExpiryRule", "certification_expiry", "cron(0 2 * * ? *)"),
        ("HlfSyncRule", "hlf_sync", "cron(0 3 * * ? *)"),
    ],
)
def test_a_rule_sends_what_the_dispatcher_reads(rule: str, job: str, schedule: str) -> None:
    """D1: the input has the event's id and time beside the job's name."""
    properties = of_type("Events::Rule")[rule]
    (target,) = properties["Targets"]
    transformer = target["InputTransformer"]
    text = transformer["InputTemplate"]
    for name, path in transformer["InputPathsMap"].items():
        value = {"$.id": "7bf73129-1428-4cd3-a780-95db273d1602", "$.time": "2026-03-01T02:00:00Z"}[
            path
        ]
        text = text.replace(f"<{name}>", json.dumps(value))
    request = DispatchRequest.parse(text)
    assert (request.job_name, request.trigger, properties["ScheduleExpression"]) == (
        job,
        "schedule",
        schedule,
    )
    assert request.trigger_id == "7bf73129-1428-4cd3-a780-95db273d1602"
    assert request.scheduled_at is not None
    assert "DeadLetterConfig" in target


def test_the_drift_is_measured_every_hour_with_time_to_read_everybody() -> None:
    """H5: the rule does not depend on the sync job."""
    rule = of_type("Events::Rule")["PortalDriftRule"]
    assert rule["ScheduleExpression"] == "cron(30 * * * ? *)"
    assert [target["Arn"] for target in rule["Targets"]] == [{"Fn::GetAtt": ["PortalDrift", "Arn"]}]
    assert FUNCTIONS["PortalDrift"]["Timeout"] >= 120


def test_the_monitor_looks_half_an_hour_after_the_night_and_every_hour() -> None:
    """O1: the code and the rule agree on the time, and no parameter switches the rule off."""
    rules = of_type("Events::Rule")
    night, monitor = rules["CertificationExpiryRule"], rules["MonitorRule"]
    assert night["ScheduleExpression"] == f"cron({NIGHTLY.minute} {NIGHTLY.hour} * * ? *)"
    assert monitor["ScheduleExpression"] == f"cron({NIGHTLY.minute + 30} * * * ? *)"
    assert timedelta(minutes=28) < GRACE < timedelta(minutes=30)
    assert "State" not in monitor
    assert [target["Arn"] for target in monitor["Targets"]] == [{"Fn::GetAtt": ["Monitor", "Arn"]}]


def test_every_job_has_a_rule_and_a_queue_unless_it_uses_those_of_another() -> None:
    """D1, D2: the registry, the rules and the dispatcher's settings name the same jobs."""
    rules = json.dumps(of_type("Events::Rule"))
    queues = config.QueueSettings(
        certification_expiry_queue_url="a", hlf_sync_queue_url="b", waiting_runs_queue_url="c"
    )
    assert queues.url_by_job().keys() == JOBS.keys()
    for job in JOBS.values():
        assert (f'\\"job_name\\": \\"{job.name}\\"' in rules) is not job.needs_run
        assert f"{job.worker.upper()}_QUEUE_URL" in variables("Dispatcher")


@pytest.mark.parametrize(
    ("rule", "job", "count", "more"),
    [
        ("PausedMentorsRule", "certification_expiry", "paused_count", {"dry_run": [False]}),
        ("ResumedMentorsRule", "withdrawal", "resumed_count", {"dry_run": [False]}),
        # Also behind a dry run, which may have been in the way of another trigger.
        ("LeftMentorsRule", "hlf_sync", "left_count", {}),
    ],
)
def test_the_sync_follows_a_run_that_left_it_something_to_do(
    rule: str, job: str, count: str, more: dict[str, list[bool]]
) -> None:
    """H4: only for this organisation. The run's id makes repeated events one trigger."""
    properties = of_type("Events::Rule")[rule]
    pattern = properties["EventPattern"]
    assert pattern["account"] == [{"Ref": "AWS::AccountId"}]
    assert (pattern["source"], pattern["detail-type"]) == ([OWN_SOURCE], ["RunCompleted"])
    assert pattern["detail"] == {
        "job_name": [job],
        "org_id": [{"Ref": "HlfOrgId"}],
        count: [{"numeric": [">", 0]}],
        **more,
    }
    assert pattern["detail"].keys() <= RunCompleted.model_fields.keys()
    (target,) = properties["Targets"]
    transformer = target["InputTransformer"]
    assert transformer["InputPathsMap"] == {"run": "$.detail.job_run_id"}
    text = transformer["InputTemplate"].replace("<run>", '"a-run"')
    request = DispatchRequest.parse(text)
    assert (request.job_name, request.trigger, request.trigger_id) == ("hlf_sync", "event", "a-run")
    assert properties["EventBusName"] == {"Ref": "EventBusName"}


def test_only_the_rules_may_invoke_their_function() -> None:
    """The permission names the rule's ARN. Each rule may send to the dead-letter queue.

    The rules for SES's events may not: EventBridge would put the address there (W5).
    """
    rules = of_type("Events::Rule")
    targets = {name: p["Targets"][0]["Arn"]["Fn::GetAtt"][0] for name, p in rules.items()}
    allowed = {
        (p["SourceArn"]["Fn::GetAtt"][0], p["FunctionName"]["Ref"], p["Principal"])
        for p in of_type("Lambda::Permission").values()
    }
    assert allowed == {
        (rule, target, "events.amazonaws.com")
        for rule, target in targets.items()
        if target in FUNCTIONS
    }
    policy = json.dumps(of_type("SQS::QueuePolicy")["TriggerDeadLetterQueuePolicy"])
    for rule, properties in rules.items():
        has_address = (
            properties["EventPattern"]["source"] == ["aws.ses"]
            if "EventPattern" in properties
            else False
        )
        assert (f'["{rule}", "Arn"]' in policy) is not has_address
        assert ("DeadLetterConfig" in properties["Targets"][0]) is not has_address
