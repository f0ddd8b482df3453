-- Grain: game_date, team_abbr. The last 15 games of each team of the season, as they stood after each of its games, until
-- its next.
SELECT
  season_year,
  team_abbr,
  game_date,
  LEAD(game_date) OVER team_games AS next_game,
  LAG(game_date, 14, DATE '1946-01-01') OVER team_games AS fifteenth_game,
  COUNT(*) OVER last_15 AS games,
  COUNT(IF(charted, 1, NULL)) OVER last_15 AS charted_games,
  SUM(IF(charted, paint_makes, NULL)) OVER last_15 AS paint_makes,
  SUM(IF(charted, paint, NULL)) OVER last_15 AS paint,
  SUM(IF(charted, mid_range_makes, NULL)) OVER last_15 AS mid_range_makes,
  SUM(IF(charted, mid_range, NULL)) OVER last_15 AS mid_range,
  SUM(IF(charted, three_pt, NULL)) OVER last_15 AS three_pt,
  SUM(all_three_pt_makes) OVER last_15 AS all_three_pt_makes,
  SUM(all_three_pt) OVER last_15 AS all_three_pt
FROM allowed
WINDOW
  team_games AS (PARTITION BY season_year, team_abbr ORDER BY game_date),
  last_15 AS (PARTITION BY season_year, team_abbr ORDER BY game_date ROWS BETWEEN 14 PRECEDING AND CURRENT ROW)
