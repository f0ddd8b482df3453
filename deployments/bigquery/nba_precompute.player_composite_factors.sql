CREATE SCHEMA IF NOT EXISTS nba_precompute
OPTIONS(labels = [("application", "fullcourt")]);

CREATE TABLE IF NOT EXISTS nba_precompute.player_composite_factors (
  player_lookup STRING OPTIONS(description = "Lower-case letters and digits of the player's name."),
  universal_player_id STRING OPTIONS(description = "The player's id across sources."),
  game_id STRING OPTIONS(description = "The league's game id, ten digits."),
  game_date DATE OPTIONS(description = "The day of the game."),
  analysis_date DATE OPTIONS(description = "The same as game_date."),
  team_abbr STRING OPTIONS(description = "The player's team, three letters."),
  opponent_team_abbr STRING OPTIONS(description = "The other team, three letters."),
  fatigue_score INT64 OPTIONS(description = "From 0 (exhausted) to 100 (fresh)."),
  shot_zone_mismatch_score FLOAT64 OPTIONS(description = "The player's zone against the opponent's defence there."),
  pace_score FLOAT64 OPTIONS(description = "The expected pace of the game."),
  usage_spike_score FLOAT64 OPTIONS(description = "Projected usage against recent usage."),
  referee_favorability_score FLOAT64 OPTIONS(description = "Deferred: 0."),
  look_ahead_pressure_score FLOAT64 OPTIONS(description = "Deferred: 0."),
  travel_impact_score FLOAT64 OPTIONS(description = "Deferred: 0."),
  opponent_strength_score FLOAT64 OPTIONS(description = "Deferred: 0."),
  total_composite_adjustment FLOAT64 OPTIONS(description = "Sum of the unrounded adjustments, to 2 decimals."),
  fatigue_context_json STRING OPTIONS(description = "Inputs and rule hits behind fatigue_score."),
  shot_zone_context_json STRING OPTIONS(description = "Inputs and rule hits behind shot_zone_mismatch_score."),
  pace_context_json STRING OPTIONS(description = "Inputs and rule hits behind pace_score."),
  usage_context_json STRING OPTIONS(description = "Inputs and rule hits behind usage_spike_score."),
  calculation_version STRING OPTIONS(description = "The version of the rules."),
  data_completeness_pct FLOAT64 OPTIONS(description = "Share of five inputs that are known, in percent."),
  missing_data_fields STRING OPTIONS(description = "Inputs that are unknown, separated by commas; NULL if none."),
  has_warnings BOOL OPTIONS(description = "There is at least one warning."),
  warning_details STRING OPTIONS(description = "Warnings, separated by commas; NULL if none."),
  missing_games_count INT64 OPTIONS(description = "Games of the row's own look-back that are not loaded as they were played."),
  look_back_missing_games STRING OPTIONS(description = "Games that the row looks back on and that are not loaded as they were played, separated by commas; NULL if none."),
  context_source STRING OPTIONS(description = "upcoming or synthetic."),
  run_id STRING OPTIONS(description = "The run that wrote the row."),
  data_hash STRING OPTIONS(description = "MD5 of the row's content."),
  processed_at TIMESTAMP OPTIONS(description = "When the row was written.")
)
PARTITION BY game_date
CLUSTER BY player_lookup
OPTIONS(description = "How much the circumstances of a game favour or hinder a player; the main output.", labels = [("application", "fullcourt")]);
