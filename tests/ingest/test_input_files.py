"""Reading input files: what is found, what is refused, and where a row is said to be."""

import gzip
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.errors import IngestError
from tasks.ingest.cells import Problem
from tasks.ingest.files import inspect, read_lines
from tasks.ingest.game_log_row import GameLogRow
from tasks.ingest.schedule_file import ScheduleRow
from tests.ingest.files import game_rows, log_row, schedule_row, write_csv, write_parquet


def test_a_csv_file_may_be_compressed(tmp_path: Path) -> None:
    plain = Path(write_csv(tmp_path / "log.csv", game_rows()))
    (tmp_path / "log.csv.gz").write_bytes(gzip.compress(plain.read_bytes()))
    assert list(read_lines(tmp_path / "log.csv.gz", GameLogRow)) == list(read_lines(plain, GameLogRow))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda text: text.replace(b"Den 3", b"Joki\xf1"), "line 4 is not UTF-8 text"),
        (lambda text: text.replace(b"Den 3", b'"Den 3'), "line 4 is not valid CSV: unexpected end of data"),
        (lambda text: text.replace(b"Den 3", b'"Den" 3'), "line 4 is not valid CSV: .*quotation mark"),
        (lambda text: text.replace(b"Den 3", b"x" * 200_000), "line 4 is not valid CSV: field larger"),
        (lambda text: text + b"0" * 2_000_000, "line 12 has 1,000,000 characters or more"),
    ],
    ids=["an encoding", "an open quotation", "a quotation that ends early", "a field", "a line"],
)
def test_what_is_wrong_with_a_csv_file_is_said_with_its_line(
    tmp_path: Path, damage: Callable[[bytes], bytes], message: str
) -> None:
    plain = Path(write_csv(tmp_path / "log.csv", game_rows()))
    plain.write_bytes(damage(plain.read_bytes()))
    (tmp_path / "log.csv.gz").write_bytes(gzip.compress(plain.read_bytes()))
    for path in (plain, tmp_path / "log.csv.gz"):
        with pytest.raises(IngestError, match=f"{path}: {message}"):
            inspect(path, GameLogRow)


@pytest.mark.parametrize(
    "damage",
    [lambda data: data[:60], lambda data: data[10:], lambda data: data[:40] + data[44:]],
    ids=["cut off", "without its head", "with a hole"],
)
def test_a_damaged_compressed_file_is_refused(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    plain = Path(write_csv(tmp_path / "log.csv", game_rows()))
    path = tmp_path / "log.csv.gz"
    path.write_bytes(damage(gzip.compress(plain.read_bytes())))
    with pytest.raises(IngestError, match=f"{path}: "):
        inspect(path, GameLogRow)


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("GAME_DATE", pa.array([2**62] * 10, pa.timestamp("us"))),
        ("GAME_DATE", pa.array([0] * 10, pa.timestamp("us", tz="Mars/Base"))),
        ("GAME_DATE", pa.array([2**31 - 1] * 10, pa.date32())),
    ],
    ids=["a year past 9999", "a time zone that is none", "a day past all years"],
)
def test_a_value_that_cannot_be_is_said_with_its_column(tmp_path: Path, column: str, values: pa.Array) -> None:
    table = pa.Table.from_pylist(game_rows())
    path = tmp_path / "log.parquet"
    pq.write_table(table.set_column(table.schema.get_field_index(column), column, values), path)
    with pytest.raises(IngestError, match=f"{path}: column {column}, rows 1 to 10: a value cannot be read"):
        inspect(path, GameLogRow)


def test_a_small_parquet_file_cannot_take_all_memory(tmp_path: Path) -> None:
    row = pa.Table.from_pylist([log_row(FG_PCT=0.5)])

    def write(rows: int, name: str) -> Path:
        table = row.set_column(row.schema.get_field_index("PLAYER_NAME"), "PLAYER_NAME", pa.array([name]))
        same = pa.array([0] * rows, pa.int32())
        columns = {
            name: pa.DictionaryArray.from_arrays(same, table[name].combine_chunks()) for name in table.column_names
        }
        pq.write_table(pa.table(columns), tmp_path / "log.parquet", compression="zstd", store_schema=False)
        return tmp_path / "log.parquet"

    long_text = write(10_000, "x" * 2_000_000)
    assert long_text.stat().st_size < 20_000
    with pytest.raises(IngestError, match="column PLAYER_NAME has a text of 2,000,000 bytes"):
        inspect(long_text, GameLogRow)
    with pytest.raises(IngestError, match=r"log\.parquet: has more than 1,000,000 rows"):
        inspect(write(1_000_001, "Den"), GameLogRow)


