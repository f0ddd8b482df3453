-- Grain: player_lookup, game_id. The pre-game table's row of each expected player; who plays whom is the box scores'.
-- A value that no NUMERIC holds (NaN, an infinity) is unknown: one of them must not cost the day.
SELECT
  e.player_lookup,
  e.universal_player_id,
  e.game_id,
  e.game_date,
  e.team_abbr,
  e.opponent_team_abbr,
  u.days_rest,
  u.back_to_back,
  u.games_in_last_7_days,
  CAST(SAFE_CAST(u.minutes_in_last_7_days AS NUMERIC) AS FLOAT64) AS minutes_in_last_7_days,
  CAST(SAFE_CAST(u.avg_minutes_per_game_last_7 AS NUMERIC) AS FLOAT64) AS avg_minutes_per_game_last_7,
  u.back_to_backs_last_14_days,
  u.player_age,
  CAST(SAFE_CAST(u.avg_usage_rate_last_7_games AS NUMERIC) AS FLOAT64) AS avg_usage_rate_last_7_games,
  CAST(SAFE_CAST(u.projected_usage_rate AS NUMERIC) AS FLOAT64) AS projected_usage_rate,
  u.star_teammates_out,
  CAST(SAFE_CAST(u.pace_differential AS NUMERIC) AS FLOAT64) AS pace_differential,
  CAST(SAFE_CAST(u.opponent_pace_last_10 AS NUMERIC) AS FLOAT64) AS opponent_pace_last_10,
  'upcoming' AS context_source
FROM expected AS e
JOIN nba_analytics.upcoming_player_game_context AS u
  ON u.player_lookup = e.player_lookup AND u.game_date = @game_date
