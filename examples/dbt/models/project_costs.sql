SELECT partition_date AS day, project, SUM(cost_usd) AS usd
FROM {{ source('agentsview', 'daily_usage') }}
GROUP BY 1, 2
