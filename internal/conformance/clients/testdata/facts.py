"""Checks the facts in a file that cite a service's model.

botocore ships AWS's own models. A fact names an operation, a shape or a member
of one, and what the model must say of it: a quotation of its documentation, the
HTTP status of an answer, or an error that the operation has.
"""

import json
import re
import sys

import botocore.session

session = botocore.session.get_session()


def plain(text):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", text)).strip()


def shape_text(model, name, member):
    shape = model.shape_for(name)
    if not member:
        return shape.documentation
    if member not in shape.members:
        raise ValueError(f"{name} has no member {member}")
    own = model._shape_resolver._shape_map[name]["members"][member]  # a member's words are not its shape's
    return own.get("documentation") or shape.members[member].documentation


def check(fact):
    service, what = fact["model"].split(" ")
    model = session.get_service_model(service)
    if what in model.operation_names:
        op = model.operation_model(what)
        text = op.documentation
        if "status" in fact and op.http.get("responseCode") != fact["status"]:
            raise ValueError(f"{what} answers {op.http.get('responseCode')}")
        if "error" in fact and fact["error"] not in [e.name for e in op.error_shapes]:
            raise ValueError(f"{what} has no error {fact['error']}")
    else:
        name, _, member = what.partition(".")
        text = shape_text(model, name, member)
    if fact.get("quote", "") not in plain(text):
        raise ValueError(f"the model says: {plain(text)}")


wrong = 0
for fact in json.load(open(sys.argv[1])):
    if "model" not in fact:
        continue
    try:
        check(fact)
    except Exception as e:
        wrong += 1
        print(f"{fact['id']}: {e}")
sys.exit(wrong > 0)
