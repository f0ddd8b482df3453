CREATE SCHEMA IF NOT EXISTS nba_reference
OPTIONS(labels = [("application", "fullcourt")]);

CREATE TABLE IF NOT EXISTS nba_reference.nba_schedule (
  game_id STRING NOT NULL OPTIONS(description = "The league's game id, ten digits."),
  game_date DATE NOT NULL OPTIONS(description = "The day of the game in the league's calendar (America/New_York)."),
  season_year INT64 NOT NULL OPTIONS(description = "The year in which the season starts: 2022 is 2022-23. Not believed: a game is of the season of its day."),
  game_status INT64 NOT NULL OPTIONS(description = "1 scheduled, 2 live, 3 final."),
  game_status_text STRING OPTIONS(description = "The status in words; a game that was postponed or cancelled says so."),
  home_team_tricode STRING NOT NULL OPTIONS(description = "Home team, three letters."),
  away_team_tricode STRING NOT NULL OPTIONS(description = "Visiting team, three letters."),
  home_team_score INT64 OPTIONS(description = "Points of the home team; NULL before the end."),
  away_team_score INT64 OPTIONS(description = "Points of the visiting team; NULL before the end."),
  is_regular_season BOOL NOT NULL OPTIONS(description = "A game of the regular season."),
  is_playoffs BOOL NOT NULL OPTIONS(description = "A game of the playoffs."),
  is_all_star BOOL NOT NULL OPTIONS(description = "An All-Star game; never expected.")
)
PARTITION BY game_date
OPTIONS(description = "Which games exist.", labels = [("application", "fullcourt")]);
