"""The kinds of our own: platform, gate, release, retrain, monitor."""

from collections.abc import Callable

import pytest

from bucle.spec.gate import Gate
from bucle.spec.loading import load
from bucle.spec.platform import Platform

Faults = Callable[..., list[str]]
PLATFORM = """\
name: house
governance: team
paths: {main: [dev, prod]}
stages:
  dev: {tier: dev, default_compute: local}
  prod: {tier: prod, workspace: ws-prod, slots: 2}
datastores:
  - {name: store, stage: dev, type: folder, class: non-production}
registries: [shared]
default_registry: shared
principals:
  - {name: ana, kind: person}
  - {name: bot, kind: service, owner: ana}
bindings:
  - {principal: ana, role: DataScientist, scope: /stages/dev}
  - {principal: bot, role: CIBuilder, scope: /registries/shared}
owners: {data: ana}
computes: [{name: local, type: local, slots: 2}]
prices: {cpu_hour: 0.12 EUR}
allow_model_code: never
"""
GATE = """\
stage: prod
checks:
  champion: {metric: mae, margin: 0.1}
  bounds: {mae: {max: 3.5}}
  groups: {gap: 2.0, minimum_rows: 50}
  standing: {replay: 100, errors: 0, p95_ms: 50}
approvals: 1
on_inconclusive: acknowledge
allow_reported_evaluation: true
minimum_rows: 20
rollout: [{percent: 50, requests: 10}, {percent: 100}]
require: {clean_commit: true, monitor: true, retrain: true}
"""
RELEASE = """\
name: fuel
model: model
task: regression
target: mpg
metric: mae
direction: minimize
evaluation_data: predictions
groups: [origin]
event_time: measured_at
pass_through: [measured_at]
tolerance: 1e-6
tighten: {bounds: {mae: {max: 3.0}}}
"""
RETRAIN = """\
trigger: {monitor: fuel-monitor, signal: performance}
cooldown: P1Y
window: P4Y
bind: {training_data: window, holdout: newest}
path: [prod]
"""
MONITOR = """\
name: fuel-monitor
trigger: {type: recurrence, frequency: day, interval: 1}
create_monitor:
  compute: {instance_type: standard_e4s_v3, runtime_version: 3.4}
  monitoring_signals:
    performance: {type: model_performance, metric_thresholds: {regression: {mae: 3.19}}}
    drift:
      type: data_drift
      features: [a]
      metric_thresholds: {numerical: {normalized_wasserstein_distance: 0.1}}
"""
KINDS = {"platform": PLATFORM, "gate": GATE, "release": RELEASE, "retrain": RETRAIN, "monitor": MONITOR}


def test_a_platform_is_read() -> None:
    """What the file says and what it leaves out."""
    value = load(PLATFORM.encode(), "platform.yml").value
    assert isinstance(value, Platform)
    assert (value.isolation, value.layout, value.allow_model_code) == ("auto", "separate", "never")
    assert value.datastores[0].data_class == "non-production"
    assert value.prices.cpu_hour == "0.12 EUR"


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (
            "[dev, prod]",
            "[dev, prd]",
            "f.yml:3:21: paths.main[1]: prd is no stage (nearest valid name: prod)",
        ),
        ("owner: ana", "owner: ann", "f.yml:13:39: principals[1].owner: ann is no principal"),
        ("data: ana", "data: eva", "f.yml:17:16: owners.data: eva is no principal"),
        ("/stages/dev", "/stage/dev", "f.yml:15:50: bindings[0].scope: /stage/dev is no scope"),
        ("name: bot", "name: ana", "f.yml:11:1: principals: ana is declared 2 times"),
        ("0.12 EUR", "12 cents", "f.yml:19:20: prices.cpu_hour: '12 cents' does not match"),
        ("compute: local", "compute: gpu", "f.yml:5:37: stages.dev.default_compute: gpu is no compute"),
        ("y: shared", "y: other", "f.yml:10:19: default_registry: other is no registry"),
    ],
)
def test_names_of_a_platform_hang_together(faults: Faults, old: str, new: str, fault: str) -> None:
    """A name that nobody declares is a fault where it is used."""
    assert faults(PLATFORM, "platform") == []
    found = faults(PLATFORM.replace(old, new), "platform")
    assert any(line.startswith(fault) for line in found), found


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("{percent: 100}]", "{percent: 50}]", "f.yml:11:10: rollout: must rise from step to step"),
        (", {percent: 100}]", "]", "f.yml:11:10: rollout: must rise from step to step"),
        ("{max: 3.5}", "{}", "f.yml:4:17: checks.bounds.mae: must hold min, max or both"),
        ("acknowledge", "go", "f.yml:8:18: on_inconclusive: must be 'stop' or 'acknowledge'"),
        ("approvals: 1", "approvals: -1", "f.yml:7:12: approvals: "),
        ("margin: 0.1", "margin: true", "f.yml:3:35: checks.champion.margin: must be a number"),
    ],
)
def test_a_gate_says_something_that_can_be_checked(faults: Faults, old: str, new: str, fault: str) -> None:
    """A rollout ends at everybody, a bound bounds, a margin is a number."""
    assert faults(GATE, "gate") == []
    assert [line.startswith(fault) for line in faults(GATE.replace(old, new), "gate")] == [True]


def test_a_gate_left_short_asks_for_little() -> None:
    """The defaults: no approval, stop when inconclusive, everything at once."""
    value = load(b"stage: dev\n", "gate.yml").value
    assert isinstance(value, Gate)
    assert (value.approvals, value.on_inconclusive, value.rollout[0].percent) == (0, "stop", 100)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_known_by_its_file_name(kind: str) -> None:
    """`release.yml` needs no `$schema` to be a release."""
    assert load(KINDS[kind].encode(), f"a/{kind}.yml").kind == kind


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (
            "trigger: {monitor: fuel-monitor, signal: performance}\n",
            "",
            "must hold a trigger, a schedule or both",
        ),
        ("P1Y", "1 year", "cooldown: must be an ISO 8601 duration, such as P7D or PT30M"),
        ("P1Y", "P", "cooldown: must be an ISO 8601 duration"),
        ("newest", "latest", "bind.holdout: must be 'window' or 'newest'"),
    ],
)
def test_a_retraining_policy_can_fire(faults: Faults, old: str, new: str, fault: str) -> None:
    """A policy without a start, or with a duration that is none, is refused."""
    assert faults(RETRAIN, "retrain") == []
    found = faults(RETRAIN.replace(old, new), "retrain")
    assert len(found) == 1
    assert fault in found[0]
