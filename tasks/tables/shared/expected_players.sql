-- Grain: player_lookup, game_id. The expected set: who played, from @from_date to @game_date, in games that the
-- schedule says are final.
SELECT
  player_lookup,
  universal_player_id,
  person,
  game_id,
  game_date,
  team_abbr,
  opponent_team_abbr
FROM played
WHERE is_final
