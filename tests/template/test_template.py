"""Properties of `template.yaml` that the code relies on."""

import json
import re
import tomllib
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from api.handle_request import HEADERS
from api.problems import MEDIA_TYPE, Problem
from local.deployment import ORG_ID, ORG_SLUG
from local.places import ROOT
from local.template import load_template
from mentor_pause import config
from mentor_pause.aws.event_bus import SOURCE
from mentor_pause.domain.jobs import JOBS
from mentor_pause.domain.messages import DispatchRequest, RunCompleted
from monitor.nightly_check import GRACE, NIGHTLY

TEMPLATE = load_template()
RESOURCES: dict[str, Any] = TEMPLATE["Resources"]


def of_type(kind: str) -> dict[str, Any]:
    """Return the properties of the resources of a type."""
    return {n: r["Properties"] for n, r in RESOURCES.items() if r["Type"] == f"AWS::{kind}"}


FUNCTIONS = of_type("Serverless::Function")
QUEUES = of_type("SQS::Queue")
ROLES = of_type("IAM::Role")
OWN_SOURCE = {"Fn::Sub": "mentor-pause.${AWS::StackName}"}
WORKERS = {n: f for n, f in FUNCTIONS.items() if "QUEUE_URL" in f["Environment"]["Variables"]}


def sources() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield function, queue and properties of each event source."""
    for name, function in WORKERS.items():
        for event in function["Events"].values():
            yield name, event["Properties"]["Queue"]["Fn::GetAtt"][0], event["Properties"]


def variables(function: str) -> set[str]:
    """Return the names of a function's environment variables."""
    shared = TEMPLATE["Globals"]["Function"]["Environment"]["Variables"]
    return {*shared, *FUNCTIONS[function]["Environment"]["Variables"]}


@pytest.mark.parametrize(("function", "queue", "source"), list(sources()))
def test_a_page_queue_gives_its_worker_six_times_the_time(
    function: str, queue: str, source: dict[str, Any]
) -> None:
    """As AWS advises. Each invocation gets one page, and the number of invocations is limited."""
    assert QUEUES[queue]["VisibilityTimeout"] >= 6 * FUNCTIONS[function]["Timeout"]
    assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert source["BatchSize"] == 1
    assert source["ScalingConfig"]["MaximumConcurrency"] <= 10


@pytest.mark.parametrize("worker", sorted(WORKERS))
def test_a_worker_reads_its_queue_and_that_queues_dead_letters(worker: str) -> None:
    """E8: the worker closes a failed page; SQS quarantines a message that it cannot close."""
    main, dead = (queue for function, queue, _ in sources() if function == worker)
    assert QUEUES[main]["RedrivePolicy"]["deadLetterTargetArn"] == {"Fn::GetAtt": [dead, "Arn"]}
    assert QUEUES[dead]["RedrivePolicy"]["deadLetterTargetArn"] == {
        "Fn::GetAtt": ["QuarantinedPagesQueue", "Arn"]
    }
    own = FUNCTIONS[worker]["Environment"]["Variables"]
    assert own["QUEUE_URL"] == {"Ref": main}
    assert own["DEAD_LETTER_QUEUE_URL"] == {"Ref": dead}


def test_a_run_keeps_its_lock_longer_than_a_page_takes_through_all_redeliveries() -> None:
    """D6: otherwise the monitor would end a slow night."""
    lease = TEMPLATE["Parameters"]["RunLeaseSeconds"]
    for _, queue, _ in sources():
        redrive, visible = QUEUES[queue]["RedrivePolicy"], QUEUES[queue]["VisibilityTimeout"]
        if "DeadLetter" not in queue:
            assert lease["MinValue"] >= (redrive["maxReceiveCount"] + 1) * visible
    assert lease["Default"] >= lease["MinValue"]


def test_a_dispatcher_that_dies_loses_its_lease_before_lambda_repeats_the_delivery() -> None:
    """D7: Lambda repeats a failed delivery twice, the first time after 60 s."""
    lease = TEMPLATE["Parameters"]["DispatchLeaseSeconds"]
    assert lease["Default"] <= lease["MaxValue"] < 60
    repeated = FUNCTIONS["Dispatcher"]["EventInvokeConfig"]
    assert repeated["MaximumRetryAttempts"] == 2
    assert repeated["DestinationConfig"]["OnFailure"]["Type"] == "SQS"


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


def test_every_job_of_the_registry_has_a_rule_and_a_queue() -> None:
    """D1, D2: the registry, the rules and the dispatcher's settings name the same jobs."""
    rules = json.dumps(of_type("Events::Rule"))
    queues = config.QueueSettings(
        certification_expiry_queue_url="a", hlf_sync_queue_url="b", waiting_runs_queue_url="c"
    )
    assert queues.url_by_job().keys() == JOBS.keys()
    for job in JOBS:
        assert f'\\"job_name\\": \\"{job}\\"' in rules
        assert f"{job.upper()}_QUEUE_URL" in variables("Dispatcher")


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
    "Monitor": (
        config.OrgSettings,
        config.LedgerSettings,
        config.BusSettings,
    ),
}


