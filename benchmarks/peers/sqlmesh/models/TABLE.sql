MODEL (
  name <<full_name>>,
  kind INCREMENTAL_BY_TIME_RANGE (
    time_column <<partition>>,
    batch_size <<batch>>
  ),
  start '<<first>>',
  end '<<last>>',
  cron '@daily',
  optimize_query FALSE,
  audits (complete_<<table>>)
);

<<build>>
