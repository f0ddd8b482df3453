"""The demo league: a synthetic NBA season, the same bytes on every machine and in every run.

The teams' names and the calendar's habits are the league's; players and results are made up. Season 2022 repeats the
incident: on 2023-02-23 exactly 187 players of 9 games played and the pre-game table holds 1 of them, on 2023-02-24
exactly 175 of 8 and it holds 68.
"""

from deployments.commands.demo_league.league import DemoLeague, generate, load

__all__ = ["DemoLeague", "generate", "load"]
