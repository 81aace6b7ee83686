"""The errors of Supabase Auth that the stand-in answers with, and where its sources say so.

Each line names the file of the repository supabase/auth that specifies it.
"""

from typing import NamedTuple

OTP, VERIFY = "internal/api/otp.go", "internal/api/verify.go"
AUTH, MAIL = "internal/api/auth.go", "internal/api/mail.go"
MIDDLEWARE, HELPERS = "internal/api/middleware.go", "internal/api/helpers.go"


class Line(NamedTuple):
    """One error."""

    status: int
    error_code: str
    message: str
    source: str


ERRORS = {
    "unknown address": Line(422, "otp_disabled", "Signups not allowed for otp", OTP),
    "no address": Line(400, "validation_failed", "One of email or phone must be set", OTP),
    "bad address": Line(
        400, "validation_failed", "Unable to validate email address: invalid format", MAIL
    ),
    "too soon": Line(
        429,
        "over_email_send_rate_limit",
        "For security purposes, you can only request this after {} seconds.",
        "internal/api/errors.go",
    ),
    "not sent": Line(
        500, "unexpected_failure", "Error sending magic link email", "internal/api/mail.go"
    ),
    "too many requests": Line(
        429, "over_request_rate_limit", "Request rate limit reached", MIDDLEWARE
    ),
    "no type": Line(400, "validation_failed", "Verify requires a verification type", VERIFY),
    "no code": Line(
        400, "validation_failed", "Verify requires either a token or a token hash", VERIFY
    ),
    "no database": Line(500, "unexpected_failure", "Database error finding user", VERIFY),
    "no address to verify": Line(
        400,
        "validation_failed",
        "Only an email address or phone number should be provided on verify",
        VERIFY,
    ),
    "other type": Line(400, "validation_failed", "Unsupported verification type", VERIFY),
    "bad address to verify": Line(422, "validation_failed", "Invalid email format", VERIFY),
    "wrong code": Line(403, "otp_expired", "Token has expired or is invalid", VERIFY),
    "no token": Line(401, "no_authorization", "This endpoint requires a valid Bearer token", AUTH),
    "bad token": Line(403, "bad_jwt", "invalid JWT: unable to parse or verify signature, {}", AUTH),
    "signed out": Line(
        403, "session_not_found", "Session from session_id claim in JWT does not exist", AUTH
    ),
    "bad scope": Line(
        400, "validation_failed", 'Unsupported logout scope "{}"', "internal/api/logout.go"
    ),
    "no JSON": Line(400, "bad_json", "Could not parse request body as JSON: {}", HELPERS),
    "fault": Line(
        500,
        "unexpected_failure",
        "Unexpected failure, please check server logs for more information",
        "internal/api/errors.go",
    ),
}
"""By a name of our own; `{}` stands for a value."""


class AuthError(Exception):
    """An answer that is an error."""

    def __init__(self, name: str, value: object = "") -> None:
        """`name` is a key of `ERRORS`."""
        self.line = ERRORS[name]
        super().__init__(self.line.message.format(value))

    def headers(self) -> dict[str, str]:
        """Return the headers of the answer (`internal/api/errors.go`)."""
        return {"x-sb-error-code": self.line.error_code}

    def body(self) -> dict[str, object]:
        """Return the JSON object of the answer (`internal/api/apierrors/apierrors.go`)."""
        return {
            "code": self.line.status, "error_code": self.line.error_code, "msg": str(self),
        }  # fmt: skip
