-- Grain: game_date, team_abbr. The games of a team that a later day cannot look back on as they were played.
SELECT season_year, game_date, team_abbr, CONCAT(CAST(game_date AS STRING), ' ', label) AS game
FROM audit
WHERE problem IS NOT NULL
