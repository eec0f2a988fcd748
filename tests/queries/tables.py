"""The tables that the queries read, as Application Insights has them.

Sources: https://learn.microsoft.com/azure/azure-monitor/reference/tables-index (AppTraces,
AppRequests, AppDependencies, AppExceptions, AppMetrics) and
https://learn.microsoft.com/azure/azure-monitor/app/data-model-complete, by the names under which a
query over the component sees them.
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["TABLES", "schema"]

_ALL: Mapping[str, str] = {
    "timestamp": "datetime",
    "itemType": "string",
    "customDimensions": "dynamic",
    "customMeasurements": "dynamic",
    "operation_Name": "string",
    "operation_Id": "string",
    "operation_ParentId": "string",
    "operation_SyntheticSource": "string",
    "session_Id": "string",
    "user_Id": "string",
    "user_AuthenticatedId": "string",
    "user_AccountId": "string",
    "application_Version": "string",
    "client_Type": "string",
    "client_Model": "string",
    "client_OS": "string",
    "client_IP": "string",
    "client_City": "string",
    "client_StateOrProvince": "string",
    "client_CountryOrRegion": "string",
    "client_Browser": "string",
    "cloud_RoleName": "string",
    "cloud_RoleInstance": "string",
    "appId": "string",
    "appName": "string",
    "iKey": "string",
    "sdkVersion": "string",
    "itemId": "string",
    "itemCount": "int",
    "_ResourceId": "string",
}

TABLES: Mapping[str, Mapping[str, str]] = {
    "traces": {"message": "string", "severityLevel": "int", **_ALL},
    "requests": {
        "id": "string",
        "source": "string",
        "name": "string",
        "url": "string",
        "success": "bool",
        "resultCode": "string",
        "duration": "real",
        "performanceBucket": "string",
        **_ALL,
    },
    "dependencies": {
        "id": "string",
        "target": "string",
        "type": "string",
        "name": "string",
        "data": "string",
        "success": "bool",
        "resultCode": "string",
        "duration": "real",
        "performanceBucket": "string",
        **_ALL,
    },
    "exceptions": {
        "problemId": "string",
        "handledAt": "string",
        "type": "string",
        "assembly": "string",
        "method": "string",
        "outerType": "string",
        "outerMessage": "string",
        "outerAssembly": "string",
        "outerMethod": "string",
        "innermostType": "string",
        "innermostMessage": "string",
        "innermostAssembly": "string",
        "innermostMethod": "string",
        "severityLevel": "int",
        "details": "dynamic",
        **_ALL,
    },
    "customMetrics": {
        "name": "string",
        "value": "real",
        "valueCount": "int",
        "valueSum": "real",
        "valueMin": "real",
        "valueMax": "real",
        "valueStdDev": "real",
        **_ALL,
    },
}
"""Types by column, by table."""


def schema(table: str) -> str:
    """The columns of a table, as Kusto declares them."""
    columns = ", ".join(f"{name}: {kind}" for name, kind in TABLES[table].items())
    return f"({columns})"
