"""Sections: keys with type, range and description, which values from outside are checked against.

The configuration is made of them, and so are a model's card and other JSON that people hand on.
"""

import math
import re
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, WrapValidator
from pydantic.json_schema import GenerateJsonSchema


def key(description: str, shipped: Any = ..., **limits) -> Any:
    """A key that must be there.

    Args:
        description: one sentence.
        shipped: its value in config.yaml, which is laid under every user's file; nothing where the
            user chooses the names around it.
        limits: ge, gt, le, lt, pattern, min_length, as in `pydantic.Field`.
    """
    extra = {} if shipped is ... else {"default": shipped}
    return Field(description=description, json_schema_extra=extra, **limits)


def shipped(value: Any) -> Any:
    """The value in config.yaml of a key that is described elsewhere."""
    return Field(json_schema_extra={"default": value})


def optional(description: str, **limits) -> Any:
    """A key that may be left out."""
    return Field(default=None, description=description, **limits)


class Listed:
    """Bounds of a list's length and whether it may repeat itself, told beside its items' mistakes.

    Pydantic's own bounds stay unchecked where an item is wrong, and it knows no unique items.
    """

    def __init__(self, least: int, most: int | None = None, unique: bool = False):
        self.least, self.most, self.unique = least, most, unique

    def __get_pydantic_core_schema__(self, source, handler):
        return WrapValidator(self._check).__get_pydantic_core_schema__(source, handler)

    def __get_pydantic_json_schema__(self, schema, handler):
        bounds = {"minItems": self.least, "maxItems": self.most, "uniqueItems": self.unique}
        return handler(schema) | {name: bound for name, bound in bounds.items() if bound}

    def _check(self, value, handler):
        errors = []
        try:
            value = handler(value)
        except ValidationError as error:
            errors = error.errors(include_url=False)
        if isinstance(value, list) and not self._allowed(value):
            wrong = {"type": "value_error", "loc": (), "input": value}
            errors.append(wrong | {"ctx": {"error": ValueError("length or repetition")}})
        if errors:
            raise ValidationError.from_exception_data("list", errors)
        return value

    def _allowed(self, value: list) -> bool:
        alike = self.unique and any(item in value[:place] for place, item in enumerate(value))
        return self.least <= len(value) <= (self.most or len(value)) and not alike


class Section(BaseModel):
    """Unknown keys, text for numbers, infinities and NaN are mistakes."""

    # One build of the whole schema instead of one for each section too.
    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        allow_inf_nan=False,
        defer_build=True,
        protected_namespaces=(),
    )


# No sensible value comes near: what does is YAML whose aliases hold themselves, or a bomb of them.
MOST_LEVELS = 32
MOST_VALUES = 1_000_000
LONGEST_KEY = 100

# Characters of a value in a message.
LONGEST_SHOWN = 100

# Python writes no longer integers, and pydantic fails on them.
MOST_BITS = 10_000

# Also halves of characters, which can't be written as UTF-8.
UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def plain_values(values: Any) -> tuple[Any, list[str]]:
    """Values from outside in the one form that sections are checked in, and what has no such form.

    Keys are printable text; what stands under others is left out. Text holds no control character.
    Integers of more than `MOST_BITS` are infinite. Nothing is nested deeper than `MOST_LEVELS`, and all
    are at most `MOST_VALUES`, where what YAML's aliases repeat counts each time.

    Returns:
        A copy, and one line a mistake: the key, what was found, what is allowed.
    """
    mistakes: list[str] = []
    count = 0

    def copy(value: Any, path: tuple) -> Any:
        nonlocal count
        count += 1
        if len(path) > MOST_LEVELS or count > MOST_VALUES:
            place = ".".join(map(str, path[:4]))
            raise _TooMuchError(
                f"{place}: found sections or lists that are nested deeper than {MOST_LEVELS} levels "
                f"or hold more than {MOST_VALUES} values, allowed are fewer; an alias (*) in YAML "
                "counts as all that it stands for, and may not hold itself"
            )
        if isinstance(value, dict):
            result = {}
            for name, part in value.items():
                if _is_key(name):
                    result[name] = copy(part, (*path, name))
                else:
                    place = ".".join(map(str, (*path, shown(name))))
                    mistakes.append(
                        f"{place}: found a key that is {kind_of(name)}, allowed is printable text of "
                        f"at most {LONGEST_KEY} characters"
                    )
            return result
        if isinstance(value, list):
            return [copy(item, (*path, number)) for number, item in enumerate(value)]
        if isinstance(value, str) and UNPRINTABLE.search(value):
            mistakes.append(
                f"{'.'.join(map(str, path))}: found {shown(value)}, allowed is text without control "
                "characters"
            )
        if isinstance(value, int) and value.bit_length() > MOST_BITS:
            return math.inf if value > 0 else -math.inf
        return value

    try:
        return copy(values, ()), mistakes
    except _TooMuchError as error:
        return {}, [*mistakes, str(error)]


class _TooMuchError(Exception):
    """Values are nested too deeply or too many."""


def _is_key(name: Any) -> bool:
    return isinstance(name, str) and len(name) <= LONGEST_KEY and not UNPRINTABLE.search(name)


def find_errors(section: type[Section], values: Any) -> list[dict]:
    """What is wrong with the values of a section, all of it, as pydantic tells it.

    Args:
        values: as `plain_values` gives them.
    """
    try:
        section.model_validate(values)
    except ValidationError as error:
        return error.errors(include_url=False)
    return []


def kind_of(value: Any) -> str:
    """The type of a value in words."""
    kinds = {
        str: "text",
        bool: "true/false",
        int: "an integer",
        float: "a number",
        list: "a list",
        dict: "a section",
        type(None): "nothing",
    }
    return kinds.get(type(value), type(value).__name__)


def shown(value: Any) -> str:
    """A value as a message shows it: as Python writes it, cut where it is long."""
    try:
        text = repr(value)
    except ValueError:
        # Python writes no integer of more than some thousand digits.
        text = "a number of thousands of digits"
    return text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 1] + "…"


Name = Annotated[str, Field(pattern=f"^[a-z][a-z0-9_]{{0,{LONGEST_KEY - 1}}}$")]


class _JsonSchema(GenerateJsonSchema):
    """Plain JSON schema: no titles, no default where a key is left out, names of keys checked."""

    def field_title_should_be_set(self, schema):
        return False

    def default_schema(self, schema):
        return self.generate_inner(schema["schema"])

    def model_schema(self, schema):
        return {
            name: part for name, part in super().model_schema(schema).items() if name != "title"
        }

    def dict_schema(self, schema):
        result = super().dict_schema(schema)
        # A name that doesn't match would be allowed to hold anything.
        for pattern, values in result.pop("patternProperties", {}).items():
            result |= {"propertyNames": {"pattern": pattern}, "additionalProperties": values}
        return result


def json_schema(section: type[Section]) -> dict:
    """The keys of a section as JSON schema, draft 2020-12."""
    schema = section.model_json_schema(schema_generator=_JsonSchema)
    return {"$schema": _JsonSchema.schema_dialect} | schema


def inlined_schema(section: type[Section]) -> dict:
    """The same with its references filled in, so that a message can quote any part."""
    schema = json_schema(section)
    definitions = schema.pop("$defs", {})

    def fill(part):
        if isinstance(part, list):
            return [fill(item) for item in part]
        if not isinstance(part, dict):
            return part
        if "$ref" in part:
            part = definitions[part["$ref"].rpartition("/")[2]] | part
        return {name: fill(value) for name, value in part.items() if name != "$ref"}

    return fill(schema)
