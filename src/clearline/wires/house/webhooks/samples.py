"""House API v1: sample values of attempts, for the examples in its OpenAPI document."""

from typing import Any

ATTEMPT_SAMPLES: dict[str, Any] = {
    "AttemptOut.error": None,
    "AttemptOut.milliseconds": 34,
    "AttemptOut.number": 1,
    "AttemptOut.status": 200,
}
