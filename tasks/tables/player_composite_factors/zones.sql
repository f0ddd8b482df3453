-- Grain: person, game_date, from @first_date to @game_date. Where each player shoots from, as of the day.
SELECT z.*, COALESCE(z.universal_player_id, p.only_id, z.player_lookup) AS person, z.analysis_date AS game_date
FROM nba_precompute.player_shot_zone_analysis AS z
LEFT JOIN people AS p ON p.player_lookup = z.player_lookup
WHERE z.analysis_date BETWEEN @first_date AND @game_date
