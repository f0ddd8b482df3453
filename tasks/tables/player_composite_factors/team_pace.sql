-- Grain: team_abbr, game_id. Possessions per 48 minutes of the games before @game_date, own and opponent's averaged
-- (https://www.basketball-reference.com/about/glossary.html#pace, with the short form of possessions: no
-- rebound shares). NULL if an attempt, a rebound or a turnover of either team is unknown.
WITH team_game AS (
  SELECT
    team_abbr,
    opponent_team_abbr,
    game_id,
    game_date,
    CAST(SUM(CAST(minutes_played AS NUMERIC)) AS FLOAT64) AS minutes,
    -- in hundredths, so that the sum is exact
    IF(
      COUNTIF(fg_attempts IS NULL OR ft_attempts IS NULL OR offensive_rebounds IS NULL OR turnovers IS NULL) > 0,
      NULL,
      SUM(100 * fg_attempts + 44 * ft_attempts - 100 * offensive_rebounds + 100 * turnovers)
    ) AS possessions_x100
  FROM played
  WHERE game_date < @game_date
  GROUP BY team_abbr, opponent_team_abbr, game_id, game_date
)
SELECT
  own.team_abbr,
  own.game_id,
  own.game_date,
  CAST(
    SAFE_DIVIDE(48 * (own.possessions_x100 + other.possessions_x100) / 200, own.minutes / 5) AS NUMERIC
  ) AS pace,
  ROW_NUMBER() OVER (PARTITION BY own.team_abbr ORDER BY own.game_date DESC, own.game_id DESC) AS games_ago
FROM team_game AS own
JOIN team_game AS other
  ON other.game_id = own.game_id AND other.team_abbr = own.opponent_team_abbr
