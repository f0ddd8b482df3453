-- Grain: game_date, team_abbr. What each team allowed by zone in each game of the season.
SELECT
  season_year,
  opponent_team_abbr AS team_abbr,
  game_date,
  LOGICAL_AND(COALESCE(paint_attempts + mid_range_attempts + three_pt_attempts = fg_attempts, FALSE)) AS charted,
  SUM(paint_makes) AS paint_makes,
  SUM(paint_attempts) AS paint,
  SUM(mid_range_makes) AS mid_range_makes,
  SUM(mid_range_attempts) AS mid_range,
  SUM(three_pt_attempts) AS three_pt,
  SUM(IF(three_pt_attempts IS NULL, NULL, three_pt_makes)) AS all_three_pt_makes,
  SUM(IF(three_pt_makes IS NULL, NULL, three_pt_attempts)) AS all_three_pt
FROM played
GROUP BY season_year, opponent_team_abbr, game_date
