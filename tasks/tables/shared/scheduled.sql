-- Grain: game_date, team_abbr, opponent_team_abbr. The schedule of each team, from @from_date to the day after
-- @game_date, whatever the ids of its games. A game that is not final and stands on a later day too, or that was called
-- off, is not due. A final one may have been moved: its id is final on a later day.
WITH last_days AS (
  SELECT game_id, season_year, MAX(game_date) AS last_date, MAX(IF(is_final, game_date, NULL)) AS last_final_date
  FROM scheduled_sides
  GROUP BY game_id, season_year
)
SELECT
  s.game_date,
  s.team_abbr,
  s.opponent_team_abbr,
  MAX(s.season_year) AS season_year,
  MIN(s.label) AS label,
  LOGICAL_OR(s.is_home) AS is_home,
  LOGICAL_OR(s.is_final) AS is_final,
  LOGICAL_OR(s.is_disputed) AS is_disputed,
  LOGICAL_OR(s.is_exhibition) AS is_exhibition,
  LOGICAL_AND(COALESCE(l.last_final_date > s.game_date, FALSE) OR s.is_off) AS may_be_moved,
  MAX(IF(s.is_final, s.score, NULL)) AS score
FROM scheduled_sides AS s
JOIN last_days AS l ON l.game_id = s.game_id AND l.season_year = s.season_year
WHERE s.game_date <= DATE_ADD(@game_date, INTERVAL 1 DAY)
  AND (s.is_final OR NOT (l.last_date > s.game_date OR s.is_off))
GROUP BY s.game_date, s.team_abbr, s.opponent_team_abbr
