"""Owns what a change of the documents in docs/api breaks for who builds on the last. No I/O."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from milepost_cli.schema_changes import Change, Documents

Document = Mapping[str, Any]
_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


def http_changes(old: Document, new: Document) -> Iterator[Change]:
    """The differences of two OpenAPI documents, the old one first."""
    documents = Documents(old, new)
    before, now = _operations(old), _operations(new)
    for at in before:
        if at not in now:
            yield Change(at, "was taken away", True)
        else:
            yield from _operation_changes(documents, before[at], now[at], at)
    for at in now.keys() - before.keys():
        yield Change(at, "is new", False)


def log_changes(
    old: Document, new: Document, samples: Sequence[Mapping[str, Any]]
) -> Iterator[Change]:
    """The differences of two AsyncAPI documents.

    Args:
        samples: the golden events of the old one: what it could read. An event may be written in a
            version that is new once the last release has been able to read it.
    """
    documents = Documents(old, new)
    readable = {(each["type"], each["v"]) for each in samples}
    before, now = old["components"]["messages"], new["components"]["messages"]
    for name, message in before.items():
        at = f"event {message['name']}"
        if name not in now:
            yield Change(at, "was taken away", True)
            continue
        was, found = message["payload"], now[name]["payload"]
        v = found["properties"]["v"]["const"]
        if v == was["properties"]["v"]["const"] or (message["name"], v) not in readable:
            yield from documents.changes(was, found, at, "read")
    for name in now.keys() - before.keys():
        yield Change(f"event {now[name]['name']}", "is new", False)


def sample_changes(
    old: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]]
) -> Iterator[Change]:
    """The differences of golden events: what was in logs has to be read, as what it was."""
    for sample in old:
        at = f"golden event {sample['type']} version {sample['v']}, {sample['fields']['d'][:60]}"
        same = [each for each in new if each["fields"] == sample["fields"]]
        if not same:
            yield Change(at, "was taken away", True)
        elif not any(_holds(each["data"], sample["data"]) for each in same):
            yield Change(at, f"was {sample['data']}, is {same[0]['data']}", True)


def _holds(data: Mapping[str, Any], before: Mapping[str, Any]) -> bool:
    return all(name in data and data[name] == value for name, value in before.items())


def _operations(document: Document) -> dict[str, Document]:
    return {
        f"{method.upper()} {path}": operation
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if method in _METHODS
    }


def _operation_changes(
    documents: Documents, old: Document, new: Document, at: str
) -> Iterator[Change]:
    if not old.get("security") and new.get("security"):
        yield Change(at, "needs credentials now", True)
    yield from _parameter_changes(documents, old, new, at)
    before, now = old.get("requestBody"), new.get("requestBody")
    if now and not before:
        yield Change(f"{at}, body", "is new", bool(now.get("required")))
    elif before and not now:
        yield Change(f"{at}, body", "was taken away", True)
    elif before and now:
        if now.get("required") and not before.get("required"):
            yield Change(f"{at}, body", "is required now", True)
        contents = (before["content"], now["content"])
        yield from _content_changes(documents, *contents, f"{at}, body", sent=True)
    for status, answer in old["responses"].items():
        place = f"{at}, {status}"
        if status not in new["responses"]:
            yield Change(place, "is no longer answered", status.startswith("2"))
            continue
        found = new["responses"][status]
        for name in answer.get("headers", {}).keys() - found.get("headers", {}).keys():
            yield Change(f"{place}, header {name}", "was taken away", True)
        contents = (answer.get("content", {}), found.get("content", {}))
        yield from _content_changes(documents, *contents, place, sent=False)
    for status in new["responses"].keys() - old["responses"].keys():
        yield Change(f"{at}, {status}", "may be answered now", False)


def _parameter_changes(
    documents: Documents, old: Document, new: Document, at: str
) -> Iterator[Change]:
    before, now = (
        {(each["in"], each["name"]): each for each in operation.get("parameters", ())}
        for operation in (old, new)
    )
    for key, parameter in before.items():
        place = f"{at}, {key[0]} {key[1]}"
        if key not in now:
            yield Change(place, "was taken away", True)
            continue
        if now[key].get("required") and not parameter.get("required"):
            yield Change(place, "is required now", True)
        yield from documents.changes(parameter["schema"], now[key]["schema"], place, "sent")
    for key in now.keys() - before.keys():
        yield Change(f"{at}, {key[0]} {key[1]}", "is new", bool(now[key].get("required")))


def _content_changes(
    documents: Documents, old: Document, new: Document, at: str, *, sent: bool
) -> Iterator[Change]:
    for kind, media in old.items():
        if kind not in new:
            yield Change(at, f"{kind} was taken away", True)
        elif "schema" in media and "schema" in new[kind]:
            schemas = (media["schema"], new[kind]["schema"])
            yield from documents.changes(*schemas, at, "sent" if sent else "read")
