-- Grain: team_abbr, analysis_date. What each team allows by zone, over its last 15 games of the season before the day,
-- against the league's FG% of the 30 days before, for every day from @first_date to @game_date. Rates are of the charted
-- games: those in which every player's shots by zone add up to all of his shots; threes are of all games. A rating takes
-- five charted games.
WITH league AS (
  SELECT
    d.game_date AS analysis_date,
    SAFE_DIVIDE(SUM(IF(a.charted, a.paint_makes, NULL)), SUM(IF(a.charted, a.paint, NULL))) AS paint_pct,
    SAFE_DIVIDE(SUM(IF(a.charted, a.mid_range_makes, NULL)), SUM(IF(a.charted, a.mid_range, NULL))) AS mid_range_pct,
    SAFE_DIVIDE(SUM(a.all_three_pt_makes), SUM(a.all_three_pt)) AS three_pt_pct
  FROM days AS d
  JOIN allowed AS a
    ON a.season_year = d.season_year
    AND a.game_date > DATE_SUB(d.game_date, INTERVAL 30 DAY)
    AND a.game_date < d.game_date
  GROUP BY d.game_date
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
  FROM as_of AS t
  LEFT JOIN league AS l ON l.analysis_date = t.analysis_date
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
  LEFT JOIN look_back ON look_back.who = team_abbr AND look_back.game_date = analysis_date
)
SELECT
  team_abbr,
  analysis_date,
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
  COALESCE(own_missing, 0) AS missing_games_count,
  missing_games AS look_back_missing_games,
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
