-- Grain: run_id, cleanup_type. What the cleanups of each run came to, as dashboards read it.
SELECT
  run_id,
  cleanup_type,
  MAX(cleanup_time) AS cleanup_time,
  CAST(SUM(deleted - restored) AS INT64) AS total_records_deleted,
  COUNTIF(errors IS NULL) AS tables_cleaned,
  STRING_AGG(IF(errors IS NULL, table_name, NULL), ',' ORDER BY table_name) AS table_names,
  COUNTIF(errors IS NOT NULL) = 0 AS is_success
FROM nba_orchestration.cleanup_operations
WHERE cleanup_type <> 'restore'
GROUP BY run_id, cleanup_type
