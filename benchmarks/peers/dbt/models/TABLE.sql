{{ config(
  materialized = 'incremental',
  incremental_strategy = 'microbatch',
  event_time = '<<partition>>',
  batch_size = 'day',
  begin = '<<first>>',
) }}
<<needs>>
{% set day = model.batch.event_time_start.strftime('%Y-%m-%d') if model.batch else '<<first>>' %}
<<build>>
