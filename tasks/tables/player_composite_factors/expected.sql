-- Grain: player_lookup, game_id. The players who are expected, from @first_date to @game_date.
SELECT *
FROM expected_players
WHERE game_date >= @first_date
