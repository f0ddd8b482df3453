-- Grain: player_lookup, game_id, as loaded. Every appearance, and who it is of. has_no_telling_id: nothing tells. It has no
-- id where its player_lookup has several, or one that is not that of more than half of its player_lookup's last 10 games
-- for the team; the first is believed.
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
  COALESCE(universal_player_id, only_id, player_lookup) AS person,
  (universal_player_id IS NULL AND ids > 1) OR (
    universal_player_id IS NOT NULL
    AND place > 1
    AND 2 * COUNT(*) OVER (
      PARTITION BY season_year, team_abbr, player_lookup, universal_player_id
      ORDER BY place RANGE BETWEEN 10 PRECEDING AND 1 PRECEDING
    ) <= LEAST(place - 1, 10)
  ) AS has_no_telling_id
FROM placed
