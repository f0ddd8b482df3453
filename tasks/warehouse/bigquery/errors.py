"""What BigQuery's errors mean; no other module reads them.

Reasons: https://cloud.google.com/bigquery/docs/error-messages
"""

from collections.abc import Mapping
from typing import Any

import requests.exceptions
from google.api_core.exceptions import BadRequest, Forbidden, GoogleAPICallError, NotFound, RetryError, Unauthorized
from google.auth.exceptions import GoogleAuthError, TransportError
from google.resumable_media import DataCorruption, InvalidResponse

from tasks.errors import (
    AccessError,
    DeadlineError,
    FullcourtError,
    QueryError,
    QuotaError,
    SchemaError,
    StreamingBufferError,
    WarehouseBusyError,
    WarehouseError,
)
from tasks.settings import BigQuerySettings

_PASSING = frozenset(
    {
        "backendError",
        "badGateway",
        "internalError",
        "jobBackendError",
        "jobInternalError",
        "jobRateLimitExceeded",
        "rateLimitExceeded",
        "tableUnavailable",
    }
)
_CONNECTION = (
    ConnectionError,
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.ConnectionError,
    requests.exceptions.ContentDecodingError,
    requests.exceptions.JSONDecodeError,  # half an answer
    requests.exceptions.Timeout,
    TimeoutError,
    TransportError,
)
_LOCAL = (OSError, requests.exceptions.RequestException)  # certificates, proxies, an address that is none
_VALUE = (ValueError, OverflowError, TypeError, InvalidResponse, DataCorruption)
DRIVER_ERRORS = (GoogleAPICallError, GoogleAuthError, RetryError, *_CONNECTION, *_LOCAL, *_VALUE)
"""The exceptions of the client and of the libraries that it uses."""
_TOO_MANY_REQUESTS, _SERVER_ERROR, _NOT_IMPLEMENTED = 429, 500, 501
_ENDED_BY_TIME = ("stopped", "timeout")
_QUEUE_SIGN = "Too many DML statements outstanding"  # its reason, resourcesExceeded, is also a query's that is too big
_BUFFER_SIGN = "would affect rows in the streaming buffer"
_SCHEMA_SIGNS = ("changed mode", "changed type", "does not match", "no such field", "Unrecognized name", "incompatible")


class JobFailedError(Exception):
    """A job ended with an error in its status."""

    def __init__(self, job_id: str, result: Mapping[str, Any]) -> None:
        super().__init__(str(result.get("message", "")))
        self.job_id, self.reason, self.message = job_id, str(result.get("reason", "")), str(result.get("message", ""))


def is_passing(error: BaseException) -> bool:
    """Return whether the same call can succeed a little later."""
    if _QUEUE_SIGN in str(error):
        return True
    if isinstance(error, JobFailedError):
        return error.reason in _PASSING
    if isinstance(error, requests.exceptions.SSLError):
        return False
    if isinstance(error, GoogleAPICallError):
        code = int(error.code or 0)
        is_server_error = code >= _SERVER_ERROR and code != _NOT_IMPLEMENTED
        return _reason(error) in _PASSING or code == _TOO_MANY_REQUESTS or is_server_error
    return isinstance(error, _CONNECTION)


def translate(error: BaseException, settings: BigQuerySettings, *, about: str, job_id: str = "") -> FullcourtError:
    """Return the Fullcourt error for an error of BigQuery.

    Args:
        error: One of ``DRIVER_ERRORS``, or a JobFailedError.
        settings: Their project and location stand in the message.
        about: The table, or another subject of the call.
        job_id: The job, if there was one.
    """
    where = f"{about} (job {job_id})" if job_id else about
    if isinstance(error, RetryError):
        cause = _text(error.cause) if error.cause else "no answer"
        return DeadlineError(
            f"{where}: BigQuery did not do it within {settings.retry_deadline_seconds:g} s of trying: {cause}; "
            "run the same days again later"
        )
    if is_passing(error):
        return WarehouseBusyError(f"{where}: {_text(error)}; try again")
    if isinstance(error, GoogleAuthError | Unauthorized):
        return AccessError(
            f"{where}: the credentials are not accepted: {_text(error)}; {_credentials_remedy(settings)}"
        )
    return _translate_answer(error, settings, where)


def _translate_answer(error: BaseException, settings: BigQuerySettings, where: str) -> FullcourtError:  # noqa: C901 - a list of cases
    reason, text = _reason(error), _text(error)
    if isinstance(error, _LOCAL):
        return AccessError(
            f"{where}: BigQuery cannot be reached from here: {text}; look at the proxy, the certificates and the "
            "address that this machine uses (HTTPS_PROXY, REQUESTS_CA_BUNDLE)"
        )
    if isinstance(error, _VALUE):
        return QueryError(
            f"{where}: a value or an answer cannot be read or sent ({type(error).__name__}: {text}); correct the "
            "value, or run it again if the answer was damaged"
        )
    if reason in _ENDED_BY_TIME:
        return DeadlineError(
            f"{where}: {text}; the job had {settings.job_timeout_seconds:g} s: "
            "raise FULLCOURT_BIGQUERY_JOB_TIMEOUT_SECONDS, or run again later"
        )
    if reason == "bytesBilledLimitExceeded":
        return QuotaError(f"{where}: {text}; raise max_bytes_billed, or narrow the range")
    if reason == "quotaExceeded":
        return QuotaError(f"{where}: {text}; the quota is used up for now: run again when it is there again")
    if reason in ("billingNotEnabled", "billingTierLimitExceeded"):
        return AccessError(f"{where}: {text}; let the project {settings.project} be billed")
    if isinstance(error, Forbidden) or reason == "accessDenied":
        return AccessError(
            f"{where}: {text}; grant it to the account that runs this, or name another in "
            "FULLCOURT_BIGQUERY_CREDENTIALS_BLOCK"
        )
    if isinstance(error, NotFound) or reason == "notFound":
        return SchemaError(
            f"{where}: {text}; it is missing, or in another location than {settings.location}: "
            "`fullcourt ddl apply` creates what is missing, FULLCOURT_BIGQUERY_LOCATION names the location"
        )
    if _BUFFER_SIGN in text:
        return StreamingBufferError(
            f"{where}: {text}; nothing was changed: run it again when these rows are 90 minutes old"
        )
    if any(sign in text for sign in _SCHEMA_SIGNS):
        return SchemaError(f"{where}: a column is missing, or is not what the catalogue says: {text}")
    if isinstance(error, BadRequest) or reason in ("invalid", "invalidQuery"):
        return QueryError(f"{where}: {text}")
    return WarehouseError(f"{where}: {text}")


def _credentials_remedy(settings: BigQuerySettings) -> str:
    if settings.credentials_block:
        return f"renew the key in the GcpCredentials block {settings.credentials_block}"
    return (
        "save a GcpCredentials block and name it in FULLCOURT_BIGQUERY_CREDENTIALS_BLOCK, "
        "or give application default credentials"
    )


def _reason(error: BaseException) -> str:
    if isinstance(error, JobFailedError):
        return error.reason
    details = getattr(error, "errors", None) or [{}]
    first = details[0]
    return str(first.get("reason", "")) if isinstance(first, Mapping) else ""


def _text(error: BaseException) -> str:
    if isinstance(error, GoogleAPICallError):
        return str(error.message or error)
    return str(error) or type(error).__name__
