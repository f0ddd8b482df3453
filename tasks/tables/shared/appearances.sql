-- Grain: player_lookup, game_id, as loaded. Everyone who played, from @from_date to @game_date: who has minutes, or any
-- counting statistic; logs that round minutes show 0 for a player who came on. Flags decide nothing. All-Star games
-- (003...) and preseason (001...) never count. A value that no NUMERIC holds (NaN, an infinity) is unknown.
SELECT
  b.player_lookup,
  NULLIF(TRIM(b.universal_player_id), '') AS universal_player_id,
  p.only_id,
  p.ids,
  b.game_id,
  b.game_date,
  COALESCE(own.team_abbr, b.team_abbr) AS team_abbr,
  COALESCE(other.team_abbr, b.opponent_team_abbr) AS opponent_team_abbr,
  y.season_year,
  b.points,
  CAST(SAFE_CAST(b.minutes_played AS NUMERIC) AS FLOAT64) AS minutes_played,
  CAST(SAFE_CAST(b.usage_rate AS NUMERIC) AS FLOAT64) AS usage_rate,
  b.fg_attempts,
  b.ft_attempts,
  b.offensive_rebounds,
  b.turnovers,
  b.paint_makes,
  b.paint_attempts,
  b.mid_range_makes,
  b.mid_range_attempts,
  b.three_pt_makes,
  b.three_pt_attempts
FROM nba_analytics.player_game_summary AS b
JOIN season_spans AS y ON b.game_date BETWEEN y.first_day AND y.last_day
LEFT JOIN people AS p ON p.player_lookup = b.player_lookup
LEFT JOIN team_codes AS own
  ON own.code = b.team_abbr AND y.season_year BETWEEN own.first_season AND own.last_season
LEFT JOIN team_codes AS other
  ON other.code = b.opponent_team_abbr AND y.season_year BETWEEN other.first_season AND other.last_season
WHERE b.game_date BETWEEN @from_date AND @game_date
  AND NOT COALESCE(REGEXP_CONTAINS(b.game_id, '^00[13]'), FALSE)
  AND (
    COALESCE(SAFE_CAST(b.minutes_played AS NUMERIC), 0) > 0
    OR COALESCE(b.points, 0) <> 0
    OR COALESCE(b.fg_makes, 0) <> 0
    OR COALESCE(b.fg_attempts, 0) <> 0
    OR COALESCE(b.three_pt_makes, 0) <> 0
    OR COALESCE(b.three_pt_attempts, 0) <> 0
    OR COALESCE(b.ft_makes, 0) <> 0
    OR COALESCE(b.ft_attempts, 0) <> 0
    OR COALESCE(b.offensive_rebounds, 0) <> 0
    OR COALESCE(b.defensive_rebounds, 0) <> 0
    OR COALESCE(b.assists, 0) <> 0
    OR COALESCE(b.steals, 0) <> 0
    OR COALESCE(b.blocks, 0) <> 0
    OR COALESCE(b.turnovers, 0) <> 0
    OR COALESCE(b.personal_fouls, 0) <> 0
  )
