"""The warehouse in production: BigQuery, through prefect-gcp; the only package that imports google or prefect_gcp."""
