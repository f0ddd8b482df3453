-- The least that the backfill's result can cost: the three derived tables of every day at once, in DuckDB's own
-- dialect. No day is looked at by itself: no gate, no checkpoint, no transaction of its own.
-- The benchmark checks that the rows are the backfill's, every column but run_id and processed_at.
-- This part builds the zone tables; limit_factors.sql, on the same connection, the main output.
-- Variables: first_date, last_date (days to write, both included), bootstrap_days (first days of a season to skip).

CREATE TEMP MACRO ratio(part, whole) AS CASE WHEN whole <> 0 THEN part / whole END;
CREATE TEMP MACRO rounded(number, decimals) AS CAST(ROUND(CAST(number AS DECIMAL(38, 9)), decimals) AS DOUBLE);
CREATE TEMP MACRO clamped(number, low, high) AS
  CASE WHEN number < low THEN low WHEN number > high THEN high ELSE number END;
CREATE TEMP MACRO named(input, name) AS CASE WHEN input IS NULL THEN ',' || name ELSE '' END;
CREATE TEMP MACRO json_text(fields) AS
  regexp_replace(CAST(to_json(fields) AS VARCHAR), '([0-9])\.0([,}])', '\1\2', 'g');

-- Grain: player_lookup, game_id. Everyone who played, with the first day of the season that the game belongs to.
CREATE TEMP TABLE played AS
WITH season AS (
  SELECT MIN(game_date) AS season_start FROM nba_reference.nba_schedule WHERE is_regular_season GROUP BY season_year
)
SELECT
  b.*,
  season.season_start,
  COALESCE(s.game_status = 3, FALSE) AS is_final,
  COALESCE(b.paint_attempts + b.mid_range_attempts + b.three_pt_attempts = b.fg_attempts, FALSE) AS charted,
  b.three_pt_makes IS NOT NULL AND b.three_pt_attempts IS NOT NULL AS has_threes
FROM nba_analytics.player_game_summary AS b
LEFT JOIN nba_reference.nba_schedule AS s USING (game_id)
ASOF JOIN season ON b.game_date >= season.season_start
WHERE b.is_active
  AND NOT b.is_dnp
  AND b.minutes_played IS NOT NULL
  AND NOT COALESCE(s.is_all_star, FALSE)
  AND (
    b.minutes_played > 0
    OR GREATEST(
      b.points, b.fg_attempts, b.three_pt_attempts, b.ft_attempts, b.offensive_rebounds, b.defensive_rebounds,
      b.assists, b.steals, b.blocks, b.turnovers, b.personal_fouls
    ) > 0
  );

-- Grain: game_date. The days to write.
CREATE TEMP TABLE day AS
SELECT DISTINCT season_start, game_date
FROM played
WHERE is_final
  AND game_date BETWEEN getvariable('first_date') AND getvariable('last_date')
  AND game_date >= season_start + getvariable('bootstrap_days');

CREATE SCHEMA IF NOT EXISTS nba_precompute;

