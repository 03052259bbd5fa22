"""Metrics for Prometheus: base units, one registry for each process, nobody in a label."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4


class Metrics:
    """All metrics of one process, in a registry of their own. No label ever names an agent or a caller."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.calls_offered = Counter(
            "cc_calls_offered", "Calls that arrived in a queue.", ["tenant", "queue"], registry=registry
        )
        self.calls_ended = Counter("cc_calls_ended", "Calls by their one outcome.", ["outcome"], registry=registry)
        self.call_wait_seconds = Histogram(
            "cc_call_wait_seconds",
            "From arrival until an agent stood in the call.",
            buckets=(1, 2, 5, 10, 15, 20, 30, 45, 60, 120, 300, 900),
            registry=registry,
        )
        self.queue_waiting = Gauge("cc_queue_waiting", "Calls waiting now.", ["tenant", "queue"], registry=registry)
        self.queue_longest_wait_seconds = Gauge(
            "cc_queue_longest_wait_seconds", "Age of the oldest waiting call.", ["tenant", "queue"], registry=registry
        )
        self.agents = Gauge("cc_agents", "Agents by state.", ["queue", "state"], registry=registry)
        self.stuck_calls = Gauge("cc_stuck_calls", "Calls that no event or deadline moves any more.", registry=registry)
        self.event_lag_seconds = Histogram(
            "cc_event_lag_seconds",
            "From storing a notification until it was folded.",
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15),
            registry=registry,
        )
        self.timer_late_seconds = Histogram(
            "cc_timer_late_seconds",
            "From the instant of a deadline until it was folded.",
            buckets=(0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5, 15),
            registry=registry,
        )
        self.inbox_accepted = Counter(
            "cc_inbox_accepted", "Notifications and commands stored.", ["source"], registry=registry
        )
        self.inbox_duplicates = Counter(
            "cc_inbox_duplicates", "Deliveries that were stored already.", ["source"], registry=registry
        )
        self.inbox_refused = Counter(
            "cc_inbox_refused", "Deliveries refused before anything was stored.", ["reason"], registry=registry
        )
        self.inbox_ignored = Counter(
            "cc_inbox_ignored", "Notifications that say nothing we use.", ["reason"], registry=registry
        )
        self.outbox_pending = Gauge(
            "cc_outbox_pending", "Effects that are not carried out yet.", ["tenant"], registry=registry
        )
        self.outbox_parked = Gauge("cc_outbox_parked", "Effects that wait for a person.", ["tenant"], registry=registry)
        self.connector_requests = Counter(
            "cc_connector_requests",
            "Tries of effects at outside systems: done, or the class of the failure.",
            ["connector", "outcome"],
            registry=registry,
        )
        self.graph_subscription_expiry_seconds = Gauge(
            "cc_graph_subscription_expiry_seconds",
            "Time left of the subscription that ends first; below 0 once it has ended, absent while none stands.",
            ["tenant"],
            registry=registry,
        )
        self.retention_overdue_records = Gauge(
            "cc_retention_overdue_records",
            "Raw payloads, flows and audit records that should have been erased more than two hours ago.",
            ["tenant"],
            registry=registry,
        )
        self.quota_used_ratio = Gauge(
            "cc_quota_used_ratio",
            "Share (0..1) used of a limit of Microsoft's: calls this month, calls at once.",
            ["tenant", "limit"],
            registry=registry,
        )
        self.credential_expiry_seconds = Gauge(
            "cc_credential_expiry_seconds",
            "Time left of the app registration's secret, where its end is set up.",
            ["tenant"],
            registry=registry,
        )
        self.presence_age_seconds = Gauge(
            "cc_presence_age_seconds", "Age of the oldest presence that we still go by.", registry=registry
        )
        self.log_fields_dropped = Counter(
            "cc_log_fields_dropped", "Log fields kept back because no data kind allows them.", registry=registry
        )
        self.span_attributes_dropped = Counter(
            "cc_span_attributes_dropped",
            "Attributes of spans kept back because no data kind allows them.",
            registry=registry,
        )

    def exposition(self) -> tuple[bytes, str]:
        """Everything in Prometheus' text format, and its content type."""
        return generate_latest(self.registry), CONTENT_TYPE_PLAIN_0_0_4
