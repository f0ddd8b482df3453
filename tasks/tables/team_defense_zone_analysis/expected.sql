-- Grain: team_abbr, game_date. Every team with a game of the season before the day, from @first_date to @game_date.
SELECT team_abbr, analysis_date AS game_date
FROM as_of
