CREATE SCHEMA IF NOT EXISTS nba_precompute
OPTIONS(labels = [("application", "fullcourt")]);

CREATE TABLE IF NOT EXISTS nba_precompute.team_defense_zone_analysis (
  team_abbr STRING OPTIONS(description = "The defending team, three letters."),
  analysis_date DATE OPTIONS(description = "The day; only games before it count."),
  games_in_sample INT64 OPTIONS(description = "Games looked at, at most 15."),
  charted_games INT64 OPTIONS(description = "Those of them in which every player's shots by zone add up to all of his shots; the rates are of these."),
  paint_pct_allowed_last_15 FLOAT64 OPTIONS(description = "FG% allowed in the paint, from 0 to 1."),
  mid_range_pct_allowed_last_15 FLOAT64 OPTIONS(description = "FG% allowed from mid-range, from 0 to 1."),
  three_pt_pct_allowed_last_15 FLOAT64 OPTIONS(description = "FG% allowed from three, of all games, charted or not, from 0 to 1."),
  paint_attempts_allowed_per_game FLOAT64 OPTIONS(description = "Shots allowed in the paint per game."),
  mid_range_attempts_allowed_per_game FLOAT64 OPTIONS(description = "Shots allowed from mid-range per game."),
  three_pt_attempts_allowed_per_game FLOAT64 OPTIONS(description = "Shots allowed from three per game."),
  paint_defense_vs_league_avg FLOAT64 OPTIONS(description = "FG% allowed in the paint minus the league's, in percentage points; positive is weak; NULL with less than 5 charted games."),
  mid_range_defense_vs_league_avg FLOAT64 OPTIONS(description = "FG% allowed from mid-range minus the league's, in percentage points; positive is weak; NULL with less than 5 charted games."),
  three_pt_defense_vs_league_avg FLOAT64 OPTIONS(description = "FG% allowed from three minus the league's, in percentage points; positive is weak; NULL with less than 5 charted games."),
  strongest_zone STRING OPTIONS(description = "The zone with the lowest rating: paint, mid_range or perimeter."),
  weakest_zone STRING OPTIONS(description = "The zone with the highest rating: paint, mid_range or perimeter."),
  missing_games_count INT64 OPTIONS(description = "Games of the row's own look-back that are not loaded as they were played."),
  look_back_missing_games STRING OPTIONS(description = "Games that the row looks back on and that are not loaded as they were played, separated by commas; NULL if none."),
  calculation_version STRING OPTIONS(description = "The version of the rules."),
  run_id STRING OPTIONS(description = "The run that wrote the row."),
  data_hash STRING OPTIONS(description = "MD5 of the row's content."),
  processed_at TIMESTAMP OPTIONS(description = "When the row was written.")
)
PARTITION BY analysis_date
OPTIONS(description = "What a team allows by zone, over its last 15 games of the season before the day.", labels = [("application", "fullcourt")]);
