-- Grain: player_lookup, universal_player_id, game_date. Every player with a game of the season before the day, by the
-- name and the id of his last one, from @first_date to @game_date.
SELECT player_lookup, universal_player_id, analysis_date AS game_date
FROM as_of