@pytest.mark.parametrize(
    "changes",
    [
        {"TOV": "TO"},
        {"FGM": "FG", "FG3M": "3P", "FG3A": "3PA", "FTM": "FT", "OREB": "ORB", "DREB": "DRB", "PLUS_MINUS": "+/-"},
        {"PTS": "points", "TOV": "turnovers", "MIN": "minutes_played", "TEAM_ABBREVIATION": "team_abbr"},
    ],
    ids=["box scores of the league", "Basketball-Reference", "player_game_summary"],
)
def test_columns_are_known_by_the_names_of_other_sources(tmp_path: Path, changes: dict[str, str]) -> None:
    given = log_row(PTS=21, TOV=3)
    path = write_csv(tmp_path / "log.csv", [{changes.get(name, name): value for name, value in given.items()}])
    ((_, cells),) = read_lines(Path(path), GameLogRow)
    assert isinstance(cells, dict)
    assert {name: cells[name] for name in changes} == {name: f"{given[name]}" for name in changes}


def test_another_name_of_a_column_does_not_count_beside_the_column(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "log.csv", [log_row(TOV=3) | {"TO": 9, "TEAM": "Denver Nuggets"}])
    ((_, cells),) = read_lines(Path(path), GameLogRow)
    assert isinstance(cells, dict)
    assert (cells["TOV"], cells["TEAM_ABBREVIATION"]) == ("3", "DEN")


def test_columns_are_found_by_name_in_any_case_and_order(tmp_path: Path) -> None:
    row = {f" {column.title()} ": value for column, value in reversed(log_row().items())}
    ((_, cells),) = read_lines(Path(write_csv(tmp_path / "log.csv", [row])), GameLogRow)
    assert isinstance(cells, dict)
    assert cells["PLAYER_NAME"] == "Reggie Jackson"
    assert "WL" not in cells


def test_a_file_without_columns_that_are_needed_says_which_and_what_is_there(tmp_path: Path) -> None:
    row = {column: value for column, value in log_row().items() if column not in ("MIN", "MATCHUP")}
    for path in (write_csv(tmp_path / "log.csv", [row]), write_parquet(tmp_path / "log.parquet", [row])):
        with pytest.raises(
            IngestError, match=r"log\.\w+: columns missing: MATCHUP, MIN; there are: SEASON_ID, GAME_ID"
        ):
            inspect(Path(path), GameLogRow)


def test_a_file_with_other_separators_is_asked_whether_they_are_commas(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("GAME_ID;GAME_DATE;MIN\n22200901;2023-02-23;20\n")
    with pytest.raises(IngestError, match="are the columns separated by commas"):
        inspect(tmp_path / "log.csv", GameLogRow)


def test_a_schedule_needs_scores_or_a_status(tmp_path: Path) -> None:
    row = {column: value for column, value in schedule_row().items() if column != "AWAY_PTS"}
    with pytest.raises(IngestError, match="columns missing: HOME_PTS with AWAY_PTS or GAME_STATUS"):
        inspect(Path(write_csv(tmp_path / "games.csv", [row])), ScheduleRow)
    assert inspect(Path(write_csv(tmp_path / "games.csv", [row | {"game_status": 3}])), ScheduleRow) == 1


def test_a_column_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "log.csv", [log_row() | {"pts": 4}])
    with pytest.raises(IngestError, match="two columns for PTS"):
        inspect(Path(path), GameLogRow)


@pytest.mark.parametrize("value", [[1], {"made": 1}, b"1", True])
def test_a_column_of_an_impossible_type_is_refused(tmp_path: Path, value: Any) -> None:
    with pytest.raises(IngestError, match=r"column PTS is of type .* it must hold numbers, texts or days"):
        inspect(Path(write_parquet(tmp_path / "log.parquet", [log_row(PTS=value)])), GameLogRow)


def test_a_flag_may_be_boolean(tmp_path: Path) -> None:
    assert (
        inspect(Path(write_parquet(tmp_path / "log.parquet", [log_row(IS_DNP=False, STARTER=True)])), GameLogRow) == 1
    )


def break_with(content: bytes) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        path.write_bytes(content)

    return write


def cut_in_half(path: Path) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])


def damage_a_page(path: Path) -> None:
    whole = bytearray(path.read_bytes())
    whole[40:400] = bytes(360)
    path.write_bytes(whole)


