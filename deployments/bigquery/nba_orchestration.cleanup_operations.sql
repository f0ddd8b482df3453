CREATE SCHEMA IF NOT EXISTS nba_orchestration
OPTIONS(labels = [("application", "fullcourt")]);

CREATE TABLE IF NOT EXISTS nba_orchestration.cleanup_operations (
  cleanup_id STRING NOT NULL OPTIONS(description = "Run, attempt and table in one; of its rows, the one that is written last counts."),
  cleanup_time TIMESTAMP NOT NULL OPTIONS(description = "When the row was written."),
  cleanup_type STRING NOT NULL OPTIONS(description = "upcoming_tables_ttl (scheduled), by_hand, restore, or interrupted: written for a cleanup that died."),
  table_name STRING NOT NULL OPTIONS(description = "The table, with its dataset."),
  ttl_days INT64 OPTIONS(description = "Age in days from which on rows were stale; NULL of a restore."),
  cutoff DATE NOT NULL OPTIONS(description = "Rows before this day were stale; the day itself stays."),
  previewed INT64 OPTIONS(description = "Rows that the preview counted; NULL if it failed."),
  deleted INT64 NOT NULL OPTIONS(description = "Rows that were deleted, by the engine's own count."),
  restored INT64 NOT NULL OPTIONS(description = "Rows that were put back from the backup."),
  backup_name STRING OPTIONS(description = "The backup of the rows; NULL if none was needed or made."),
  verified BOOL OPTIONS(description = "No stale row left and every other row unchanged; NULL if nothing was deleted."),
  errors STRING OPTIONS(description = "What went wrong, or that it has begun and has not said how it ended; NULL if nothing did."),
  notes STRING OPTIONS(description = "What was left alone and why; NULL if nothing was."),
  duration_seconds FLOAT64 NOT NULL OPTIONS(description = "Seconds from the preview to this row."),
  run_id STRING NOT NULL OPTIONS(description = "The flow run."),
  approved_by STRING OPTIONS(description = "Who approved the deletion; NULL if nobody was asked.")
)
PARTITION BY DATE(cleanup_time)
OPTIONS(description = "Audit log of every cleanup and restore, one row when it begins with a table and one when it has ended.", labels = [("application", "fullcourt")]);
