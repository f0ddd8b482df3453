-- Grain: player_lookup. The ids under which a player's box scores stand, from @from_date to @game_date. A row without an
-- id belongs to the one id of its player_lookup; where there are several, nothing tells whose it is. An empty id is none.
SELECT player_lookup, COUNT(DISTINCT id) AS ids, IF(COUNT(DISTINCT id) = 1, MIN(id), NULL) AS only_id
FROM (
  SELECT player_lookup, NULLIF(TRIM(universal_player_id), '') AS id
  FROM nba_analytics.player_game_summary
  WHERE game_date BETWEEN @from_date AND @game_date
)
GROUP BY player_lookup
