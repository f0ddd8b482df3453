-- Grain: run_id, cleanup_type. What the cleanups of each run came to, as dashboards read it. A row that says that a cleanup
-- has begun counts, as an error, until another one of its cleanup_id says how it ended. A run that was started again is a
-- success if every table is, as it was left the last time.
WITH told AS (
  SELECT
    run_id,
    table_name,
    cleanup_time,
    deleted - restored AS gone,
    errors,
    COALESCE(MAX(NULLIF(cleanup_type, 'interrupted')) OVER (PARTITION BY cleanup_id), 'interrupted') AS cleanup_type,
    ROW_NUMBER() OVER (
      PARTITION BY cleanup_id
      ORDER BY IF(errors = 'begun, and has not said how it ended', 1, 0), cleanup_time DESC
    ) AS nth_last
  FROM nba_orchestration.cleanup_operations
  WHERE cleanup_type <> 'restore'
),
ended AS (
  SELECT
    run_id,
    cleanup_type,
    table_name,
    cleanup_time,
    gone,
    errors,
    ROW_NUMBER() OVER (PARTITION BY run_id, cleanup_type, table_name ORDER BY cleanup_time DESC) = 1 AS is_last
  FROM told
  WHERE nth_last = 1
)
SELECT
  run_id,
  cleanup_type,
  MAX(cleanup_time) AS cleanup_time,
  CAST(SUM(gone) AS INT64) AS total_records_deleted,
  COUNTIF(is_last AND errors IS NULL) AS tables_cleaned,
  STRING_AGG(IF(is_last AND errors IS NULL, table_name, NULL), ',' ORDER BY table_name) AS table_names,
  COUNTIF(is_last AND errors IS NOT NULL) = 0 AS is_success
FROM ended
GROUP BY run_id, cleanup_type
