-- Grain: player_lookup. Every player with a game of the season before @game_date.
SELECT DISTINCT player_lookup
FROM played
WHERE game_date < @game_date
