"""What a survey has found: all that a plan is decided on."""

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from hashlib import sha256

from tasks.backfill.checkpoint import BEFORE, Checkpoint, History, Now, Rows, TableDay
from tasks.backfill.day import Reference, SourceCounts, is_bootstrap, read_from
from tasks.backfill.decision import REFERENCE, reference_digest
from tasks.backfill.gate import Outcome
from tasks.tables.spec import Build

DayDigest = tuple[date, str]


@dataclass(frozen=True)
class Survey:
    """All that a plan is decided on, as it is now."""

    builds: Mapping[str, Build]
    """Of the tables asked for and of all that they depend on."""
    code_versions: Mapping[str, str]
    bootstrap_days: int
    references: Mapping[date, Reference]
    """Of the days that have a game."""
    season_starts: Mapping[int, date]
    source_counts: Mapping[str, Mapping[date, SourceCounts]]
    """By table: what its preferred source holds of each day of which it has rows, or should have."""
    digests: Mapping[str, Sequence[DayDigest]]
    """By input: a digest of each day's content, in order."""
    expected_digests: Mapping[date, str]
    """A digest of who is expected on each day; of the days that expect anybody."""
    rows: Mapping[TableDay, Rows]
    """The rows of derived tables."""
    histories: Mapping[TableDay, History]
    """Of every derived table and the days that are not skipped."""
    derived: Sequence[str] = ()
    """Every derived table."""
    would_be: Mapping[tuple[str, date, str], str] = field(default_factory=dict)
    """A digest of the rows that would be built, by table, day and source; of the days where it matters."""

    def reference(self, day: date) -> Reference:
        """Return the day's games."""
        return self.references.get(day) or Reference(game_date=day)

    def season_start(self, day: date) -> date | None:
        """Return the first day of the day's season; None if it is in none."""
        year = self.reference(day).season_year
        return self.season_starts.get(year) if year is not None else None

    def skipped(self, day: date) -> Outcome | None:
        """Return the outcome of a day on which nothing is ever built."""
        reference = self.reference(day)
        if reference.is_off_day:
            return "no_games"
        if reference.is_scheduled and is_bootstrap(day, self.season_start(day), self.bootstrap_days):
            return "skipped_bootstrap"
        return None

    def counts(self, table: str, day: date) -> SourceCounts | None:
        """Return what a table's preferred source holds of a day; None if it has no such source."""
        preferred = self.builds[table].preferred
        if preferred is None:
            return None
        found = self.source_counts[table].get(day)
        return found or SourceCounts(source=preferred.name, expected=self.reference(day).expected_players)

    def inputs(self, table: str, day: date, source: str) -> dict[str, str]:
        """Return a digest of each input that a day's rows would be built from, by name."""
        build, start = self.builds[table], self.season_start(day)
        found = {REFERENCE: reference_digest(self.reference(day), build.warned_of)}
        for needed in build.inputs:
            if needed.window != "season_before":
                found[needed.table] = input_digest(self._digests(needed.table, day, day))
            if needed.window != "day":
                since = read_from(start) if start else date.min
                before = self._digests(needed.table, since, day - timedelta(days=1))
                found[f"{needed.table}{BEFORE}"] = input_digest(before)
        for dependency in build.depends_on:
            found[dependency] = self.rows_there(dependency, day).digest or ""
        for each in build.sources:
            if each.table and each.name == source:
                found[f"source {each.name}"] = input_digest(self._digests(each.table, day, day))
        return found

    def _digests(self, table: str, first: date, last: date) -> Sequence[DayDigest]:
        """Return the digests of the days of an input from one day to another, both with it."""
        found = self.digests[table]
        return found[bisect_left(found, first, key=_day_of) : bisect_right(found, last, key=_day_of)]

    def expected_digest(self, table: str, day: date) -> str | None:
        """Return a digest of who is expected on a day; None if the table reads nothing of the day itself."""
        return self.expected_digests.get(day, "") if self.builds[table].reads_the_day else None

    def now(self, table: str, day: date, source: str) -> Now:
        """Return a table's day as it is now, if it is built from a source."""
        return Now(
            inputs=self.inputs(table, day, source) if self.skipped(day) is None else {},
            code_version=self.code_versions[table],
            rows=self.rows_there(table, day),
            source=source,
            expected_digest=self.expected_digest(table, day),
            would_be=self.would_be.get((table, day, source)),
        )

    def rows_there(self, table: str, day: date) -> Rows:
        """Return the rows that a table holds for a day."""
        return self.rows.get((table, day)) or Rows()

    def published(self, table: str, day: date) -> Checkpoint | None:
        """Return the last checkpoint that published a day of a table, whatever was tried after it."""
        history = self.histories.get((table, day))
        return history.published if history else None

    def others(self, day: date, tables: Collection[str]) -> tuple[Checkpoint, ...]:
        """Return the last checkpoints of the tables of a day that are not among some."""
        places = [(name, day) for name in self.derived if name not in tables]
        return tuple(self.histories[each].last for each in places if each in self.histories)

    def is_there(self, table: str, day: date) -> bool:
        """Tell whether a day of a table was published, and its rows are the ones that were."""
        published = self.published(table, day)
        return published is not None and published.has_published(self.rows_there(table, day))


def _day_of(digest: DayDigest) -> date:
    return digest[0]


def input_digest(days: Sequence[DayDigest]) -> str:
    """Join the digests of the days that an input's window covers; order matters, gaps do not."""
    digest = sha256()
    for day, content in days:
        digest.update(f"{day.isoformat()}:{content};".encode())
    return digest.hexdigest()[:16]
