-- Grain: team_abbr. What each team allows by zone, over its last 15 games of the season before @game_date, against the
-- league's FG% of the 30 days before. Rates are of the charted games: those in which every player's shots by zone add up
-- to all of his shots; threes are of all games. A rating takes five charted games.
WITH allowed AS (
  SELECT
    opponent_team_abbr AS team_abbr,
    game_id,
    game_date,
    LOGICAL_AND(
      COALESCE(paint_attempts + mid_range_attempts + three_pt_attempts = fg_attempts, FALSE)
    ) AS charted,
    SUM(paint_makes) AS paint_makes,
    SUM(paint_attempts) AS paint,
    SUM(mid_range_makes) AS mid_range_makes,
    SUM(mid_range_attempts) AS mid_range,
    SUM(three_pt_attempts) AS three_pt,
    SUM(IF(three_pt_attempts IS NULL, NULL, three_pt_makes)) AS all_three_pt_makes,
    SUM(IF(three_pt_makes IS NULL, NULL, three_pt_attempts)) AS all_three_pt
  FROM played
  WHERE game_date < @game_date
  GROUP BY opponent_team_abbr, game_id, game_date
),
recent AS (
  SELECT
    *,
    ROW_NUMBER() OVER (PARTITION BY team_abbr ORDER BY game_date DESC, game_id DESC) AS games_ago
  FROM allowed
),
team_zones AS (
  SELECT
    team_abbr,
    COUNT(*) AS games,
    COUNTIF(charted) AS charted_games,
    SUM(IF(charted, paint_makes, NULL)) AS paint_makes,
    SUM(IF(charted, paint, NULL)) AS paint,
    SUM(IF(charted, mid_range_makes, NULL)) AS mid_range_makes,
    SUM(IF(charted, mid_range, NULL)) AS mid_range,
    SUM(IF(charted, three_pt, NULL)) AS three_pt,
    SUM(all_three_pt_makes) AS all_three_pt_makes,
    SUM(all_three_pt) AS all_three_pt
  FROM recent
  WHERE games_ago <= 15
  GROUP BY team_abbr
),
league AS (
  SELECT
    SAFE_DIVIDE(SUM(IF(charted, paint_makes, NULL)), SUM(IF(charted, paint, NULL))) AS paint_pct,
    SAFE_DIVIDE(SUM(IF(charted, mid_range_makes, NULL)), SUM(IF(charted, mid_range, NULL))) AS mid_range_pct,
    SAFE_DIVIDE(SUM(all_three_pt_makes), SUM(all_three_pt)) AS three_pt_pct
  FROM allowed
  WHERE game_date > DATE_SUB(@game_date, INTERVAL 30 DAY)
),
rates AS (
  SELECT
    t.*,
    SAFE_DIVIDE(t.paint_makes, t.paint) AS paint_pct,
    SAFE_DIVIDE(t.mid_range_makes, t.mid_range) AS mid_range_pct,
    SAFE_DIVIDE(t.all_three_pt_makes, t.all_three_pt) AS three_pt_pct,
    IF(t.charted_games < 5, NULL, 100 * (SAFE_DIVIDE(t.paint_makes, t.paint) - l.paint_pct)) AS paint_rating,
    IF(
      t.charted_games < 5, NULL, 100 * (SAFE_DIVIDE(t.mid_range_makes, t.mid_range) - l.mid_range_pct)
    ) AS mid_range_rating,
    IF(
      t.charted_games < 5, NULL, 100 * (SAFE_DIVIDE(t.all_three_pt_makes, t.all_three_pt) - l.three_pt_pct)
    ) AS three_pt_rating
  FROM team_zones AS t
  CROSS JOIN league AS l
),
extremes AS (
  SELECT
    *,
    LEAST(
      COALESCE(paint_rating, 999.0), COALESCE(mid_range_rating, 999.0), COALESCE(three_pt_rating, 999.0)
    ) AS lowest,
    GREATEST(
      COALESCE(paint_rating, -999.0), COALESCE(mid_range_rating, -999.0), COALESCE(three_pt_rating, -999.0)
    ) AS highest
  FROM rates
)
SELECT
  team_abbr,
  @game_date AS analysis_date,
  games AS games_in_sample,
  charted_games,
  paint_pct AS paint_pct_allowed_last_15,
  mid_range_pct AS mid_range_pct_allowed_last_15,
  three_pt_pct AS three_pt_pct_allowed_last_15,
  SAFE_DIVIDE(paint, charted_games) AS paint_attempts_allowed_per_game,
  SAFE_DIVIDE(mid_range, charted_games) AS mid_range_attempts_allowed_per_game,
  SAFE_DIVIDE(three_pt, charted_games) AS three_pt_attempts_allowed_per_game,
  paint_rating AS paint_defense_vs_league_avg,
  mid_range_rating AS mid_range_defense_vs_league_avg,
  three_pt_rating AS three_pt_defense_vs_league_avg,
  CASE lowest
    WHEN paint_rating THEN 'paint'
    WHEN mid_range_rating THEN 'mid_range'
    WHEN three_pt_rating THEN 'perimeter'
  END AS strongest_zone,
  CASE highest
    WHEN paint_rating THEN 'paint'
    WHEN mid_range_rating THEN 'mid_range'
    WHEN three_pt_rating THEN 'perimeter'
  END AS weakest_zone,
  'v2_last_15' AS calculation_version,
  @run_id AS run_id,
  TO_HEX(MD5(TO_JSON_STRING(STRUCT(
    team_abbr AS team_abbr,
    games AS games,
    charted_games AS charted_games,
    paint_makes AS paint_makes,
    paint AS paint,
    mid_range_makes AS mid_range_makes,
    mid_range AS mid_range,
    three_pt AS three_pt,
    all_three_pt_makes AS all_three_pt_makes,
    all_three_pt AS all_three_pt,
    CAST(ROUND(CAST(paint_rating AS NUMERIC), 6) AS FLOAT64) AS paint_rating,
    CAST(ROUND(CAST(mid_range_rating AS NUMERIC), 6) AS FLOAT64) AS mid_range_rating,
    CAST(ROUND(CAST(three_pt_rating AS NUMERIC), 6) AS FLOAT64) AS three_pt_rating
  )))) AS data_hash,
  @processed_at AS processed_at
FROM extremes
