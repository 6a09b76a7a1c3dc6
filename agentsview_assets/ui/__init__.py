"""The Dagster UI as `ui` starts it: servers that run no code but ours, behind a guard.

What belongs here: what stands before Dagster's web server, and the processes beside it. What does
not: anything that the UI shows.
"""
