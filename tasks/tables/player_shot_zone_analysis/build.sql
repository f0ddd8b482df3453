-- Grain: person, analysis_date. Where each player shoots from, over his last 10 games of the season before the day, for
-- every day from @first_date to @game_date. Shares and rates are of the charted games: those whose shots by zone add up to
-- all shots. Threes are counted in every box score, so that their percentage is of all games. A primary zone takes three
-- charted games.
WITH shares AS (
  SELECT
    *,
    paint + mid_range + three_pt AS shots,
    SAFE_DIVIDE(100 * paint, paint + mid_range + three_pt) AS paint_rate,
    SAFE_DIVIDE(100 * mid_range, paint + mid_range + three_pt) AS mid_range_rate,
    SAFE_DIVIDE(100 * three_pt, paint + mid_range + three_pt) AS three_pt_rate
  FROM as_of
),
named AS (
  SELECT
    *,
    CASE
      WHEN charted_games < 3 OR COALESCE(shots, 0) = 0 THEN NULL
      WHEN 100 * paint >= 40 * shots THEN 'paint'
      WHEN 100 * three_pt >= 40 * shots THEN 'perimeter'
      WHEN 100 * mid_range >= 35 * shots THEN 'mid_range'
      ELSE 'balanced'
    END AS zone
  FROM shares
  LEFT JOIN look_back ON look_back.who = person AND look_back.game_date = analysis_date
)
SELECT
  player_lookup,
  universal_player_id,
  analysis_date,
  games AS games_in_sample_10,
  charted_games AS charted_games_10,
  paint_rate AS paint_rate_last_10,
  mid_range_rate AS mid_range_rate_last_10,
  three_pt_rate AS three_pt_rate_last_10,
  SAFE_DIVIDE(paint_makes, paint) AS paint_pct_last_10,
  SAFE_DIVIDE(mid_range_makes, mid_range) AS mid_range_pct_last_10,
  SAFE_DIVIDE(all_three_pt_makes, all_three_pt) AS three_pt_pct_last_10,
  SAFE_DIVIDE(paint, charted_games) AS paint_attempts_per_game,
  SAFE_DIVIDE(mid_range, charted_games) AS mid_range_attempts_per_game,
  SAFE_DIVIDE(three_pt, charted_games) AS three_pt_attempts_per_game,
  zone AS primary_scoring_zone,
  COALESCE(own_missing, 0) AS missing_games_count,
  missing_games AS look_back_missing_games,
  'v2_last_10' AS calculation_version,
  @run_id AS run_id,
  TO_HEX(MD5(TO_JSON_STRING(STRUCT(
    player_lookup AS player_lookup,
    universal_player_id AS universal_player_id,
    games AS games,
    charted_games AS charted_games,
    paint_makes AS paint_makes,
    paint AS paint,
    mid_range_makes AS mid_range_makes,
    mid_range AS mid_range,
    three_pt AS three_pt,
    all_three_pt_makes AS all_three_pt_makes,
    all_three_pt AS all_three_pt
  )))) AS data_hash,
  @processed_at AS processed_at
FROM named
