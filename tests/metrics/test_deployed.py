"""The alerts, the dashboard and the queries of the guide: metrics and labels that there are, in valid PromQL."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from clearline.metrics.families import FAMILIES, Kind

ROOT = Path(__file__).parents[2]
ALERTS = ROOT / "deploy" / "prometheus" / "alerts.yaml"
DASHBOARD = ROOT / "deploy" / "grafana" / "clearline.json"
GUIDE = ROOT / "docs" / "how-to" / "watch-the-desk.md"
PROMTOOL = shutil.which("promtool") or shutil.which("promtool", path=Path(sys.executable).parent)

LABELS = {family.exposed: {*family.labels} for family in FAMILIES}
for _family in FAMILIES:
    if _family.kind is Kind.HISTOGRAM:
        LABELS[f"{_family.name}_bucket"] = {*_family.labels, "le"}
        LABELS |= {f"{_family.name}_{part}": {*_family.labels} for part in ("sum", "count")}
ADDED = {"instance", "job"}
"""Labels that Prometheus adds."""


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load(ALERTS.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def dashboard() -> dict[str, Any]:
    read: dict[str, Any] = json.loads(DASHBOARD.read_text())
    return read


def expressions() -> Iterator[str]:
    """Yield every expression; Grafana's variables have a value."""
    yield from (rule["expr"] for rule in rules())
    yield from re.findall(r"```promql\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    targets = [target["expr"] for panel in dashboard()["panels"] for target in panel.get("targets", [])]
    for expression in [*targets, *(found["expr"] for found in dashboard()["annotations"]["list"])]:
        yield expression.replace("$__rate_interval", "5m").replace("$__range", "1d").replace("$instance", ".*")


@pytest.mark.parametrize("expression", [*dict.fromkeys(expressions())])
def test_every_expression_names_metrics_and_labels_that_there_are(expression: str) -> None:
    names = {*re.findall(r"\bclearline_[a-z_]+", expression)}
    assert names <= LABELS.keys()
    assert names or "up{" in expression
    known = set[str]().union(*(LABELS[name] for name in names)) | ADDED
    matched = [
        label for braces in re.findall(r"\{([^}]*)\}", expression) for label in re.findall(r"(\w+)\s*[=!]", braces)
    ]
    grouped = [label for by in re.findall(r"\bby \(([^)]*)\)", expression) for label in re.findall(r"\w+", by)]
    assert {*matched, *grouped} <= known


def test_the_dashboard_shows_every_metric_of_the_desk_and_alerts_watch_the_serious_ones() -> None:
    shown = {name for panel in dashboard()["panels"] for target in panel.get("targets", [])
             for name in re.findall(r"\bclearline_[a-z_]+", target["expr"])}  # fmt: skip
    left = {family.exposed for family in FAMILIES} - shown
    assert left == {"clearline_database_up", "clearline_database_read_seconds", "clearline_postgresql_info"}
    assert "clearline_database_up" in ALERTS.read_text()


def test_the_dashboard_is_one_that_grafana_imports() -> None:
    panels = dashboard()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells
    assert {variable["name"] for variable in dashboard()["templating"]["list"]} == {"datasource", "instance"}


def test_every_alert_says_what_is_wrong_and_what_to_do() -> None:
    assert len({rule["alert"] for rule in rules()}) == len(rules())
    for rule in rules():
        assert rule["alert"].startswith("Clearline")
        assert rule["labels"]["severity"] in {"page", "ticket", "info"}
        assert {*rule["annotations"]} == {"summary", "description"}
        assert rule["annotations"]["description"].endswith(".")
        assert all(
            (ROOT / path).exists() for path in re.findall(r"\b(?:docs|deploy)/\S+[a-z]", str(rule["annotations"]))
        )


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed")
def test_promtool_accepts_every_expression(tmp_path: Path) -> None:
    assert PROMTOOL is not None
    records = [{"record": f"checked:{number}", "expr": text} for number, text in enumerate(expressions())]
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": [{"name": "all", "rules": records}]}))
    checked = subprocess.run(
        [PROMTOOL, "check", "rules", ALERTS, tmp_path / "rules.yaml"], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stderr


FIRING: dict[str, tuple[dict[str, str], str]] = {
    "ClearlineDown": ({'up{job="clearline",instance="a"}': "0x200"}, "5m"),
    "ClearlineDatabaseDown": ({'clearline_database_up{instance="a"}': "0x200"}, "5m"),
    "ClearlineErrors": (
        {'clearline_http_requests_total{instance="a",status="200"}': "0+900x200",
         'clearline_http_requests_total{instance="a",status="503"}': "0+100x200"}, "30m"),
    "ClearlineSlow": (
        {'clearline_http_request_duration_seconds_bucket{instance="a",wire="house",le="1.0"}': "0+90x200",
         'clearline_http_request_duration_seconds_bucket{instance="a",wire="house",le="2.5"}': "0+100x200",
         'clearline_http_request_duration_seconds_bucket{instance="a",wire="house",le="+Inf"}': "0+100x200"}, "1h"),
    "ClearlinePoolExhausted": ({'clearline_pool_waiting{instance="a",process="server"}': "3x200"}, "10m"),
    "ClearlineRefusals": ({'clearline_http_refused_requests_total{instance="a",limit="key"}': "0+60x200"}, "1h"),
    "ClearlineDiskFull": ({'clearline_data_directory_free_bytes{instance="a"}': "1e9x200"}, "1h"),
    "ClearlineConsumerLate": ({'clearline_consumer_lag_seconds{consumer="routing",instance="a"}': "400x200"}, "10m"),
    "ClearlineForgottenTransaction": ({'clearline_horizon_age_seconds{instance="a"}': "100x200"}, "10m"),
    "ClearlineWorkLate": ({'clearline_backlog_age_seconds{work="outbound_mail",instance="a"}': "400x200"}, "10m"),
    "ClearlineJobLate": ({'clearline_backlog_age_seconds{work="jobs",instance="a"}': "30000x200"}, "10m"),
    "ClearlineDeliveriesDead": ({'clearline_webhook_deliveries{state="dead",instance="a"}': "0x30 5x170"}, "45m"),
    "ClearlineReceiversFail": ({'clearline_webhook_failing_subscriptions{instance="a"}': "1x200"}, "90m"),
    "ClearlineMailDead": ({'clearline_outbound_mails{state="dead",instance="a"}': "0x30 5x170"}, "45m"),
    "ClearlineQuarantine": ({'clearline_inbound_mails{state="quarantined",instance="a"}': "60x200"}, "90m"),
    "ClearlineMailboxFails": (
        {'clearline_mailbox_last_success_timestamp_seconds{mailbox="noc@example.net",instance="a"}': "0x200"}, "30m"),
    "ClearlineBackupOld": ({'clearline_last_backup_timestamp_seconds{instance="a"}': "0x2000"}, "30h"),
    "ClearlineBackupMissing": ({'clearline_database_up{instance="a"}': "1x2000"}, "30h"),
}  # fmt: skip
"""For each alert series with which it fires (promtool's notation: begin, step, number, a minute apart), and when."""


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed")
@pytest.mark.parametrize("alert", sorted(FIRING))
def test_each_alert_fires_when_it_should_and_not_before(alert: str, tmp_path: Path) -> None:
    assert PROMTOOL is not None
    series, at = FIRING[alert]
    group = {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [
            {"expr": f'count(ALERTS{{alertname="{alert}",alertstate="firing"}})', "eval_time": at,
             "exp_samples": [{"labels": "{}", "value": 1}]},
            {"expr": 'count(ALERTS{alertstate="firing"})', "eval_time": "0m", "exp_samples": []},
        ],
    }  # fmt: skip
    unit = {"rule_files": [str(ALERTS)], "evaluation_interval": "1m", "tests": [group]}
    (tmp_path / "unit.yaml").write_text(yaml.safe_dump(unit))
    done = subprocess.run(
        [PROMTOOL, "test", "rules", tmp_path / "unit.yaml"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_has_a_case() -> None:
    assert {rule["alert"] for rule in rules()} == {*FIRING}
