"""The catalogue as it is: every folder complete, every query valid and in use."""

import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from tasks.settings import PROJECT_ROOT, Settings, load_settings
from tasks.tables import queries
from tasks.tables.catalogue import SHARED_DIR, TABLES_DIR, Catalogue, load_catalogue
from tasks.tables.compose import references
from tasks.tables.gate_query import gate_query
from tasks.warehouse.base import Parameters
from tasks.warehouse.open import open_warehouse
from tests.league import League
from tests.tables.folders import table_folder
from tests.tables.rows import COMPOSITE, DAY, DEFENSE, SEASON_START, SHOT_ZONES, build_all, read, write

pytestmark = pytest.mark.no_server

FOLDERS = sorted(file.parent for file in TABLES_DIR.glob("*/table.yaml"))
SQL = sorted(TABLES_DIR.glob("*/*.sql"))
DERIVED = (SHOT_ZONES, DEFENSE, COMPOSITE)
PARAMETERS: Parameters = {
    "from_date": SEASON_START,
    "first_date": DAY,
    "game_date": DAY,
    "min_players_per_team": 5,
    "published": ["complete"],
    "run_id": "run-1",
    "processed_at": datetime(2023, 6, 2, tzinfo=UTC),
}
FULL_NAMES = {
    "nba_reference.nba_schedule",
    "nba_analytics.player_game_summary",
    "nba_analytics.upcoming_player_game_context",
    "nba_analytics.upcoming_team_game_context",
    "nba_precompute.player_shot_zone_analysis",
    "nba_precompute.team_defense_zone_analysis",
    "nba_precompute.player_composite_factors",
    "nba_orchestration.backfill_ledger",
    "nba_orchestration.precompute_failures",
    "nba_orchestration.failure_history",
}


def named(path: Path) -> str:
    return str(path.relative_to(TABLES_DIR))


@pytest.fixture
def catalogue(settings: Settings) -> Catalogue:
    return load_catalogue(settings)


def test_every_table_has_the_name_that_users_have(catalogue: Catalogue) -> None:
    assert {spec.full_name for spec in catalogue.tables.values()} >= FULL_NAMES


def test_derived_tables_come_after_those_they_are_built_from(catalogue: Catalogue) -> None:
    assert catalogue.derived == DERIVED
    assert catalogue.with_dependencies([COMPOSITE]) == DERIVED
    assert catalogue.with_dependencies([DEFENSE]) == (DEFENSE,)


@pytest.mark.parametrize("folder", FOLDERS, ids=named)
def test_a_folder_holds_a_table_of_its_name_and_nothing_that_is_no_part_of_it(
    catalogue: Catalogue, folder: Path
) -> None:
    spec = catalogue.table(folder.name)
    queries_there = {file.stem for file in folder.glob("*.sql")}
    assert {file.suffix for file in folder.iterdir() if file.is_file()} <= {".yaml", ".sql"}
    if spec.build is None:
        assert queries_there == ({"view"} if spec.role == "view" else set())
        return
    wanted = {"build", "expected"}
    if len(spec.build.sources) > 1:
        wanted |= {f"context_{source.name}" for source in spec.build.sources}
    names = {name for file in folder.glob("*.sql") for name in references(file.read_text(encoding="utf-8"))}
    assert wanted <= queries_there
    assert queries_there <= wanted | names


@pytest.mark.parametrize("folder", FOLDERS, ids=named)
def test_a_table_says_what_its_keys_are_and_they_are_never_null(catalogue: Catalogue, folder: Path) -> None:
    spec = catalogue.table(folder.name)
    for name in {*spec.grain, spec.partition} - {"universal_player_id"}:  # which tells two of one name apart, if known
        assert spec.column(name).required, name


@pytest.mark.parametrize("name", DERIVED)
def test_a_derived_row_says_who_wrote_it_when_and_by_which_rules(catalogue: Catalogue, name: str) -> None:
    spec = catalogue.table(name)
    columns = {column.name: column for column in spec.columns}
    assert {n for n, column in columns.items() if column.volatile} == {"run_id", "processed_at"}
    assert {"calculation_version", "data_hash"} <= set(spec.content_columns)


@pytest.mark.parametrize("name", DERIVED)
def test_every_number_of_a_derived_row_has_a_range(catalogue: Catalogue, name: str) -> None:
    numbers = [column for column in catalogue.table(name).columns if column.type in ("INT64", "FLOAT64")]
    assert numbers
    assert [column.name for column in numbers if column.range is None] == []


@pytest.mark.parametrize("file", SQL, ids=named)
def test_a_query_says_its_grain(file: Path) -> None:
    assert file.read_text(encoding="utf-8").startswith("-- Grain: ")


def test_every_shared_query_is_used(catalogue: Catalogue) -> None:
    names = {name for file in SQL for name in references(file.read_text(encoding="utf-8"))}
    called = {"reference", "seasons", "season_days"}  # by coverage.py, survey.py and season_survey.py of tasks/backfill
    assert {file.stem for file in SHARED_DIR.glob("*.sql")} <= names | called
    for name in called:
        assert any(
            f'shared_query("{name}")' in path.read_text() for path in (PROJECT_ROOT / "tasks" / "backfill").glob("*.py")
        )


