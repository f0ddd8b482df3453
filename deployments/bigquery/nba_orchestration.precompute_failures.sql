CREATE SCHEMA IF NOT EXISTS nba_orchestration
OPTIONS(labels = [("application", "fullcourt")]);

CREATE TABLE IF NOT EXISTS nba_orchestration.precompute_failures (
  table_name STRING NOT NULL OPTIONS(description = "The derived table."),
  game_date DATE NOT NULL OPTIONS(description = "The day."),
  run_id STRING NOT NULL OPTIONS(description = "The flow run."),
  attempt INT64 NOT NULL OPTIONS(description = "The flow run's attempt, from 1."),
  outcome STRING NOT NULL OPTIONS(description = "blocked or failed."),
  category STRING NOT NULL OPTIONS(description = "What kind of block or failure."),
  message STRING NOT NULL OPTIONS(description = "What was wrong, where, and what to do."),
  can_retry BOOL NOT NULL OPTIONS(description = "Another attempt can succeed with the same inputs, and nothing changed."),
  recorded_at TIMESTAMP NOT NULL OPTIONS(description = "When the row was written.")
)
PARTITION BY game_date
CLUSTER BY table_name
OPTIONS(description = "Every blocked or failed day, with its category and whether a retry can help; failure_history says which are resolved.", labels = [("application", "fullcourt")]);
