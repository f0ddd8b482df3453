-- Grain: game_date, team_abbr. The games of a team that a later day cannot look back on as they were played: what is wrong
-- with one side of a game is wrong for the other, whose defence is measured by it.
SELECT season_year, game_date, team_abbr, CONCAT(CAST(game_date AS STRING), ' ', label) AS game
FROM audit
WHERE problem IS NOT NULL
UNION DISTINCT
SELECT season_year, game_date, opponent_team_abbr AS team_abbr, CONCAT(CAST(game_date AS STRING), ' ', label) AS game
FROM audit
WHERE problem IS NOT NULL
