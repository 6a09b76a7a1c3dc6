"""Digests of the rules of this release, by table; written by `docs/make_rules.py`."""

GENERATION = 4
DIGESTS = {
    "sessions": "28437d88296f",
    "usage_rows": "9948d4cc6c3d",
    "activity_intervals": "44eb09afe1b5",
    "project_observations": "0deb81c5eaf7",
    "machines": "18c08b0d90cf",
    "model_pricing": "2bd60fcd25de",
    "archive_sessions": "2cbe7a653f0b",
    "duplicates": "39bc3ffc65d1",
    "session_copies": "b8d62fcada57",
    "project_identities": "62dd372c3937",
    "effective_pricing": "bd413b4853fb",
    "model_rates": "a0edd1f08a34",
    "daily_usage": "7a83d0702a9d",
    "activity_buckets": "bb652c3b6136",
    "session_model_usage": "d1af96704a72",
    "session_summaries": "24fb889bea06",
    "landing": "fc43714ac3b4",
    "credentials": "e9eec399665f",
}
