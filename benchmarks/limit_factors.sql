-- Grain: player_lookup, game_id. The main output of every day at once; needs what limit_zones.sql has made.
CREATE TABLE nba_precompute.player_composite_factors AS
WITH player_game AS (
  SELECT
    *,
    game_date - LAG(game_date) OVER (PARTITION BY season_start, player_lookup ORDER BY game_date, game_id) AS days_since
  FROM played
),
player_form AS (
  SELECT
    *,
    COUNT(*) OVER days_7 AS games_7,
    CAST(SUM(CAST(minutes_played AS DECIMAL(38, 9))) OVER days_7 AS DOUBLE) AS minutes_7,
    COUNT(*) FILTER (days_since = 1) OVER days_14 AS back_to_backs_14,
    ratio(
      CAST(SUM(CAST(usage_rate AS DECIMAL(38, 9))) OVER days_7 AS DOUBLE), COUNT(usage_rate) OVER days_7
    ) AS usage_7
  FROM player_game
  WINDOW
    days_7 AS (
      PARTITION BY season_start, player_lookup ORDER BY game_date
      RANGE BETWEEN INTERVAL 6 DAYS PRECEDING AND INTERVAL 1 DAY PRECEDING
    ),
    days_14 AS ( -- the earlier game of the pair is within the 13 days before, the later one within 12
      PARTITION BY season_start, player_lookup ORDER BY game_date
      RANGE BETWEEN INTERVAL 12 DAYS PRECEDING AND INTERVAL 1 DAY PRECEDING
    )
),
team_game AS (
  SELECT
    season_start,
    team_abbr,
    opponent_team_abbr,
    game_id,
    game_date,
    CAST(SUM(CAST(minutes_played AS DECIMAL(38, 9))) AS DOUBLE) AS minutes,
    CASE
      WHEN COUNT(*) = COUNT(fg_attempts + ft_attempts + offensive_rebounds + turnovers)
      THEN SUM(100 * fg_attempts + 44 * ft_attempts - 100 * offensive_rebounds + 100 * turnovers)
    END AS possessions_x100
  FROM played
  GROUP BY ALL
),
team_pace AS (
  SELECT
    own.season_start,
    own.team_abbr,
    own.game_id,
    own.game_date,
    CAST(
      ratio(48 * (own.possessions_x100 + other.possessions_x100) / 200, own.minutes / 5) AS DECIMAL(38, 9)
    ) AS pace
  FROM team_game AS own
  JOIN team_game AS other ON other.game_id = own.game_id AND other.team_abbr = own.opponent_team_abbr
),
team_form AS (
  SELECT
    game_id,
    team_abbr,
    ratio(CAST(SUM(pace) OVER games_10_before AS DOUBLE), COUNT(pace) OVER games_10_before) AS pace
  FROM team_pace
  WINDOW games_10_before AS (
    PARTITION BY season_start, team_abbr ORDER BY game_date, game_id ROWS BETWEEN 10 PRECEDING AND 1 PRECEDING
  )
),
expected AS (
  SELECT p.* FROM player_form AS p SEMI JOIN day ON day.game_date = p.game_date WHERE p.is_final
),
upcoming AS (
  SELECT *, COUNT(*) OVER (PARTITION BY game_date, player_lookup) AS copies
  FROM nba_analytics.upcoming_player_game_context
),
upcoming_day AS ( -- those that the pre-game table covers
  SELECT e.game_date
  FROM expected AS e
  LEFT JOIN upcoming AS u ON u.game_date = e.game_date AND u.player_lookup = e.player_lookup
  GROUP BY e.game_date
  HAVING COUNT(u.player_lookup) >= 0.90 * COUNT(*)
    AND e.game_date NOT IN (SELECT game_date FROM upcoming WHERE copies > 1)
),
context AS (
  SELECT
    e.player_lookup,
    e.universal_player_id,
    e.game_id,
    e.game_date,
    e.team_abbr,
    e.opponent_team_abbr,
    e.days_since AS days_rest,
    COALESCE(e.days_since = 1, FALSE) AS back_to_back,
    e.games_7 AS games_in_last_7_days,
    COALESCE(e.minutes_7, 0.0) AS minutes_in_last_7_days,
    ratio(e.minutes_7, e.games_7) AS avg_minutes_per_game_last_7,
    e.back_to_backs_14 AS back_to_backs_last_14_days,
    CAST(NULL AS BIGINT) AS player_age,
    e.usage_7 AS avg_usage_rate_last_7_games,
    CAST(NULL AS DOUBLE) AS projected_usage_rate,
    CAST(NULL AS BIGINT) AS star_teammates_out,
    own.pace - opponent.pace AS pace_differential,
    opponent.pace AS opponent_pace_last_10,
    'synthetic' AS context_source
  FROM expected AS e
  ANTI JOIN upcoming_day ON upcoming_day.game_date = e.game_date
  LEFT JOIN team_form AS own ON own.game_id = e.game_id AND own.team_abbr = e.team_abbr
  LEFT JOIN team_form AS opponent ON opponent.game_id = e.game_id AND opponent.team_abbr = e.opponent_team_abbr
  UNION ALL BY NAME
  SELECT
    e.player_lookup,
    e.universal_player_id,
    e.game_id,
    e.game_date,
    e.team_abbr,
    e.opponent_team_abbr,
    u.* EXCLUDE (
      player_lookup, universal_player_id, game_id, game_date, team_abbr, opponent_team_abbr, processed_at, copies
    ),
    'upcoming' AS context_source
  FROM expected AS e
  SEMI JOIN upcoming_day ON upcoming_day.game_date = e.game_date
  JOIN upcoming AS u ON u.game_date = e.game_date AND u.player_lookup = e.player_lookup
),
league AS (
  SELECT
    c.*,
    z.player_lookup IS NOT NULL AS has_zone_row,
    z.primary_scoring_zone,
    CASE WHEN z.primary_scoring_zone IN ('perimeter', 'mid_range') THEN z.primary_scoring_zone ELSE 'paint' END AS zone,
    CASE zone
      WHEN 'perimeter' THEN z.three_pt_rate_last_10
      WHEN 'mid_range' THEN z.mid_range_rate_last_10
      ELSE z.paint_rate_last_10
    END AS zone_share,
    CASE zone
      WHEN 'perimeter' THEN d.three_pt_defense_vs_league_avg
      WHEN 'mid_range' THEN d.mid_range_defense_vs_league_avg
      ELSE d.paint_defense_vs_league_avg
    END AS zone_rating
  FROM context AS c
  LEFT JOIN nba_precompute.player_shot_zone_analysis AS z
    ON z.player_lookup = c.player_lookup AND z.analysis_date = c.game_date
  LEFT JOIN nba_precompute.team_defense_zone_analysis AS d
    ON d.team_abbr = c.opponent_team_abbr AND d.analysis_date = c.game_date
),
scored AS (
  SELECT
    *,
    IF(COALESCE(back_to_back, FALSE), -15, 0) AS back_to_back_points,
    IF(NOT COALESCE(back_to_back, FALSE) AND COALESCE(days_rest, 0) >= 3, 5, 0) AS rest_points,
    IF(COALESCE(games_in_last_7_days, 0) >= 4, -10, 0) AS games_points,
    IF(COALESCE(minutes_in_last_7_days, 0) > 240, -10, 0) AS minutes_points,
    IF(COALESCE(avg_minutes_per_game_last_7, 0) > 35, -8, 0) AS average_points,
    CASE
      WHEN back_to_backs_last_14_days >= 2 THEN -12 WHEN back_to_backs_last_14_days = 1 THEN -5 ELSE 0
    END AS back_to_backs_points,
    CASE WHEN player_age >= 35 THEN -10 WHEN player_age >= 30 THEN -5 ELSE 0 END AS age_points,
    clamped(
      100 + back_to_back_points + rest_points + games_points + minutes_points + average_points + back_to_backs_points
        + age_points, 0, 100
    ) AS fatigue,
    (fatigue - 100) / 20 AS fatigue_adjustment,
    IF(zone_share > 50, 1.0, zone_share / 50) AS zone_weight,
    COALESCE(zone_rating * zone_weight, 0.0) AS raw_mismatch,
    clamped(IF(ABS(raw_mismatch) > 5, raw_mismatch * 1.2, raw_mismatch), -10.0, 10.0) AS mismatch,
    clamped(COALESCE(pace_differential / 2, 0.0), -3.0, 3.0) AS pace,
    CASE
      WHEN COALESCE(avg_usage_rate_last_7_games, 0) = 0 THEN 0.0
      ELSE COALESCE((projected_usage_rate - avg_usage_rate_last_7_games) * 0.3, 0.0)
    END AS usage_base,
    CASE WHEN star_teammates_out >= 2 THEN 1.30 WHEN star_teammates_out = 1 THEN 1.15 ELSE 1.0 END AS star_factor,
    clamped(IF(usage_base > 0, usage_base * star_factor, usage_base), -3.0, 3.0) AS usage_spike,
    rounded(mismatch, 1) AS mismatch_score,
    rounded(pace, 1) AS pace_score,
    rounded(usage_spike, 1) AS usage_score,
    rounded(fatigue_adjustment + mismatch + pace + usage_spike, 2) AS total
  FROM league
),
explained AS (
  SELECT
    *,
    named(days_rest, 'days_rest') || named(back_to_back, 'back_to_back')
      || named(games_in_last_7_days, 'games_in_last_7_days') || named(minutes_in_last_7_days, 'minutes_in_last_7_days')
      || named(avg_minutes_per_game_last_7, 'avg_minutes_per_game_last_7')
      || named(back_to_backs_last_14_days, 'back_to_backs_last_14_days') || named(player_age, 'player_age')
      || named(avg_usage_rate_last_7_games, 'avg_usage_rate_last_7_games')
      || named(projected_usage_rate, 'projected_usage_rate') || named(star_teammates_out, 'star_teammates_out')
      || named(pace_differential, 'pace_differential') || named(zone_share, 'player_shot_zone')
      || named(zone_rating, 'team_defense_zone') AS missing,
    IF(fatigue < 50, ',EXTREME_FATIGUE', '') || IF(ABS(CAST(mismatch AS DECIMAL(38, 9))) > 8, ',EXTREME_MATCHUP', '')
      || IF(
        ABS(CAST(fatigue_adjustment + mismatch + pace + usage_spike AS DECIMAL(38, 9))) > 12, ',EXTREME_ADJUSTMENT', ''
      ) AS warnings,
    json_text({
      'score': fatigue, 'adjustment': fatigue_adjustment, 'back_to_back': back_to_back,
      'back_to_back_points': back_to_back_points, 'days_rest': days_rest, 'days_rest_points': rest_points,
      'games_in_last_7_days': games_in_last_7_days, 'games_in_last_7_days_points': games_points,
      'minutes_in_last_7_days': rounded(minutes_in_last_7_days, 2), 'minutes_in_last_7_days_points': minutes_points,
      'avg_minutes_per_game_last_7': rounded(avg_minutes_per_game_last_7, 2),
      'avg_minutes_per_game_last_7_points': average_points, 'back_to_backs_last_14_days': back_to_backs_last_14_days,
      'back_to_backs_last_14_days_points': back_to_backs_points, 'player_age': player_age,
      'player_age_points': age_points
    }) AS fatigue_json,
    json_text({
      'score': mismatch_score, 'has_zone_row': has_zone_row, 'primary_scoring_zone': primary_scoring_zone, 'zone': zone,
      'zone_share_pct': rounded(zone_share, 2), 'zone_weight': rounded(zone_weight, 4),
      'opponent_team_abbr': opponent_team_abbr, 'opponent_defense_vs_league_avg': rounded(zone_rating, 4),
      'extreme_boost': ABS(raw_mismatch) > 5
    }) AS shot_zone_json,
    json_text({
      'score': pace_score, 'pace_differential': rounded(pace_differential, 4),
      'opponent_pace_last_10': rounded(opponent_pace_last_10, 4)
    }) AS pace_json,
    json_text({
      'score': usage_score, 'projected_usage_rate': rounded(projected_usage_rate, 4),
      'avg_usage_rate_last_7_games': rounded(avg_usage_rate_last_7_games, 4), 'star_teammates_out': star_teammates_out,
      'star_teammates_factor': IF(usage_base > 0, star_factor, 1.0)
    }) AS usage_json
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
  CAST(0 AS DOUBLE) AS referee_favorability_score,
  CAST(0 AS DOUBLE) AS look_ahead_pressure_score,
  CAST(0 AS DOUBLE) AS travel_impact_score,
  CAST(0 AS DOUBLE) AS opponent_strength_score,
  total AS total_composite_adjustment,
  fatigue_json AS fatigue_context_json,
  shot_zone_json AS shot_zone_context_json,
  pace_json AS pace_context_json,
  usage_json AS usage_context_json,
  'v1_4factors' AS calculation_version,
  20.0 * (
    5 - (days_rest IS NULL)::INT - (projected_usage_rate IS NULL)::INT - (pace_differential IS NULL)::INT
    - (zone_share IS NULL)::INT - (zone_rating IS NULL)::INT
  ) AS data_completeness_pct,
  NULLIF(SUBSTRING(missing, 2), '') AS missing_data_fields,
  warnings <> '' AS has_warnings,
  NULLIF(SUBSTRING(warnings, 2), '') AS warning_details,
  context_source,
  'limit' AS run_id,
  md5(json_text({
    'player_lookup': player_lookup, 'universal_player_id': universal_player_id, 'game_id': game_id,
    'game_date': CAST(game_date AS VARCHAR), 'team_abbr': team_abbr, 'total': total, 'fatigue': fatigue_json,
    'shot_zone': shot_zone_json, 'pace': pace_json, 'usage_spike': usage_json, 'missing': missing,
    'context_source': context_source
  })) AS data_hash,
  now() AS processed_at
FROM explained;
