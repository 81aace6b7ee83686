"""Recognises the kind of event that invoked a function, without repeating a value of the event."""

import re
from collections.abc import Mapping
from typing import Any, cast

from pydantic import BaseModel, ConfigDict, ValidationError

_SOURCE_KEYS = ("eventSource", "EventSource")
_SOURCES = {
    "aws:sqs": "an SQS batch",
    "aws:sns": "an SNS notification",
    "aws:s3": "an S3 event",
    "aws:dynamodb": "a DynamoDB stream batch",
    "aws:kinesis": "a Kinesis batch",
    "aws:ses": "an SES event",
    "aws:codecommit": "a CodeCommit event",
    "aws:kafka": "a Kafka batch",
    "aws:rmq": "an MQ batch",
}
_SIGNS = {
    "detail-type": "an EventBridge event",
    "methodArn": "an authorizer's request",
    "rawPath": "a request of an HTTP API or a function URL",
    "raw_path": "a request of VPC Lattice",
    "awslogs": "a batch of CloudWatch Logs",
    "triggerSource": "a Cognito trigger",
    "ResourceProperties": "a CloudFormation custom resource",
    "identity": "an AppSync request",
    "job_name": "a dispatcher's request or a page of mentors",
}
"""Keys by which an event of a kind is recognised."""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}", re.ASCII)
_MOST_NAMES = 10


class _RestRequest(BaseModel):
    """The fields that the HTTP entry reads from an event of API Gateway's REST API."""

    model_config = ConfigDict(strict=True, defer_build=True)

    resource: str
    path: str
    httpMethod: str  # noqa: N815 - API Gateway's name
    headers: dict[str, str] | None = None
    multiValueHeaders: dict[str, list[str]] | None = None  # noqa: N815
    queryStringParameters: dict[str, str] | None = None  # noqa: N815
    multiValueQueryStringParameters: dict[str, list[str]] | None = None  # noqa: N815
    pathParameters: dict[str, str] | None = None  # noqa: N815
    body: str | None = None
    isBase64Encoded: bool = False  # noqa: N815
    requestContext: dict[str, Any]  # noqa: N815


def is_request(event: object) -> bool:
    """Whether an event is a request of a REST API whose fields have the right types."""
    if not isinstance(event, dict) or "methodArn" in event:
        return False
    try:
        return "elb" not in _RestRequest.model_validate(event).requestContext
    except ValidationError:
        return False


def is_sqs_batch(event: object) -> bool:
    """Whether an event is a batch of SQS messages, each with the fields that Lambda sets."""
    records = cast("dict[str, Any]", event).get("Records") if isinstance(event, dict) else None
    if not isinstance(records, list) or not records:
        return False
    return all(_is_message(record) for record in cast("list[object]", records))


def _is_message(record: object) -> bool:
    message = cast("dict[str, Any]", record) if isinstance(record, dict) else {}
    raw_attributes = message.get("attributes")
    attributes = cast("dict[str, Any]", raw_attributes) if isinstance(raw_attributes, dict) else {}
    texts = ("messageId", "receiptHandle", "body", "eventSourceARN")
    return (
        message.get("eventSource") == "aws:sqs"
        and all(isinstance(message.get(text), str) for text in texts)
        and str(attributes.get("ApproximateReceiveCount")).isdecimal()
    )


def kind_of(event: object) -> str:
    """Describe an event in a few words for the log, without repeating a value of it."""
    if not isinstance(event, dict):
        return f"a JSON {type(event).__name__}"
    fields = cast("dict[object, object]", event)
    kinds = (kind for key, kind in _SIGNS.items() if key in fields)
    return _batch(fields) or _gateway(fields) or next(kinds, None) or _names(fields)


def _batch(event: Mapping[object, object]) -> str | None:
    records = event.get("Records")
    first = cast("list[object]", records)[0] if isinstance(records, list) and records else event
    record = cast("dict[object, object]", first) if isinstance(first, dict) else {}
    source = next((record[key] for key in _SOURCE_KEYS if key in record), None)
    if isinstance(source, str) and source in _SOURCES:
        return _SOURCES[source]
    return "a batch of records" if "Records" in event else None


def _gateway(event: Mapping[object, object]) -> str | None:
    context = event.get("requestContext")
    if not isinstance(context, dict) or "methodArn" in event:
        return None
    if "elb" in context:
        return "a request of a load balancer"
    if "connectionId" in context:
        return "a message of a WebSocket API"
    return "a REST request with a field of the wrong type" if "httpMethod" in event else None


def _names(event: Mapping[object, object]) -> str:
    names = sorted(n for n in event if isinstance(n, str) and _NAME.fullmatch(n))[:_MOST_NAMES]
    return f"a JSON object of {len(event)} fields ({', '.join(names)})"
