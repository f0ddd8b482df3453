-- Grain: game_date. The days to build, from @first_date to @game_date: those on which somebody played, and their seasons.
SELECT game_date, MAX(season_year) AS season_year
FROM played
WHERE game_date >= @first_date
GROUP BY game_date
