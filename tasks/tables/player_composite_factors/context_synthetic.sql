-- Grain: player_lookup, game_id, from @first_date to @game_date. The context of everyone who played, rebuilt from box
-- scores strictly before his day. The definitions are those of the pre-game table, so that both sources mean the same.
-- What box scores cannot tell (age, projection, absent stars) stays NULL, and so does a sum of which a part is unknown.
-- Means are exact sums, divided once.
WITH player_game AS (
  SELECT
    *,
    DATE_DIFF(game_date, LAG(game_date) OVER player_games, DAY) AS days_since_game,
    LAG(team_abbr) OVER player_games AS previous_team,
    LAG(game_date, 10) OVER player_games AS tenth_game
  FROM played
  WINDOW player_games AS (PARTITION BY season_year, person ORDER BY game_date, game_id, team_abbr)
),
player_form AS (
  SELECT
    *,
    COUNT(*) OVER last_7 AS games_7,
    COUNT(minutes_played) OVER last_7 AS known_minutes_7,
    SUM(CAST(minutes_played AS NUMERIC)) OVER last_7 AS minutes_7,
    COUNT(usage_rate) OVER last_7 AS known_usage_7,
    SUM(CAST(usage_rate AS NUMERIC)) OVER last_7 AS usage_7,
    COUNT(IF(days_since_game = 1, 1, NULL)) OVER last_13 AS back_to_backs_14
  FROM player_game
  WINDOW
    last_7 AS (
      PARTITION BY season_year, person ORDER BY UNIX_DATE(game_date) RANGE BETWEEN 6 PRECEDING AND 1 PRECEDING
    ),
    last_13 AS (
      PARTITION BY season_year, person ORDER BY UNIX_DATE(game_date) RANGE BETWEEN 12 PRECEDING AND 1 PRECEDING
    )
)
SELECT
  f.player_lookup,
  f.universal_player_id,
  f.person,
  f.season_year,
  f.game_id,
  f.game_date,
  f.team_abbr,
  f.opponent_team_abbr,
  DATE_SUB(f.game_date, INTERVAL f.days_since_game DAY) AS previous_game,
  f.previous_team,
  f.tenth_game,
  own.pace IS NOT NULL OR opponent.pace IS NOT NULL AS has_pace,
  f.days_since_game AS days_rest,
  COALESCE(f.days_since_game = 1, FALSE) AS back_to_back,
  f.games_7 AS games_in_last_7_days,
  IF(f.known_minutes_7 < f.games_7, NULL, COALESCE(CAST(f.minutes_7 AS FLOAT64), 0.0)) AS minutes_in_last_7_days,
  IF(
    f.known_minutes_7 < f.games_7, NULL, SAFE_DIVIDE(CAST(f.minutes_7 AS FLOAT64), f.games_7)
  ) AS avg_minutes_per_game_last_7,
  f.back_to_backs_14 AS back_to_backs_last_14_days,
  CAST(NULL AS INT64) AS player_age,
  SAFE_DIVIDE(CAST(f.usage_7 AS FLOAT64), f.known_usage_7) AS avg_usage_rate_last_7_games,
  CAST(NULL AS FLOAT64) AS projected_usage_rate,
  CAST(NULL AS INT64) AS star_teammates_out,
  own.pace - opponent.pace AS pace_differential,
  opponent.pace AS opponent_pace_last_10,
  'synthetic' AS context_source
FROM player_form AS f
LEFT JOIN team_pace AS own ON own.game_date = f.game_date AND own.team_abbr = f.team_abbr
LEFT JOIN team_pace AS opponent ON opponent.game_date = f.game_date AND opponent.team_abbr = f.opponent_team_abbr
WHERE f.game_date >= @first_date
