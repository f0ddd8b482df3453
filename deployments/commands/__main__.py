"""``python -m deployments.commands``: ``fullcourt`` without its entry point."""

import sys

from deployments.commands.main import main

sys.exit(main())
