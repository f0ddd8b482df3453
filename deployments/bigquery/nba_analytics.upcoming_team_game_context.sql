CREATE SCHEMA IF NOT EXISTS nba_analytics
OPTIONS(labels = [("application", "fullcourt")]);

CREATE TABLE IF NOT EXISTS nba_analytics.upcoming_team_game_context (
  team_abbr STRING NOT NULL OPTIONS(description = "The team, three letters."),
  game_id STRING NOT NULL OPTIONS(description = "The league's game id, ten digits."),
  game_date DATE NOT NULL OPTIONS(description = "The day of the game."),
  season_year INT64 OPTIONS(description = "The year in which the season starts."),
  opponent_team_abbr STRING OPTIONS(description = "The other team, three letters."),
  home_game BOOL OPTIONS(description = "The team plays at home."),
  game_total FLOAT64 OPTIONS(description = "Expected points of both teams."),
  game_spread FLOAT64 OPTIONS(description = "Expected lead of the team, in points."),
  processed_at TIMESTAMP OPTIONS(description = "When the row was written.")
)
PARTITION BY game_date
OPTIONS(description = "Pre-game context of teams, meant for future games only.", labels = [("application", "fullcourt")]);
