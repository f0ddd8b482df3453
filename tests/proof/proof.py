"""The proof: a day that ends complete has exactly the rows that the undamaged league gives.

Each seed damages one of a few leagues in up to three ways, decides some of its days, and compares every table's rows of
every day that ended complete with those of the undamaged league. A row is compared with the undamaged row of the same
source of context, for a pre-game table that is gone is replaced by box scores by design.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random

from tests.proof.bench import MAIN, Bench, Decided
from tests.proof.kinds import SAME_TEAM, damage
from tests.proof.league import OPENING, ProofLeague, Row, generate, pre_game_rows

BASES = 8
DAYS_EACH = 4
FIRST_DAY = OPENING + timedelta(days=14)
NOT_CONTENT = ("run_id", "processed_at", "data_hash", "game_id", "universal_player_id")
"""A game or person under another id is the same one: rows are told apart by player, day and team."""
Key = tuple[str, str]


@dataclass(frozen=True)
class Difference:
    """One table's day that ended complete, and is not what the undamaged league gives."""

    seed: int
    damages: tuple[str, ...]
    table: str
    game_date: date
    rows: tuple[str, ...]

    def __str__(self) -> str:
        return f"seed {self.seed}, {self.game_date}, {self.table}, {' + '.join(self.damages)}: {'; '.join(self.rows)}"


@dataclass
class Tally:
    """What came of the leagues."""

    leagues: int = 0
    damages: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    differences: list[Difference] = field(default_factory=list)
    lost_days: list[str] = field(default_factory=list)
    """Days on which games were played, and that were passed over as if there were none."""

    @property
    def holds(self) -> bool:
        """Whether no damaged day passed as whole."""
        return not self.differences and not self.lost_days

    def __str__(self) -> str:
        passed = Counter(name for damages in {d.seed: d.damages for d in self.differences}.values() for name in damages)
        lines = [
            *self.lost_days,
            f"leagues                   {self.leagues:>6}",
            f"days of a table           {self.outcomes.total():>6}",
            *(f"  {outcome:<24}{count:>6}" for outcome, count in self.outcomes.most_common()),
            *(f"    {reason:<22}{count:>6}" for reason, count in self.reasons.most_common()),
            f"complete and different    {len(self.differences):>6}",
            f"off-days with games       {len(self.lost_days):>6}",
            "damages, in leagues; in leagues with a difference",
            *(f"  {name:<40}{count:>5}{passed[name]:>5}" for name, count in sorted(self.damages.items())),
        ]
        if seeds := sorted({difference.seed for difference in self.differences}):
            lines.append(f"seeds with a difference: {', '.join(map(str, seeds))}")
        return "\n".join(lines)


@dataclass(frozen=True)
class Base:
    """A league before any damage, and its rows by table, source of context and day."""

    league: ProofLeague
    rows: Mapping[tuple[str, str], Mapping[date, Mapping[Key, Row]]]
    decided: Decided


def build_base(bench: Bench, number: int, days: Sequence[date] | None = None) -> Base:
    """Build an undamaged league from either source: all of its days, or some."""
    league, random = generate(number), Random(number)  # noqa: S311
    from_box_scores = bench.decide(league, "synthetic", days)
    by_day = from_box_scores.rows[MAIN]
    known = [row for day in sorted(by_day) if random.random() < 0.5 for row in by_day[day]]
    league.upcoming = pre_game_rows(known, random)
    decided = bench.decide(league, days=days)
    found: dict[tuple[str, str], dict[date, dict[Key, Row]]] = {}
    for each in (from_box_scores, decided):
        for table, day, row in _rows(each):
            found.setdefault((table, row.get("context_source") or ""), {}).setdefault(day, {})[_key(row)] = _content(
                row
            )
    return Base(league, found, decided)


