-- Grain: game_date, team_abbr. Each team's game, by the schedule and by the box scores, from @from_date to @game_date, and
-- what is wrong with it. A game is its day and its two teams, whatever its ids. status: final, pending (not final),
-- moved (final on a later day, and not played on this one), exhibition, unscheduled (in the box scores alone).
WITH scheduled_team AS (
  SELECT
    *,
    COUNT(IF(is_exhibition OR may_be_moved, NULL, 1)) OVER (PARTITION BY game_date, team_abbr) AS games,
    ROW_NUMBER() OVER (
      PARTITION BY game_date, team_abbr ORDER BY is_exhibition, may_be_moved, opponent_team_abbr
    ) AS place
  FROM scheduled
  WHERE game_date <= @game_date
),
odd_people AS (
  SELECT
    game_date,
    person,
    MIN(team_abbr) <> MAX(team_abbr) OR MIN(player_lookup) <> MAX(player_lookup) AS is_ambiguous
  FROM box_scores
  GROUP BY game_date, person
  HAVING COUNT(*) > 1
),
told_apart AS (
  SELECT
    b.*,
    IF(
      p.is_ambiguous OR b.has_no_telling_id,
      CONCAT(b.player_lookup, ' (', COALESCE(b.universal_player_id, 'no id'), ')'),
      NULL
    ) AS ambiguous_player,
    IF(p.person IS NULL, NULL, b.player_lookup) AS double_player
  FROM box_scores AS b
  LEFT JOIN odd_people AS p ON p.game_date = b.game_date AND p.person = b.person
),
loaded AS (
  SELECT
    game_date,
    team_abbr,
    MAX(season_year) AS season_year,
    MIN(game_id) AS game_id,
    MIN(opponent_team_abbr) AS opponent_team_abbr,
    COUNT(DISTINCT opponent_team_abbr) AS opponents,
    COUNT(DISTINCT person) AS players,
    COUNT(*) AS row_count,
    SUM(points) AS points,
    COUNT(points) AS known_points,
    CAST(SUM(CAST(minutes_played AS NUMERIC)) AS FLOAT64) AS minutes,
    COUNT(minutes_played) AS stated_minutes,
    STRING_AGG(DISTINCT ambiguous_player, ', ' ORDER BY ambiguous_player) AS ambiguous_players,
    STRING_AGG(DISTINCT double_player, ', ' ORDER BY double_player) AS double_players
  FROM told_apart
  GROUP BY game_date, team_abbr
),
joined AS (
  SELECT
    COALESCE(s.game_date, b.game_date) AS game_date,
    COALESCE(s.team_abbr, b.team_abbr) AS team_abbr,
    COALESCE(s.opponent_team_abbr, b.opponent_team_abbr) AS opponent_team_abbr,
    COALESCE(s.season_year, b.season_year) AS season_year,
    COALESCE(
      s.label,
      CONCAT(
        COALESCE(b.team_abbr, 'an unknown team'), ' against ', COALESCE(b.opponent_team_abbr, 'an unknown team'), ' (',
        COALESCE(b.game_id, 'no id'), ')'
      )
    ) AS label,
    COALESCE(s.is_home, b.team_abbr < b.opponent_team_abbr) AS is_home,
    CASE
      WHEN s.team_abbr IS NULL THEN 'unscheduled'
      WHEN s.is_exhibition THEN 'exhibition'
      WHEN s.may_be_moved AND b.players IS NULL AND other.players IS NULL THEN 'moved'
      WHEN s.is_final THEN 'final'
      ELSE 'pending'
    END AS status,
    s.score,
    s.games,
    s.is_disputed,
    b.opponent_team_abbr AS loaded_opponent,
    b.opponents,
    b.players,
    b.row_count,
    b.points,
    b.known_points,
    b.minutes,
    b.stated_minutes,
    b.ambiguous_players,
    b.double_players,
    COALESCE(before.game_date, after.game_date) AS scheduled_date
  FROM (SELECT * FROM scheduled_team WHERE place = 1) AS s
  FULL JOIN loaded AS b ON b.game_date = s.game_date AND b.team_abbr = s.team_abbr
  LEFT JOIN loaded AS other ON other.game_date = s.game_date AND other.team_abbr = s.opponent_team_abbr
  LEFT JOIN scheduled AS before
    ON before.game_date = DATE_SUB(b.game_date, INTERVAL 1 DAY)
    AND before.team_abbr = b.team_abbr
    AND before.opponent_team_abbr = b.opponent_team_abbr
  LEFT JOIN scheduled AS after
    ON after.game_date = DATE_ADD(b.game_date, INTERVAL 1 DAY)
    AND after.team_abbr = b.team_abbr
    AND after.opponent_team_abbr = b.opponent_team_abbr
)
SELECT
  *,
  CASE
    WHEN status IN ('moved', 'exhibition') THEN NULL
    WHEN ambiguous_players IS NOT NULL THEN 'ambiguous'
    WHEN status = 'unscheduled' THEN 'unscheduled'
    WHEN is_disputed OR games > 1 OR opponents > 1 OR loaded_opponent <> opponent_team_abbr THEN 'conflict'
    WHEN double_players IS NOT NULL THEN 'double'
    WHEN status = 'pending' THEN 'pending'
    WHEN COALESCE(players, 0) < @min_players_per_team
      OR (known_points > 0 AND points <> score)
      OR (stated_minutes = row_count AND minutes < 230) THEN 'incomplete'
  END AS problem,
  CASE
    WHEN status IN ('moved', 'exhibition') THEN NULL
    WHEN ambiguous_players IS NOT NULL THEN CONCAT(label, ': ', ambiguous_players)
    WHEN status = 'unscheduled'
      THEN CONCAT(label, COALESCE(CONCAT(', which the schedule has on ', CAST(scheduled_date AS STRING)), ''))
    WHEN is_disputed THEN CONCAT(label, ' is a game of the season by its id, and All-Star by its flag')
    WHEN games > 1 THEN CONCAT(team_abbr, ' has ', CAST(games AS STRING), ' games in the schedule, one is ', label)
    WHEN opponents > 1 THEN CONCAT(label, ': the box scores have ', team_abbr, ' against several opponents')
    WHEN loaded_opponent <> opponent_team_abbr
      THEN CONCAT(label, ': the box scores have ', team_abbr, ' against ', loaded_opponent)
    WHEN double_players IS NOT NULL THEN CONCAT(label, ': ', double_players)
    WHEN status = 'pending' THEN label
    WHEN players IS NULL THEN CONCAT(label, ' has no box scores for ', team_abbr)
    WHEN players < @min_players_per_team THEN CONCAT(
      label, ' has ', CAST(players AS STRING), ' players for ', team_abbr, ', of at least ',
      CAST(@min_players_per_team AS STRING)
    )
    WHEN known_points > 0 AND points <> score THEN CONCAT(
      label, ' has ', CAST(points AS STRING), ' points for ', team_abbr, ', the schedule says ', CAST(score AS STRING)
    )
    WHEN stated_minutes = row_count AND minutes < 230 THEN CONCAT(
      label, ' has ', CAST(CAST(ROUND(minutes) AS INT64) AS STRING), ' minutes for ', team_abbr, ', of at least 230'
    )
  END AS detail
FROM joined
