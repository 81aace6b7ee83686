"""Reads the code of an AWS client's error; messages and logs repeat nothing else of it (R6).

The error's text may name ARNs, account ids and roles, and coordinators read the messages in a run's
row.
"""

import re

from botocore.exceptions import ClientError

_CODE = re.compile(r"[A-Za-z0-9._]{1,64}")


def error_code(error: Exception) -> str:
    """Return the service's code, or the name of the exception if no service answered."""
    if isinstance(error, ClientError):
        code: object = error.response.get("Error", {}).get("Code")
        if isinstance(code, str) and _CODE.fullmatch(code):
            return code
    return type(error).__name__
