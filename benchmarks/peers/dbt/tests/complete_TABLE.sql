-- depends_on: {{ ref('<<table>>') }}
<<gate>>
