"""What cordpair tells its operator: logs without people in them, and metrics."""

from cordpair.telemetry.logs import OWN_KEYS, configure_logging
from cordpair.telemetry.metrics import Metrics

__all__ = ["OWN_KEYS", "Metrics", "configure_logging"]
