-- Grain: player_lookup, game_id. The players who are expected on @game_date.
SELECT *
FROM expected_players
WHERE game_date = @game_date
