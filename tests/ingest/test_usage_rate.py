"""Usage, against rows worked out by hand."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.ingest.usage import Plays, team_plays, usage_rate

pytestmark = pytest.mark.no_server

# 100 * ((18 + 0.44 * 5 + 3) * (240 / 5)) / (36 * (90 + 0.44 * 25 + 14)) = 100 * 1113.6 / 4140
STAR = Plays(minutes=36.0, fg_attempts=18, ft_attempts=5, turnovers=3)
OTHERS = Plays(minutes=204.0, fg_attempts=72, ft_attempts=20, turnovers=11)
COUNT = st.integers(0, 40)


def test_usage_is_the_formula_of_basketball_reference() -> None:
    assert usage_rate(STAR, team_plays([STAR, OTHERS])) == 26.898551


def test_a_team_of_equals_has_20_percent_each() -> None:
    player = Plays(48.0, 17, 4, 2)
    assert usage_rate(player, team_plays([player] * 5)) == 20.0


@pytest.mark.parametrize("field", Plays._fields)
def test_usage_is_unknown_if_a_value_of_the_player_or_of_a_team_mate_is(field: str) -> None:
    unknown = OTHERS._replace(**{field: None})
    team = team_plays([STAR, unknown])
    assert usage_rate(STAR, team) is None
    assert usage_rate(unknown, team_plays([STAR, OTHERS])) is None


def test_usage_is_unknown_without_minutes_or_without_plays_of_the_team() -> None:
    idle = Plays(0.0, 0, 0, 0)
    assert usage_rate(idle, team_plays([STAR, idle])) is None
    still = Plays(48.0, 0, 0, 0)
    assert usage_rate(still, team_plays([still] * 5)) is None


@given(st.data(), st.lists(st.builds(Plays, st.floats(0, 60), COUNT, COUNT, COUNT), min_size=1, max_size=15))
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # other tests may be using the machine
def test_usage_does_not_depend_on_the_order_of_the_team(data: st.DataObject, players: list[Plays]) -> None:
    assert team_plays(data.draw(st.permutations(players))) == team_plays(players)
