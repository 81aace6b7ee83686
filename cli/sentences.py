"""The meaning of errors of our own and of clients, and the next command (R6).

No text of a client reaches the terminal: it may hold an address, an ARN or a secret. A client's
error is known by the name of its class and by its code, so that nothing is imported for it.
"""

from collections.abc import Mapping
from typing import Any

from mentor_pause.errors import Conflict, Forbidden, NotFound, origin

TRACEBACK = "MENTOR_PAUSE_TRACEBACK"
"""The variable that shows tracebacks."""

_SIGN_IN = "sign in, such as with aws sso login, or set AWS_PROFILE"
_ENDED = f"the AWS session has ended; {_SIGN_IN}"
_NO_CREDENTIALS = f"there are no AWS credentials; {_SIGN_IN}"
_START_AGAIN = "start it again: mentor-pause local down, then mentor-pause local up"
_LOCAL_SILENT = f"a part of the local stack does not answer ({{name}}); {_START_AGAIN}"
_AWS_SILENT = (
    "AWS does not answer ({name}); look at the network, at AWS_REGION and at AWS_ENDPOINT_URL if it"
    " is set, then repeat the command."
    " A run that had begun goes on: mentor-pause runs{stack}"
)
_HTTP_BROKE = "the connection broke off ({name}); repeat the command"
_NO_DATABASE = (
    "the database does not answer ({name}); look at SUPABASE_DB_URL, then repeat the command"
)
_NEXT_PORTAL = "; next: mentor-pause portal check{stack}"

_BY_CLASS: Mapping[str, str] = {
    "botocore.exceptions.NoRegionError": "AWS_REGION is not set; set the region of the stack, such"
    " as: export AWS_REGION=eu-north-1",
    "botocore.exceptions.InvalidRegionError": "AWS_REGION is not the name of a region, so AWS was"
    " not asked; set the region of the stack, such as: export AWS_REGION=eu-north-1",
    "botocore.exceptions.NoCredentialsError": _NO_CREDENTIALS,
    "botocore.exceptions.PartialCredentialsError": _NO_CREDENTIALS,
    "botocore.exceptions.CredentialRetrievalError": _NO_CREDENTIALS,
    "botocore.exceptions.ProfileNotFound": "AWS_PROFILE names a profile that is not configured; see"
    " them: aws configure list-profiles",
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
# The same for the local stack: the part that does not answer is one of its own.
_BY_CLASS_LOCALLY: Mapping[str, str] = dict.fromkeys(
    (
        "botocore.exceptions.BotoCoreError", "httpx.HTTPError", "http.client.HTTPException",
        "urllib.error.URLError", "psycopg.OperationalError", "builtins.ConnectionError",
    ),
    _LOCAL_SILENT,
)  # fmt: skip
_REFUSED = (
    "AWS does not accept the credentials ({code}); see whose they are: aws sts get-caller-identity"
)
_FORBIDDEN = (
    "these credentials may not {operation} ({code}); see whose they are:"
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
    "AWS refused to {operation} ({code}); see whether the stack is whole:"
    " aws cloudformation describe-stacks"
)
# The next command, for errors whose own sentence does not name it.
_NEXT: Mapping[str, str] = {
    "mentor_pause.errors.ConfigurationError": "; docs/command-line.md has the variables",
    "mentor_pause.errors.NotFound": "; look at the id, and at the stack that is asked",
    "mentor_pause.errors.Conflict": "; see the status with: mentor-pause mentor MENTOR_ID{stack}",
    "mentor_pause.errors.Forbidden": "; SUPABASE_URL and SUPABASE_SERVICE_ROLE_KEY may do it",
    "mentor_pause.errors.PortalError": _NEXT_PORTAL,
    "mentor_pause.errors.PortalUnavailable": _NEXT_PORTAL,
    "mentor_pause.errors.DatabaseUnavailable": "; repeat the command once the database answers",
    "mentor_pause.errors.LedgerUnavailable": "; repeat the command",
}


def own_sentence(error: Exception, stack_name: str | None) -> str:
    """Return the sentence of an error that mentor-pause raises, and the next command."""
    detail = error.detail if isinstance(error, Conflict | Forbidden | NotFound) else None
    sentence = f"{error}: {detail}" if detail else str(error)
    more = _find(error, _NEXT)
    if more is None or "mentor-pause " in sentence:
        return sentence
    return sentence + more.format(stack=_option(stack_name))


def foreign_sentence(error: BaseException, stack_name: str | None) -> str:
    """Say what a client's error means, by its class and its code alone."""
    found = None if stack_name else _find(error, _BY_CLASS_LOCALLY)
    found = _find(error, _BY_CLASS) if found is None else found
    values = {"name": type(error).__name__, "stack": _option(stack_name)}
    answer: Mapping[str, Any] = getattr(error, "response", {})
    if isinstance(answer, dict) and "Error" in answer:
        values["code"] = str(answer["Error"].get("Code", "no code"))
        values["operation"] = str(getattr(error, "operation_name", "do that"))
        found = _BY_CODE.get(values["code"], _UNKNOWN_CODE)
    if found is not None:
        return found.format(**values)
    if isinstance(error, OSError) and error.strerror:
        place = f" {error.filename}:" if error.filename else ""
        return (
            f"{type(error).__name__}:{place} {error.strerror}; look at it, then repeat the command"
        )
    where = origin(error) if isinstance(error, Exception) else ""
    return f"unexpected {type(error).__name__} in {where}; see all of it with {TRACEBACK}=1"


def _find(error: BaseException, by_class: Mapping[str, str]) -> str | None:
    """Return what a table says of an error, by its class or the nearest class above it."""
    names = (f"{kind.__module__}.{kind.__qualname__}" for kind in type(error).__mro__)
    return next((by_class[name] for name in names if name in by_class), None)


def _option(stack_name: str | None) -> str:
    return f" --stack {stack_name}" if stack_name else ""
