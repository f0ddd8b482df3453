-- Grain: team_abbr. Every team with a game of the season before @game_date.
SELECT DISTINCT team_abbr
FROM played
WHERE game_date < @game_date
