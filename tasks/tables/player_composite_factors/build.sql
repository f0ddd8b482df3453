-- Grain: player_lookup, game_id. The factors of v1_4factors for every player-game from @first_date to @game_date.
-- A factor whose input is unknown is neutral, and the input is named. Scores are rounded as NUMERIC: halves go away
-- from zero, on every engine.
WITH rules AS (
  SELECT
    known.*,
    look_back.own_missing,
    look_back.missing_games,
    IF(COALESCE(back_to_back, FALSE), -15, 0) AS back_to_back_points,
    IF(NOT COALESCE(back_to_back, FALSE) AND COALESCE(days_rest, 0) >= 3, 5, 0) AS rest_points,
    IF(COALESCE(games_in_last_7_days, 0) >= 4, -10, 0) AS games_points,
    IF(COALESCE(minutes_in_last_7_days, 0) > 240, -10, 0) AS minutes_points,
    IF(COALESCE(avg_minutes_per_game_last_7, 0) > 35, -8, 0) AS average_points,
    CASE
      WHEN COALESCE(back_to_backs_last_14_days, 0) >= 2 THEN -12
      WHEN back_to_backs_last_14_days = 1 THEN -5
      ELSE 0
    END AS back_to_backs_points,
    CASE
      WHEN COALESCE(player_age, 0) >= 35 THEN -10
      WHEN COALESCE(player_age, 0) >= 30 THEN -5
      ELSE 0
    END AS age_points,
    IF(zone_share > 50, 1.0, zone_share / 50) AS zone_weight,
    CASE
      WHEN COALESCE(avg_usage_rate_last_7_games, 0) = 0 THEN 0.0
      ELSE COALESCE((projected_usage_rate - avg_usage_rate_last_7_games) * 0.3, 0.0)
    END AS usage_base,
    CASE
      WHEN COALESCE(star_teammates_out, 0) >= 2 THEN 1.30
      WHEN star_teammates_out = 1 THEN 1.15
      ELSE 1.0
    END AS star_factor
  FROM known
  LEFT JOIN look_back ON look_back.who = known.person AND look_back.game_date = known.game_date
),
raw AS (
  SELECT
    *,
    100 + back_to_back_points + rest_points + games_points + minutes_points + average_points + back_to_backs_points
      + age_points AS raw_fatigue,
    COALESCE(zone_rating * zone_weight, 0.0) AS raw_mismatch,
    COALESCE(pace_differential / 2, 0.0) AS raw_pace,
    IF(usage_base > 0, usage_base * star_factor, usage_base) AS raw_usage_spike
  FROM rules
),
adjusted AS (
  SELECT
    *,
    CASE WHEN raw_fatigue < 0 THEN 0 WHEN raw_fatigue > 100 THEN 100 ELSE raw_fatigue END AS fatigue,
    CASE
      WHEN raw_mismatch * 1.2 < -10 THEN -10.0
      WHEN raw_mismatch * 1.2 > 10 THEN 10.0
      WHEN ABS(raw_mismatch) > 5 THEN raw_mismatch * 1.2
      ELSE raw_mismatch
    END AS mismatch,
    CASE WHEN raw_pace < -3 THEN -3.0 WHEN raw_pace > 3 THEN 3.0 ELSE raw_pace END AS pace,
    CASE
      WHEN raw_usage_spike < -3 THEN -3.0
      WHEN raw_usage_spike > 3 THEN 3.0
      ELSE raw_usage_spike
    END AS usage_spike
  FROM raw
),
scored AS (
  SELECT
    *,
    CAST(ROUND(CAST(mismatch AS NUMERIC), 1) AS FLOAT64) AS mismatch_score,
    CAST(ROUND(CAST(pace AS NUMERIC), 1) AS FLOAT64) AS pace_score,
    CAST(ROUND(CAST(usage_spike AS NUMERIC), 1) AS FLOAT64) AS usage_score,
    CAST(mismatch AS NUMERIC) AS exact_mismatch, -- to 9 decimals, so that a sum of 12 is not 12.000000000000002
    CAST((fatigue - 100) / 20 + mismatch + pace + usage_spike AS NUMERIC) AS exact_total,
    CAST(ROUND(CAST((fatigue - 100) / 20 + mismatch + pace + usage_spike AS NUMERIC), 2) AS FLOAT64) AS total,
    20.0 * (
      IF(days_rest IS NULL, 0, 1)
      + IF(projected_usage_rate IS NULL, 0, 1)
      + IF(pace_differential IS NULL, 0, 1)
      + IF(zone_share IS NULL, 0, 1)
      + IF(zone_rating IS NULL, 0, 1)
    ) AS completeness,
    CONCAT(
      IF(days_rest IS NULL, ',days_rest', ''),
      IF(back_to_back IS NULL, ',back_to_back', ''),
      IF(games_in_last_7_days IS NULL, ',games_in_last_7_days', ''),
      IF(minutes_in_last_7_days IS NULL, ',minutes_in_last_7_days', ''),
      IF(avg_minutes_per_game_last_7 IS NULL, ',avg_minutes_per_game_last_7', ''),
      IF(back_to_backs_last_14_days IS NULL, ',back_to_backs_last_14_days', ''),
      IF(player_age IS NULL, ',player_age', ''),
      IF(avg_usage_rate_last_7_games IS NULL, ',avg_usage_rate_last_7_games', ''),
      IF(projected_usage_rate IS NULL, ',projected_usage_rate', ''),
      IF(star_teammates_out IS NULL, ',star_teammates_out', ''),
      IF(pace_differential IS NULL, ',pace_differential', ''),
      IF(zone_share IS NULL, ',player_shot_zone', ''),
      IF(zone_rating IS NULL, ',team_defense_zone', '')
    ) AS missing
  FROM adjusted
),
explained AS (
  SELECT
    *,
    CONCAT(
      IF(fatigue < 50, ',EXTREME_FATIGUE', ''),
      IF(ABS(exact_mismatch) > 8, ',EXTREME_MATCHUP', ''),
      IF(ABS(exact_total) > 12, ',EXTREME_ADJUSTMENT', ''),
      IF(missing_games IS NULL, '', ',LOOK_BACK_INCOMPLETE')
    ) AS warnings,
    TO_JSON_STRING(STRUCT(
      fatigue AS score,
      (fatigue - 100) / 20 AS adjustment,
      back_to_back AS back_to_back,
      back_to_back_points AS back_to_back_points,
      days_rest AS days_rest,
      rest_points AS days_rest_points,
      games_in_last_7_days AS games_in_last_7_days,
      games_points AS games_in_last_7_days_points,
      CAST(ROUND(CAST(minutes_in_last_7_days AS NUMERIC), 2) AS FLOAT64) AS minutes_in_last_7_days,
      minutes_points AS minutes_in_last_7_days_points,
      CAST(ROUND(CAST(avg_minutes_per_game_last_7 AS NUMERIC), 2) AS FLOAT64) AS avg_minutes_per_game_last_7,
      average_points AS avg_minutes_per_game_last_7_points,
      back_to_backs_last_14_days AS back_to_backs_last_14_days,
      back_to_backs_points AS back_to_backs_last_14_days_points,
      player_age AS player_age,
      age_points AS player_age_points
    )) AS fatigue_json,
    TO_JSON_STRING(STRUCT(
      mismatch_score AS score,
      has_zone_row AS has_zone_row,
      primary_scoring_zone AS primary_scoring_zone,
      zone AS zone,
      CAST(ROUND(CAST(zone_share AS NUMERIC), 2) AS FLOAT64) AS zone_share_pct,
      CAST(ROUND(CAST(zone_weight AS NUMERIC), 4) AS FLOAT64) AS zone_weight,
      opponent_team_abbr AS opponent_team_abbr,
      CAST(ROUND(CAST(zone_rating AS NUMERIC), 4) AS FLOAT64) AS opponent_defense_vs_league_avg,
      ABS(raw_mismatch) > 5 AS extreme_boost
    )) AS shot_zone_json,
    TO_JSON_STRING(STRUCT(
      pace_score AS score,
      CAST(ROUND(CAST(pace_differential AS NUMERIC), 4) AS FLOAT64) AS pace_differential,
      CAST(ROUND(CAST(opponent_pace_last_10 AS NUMERIC), 4) AS FLOAT64) AS opponent_pace_last_10
    )) AS pace_json,
    TO_JSON_STRING(STRUCT(
      usage_score AS score,
      CAST(ROUND(CAST(projected_usage_rate AS NUMERIC), 4) AS FLOAT64) AS projected_usage_rate,
      CAST(ROUND(CAST(avg_usage_rate_last_7_games AS NUMERIC), 4) AS FLOAT64) AS avg_usage_rate_last_7_games,
      star_teammates_out AS star_teammates_out,
      IF(usage_base > 0, star_factor, 1.0) AS star_teammates_factor
    )) AS usage_json
  FROM scored
)
SELECT
  player_lookup,
  universal_player_id,
  game_id,
  game_date,
  game_date AS analysis_date,
  team_abbr,
  opponent_team_abbr,
  fatigue AS fatigue_score,
  mismatch_score AS shot_zone_mismatch_score,
  pace_score,
  usage_score AS usage_spike_score,
  0.0 AS referee_favorability_score,
  0.0 AS look_ahead_pressure_score,
  0.0 AS travel_impact_score,
  0.0 AS opponent_strength_score,
  total AS total_composite_adjustment,
  fatigue_json AS fatigue_context_json,
  shot_zone_json AS shot_zone_context_json,
  pace_json AS pace_context_json,
  usage_json AS usage_context_json,
  'v1_4factors' AS calculation_version,
  completeness AS data_completeness_pct,
  NULLIF(SUBSTR(missing, 2), '') AS missing_data_fields,
  warnings <> '' AS has_warnings,
  NULLIF(SUBSTR(warnings, 2), '') AS warning_details,
  COALESCE(own_missing, 0) AS missing_games_count,
  missing_games AS look_back_missing_games,
  context_source,
  @run_id AS run_id,
  TO_HEX(MD5(TO_JSON_STRING(STRUCT(
    player_lookup AS player_lookup,
    universal_player_id AS universal_player_id,
    game_id AS game_id,
    CAST(game_date AS STRING) AS game_date,
    team_abbr AS team_abbr,
    total AS total,
    fatigue_json AS fatigue,
    shot_zone_json AS shot_zone,
    pace_json AS pace,
    usage_json AS usage_spike,
    missing AS missing,
    missing_games AS missing_games,
    context_source AS context_source
  )))) AS data_hash,
  @processed_at AS processed_at
FROM explained