-- Grain: player_lookup, analysis_date.
CREATE TABLE nba_precompute.player_shot_zone_analysis AS
WITH form AS (
  SELECT
    season_start,
    player_lookup,
    universal_player_id,
    game_date,
    COUNT(*) OVER last_10 AS games,
    COUNT(*) FILTER (charted) OVER last_10 AS charted_games,
    SUM(paint_makes) FILTER (charted) OVER last_10 AS paint_makes,
    SUM(paint_attempts) FILTER (charted) OVER last_10 AS paint,
    SUM(mid_range_makes) FILTER (charted) OVER last_10 AS mid_range_makes,
    SUM(mid_range_attempts) FILTER (charted) OVER last_10 AS mid_range,
    SUM(three_pt_attempts) FILTER (charted) OVER last_10 AS three_pt,
    SUM(three_pt_makes) FILTER (has_threes) OVER last_10 AS all_three_pt_makes,
    SUM(three_pt_attempts) FILTER (has_threes) OVER last_10 AS all_three_pt
  FROM played
  WINDOW last_10 AS (
    PARTITION BY season_start, player_lookup ORDER BY game_date, game_id ROWS BETWEEN 9 PRECEDING AND CURRENT ROW
  )
),
player AS (
  SELECT DISTINCT season_start, player_lookup FROM played
)
SELECT
  player.player_lookup,
  form.universal_player_id,
  day.game_date AS analysis_date,
  form.games AS games_in_sample_10,
  form.charted_games AS charted_games_10,
  ratio(100 * paint, paint + mid_range + three_pt) AS paint_rate_last_10,
  ratio(100 * mid_range, paint + mid_range + three_pt) AS mid_range_rate_last_10,
  ratio(100 * three_pt, paint + mid_range + three_pt) AS three_pt_rate_last_10,
  ratio(paint_makes, paint) AS paint_pct_last_10,
  ratio(mid_range_makes, mid_range) AS mid_range_pct_last_10,
  ratio(all_three_pt_makes, all_three_pt) AS three_pt_pct_last_10,
  ratio(paint, charted_games) AS paint_attempts_per_game,
  ratio(mid_range, charted_games) AS mid_range_attempts_per_game,
  ratio(three_pt, charted_games) AS three_pt_attempts_per_game,
  CASE
    WHEN charted_games < 3 OR COALESCE(paint + mid_range + three_pt, 0) = 0 THEN NULL
    WHEN 100 * paint >= 40 * (paint + mid_range + three_pt) THEN 'paint'
    WHEN 100 * three_pt >= 40 * (paint + mid_range + three_pt) THEN 'perimeter'
    WHEN 100 * mid_range >= 35 * (paint + mid_range + three_pt) THEN 'mid_range'
    ELSE 'balanced'
  END AS primary_scoring_zone,
  'v2_last_10' AS calculation_version,
  'limit' AS run_id,
  md5(json_text({
    'player_lookup': player.player_lookup, 'universal_player_id': form.universal_player_id, 'games': games,
    'charted_games': charted_games, 'paint_makes': paint_makes, 'paint': paint, 'mid_range_makes': mid_range_makes,
    'mid_range': mid_range, 'three_pt': three_pt, 'all_three_pt_makes': all_three_pt_makes, 'all_three_pt': all_three_pt
  })) AS data_hash,
  now() AS processed_at
FROM day
JOIN player ON player.season_start = day.season_start
ASOF JOIN form
  ON form.season_start = day.season_start AND form.player_lookup = player.player_lookup
  AND form.game_date < day.game_date;

