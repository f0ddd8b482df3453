-- Grain: game_date, team_abbr. Since when a team's last 10 and last 15 games of the season before were played; the
-- beginning of all where it had less.
SELECT
  game_date,
  team_abbr,
  LAG(game_date, 10, DATE '1946-01-01') OVER (PARTITION BY season_year, team_abbr ORDER BY game_date) AS tenth_game,
  LAG(game_date, 15, DATE '1946-01-01') OVER (PARTITION BY season_year, team_abbr ORDER BY game_date) AS fifteenth_game
FROM audit
WHERE status NOT IN ('moved', 'exhibition')
