"""``python -m deployments.register``: put everything into service on the Prefect API that is configured.

That is every deployment of prefect.yaml, the concurrency limits, the alerts and the block that they use. It is safe to
repeat: what is there is updated, never doubled, and never removed.
"""

import os
import subprocess
import sys

import httpx
import yaml
from prefect.client.orchestration import get_client
from prefect.exceptions import ObjectNotFound
from prefect.settings import get_current_settings

from deployments.alerts import register_alerts
from deployments.local import POOL
from deployments.services import ServiceError
from tasks.domain.errors import FullcourtError, SettingsError
from tasks.limits import register_limits
from tasks.settings import PROJECT_ROOT, Settings, load_settings


def register(settings: Settings) -> list[str]:
    """Register the deployments, the limits and the alerts.

    Returns:
        What was registered: a line for each kind.

    Raises:
        SettingsError: Prefect's API is not configured, or a setting is invalid.
        ServiceError: There is no work pool, or prefect.yaml cannot be deployed.
    """
    deployments = _register_deployments()
    limits = register_limits(settings)
    block = register_alerts(settings)
    told = (
        f"through {block}"
        if block
        else "but nobody will be told: set FULLCOURT_ALERT_WEBHOOK_URL or FULLCOURT_ALERT_BLOCK, then run this again"
    )
    return [
        f"deployments  {', '.join(deployments)}",
        f"limits       {', '.join(limit.name for limit in limits)}",
        f"alerts       a large deletion, a run that failed, no success for too long; {told}",
    ]


def _register_deployments() -> list[str]:
    """Register every deployment of prefect.yaml; returns their names."""
    if get_current_settings().api.url is None:
        raise SettingsError("PREFECT_API_URL is not set: name the Prefect API to register on; make up has its own")
    with get_client(sync_client=True) as client:
        try:
            client.read_work_pool(POOL)
        except ObjectNotFound as error:
            raise ServiceError(
                f"there is no work pool {POOL}; create one of the type of your workers, for example: "
                f"prefect work-pool create {POOL} --type process"
            ) from error
    env = os.environ | get_current_settings().to_environment_variables(exclude_unset=True, include_secrets=True)
    env.pop("FULLCOURT_PROJECT_DIR", None)  # it is looked up where a run takes place, and must not be filled in here
    done = subprocess.run(
        [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"],
        cwd=PROJECT_ROOT,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        end = "\n".join(done.stdout.splitlines()[-20:])
        raise ServiceError(f"the deployments of prefect.yaml cannot be registered:\n{end}")
    described = yaml.safe_load((PROJECT_ROOT / "prefect.yaml").read_text(encoding="utf-8"))["deployments"]
    return [f"{deployment['entrypoint'].split(':')[1]}/{deployment['name']}" for deployment in described]


def main() -> int:
    """Run the command line; returns the exit code."""
    try:
        for line in register(load_settings()):
            print(line)
    except FullcourtError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except httpx.HTTPError as error:
        url = get_current_settings().api.url
        print(f"error: Prefect's API at {url} does not do what it is asked: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
