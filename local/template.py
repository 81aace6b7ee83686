"""Reads `template.yaml` and packages the code, instead of `sam build` and `sam package`."""

import hashlib
import io
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, cast

import yaml

from local.bytecode import compile_folder
from local.errors import StackError
from local.places import ROOT

TEMPLATE = ROOT / "template.yaml"
SES_EVENTS = "local.ses"
"""The source of events that stand for SES's events on the emulator."""

_ON_AWS = "https://${ApiGateway}.execute-api.${AWS::Region}.${AWS::URLSuffix}"
_LEFT_OUT = "requirements.txt"
_SITE, _SITE_INSIDE = "python/", "/opt/python"
"""Where a layer has its packages, in the archive and on Lambda."""


class _Loader(yaml.CSafeLoader):
    """Reads CloudFormation's short forms (`!Ref`, `!GetAtt`, `!Sub` and so on)."""


def _short_form(loader: yaml.CSafeLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    elif isinstance(node, yaml.MappingNode):
        value = loader.construct_mapping(node, deep=True)
    else:
        raise TypeError(f"!{suffix} on a {type(node).__name__}")
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


yaml.add_multi_constructor("!", _short_form, Loader=_Loader)


def load_template(file: Path = TEMPLATE) -> dict[str, Any]:
    """Return the template with short forms as `Fn::` functions.

    Raises:
        StackError: the file is not valid YAML; the message has the line.
    """
    try:
        with file.open() as text:
            return yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader of our own
    except yaml.YAMLError as error:
        where = getattr(error, "problem_mark", None)
        line = f" in line {where.line + 1}" if where else ""
        raise StackError(
            f"{file.name} cannot be read{line}: {getattr(error, 'problem', None)}; correct it,"
            " then: mentor-pause local up"
        ) from error


def adapt_built_template(file: Path, endpoint: str) -> None:
    """Adapt the output of `sam build` to the emulator, before `sam deploy` reads it.

    A second call changes nothing.
    """
    template = adapt_to_emulator(load_template(file), endpoint)
    file.write_text(yaml.safe_dump(template))


def adapt_to_emulator(template: dict[str, Any], endpoint: str) -> dict[str, Any]:
    """Adapt the template to the points in which the emulator differs from AWS.

    `endpoint` is the emulator's URL: its APIs have no host names of their own.

    The emulator requires `sqs:SendMessageBatch`, where AWS requires only `sqs:SendMessage`. It does
    not support the condition keys `events:source` and `ses:FromAddress`, and it does not know the
    identity that sends an e-mail. It publishes no events of SES, and accepts none from a caller, so
    the rules match another source too (`SES_EVENTS`). It has no alarms over several metrics, so
    such an alarm gets only its first metric. It reads the path of a method's settings as it is,
    where AWS requires "~1" for a slash.
    """
    template = _replace_address(template, endpoint)
    for setting in template["Resources"]["ApiGateway"]["Properties"]["MethodSettings"]:
        setting["ResourcePath"] = setting["ResourcePath"].replace("/~1", "/").replace("~1", "/")
    for resource in template["Resources"].values():
        _alarm_on_one_metric(resource["Properties"])
        if resource["Properties"].get("EventPattern", {}).get("source") == ["aws.ses"]:
            resource["Properties"]["EventPattern"]["source"].append(SES_EVENTS)
        for statement in _role_statements(resource):
            if statement["Action"] == "sqs:SendMessage":
                statement["Action"] = ["sqs:SendMessage", "sqs:SendMessageBatch"]
            if statement["Action"] in ("events:PutEvents", "ses:SendEmail"):
                statement.pop("Condition", None)
            if statement["Action"] == "ses:SendEmail":
                statement["Resource"] = "*"
    return template


def _replace_address(part: Any, endpoint: str) -> Any:
    """Return a part of the template with the API's address on the emulator, not on AWS."""
    if isinstance(part, str):
        return part.replace(_ON_AWS, f"{endpoint}/_aws/execute-api/${{ApiGateway}}")
    if isinstance(part, list):
        return [_replace_address(item, endpoint) for item in cast("list[Any]", part)]
    if isinstance(part, dict):
        items = cast("dict[str, Any]", part).items()
        return {name: _replace_address(value, endpoint) for name, value in items}
    return part


def _role_statements(resource: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the statements of a role, or of a policy that is added to one."""
    properties = resource["Properties"]
    own = [properties] if resource["Type"] == "AWS::IAM::Policy" else []
    for policy in (*own, *properties.get("Policies", ())):
        yield from policy["PolicyDocument"]["Statement"]


def _alarm_on_one_metric(properties: dict[str, Any]) -> None:
    metrics: list[dict[str, Any]] = properties.pop("Metrics", [])
    for one in (metric["MetricStat"] for metric in metrics[1:2]):
        properties |= one["Metric"] | {"Statistic": one["Stat"], "Period": one["Period"]}


def functions_zip() -> bytes:
    """Return `functions/` as SAM packages it, compiled."""
    return _zip(_compiled(ROOT / "functions", "", "/var/task"))


def layer_zip(name: str, work: Path) -> bytes:
    """Return a layer as SAM builds it: its requirements and its own content, in `python/`.

    Both are compiled. `work` keeps the installed requirements for each content of the
    requirements file.
    """
    folder = ROOT / "layers" / name
    digest = hashlib.sha256((folder / "requirements.txt").read_bytes()).hexdigest()[:16]
    installed = work / f"layer-{digest}-{sys.implementation.cache_tag}"
    if not installed.exists():
        _install(folder / "requirements.txt", installed)
    return _zip([*_files(installed, _SITE), *_compiled(folder, _SITE, _SITE_INSIDE)])


def _install(requirements: Path, target: Path) -> None:
    """Install into a new folder, then rename it to `target` unless another process was faster."""
    partial = Path(tempfile.mkdtemp(dir=target.parent, prefix=f"{target.name}."))
    uv = Path(sys.executable).parent / "uv"
    done = subprocess.run(
        [uv, "pip", "install", "-q", "--python", sys.executable, "--target", partial,
         "--require-hashes", "--no-deps", "-r", requirements],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise StackError(
            f"the layer's requirements could not be installed: {done.stderr.strip()}; check the"
            " network, then repeat the command"
        )
    compile_folder(partial, _SITE_INSIDE)
    try:
        partial.rename(target)
    except OSError:
        shutil.rmtree(partial)


def _compiled(folder: Path, prefix: str, inside: str) -> Iterator[tuple[str, bytes]]:
    """Read a folder's files and their bytecode, which is compiled with the paths of Lambda."""
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / folder.name
        shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("__pycache__"))
        compile_folder(copy, inside)
        yield from _files(copy, prefix)


def _files(folder: Path, prefix: str) -> Iterator[tuple[str, bytes]]:
    for file in sorted(folder.rglob("*")):
        if file.is_file() and file.name != _LEFT_OUT:
            yield prefix + file.relative_to(folder).as_posix(), file.read_bytes()


def _zip(files: Iterable[tuple[str, bytes]]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for name, content in files:
            archive.writestr(name, content)
    return packed.getvalue()
