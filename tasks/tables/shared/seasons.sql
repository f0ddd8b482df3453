-- Grain: season_year. The first day of every season that has a game from @from_date to @game_date; without exhibitions.
-- A game is one of the regular season unless its flag says otherwise.
SELECT
  season_year,
  MIN(IF(COALESCE(is_regular_season, TRUE), game_date, NULL)) AS season_start,
  MIN(game_date) AS first_date,
  MAX(game_date) AS last_date
FROM nba_reference.nba_schedule
WHERE game_date BETWEEN DATE_SUB(@from_date, INTERVAL 366 DAY) AND DATE_ADD(@game_date, INTERVAL 366 DAY)
  AND NOT COALESCE(is_all_star, FALSE)
  AND NOT STARTS_WITH(game_id, '001')
  AND NOT STARTS_WITH(game_id, '003')
GROUP BY season_year
