-- Grain: season_year. The first day of every season that has a game from @from_date to @game_date; without exhibitions.
-- A game is one of the regular season unless its flag says otherwise.
SELECT
  y.season_year,
  MIN(IF(COALESCE(is_regular_season, TRUE), game_date, NULL)) AS season_start,
  MIN(game_date) AS first_date,
  MAX(game_date) AS last_date
FROM nba_reference.nba_schedule
JOIN season_spans AS y ON game_date BETWEEN y.first_day AND y.last_day
WHERE game_date BETWEEN DATE_SUB(@from_date, INTERVAL 366 DAY) AND DATE_ADD(@game_date, INTERVAL 366 DAY)
  AND NOT (COALESCE(is_all_star, FALSE) AND NOT REGEXP_CONTAINS(game_id, '^00[2456]'))
  AND NOT REGEXP_CONTAINS(game_id, '^00[13]')
GROUP BY y.season_year
