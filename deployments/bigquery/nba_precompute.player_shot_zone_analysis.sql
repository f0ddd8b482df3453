CREATE SCHEMA IF NOT EXISTS nba_precompute
OPTIONS(labels = [("application", "fullcourt")]);

CREATE TABLE IF NOT EXISTS nba_precompute.player_shot_zone_analysis (
  player_lookup STRING OPTIONS(description = "Lower-case letters and digits of the player's name."),
  universal_player_id STRING OPTIONS(description = "The player's id across sources."),
  analysis_date DATE OPTIONS(description = "The day; only games before it count."),
  games_in_sample_10 INT64 OPTIONS(description = "Games looked at, at most 10."),
  charted_games_10 INT64 OPTIONS(description = "Those of them whose shots by zone add up to all shots; the rates and shares are of these."),
  paint_rate_last_10 FLOAT64 OPTIONS(description = "Share of the player's shots in the paint, in percent."),
  mid_range_rate_last_10 FLOAT64 OPTIONS(description = "Share of the player's shots from mid-range, in percent."),
  three_pt_rate_last_10 FLOAT64 OPTIONS(description = "Share of the player's shots from three, in percent."),
  paint_pct_last_10 FLOAT64 OPTIONS(description = "FG% in the paint, from 0 to 1."),
  mid_range_pct_last_10 FLOAT64 OPTIONS(description = "FG% from mid-range, from 0 to 1."),
  three_pt_pct_last_10 FLOAT64 OPTIONS(description = "FG% from three, of all games, charted or not, from 0 to 1."),
  paint_attempts_per_game FLOAT64 OPTIONS(description = "Shots in the paint per game."),
  mid_range_attempts_per_game FLOAT64 OPTIONS(description = "Shots from mid-range per game."),
  three_pt_attempts_per_game FLOAT64 OPTIONS(description = "Shots from three per game."),
  primary_scoring_zone STRING OPTIONS(description = "paint, perimeter, mid_range or balanced; NULL without shots, or with less than 3 charted games."),
  missing_games_count INT64 OPTIONS(description = "Games of the row's own look-back that are not loaded as they were played."),
  look_back_missing_games STRING OPTIONS(description = "Games that the row looks back on and that are not loaded as they were played, separated by commas; NULL if none."),
  calculation_version STRING OPTIONS(description = "The version of the rules."),
  run_id STRING OPTIONS(description = "The run that wrote the row."),
  data_hash STRING OPTIONS(description = "MD5 of the row's content."),
  processed_at TIMESTAMP OPTIONS(description = "When the row was written.")
)
PARTITION BY analysis_date
CLUSTER BY player_lookup
OPTIONS(description = "Where a player shoots from, over his last 10 games of the season before the day.", labels = [("application", "fullcourt")]);
