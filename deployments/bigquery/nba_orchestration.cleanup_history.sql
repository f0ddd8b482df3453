CREATE SCHEMA IF NOT EXISTS nba_orchestration
OPTIONS(labels = [("application", "fullcourt")]);

CREATE VIEW IF NOT EXISTS nba_orchestration.cleanup_history (
  run_id OPTIONS(description = "The flow run."),
  cleanup_type OPTIONS(description = "upcoming_tables_ttl (scheduled) or by_hand."),
  cleanup_time OPTIONS(description = "When the run's last row was written."),
  total_records_deleted OPTIONS(description = "Rows deleted from all tables and not put back."),
  tables_cleaned OPTIONS(description = "Tables that were cleaned without an error."),
  table_names OPTIONS(description = "Their names, joined with commas."),
  is_success OPTIONS(description = "Every table was cleaned without an error.")
)
OPTIONS(description = "Cleanups by run, as dashboards read them.", labels = [("application", "fullcourt")])
AS
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
GROUP BY run_id, cleanup_type;
