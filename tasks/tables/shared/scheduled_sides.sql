-- Grain: game_id, game_date, team_abbr. The rows of the schedule, one for each team, from @from_date to the end of the
-- season, which is at most 437 days long. All-Star games
-- (003...) and preseason (001...) are exhibitions, by their ids as well as by the flag. is_disputed: the flag says
-- All-Star, and the id that it is a game of the season.
WITH coded AS (
  SELECT
    s.game_date,
    s.game_id,
    y.season_year,
    COALESCE(home.team_abbr, s.home_team_tricode) AS home_team,
    COALESCE(away.team_abbr, s.away_team_tricode) AS away_team,
    NULLIF(s.home_team_score, 0) AS home_score,
    NULLIF(s.away_team_score, 0) AS away_score,
    COALESCE(s.game_status = 3, FALSE) AS is_final,
    COALESCE(REGEXP_CONTAINS(LOWER(s.game_status_text), 'postponed|cancel|ppd'), FALSE) AS is_off,
    COALESCE(s.is_all_star, FALSE) AND REGEXP_CONTAINS(s.game_id, '^00[2456]') AS is_disputed,
    COALESCE(s.is_all_star, FALSE) AND NOT REGEXP_CONTAINS(s.game_id, '^00[2456]')
      OR REGEXP_CONTAINS(s.game_id, '^00[13]') AS is_exhibition
  FROM nba_reference.nba_schedule AS s
  JOIN season_spans AS y ON s.game_date BETWEEN y.first_day AND y.last_day
  LEFT JOIN team_codes AS home
    ON home.code = s.home_team_tricode AND y.season_year BETWEEN home.first_season AND home.last_season
  LEFT JOIN team_codes AS away
    ON away.code = s.away_team_tricode AND y.season_year BETWEEN away.first_season AND away.last_season
  WHERE s.game_date BETWEEN @from_date AND DATE_ADD(@game_date, INTERVAL 450 DAY)
)
SELECT
  side = 'home' AS is_home,
  IF(side = 'home', home_team, away_team) AS team_abbr,
  IF(side = 'home', away_team, home_team) AS opponent_team_abbr,
  IF(side = 'home', home_score, away_score) AS score,
  CONCAT(away_team, ' at ', home_team, ' (', game_id, ')') AS label,
  game_date,
  game_id,
  season_year,
  is_final,
  is_off,
  is_disputed,
  is_exhibition
FROM coded
CROSS JOIN UNNEST(['home', 'away']) AS side
