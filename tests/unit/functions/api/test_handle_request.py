"""Events that are not requests of the REST API: logged in one line, and refused."""

import io
import json
from typing import Any

import pytest
from aws_lambda_powertools import Logger

from api.handle_request import HEADERS, HttpRequestHandler
from mentor_pause.aws.lambda_events import is_request, kind_of
from support.http import request_event

RECORD: dict[str, Any] = {"messageId": "m-1", "body": "{}", "awsRegion": "eu-north-1"}
V2: dict[str, Any] = {
    "version": "2.0",
    "routeKey": "GET /jobs",
    "rawPath": "/jobs",
    "rawQueryString": "",
    "headers": {"authorization": "Bearer x"},
    "requestContext": {"http": {"method": "GET", "path": "/jobs"}, "stage": "$default"},
    "isBase64Encoded": False,
}
REST = request_event("GET", "/jobs", {"Authorization": "Bearer x"})
ALB: dict[str, Any] = {
    "requestContext": {"elb": {"targetGroupArn": "arn:aws:elasticloadbalancing:x"}},
    "httpMethod": "GET",
    "path": "/jobs",
    "queryStringParameters": {},
    "headers": {"authorization": "Bearer x"},
    "body": "",
    "isBase64Encoded": False,
}

EVENTS: dict[str, tuple[object, str]] = {
    "SQS": ({"Records": [RECORD | {"eventSource": "aws:sqs"}]}, "an SQS batch"),
    "SNS": ({"Records": [{"EventSource": "aws:sns", "Sns": {}}]}, "an SNS notification"),
    "S3": ({"Records": [{"eventSource": "aws:s3", "s3": {}}]}, "an S3 event"),
    "DynamoDB": ({"Records": [{"eventSource": "aws:dynamodb"}]}, "a DynamoDB stream batch"),
    "Kinesis": ({"Records": [{"eventSource": "aws:kinesis"}]}, "a Kinesis batch"),
    "SES": ({"Records": [{"eventSource": "aws:ses"}]}, "an SES event"),
    "CloudFront": ({"Records": [{"cf": {"request": {}}}]}, "a batch of records"),
    "records of a stranger": ({"Records": [{"eventSource": "Kari"}]}, "a batch of records"),
    "no records": ({"Records": []}, "a batch of records"),
    "records are not a list": ({"Records": 7}, "a batch of records"),
    "records are not objects": ({"Records": ["x"]}, "a batch of records"),
    "source is not a text": ({"Records": [{"eventSource": ["aws:sqs"]}]}, "a batch of records"),
    "Kafka": ({"eventSource": "aws:kafka", "records": {}}, "a Kafka batch"),
    "EventBridge": (
        {"version": "0", "id": "e", "detail-type": "RunCompleted", "source": "x", "detail": {}},
        "an EventBridge event",
    ),
    "HTTP API": (V2, "a request of an HTTP API or a function URL"),
    "load balancer": (ALB, "a request of a load balancer"),
    "load balancer with a resource": (ALB | {"resource": "/jobs"}, "a request of a load balancer"),
    "WebSocket API": (
        {"requestContext": {"connectionId": "c", "routeKey": "$connect"}, "headers": {}},
        "a message of a WebSocket API",
    ),
    "VPC Lattice": ({"raw_path": "/jobs", "method": "GET"}, "a request of VPC Lattice"),
    "REQUEST authorizer": (
        REST | {"type": "REQUEST", "methodArn": "arn:aws:execute-api:x"},
        "an authorizer's request",
    ),
    "TOKEN authorizer": (
        {"type": "TOKEN", "authorizationToken": "Bearer x", "methodArn": "arn:aws:execute-api:x"},
        "an authorizer's request",
    ),
    "CloudWatch Logs": ({"awslogs": {"data": "H4sI"}}, "a batch of CloudWatch Logs"),
    "Cognito": ({"triggerSource": "PreSignUp_SignUp"}, "a Cognito trigger"),
    "custom resource": (
        {"RequestType": "Create", "ResourceProperties": {}},
        "a CloudFormation custom resource",
    ),
    "AppSync": ({"identity": {}, "arguments": {}}, "an AppSync request"),
    "the dispatcher's": (
        {"job_name": "certification_expiry"},
        "a dispatcher's request or a page of mentors",
    ),
    "headers are a text": (
        REST | {"headers": "x"},
        "a REST request with a field of the wrong type",
    ),
    "header values are numbers": (
        REST | {"multiValueHeaders": {"authorization": [7]}},
        "a REST request with a field of the wrong type",
    ),
    "path is missing": (
        {n: v for n, v in REST.items() if n != "path"},
        "a REST request with a field of the wrong type",
    ),
    "method is a list": (
        REST | {"httpMethod": ["GET"]},
        "a REST request with a field of the wrong type",
    ),
    "body is an object": (REST | {"body": {}}, "a REST request with a field of the wrong type"),
    "parameters are a list": (
        REST | {"pathParameters": ["x"]},
        "a REST request with a field of the wrong type",
    ),
    "empty": ({}, "a JSON object of 0 fields ()"),
    "its own": ({"fødselsnummer": 1, "name": "Kari", "x y": 2}, "a JSON object of 3 fields (name)"),
    "of 5,000 fields": (
        {f"field-{n:04}": n for n in range(5000)},
        f"a JSON object of 5000 fields ({', '.join(f'field-{n:04}' for n in range(10))})",
    ),
    "a field of 4 MB": ({"x" * 4_000_000: 1}, "a JSON object of 1 fields ()"),
    "a list": ([REST], "a JSON list"),
    "a text": ("Kari Nordmann", "a JSON str"),
    "null": (None, "a JSON NoneType"),
    "a number": (7, "a JSON int"),
    "true": (True, "a JSON bool"),
}


def _untouched() -> Any:
    pytest.fail("the entry read something before it checked the event")


@pytest.mark.parametrize("name", sorted(EVENTS))
def test_an_event_that_is_not_a_request_is_named_and_refused(name: str) -> None:
    """One line names the kind of event. Nothing is read, and the answer is a 400."""
    event, kind = EVENTS[name]
    output = io.StringIO()
    logger = Logger(service=f"incoming-{name}", stream=output)
    answer = HttpRequestHandler(_untouched, _untouched, logger)(event, None)  # pyright: ignore[reportArgumentType]
    assert answer["statusCode"] == 400
    assert answer["headers"] == HEADERS | {"Content-Type": "application/problem+json"}
    assert json.loads(answer["body"]) == {
        "type": "about:blank",
        "title": "Bad Request",
        "status": 400,
        "detail": "this is not a request of the REST API",
    }
    (line,) = [json.loads(text) for text in output.getvalue().splitlines()]
    assert (line["message"], line["event"]) == ("not a request of a REST API", kind)
    assert "Kari" not in output.getvalue()
    assert "Bearer" not in output.getvalue()


def test_a_request_of_a_rest_api_is_accepted() -> None:
    """Also from API Gateway's test page, which sends no headers."""
    assert is_request(REST)
    assert is_request(request_event("POST", "/jobs/x/runs", {}, "{}"))
    assert is_request(REST | {"headers": None, "multiValueHeaders": None, "body": None})


def test_the_description_of_an_event_is_short() -> None:
    """However large the event is."""
    assert max(len(kind_of(event)) for event, _ in EVENTS.values()) < 250
