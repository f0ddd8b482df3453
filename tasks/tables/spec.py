"""What a table folder says: the models behind ``table.yaml``."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,127}$")]
ColumnType = Literal["STRING", "INT64", "FLOAT64", "BOOL", "DATE", "TIMESTAMP"]
LookBack = Literal["season", "30 days", "nothing"]
Window = Literal["day", "season_before", "season_to_date"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Column(_Frozen):
    """One column; types are GoogleSQL's."""

    name: Identifier
    type: ColumnType
    description: str = Field(min_length=1)
    required: bool = False
    range: tuple[float, float] | None = Field(None, description="Lowest and highest value allowed, both included.")
    volatile: bool = Field(False, description="Says when or by whom a row was written; not part of its content.")

    @model_validator(mode="after")
    def _has_a_range_that_a_value_can_be_in(self) -> Self:
        if self.range is None:
            return self
        if self.type not in ("INT64", "FLOAT64"):
            raise ValueError(f"{self.name} is a {self.type}; only INT64 and FLOAT64 have a range")
        if self.range[0] > self.range[1]:
            raise ValueError(f"the range of {self.name} starts at {self.range[0]:g} and ends at {self.range[1]:g}")
        return self


class Input(_Frozen):
    """A table that is read, and the days of it that a day's result depends on.

    ``day`` is the day itself, ``season_before`` the days of the season before it, ``season_to_date`` both.
    """

    table: Identifier
    window: Window


class Source(_Frozen):
    """One way to get the context of a day; the first of a table that covers the expected set is taken.

    A source with a ``table`` is used only if that table covers the day. The last source of a table has none: it is the
    fallback, rebuilt from inputs that the reference check has vouched for.
    """

    name: Identifier
    table: Identifier | None = None
    needs: tuple[Identifier, ...] = Field((), description="Columns without which a row of it says nothing.")
    agrees_within: dict[Identifier, float] = Field(
        {}, description="By how much its columns may differ from the fallback's, where both know them."
    )


class Thresholds(_Frozen):
    """Coverage (covered / expected) from 0 to 1; a day exactly at a threshold is on its better side."""

    block_below: float = Field(0.90, gt=0, le=1)
    warn_below: float = Field(0.95, gt=0, le=1)
    look_back_block_below: float = Field(
        0.50, ge=0, le=1, description="Share of rows that look back on no game that is missing."
    )
    disagree_from: float = Field(0.05, gt=0, le=1, description="Share of rows in which two sources differ.")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.block_below > self.warn_below:
            raise ValueError(f"block_below ({self.block_below}) must not be above warn_below ({self.warn_below})")
        return self


class Completeness(_Frozen):
    """A column of percent known, and the mean of a day below which there is a warning."""

    column: Identifier
    warn_below: float = Field(ge=0, le=100)


class LookBackColumns(_Frozen):
    """The columns that say which games a row looks back on in vain."""

    missing_of_own: Identifier = Field(
        description="How many of its own games: a day with too many such rows is blocked."
    )
    names: Identifier = Field(description="All of them by name; NULL if none.")


