"""The sentences for errors, with the next command (R6).

The text of a client's error never reaches the terminal, because it may hold an address, an ARN or a
secret. The class name and the error code identify a client's error, so that this module imports no
client.
"""

from collections.abc import Mapping
from typing import Any

from mentor_pause.errors import Conflict, Forbidden, NotFound, origin

TRACEBACK = "MENTOR_PAUSE_TRACEBACK"
"""The variable that shows tracebacks."""

_SIGN_IN = "sign in, for example with aws sso login, or set AWS_PROFILE"
_ENDED = f"the AWS session has expired; {_SIGN_IN}"
_NO_CREDENTIALS = f"AWS credentials are missing; {_SIGN_IN}"
_START_AGAIN = "restart it: mentor-pause local down, then mentor-pause local up"
_LOCAL_SILENT = f"a part of the local stack does not answer ({{name}}); {_START_AGAIN}"
_AWS_SILENT = (
    "AWS does not answer ({name}); check the network, AWS_REGION and, if it is set,"
    " AWS_ENDPOINT_URL, then repeat the command."
    " A run that has started continues: mentor-pause runs{stack}"
)
_HTTP_BROKE = "the connection broke ({name}); repeat the command"
_NO_DATABASE = (
    "the database does not answer ({name}); check SUPABASE_DB_URL, then repeat the command"
)
_NEXT_PORTAL = "; next: mentor-pause portal check{stack}"

_BY_CLASS: Mapping[str, str] = {
    "botocore.exceptions.NoRegionError": "AWS_REGION is not set; set the region of the stack, for"
    " example: export AWS_REGION=eu-north-1",
    "botocore.exceptions.InvalidRegionError": "AWS_REGION is not the name of a region; set the"
    " region of the stack, for example: export AWS_REGION=eu-north-1",
    "botocore.exceptions.NoCredentialsError": _NO_CREDENTIALS,
    "botocore.exceptions.PartialCredentialsError": _NO_CREDENTIALS,
    "botocore.exceptions.CredentialRetrievalError": _NO_CREDENTIALS,
    "botocore.exceptions.ProfileNotFound": "AWS_PROFILE names a profile that is not configured;"
    " list the profiles: aws configure list-profiles",
    "botocore.exceptions.SSOError": _ENDED,
    "botocore.exceptions.TokenRetrievalError": _ENDED,
    "botocore.exceptions.LoginError": _ENDED,
    "botocore.exceptions.BotoCoreError": _AWS_SILENT,
    "httpx.HTTPError": _HTTP_BROKE,
    "http.client.HTTPException": _HTTP_BROKE,
    "urllib.error.URLError": _HTTP_BROKE,
    "psycopg.OperationalError": _NO_DATABASE,
    "builtins.ConnectionError": _HTTP_BROKE,
}
# With the local stack, every one of these means that a part of the stack does not answer.
_BY_CLASS_LOCALLY: Mapping[str, str] = dict.fromkeys(
    (
        "botocore.exceptions.BotoCoreError", "httpx.HTTPError", "http.client.HTTPException",
        "urllib.error.URLError", "psycopg.OperationalError", "builtins.ConnectionError",
    ),
    _LOCAL_SILENT,
)  # fmt: skip
_REFUSED = (
    "AWS does not accept the credentials ({code}); see their owner: aws sts get-caller-identity"
)
_FORBIDDEN = (
    "these credentials do not allow {operation} ({code}); see their owner:"
    " aws sts get-caller-identity"
)
_BY_CODE: Mapping[str, str] = {
    "ExpiredToken": _ENDED,
    "ExpiredTokenException": _ENDED,
    "RequestExpired": _ENDED,
    "InvalidClientTokenId": _REFUSED,
    "UnrecognizedClientException": _REFUSED,
    "SignatureDoesNotMatch": _REFUSED,
    "AuthFailure": _REFUSED,
    "AccessDenied": _FORBIDDEN,
    "AccessDeniedException": _FORBIDDEN,
    "UnauthorizedOperation": _FORBIDDEN,
}
_UNKNOWN_CODE = (
    "AWS refused {operation} ({code}); see the state of the stack:"
    " aws cloudformation describe-stacks"
)
# The next command, for errors whose message does not name it.
_NEXT: Mapping[str, str] = {
    "mentor_pause.errors.ConfigurationError": "; docs/command-line.md lists the variables",
    "mentor_pause.errors.NotFound": "; check the id and --stack",
    "mentor_pause.errors.Conflict": "; see the status with: mentor-pause mentor MENTOR_ID{stack}",
    "mentor_pause.errors.Forbidden": "; set SUPABASE_URL and SUPABASE_SERVICE_ROLE_KEY instead",
    "mentor_pause.errors.PortalError": _NEXT_PORTAL,
    "mentor_pause.errors.PortalUnavailable": _NEXT_PORTAL,
    "mentor_pause.errors.DatabaseMisconfigured": "; docs/command-line.md#variables names the roles",
    "mentor_pause.errors.DatabaseUnavailable": "; repeat the command when the database answers",
    "mentor_pause.errors.LedgerUnavailable": "; repeat the command",
}


def own_sentence(error: Exception, stack_name: str | None) -> str:
    """Return the sentence for one of our own errors, with the next command."""
    detail = error.detail if isinstance(error, Conflict | Forbidden | NotFound) else None
    sentence = f"{error}: {detail}" if detail else str(error)
    step = _find(error, _NEXT)
    if step is None or "mentor-pause " in sentence:
        return sentence
    return sentence + step.format(stack=_option(stack_name))


def foreign_sentence(error: BaseException, stack_name: str | None) -> str:
    """Return the sentence for a client's error, from its class and its code alone."""
    sentence = None if stack_name else _find(error, _BY_CLASS_LOCALLY)
    sentence = _find(error, _BY_CLASS) if sentence is None else sentence
    values = {"name": type(error).__name__, "stack": _option(stack_name)}
    answer: Mapping[str, Any] = getattr(error, "response", {})
    if isinstance(answer, dict) and "Error" in answer:
        values["code"] = str(answer["Error"].get("Code", "no code"))
        values["operation"] = str(getattr(error, "operation_name", "the operation"))
        sentence = _BY_CODE.get(values["code"], _UNKNOWN_CODE)
    if sentence is not None:
        return sentence.format(**values)
    if isinstance(error, OSError) and error.strerror:
        place = f" {error.filename}:" if error.filename else ""
        return (
            f"{type(error).__name__}:{place} {error.strerror}; correct it, then repeat the command"
        )
    where = origin(error) if isinstance(error, Exception) else ""
    return f"unexpected {type(error).__name__} in {where}; see the traceback with {TRACEBACK}=1"


def _find(error: BaseException, by_class: Mapping[str, str]) -> str | None:
    """Return a table's entry for an error's class, or for its nearest base class."""
    names = (f"{kind.__module__}.{kind.__qualname__}" for kind in type(error).__mro__)
    return next((by_class[name] for name in names if name in by_class), None)


def _option(stack_name: str | None) -> str:
    return f" --stack {stack_name}" if stack_name else ""
