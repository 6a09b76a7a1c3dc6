"""A worker of a deployment that spreads its runs over machines: a Celery worker with a watch.

What belongs here: what goes on in a worker's process beside a run. What does not: the run.
"""
