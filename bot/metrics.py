"""What the bot counts, for Prometheus. No label ever holds a name, an id or a word that a person wrote."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


class Metrics:
    """One registry an app, so that two in one process (the tests') don't mix."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.acks = Histogram(
            "clusterbot_ack_seconds",
            "Time to answer what Slack sends, by kind and result",
            ["kind", "result"],
            registry=self.registry,
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5),
        )
        self.calls = Histogram(
            "clusterbot_call_seconds",
            "Calls to Slack and Astro, by service, method and result",
            ["service", "method", "result"],
            registry=self.registry,
            buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
        )
        self.creates = Counter(
            "clusterbot_creates_total", "Create calls by what their answer proved", ["outcome"], registry=self.registry
        )
        self.requests = Gauge("clusterbot_requests", "Requests by state", ["state"], registry=self.registry)
        self.outbox_depth = Gauge("clusterbot_outbox_entries", "Messages not said yet", registry=self.registry)
        self.outbox_age = Gauge(
            "clusterbot_outbox_oldest_seconds", "Age of the oldest message not said yet", registry=self.registry
        )
        self.tick_age = Gauge(
            "clusterbot_tick_age_seconds", "Seconds since a tick last fired", ["tick"], registry=self.registry
        )
        self.choices_age = Gauge(
            "clusterbot_choices_age_seconds", "Age of the last good copy of Astro's choices", registry=self.registry
        )

    def call(self, service: str, method: str, result: str, seconds: float) -> None:
        self.calls.labels(service, method, result).observe(seconds)
