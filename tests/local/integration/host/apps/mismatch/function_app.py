"""An app of which one function does not match its binding: none may be served."""

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route(route="fine")
def fine(req: func.HttpRequest) -> str:
    return "fine"


@app.route(route="wrong")
def wrong(request: func.HttpRequest) -> str:
    return "its parameter is not called req"
