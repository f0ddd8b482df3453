-- Grain: season_year. The first regular-season day of every season that has a game from @from_date to @game_date.
SELECT
  season_year,
  MIN(IF(is_regular_season, game_date, NULL)) AS season_start,
  MIN(game_date) AS first_date,
  MAX(game_date) AS last_date
FROM nba_reference.nba_schedule
WHERE game_date BETWEEN DATE_SUB(@from_date, INTERVAL 366 DAY) AND DATE_ADD(@game_date, INTERVAL 366 DAY)
GROUP BY season_year
