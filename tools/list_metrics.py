"""Lists docs/reference/metrics.md from the metrics themselves: `python -m tools.list_metrics`."""

from pathlib import Path

from prometheus_client.metrics import MetricWrapperBase

from cordpair.telemetry import Metrics

PAGE = Path(__file__).resolve().parent.parent / "docs" / "reference" / "metrics.md"

_HEAD = """# Metrics

<!-- Listed from `src/cordpair/telemetry/metrics.py` by `python -m tools.list_metrics`. Change that, not this page. -->

In Prometheus' text format on a port of its own (`CORDPAIR_METRICS_PORT`), path `/metrics`. Times are in seconds. What
is said of an organisation is said by the node that works for it: add up (or take the greatest) over all nodes. No label
names an agent or a caller.

| label | values |
| --- | --- |
| `tenant` | the organisation's id |
| `queue` | the queue's id; of `cc_agents` the organisation's id, a slash, the queue's |
| `state` | [a state of an agent](agent-states.md) |
| `outcome` | of a call: answered, abandoned, ...; of a try: done, or the class of the failure |
| `connector` | `teams`, or the CRM's: `imis`; empty where a CRM is asked for and none is set up |
| `source` | where an inbox row comes from: `graph`, `presence`, `command`, ... |
| `reason` | why something was refused or ignored |
| `limit` | `month`, `concurrent` |

| metric | kind | labels | what it says |
| --- | --- | --- | --- |
"""


def listed(metrics: Metrics) -> dict[str, MetricWrapperBase]:
    """Every metric, by the name of the attribute that it is set by."""
    return {name: it for name, it in vars(metrics).items() if isinstance(it, MetricWrapperBase)}


def page() -> str:
    """The text that the page must have."""
    rows = []
    for metric in listed(Metrics()).values():
        told = next(iter(metric.describe()))
        name = f"{told.name}_total" if told.type == "counter" else told.name
        labels = " ".join(f"`{label}`" for label in metric._labelnames)
        rows.append(f"| `{name}` | {told.type} | {labels} | {told.documentation} |")
    return _HEAD + "\n".join(rows) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
