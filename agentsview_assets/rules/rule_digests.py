"""Digests of the rules of this release, by table; written by `docs/make_rules.py`."""

GENERATION = 9
DIGESTS = {
    "sessions": "d166adc23106",
    "usage_rows": "e8d55aca875e",
    "activity_intervals": "44eb09afe1b5",
    "project_observations": "0deb81c5eaf7",
    "machines": "18c08b0d90cf",
    "model_pricing": "2bd60fcd25de",
    "archive_sessions": "a4b62341cae3",
    "duplicates": "39bc3ffc65d1",
    "session_copies": "b8d62fcada57",
    "project_identities": "62dd372c3937",
    "effective_pricing": "bd413b4853fb",
    "model_rates": "a0edd1f08a34",
    "daily_usage": "636ae1f5451c",
    "activity_buckets": "94d1c89d4ae5",
    "session_model_usage": "1452d5ffb9dc",
    "session_summaries": "f37de6b2a970",
    "landing": "b395e995e897",
    "credentials": "e9eec399665f",
}
