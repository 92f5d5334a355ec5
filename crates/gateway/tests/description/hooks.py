"""What JSON Schema allows and the API does not mean."""

import schemathesis
from schemathesis.core import NOT_SET

# A file of one JSON object a line is text for its schema, and is sent as it is written.
NDJSON = "application/x-ndjson"
schemathesis.serializer.alias(NDJSON, "text/plain")


def whole(value):
    """3.0 is a whole number for JSON Schema. The API wants whole numbers written as such, and says so with 422."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    if isinstance(value, list):
        return [whole(entry) for entry in value]
    if isinstance(value, dict):
        return {name: whole(entry) for name, entry in value.items()}
    return value


@schemathesis.hook
def filter_case(context, case):
    """What is no text cannot be sent as a file: written as text it is one, so that nothing is left to refuse."""
    return case.media_type != NDJSON or case.body is NOT_SET or isinstance(case.body, str)


@schemathesis.hook
def before_call(context, case, kwargs):
    if isinstance(case.body, (dict, list)):
        case.body = whole(case.body)
    tag = (case.headers or {}).get("If-Match")
    if tag is not None and tag != "*" and case.meta.generation.mode.is_positive:
        # An entity tag is sent with its quotes.
        case.headers["If-Match"] = '"' + tag.strip('"') + '"'
