"""The parameters of a run, checked in one place for every flow."""

import re
from datetime import date, datetime
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from tasks.errors import RequestError, describe_validation_error

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
Whole = Annotated[int, BeforeValidator(_number)]


class Request(BaseModel):
    """The parameters of a run; an invalid one raises, so that a request is always valid."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def of(cls, **parameters: Any) -> Self:
        """Check the parameters of a run.

        Raises:
            RequestError: One is invalid; the message names it, its value and what is allowed.
        """
        try:
            return cls.model_validate(parameters)
        except ValidationError as error:
            raise RequestError(describe_validation_error(error)) from error
