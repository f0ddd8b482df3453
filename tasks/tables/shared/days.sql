-- Grain: game_date, every day from @first_date to @game_date, and the season that it belongs to: the last one of which a
-- game was scheduled or played on it or before it.
SELECT day AS game_date, MAX(known.season_year) AS season_year
FROM UNNEST(GENERATE_DATE_ARRAY(@first_date, @game_date)) AS day
JOIN (
  SELECT game_date, season_year FROM scheduled_sides
  UNION DISTINCT
  SELECT game_date, season_year FROM played
) AS known
  ON known.game_date <= day
GROUP BY day
