CREATE SCHEMA IF NOT EXISTS nba_orchestration
OPTIONS(labels = [("application", "fullcourt")]);

CREATE TABLE IF NOT EXISTS nba_orchestration.backfill_ledger (
  table_name STRING NOT NULL OPTIONS(description = "The derived table."),
  game_date DATE NOT NULL OPTIONS(description = "The day."),
  run_id STRING NOT NULL OPTIONS(description = "The flow run."),
  attempt INT64 NOT NULL OPTIONS(description = "The flow run's attempt, from 1."),
  outcome STRING NOT NULL OPTIONS(description = "complete, complete_with_warning, forced, waived, blocked or failed; no_games or skipped_bootstrap of a day that had failed."),
  reason STRING OPTIONS(description = "The category of a block, failure or warning; NULL if there is none."),
  message STRING NOT NULL OPTIONS(description = "What was decided, on which numbers."),
  source STRING OPTIONS(description = "Where the day's context came from."),
  source_reason STRING OPTIONS(description = "Why that source was taken."),
  source_missing STRING OPTIONS(description = "Expected, but not in the preferred source: a JSON array."),
  expected INT64 OPTIONS(description = "Size of the expected set."),
  covered INT64 OPTIONS(description = "How many of it have a row."),
  coverage FLOAT64 OPTIONS(description = "covered / expected."),
  look_back_coverage FLOAT64 OPTIONS(description = "Share of the expected whose look-back has no hole; NULL if it is unknown."),
  mean_completeness FLOAT64 OPTIONS(description = "Mean share of the rows' inputs that are known, in percent; NULL if the table does not say it."),
  expected_digest STRING OPTIONS(description = "Digest of who was expected on the day; NULL if the table does not depend on it."),
  row_count INT64 OPTIONS(description = "Rows published."),
  rows_digest STRING OPTIONS(description = "Digest of the content of the rows published."),
  missing STRING OPTIONS(description = "Expected, but without a row: a JSON array."),
  decision_reason STRING OPTIONS(description = "Why a person forced or waived the day; NULL if nobody did."),
  decided_by STRING OPTIONS(description = "Who it was, as far as Prefect knows."),
  inputs STRING OPTIONS(description = "Digest of every input, by name: a JSON object."),
  code_version STRING NOT NULL OPTIONS(description = "Digest of the table's folder and its dependencies."),
  started_at TIMESTAMP NOT NULL OPTIONS(description = "When work on the day began."),
  recorded_at TIMESTAMP NOT NULL OPTIONS(description = "When the row was written.")
)
PARTITION BY game_date
CLUSTER BY table_name
OPTIONS(description = "What every checkpoint says, kept in the warehouse.", labels = [("application", "fullcourt")]);
