-- Grain: game_date, every day from @first_date to @game_date. Are the box scores of the day, and of the season before it,
-- all that was played? The audit goes back to @from_date. The schedule speaks of a day that has a game, or that lies
-- between two that have one: of a season, at most two weeks apart, or from one season to the next. The one pause within
-- a season was that of 2020.
WITH calendar AS (
  SELECT day AS game_date FROM UNNEST(GENERATE_DATE_ARRAY(@first_date, @game_date)) AS day
),
known_days AS (
  SELECT game_date, y.season_year, game_date AS scheduled_date
  FROM nba_reference.nba_schedule
  JOIN season_spans AS y ON game_date BETWEEN y.first_day AND y.last_day
  WHERE game_date BETWEEN DATE_SUB(@first_date, INTERVAL 200 DAY) AND DATE_ADD(@game_date, INTERVAL 200 DAY)
  UNION ALL
  SELECT game_date, CAST(NULL AS INT64) AS season_year, CAST(NULL AS DATE) AS scheduled_date FROM calendar
),
neighbours AS (
  SELECT
    game_date,
    MAX(scheduled_date) OVER (ORDER BY game_date) AS previous_date,
    MAX(season_year) OVER (ORDER BY game_date) AS previous_season,
    MIN(scheduled_date) OVER (ORDER BY game_date DESC) AS next_date,
    MIN(season_year) OVER (ORDER BY game_date DESC) AS next_season
  FROM known_days
),
spoken_days AS (
  SELECT
    game_date,
    LOGICAL_OR(
      COALESCE(DATE_DIFF(next_date, previous_date, DAY) <= IF(previous_season = next_season, 14, 150), FALSE)
      OR (game_date BETWEEN DATE '2020-03-12' AND DATE '2020-07-29' AND previous_season = next_season)
    ) AS is_scheduled
  FROM neighbours
  GROUP BY game_date
),
by_day AS (
  SELECT
    game_date,
    MAX(season_year) AS season_year,
    COUNT(DISTINCT IF(status IN ('final', 'pending'), label, NULL)) AS scheduled_games,
    COUNT(DISTINCT IF(status = 'final', label, NULL)) AS final_games,
    COUNT(DISTINCT IF(status = 'final' AND problem IS NOT NULL, label, NULL)) AS broken_games,
    STRING_AGG(DISTINCT IF(problem = 'incomplete', detail, NULL), '; ' ORDER BY IF(problem = 'incomplete', detail, NULL))
      AS missing_games,
    STRING_AGG(DISTINCT IF(status = 'pending', label, NULL), ', ' ORDER BY IF(status = 'pending', label, NULL))
      AS pending_games,
    STRING_AGG(
      DISTINCT IF(status = 'unscheduled', detail, NULL), ', ' ORDER BY IF(status = 'unscheduled', detail, NULL)
    ) AS unscheduled_games,
    STRING_AGG(DISTINCT IF(problem = 'conflict', detail, NULL), '; ' ORDER BY IF(problem = 'conflict', detail, NULL))
      AS conflicting_games,
    STRING_AGG(DISTINCT IF(problem = 'double', detail, NULL), '; ' ORDER BY IF(problem = 'double', detail, NULL))
      AS double_players,
    STRING_AGG(DISTINCT IF(problem = 'ambiguous', detail, NULL), '; ' ORDER BY IF(problem = 'ambiguous', detail, NULL))
      AS ambiguous_players
  FROM audit
  GROUP BY game_date
),
rests AS (
  SELECT
    game_date,
    DATE_DIFF(game_date, LAG(game_date) OVER (PARTITION BY season_year, team_abbr ORDER BY game_date), DAY) AS days_rest
  FROM audit
  WHERE status IN ('final', 'pending')
),
rested AS (
  SELECT game_date, 3 * COUNT(IF(days_rest < 7, NULL, 1)) >= COUNT(*) AS is_after_break
  FROM rests
  GROUP BY game_date
),
by_player AS (
  SELECT
    game_date,
    COUNT(DISTINCT IF(is_final, CONCAT(player_lookup, '|', game_id), NULL)) AS expected_players,
    COUNT(IF(minutes_played IS NULL, 1, NULL)) AS without_minutes,
    MAX(season_year) AS season_year,
    COUNT(
      IF(minutes_played + fg_attempts + ft_attempts + offensive_rebounds + turnovers IS NULL, 1, NULL)
    ) AS without_pace
  FROM played
  GROUP BY game_date
),
unknown AS (
  SELECT
    game_date,
    SUM(without_minutes) OVER (ORDER BY UNIX_DATE(game_date) RANGE BETWEEN 6 PRECEDING AND CURRENT ROW)
      AS without_minutes,
    SUM(without_pace) OVER (
      PARTITION BY season_year ORDER BY game_date ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) AS season_without_pace
  FROM by_player
),
season_holes AS (
  SELECT
    d.game_date,
    COUNT(DISTINCT h.game) AS season_holes,
    STRING_AGG(
      DISTINCT IF(h.game_date > DATE_SUB(d.game_date, INTERVAL 30 DAY), h.game, NULL), ', '
      ORDER BY IF(h.game_date > DATE_SUB(d.game_date, INTERVAL 30 DAY), h.game, NULL)
    ) AS recent_holes
  FROM days AS d
  JOIN holes AS h ON h.season_year = d.season_year AND h.game_date < d.game_date
  GROUP BY d.game_date
)
SELECT
  c.game_date,
  d.season_year,
  s.is_scheduled,
  COALESCE(d.scheduled_games, 0) AS scheduled_games,
  COALESCE(d.final_games, 0) AS final_games,
  COALESCE(d.final_games - d.broken_games, 0) AS loaded_games,
  d.missing_games,
  d.pending_games,
  d.unscheduled_games,
  d.conflicting_games,
  d.double_players,
  d.ambiguous_players,
  COALESCE(p.expected_players, 0) AS expected_players,
  COALESCE(u.without_minutes, 0) AS without_minutes,
  COALESCE(u.season_without_pace, 0) AS season_without_pace,
  COALESCE(r.is_after_break, FALSE) AS is_after_break,
  COALESCE(h.season_holes, 0) AS season_holes,
  h.recent_holes
FROM calendar AS c
LEFT JOIN spoken_days AS s ON s.game_date = c.game_date
LEFT JOIN by_day AS d ON d.game_date = c.game_date
LEFT JOIN by_player AS p ON p.game_date = c.game_date
LEFT JOIN unknown AS u ON u.game_date = c.game_date
LEFT JOIN rested AS r ON r.game_date = c.game_date
LEFT JOIN season_holes AS h ON h.game_date = c.game_date
ORDER BY 1
