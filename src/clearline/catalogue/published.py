"""The types of issues and services that the Console Connect API v2 publishes.

They are the words of that API for every type, and the keys of the types that each desk begins with.
"""

from enum import StrEnum


class IssueType(StrEnum):
    """The type of the problem, with the values of ``issueType`` in the Console Connect API v2."""

    APPLICATION = "Application"
    CIRCUIT_DOWN = "Circuit Down"
    CIRCUIT_FLAPPING = "Circuit Flapping"
    CIRCUIT_TAKING_ERRORS = "Circuit taking errors"
    HIGH_LATENCY = "High Latency"
    OPERATIONAL_REQUEST = "Operational Request"
    OTHERS = "Others"
    PACKET_LOSS = "Packet Loss/Drops"
    REQUEST_REASON_OF_OUTAGE = "Request Reason of Outage"
    SLOW_RESPONSE = "Slow Response"
    UNSTABLE = "Unstable"


class ServiceType(StrEnum):
    """The types of service, with the names of the Console Connect API v2 (``service.type``)."""

    PORT = "Port"
    CLOUD_ROUTER = "CloudRouter"
    INTERNET_ON_DEMAND = "Internet on Demand"
    CONNECTION = "Connection (L2)"
    NON_CONSOLE = "Non-Console Service"
