-- Grain: season_year. The days of each season: from August to July; that of 2019 ended in October 2020. A game belongs to
-- the season of its day, whatever its season_year says.
SELECT
  year AS season_year,
  IF(year = 2020, DATE '2020-10-12', DATE(year, 8, 1)) AS first_day,
  IF(year = 2019, DATE '2020-10-11', DATE(year + 1, 7, 31)) AS last_day
FROM UNNEST(GENERATE_ARRAY(1946, EXTRACT(YEAR FROM @game_date) + 2)) AS year
