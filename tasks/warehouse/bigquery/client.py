"""A client for the project that the settings name, with the credentials of a Prefect block or of the environment."""

from functools import lru_cache
from typing import Any

import httpx
from google.cloud import bigquery  # noqa: TID251
from prefect_gcp import GcpCredentials

from tasks.errors import AccessError, SettingsError, TransientError
from tasks.settings import BigQuerySettings
from tasks.warehouse.bigquery.errors import DRIVER_ERRORS, translate


def connect(settings: BigQuerySettings) -> bigquery.Client:
    """Return a client of the project and location.

    Raises:
        SettingsError: There is no block of that name.
        AccessError: There are no credentials, or they are not a key.
        TransientError: Prefect's server did not return the block.
    """
    try:
        return bigquery.Client(project=settings.project, location=settings.location, credentials=credentials(settings))
    except DRIVER_ERRORS as error:
        raise translate(error, settings, about=f"project {settings.project}") from error


@lru_cache(maxsize=8)
def credentials(settings: BigQuerySettings) -> Any:
    """Return the credentials; kept, so that every connection of a process shares their access token."""
    name = settings.credentials_block
    try:
        block = GcpCredentials.load(name) if name else GcpCredentials(project=settings.project)
        return block.get_credentials_from_service_account()
    except httpx.HTTPError as error:
        raise TransientError(
            f"FULLCOURT_BIGQUERY_CREDENTIALS_BLOCK={name}: Prefect's server did not return the block "
            f"({type(error).__name__}); check the server, then try again"
        ) from error
    except ValueError as error:  # what Prefect says of a block, and google-auth of a key
        if "Unable to find block document" in str(error):
            raise SettingsError(
                f"FULLCOURT_BIGQUERY_CREDENTIALS_BLOCK={name}: there is no GcpCredentials block of that name; "
                "save one, or unset the variable to use application default credentials"
            ) from error
        raise AccessError(f"the GcpCredentials block {name} holds no service-account key: {error}") from error
