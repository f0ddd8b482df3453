"""The parameters of a run, checked in one place for every flow."""

import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated, ParamSpec, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from tasks.errors import RequestError, describe_validation_error

P = ParamSpec("P")
R = TypeVar("R")

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def _day(value: object) -> object:
    """Refuse timestamps and numbers: pydantic would take a number for seconds since 1970."""
    if isinstance(value, str):
        is_day = _DAY.fullmatch(value) is not None
    else:
        is_day = isinstance(value, date) and not isinstance(value, datetime)
    if value is not None and not is_day:
        raise ValueError("must be a valid date, such as 2023-01-20, without a time of day")
    return value


def _number(value: object) -> object:
    """Refuse a Boolean: pydantic would take it for 1 or 0."""
    if isinstance(value, bool):
        raise ValueError("must be a whole number, not true or false")
    return value


Day = Annotated[date, BeforeValidator(_day)]
WHOLE_NUMBER = BeforeValidator(_number)
"""The last part of a number's annotation: before its bounds, it would keep them out of the form."""


class Request(BaseModel):
    """The parameters of a run. Their defaults are in the flow's signature, where the form takes them from."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def check(request: Callable[P, R], *args: P.args, **parameters: P.kwargs) -> R:
    """Return the request that is made of a run's parameters.

    Raises:
        RequestError: One is invalid; the message names it, its value and what is allowed.
    """
    try:
        return request(*args, **parameters)
    except ValidationError as error:
        raise RequestError(describe_validation_error(error)) from error