@pytest.mark.parametrize("function", sorted(FUNCTIONS))
def test_every_setting_that_a_function_reads_is_given_to_it_and_no_other(function: str) -> None:
    """A variable without a setting, or a setting without a variable, is an error."""
    read = {name.upper() for settings in SETTINGS[function] for name in settings.model_fields}
    own = {name for name in variables(function) if not name.startswith(("POWERTOOLS_", "AWS_"))}
    assert own == read | {"SUPABASE_SECRET_ID"}


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


def test_api_gateways_own_answers_are_problem_details_like_ours() -> None:
    """O3: the document promises it. Each is a constant, with the function's headers."""
    responses = of_type("Serverless::Api")["ApiGateway"]["GatewayResponses"]
    statuses = {
        "MISSING_AUTHENTICATION_TOKEN": 404, "REQUEST_TOO_LARGE": 413, "THROTTLED": 429,
        "DEFAULT_4XX": None, "DEFAULT_5XX": None,
    }  # fmt: skip
    assert responses.keys() == statuses.keys()
    assert responses["MISSING_AUTHENTICATION_TOKEN"]["StatusCode"] == 404
    # A static value stands in single quotes, which a policy of the function's needs in itself.
    expected = {n: f"'{v}'" for n, v in HEADERS.items() if n != "Content-Security-Policy"}
    expected |= {"Content-Type": f"'{MEDIA_TYPE}'"}
    for name, response in responses.items():
        problem = Problem.model_validate_json(response["ResponseTemplates"]["application/json"])
        assert problem.status == statuses[name]
        assert (problem.type == "about:blank") == (problem.status is not None)
        assert "$" not in json.dumps(response), "nothing of the request, nor of API Gateway's text"
        headers = dict(response["ResponseParameters"]["Headers"])
        again = headers.pop("Retry-After", None)
        assert (again is not None) == (name in ("THROTTLED", "DEFAULT_5XX"))
        assert headers == expected


def test_the_http_entry_cannot_take_the_whole_accounts_concurrency() -> None:
    """R5: production reserves a limit. A new account cannot reserve any, so 0 is the default."""
    parameter = TEMPLATE["Parameters"]["ApiReservedConcurrency"]
    assert parameter["Default"] == 0
    assert FUNCTIONS["Api"]["ReservedConcurrentExecutions"] == {
        "Fn::If": [
            "ApiConcurrencyIsReserved",
            {"Ref": "ApiReservedConcurrency"},
            {"Ref": "AWS::NoValue"},
        ]
    }
    assert TEMPLATE["Conditions"]["ApiConcurrencyIsReserved"] == {
        "Fn::Not": [{"Fn::Equals": [{"Ref": "ApiReservedConcurrency"}, "0"]}]
    }
    stages = tomllib.loads((ROOT / "samconfig.toml").read_text())
    for stage, limited in (("dev", False), ("staging", True), ("prod", True)):
        overrides = stages[stage]["deploy"]["parameters"]["parameter_overrides"]
        assert ("ApiReservedConcurrency=5" in overrides) == limited


def test_requests_are_throttled_and_the_api_has_no_other_way_in() -> None:
    """O3: the limit covers every method, and the OpenAPI document has every address."""
    (setting,) = of_type("Serverless::Api")["ApiGateway"]["MethodSettings"]
    assert (setting["ResourcePath"], setting["HttpMethod"]) == ("/*", "*")
    limit = {"Ref": "ApiRequestsPerSecond"}
    assert setting["ThrottlingRateLimit"] == setting["ThrottlingBurstLimit"] == limit
    events = [event["Properties"] for event in FUNCTIONS["Api"]["Events"].values()]
    document = json.loads((ROOT / "docs/openapi.json").read_text())
    assert {(e["Path"], e["Method"]) for e in events} == {
        (path, method) for path, methods in document["paths"].items() for method in methods
    }


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


@pytest.mark.parametrize(
    ("rule", "job", "count", "more"),
    [
        ("PausedMentorsRule", "certification_expiry", "paused_count", {"dry_run": [False]}),
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


def test_a_function_announces_runs_of_this_stack_only() -> None:
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
    for _, statement in statements:
        assert statement["Condition"] == {
            "StringEquals": {"events:source": OWN_SOURCE, "events:detail-type": "RunCompleted"}
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


def test_only_the_rules_may_invoke_their_function() -> None:
    """The permission names the rule's ARN. Each rule may send to the dead-letter queue."""
    rules = of_type("Events::Rule")
    allowed = {
        (p["SourceArn"]["Fn::GetAtt"][0], p["FunctionName"]["Ref"], p["Principal"])
        for p in of_type("Lambda::Permission").values()
    }
    assert allowed == {
        (rule, properties["Targets"][0]["Arn"]["Fn::GetAtt"][0], "events.amazonaws.com")
        for rule, properties in rules.items()
    }
    policy = json.dumps(of_type("SQS::QueuePolicy")["TriggerDeadLetterQueuePolicy"])
    for rule, properties in rules.items():
        assert f'["{rule}", "Arn"]' in policy
        assert "DeadLetterConfig" in properties["Targets"][0]


def test_the_ledger_forgets_and_can_be_restored() -> None:
    """TTL uses the attribute that the code writes. Deleting the stack keeps the table."""
    ledger = of_type("DynamoDB::Table")["Ledger"]
    assert ledger["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert '"expires_at"' in (ROOT / "layers/shared/mentor_pause/ledger/runs.py").read_text()
    assert ledger["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"]
    assert RESOURCES["Ledger"]["DeletionPolicy"] == "Retain"


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
