-- Grain: player_lookup, game_id. Each expected player's context, rebuilt from box scores strictly before @game_date.
-- The definitions are those of the pre-game table, so that both sources mean the same. What box scores cannot tell (age,
-- projection, absent stars) stays NULL. Means are exact sums, divided once.
WITH player_game AS (
  SELECT
    p.player_lookup,
    p.game_date,
    p.minutes_played,
    p.usage_rate,
    LEAD(p.game_date) OVER (PARTITION BY p.player_lookup ORDER BY p.game_date DESC, p.game_id DESC) AS previous_date
  FROM played AS p
  WHERE p.game_date < @game_date AND p.player_lookup IN (SELECT player_lookup FROM expected)
),
player_form AS (
  SELECT
    player_lookup,
    DATE_DIFF(@game_date, MAX(game_date), DAY) AS days_rest,
    COUNTIF(game_date > DATE_SUB(@game_date, INTERVAL 7 DAY)) AS games_7,
    CAST(
      SUM(IF(game_date > DATE_SUB(@game_date, INTERVAL 7 DAY), CAST(minutes_played AS NUMERIC), NULL)) AS FLOAT64
    ) AS minutes_7,
    COUNTIF(
      DATE_DIFF(game_date, previous_date, DAY) = 1 AND previous_date > DATE_SUB(@game_date, INTERVAL 14 DAY)
    ) AS back_to_backs_14,
    SAFE_DIVIDE(
      CAST(SUM(IF(game_date > DATE_SUB(@game_date, INTERVAL 7 DAY), CAST(usage_rate AS NUMERIC), NULL)) AS FLOAT64),
      COUNT(IF(game_date > DATE_SUB(@game_date, INTERVAL 7 DAY), usage_rate, NULL))
    ) AS usage_7
  FROM player_game
  GROUP BY player_lookup
),
team_pace_10 AS (
  SELECT
    team_abbr,
    SAFE_DIVIDE(CAST(SUM(pace) AS FLOAT64), COUNT(pace)) AS pace
  FROM team_pace
  WHERE games_ago <= 10
  GROUP BY team_abbr
)
SELECT
  e.player_lookup,
  e.universal_player_id,
  e.game_id,
  e.game_date,
  e.team_abbr,
  e.opponent_team_abbr,
  f.days_rest,
  COALESCE(f.days_rest = 1, FALSE) AS back_to_back,
  COALESCE(f.games_7, 0) AS games_in_last_7_days,
  COALESCE(f.minutes_7, 0.0) AS minutes_in_last_7_days,
  SAFE_DIVIDE(f.minutes_7, f.games_7) AS avg_minutes_per_game_last_7,
  COALESCE(f.back_to_backs_14, 0) AS back_to_backs_last_14_days,
  CAST(NULL AS INT64) AS player_age,
  f.usage_7 AS avg_usage_rate_last_7_games,
  CAST(NULL AS FLOAT64) AS projected_usage_rate,
  CAST(NULL AS INT64) AS star_teammates_out,
  own.pace - opponent.pace AS pace_differential,
  opponent.pace AS opponent_pace_last_10,
  'synthetic' AS context_source
FROM expected AS e
LEFT JOIN player_form AS f ON f.player_lookup = e.player_lookup
LEFT JOIN team_pace_10 AS own ON own.team_abbr = e.team_abbr
LEFT JOIN team_pace_10 AS opponent ON opponent.team_abbr = e.opponent_team_abbr
