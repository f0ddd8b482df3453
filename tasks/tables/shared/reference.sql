-- Grain: game_date, from @from_date to @game_date; only days with a game. Are the box scores all that the schedule
-- says was played? A final game is loaded if both teams have @min_players_per_team players who played. A game is
-- pending if it may yet add players: it is live, or due on or after @as_of, or not final although it has box scores.
WITH team AS (
  SELECT game_id, game_date, team_abbr, COUNT(DISTINCT player_lookup) AS players
  FROM played
  GROUP BY game_id, game_date, team_abbr
),
scheduled AS (
  SELECT
    s.game_date,
    s.game_id,
    s.season_year,
    s.is_all_star,
    s.game_status = 3 AND NOT s.is_all_star AS is_final,
    CONCAT(s.away_team_tricode, ' at ', s.home_team_tricode, ' (', s.game_id, ')') AS label,
    COALESCE(home.players, 0) >= @min_players_per_team
      AND COALESCE(away.players, 0) >= @min_players_per_team AS is_loaded,
    s.game_status <> 3 AND NOT s.is_all_star AND (
      s.game_status = 2 OR s.game_date >= @as_of OR COALESCE(home.players, away.players, 0) > 0
    ) AS is_pending
  FROM nba_reference.nba_schedule AS s
  LEFT JOIN team AS home
    ON home.game_id = s.game_id AND home.game_date = s.game_date AND home.team_abbr = s.home_team_tricode
  LEFT JOIN team AS away
    ON away.game_id = s.game_id AND away.game_date = s.game_date AND away.team_abbr = s.away_team_tricode
  WHERE s.game_date BETWEEN @from_date AND @game_date
),
by_schedule AS (
  SELECT
    game_date,
    MAX(season_year) AS season_year,
    COUNTIF(NOT is_all_star) AS scheduled_games,
    COUNTIF(is_final) AS final_games,
    COUNTIF(is_final AND is_loaded) AS loaded_games,
    STRING_AGG(IF(is_final AND NOT is_loaded, label, NULL), ', ' ORDER BY label) AS missing_games,
    STRING_AGG(IF(is_pending, label, NULL), ', ' ORDER BY label) AS pending_games
  FROM scheduled
  GROUP BY game_date
),
by_box_score AS (
  SELECT
    p.game_date,
    COUNT(DISTINCT IF(p.is_final, p.player_lookup, NULL)) AS expected_players,
    STRING_AGG(DISTINCT IF(s.game_id IS NULL, p.game_id, NULL), ', ' ORDER BY IF(s.game_id IS NULL, p.game_id, NULL))
      AS unscheduled_games
  FROM played AS p
  LEFT JOIN scheduled AS s ON s.game_id = p.game_id AND s.game_date = p.game_date
  GROUP BY p.game_date
)
SELECT
  COALESCE(s.game_date, b.game_date) AS game_date,
  s.season_year,
  COALESCE(s.scheduled_games, 0) AS scheduled_games,
  COALESCE(s.final_games, 0) AS final_games,
  COALESCE(s.loaded_games, 0) AS loaded_games,
  s.missing_games,
  s.pending_games,
  b.unscheduled_games,
  COALESCE(b.expected_players, 0) AS expected_players
FROM by_schedule AS s
FULL JOIN by_box_score AS b ON b.game_date = s.game_date
ORDER BY 1
