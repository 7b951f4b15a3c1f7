"""docs/loam.yaml.md: every key of loam.yaml, from the schema that loamctl prints."""

import json

HEAD = """# loam.yaml, every key

Made by `./dev docs` from `loamctl config schema`; a test compares them. `loamctl config example` prints a whole file, `loamctl config
check FILE` says with line and column what is wrong with one, `loamctl plan FILE` what applying it would change. Keys that are not
listed here, keys that stand twice and values of the wrong type are errors. Bold keys must be there where their section is.

| key | value | without it | meaning |
|---|---|---|---|
"""


def kind(schema):
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if "examples" in schema:
        return f"such as `{schema['examples'][0]}`"
    name = schema.get("type", "")
    if name == "integer" and "minimum" in schema:
        return f"number, {schema['minimum']} to {schema['maximum']}" if "maximum" in schema else f"number, from {schema['minimum']}"
    return {"boolean": "`true` or `false`", "object": "", "array": "list"}.get(name, name)


def rows(schema, path=""):
    required = schema.get("required", [])
    for name, child in schema.get("properties", {}).items():
        key = f"{path}{name}"
        shown = f"**`{key}`**" if name in required else f"`{key}`"
        items = child.get("items", {})
        value = f"list of {kind(items)}".replace("list of such as", "list, such as").rstrip() if items else kind(child)
        default = json.dumps(child["default"]).strip('"') if "default" in child else ""
        yield f"| {shown} | {value.removesuffix(' of')} | {default} | {child.get('description', '')} |\n".replace("\\|", "|")
        yield from rows(child, f"{key}.")
        yield from rows(items, f"{key}[].")


def markdown(schema):
    return HEAD + "".join(rows(schema))
