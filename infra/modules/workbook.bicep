// The dashboard of an operator: what was made, how long it took, what it cost, what went wrong.
metadata description = 'Application Insights workbook over infra/queries.'

@description('Region of these resources.')
param location string

@description('Tags of every resource.')
param tags { *: string }

@description('Resource id of Application Insights.')
param applicationInsightsId string

var tiles = [
  {
    title: 'Videos by outcome'
    query: loadTextContent('../queries/outcomes.kql')
    visualization: 'barchart'
  }
  {
    title: 'Seconds to completion (50th, 90th, 99th percentile)'
    query: loadTextContent('../queries/time-to-completion.kql')
    visualization: 'timechart'
  }
  {
    title: 'Spend, US dollars'
    query: loadTextContent('../queries/spend.kql')
    visualization: 'barchart'
  }
  {
    title: 'Quota waits and their seconds'
    query: loadTextContent('../queries/quota-waits.kql')
    visualization: 'timechart'
  }
  {
    title: 'What providers answered to requests for a video'
    query: loadTextContent('../queries/submit-outcomes.kql')
    visualization: 'timechart'
  }
  {
    title: 'Seconds from rendered to noticed'
    query: loadTextContent('../queries/detection-lag.kql')
    visualization: 'timechart'
  }
  {
    title: 'Seconds that the event loop was late'
    query: loadTextContent('../queries/loop-lag.kql')
    visualization: 'timechart'
  }
  {
    title: 'Provider calls'
    query: loadTextContent('../queries/provider-calls.kql')
    visualization: 'table'
  }
  {
    title: 'Steps and their milliseconds'
    query: loadTextContent('../queries/slow-steps.kql')
    visualization: 'table'
  }
  {
    title: 'Failed videos'
    query: loadTextContent('../queries/failed-videos.kql')
    visualization: 'table'
  }
  {
    title: 'Accepted and not ended'
    query: loadTextContent('../queries/stuck-videos.kql')
    visualization: 'table'
  }
  {
    title: 'Requests that were answered with an error of ours'
    query: loadTextContent('../queries/server-errors.kql')
    visualization: 'table'
  }
  {
    title: 'What was not expected'
    query: loadTextContent('../queries/faults.kql')
    visualization: 'table'
  }
  {
    title: 'Failed executions'
    query: loadTextContent('../queries/failed-executions.kql')
    visualization: 'table'
  }
  {
    title: 'Receivers of webhooks that did not take each call'
    query: loadTextContent('../queries/failing-webhooks.kql')
    visualization: 'table'
  }
]

var items = [for (tile, index) in tiles: {
  type: 3
  name: 'tile-${index}'
  content: {
    version: 'KqlItem/1.0'
    title: tile.title
    query: tile.query
    size: 0
    timeContext: {
      durationMs: 86400000
    }
    queryType: 0
    resourceType: 'microsoft.insights/components'
    visualization: tile.visualization
  }
}]

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(resourceGroup().id, 'dailies-workbook')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: 'Dailies'
    category: 'workbook'
    sourceId: applicationInsightsId
    serializedData: string({
      version: 'Notebook/1.0'
      items: items
      fallbackResourceIds: [
        applicationInsightsId
      ]
    })
  }
}
