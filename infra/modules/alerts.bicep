// Alerts that ask for somebody. What each means and what to do is in docs/operations.md, under the
// name of the alert.
metadata description = 'Action group, log alerts and metric alerts.'

@description('Region of the log alerts; the others are global.')
param location string

@description('Tags of every resource.')
param tags { *: string }

@description('Resource id of Application Insights.')
param applicationInsightsId string

@description('Resource id of the event topic.')
param topicId string

@description('Resource id of the system topic of the video storage.')
param systemTopicId string

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
    threshold: 0
    windowSize: 'PT15M'
    evaluationFrequency: 'PT5M'
  }
  {
    name: 'doubtful-settings'
    description: 'A variable that looks like a setting is none, or the app serves nobody without one.'
    severity: 3
    query: loadTextContent('../queries/doubtful-settings.kql')
    threshold: 0
    windowSize: 'P1D'
    evaluationFrequency: 'P1D'
  }
  {
    name: 'failed-videos'
    description: 'More than 3 videos failed within 15 minutes, not by moderation.'
    severity: 2
    query: loadTextContent('../queries/failed-videos.kql')
    threshold: 3
    windowSize: 'PT15M'
    evaluationFrequency: 'PT5M'
  }
  {
    name: 'stuck-videos'
    description: 'A video that was paid for two hours ago, or accepted 25 hours ago, has not ended.'
    severity: 1
    query: loadTextContent('../queries/stuck-videos.kql')
    threshold: 0
    windowSize: 'P2D'
    evaluationFrequency: 'PT1H'
  }
  {
    name: 'no-sweep'
    description: 'A timer that looks after what was lost has not come to its end for 15 minutes.'
    severity: 1
    query: loadTextContent('../queries/no-sweep.kql')
    threshold: 0
    windowSize: 'P1D'
    evaluationFrequency: 'PT5M'
  }
  {
    name: 'server-errors'
    description: 'More than 5 requests within 15 minutes were answered with an error of ours (5xx).'
    severity: 2
    query: loadTextContent('../queries/server-errors.kql')
    threshold: 5
    windowSize: 'PT15M'
    evaluationFrequency: 'PT5M'
  }
  {
    name: 'refused-submits'
    description: 'A provider answers that the app has no right, or that the model is retired.'
    severity: 1
    query: loadTextContent('../queries/refused-submits.kql')
    threshold: 0
    windowSize: 'PT15M'
    evaluationFrequency: 'PT5M'
  }
  {
    name: 'unresolved-videos'
    description: 'Nobody knows whether a provider took a request; the video waits for a decision.'
    severity: 1
    query: loadTextContent('../queries/unresolved-videos.kql')
    threshold: 0
    windowSize: 'PT15M'
    evaluationFrequency: 'PT5M'
  }
  {
    name: 'unpublished-events'
    description: 'The event topic did not take more than 5 events within 15 minutes.'
    severity: 2
    query: loadTextContent('../queries/unpublished-events.kql')
    threshold: 5
    windowSize: 'PT15M'
    evaluationFrequency: 'PT5M'
  }
  {
    name: 'stalled-drops'
    description: 'A dropped image has become neither a video nor a rejection for more than an hour.'
    severity: 2
    query: loadTextContent('../queries/stalled-drops.kql')
    threshold: 0
    windowSize: 'PT15M'
    evaluationFrequency: 'PT15M'
  }
  {
    name: 'poison-messages'
    description: 'A dropped image that an earlier version had queued was set aside.'
    severity: 2
    query: loadTextContent('../queries/poison-messages.kql')
    threshold: 0
    windowSize: 'PT15M'
    evaluationFrequency: 'PT5M'
  }
  {
    name: 'failed-executions'
    description: 'More than 20 function executions failed within 15 minutes.'
    severity: 3
    query: loadTextContent('../queries/failed-executions.kql')
    threshold: 20
    windowSize: 'PT15M'
    evaluationFrequency: 'PT5M'
  }
  {
    name: 'paid-jobs'
    description: 'More paid jobs within 24 hours than expected.'
    severity: 1
    query: loadTextContent('../queries/paid-jobs.kql')
    threshold: paidJobsPerDay
    windowSize: 'P1D'
    evaluationFrequency: 'PT30M'
  }
  {
    name: 'paid-twice'
    description: 'A provider has made more than one job for a video, or one that no video has.'
    severity: 1
    query: loadTextContent('../queries/paid-twice.kql')
    threshold: 0
    windowSize: 'P1D'
    evaluationFrequency: 'PT1H'
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
      applicationInsightsId
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