-- Grain: team_abbr, analysis_date.
CREATE TABLE nba_precompute.team_defense_zone_analysis AS
WITH allowed AS (
  SELECT
    season_start,
    opponent_team_abbr AS team_abbr,
    game_id,
    game_date,
    BOOL_AND(charted) AS charted,
    SUM(paint_makes) AS paint_makes,
    SUM(paint_attempts) AS paint,
    SUM(mid_range_makes) AS mid_range_makes,
    SUM(mid_range_attempts) AS mid_range,
    SUM(three_pt_attempts) AS three_pt,
    SUM(three_pt_makes) FILTER (has_threes) AS all_three_pt_makes,
    SUM(three_pt_attempts) FILTER (has_threes) AS all_three_pt
  FROM played
  GROUP BY ALL
),
form AS (
  SELECT
    season_start,
    team_abbr,
    game_date,
    COUNT(*) OVER last_15 AS games,
    COUNT(*) FILTER (charted) OVER last_15 AS charted_games,
    SUM(paint_makes) FILTER (charted) OVER last_15 AS paint_makes,
    SUM(paint) FILTER (charted) OVER last_15 AS paint,
    SUM(mid_range_makes) FILTER (charted) OVER last_15 AS mid_range_makes,
    SUM(mid_range) FILTER (charted) OVER last_15 AS mid_range,
    SUM(three_pt) FILTER (charted) OVER last_15 AS three_pt,
    SUM(all_three_pt_makes) OVER last_15 AS all_three_pt_makes,
    SUM(all_three_pt) OVER last_15 AS all_three_pt
  FROM allowed
  WINDOW last_15 AS (
    PARTITION BY season_start, team_abbr ORDER BY game_date, game_id ROWS BETWEEN 14 PRECEDING AND CURRENT ROW
  )
),
league_day AS (
  SELECT
    season_start,
    game_date,
    SUM(paint_makes) FILTER (charted) AS paint_makes,
    SUM(paint) FILTER (charted) AS paint,
    SUM(mid_range_makes) FILTER (charted) AS mid_range_makes,
    SUM(mid_range) FILTER (charted) AS mid_range,
    SUM(all_three_pt_makes) AS all_three_pt_makes,
    SUM(all_three_pt) AS all_three_pt
  FROM allowed
  GROUP BY ALL
),
league AS (
  SELECT
    game_date,
    ratio(SUM(paint_makes) OVER days_30, SUM(paint) OVER days_30) AS paint_pct,
    ratio(SUM(mid_range_makes) OVER days_30, SUM(mid_range) OVER days_30) AS mid_range_pct,
    ratio(SUM(all_three_pt_makes) OVER days_30, SUM(all_three_pt) OVER days_30) AS three_pt_pct
  FROM league_day
  WINDOW days_30 AS (
    PARTITION BY season_start ORDER BY game_date
    RANGE BETWEEN INTERVAL 29 DAYS PRECEDING AND INTERVAL 1 DAY PRECEDING
  )
),
rated AS (
  SELECT
    form.* EXCLUDE (game_date),
    day.game_date,
    CASE WHEN charted_games >= 5 THEN 100 * (ratio(form.paint_makes, form.paint) - league.paint_pct) END AS paint_rating,
    CASE
      WHEN charted_games >= 5 THEN 100 * (ratio(form.mid_range_makes, form.mid_range) - league.mid_range_pct)
    END AS mid_range_rating,
    CASE
      WHEN charted_games >= 5 THEN 100 * (ratio(form.all_three_pt_makes, form.all_three_pt) - league.three_pt_pct)
    END AS three_pt_rating
  FROM day
  JOIN (SELECT DISTINCT season_start, team_abbr FROM allowed) AS team ON team.season_start = day.season_start
  ASOF JOIN form
    ON form.season_start = day.season_start AND form.team_abbr = team.team_abbr AND form.game_date < day.game_date
  JOIN league ON league.game_date = day.game_date
)
SELECT
  team_abbr,
  game_date AS analysis_date,
  games AS games_in_sample,
  charted_games,
  ratio(paint_makes, paint) AS paint_pct_allowed_last_15,
  ratio(mid_range_makes, mid_range) AS mid_range_pct_allowed_last_15,
  ratio(all_three_pt_makes, all_three_pt) AS three_pt_pct_allowed_last_15,
  ratio(paint, charted_games) AS paint_attempts_allowed_per_game,
  ratio(mid_range, charted_games) AS mid_range_attempts_allowed_per_game,
  ratio(three_pt, charted_games) AS three_pt_attempts_allowed_per_game,
  paint_rating AS paint_defense_vs_league_avg,
  mid_range_rating AS mid_range_defense_vs_league_avg,
  three_pt_rating AS three_pt_defense_vs_league_avg,
  CASE LEAST(paint_rating, mid_range_rating, three_pt_rating)
    WHEN paint_rating THEN 'paint' WHEN mid_range_rating THEN 'mid_range' WHEN three_pt_rating THEN 'perimeter'
  END AS strongest_zone,
  CASE GREATEST(paint_rating, mid_range_rating, three_pt_rating)
    WHEN paint_rating THEN 'paint' WHEN mid_range_rating THEN 'mid_range' WHEN three_pt_rating THEN 'perimeter'
  END AS weakest_zone,
  'v2_last_15' AS calculation_version,
  'limit' AS run_id,
  md5(json_text({
    'team_abbr': team_abbr, 'games': games, 'charted_games': charted_games, 'paint_makes': paint_makes, 'paint': paint,
    'mid_range_makes': mid_range_makes, 'mid_range': mid_range, 'three_pt': three_pt,
    'all_three_pt_makes': all_three_pt_makes, 'all_three_pt': all_three_pt,
    'paint_rating': rounded(paint_rating, 6), 'mid_range_rating': rounded(mid_range_rating, 6),
    'three_pt_rating': rounded(three_pt_rating, 6)
  })) AS data_hash,
  now() AS processed_at
FROM rated;
