-- Beside `agents`, the warehouse's, which the server's image makes: Dagster's history, Celery's messages.
CREATE DATABASE dagster;
CREATE DATABASE broker;
