"""Uploads code, layers and template to the emulator and updates the stack, as `sam deploy` does."""

import hashlib
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError, WaiterError

from local.emulator import REGION
from local.errors import StackError
from local.places import ROOT
from local.template import TEMPLATE, adapt_to_emulator, functions_zip, layer_zip, load_template

BUILD = ROOT / ".local/build"
FUNCTIONS = ROOT / "functions"
LAYERS = {"SharedLayer": "shared", "HttpLayer": "http", "TextLayer": "text"}
MIGRATIONS = ROOT / "supabase/migrations"
CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]
_BUCKET = "artifacts"


def digests() -> dict[str, str]:
    """Return a digest of each deployed part of the checkout, by its path."""
    folders = [FUNCTIONS, *(ROOT / "layers" / name for name in LAYERS.values()), MIGRATIONS]
    return {str(place.relative_to(ROOT)): _digest(place) for place in [*folders, TEMPLATE]}


def _digest(place: Path) -> str:
    files = [place] if place.is_file() else sorted(f for f in place.rglob("*") if f.is_file())
    found = hashlib.sha256()
    for file in files:
        if "__pycache__" not in file.parts:
            content = hashlib.sha256(file.read_bytes()).hexdigest()
            found.update(f"{file.relative_to(ROOT)} {content}\n".encode())
    return found.hexdigest()


def upload(s3: Any, endpoint_url: str) -> str:
    """Upload code, layers and the template, and return the template's URL.

    The name of an archive has the digest of its content, because CloudFormation deploys an archive
    again only if its name has changed.
    """
    BUILD.mkdir(parents=True, exist_ok=True)
    with suppress(s3.exceptions.BucketAlreadyOwnedByYou):
        s3.create_bucket(Bucket=_BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    template = adapt_to_emulator(load_template(), endpoint_url)
    template["Globals"]["Function"]["CodeUri"] = _put(s3, FUNCTIONS, functions_zip())
    for resource, layer in LAYERS.items():
        address = _put(s3, ROOT / "layers" / layer, layer_zip(layer, BUILD))
        template["Resources"][resource]["Properties"]["ContentUri"] = address
    # Within a request a template may have at most 51,200 bytes.
    s3.put_object(Bucket=_BUCKET, Key="template.json", Body=json.dumps(template).encode())
    return f"{endpoint_url}/{_BUCKET}/template.json"


def _put(s3: Any, place: Path, archive: bytes) -> str:
    key = f"{place.name}-{_digest(place)[:16]}.zip"
    s3.put_object(Bucket=_BUCKET, Key=key, Body=archive)
    return f"s3://{_BUCKET}/{key}"


def update_stack(cloudformation: Any, name: str, template_url: str) -> dict[str, str]:
    """Update a stack with its present parameters, and return its outputs.

    Raises:
        StackError: the emulator refused the update; the stack is unchanged.
    """
    (stack,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
    kept = [
        {"ParameterKey": p["ParameterKey"], "UsePreviousValue": True} for p in stack["Parameters"]
    ]
    try:
        cloudformation.update_stack(
            StackName=name, TemplateURL=template_url, Parameters=kept, Capabilities=CAPABILITIES
        )
        cloudformation.get_waiter("stack_update_complete").wait(
            StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
        )
    except ClientError as error:
        refused = error.response.get("Error", {}).get("Message", "")
        if "No updates" not in refused:
            raise _not_deployed(refused) from error
    except WaiterError as error:
        raise _not_deployed(_why(cloudformation, name)) from error
    return outputs_of(cloudformation, name)


def _not_deployed(reason: str) -> StackError:
    return StackError(
        f"the changes are not deployed: {reason}. The stack is unchanged; correct the cause, then"
        " type: mentor-pause local up"
    )


def _why(cloudformation: Any, name: str) -> str:
    """Return the reason of the first failed resource that the emulator lists."""
    events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    failed = [e for e in events if e["ResourceStatus"].endswith("_FAILED")]
    newest = [f"{e['LogicalResourceId']}: {e.get('ResourceStatusReason', '')}" for e in failed[:1]]
    return "".join(newest) or "the emulator gave no reason"


def outputs_of(cloudformation: Any, name: str) -> dict[str, str]:
    """Return a stack's outputs."""
    (stack,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
