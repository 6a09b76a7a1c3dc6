"""The command line: options and words, no figures."""
