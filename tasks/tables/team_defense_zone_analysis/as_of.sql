-- Grain: team_abbr, analysis_date. The last games of each team, as of every day from @first_date to @game_date.
SELECT
  form.*,
  d.game_date AS analysis_date
FROM form
JOIN days AS d
  ON d.season_year = form.season_year
  AND d.game_date > form.game_date
  AND d.game_date <= COALESCE(form.next_game, d.game_date)
