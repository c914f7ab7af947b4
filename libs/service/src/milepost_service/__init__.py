"""What every HTTP service of Milepost has: problems, strict JSON, credentials, database, server."""
