"""The API of `template.yaml` (O3, R5)."""

import json
import tomllib

from api.handle_request import HEADERS
from api.problems import MEDIA_TYPE, Problem
from local.places import ROOT
from support.template import FUNCTIONS, TEMPLATE, of_type


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
        assert ("ConsoleReservedConcurrency=50" in overrides) == limited


def test_requests_are_throttled_and_the_api_has_no_other_way_in() -> None:
    """O3: the limit covers every method, and the OpenAPI document has every address.

    The console's methods have a limit of their own (test_console.py).
    """
    setting, *_ = of_type("Serverless::Api")["ApiGateway"]["MethodSettings"]
    assert (setting["ResourcePath"], setting["HttpMethod"]) == ("/*", "*")
    limit = {"Ref": "ApiRequestsPerSecond"}
    assert setting["ThrottlingRateLimit"] == setting["ThrottlingBurstLimit"] == limit
    events = [event["Properties"] for event in FUNCTIONS["Api"]["Events"].values()]
    document = json.loads((ROOT / "docs/openapi.json").read_text())
    assert {(e["Path"], e["Method"]) for e in events} == {
        (path, method) for path, methods in document["paths"].items() for method in methods
    }
