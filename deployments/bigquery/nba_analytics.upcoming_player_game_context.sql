CREATE SCHEMA IF NOT EXISTS nba_analytics
OPTIONS(labels = [("application", "fullcourt")]);

CREATE TABLE IF NOT EXISTS nba_analytics.upcoming_player_game_context (
  player_lookup STRING NOT NULL OPTIONS(description = "Lower-case letters and digits of the player's name."),
  universal_player_id STRING OPTIONS(description = "The player's id across sources."),
  game_id STRING OPTIONS(description = "The league's game id, ten digits."),
  game_date DATE NOT NULL OPTIONS(description = "The day of the game."),
  team_abbr STRING OPTIONS(description = "The player's team, three letters."),
  opponent_team_abbr STRING OPTIONS(description = "The other team, three letters."),
  days_rest INT64 OPTIONS(description = "Days since the player's previous game of the season; 1 = he played yesterday."),
  back_to_back BOOL OPTIONS(description = "The player played on the day before."),
  games_in_last_7_days INT64 OPTIONS(description = "Games in the 7 days before."),
  minutes_in_last_7_days FLOAT64 OPTIONS(description = "Minutes in the 7 days before."),
  avg_minutes_per_game_last_7 FLOAT64 OPTIONS(description = "Minutes per game in the 7 days before."),
  back_to_backs_last_14_days INT64 OPTIONS(description = "Pairs of games on consecutive days in the 14 days before."),
  player_age INT64 OPTIONS(description = "Age in years."),
  avg_usage_rate_last_7_games FLOAT64 OPTIONS(description = "Mean usage over the last 7 games, in percent."),
  projected_usage_rate FLOAT64 OPTIONS(description = "Projected usage, in percent."),
  star_teammates_out INT64 OPTIONS(description = "Star teammates who will not play."),
  pace_differential FLOAT64 OPTIONS(description = "The own team's mean pace over 10 games minus the opponent's, in possessions per 48 minutes."),
  opponent_pace_last_10 FLOAT64 OPTIONS(description = "The opponent's mean pace over 10 games, in possessions per 48 minutes."),
  processed_at TIMESTAMP OPTIONS(description = "When the row was written.")
)
PARTITION BY game_date
CLUSTER BY player_lookup
OPTIONS(description = "Pre-game context of players, meant for future games only.", labels = [("application", "fullcourt")], require_partition_filter = TRUE);
