"""An app with both kinds of HTTP functions, which Azure's worker refuses to index."""

import azure.functions as func
from azurefunctions.extensions.http.fastapi import Request, Response

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route(route="streamed")
async def streamed(req: Request) -> Response:
    return Response()


@app.route(route="whole")
def whole(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse()
