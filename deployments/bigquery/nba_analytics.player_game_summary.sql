CREATE SCHEMA IF NOT EXISTS nba_analytics
OPTIONS(labels = [("application", "fullcourt")]);

CREATE TABLE IF NOT EXISTS nba_analytics.player_game_summary (
  player_lookup STRING NOT NULL OPTIONS(description = "Lower-case letters and digits of the player's name."),
  universal_player_id STRING OPTIONS(description = "The player's id across sources."),
  player_full_name STRING OPTIONS(description = "The player's name as printed."),
  game_id STRING NOT NULL OPTIONS(description = "The league's game id, ten digits."),
  game_date DATE NOT NULL OPTIONS(description = "The day of the game."),
  team_abbr STRING NOT NULL OPTIONS(description = "The player's team, three letters."),
  opponent_team_abbr STRING NOT NULL OPTIONS(description = "The other team, three letters."),
  season_year INT64 NOT NULL OPTIONS(description = "The year in which the season starts. Not believed: a game is of the season of its day."),
  points INT64 OPTIONS(description = "Points."),
  minutes_played FLOAT64 OPTIONS(description = "Minutes on the floor; NULL if the player did not play, 0 if he came on for seconds."),
  fg_makes INT64 OPTIONS(description = "Field goals made."),
  fg_attempts INT64 OPTIONS(description = "Field goals attempted."),
  three_pt_makes INT64 OPTIONS(description = "Three-point field goals made."),
  three_pt_attempts INT64 OPTIONS(description = "Three-point field goals attempted."),
  ft_makes INT64 OPTIONS(description = "Free throws made."),
  ft_attempts INT64 OPTIONS(description = "Free throws attempted."),
  offensive_rebounds INT64 OPTIONS(description = "Offensive rebounds."),
  defensive_rebounds INT64 OPTIONS(description = "Defensive rebounds."),
  assists INT64 OPTIONS(description = "Assists."),
  steals INT64 OPTIONS(description = "Steals."),
  blocks INT64 OPTIONS(description = "Blocks."),
  turnovers INT64 OPTIONS(description = "Turnovers."),
  personal_fouls INT64 OPTIONS(description = "Personal fouls."),
  plus_minus INT64 OPTIONS(description = "Score difference while the player was on the floor."),
  paint_makes INT64 OPTIONS(description = "Field goals made in the paint; NULL where there is no shot chart."),
  paint_attempts INT64 OPTIONS(description = "Field goals attempted in the paint; NULL where there is no shot chart."),
  mid_range_makes INT64 OPTIONS(description = "Field goals made from mid-range; NULL where there is no shot chart."),
  mid_range_attempts INT64 OPTIONS(description = "Field goals attempted from mid-range; NULL where there is no shot chart."),
  usage_rate FLOAT64 OPTIONS(description = "Share of the team's plays that the player used while on the floor, in percent."),
  starter_flag BOOL OPTIONS(description = "The player started; NULL if unknown."),
  is_active BOOL NOT NULL OPTIONS(description = "The player was in uniform."),
  is_dnp BOOL NOT NULL OPTIONS(description = "The player did not play."),
  processed_at TIMESTAMP NOT NULL OPTIONS(description = "When the row was written.")
)
PARTITION BY game_date
CLUSTER BY player_lookup
OPTIONS(description = "Box scores, the source of truth for a past day.", labels = [("application", "fullcourt")], require_partition_filter = TRUE);
