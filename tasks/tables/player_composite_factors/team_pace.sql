-- Grain: game_date, team_abbr. The mean pace of a team's last 10 games of the season before, of those where it is known.
SELECT
  game_date,
  team_abbr,
  SAFE_DIVIDE(
    CAST(
      SUM(pace) OVER (PARTITION BY season_year, team_abbr ORDER BY game_date ROWS BETWEEN 10 PRECEDING AND 1 PRECEDING)
      AS FLOAT64
    ),
    COUNT(pace) OVER (PARTITION BY season_year, team_abbr ORDER BY game_date ROWS BETWEEN 10 PRECEDING AND 1 PRECEDING)
  ) AS pace
FROM paces
