"""Draws the HTTP entry's OpenAPI document from its routes: `python -m local.openapi`."""

import json

from aws_lambda_powertools.event_handler.openapi.models import HTTPBearer, Server

from api.routes import app

_DESCRIPTION = (
    "Starts runs by hand and shows them. People show a token of the Supabase project, machines the"
    " scheduler secret; only coordinators and administrators of the organisation are let in."
)


def document() -> str:
    """Return the document as it is kept in docs/openapi.json."""
    found = app.get_openapi_json_schema(
        title="mentor-pause",
        version="1",
        description=_DESCRIPTION,
        servers=[Server(url="/")],
        security_schemes={
            "bearer": HTTPBearer(description="A person's token, or the scheduler secret."),
        },
        security=[{"bearer": []}],
    )
    return json.dumps(json.loads(found), indent=2) + "\n"


if __name__ == "__main__":
    print(document(), end="")  # noqa: T201