@pytest.mark.parametrize("file", SQL, ids=named)
@pytest.mark.parametrize("filled", [False, True], ids=["empty", "filled"])
def test_every_query_transpiles_and_runs(bench: Settings, file: Path, filled: bool) -> None:
    write(bench, some_league() if filled else League())
    catalogue, table = load_catalogue(bench), file.parent.name
    sources = ["upcoming", "synthetic"] if table == COMPOSITE else [None]
    for source in sources:
        shared = table == SHARED_DIR.name
        sql = catalogue.shared_query(file.stem) if shared else catalogue.query(table, file.stem, source=source)
        with open_warehouse(bench.connection()) as warehouse:
            rows = warehouse.fetch(sql, PARAMETERS)
        is_of_records = not shared and catalogue.table(table).role == "view"  # which no league has
        is_calendar = shared and file.stem in ("reference", "season_days", "season_spans")  # they have every day
        is_of_others = file.stem in ("holes", "look_back", "zones")  # which this league has none of
        assert bool(rows) is (is_calendar or (filled and not is_of_records and not is_of_others))


@pytest.mark.parametrize("source", ["upcoming", "synthetic"])
@pytest.mark.parametrize("table", DERIVED)
def test_a_build_makes_the_columns_of_its_table_and_no_others(bench: Settings, table: str, source: str) -> None:
    write(bench, some_league())
    catalogue = load_catalogue(bench)
    with open_warehouse(bench.connection()) as warehouse:
        rows = warehouse.fetch(catalogue.query(table, "build", source=source), PARAMETERS)
    assert list(rows[0]) == [column.name for column in catalogue.table(table).columns]


def test_both_contexts_have_the_same_columns(bench: Settings) -> None:
    write(bench, some_league())
    upcoming, synthetic = (list(read(bench, f"context_{source}")[0]) for source in ("upcoming", "synthetic"))
    assert upcoming == synthetic


def test_the_queries_that_follow_from_the_catalogue_run_on_every_table(bench: Settings) -> None:
    write(bench, some_league())
    build_all(bench)
    catalogue = load_catalogue(bench)
    texts = [queries.digests(spec) for spec in catalogue.tables.values()]
    texts += [queries.rows_there(catalogue.tables.values()), queries.latest_ledger(catalogue.table("backfill_ledger"))]
    for name in DERIVED:
        spec = catalogue.table(name)
        texts.append(gate_query(catalogue, spec, spec.full_name))
        preferred = catalogue.build(name).preferred
        if preferred:
            texts += [queries.coverage(catalogue, spec, preferred, with_missing=missing) for missing in (True, False)]
    with open_warehouse(bench.connection()) as warehouse:
        for text in texts:
            warehouse.fetch(text, PARAMETERS)


def test_of_an_input_that_is_asked_for_which_a_query_reads(catalogue: Catalogue, tmp_path: Path) -> None:
    def unread(tables: Catalogue, name: str) -> set[str]:
        return {column.name for column in tables.table(name).columns} - {c.name for c in tables.as_read(name).columns}

    of_box_scores = {"player_full_name", "plus_minus", "starter_flag", "is_active", "is_dnp"}
    assert unread(catalogue, "player_game_summary") == of_box_scores
    assert unread(catalogue, "nba_schedule") == {"is_playoffs"}
    assert unread(catalogue, "upcoming_player_game_context") == set()
    assert catalogue.as_read(COMPOSITE) == catalogue.table(COMPOSITE)
    texts = {
        "SELECT player_lookup, game_date, 1 AS games, plus_minus FROM expected": of_box_scores - {"plus_minus"},
        "SELECT *, 1 AS games FROM nba_analytics.player_game_summary WHERE game_date = @game_date": set(),
        "SELECT b.*, 1 AS games FROM nba_analytics.player_game_summary AS b": set(),
        "SELECT player_lookup, 2 * COUNT(*) AS games FROM nba_analytics.player_game_summary": of_box_scores,
    }
    for number, (text, left) in enumerate(texts.items()):
        more = Catalogue([*FOLDERS, table_folder(tmp_path / str(number), sql={"build": text})])
        assert unread(more, "player_game_summary") == left, text


def test_a_table_without_a_build_has_no_gate_and_no_coverage(catalogue: Catalogue) -> None:
    schedule, source = catalogue.table("nba_schedule"), catalogue.build(COMPOSITE).fallback
    with pytest.raises(ValueError, match="nba_schedule is not a derived table"):
        gate_query(catalogue, schedule, "staged")
    with pytest.raises(ValueError, match="source synthetic has no table to check"):
        queries.coverage(catalogue, catalogue.table(COMPOSITE), source, with_missing=False)


def test_the_code_version_is_short_and_stays_the_same() -> None:
    one, other = (Catalogue(FOLDERS) for _ in range(2))
    for name in DERIVED:
        assert re.fullmatch(r"[0-9a-f]{12}", one.code_version(name))
        assert one.code_version(name) == other.code_version(name)
    assert len({one.code_version(name) for name in DERIVED}) == 3


def test_the_catalogue_is_read_once(settings: Settings) -> None:
    assert load_catalogue(settings) is load_catalogue(load_settings())


def some_league() -> League:
    """A day with a past, for which both sources have rows."""
    league = League()
    for day in (date(2023, 1, 15), date(2023, 1, 18), DAY):
        league.game(day, "BOS", "LAL", players=5)
    league.expect_upcoming(DAY, [f"bos{number}" for number in range(1, 6)])
    return league
