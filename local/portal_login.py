"""The stand-in's login: the part of Entra ID's client credentials that a program needs.

Source: Microsoft's documentation of Entra ID ("OAuth 2.0 client credentials flow").
"""

import secrets
from urllib.parse import parse_qs

from local.portal_columns import Row
from local.portal_manners import LoginRefusal, wrong_secret
from local.portal_tables import Portal

TENANT, CLIENT_ID = "hlf-tenant", "mentor-pause"


def log_in(portal: Portal, path: str, form_text: str, host: str) -> tuple[int, Row]:
    """Return a token for a form whose credentials are right.

    Raises:
        Refusal: something in the form is wrong.
    """
    form = {name: values[0] for name, values in parse_qs(form_text).items()}
    if path != f"/{TENANT}/oauth2/v2.0/token":
        raise LoginRefusal(400, "invalid_request", "AADSTS90002: Tenant not found.")
    if form.get("grant_type") != "client_credentials":
        raise LoginRefusal(400, "unsupported_grant_type", "AADSTS70003: Unsupported grant type.")
    if form.get("client_id") != CLIENT_ID:
        raise LoginRefusal(400, "unauthorized_client", "AADSTS700016: Application not found.")
    if form.get("client_secret") != portal.client_secret:
        raise wrong_secret()
    if form.get("scope") != f"http://{host}/.default":
        raise LoginRefusal(400, "invalid_scope", "AADSTS70011: The scope is not valid.")
    token = secrets.token_urlsafe(24)
    portal.tokens.add(token)
    return 200, {
        "token_type": "Bearer",
        "expires_in": portal.token_seconds(),
        "access_token": token,
    }
