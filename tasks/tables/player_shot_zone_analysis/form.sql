-- Grain: player_lookup, game_id. The last 10 games of each player of the season, as they stood after each of his games,
-- until his next.
WITH charts AS (
  SELECT
    *,
    COALESCE(paint_attempts + mid_range_attempts + three_pt_attempts = fg_attempts, FALSE) AS charted,
    three_pt_makes IS NOT NULL AND three_pt_attempts IS NOT NULL AS has_threes
  FROM played
)
SELECT
  season_year,
  person,
  player_lookup,
  universal_player_id,
  game_date,
  LEAD(game_date) OVER player_games AS next_game,
  LAG(game_date, 9, DATE '1946-01-01') OVER player_games AS tenth_game,
  team_abbr,
  LAG(team_abbr) OVER player_games AS previous_team,
  COUNT(*) OVER last_10 AS games,
  COUNT(IF(charted, 1, NULL)) OVER last_10 AS charted_games,
  SUM(IF(charted, paint_makes, NULL)) OVER last_10 AS paint_makes,
  SUM(IF(charted, paint_attempts, NULL)) OVER last_10 AS paint,
  SUM(IF(charted, mid_range_makes, NULL)) OVER last_10 AS mid_range_makes,
  SUM(IF(charted, mid_range_attempts, NULL)) OVER last_10 AS mid_range,
  SUM(IF(charted, three_pt_attempts, NULL)) OVER last_10 AS three_pt,
  SUM(IF(has_threes, three_pt_makes, NULL)) OVER last_10 AS all_three_pt_makes,
  SUM(IF(has_threes, three_pt_attempts, NULL)) OVER last_10 AS all_three_pt
FROM charts
WINDOW
  player_games AS (
    PARTITION BY season_year, person
    ORDER BY
      game_date, game_id, team_abbr, player_lookup, minutes_played, fg_attempts, paint_attempts, paint_makes,
      mid_range_attempts, mid_range_makes, three_pt_attempts, three_pt_makes -- one order, of two games on a day too
  ),
  last_10 AS (player_games ROWS BETWEEN 9 PRECEDING AND CURRENT ROW)
