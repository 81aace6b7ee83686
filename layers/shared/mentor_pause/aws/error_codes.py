"""What may be said of an AWS client's error: its code, and nothing of its text (R6).

The text names ARNs, account ids and roles, and a run's row shows it to coordinators.
"""

import re

from botocore.exceptions import ClientError

_CODE = re.compile(r"[A-Za-z0-9._]{1,64}")


def error_code(error: Exception) -> str:
    """Return the service's code, or the kind of failure where no service answered."""
    if isinstance(error, ClientError):
        code: object = error.response.get("Error", {}).get("Code")
        if isinstance(code, str) and _CODE.fullmatch(code):
            return code
    return type(error).__name__
