"""Which HTTP status PostgREST gives to which error, and where its sources say so.

Each line names the file of the PostgREST repository (version 14) that specifies it. The stand-in
server answers by these tables, and tests hold it against them.
"""

from typing import NamedTuple

ERROR_HS = "src/PostgREST/Error.hs"
ERROR_SPEC = "test/spec/Feature/Query/ErrorSpec.hs"
RPC_SPEC = "test/spec/Feature/Query/RpcSpec.hs"
AUTH_SPEC = "test/spec/Feature/Auth/AuthSpec.hs"


class Refusal(Exception):
    """An error of PostgREST's own, or one that it relays."""

    def __init__(
        self, code: str, message: str, details: str | None = None, hint: str | None = None
    ) -> None:
        """`code` decides the HTTP status."""
        super().__init__(message)
        self.code, self.details, self.hint = code, details, hint

    def body(self) -> dict[str, str | None]:
        """Return the JSON object of the answer."""
        return {
            "code": self.code, "message": str(self), "details": self.details, "hint": self.hint,
        }  # fmt: skip


class Line(NamedTuple):
    """A code, or how it begins, with its HTTP status."""

    code: str
    status: int
    source: str


SQLSTATES = (
    Line("08", 503, ERROR_HS),
    Line("09", 500, ERROR_HS),
    Line("0L", 403, ERROR_HS),
    Line("0P", 403, ERROR_HS),
    Line("21000", 500, ERROR_SPEC),
    Line("23503", 409, ERROR_HS),
    Line("23505", 409, ERROR_HS),
    Line("25", 500, ERROR_HS),
    Line("25006", 405, ERROR_HS),
    Line("28", 403, ERROR_HS),
    Line("2D", 500, ERROR_HS),
    Line("38", 500, ERROR_HS),
    Line("39", 500, ERROR_HS),
    Line("3B", 500, ERROR_HS),
    Line("40", 500, ERROR_HS),
    Line("42501", 403, ERROR_HS),
    Line("42883", 404, ERROR_HS),
    Line("42P01", 404, ERROR_HS),
    Line("42P17", 500, ERROR_HS),
    Line("53", 503, ERROR_HS),
    Line("53400", 500, ERROR_HS),
    Line("54", 500, ERROR_SPEC),
    Line("55", 500, ERROR_HS),
    Line("57", 500, ERROR_HS),
    Line("57P01", 503, ERROR_HS),
    Line("58", 500, ERROR_HS),
    Line("F0", 500, ERROR_HS),
    Line("HV", 500, ERROR_HS),
    Line("P0", 500, ERROR_HS),
    Line("P0001", 400, ERROR_HS),
    Line("XX", 500, ERROR_HS),
)
"""By the longest beginning; any other SQLSTATE is 400, and `PTxyz` is HTTP xyz (`ErrorSpec.hs`)."""

OWN_CODES = (
    Line("PGRST000", 503, ERROR_HS),
    Line("PGRST001", 503, ERROR_HS),
    Line("PGRST002", 503, ERROR_HS),
    Line("PGRST003", 504, ERROR_HS),
    Line("PGRST100", 400, "test/spec/Feature/Query/QuerySpec.hs"),
    Line("PGRST102", 400, RPC_SPEC),
    Line("PGRST103", 416, "test/spec/Feature/Query/RangeSpec.hs"),
    Line("PGRST106", 406, "test/spec/Feature/Query/MultipleSchemaSpec.hs"),
    Line("PGRST117", 405, ERROR_HS),
    Line("PGRST125", 404, ERROR_SPEC),
    Line("PGRST202", 404, RPC_SPEC),
    Line("PGRST203", 300, RPC_SPEC),
    Line("PGRST300", 500, "test/spec/Feature/Auth/NoJwtSecretSpec.hs"),
    Line("PGRST301", 401, AUTH_SPEC),
    Line("PGRST302", 401, "test/spec/Feature/Auth/NoAnonSpec.hs"),
    Line("PGRST303", 401, AUTH_SPEC),
    Line("PGRSTX00", 500, ERROR_HS),
)
"""PostgREST's own codes."""

_OWN = {line.code: line.status for line in OWN_CODES}


def status_of(code: str, message: str = "") -> int:
    """Return the HTTP status for a code."""
    if code in _OWN:
        return _OWN[code]
    if code.startswith("PT"):
        return int(code[2:]) if code[2:].isdigit() else 500
    if code == "22023" and message.startswith("role") and message.endswith("does not exist"):
        return 401
    fitting = [line for line in SQLSTATES if code.startswith(line.code)]
    return max(fitting, key=lambda line: len(line.code)).status if fitting else 400
