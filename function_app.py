"""The app: registers the blueprints, nothing else."""

import azure.durable_functions as df

import activities.batch
import activities.drop
import activities.video
import activities.webhooks
from dailies.app.runtime import quieten_libraries
from entities import quota
from orchestrations import (
    accept_batch,
    accept_drop,
    deliver_webhooks,
    generate_video,
    run_batch,
)
from orchestrations.drained import generate_video as earlier_versions
from orchestrations.drained import repeat_step
from orchestrations.replay import read_times_faster
from triggers import http, reference_drop, timers

app = df.DFApp()

for module in (
    http,
    reference_drop,
    timers,
    generate_video,
    accept_drop,
    deliver_webhooks,
    accept_batch,
    run_batch,
    earlier_versions,
    repeat_step,
    activities.video,
    activities.drop,
    activities.webhooks,
    activities.batch,
    quota,
):
    app.register_functions(module.blueprint)

quieten_libraries()
read_times_faster()
