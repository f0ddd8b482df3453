-- Grain: player_lookup, game_id. Everyone who played in a game of the season, from @from_date to @game_date.
-- person tells players apart: the id across sources where there is one, else player_lookup.
SELECT
  b.player_lookup,
  b.universal_player_id,
  b.person,
  b.game_id,
  b.game_date,
  b.team_abbr,
  COALESCE(b.opponent_team_abbr, s.opponent_team_abbr) AS opponent_team_abbr,
  b.season_year,
  b.minutes_played,
  b.usage_rate,
  b.fg_attempts,
  b.ft_attempts,
  b.offensive_rebounds,
  b.turnovers,
  b.paint_makes,
  b.paint_attempts,
  b.mid_range_makes,
  b.mid_range_attempts,
  b.three_pt_makes,
  b.three_pt_attempts,
  COALESCE(s.is_final, FALSE) AS is_final
FROM box_scores AS b
LEFT JOIN (
  SELECT
    game_date,
    team_abbr,
    MAX(opponent_team_abbr) AS opponent_team_abbr,
    LOGICAL_OR(is_final AND NOT is_exhibition) AS is_final,
    LOGICAL_AND(is_exhibition) AS is_exhibition
  FROM scheduled_sides
  GROUP BY game_date, team_abbr
) AS s ON s.game_date = b.game_date AND s.team_abbr = b.team_abbr
WHERE NOT COALESCE(s.is_exhibition, FALSE)