class Build(_Frozen):
    """How a derived table is built: any set of days by the same queries."""

    entity: Identifier = Field(description="The column by which those who are missing are named.")
    compared_by: tuple[Identifier, ...] = Field(
        (), description="The columns by which coverage is compared as a set; the entity without them."
    )
    inputs: tuple[Input, ...] = Field(min_length=1)
    depends_on: tuple[Identifier, ...] = ()
    sources: tuple[Source, ...] = Field(min_length=1)
    many_days: bool = Field(
        False,
        description="Whether days may be built many at once: the rows of each are the same whichever other days are "
        "asked for, and made of the day's own rows of the tables that it depends on.",
    )
    thresholds: Thresholds = Thresholds()
    completeness: Completeness | None = None
    look_back: LookBackColumns | None = None
    looks_back_on: LookBack = Field(
        "season", description="The games before of which a missing one is a warning for the whole day."
    )
    varying: tuple[Identifier, ...] = Field(
        (), description="Scores that differ between players: one value for all is suspicious if it was not so before."
    )
    unknown_fields: Identifier | None = Field(
        None, description="The column that lists what is unknown: suspicious if it was known in the 30 days before."
    )
    kind: Identifier | None = Field(
        None,
        description="The column that tells kinds of rows apart: they are compared with earlier ones of their kind.",
    )
    never_all_null: tuple[Identifier, ...] = Field(
        min_length=1, description="Columns of which at least one value must be there: a day without any is blocked."
    )

    @model_validator(mode="after")
    def _sources_end_in_a_fallback(self) -> Self:
        *preferred, fallback = self.sources
        if fallback.table is not None:
            raise ValueError(f"the last source, {fallback.name}, must have no table: it is the fallback")
        for source in preferred:
            if source.table is None:
                raise ValueError(f"source {source.name} needs a table to check, or must be the last one")
        if len(preferred) > 1:
            raise ValueError("at most one source before the fallback")
        if fallback.name in [source.name for source in preferred]:
            raise ValueError(f"two sources are named {fallback.name}")
        return self

    @property
    def compared(self) -> tuple[str, ...]:
        """The columns by which coverage is compared."""
        return self.compared_by or (self.entity,)

    @property
    def preferred(self) -> Source | None:
        """The source that must first be shown to cover a day; None if there is only the fallback."""
        return self.sources[0] if len(self.sources) > 1 else None

    @property
    def fallback(self) -> Source:
        """The source that needs no check of its own."""
        return self.sources[-1]

    @property
    def reads_the_day(self) -> bool:
        """Whether a day's rows depend on the day itself, and not only on the days before it."""
        return any(needed.window != "season_before" for needed in self.inputs)

    @property
    def warned_of(self) -> LookBack:
        """The games before the day of which a missing one is a warning: none if nothing but the day is read."""
        return self.looks_back_on if any(needed.window != "day" for needed in self.inputs) else "nothing"

    def is_fallback(self, source: str) -> bool:
        """Whether a source stands in for the preferred one."""
        return self.preferred is not None and source == self.fallback.name


class TableSpec(_Frozen):
    """One table: its schema, its layout and, if it is derived, its build."""

    dataset: Identifier
    name: Identifier
    description: str = Field(min_length=1)
    role: Literal["input", "derived", "record", "view"]
    grain: tuple[Identifier, ...] = Field(min_length=1)
    partition: Identifier = Field(description="A DATE, or a TIMESTAMP that stands for its day; a view has its tables'.")
    cluster: tuple[Identifier, ...] = ()
    require_partition_filter: bool = Field(False, description="Refuse queries that would read every day.")
    ttl_days: int | None = Field(
        None, ge=1, le=3650, description="Time to live: age in days after which rows are cleaned up."
    )
    columns: tuple[Column, ...] = Field(min_length=1)
    build: Build | None = None
    query: str | None = Field(None, description="What a view selects; view.sql of its folder.")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.role == "derived") != (self.build is not None):
            raise ValueError("a derived table has a build section, and no other table has one")
        names = [column.name for column in self.columns]
        if len(set(names)) != len(names):
            raise ValueError(f"columns named twice: {sorted({n for n in names if names.count(n) > 1})}")
        used = [*self.grain, self.partition, *self.cluster]
        if self.build:
            used += [self.build.entity, *self.build.compared, *self.build.never_all_null, *self.build.varying]
            used += [self.build.look_back.missing_of_own, self.build.look_back.names] if self.build.look_back else []
            used += [name for name in (self.build.unknown_fields, self.build.kind) if name]
            used += [self.build.completeness.column] if self.build.completeness else []
        if unknown := sorted(set(used) - set(names)):
            raise ValueError(f"not among the columns: {unknown}")
        kind = self.column(self.partition).type
        if kind != "DATE" and (kind != "TIMESTAMP" or self.role in ("input", "derived")):
            raise ValueError(f"the partition column {self.partition} must be a DATE")
        if self.ttl_days is not None and self.role != "input":
            raise ValueError(f"ttl_days={self.ttl_days}: only rows of an input are cleaned up")
        return self

    @property
    def full_name(self) -> str:
        """``dataset.table``, as it is written in SQL."""
        return f"{self.dataset}.{self.name}"

    @property
    def content_columns(self) -> tuple[str, ...]:
        """The columns that make up a row's content: all but the volatile ones."""
        return tuple(column.name for column in self.columns if not column.volatile)

    def column(self, name: str) -> Column:
        """Return the column of that name."""
        return next(column for column in self.columns if column.name == name)
