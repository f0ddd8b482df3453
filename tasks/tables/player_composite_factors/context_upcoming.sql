-- Grain: player_lookup, game_id, from @first_date to @game_date. The pre-game table's row of everyone who played; who
-- plays whom is the box scores'. A player whom it lacks, or of whom it knows too little, has the rebuilt context.
-- A value that no NUMERIC holds (NaN, an infinity) is unknown: one of them must not cost the day.
SELECT
  s.player_lookup,
  s.universal_player_id,
  s.person,
  s.season_year,
  s.game_id,
  s.game_date,
  s.team_abbr,
  s.opponent_team_abbr,
  s.previous_game,
  s.previous_team,
  s.tenth_game,
  u.person IS NULL AND s.has_pace AS has_pace,
  IF(u.person IS NULL, s.days_rest, u.days_rest) AS days_rest,
  IF(u.person IS NULL, s.back_to_back, u.back_to_back) AS back_to_back,
  IF(u.person IS NULL, s.games_in_last_7_days, u.games_in_last_7_days) AS games_in_last_7_days,
  IF(u.person IS NULL, s.minutes_in_last_7_days, CAST(SAFE_CAST(u.minutes_in_last_7_days AS NUMERIC) AS FLOAT64)) AS minutes_in_last_7_days,
  IF(u.person IS NULL, s.avg_minutes_per_game_last_7, CAST(SAFE_CAST(u.avg_minutes_per_game_last_7 AS NUMERIC) AS FLOAT64)) AS avg_minutes_per_game_last_7,
  IF(u.person IS NULL, s.back_to_backs_last_14_days, u.back_to_backs_last_14_days) AS back_to_backs_last_14_days,
  u.player_age,
  IF(u.person IS NULL, s.avg_usage_rate_last_7_games, CAST(SAFE_CAST(u.avg_usage_rate_last_7_games AS NUMERIC) AS FLOAT64)) AS avg_usage_rate_last_7_games,
  CAST(SAFE_CAST(u.projected_usage_rate AS NUMERIC) AS FLOAT64) AS projected_usage_rate,
  u.star_teammates_out,
  IF(u.person IS NULL, s.pace_differential, CAST(SAFE_CAST(u.pace_differential AS NUMERIC) AS FLOAT64)) AS pace_differential,
  IF(u.person IS NULL, s.opponent_pace_last_10, CAST(SAFE_CAST(u.opponent_pace_last_10 AS NUMERIC) AS FLOAT64)) AS opponent_pace_last_10,
  IF(u.person IS NULL, 'synthetic', 'upcoming') AS context_source
FROM context_synthetic AS s
LEFT JOIN upcoming_rows AS u ON u.person = s.person AND u.game_date = s.game_date
