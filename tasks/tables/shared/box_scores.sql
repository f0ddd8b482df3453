-- Grain: player_lookup, game_id, as loaded. Every appearance, and whether anything tells whose it is (has_no_telling_id):
-- it has an id where its player_lookup has several, and that of more than half of its last 10 games for the team.
WITH placed AS (
  SELECT
    *,
    RANK() OVER (
      PARTITION BY season_year, team_abbr, player_lookup, universal_player_id IS NULL ORDER BY game_date, game_id
    ) AS place
  FROM appearances
)
SELECT
  *,
  has_no_id OR (
    universal_player_id IS NOT NULL
    AND place > 1
    AND 2 * COUNT(*) OVER (
      PARTITION BY season_year, team_abbr, player_lookup, universal_player_id
      ORDER BY place RANGE BETWEEN 10 PRECEDING AND 1 PRECEDING
    ) <= LEAST(place - 1, 10)
  ) AS has_no_telling_id
FROM placed
