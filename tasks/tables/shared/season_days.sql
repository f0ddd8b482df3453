-- Grain: game_date, every day from @first_date to @game_date. The season of each day, and how many games the schedule has
-- of it: exhibitions do not count, nor games that were called off or moved to a later day.
SELECT day AS game_date, y.season_year, COALESCE(due.games, 0) AS games
FROM UNNEST(GENERATE_DATE_ARRAY(@first_date, @game_date)) AS day
JOIN season_spans AS y ON day BETWEEN y.first_day AND y.last_day
LEFT JOIN (
  SELECT game_date, COUNT(DISTINCT label) AS games
  FROM scheduled
  WHERE NOT is_exhibition AND NOT may_be_moved
  GROUP BY game_date
) AS due
  ON due.game_date = day
