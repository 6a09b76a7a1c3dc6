"""Alerts sent to a chat: each failure of the job `alert` is one message.

Run it with `dagster dev -f examples/alerts.py`, with the settings of the deployment, and with
`ALERT_WEBHOOK` for the address of an incoming webhook of Slack or Mattermost. For mail, give the
same job to `dg.make_email_on_run_failure_sensor`.
"""

import json
import os
import urllib.request

import dagster as dg

from agentsview_assets.build import build_definitions
from agentsview_assets.settings import load_settings

ours = build_definitions(load_settings())


@dg.run_failure_sensor(monitored_jobs=[ours.resolve_job_def("alert")])
def tell_the_team(context: dg.RunFailureSensorContext) -> None:
    """Sends what was given up, as the alert says it."""
    for event in context.get_step_failure_events():
        failure = event.step_failure_data.user_failure_data
        text = failure.description if failure else event.message
        message = urllib.request.Request(  # noqa: S310 - your own address
            os.environ["ALERT_WEBHOOK"],
            data=json.dumps({"text": text}).encode(),
            headers={"Content-Type": "application/json"},
        )
        urllib.request.urlopen(message, timeout=10).close()  # noqa: S310 - likewise


defs = dg.Definitions.merge(ours, dg.Definitions(sensors=[tell_the_team]))
