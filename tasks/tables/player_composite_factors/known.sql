-- Grain: player_lookup, game_id, from @first_date to @game_date. The context of each player-game with his zones and the
-- opponent's defence.
SELECT
  c.*,
  z.player_lookup IS NOT NULL AS has_zone_row,
  z.primary_scoring_zone,
  CASE z.primary_scoring_zone
    WHEN 'perimeter' THEN 'perimeter'
    WHEN 'mid_range' THEN 'mid_range'
    ELSE 'paint'
  END AS zone,
  CASE z.primary_scoring_zone
    WHEN 'perimeter' THEN z.three_pt_rate_last_10
    WHEN 'mid_range' THEN z.mid_range_rate_last_10
    ELSE z.paint_rate_last_10
  END AS zone_share,
  CASE z.primary_scoring_zone
    WHEN 'perimeter' THEN d.three_pt_defense_vs_league_avg
    WHEN 'mid_range' THEN d.mid_range_defense_vs_league_avg
    ELSE d.paint_defense_vs_league_avg
  END AS zone_rating
FROM context AS c
LEFT JOIN zones AS z ON z.person = c.person AND z.game_date = c.game_date
LEFT JOIN (
  SELECT * FROM nba_precompute.team_defense_zone_analysis WHERE analysis_date BETWEEN @first_date AND @game_date
) AS d ON d.team_abbr = c.opponent_team_abbr AND d.analysis_date = c.game_date
