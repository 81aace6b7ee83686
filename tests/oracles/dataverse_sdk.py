"""Tells which requests the vendor's own client makes; run by the interpreter of .tools/portal-sdk.

Takes a JSON object {"table", "entity_set", "column", "key", "record"} on standard input, and
prints the requests as a JSON list: an upsert by alternate key, and an update by id.
"""

import json
import sys
from types import SimpleNamespace

import requests
from PowerPlatform.Dataverse.client import DataverseClient
from PowerPlatform.Dataverse.models.upsert import UpsertItem
from requests.adapters import BaseAdapter

ROW = "11111111-2222-3333-4444-555555555555"
made = []


class Recorder(BaseAdapter):
    """Answers every request instead of the network."""

    def send(self, request, **_settings):
        """Keep the request; metadata is asked first, and answered as far as needed."""
        answer = requests.Response()
        answer.request, answer.url, answer.status_code = request, request.url, 204
        answer._content = b""
        if request.method == "GET":
            answer.status_code = 200
            answer._content = json.dumps({"value": [definition]}).encode()
        else:
            body = request.body.decode() if isinstance(request.body, bytes) else request.body
            made.append({"method": request.method, "url": request.url,
                         "headers": dict(request.headers), "body": json.loads(body)})  # fmt: skip
        return answer

    def close(self):
        """Nothing is open."""


class Credential:
    """Signs everybody in."""

    def get_token(self, *_scopes, **_options):
        """Return a token."""
        return SimpleNamespace(token="a-token", expires_on=9_999_999_999)


asked = json.load(sys.stdin)
definition = {
    "LogicalName": asked["table"], "EntitySetName": asked["entity_set"],
    "PrimaryIdAttribute": f"{asked['table']}id",
}  # fmt: skip
requests.Session.get_adapter = lambda _session, url: Recorder()
client = DataverseClient("https://hlf.crm4.example", Credential())
client.records.upsert(
    asked["table"], [UpsertItem({asked["column"]: asked["key"]}, asked["record"])]
)
client.records.update(asked["table"], ROW, asked["record"])
json.dump(made, sys.stdout)
