"""moto's DynamoDB, without HTTP between the client and moto's tables.

botocore validates and serialises each call as always. Before it signs and sends the call, it emits
the event `before-call`; a handler of that event may return the answer. This module's handler gets
the answer from moto's DynamoDB handler. moto and botocore still serialise and parse each error. A
successful answer is JSON already. moto's serialiser would look for each of its values under several
names, which takes most of the time of a call (`tests/unit/support/test_dynamodb.py` compares both
ways).
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from botocore import xform_name
from botocore.awsrequest import AWSResponse
from botocore.parsers import create_parser
from moto.core.exceptions import ServiceException
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.core.responses import ActionResult
from moto.dynamodb.responses import DynamoHandler
from werkzeug.exceptions import HTTPException

OPERATIONS = (
    "BatchGetItem", "GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "TransactWriteItems",
)  # fmt: skip
"""The operations that this module answers; all others go through HTTP."""

type _Answer = tuple[AWSResponse, dict[str, Any]]


def answer_without_http(client: Any) -> None:
    """Let moto answer the operations on items directly; `client` was made inside `mock_aws`."""
    for operation in OPERATIONS:
        client.meta.events.register(f"before-call.dynamodb.{operation}", _answer)


def _answer(model: Any, params: Mapping[str, Any], **more: Any) -> _Answer:
    """Take botocore's event, and return what it would have made of DynamoDB's HTTP response."""
    handler: Any = DynamoHandler()
    handler.current_account, handler.region = DEFAULT_ACCOUNT_ID, more["context"]["client_region"]
    handler.headers = params["headers"]
    handler.response_headers = {"date": format_datetime(datetime.now(UTC), usegmt=True)}
    handler.body = handler.params = json.loads(params["body"])
    try:
        result = getattr(handler, xform_name(model.name))().result
    except HTTPException as error:
        return _refusal(model, handler, error.code, error.get_headers(), error.get_body())
    except ServiceException as error:
        return _refusal(model, handler, *handler.serialized(ActionResult(error)))
    known = {name: result.get(name) for name in model.output_shape.members}
    # Through JSON: the caller may change the answer, and moto keeps what it is made of.
    parsed = json.loads(json.dumps({k: v for k, v in known.items() if v is not None}))
    return _completed(parsed, 200, handler.response_headers)


def _refusal(model: Any, handler: Any, status: Any, headers: Any, body: str | bytes) -> _Answer:
    text = body if isinstance(body, bytes) else body.encode()
    headers = handler.response_headers | dict(headers)
    response = {"status_code": status, "headers": headers, "body": text}
    parser = create_parser("json")
    parsed: dict[str, Any] = parser.parse(response, model.output_shape)
    if shape := model.service_model.shape_for_error_code(parsed["Error"]["Code"]):
        parsed |= parser.parse(response, shape)
    return _completed(parsed, status, headers)


def _completed(parsed: dict[str, Any], status: int, headers: Any) -> _Answer:
    metadata = {"HTTPStatusCode": status, "HTTPHeaders": headers, "RetryAttempts": 0}
    return AWSResponse("", status, headers, None), parsed | {"ResponseMetadata": metadata}
