"""An app whose function takes longer than host.json allows."""

import time

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route(route="sleeps")
def sleeps(req: func.HttpRequest) -> str:
    time.sleep(60)
    return "never"
