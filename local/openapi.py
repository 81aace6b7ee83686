"""Generates the HTTP entry's OpenAPI document from its routes: `python -m local.openapi`."""

import json

from aws_lambda_powertools.event_handler.openapi.models import HTTPBearer, Server

from api.routes import app

_DESCRIPTION = (
    "Starts runs by hand and shows them. People send a token of the Supabase project, machines the"
    " scheduler secret. Only coordinators and administrators of the organisation have access."
)


def document() -> str:
    """Return the text of docs/openapi.json."""
    schema = app.get_openapi_json_schema(
        title="mentor-pause",
        version="1",
        description=_DESCRIPTION,
        servers=[Server(url="/")],
        security_schemes={
            "bearer": HTTPBearer(description="A person's token, or the scheduler secret."),
        },
        security=[{"bearer": []}],
    )
    found = json.loads(schema)
    # The router adds its own models of errors, which no answer has.
    for unused in ("HTTPValidationError", "ResponseValidationError", "ValidationError"):
        found["components"]["schemas"].pop(unused, None)
    return json.dumps(found, indent=2) + "\n"


if __name__ == "__main__":
    print(document(), end="")  # noqa: T201