@pytest.mark.parametrize(
    ("name", "damage", "message"),
    [
        ("log.csv", break_with(b""), "is empty; its first line must name the columns"),
        ("log.csv", break_with(b"\xff\xfe\x00G\x00A"), "is not UTF-8 text"),
        ("log.csv", break_with(b'GAME_ID,"MIN\n1,2\n'), "is not valid CSV: unexpected end of data"),
        ("log.csv", break_with(b"GAME_ID,MIN\n1,\x00\n"), "columns missing"),
        ("log.parquet", break_with(b""), "is not a Parquet file, or is damaged"),
        ("log.parquet", break_with(b"GAME_ID,MIN\n1,2\n"), "is not a Parquet file, or is damaged"),
        ("log.parquet", cut_in_half, "is not a Parquet file, or is damaged"),
        ("log.parquet", damage_a_page, r"is not a Parquet file, or is damaged|cannot be read"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(
    tmp_path: Path, name: str, damage: Callable[[Path], None], message: str
) -> None:
    path = tmp_path / name
    (write_csv if path.suffix == ".csv" else write_parquet)(path, game_rows())
    damage(path)
    with pytest.raises(IngestError, match=rf"{name}: .*({message})"):
        inspect(path, GameLogRow)


@pytest.mark.parametrize("write", [write_csv, write_parquet])
def test_a_file_with_columns_and_no_rows_is_refused(tmp_path: Path, write: Callable[..., str]) -> None:
    path = tmp_path / f"log.{'csv' if write is write_csv else 'parquet'}"
    write(path, [log_row()])
    if path.suffix == ".csv":
        path.write_text(path.read_text().splitlines()[0] + "\n\n")
    else:
        pq.write_table(pq.read_table(path).slice(0, 0), path)
    with pytest.raises(IngestError, match="has no rows"):
        inspect(path, GameLogRow)


def test_a_csv_row_is_named_by_its_line_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    write_csv(path, [log_row(PLAYER_NAME="A"), log_row(PLAYER_NAME="B\nB"), log_row(PLAYER_NAME="C")])
    lines = path.read_text(encoding="utf-8").replace("\r\n", "\n").split("\n")
    lines.insert(1, "")  # a blank line
    path.write_text("\n".join(lines), encoding="utf-8")
    found = {cells["PLAYER_NAME"]: line for line, cells in read_lines(path, GameLogRow) if isinstance(cells, dict)}
    assert found == {"A": 3, "B\nB": 4, "C": 6}


def test_a_csv_file_may_start_with_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "games.csv"
    write_csv(path, [schedule_row()])
    path.write_text(path.read_text(), encoding="utf-8-sig")
    assert inspect(path, ScheduleRow) == 1


def test_a_csv_row_with_too_many_or_too_few_values_is_a_problem_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "games.csv"
    write_csv(path, [schedule_row()])
    path.write_text(path.read_text() + "0022200902,2023-02-23\n" + "1,2,3,4,5,6,7,8\n")
    assert [row for row in read_lines(path, ScheduleRow) if isinstance(row[1], Problem)] == [
        (3, Problem("", "2 values", "must have 7, as the header has")),
        (4, Problem("", "8 values", "must have 7, as the header has")),
    ]


def test_a_parquet_row_is_named_by_its_number_over_all_batches(tmp_path: Path) -> None:
    path = tmp_path / "log.parquet"
    rows = [log_row(PLAYER_ID=number) for number in range(1, 5001)]
    pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=999)
    found = [(line, cells["PLAYER_ID"]) for line, cells in read_lines(path, GameLogRow) if isinstance(cells, dict)]
    assert found == [(number, number) for number in range(1, 5001)]


def test_parquet_timestamps_and_categories_are_read_as_days_and_texts(tmp_path: Path) -> None:
    table = pa.table(
        {
            **{column: [value] for column, value in log_row().items()},
            "GAME_DATE": pa.array([datetime(2023, 2, 23)], pa.timestamp("ns")),  # noqa: DTZ001
            "MATCHUP": pa.array(["DEN @ CLE"]).dictionary_encode(),
        }
    )
    pq.write_table(table, tmp_path / "log.parquet")
    ((_, cells),) = read_lines(tmp_path / "log.parquet", GameLogRow)
    row = GameLogRow.model_validate(cells)
    assert row.game_date == date(2023, 2, 23)
    assert row.matchup.home == "CLE"