class Proof:
    """Damaged leagues, one after another; ``bench`` may be another one for each."""

    def __init__(self, bench: Bench) -> None:
        self.bench, self.tally = bench, Tally()
        self._bases: dict[int, Base] = {}

    def base(self, number: int) -> Base:
        """Return an undamaged league; it is built from either source once."""
        if number not in self._bases:
            self._bases[number] = build_base(self.bench, number)
        return self._bases[number]

    def try_seed(self, seed: int) -> list[Difference]:
        """Damage a league, decide some of its days, and compare those that ended complete."""
        random = Random(seed)  # noqa: S311
        base = self.base(seed % BASES)
        league, damages, touched = damage(base.league, random)
        decided = self.bench.decide(league, days=_days(random, base.league, touched))
        found, names = [], {row["player_lookup"]: row["_player"] for row in league.box}
        for checkpoint in decided.checkpoints():
            self.tally.outcomes[checkpoint.outcome] += 1
            if checkpoint.reason:
                self.tally.reasons[checkpoint.reason] += 1
            if checkpoint.outcome == "complete":
                of = checkpoint.table_name, checkpoint.game_date
                rows = tuple(_differences(base, decided, *of, names))
                if rows:
                    found.append(Difference(seed, tuple(damages), *of, rows))
        played = set(base.league.days())
        for day, result in decided.results.items():
            if day in played and result.skipped == "no_games":
                self.tally.lost_days.append(f"seed {seed}, {day}, {' + '.join(damages)}: an off-day with games")
        self.tally.leagues += 1
        self.tally.damages.update(set(damages))
        self.tally.differences += found
        return found


def _days(random: Random, league: ProofLeague, touched: Collection[date]) -> list[date]:
    """Choose the days to decide: those that were touched, those soon after, and some others."""
    days = [day for day in league.days() if day >= FIRST_DAY]
    near = [day for day in days if any(timedelta() <= day - other <= timedelta(days=4) for other in touched)]
    chosen = random.sample(near, min(DAYS_EACH - 1, len(near)))
    return sorted({*chosen, *random.sample(days, DAYS_EACH - len(chosen))})


def _differences(base: Base, decided: Decided, table: str, day: date, names: Mapping[str, str]) -> Iterator[str]:
    there: dict[Key, Row] = {}
    for row in decided.rows[table].get(day, []):
        key = _key(row, names)
        if key in there:
            yield f"{key} has two rows"
        there[key] = row
    expected = {key for (of, _), days in base.rows.items() if of == table for key in days.get(day, {})}
    for key in sorted(expected - there.keys()):
        yield f"{key} has no row"
    for key, row in sorted(there.items()):
        source = row.get("context_source") or ""
        true = base.rows.get((table, source), {}).get(day, {}).get(key)
        if true is None:
            yield f"{key} has a row, and should have none from {source or 'anywhere'}"
        elif wrong := [
            f"{name} {value!r} for {true[name]!r}"
            for name, value in _content(row, names).items()
            if value != true[name]
        ]:
            yield f"{key}: {', '.join(wrong)}"


def _rows(decided: Decided) -> Iterator[tuple[str, date, Row]]:
    for table, days in decided.rows.items():
        for day, rows in days.items():
            for row in rows:
                yield table, day, row


def _key(row: Row, names: Mapping[str, str] | None = None) -> Key:
    lookup = row.get("player_lookup") or ""
    return (names or {}).get(lookup, lookup), _team(row.get("team_abbr") or "")


def _content(row: Row, names: Mapping[str, str] | None = None) -> Row:
    content = {name: _said(value) for name, value in row.items() if name not in NOT_CONTENT}
    if "player_lookup" in content:
        content["player_lookup"] = (names or {}).get(row["player_lookup"], row["player_lookup"])
    return content


def _said(value: object) -> object:
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, str):
        for other, name in SAME_TEAM.items():
            value = name if value == other else str(value).replace(f'"{other}"', f'"{name}"')
    return value


def _team(name: str) -> str:
    return SAME_TEAM.get(name, name)
