-- Grain: who (a team), game_date, from @first_date to @game_date. The games that a row looks back on and that are not loaded
-- as they were played; only rows with such games.
SELECT
  a.team_abbr AS who,
  a.analysis_date AS game_date,
  COUNT(DISTINCT h.game) AS own_missing,
  STRING_AGG(DISTINCT h.game, ', ' ORDER BY h.game) AS missing_games
FROM as_of AS a
JOIN holes AS h
  ON h.season_year = a.season_year
  AND h.team_abbr = a.team_abbr
  AND h.game_date >= a.fifteenth_game
  AND h.game_date < a.analysis_date
GROUP BY a.team_abbr, a.analysis_date
