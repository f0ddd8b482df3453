-- Grain: game_date, team_abbr, from @from_date to @game_date. The pace of a team's game, in possessions per 48 minutes:
-- 48 x (FGA + 0.44 FTA - OREB + TOV), own and opponent's averaged, / (team minutes / 5); NULL where one of them is
-- unknown. Possessions are counted in hundredths, so that sums are exact.
WITH team_game AS (
  SELECT
    season_year,
    game_date,
    team_abbr,
    MIN(opponent_team_abbr) AS opponent_team_abbr,
    IF(COUNT(minutes_played) < COUNT(*), NULL, CAST(SUM(CAST(minutes_played AS NUMERIC)) AS FLOAT64)) AS minutes,
    IF(
      COUNT(fg_attempts + ft_attempts + offensive_rebounds + turnovers) < COUNT(*),
      NULL,
      SUM(100 * fg_attempts + 44 * ft_attempts - 100 * offensive_rebounds + 100 * turnovers)
    ) AS possessions_x100
  FROM played
  GROUP BY season_year, game_date, team_abbr
),
sides AS (
  SELECT season_year, game_date, team_abbr, MIN(opponent_team_abbr) AS opponent_team_abbr
  FROM (
    SELECT season_year, game_date, team_abbr, opponent_team_abbr FROM played
    UNION DISTINCT
    SELECT season_year, game_date, opponent_team_abbr AS team_abbr, team_abbr AS opponent_team_abbr FROM played
  )
  GROUP BY season_year, game_date, team_abbr
)
SELECT
  side.season_year,
  side.game_date,
  side.team_abbr,
  CAST(
    SAFE_DIVIDE(48 * (own.possessions_x100 + other.possessions_x100) / 200, own.minutes / 5) AS NUMERIC
  ) AS pace
FROM sides AS side
LEFT JOIN team_game AS own ON own.game_date = side.game_date AND own.team_abbr = side.team_abbr
LEFT JOIN team_game AS other
  ON other.game_date = side.game_date AND other.team_abbr = side.opponent_team_abbr
