-- Grain: player_lookup, game_id. Everyone who played, from @from_date to @game_date; All-Star games never count.
-- Minutes alone do not tell: logs that round them show 0 for a player who came on.
SELECT
  b.player_lookup,
  b.universal_player_id,
  b.game_id,
  b.game_date,
  b.team_abbr,
  b.opponent_team_abbr,
  b.season_year,
  b.minutes_played,
  b.usage_rate,
  b.fg_attempts,
  b.ft_attempts,
  b.offensive_rebounds,
  b.turnovers,
  b.paint_makes,
  b.paint_attempts,
  b.mid_range_makes,
  b.mid_range_attempts,
  b.three_pt_makes,
  b.three_pt_attempts,
  COALESCE(s.game_status = 3, FALSE) AS is_final
FROM nba_analytics.player_game_summary AS b
LEFT JOIN nba_reference.nba_schedule AS s
  ON s.game_id = b.game_id AND s.game_date BETWEEN @from_date AND @game_date
WHERE b.game_date BETWEEN @from_date AND @game_date
  AND b.is_active
  AND NOT b.is_dnp
  AND b.minutes_played IS NOT NULL
  AND NOT COALESCE(s.is_all_star, FALSE)
  AND (
    b.minutes_played > 0
    OR COALESCE(b.points, 0) <> 0
    OR COALESCE(b.fg_attempts, 0) <> 0
    OR COALESCE(b.three_pt_attempts, 0) <> 0
    OR COALESCE(b.ft_attempts, 0) <> 0
    OR COALESCE(b.offensive_rebounds, 0) <> 0
    OR COALESCE(b.defensive_rebounds, 0) <> 0
    OR COALESCE(b.assists, 0) <> 0
    OR COALESCE(b.steals, 0) <> 0
    OR COALESCE(b.blocks, 0) <> 0
    OR COALESCE(b.turnovers, 0) <> 0
    OR COALESCE(b.personal_fouls, 0) <> 0
  )
