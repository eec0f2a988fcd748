"""The app: registers the blueprints, nothing else."""

import azure.durable_functions as df

from activities import (
    accept_drop,
    archive_video,
    check_video,
    finish_video,
    prepare_reference,
    publish_events,
    reject_drop,
    submit_video,
)
from dailies.app.runtime import check_settings
from entities import quota
from orchestrations import accept_drop as accept_drop_orchestration
from orchestrations import generate_video, repeat_step
from triggers import http, reference_drop, timers

app = df.DFApp()

for module in (
    http,
    reference_drop,
    timers,
    generate_video,
    repeat_step,
    accept_drop_orchestration,
    prepare_reference,
    submit_video,
    check_video,
    archive_video,
    finish_video,
    publish_events,
    accept_drop,
    reject_drop,
    quota,
):
    app.register_functions(module.blueprint)

check_settings()
