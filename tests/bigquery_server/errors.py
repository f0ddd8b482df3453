"""The errors of the API, in its own shape: https://cloud.google.com/bigquery/docs/error-messages."""

from typing import Any

_STATUS = {
    "accessDenied": 403,
    "authError": 401,
    "backendError": 503,
    "billingNotEnabled": 403,
    "bytesBilledLimitExceeded": 400,
    "duplicate": 409,
    "internalError": 500,
    "invalid": 400,
    "invalidQuery": 400,
    "jobBackendError": 400,
    "jobInternalError": 400,
    "jobRateLimitExceeded": 400,
    "notFound": 404,
    "notImplemented": 501,
    "quotaExceeded": 403,
    "rateLimitExceeded": 403,
    "resourceInUse": 400,
    "resourcesExceeded": 400,
    "stopped": 200,
}


class ApiError(Exception):
    """An error that the API answers, or that a job ends with."""

    def __init__(self, reason: str, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.reason, self.message = reason, message
        self.status = status or _STATUS[reason]

    @property
    def proto(self) -> dict[str, Any]:
        """An ErrorProto: https://cloud.google.com/bigquery/docs/reference/rest/v2/ErrorProto."""
        return {"reason": self.reason, "message": self.message, "location": ""}

    @property
    def body(self) -> dict[str, Any]:
        """The body of an answer."""
        detail = {"reason": self.reason, "message": self.message, "domain": "global"}
        return {"error": {"code": self.status, "message": self.message, "errors": [detail]}}


def not_implemented(what: str) -> ApiError:
    """Refuse what this server does not do exactly as BigQuery does."""
    return ApiError("notImplemented", f"this test server does not implement {what}")
