-- Grain: table_name, game_date, run_id, attempt. Every failure, and the first record after it by which the day passed.
WITH passed AS (
  SELECT table_name, game_date, outcome, recorded_at
  FROM nba_orchestration.backfill_ledger
  WHERE outcome IN ('complete', 'complete_with_warning', 'forced', 'waived', 'no_games', 'skipped_bootstrap')
),
ranked AS (
  SELECT
    f.table_name,
    f.game_date,
    f.run_id,
    f.attempt,
    f.outcome,
    f.category,
    f.message,
    f.can_retry,
    f.recorded_at,
    p.outcome AS resolution,
    p.recorded_at AS resolved_at,
    ROW_NUMBER() OVER (
      PARTITION BY f.table_name, f.game_date, f.run_id, f.attempt, f.recorded_at
      ORDER BY p.recorded_at
    ) AS nth
  FROM nba_orchestration.precompute_failures AS f
  LEFT JOIN passed AS p
    ON p.table_name = f.table_name AND p.game_date = f.game_date AND p.recorded_at > f.recorded_at
)
SELECT
  table_name,
  game_date,
  run_id,
  attempt,
  outcome,
  category,
  message,
  can_retry,
  recorded_at,
  IF(resolved_at IS NULL, 'open', 'resolved') AS resolution_status,
  resolution,
  resolved_at
FROM ranked
WHERE nth = 1
