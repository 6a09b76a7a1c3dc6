"""Digests of the rules of this release, by table; written by `docs/make_rules.py`."""

GENERATION = 5
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
    "daily_usage": "e71d3f5bac12",
    "activity_buckets": "9a8546d993ba",
    "session_model_usage": "7e2277308286",
    "session_summaries": "24fb889bea06",
    "landing": "fc43714ac3b4",
    "credentials": "e9eec399665f",
}
