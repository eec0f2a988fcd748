// Alerts that ask for somebody. What each means and what to do is in docs/operations.md, under the
// name of the alert.
metadata description = 'Action group, log alerts and metric alerts.'

@description('Region of the log alerts; the others are global.')
param location string

@description('Tags of every resource.')
param tags { *: string }

@description('Resource id of Application Insights.')
param applicationInsightsId string

@description('Resource id of the Log Analytics workspace.')
param workspaceId string

@description('Resource id of the event topic.')
param topicId string

@description('Resource id of the system topic of the video storage.')
param systemTopicId string

@description('Name of the video storage account.')
param videoStorageName string

@description('Who is told; without an address the alerts show in the portal only.')
param emails string[]

@description('Paid jobs within 24 hours above which the spend alert fires.')
@minValue(1)
param paidJobsPerDay int

resource actionGroup 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: 'dailies'
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'dailies'
    enabled: true
    emailReceivers: [for (email, index) in emails: {
      name: 'email-${index}'
      emailAddress: email
      useCommonAlertSchema: true
    }]
  }
}

var logAlerts = [
  {
    name: 'wrong-settings'
    description: 'The app found a setting wrong and can\'t work.'
    severity: 0
    query: loadTextContent('../queries/wrong-settings.kql')
    scope: applicationInsightsId
    threshold: 0
    windowSize: 'PT15M'
    evaluationFrequency: 'PT5M'
  }
  {
    name: 'doubtful-settings'
    description: 'A variable that looks like a setting is none, or the app serves nobody without one.'
    severity: 3
    query: loadTextContent('../queries/doubtful-settings.kql')
    scope: applicationInsightsId
    threshold: 0
    windowSize: 'P1D'
    evaluationFrequency: 'P1D'
  }
  {
    name: 'failed-videos'
    description: 'More than 3 videos failed within 15 minutes, not by moderation.'
    severity: 2
    query: loadTextContent('../queries/failed-videos.kql')
    scope: applicationInsightsId
    threshold: 3
    windowSize: 'PT15M'
    evaluationFrequency: 'PT5M'
  }
  {
    name: 'stuck-videos'
    description: 'A video that was paid for two hours ago, or accepted 25 hours ago, has not ended.'
    severity: 1
    query: loadTextContent('../queries/stuck-videos.kql')
    scope: applicationInsightsId
    threshold: 0
    windowSize: 'P2D'
    evaluationFrequency: 'PT1H'
  }
  {
    name: 'refused-submits'
    description: 'A provider answers that the app has no right, or that the model is retired.'
    severity: 1
    query: loadTextContent('../queries/refused-submits.kql')
    scope: applicationInsightsId
    threshold: 0
    windowSize: 'PT15M'
    evaluationFrequency: 'PT5M'
  }
  {
    name: 'unresolved-videos'
    description: 'Nobody knows whether a provider took a request; the video waits for a decision.'
    severity: 1
    query: loadTextContent('../queries/unresolved-videos.kql')
    scope: applicationInsightsId
    threshold: 0
    windowSize: 'PT15M'
    evaluationFrequency: 'PT5M'
  }
  {
    name: 'unpublished-events'
    description: 'The event topic did not take more than 5 events within 15 minutes.'
    severity: 2
    query: loadTextContent('../queries/unpublished-events.kql')
    scope: applicationInsightsId
    threshold: 5
    windowSize: 'PT15M'
    evaluationFrequency: 'PT5M'
  }
  {
    name: 'poison-messages'
    description: 'A dropped image that an earlier version had queued was set aside.'
    severity: 2
    query: loadTextContent('../queries/poison-messages.kql')
    scope: workspaceId
    threshold: 0
    windowSize: 'PT15M'
    evaluationFrequency: 'PT5M'
  }
  {
    name: 'failed-executions'
    description: 'More than 20 function executions failed within 15 minutes.'
    severity: 3
    query: loadTextContent('../queries/failed-executions.kql')
    scope: applicationInsightsId
    threshold: 20
    windowSize: 'PT15M'
    evaluationFrequency: 'PT5M'
  }
  {
    name: 'paid-jobs'
    description: 'More paid jobs within 24 hours than expected.'
    severity: 1
    query: loadTextContent('../queries/paid-jobs.kql')
    scope: applicationInsightsId
    threshold: paidJobsPerDay
    windowSize: 'P1D'
    evaluationFrequency: 'PT30M'
  }
]

resource logAlertRules 'Microsoft.Insights/scheduledQueryRules@2026-03-01' = [for alert in logAlerts: {
  name: alert.name
  location: location
  tags: tags
  properties: {
    displayName: alert.name
    description: alert.description
    severity: alert.severity
    enabled: true
    scopes: [
      alert.scope
    ]
    windowSize: alert.windowSize
    evaluationFrequency: alert.evaluationFrequency
    // The tables appear with the first record, after this deployment.
    skipQueryValidation: true
    autoMitigate: false
    muteActionsDuration: 'PT1H'
    criteria: {
      allOf: [
        {
          query: alert.query
          timeAggregation: 'Count'
          operator: 'GreaterThan'
          threshold: alert.threshold
          failingPeriods: {
            numberOfEvaluationPeriods: 1
            minFailingPeriodsToAlert: 1
          }
        }
      ]
    }
    actions: {
      actionGroups: [
        actionGroup.id
      ]
    }
  }
}]

var metricAlerts = [
  {
    name: 'undelivered-events'
    description: 'Events for subscribers were dead-lettered.'
    scope: topicId
    namespace: 'Microsoft.EventGrid/topics'
    metric: 'DeadLetteredCount'
  }
  {
    name: 'dropped-events'
    description: 'Events for subscribers were dropped without a dead letter.'
    scope: topicId
    namespace: 'Microsoft.EventGrid/topics'
    metric: 'DroppedEventCount'
  }
  {
    name: 'undelivered-drops'
    description: 'Events of dropped images never reached the app.'
    scope: systemTopicId
    namespace: 'Microsoft.EventGrid/systemTopics'
    metric: 'DeadLetteredCount'
  }
]

resource metricAlertRules 'Microsoft.Insights/metricAlerts@2026-01-01' = [for alert in metricAlerts: {
  name: alert.name
  location: 'global'
  tags: tags
  properties: {
    description: alert.description
    severity: 1
    enabled: true
    scopes: [
      alert.scope
    ]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT15M'
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        {
          name: 'events'
          criterionType: 'StaticThresholdCriterion'
          metricNamespace: alert.namespace
          metricName: alert.metric
          operator: 'GreaterThan'
          threshold: 0
          timeAggregation: 'Total'
        }
      ]
    }
    actions: [
      {
        actionGroupId: actionGroup.id
      }
    ]
  }
}]

resource videoStorage 'Microsoft.Storage/storageAccounts@2025-08-01' existing = {
  name: videoStorageName
}

resource videoQueues 'Microsoft.Storage/storageAccounts/queueServices@2025-08-01' existing = {
  parent: videoStorage
  name: 'default'
}

// The log that tells of poison messages; the queue's own metric is hourly and counts all queues.
// The only stable version is of 2016 and knows less than this one.
#disable-next-line use-recent-api-versions
resource queueLogs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'poison'
  scope: videoQueues
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        category: 'StorageWrite'
        enabled: true
      }
    ]
  }
}
