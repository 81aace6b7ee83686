"""Deploys the local stack: creates its secrets, then deploys template.yaml with its parameters."""

import json
import secrets
from typing import Any
from uuid import UUID

import boto3

from local import database, emulator, packaging
from local.portal import CLIENT_ID, TENANT
from local.portal_example import MAPPING
from local.processes import LOOPBACK
from local.rest_callers import PUBLISHABLE_KEY
from local.state import State

STACK_NAME = "mentor-pause-local"
ORG_ID = UUID("0f0e0d0c-0b0a-4908-8706-050403020100")
ORG_SLUG = "hlf"
PORTAL_SECRET = "mentor-pause/portal"  # noqa: S105 - its name
API_SECRET = "mentor-pause/api"  # noqa: S105 - its name
SECRETS = {
    "DatabaseSecretArn": "mentor-pause/database",
    "PortalSyncSecretArn": "mentor-pause/portal-sync",
    "PortalSecretArn": PORTAL_SECRET,
    "ApiSecretArn": API_SECRET,
    "NotifierSecretArn": "mentor-pause/notifier",
}
"""The names of the secrets, by the template's parameters."""
_SENDER_DOMAIN = "example.com"
_STAGE = "dev"


def deploy(state: State, owner_url: str, client_secret: str) -> dict[str, str]:
    """Deploy to an empty emulator, and return the stack's outputs.

    `owner_url` is the database URL of its owner. The stand-in portal accepts `client_secret`.
    """
    job, portal_sync, api, notifier = (_credential(owner_url, role) for role in database.JOB_ROLES)
    credentials = {
        "DatabaseSecretArn": job,
        "PortalSyncSecretArn": portal_sync,
        "PortalSecretArn": _portal_credential(state, client_secret),
        "ApiSecretArn": api | {"SCHEDULER_SECRET": secrets.token_urlsafe(32)},
        "NotifierSecretArn": notifier,
    }
    vault = client(state, "secretsmanager")
    secret_arns = {
        parameter: vault.create_secret(Name=SECRETS[parameter], SecretString=json.dumps(value))[
            "ARN"
        ]
        for parameter, value in credentials.items()
    }
    parameters = {
        "Stage": _STAGE,
        "HlfOrgId": str(ORG_ID),
        "HlfOrgSlug": ORG_SLUG,
        "SupabaseUrl": supabase_url(state),
        "SupabasePublishableKey": PUBLISHABLE_KEY,
        "ApiRequestsPerSecond": "500",
        "ConsoleRequestsPerSecond": "500",
        "ConsoleFormsPerSecond": "500",
        "MessageSender": f"ingen-svar@{_SENDER_DOMAIN}",
        **secret_arns,
    }
    # SES accepts only senders of a verified domain. On AWS an operator verifies it.
    client(state, "sesv2").create_email_identity(EmailIdentity=_SENDER_DOMAIN)
    outputs = _create(client(state, "cloudformation"), _upload(state), parameters)
    _switch_portal_on(client(state, "ssm"), outputs)
    return outputs


def deploy_again(state: State) -> dict[str, str]:
    """Deploy code, layers and template again, and return the stack's outputs.

    Raises:
        StackError: the emulator refused the template; the stack is unchanged.
    """
    template = _upload(state)
    return packaging.update_stack(client(state, "cloudformation"), STACK_NAME, template)


def client(state: State, service: str) -> Any:
    """Return the emulator's client for an AWS service."""
    session: Any = boto3.Session("test", "test", region_name=emulator.REGION)
    return session.client(service, endpoint_url=endpoint(state.aws_port))


def endpoint(port: int) -> str:
    """Return the emulator's URL."""
    return f"http://{LOOPBACK}:{port}"


def supabase_url(state: State) -> str:
    """Return the URL of the stand-in for the Supabase project."""
    return endpoint(state.supabase_port)


def _upload(state: State) -> str:
    return packaging.upload(client(state, "s3"), endpoint(state.aws_port))


def _credential(owner_url: str, role: str) -> dict[str, str]:
    password = secrets.token_urlsafe(24)
    database.let_log_in(owner_url, role, password)
    address = owner_url.rpartition("@")[2]
    return {"SUPABASE_DB_URL": f"postgresql://{role}:{password}@{address}"}


def _create(cloudformation: Any, template_url: str, parameters: dict[str, str]) -> dict[str, str]:
    cloudformation.create_stack(
        StackName=STACK_NAME,
        TemplateURL=template_url,
        Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in parameters.items()],
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
    )
    cloudformation.get_waiter("stack_create_complete").wait(
        StackName=STACK_NAME, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
    return packaging.outputs_of(cloudformation, STACK_NAME)


def _portal_credential(state: State, client_secret: str) -> dict[str, str]:
    url = f"http://{LOOPBACK}:{state.portal_port}"
    return {
        "PORTAL_URL": url,
        "PORTAL_LOGIN_URL": url,
        "PORTAL_TENANT": TENANT,
        "PORTAL_CLIENT_ID": CLIENT_ID,
        "PORTAL_CLIENT_SECRET": client_secret,
    }


def _switch_portal_on(parameters: Any, outputs: dict[str, str]) -> None:
    """Store the mapping and switch the portal on, as an operator does for a real portal."""
    for name, value in (("PortalMappingName", MAPPING.read_text()), ("PortalSwitchName", "on")):
        parameters.put_parameter(Name=outputs[name], Value=value, Overwrite=True)
