"""What JSON Schema allows and the API does not mean."""

import schemathesis


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
def before_call(context, case, kwargs):
    if isinstance(case.body, (dict, list)):
        case.body = whole(case.body)
    tag = (case.headers or {}).get("If-Match")
    if tag is not None and tag != "*" and case.meta.generation.mode.is_positive:
        # An entity tag is sent with its quotes.
        case.headers["If-Match"] = '"' + tag.strip('"') + '"'
