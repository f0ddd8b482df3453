-- Grain: who (a person), game_date, from @first_date to @game_date. The games that a row looks back on and that are not loaded
-- as they were played; only rows with such games.
SELECT
  a.person AS who,
  a.analysis_date AS game_date,
  COUNT(DISTINCT h.game) AS own_missing,
  STRING_AGG(DISTINCT h.game, ', ' ORDER BY h.game) AS missing_games
FROM as_of AS a
JOIN holes AS h
  ON h.season_year = a.season_year
  AND h.team_abbr IN (a.team_abbr, a.previous_team)
  AND h.game_date >= a.tenth_game
  AND h.game_date < a.analysis_date
GROUP BY a.person, a.analysis_date
