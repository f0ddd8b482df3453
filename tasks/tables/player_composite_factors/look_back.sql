-- Grain: who (a person), game_date, from @first_date to @game_date. The games that a player's row looks back on and that
-- are not loaded as they were played; only rows with such games. A rebuilt context looks back on 14 days of the own team,
-- or all since the player's previous game, and for pace, where it is known, on 10 games of both teams, of each of which
-- the pace must be known. Zones, where they are known, look back on 10 games of the player's and 15 of the opponent's.
-- own_missing counts those that the player himself may have played in.
WITH looked_at AS (
  SELECT
    person,
    season_year,
    game_date,
    team_abbr,
    opponent_team_abbr,
    previous_team,
    has_pace,
    zone_rating,
    LEAST(
      IF(
        context_source = 'upcoming',
        game_date,
        LEAST(COALESCE(previous_game, DATE '1946-01-01'), DATE_SUB(game_date, INTERVAL 13 DAY))
      ),
      IF(zone_share IS NULL, game_date, COALESCE(tenth_game, DATE '1946-01-01'))
    ) AS since
  FROM known
),
windows AS (
  SELECT person, season_year, game_date, team_abbr, since, TRUE AS is_own, FALSE AS is_of_pace FROM looked_at
  UNION ALL
  SELECT person, season_year, game_date, previous_team AS team_abbr, since, TRUE AS is_own, FALSE AS is_of_pace
  FROM looked_at
  WHERE previous_team <> team_abbr
  UNION ALL
  SELECT l.person, l.season_year, l.game_date, w.team_abbr, w.tenth_game AS since, FALSE AS is_own, TRUE AS is_of_pace
  FROM looked_at AS l
  JOIN team_windows AS w ON w.game_date = l.game_date AND w.team_abbr IN (l.team_abbr, l.opponent_team_abbr)
  WHERE l.has_pace
  UNION ALL
  SELECT
    l.person, l.season_year, l.game_date, w.team_abbr, w.fifteenth_game AS since, FALSE AS is_own, FALSE AS is_of_pace
  FROM looked_at AS l
  JOIN team_windows AS w ON w.game_date = l.game_date AND w.team_abbr = l.opponent_team_abbr
  WHERE l.zone_rating IS NOT NULL
),
gaps AS (
  SELECT season_year, game_date, team_abbr, game, FALSE AS is_of_pace FROM holes
  UNION ALL
  SELECT
    a.season_year,
    a.game_date,
    a.team_abbr,
    CONCAT(CAST(a.game_date AS STRING), ' ', a.label, ' (pace unknown)') AS game,
    TRUE AS is_of_pace
  FROM audit AS a
  JOIN paces AS p ON p.game_date = a.game_date AND p.team_abbr = a.team_abbr
  WHERE a.problem IS NULL AND p.pace IS NULL
)
SELECT
  w.person AS who,
  w.game_date,
  COUNT(DISTINCT IF(w.is_own, h.game, NULL)) AS own_missing,
  STRING_AGG(DISTINCT h.game, ', ' ORDER BY h.game) AS missing_games
FROM windows AS w
JOIN gaps AS h
  ON h.season_year = w.season_year
  AND h.team_abbr = w.team_abbr
  AND h.game_date >= w.since
  AND h.game_date < w.game_date
  AND (w.is_of_pace OR NOT h.is_of_pace)
GROUP BY w.person, w.game_date
